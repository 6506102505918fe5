"""Options: made from the library's settings, gathered into objects, and those that several commands have."""

import functools
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_origin, get_type_hints

import typer

from .. import prompt
from ..drive.embedded import settings as painting
from ..interpret.taggers import settings
from ..session.naming import FolderRule, NameRule
from ..settings import Setting

HERE, TEXT, FILES, BEGIN = "In this process, without ComfyUI", "The text", "Files", "A new session"
"""Panels of the help."""


def option(setting: Setting[Any], *names: str, panel: str, **more: Any) -> Any:
    """The option that sets this.

    Args:
        names: how it is spelled, where that is not the setting's name.
        more: what else :func:`typer.Option` takes.
    """
    spelled = names or (f"--{setting.name.replace('_', '-')}",)
    return typer.Option(*spelled, min=setting.low, max=setting.high, help=setting.tip, rich_help_panel=panel, **more)


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Lets a command take dataclasses: Typer sees their annotated fields as options, the command gets whole objects."""
    parameters: list[Parameter] = []
    groups: dict[str, tuple[Any, list[str]]] = {}
    for parameter in signature(command).parameters.values():
        group = parameter.annotation
        if not is_dataclass(group):
            parameters.append(parameter.replace(kind=Parameter.KEYWORD_ONLY))
            continue
        hints = get_type_hints(group, include_extras=True)
        given = [field for field in fields(group) if get_origin(hints[field.name]) is Annotated]
        groups[parameter.name] = group, [field.name for field in given]
        for field in given:
            default = Parameter.empty if field.default is MISSING else field.default
            parameters.append(
                Parameter(field.name, Parameter.KEYWORD_ONLY, default=default, annotation=hints[field.name])
            )

    @functools.wraps(command)
    def called(**values: Any) -> None:
        objects = {
            name: group(**{field: values.pop(field) for field in names}) for name, (group, names) in groups.items()
        }
        command(**values, **objects)

    called.__dict__["__signature__"] = Signature(parameters)
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return called


Session = Annotated[str, typer.Argument(metavar="SESSION", help="The session's name: a folder in the output folder.")]
First = Annotated[
    str,
    typer.Option(
        "--first",
        metavar="FOLDER",
        help="Folder of the first round's pictures: on disk, or as Round Input has it. Needed once, and again where it lies"
        " outside ComfyUI's folders.",
    ),
]
Workflow = Annotated[
    Path | None,
    typer.Option(
        "--workflow",
        metavar="FILE",
        help="A workflow with Round Input (to explore: Explore) and Round Output, or to vary with Vary, exported as API, or a"
        " picture that carries one. Default: the one that the session was last run with.",
    ),
]
Folder = Annotated[
    FolderRule | None,
    typer.Option(
        "--folder",
        help="Folders of pictures, as in Round Output. Default: as the workflow says, else prompt hash.",
        rich_help_panel=FILES,
    ),
]
Names = Annotated[
    NameRule | None,
    typer.Option(
        "--names",
        help="Names of pictures, as in Round Output. Default: as the workflow says, else variation.",
        rich_help_panel=FILES,
    ),
]
Waits = Annotated[
    str,
    typer.Option(
        "--waits",
        metavar="A,B,C",
        help="Seconds in which a graphics card cools down: after each picture, each third, each ninth.",
    ),
]
Remake = Annotated[bool, typer.Option("--remake", help="Make pictures again that were thrown away between rounds.")]
Retry = Annotated[bool, typer.Option("--retry", help="Give what failed or could not be read three new attempts.")]
Take = Annotated[
    bool,
    typer.Option(
        "--take",
        help="If a --server is working on the session, let it finish its picture and take the session over.",
    ),
]
Tagger = Annotated[
    str,
    typer.Option(
        "--tagger",
        metavar="NAME|FOLDER",
        help="A tagger: its folder, or the name of one below --taggers, or toyworld.",
        rich_help_panel=HERE,
    ),
]
Taggers = Annotated[
    Path | None,
    typer.Option(
        "--taggers",
        metavar="FOLDER",
        help="The folder that holds taggers. Default: ComfyUI's models/taggers.",
        rich_help_panel=HERE,
    ),
]
Device = Annotated[str, option(painting.DEVICE, panel=HERE)]
Download = Annotated[bool, option(settings.DOWNLOAD, panel=HERE)]
Preamble = Annotated[str, option(prompt.PREAMBLE, panel=TEXT)]
Suffix = Annotated[str, option(prompt.SUFFIX, panel=TEXT)]
Banned = Annotated[str, option(prompt.BANNED, panel=TEXT, metavar="TAGS")]
