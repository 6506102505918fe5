"""What can be set about a language model that lays out a picture."""

from dataclasses import replace

from ..llm import settings
from ..settings import Setting

GRAMMAR = Setting(
    name="force_grammar",
    default=True,
    tip="Hold the answer to its form where the engine can: a GGUF file and llama.cpp's server always, other servers only for"
    " json. A GGUF file writes nearly as fast as without.",
)
MAX_TOKENS = replace(
    settings.MAX_TOKENS,
    default=4096,
    low=128,
    tip="The answer is cut off after this many tokens; regions that are complete by then are used. A region takes 100 to 300.",
)
TEMPERATURE = replace(settings.TEMPERATURE, default=0.6)
TOP_P = replace(settings.TOP_P, default=0.9)
SEED = replace(settings.SEED, tip="Another seed gives another layout.")
