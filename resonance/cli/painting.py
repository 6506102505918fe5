"""gen_img's command lines, driven from a shell."""

import asyncio
import hashlib
import secrets
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from ..drive.exploration import Paced
from ..drive.job import Engine
from ..drive.models import LocalNames
from ..drive.session import Jobs, opened
from ..drive.workflow import ItemWorkflow
from ..files import store, texts
from ..files.names import check_name, writable
from ..gen_img import checks, options
from ..gen_img.command_line import CommandLine
from ..gen_img.pictures import Given, given
from ..graph import has_stages
from ..paint.lines import PromptText, read_lines
from ..paint.shots import Widgets
from ..paint.wildcards import WildcardFiles
from ..session.chain import WrongKind
from ..session.fill.asked_lines import COPIES, LARGEST_FILE, LARGEST_TEXT, AskedLines
from ..session.naming import Naming
from ..session.query import Known, known
from ..told import Told
from ..vary.waits import NO_WAITS
from .driving import drive_and_show, ledger_of
from .engines import Build, ComfyServers, Engines
from .output import INTERRUPTED, Output, interruptible
from .paint_engines import HALVES, engines_for, is_embedded, meet, name_rule, recipe_for
from .paint_options import Own
from .places import Places, find_comfyui
from .session import take

SIDE, SDXL_SIDE = 512, 1024
MULTIPLE = 8
"""Sides are multiples of it, in pixels."""
STRENGTH = 0.8


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is painted and by what.

    Attributes:
        folder: of the session.
        inputs: what Prompt Lines is set to, but for the lines.
        recipe: None where there is no ComfyUI.
    """

    line: CommandLine
    own: Own
    folder: Path
    places: Places
    seed: int
    pictures: Given
    inputs: Mapping[str, Any]
    recipe: LocalNames | ItemWorkflow | None
    engines: Engines
    builds: Sequence[Build]
    out: Output

    @property
    def asked(self) -> Mapping[str, Any]:
        return self.line.asked

    @property
    def in_two_passes(self) -> bool:
        return self.recipe is not None and has_stages(self.recipe.graph)


def run(line: CommandLine, own: Own, servers: ComfyServers, out: Output) -> None:
    """Paints until all is made, or until Ctrl-C.

    Raises:
        Told: something is wrong with what was asked for, or another program has the session.
    """
    options.refuse(line.given)
    comfyui = find_comfyui(own.comfyui)
    if is_embedded(line, own, servers, comfyui):
        if idle := [f"--{name}" for name in line.given if options.OPTIONS[name].core and name not in HALVES]:
            out.say(f"{', '.join(idle)}: nothing to set without ComfyUI.")
    else:
        for remark in options.remarks(line.given):
            out.say(remark)
    for name in ("W", "H"):
        if (side := line.given.get(name, 0)) % MULTIPLE:
            out.say(f"--{name} {side} is read as {side // MULTIPLE * MULTIPLE}.")
    if line.asked["interactive"] and (line.file or line.given.keys() & {"prompt", "from_file"}):
        out.say("--interactive asks for lines: those that the command line gives are passed over.")
    text = None if line.asked["interactive"] else _text(line)
    work = _prepared(line, own, servers, comfyui, text, out)
    if text and text.strip():  # what is wrong with them is said before anything is started
        lines = read_lines(text, WildcardFiles(_wildcards(work.places)))
        text = _with_seed(lines, text, work) if "seed" in line.given else text
    with interruptible(), asyncio.Runner() as runner:
        stack = AsyncExitStack()
        ready = runner.run(stack.enter_async_context(work.engines.opened(work.builds)))
        try:
            request = runner.run(meet(work.recipe, ready, work.asked["network_show_meta"], out))
            if text is None:
                _interactive(work, ready, request, runner)
            else:
                fill = _fill(work, request, text, follow="seed" not in line.given)
                runner.run(_paint(work, fill, ready, request))
        finally:
            runner.run(stack.aclose())


# What is asked for


def _text(line: CommandLine) -> str:
    """The lines; empty: pictures that are started from say what to paint."""
    asked = line.asked
    if line.file == "-":
        return texts.decoded(sys.stdin.buffer.read(LARGEST_FILE + 1), LARGEST_FILE, "What comes through the pipe")
    named = [name for name in (line.file, asked["from_file"]) if name]
    if len(named) > 1:
        raise Told(f"{named[0]} and --from_file both name a file of lines: pass one of them.")
    if named:
        return texts.read_text(Path(named[0]).expanduser(), LARGEST_FILE, named[0])
    if asked["prompt"] is not None:
        return " ".join(asked["prompt"].split("\n"))
    if not asked["image_path"]:
        raise Told(
            "What is to be painted? Name a file of lines, pass --prompt or --interactive, or - to read what another program prints."
        )
    return ""


def _prepared(
    line: CommandLine, own: Own, servers: ComfyServers, comfyui: Path | None, text: str | None, out: Output
) -> Work:
    """Everything that can be known before the session is touched. Raises Told."""
    folder = Path(line.asked["outdir"]).expanduser().absolute()
    check_name(folder.name, "folder of --outdir")
    base = comfyui or Path.cwd()
    places = Places(comfyui, (own.input_ or base / "input").absolute(), folder.parent)
    with ledger_of(folder):
        before = known(folder)
    if before and before.kind != "lines":
        raise WrongKind(folder.name, before.kind, "lines")
    pictures = given(line, text, {name: root for name, root in places.roots.items() if name != "output"})
    checks.check(line.asked, line.given, pictures.graph.mask)
    engines = engines_for(line, own, servers, comfyui, out)
    seed = _seed(line, before)
    inputs = _inputs(line, folder.name, seed, pictures)
    recipe = None if engines.embedding else recipe_for(line, own, pictures.graph, {"lines": text or "", **inputs})
    builds = engines.builds(recipe, folder / ".comfyui")
    if own.take:
        asyncio.run(take(folder.name, folder, engines.servers, out))
    return Work(
        line=line,
        own=own,
        folder=folder,
        places=places,
        seed=seed,
        pictures=pictures,
        inputs=inputs,
        recipe=recipe,
        engines=engines,
        builds=builds,
        out=out,
    )


def _seed(line: CommandLine, before: Known | None) -> int:
    """The session's. Raises Told: it has another."""
    asked = line.given.get("seed")
    if before is None:
        return secrets.randbelow(2**50) if asked is None else asked
    if asked not in (None, before.seed):
        raise Told(
            f"The session in {line.asked['outdir']} has the seed {before.seed}, not {asked}: pass that, leave out --seed, or choose"
            " another --outdir."
        )
    return before.seed


