"""`resonance report`."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from ..gallery import page
from ..session.owning import Busy
from ..session.query import base_of, sessions
from ..session.rebuild import SMALL, Rebuilt, rebuild
from ..session.status import FILE
from ..told import Told
from .options import First, grouped
from .output import AsJSON, Debug, Output, interruptible
from .places import PlaceOptions

SHOWN = 5
"""Pictures that could not be placed and are named."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("report", no_args_is_help=True)(grouped(report))


def report(
    session: Annotated[
        str, typer.Argument(metavar="SESSION", help="The session's folder, or its name below the output folder.")
    ],
    first: First = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The page. Default: report.html in the session's folder."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many lineages the page shows.")] = page.LIMIT,
    open_: Annotated[bool, typer.Option("--open", help="Open the page.")] = False,
    rebuild_: Annotated[
        bool,
        typer.Option(
            "--rebuild", help="First rebuild the session's ledger from what its pictures say about themselves."
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Rebuild even if the ledger is in order. The old one is kept beside it.")
    ] = False,
    as_json: AsJSON = False,
    debug: Debug = False,
    *,
    options: PlaceOptions,
) -> None:
    """Writes a session as one HTML page: each lineage from left to right, with its words and how it drifted.

    resonance report holiday --open

    resonance report holiday --rebuild
    """
    say = Output(as_json, debug)
    with say.errors(), interruptible():
        places = options.places()
        folder = _find(session, places.output)
        if rebuild_:
            _rebuild(say, folder, force)
        roots = {"pictures": Path.cwd(), **(places.first(first)[1] if first else places.roots), "output": folder.parent}
        roots["archive"] = base_of(folder)
        place = out or folder / "report.html"
        with Progress(console=say.console, transient=True) as bar:
            task = bar.add_task("Lineages")
            page.write(folder, place, roots, limit, lambda done, all_: bar.update(task, completed=done, total=all_))
        say.event("report", file=str(place.absolute()))
        say.say(f"{place}")
        if open_:
            typer.launch(str(place.absolute()))


def _find(session: str, output: Path) -> Path:
    """The session's folder. Raises Told."""
    places = [place for place in (Path(session), output / session) if place.is_dir()]
    if places:
        return next((place for place in places if (place / FILE).is_file()), places[-1]).resolve()
    known = ", ".join(folder.name for folder in sessions(output)) or "none"
    raise Told(
        f"There is no session {session!r}: neither a folder of that name here nor one in {output}. Sessions there: {known}."
    )


def _rebuild(say: Output, folder: Path, force: bool) -> None:
    try:
        with Progress("Pictures read: {task.completed}", console=say.console, transient=True) as bar:
            task = bar.add_task("", total=None)
            made = rebuild(folder, force, lambda count: bar.update(task, completed=count))
    except Busy as owner:
        raise Told(
            f"Session {folder.name!r} is open in another program ({owner}). Stop it there before its ledger is made anew."
        ) from None
    say.event(
        "rebuilt", rounds=made.rounds, items=made.items, pictures=made.pictures, seed=made.seed, left=len(made.left)
    )
    for text in _told(made):
        say.say(text)


def _told(made: Rebuilt) -> list[str]:
    told = [f"Ledger made anew: {made.rounds} rounds, {made.items} items, {made.pictures} pictures."]
    if made.kept:
        told.append(f"The old one is {made.kept}.")
    if made.seed is None:
        told.append(
            f"The session's seed is not known (no graph in a picture names it, and it is not below {SMALL:,}). Each picture"
            " keeps its own; what is yet to be painted gets seeds that follow from 0."
        )
    if made.left:
        told.append(f"{len(made.left)} files are not in it:")
        reasons = Counter(why for _, why in made.left)
        told += [f"  {file} {why}" for file, why in made.left[:SHOWN]]
        told += [f"  … ({', '.join(f'{count} × {why}' for why, count in reasons.most_common(SHOWN))})"] * (
            len(made.left) > SHOWN
        )
    return told
