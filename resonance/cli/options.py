"""Options: made from the library's settings, gathered into objects, and those that several commands have."""

import functools
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from .. import prompt
from ..interpret.taggers import settings
from ..settings import Setting

HERE, TEXT = "In this process, without ComfyUI", "The text"
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
    """Lets a command take frozen dataclasses: Typer sees their fields as options, the command gets whole objects."""
    parameters: list[Parameter] = []
    groups: dict[str, Any] = {}
    for parameter in signature(command).parameters.values():
        group = parameter.annotation
        if not is_dataclass(group):
            parameters.append(parameter.replace(kind=Parameter.KEYWORD_ONLY))
            continue
        groups[parameter.name] = group
        hints = get_type_hints(group, include_extras=True)
        for field in fields(group):
            parameters.append(
                Parameter(field.name, Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name])
            )

    @functools.wraps(command)
    def called(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        command(**values)

    called.__dict__["__signature__"] = Signature(parameters)
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return called


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
Device = Annotated[str, typer.Option("--device", help="auto, cuda, cuda:1, mps, xpu or cpu.", rich_help_panel=HERE)]
Download = Annotated[bool, option(settings.DOWNLOAD, panel=HERE)]
Preamble = Annotated[str, option(prompt.PREAMBLE, panel=TEXT)]
Suffix = Annotated[str, option(prompt.SUFFIX, panel=TEXT)]
Banned = Annotated[str, option(prompt.BANNED, panel=TEXT, metavar="TAGS")]