# Painting


def _inputs(line: CommandLine, session: str, seed: int, pictures: Given) -> dict[str, Any]:
    """What Prompt Lines is set to, but for the lines."""
    asked = line.asked
    side = SDXL_SIDE if asked["sdxl"] else SIDE
    width, height = ((asked[name] or side) // MULTIPLE * MULTIPLE for name in ("W", "H"))
    return {
        "session": session,
        "width": width,
        "height": height,
        "steps": asked["steps"],
        "scale": asked["scale"],
        "images_per_prompt": asked["images_per_prompt"],
        "iterations": 1 if asked["interactive"] else asked["n_iter"],
        "same_seed": bool(asked["iter_same_seed"]),
        "shuffle": bool(asked["shuffle_prompts"]),
        "batch_size": asked["batch_size"],
        "seed": seed,
        "keep_going": True,
        "strength": STRENGTH if asked["strength"] is None else asked["strength"],
        "start_pictures": pictures.start.name,
        "masks": pictures.mask.name,
        "guides": pictures.guide.name,
    }


def _fill(work: Work, workflow: ItemWorkflow | None, text: str, follow: bool) -> AskedLines:
    asked, inputs, wildcards, file = work.asked, work.inputs, _wildcards(work.places), ""
    sized = asked["W"] is not None and asked["H"] is not None
    if len(text.encode(errors="surrogatepass")) > LARGEST_TEXT:
        file, text = _kept(work, text), ""
    return AskedLines(
        text=text,
        file=file,
        folder=work.folder,
        widgets=Widgets(
            **{name: inputs[name] for name in ("width", "height", "steps", "scale")},
            strength=inputs["strength"] if work.pictures.start or work.in_two_passes else None,
        ),
        per_line=inputs["images_per_prompt"],
        iterations=inputs["iterations"],
        same_seed=inputs["same_seed"],
        shuffle=inputs["shuffle"],
        pictures=work.pictures.start.name,
        masks=work.pictures.mask.name,
        guides=work.pictures.guide.name,
        roots={**work.places.roots, **work.pictures.roots},
        text_roots={"lines": work.folder / COPIES},
        wildcard_roots=wildcards,
        nodes=workflow.lines.takers() if workflow else None,
        remark=workflow.lines.alone() if workflow and asked["batch_size"] > 1 else "",
        own_sizes=bool(work.pictures.start) and not sized,
        follow=follow,
        note=work.out.say,
    )


def _with_seed(lines: PromptText, text: str, work: Work) -> str:
    """The seed of the command line is that of the picture where there is only one, as gen_img's README has it."""
    if lines.count(work.asked["images_per_prompt"]) > 1 or lines.lines[0].seeds:
        return text
    return f"{lines.lines[0].text} --d {work.seed}"


def _kept(work: Work, text: str) -> str:
    """A file in the session's folder for lines that are too many to stand in a workflow. Its name."""
    data = text.encode()
    work.folder.mkdir(parents=True, exist_ok=True)
    name = f"{hashlib.sha256(data).hexdigest()[:16]}.txt"
    store.write(writable(work.folder, COPIES), [(name, data)], parents=True)
    return name


def _wildcards(places: Places) -> list[Path]:
    if not places.comfyui:
        return []
    return [places.comfyui / "user" / "__resonance" / "wildcards", places.comfyui / "models" / "wildcards"]


async def _paint(work: Work, fill: AskedLines, engines: Sequence[Engine], workflow: ItemWorkflow | None) -> None:
    with ledger_of(work.folder):
        before = known(work.folder)
        chain = opened(work.folder, fill, work.seed)
        if before is None:
            work.out.say(f"The seed of the session is {work.seed}.")
            work.out.event("seed", seed=work.seed)
        try:
            with chain.ledger.transaction():
                if work.own.retry:
                    chain.ledger.retry()
                if workflow:
                    inputs = {**work.inputs, "lines": fill.text, "file": fill.file}
                    chain.ledger.update(graph=workflow.request(**inputs), secret=work.places.secret())
            if fill.open_round(chain.ledger) is None:
                more = " Without --seed, as many more are made." if "seed" in work.line.given else ""
                work.out.say(f"All pictures of these lines are there already.{more}")
            own = Naming(name=name_rule(work.line), parameters=True, metadata=not work.own.disable_metadata)
            paced = [Paced(engine, NO_WAITS, None if workflow else own) for engine in engines]
            batch = 1 if workflow and workflow.lines.alone() else work.asked["batch_size"]
            await drive_and_show(chain, Jobs(chain), paced, work.out, batch)
        finally:
            chain.close()


def _interactive(work: Work, engines: Sequence[Engine], workflow: ItemWorkflow | None, runner: asyncio.Runner) -> None:
    """Paints line after line as they are typed, or come through a pipe."""
    while True:
        work.out.say("Type prompt:")
        if not (data := sys.stdin.buffer.readline()):
            return
        try:
            typed = texts.decoded(data, LARGEST_FILE, "What was typed")
            if not typed.strip() or typed.strip().startswith("--"):
                continue
            runner.run(_paint(work, _fill(work, workflow, typed, follow=True), engines, workflow))
        except Told as error:
            work.out.say(str(error))
        except typer.Exit as ended:
            if ended.exit_code == INTERRUPTED:
                raise
