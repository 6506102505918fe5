"""The language model that a command asks."""

from pathlib import Path
from typing import Annotated

import typer

from ..llm.chat import Engine
from ..told import Told

PANEL = "Language model"
KEYS_FILE = Path(typer.get_app_dir("resonance")) / "llm_keys.json"

LLM = Annotated[
    str,
    typer.Option(
        "--llm",
        metavar="ADDRESS|FILE",
        help="Address of a server that speaks OpenAI's chat API or is TGI (http://127.0.0.1:8080), or a GGUF file.",
        rich_help_panel=PANEL,
    ),
]
ModelName = Annotated[
    str,
    typer.Option(
        "--model", help="Name of the model on that server; else the first that it lists.", rich_help_panel=PANEL
    ),
]
MMProj = Annotated[
    Path | None,
    typer.Option(
        "--mmproj",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="The projector of a GGUF model that sees pictures.",
        rich_help_panel=PANEL,
    ),
]
Keys = Annotated[
    Path,
    typer.Option(
        "--keys",
        metavar="FILE",
        help='Lists the servers off this machine that may be asked, with their keys: {"https://api.example.com": {"key": '
        '"..."}}. Nothing is sent to any other.',
        rich_help_panel=PANEL,
    ),
]
Timeout = Annotated[
    int,
    typer.Option(
        "--timeout", min=1, help="Seconds to wait for the next piece of a server's answer.", rich_help_panel=PANEL
    ),
]
Context = Annotated[
    int,
    typer.Option(
        "--context",
        min=512,
        help="GGUF: tokens of question and answer together. A picture takes 256 to 3000.",
        rich_help_panel=PANEL,
    ),
]
GPULayers = Annotated[
    int,
    typer.Option(
        "--gpu-layers", min=-1, help="GGUF: how many layers run on the GPU; -1: all, 0: none.", rich_help_panel=PANEL
    ),
]
Temperature = Annotated[
    float,
    typer.Option("--temperature", min=0.0, max=2.0, help="0: always the likeliest word.", rich_help_panel=PANEL),
]
TopP = Annotated[
    float,
    typer.Option(
        "--top-p",
        min=0.01,
        max=1.0,
        help="Draws from the likeliest words that together have this share; 1: from all.",
        rich_help_panel=PANEL,
    ),
]
MaxTokens = Annotated[
    int, typer.Option("--max-tokens", min=1, help="The answer is cut off after so many.", rich_help_panel=PANEL)
]

Seed = Annotated[int, typer.Option("--seed", min=0, help="Another seed, another answer.", rich_help_panel=PANEL)]


def opened(
    llm: str, model: str, mmproj: Path | None, keys: Path, timeout: int, context: int, gpu_layers: int
) -> Engine:
    """The language model behind an address or in a file. Whoever asks it releases it.

    Raises:
        LLMError: it is not there, may not be asked, or cannot be loaded.
        Told: ``llm`` is neither an address nor a file, or an option belongs to the other one.
    """
    if llm.lower().startswith(("http://", "https://")):
        if mmproj:
            raise Told("--mmproj belongs to a GGUF file: a server is started with its own.")
        from ..llm.http import connect

        return connect(llm, model, timeout, keys)
    if not (file := Path(llm)).is_file():
        raise Told(f"Expected as --llm a server such as http://127.0.0.1:8080 or a GGUF file, got {llm!r}.")
    if model:
        raise Told("--model names a model on a server: a GGUF file holds only one.")
    from ..drive.embedded.describer import opened
    from ..llm.llamacpp import Settings

    return opened(Settings(file, mmproj, context, gpu_layers))
