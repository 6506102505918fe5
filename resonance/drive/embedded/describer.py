"""Pictures into words without ComfyUI: a tagger of the library, a language model, or both."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path

from PIL import Image

from ...interpret.describe import Tag, tag_with
from ...interpret.taggers import open as opening
from ...interpret.taggers.models import EngineChoice
from ...interpret.taggers.select import Choice, Text
from ...llm import caption, llamacpp
from ...llm.chat import Sampling, ask
from ...llm.open import open_llm
from ...llm.server import LLMServer
from ...session.item import Words
from ...told import NoLibrary, Told

log = logging.getLogger(__name__)

TOYWORLD = "toyworld"
"""Names the tagger and the model of :mod:`resonance.toyworld`."""

NEEDS = {"torch": ("timm", "requirements.txt"), "onnx": ("onnxruntime", "requirements-onnx.txt")}
"""What each engine for taggers needs, and the file that installs it."""


@dataclass(frozen=True, kw_only=True)
class Tagging:
    """How tags are found.

    Attributes:
        tagger: a name of the table of taggers, a tagger's folder, or :data:`TOYWORLD`.
        roots: folders in which names are looked for, the one for new files first.
        thresholds: instead of the tagger's own, by category; 0..1.
        mcut, exclude: as in :class:`resonance.interpret.taggers.select.Choice`.
        text: how tags are written. Parentheses mean nothing to diffusers and are not escaped.
        download: fetch the missing files of a known tagger.
    """

    tagger: str
    _: KW_ONLY
    roots: tuple[Path, ...] = ()
    engine: EngineChoice = "auto"
    thresholds: Mapping[str, float] = field(default_factory=dict[str, float])
    mcut: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    text: Text = Text(escape=False)
    download: bool = False


@dataclass(frozen=True, kw_only=True)
class Captioning:
    """How captions are written, as in Caption Images. The seed of an answer is the item's."""

    llm: LLMServer | llamacpp.Settings
    _: KW_ONLY
    instruction: str = caption.INSTRUCTION
    system: str = caption.SYSTEM
    sampling: Sampling = Sampling(max_tokens=200)
    stop: tuple[str, ...] = ()
    longest_side: int = 1024
    one_line: bool = True
    sentences: bool = True


class Describer:
    """Both, loaded.

    Args:
        device: where a torch tagger runs.
        interrupted: asked while a server of a language model is waited for.

    Raises:
        Interrupted: ``interrupted`` returned True.
        LLMError: the language model cannot be reached or loaded.
        NoLibrary: a library is missing; the text says how to install it.
        Told: there is no such tagger, it is broken, or files of it are missing or could not be fetched.
    """

    def __init__(
        self,
        tagging: Tagging | None,
        captioning: Captioning | None,
        device: str,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        self.captioning = captioning
        self._tag = tagger_of(tagging, device)[0] if tagging else None
        self._llm = open_llm(captioning.llm, interrupted, log.warning) if captioning else None

    def words(self, picture: Image.Image, seed: int, interrupted: Callable[[], bool]) -> Words:
        """What is said about a picture.

        Args:
            interrupted: asked while the language model writes.

        Raises:
            Interrupted, LLMError: see :func:`resonance.llm.chat.ask`.
        """
        tags = self._tag([picture])[0][0] if self._tag else ""
        return Words(tags, self._caption(picture, seed, interrupted))

    def close(self) -> None:
        if self._llm and (note := self._llm.release(unload=True)):
            log.warning("%s", note)

    def _caption(self, picture: Image.Image, seed: int, interrupted: Callable[[], bool]) -> str:
        how = self.captioning
        if not (how and self._llm):
            return ""
        sampling = replace(how.sampling, seed=seed)
        request = caption.caption_request(picture, how.instruction, how.system, sampling, how.stop, how.longest_side)
        answer = ask(self._llm, request, interrupted=interrupted, on_wait=log.warning)
        return caption.caption_text(answer, how.one_line, how.sentences)


def tagger_of(tagging: Tagging, device: str) -> tuple[Tag, int]:
    """A tagger, loaded, and how many pictures it should get at once.

    Raises:
        NoLibrary: a library is missing; the text says how to install it.
        Told: there is no such tagger, it is broken, or files of it are missing or could not be fetched.
    """
    folder = Path(tagging.tagger)
    if tagging.tagger == TOYWORLD:
        folder = Path(__file__).parents[2] / "toyworld" / "tagger"
    roots = (folder.parent,) if folder.is_dir() else tagging.roots
    if not roots:
        raise Told(f"There is no folder {folder}: name a tagger's folder, or the folder that holds taggers.")
    where = "cpu" if device == "cpu" else "auto"
    tagger = opening.find(folder.name, roots, tagging.engine, where, tagging.download)
    try:
        opened = opening.load(tagger, opening.on(device))
    except NoLibrary as error:
        library, file = NEEDS[tagger.engine]
        raise NoLibrary(f"The tagger needs {library}. Run: pip install -r {file}") from error
    choice = Choice({**dict(tagger.model.thresholds), **tagging.thresholds}, tagging.mcut, tagging.exclude)
    return tag_with(opened.engine, choice, tagging.text), opened.batch
