"""The language model that a command asks."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..llm import settings
from ..llm.chat import LLMEngine, Thinking
from ..llm.open import open_llm
from ..llm.server import Limits, LLMServer
from ..told import Told
from .options import option
from .output import Output

if TYPE_CHECKING:
    from ..llm import llamacpp

PANEL = "Language model"
KEYS_FILE = Path(typer.get_app_dir("resonance")) / "llm_keys.json"


@dataclass(frozen=True, kw_only=True)
class LanguageModel:
    """A language model, as the options say."""

    llm: Annotated[
        str,
        typer.Option(
            "--llm",
            metavar="ADDRESS|FILE",
            help="Address of a server that speaks OpenAI's chat API or is TGI (http://127.0.0.1:8080), or a GGUF file.",
            rich_help_panel=PANEL,
        ),
    ] = ""
    llm_model: Annotated[str, option(settings.MODEL, "--llm-model", panel=PANEL, metavar="NAME")] = ""
    keys: Annotated[
        Path,
        typer.Option(
            "--keys",
            metavar="FILE",
            help="Lists the servers on other machines that may be asked, with their keys:"
            ' {"https://api.example.com": {"key": "..."}}. Nothing is sent to any other.',
            rich_help_panel=PANEL,
        ),
    ] = KEYS_FILE
    timeout: Annotated[int, option(settings.TIMEOUT, panel=PANEL)] = settings.TIMEOUT.default
    wait_seconds: Annotated[int, option(settings.WAIT_SECONDS, panel=PANEL)] = settings.WAIT_SECONDS.default
    answer_seconds: Annotated[int, option(settings.ANSWER_SECONDS, panel=PANEL)] = settings.ANSWER_SECONDS.default
    answer_megabytes: Annotated[int, option(settings.ANSWER_MEGABYTES, panel=PANEL)] = settings.ANSWER_MEGABYTES.default
    line_megabytes: Annotated[int, option(settings.LINE_MEGABYTES, panel=PANEL)] = settings.LINE_MEGABYTES.default
    nesting: Annotated[int, option(settings.NESTING, panel=PANEL)] = settings.NESTING.default
    characters_per_token: Annotated[int, option(settings.CHARACTERS_PER_TOKEN, panel=PANEL)] = (
        settings.CHARACTERS_PER_TOKEN.default
    )
    thinking: Annotated[Thinking, option(settings.THINKING, panel=PANEL)] = "auto"
    unload_on_server: Annotated[bool, option(settings.UNLOAD_ON_SERVER, panel=PANEL)] = False
    context: Annotated[int, option(settings.CONTEXT, panel=PANEL)] = settings.CONTEXT.default
    gpu_layers: Annotated[int, option(settings.GPU_LAYERS, panel=PANEL)] = settings.GPU_LAYERS.default

    def which(self) -> "LLMServer | llamacpp.Settings":
        """What is behind ``--llm``. Nothing is asked or loaded yet.

        Raises:
            Told: it is neither an address nor a file, or an option belongs to the other one.
        """
        if self.llm.lower().startswith(("http://", "https://")):
            limits = Limits(**{each.name: getattr(self, each.name) for each in fields(Limits)})
            return LLMServer(
                self.llm,
                self.keys,
                self.llm_model,
                self.timeout,
                limits,
                thinking=self.thinking,
                unload=self.unload_on_server,
            )
        if not (file := Path(self.llm)).is_file():
            raise Told(f"Expected as --llm a server such as http://127.0.0.1:8080 or a GGUF file, got {self.llm!r}.")
        if self.llm_model:
            raise Told("--llm-model names a model on a server: a GGUF file holds only one.")
        if self.unload_on_server:
            raise Told("--unload-on-server is about a model on a server: one from a GGUF file is always unloaded.")
        from ..llm.llamacpp import Settings

        return Settings(file, None, self.context, self.gpu_layers, thinking=self.thinking)

    def open(self, output: Output) -> LLMEngine:
        """Whoever asks it releases it. Raises like :meth:`which` and :func:`resonance.llm.open.open_llm`."""
        return open_llm(self.which(), on_wait=output.waits)


@dataclass(frozen=True, kw_only=True)
class VisionModel(LanguageModel):
    """One that is shown pictures."""

    mmproj: Annotated[
        Path | None,
        typer.Option(
            "--mmproj",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="The projector of a GGUF model that sees pictures.",
            rich_help_panel=PANEL,
        ),
    ] = None

    def which(self) -> "LLMServer | llamacpp.Settings":
        found = super().which()
        if self.mmproj is None:
            return found
        if isinstance(found, LLMServer):
            raise Told("--mmproj belongs to a GGUF file: a server is started with its own.")
        return replace(found, mmproj=self.mmproj)
