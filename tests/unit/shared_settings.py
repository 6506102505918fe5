"""What a node and a command both offer."""

from typing import Any, NamedTuple

from resonance import prompt
from resonance.canvas import settings as canvas
from resonance.interpret.taggers import settings as taggers
from resonance.llm import settings as llm
from resonance.session import settings as session
from resonance.settings import Setting


class Shared(NamedTuple):
    node: str
    command: str
    setting: Setting[Any]
    option: str


OTHERWISE = {
    taggers.ORDER: "--tag-order",
    taggers.SPACES: "--spaces",
    taggers.ESCAPE: "--escape",
    canvas.GRAMMAR: "--grammar",
    llm.MODEL: "--llm-model",
    session.ORDER: "--picture-order",
}
"""Options that are not spelled as the node's input."""

TAGS = (
    *(taggers.GENERAL_THRESHOLD, taggers.CHARACTER_THRESHOLD, taggers.GENERAL_MCUT, taggers.CHARACTER_MCUT),
    *(
        taggers.EXCLUDE,
        taggers.REPLACE,
        taggers.ORDER,
        taggers.MAXIMUM,
        taggers.WRITTEN,
        taggers.SPACES,
        taggers.ESCAPE,
    ),
    taggers.SEPARATOR,
)
CAPTIONS = (
    *(llm.INSTRUCTION, llm.SYSTEM, llm.MAX_TOKENS, llm.TEMPERATURE, llm.TOP_P, llm.TOP_K, llm.SEED),
    llm.LONGEST_SIDE,
)
LAYOUT = (canvas.GRAMMAR, canvas.MAX_TOKENS, canvas.TEMPERATURE, canvas.TOP_P, canvas.SEED)
COMPOSED = (prompt.PREAMBLE, prompt.SUFFIX, prompt.BANNED)

SHARED = [
    Shared(node, command, setting, OTHERWISE.get(setting, "--" + setting.name.replace("_", "-")))
    for node, commands, settings in (
        ("ResonanceLoadTagger", ("describe",), (taggers.ENGINE, taggers.DOWNLOAD)),
        ("ResonanceLoadTagger", ("rounds",), (taggers.DOWNLOAD,)),
        ("ResonanceTagImages", ("describe",), TAGS),
        ("ResonanceConnectLLM", ("describe", "canvas", "rounds"), (llm.MODEL, llm.TIMEOUT, *llm.LIMITS)),
        ("ResonanceLoadLLM", ("describe", "canvas", "rounds"), (llm.CONTEXT, llm.GPU_LAYERS)),
        ("ResonanceCaptionImages", ("describe",), CAPTIONS),
        ("ResonanceCanvasChat", ("canvas",), LAYOUT),
        ("ResonanceComposePrompt", ("describe", "rounds"), COMPOSED),
        ("ResonanceComposePrompt", ("rounds",), (prompt.NEGATIVE,)),
        ("ResonanceComposePrompt", ("describe",), (prompt.CAPTION_WEIGHTS,)),
        ("ResonanceRoundInput", ("rounds",), (session.ORDER, session.START, session.COUNT)),
    )
    for command in commands
    for setting in settings
]
