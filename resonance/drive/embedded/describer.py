"""Pictures into words without ComfyUI: a tagger of the library, a language model, or both."""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path

from PIL import Image

from ...interpret.taggers import download, engine
from ...interpret.taggers.engine import EngineChoice, Tagger
from ...interpret.taggers.select import Choice, Text, choose, write
from ...interpret.taggers.torch_engine import TorchTagger
from ...llm import caption, http, llamacpp
from ...llm.chat import Abilities, Answer, Engine, OnText, Request, Sampling, ask
from ...session.item import Words
from ...told import NoLibrary, Told

TOYWORLD = "toyworld"
"""Names the tagger and the model of :mod:`resonance.toyworld`."""

NEEDS = {"torch": ("timm", "requirements.txt"), "onnx": ("onnxruntime", "requirements-onnx.txt")}
"""What each engine for taggers needs, and the file that installs it."""


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Server:
    """A language model behind an address, see :func:`resonance.llm.http.connect`."""

    address: str
    keys: Path
    model: str = ""
    timeout: float = 120.0


@dataclass(frozen=True)
class Captioning:
    """How captions are written, as in Caption Images. The seed of an answer is the item's."""

    llm: Server | llamacpp.Settings
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

    Raises:
        LLMError: the language model cannot be reached or loaded.
        NoLibrary: a library is missing; the text says how to install it.
        Told: there is no such tagger, it is broken, or files of it are missing or could not be fetched.
    """

    def __init__(self, tagging: Tagging | None, captioning: Captioning | None, device: str) -> None:
        self.tagging, self.captioning = tagging, captioning
        self._tagger = found(tagging) if tagging else None
        self._engine = _loaded(self._tagger) if self._tagger else None
        if isinstance(self._engine, TorchTagger):
            self._engine.model.to(device)
        self._llm = opened(captioning.llm) if captioning else None

    def words(self, picture: Image.Image, seed: int, interrupted: Callable[[], bool]) -> Words:
        """What is said about a picture.

        Args:
            interrupted: asked while the language model writes.

        Raises:
            Interrupted, LLMError: see :func:`resonance.llm.chat.ask`.
        """
        return Words(self._tags(picture), self._caption(picture, seed, interrupted))

    def close(self) -> None:
        if self._llm:
            self._llm.release(unload=True)

    def _tags(self, picture: Image.Image) -> str:
        if not (self.tagging and self._tagger and self._engine):
            return ""
        thresholds = {**dict(self._tagger.model.thresholds), **self.tagging.thresholds}
        choice = Choice(thresholds, self.tagging.mcut, self.tagging.exclude)
        return write(choose(self._engine.scores([picture])[0], self._engine.labels, choice), self.tagging.text)

    def _caption(self, picture: Image.Image, seed: int, interrupted: Callable[[], bool]) -> str:
        how = self.captioning
        if not (how and self._llm):
            return ""
        sampling = replace(how.sampling, seed=seed)
        request = caption.caption_request(picture, how.instruction, how.system, sampling, how.stop, how.longest_side)
        answer = ask(self._llm, request, interrupted=interrupted)
        return caption.caption_text(answer, how.one_line, how.sentences)


def found(tagging: Tagging) -> Tagger:
    """The tagger that is asked for, with all its files.

    Raises:
        Told: there is no such tagger, or files of it are missing or could not be fetched.
    """
    folder = Path(tagging.tagger)
    if tagging.tagger == TOYWORLD:
        folder = Path(__file__).parents[2] / "toyworld" / "tagger"
    roots = (folder.parent,) if folder.is_dir() else tagging.roots
    if not roots:
        raise Told(f"There is no folder {folder}: name a tagger's folder, or the folder that holds taggers.")
    tagger = engine.find(folder.name, roots, tagging.engine)
    model = tagger.model
    if tagger.missing and tagging.download and model.repo:
        prefix = f"{model.subfolder}/" if model.subfolder else ""
        files = {prefix + name: name for name in tagger.missing}
        download.fetch(model.repo, files, tagger.folder, lambda name, done, total: None)
    if tagger.missing:
        raise Told(engine.explain_missing(tagger, roots))
    return tagger


def _loaded(tagger: Tagger) -> engine.Engine:
    try:
        return engine.load(tagger)
    except NoLibrary as error:
        library, file = NEEDS[tagger.engine]
        raise NoLibrary(f"The tagger needs {library}. Run: pip install -r {file}") from error


def opened(llm: Server | llamacpp.Settings) -> Engine:
    """A language model that can be asked.

    Raises:
        LLMError: nobody is there, or the model cannot be loaded.
    """
    if isinstance(llm, Server):
        return http.connect(llm.address, llm.model, llm.timeout, llm.keys)
    return _GGUF(llamacpp.Model(llm))


@dataclass(frozen=True)
class _GGUF:
    """A GGUF file in this process."""

    model: llamacpp.Model

    @property
    def name(self) -> str:
        return self.model.settings.name

    @property
    def abilities(self) -> Abilities:
        return self.model.settings.abilities

    def chat(self, request: Request, on_text: OnText, interrupted: Callable[[], bool]) -> Answer:
        return self.model.chat(request, on_text, interrupted)

    def release(self, unload: bool = False) -> None:
        if unload:
            self.model.close()
