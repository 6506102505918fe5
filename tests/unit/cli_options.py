"""The options of the commands, as Typer gets them."""

from inspect import signature
from typing import Any, NamedTuple, get_args

from typer.models import OptionInfo

from resonance.cli.app import app

COMMANDS = {command.name or "": command for command in app.registered_commands}


class Option(NamedTuple):
    names: list[str]
    default: Any
    info: OptionInfo
    choices: tuple[Any, ...]


def options(command: str) -> list[Option]:
    callback = COMMANDS[command].callback
    assert callback
    found: list[Option] = []
    for parameter in signature(callback).parameters.values():
        kind, info = get_args(parameter.annotation) or (None, None)  # Typer's own context is not annotated
        if isinstance(info, OptionInfo):
            # In an annotation the first name takes the place of the default.
            spelled = [info.default, *(info.param_decls or ())]
            names = [name for each in spelled for name in str(each).split("/")]
            found.append(Option(names, parameter.default, info, get_args(kind) if kind not in (int, str) else ()))
    return found
