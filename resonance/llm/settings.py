"""What can be set about language models. Their sampling is that of captions; :mod:`resonance.canvas.settings` has its own."""

from ..settings import Setting
from . import caption

MODEL = Setting(
    name="model",
    default="",
    tip="Name of the model on the server. Empty: the first listed that writes or, for pictures, that sees.",
)
TIMEOUT = Setting(
    name="timeout",
    default=120,
    low=1,
    high=3600,
    tip="Seconds to wait for the next piece of a server's answer, reading the picture included.",
)
WAIT_SECONDS = Setting(
    name="wait_seconds",
    default=600,
    low=0,
    high=86400,
    tip="Seconds to wait, in all, for a server that is loading its model or has too much to do (503, 429). 0: not at all.",
    advanced=True,
)
ANSWER_SECONDS = Setting(
    name="answer_seconds",
    default=600,
    low=1,
    high=86400,
    tip="Most seconds that a whole answer may take; where timeout is more, that many.",
    advanced=True,
)
ANSWER_MEGABYTES = Setting(
    name="answer_megabytes",
    default=16,
    low=1,
    high=1024,
    tip="Most megabytes of a server's answer. A larger one is given up.",
    advanced=True,
)
LINE_MEGABYTES = Setting(
    name="line_megabytes",
    default=1,
    low=1,
    high=1024,
    tip="Most megabytes in one line of a server's answer.",
    advanced=True,
)
NESTING = Setting(
    name="nesting",
    default=100,
    low=10,
    high=500,
    tip="How deeply the JSON of a server's answer may be nested.",
    advanced=True,
)
CHARACTERS_PER_TOKEN = Setting(
    name="characters_per_token",
    default=8,
    low=1,
    high=1000,
    tip="Most characters of an answer for each of max_tokens, beside 4,000: some servers do not stop at max_tokens.",
    advanced=True,
)
THINKING = Setting(
    name="thinking",
    default="auto",
    choices=("auto", "off", "low", "on"),
    tip="Whether the model thinks before it answers, where it can be told. auto: as it does by itself. Thinking takes tokens of"
    " max_tokens, and time.",
    advanced=True,
)
UNLOAD_ON_SERVER = Setting(
    name="unload_on_server",
    default=False,
    tip="Ask the server to free the model's memory once whoever asks is done. Ollama, LM Studio and llama.cpp's server with"
    " several models can do that; of any other it is said that it keeps the model.",
    advanced=True,
)
LIMITS = (WAIT_SECONDS, ANSWER_SECONDS, ANSWER_MEGABYTES, LINE_MEGABYTES, NESTING, CHARACTERS_PER_TOKEN)
CONTEXT = Setting(
    name="context",
    default=8192,
    low=512,
    high=1048576,
    step=512,
    tip="Tokens of conversation and answer together, for a GGUF file. A picture takes 256 to 3000. More costs memory.",
)
GPU_LAYERS = Setting(
    name="gpu_layers",
    default=-1,
    low=-1,
    high=1000,
    tip="How many layers of a GGUF file run on the GPU: -1 all, 0 none. Lower it if memory runs out.",
)

INSTRUCTION = Setting(name="instruction", default=caption.INSTRUCTION, tip="What to say about the picture.")
SYSTEM = Setting(
    name="system",
    default=caption.SYSTEM,
    tip="How to answer. Goes before the instruction for models without a system prompt; may be empty.",
)
MAX_TOKENS = Setting(
    name="max_tokens", default=200, low=1, high=32768, tip="The answer is cut off after this many tokens."
)
TEMPERATURE = Setting(
    name="temperature", default=0.3, low=0.0, high=2.0, step=0.05, tip="0: always the likeliest token."
)
TOP_P = Setting(
    name="top_p",
    default=0.95,
    low=0.01,
    high=1.0,
    step=0.01,
    tip="Draw from the likeliest tokens that together have this probability. 1: from all.",
)
TOP_K = Setting(
    name="top_k", default=40, low=0, high=1000, tip="Draw from this many of the likeliest tokens. 0: from all."
)
SEED = Setting(
    name="seed",
    default=0,
    low=0,
    high=0xFFFFFFFFFFFFFFFF,
    tip="The same for every picture, so that a picture's caption does not depend on its place.",
)
LONGEST_SIDE = Setting(
    name="longest_side",
    default=1024,
    low=64,
    high=8192,
    step=32,
    tip="Larger pictures are sent smaller: their longest side in pixels. Smaller ones are read faster.",
)
