"""gen_img's command lines, driven from a shell."""

import asyncio
import hashlib
import secrets
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import typer

from ..drive.exploration import Paced
from ..drive.job import Engine, EngineLost
from ..drive.models import LocalNames
from ..drive.session import Jobs, opened
from ..drive.workflow import ItemWorkflow, load
from ..files import store, texts
from ..files.names import check_name, writable
from ..gen_img import options
from ..gen_img.command_line import CommandLine
from ..gen_img.graph import NOT_IN_PARTS, Pictures, canny, check_networks, graph_of
from ..gen_img.samplers import sampler
from ..graph import LORA_STACK, PROMPT_LINES, ROUND_OUTPUT, with_inputs
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
from .engines import Build, ComfyServers, Engines, HasServer, PaintOptions
from .output import INTERRUPTED, Output, interruptible
from .paint import Own
from .places import Places, find_comfyui
from .session import take

SIDE, SDXL_SIDE = 512, 1024
STRENGTH = 0.8
PIPED = "piped"
AND = " AND "


@dataclass(frozen=True, kw_only=True)
class Source:
    """Pictures that a command line names: a file or a folder, as sources have it, and the root below which it lies."""

    name: str = ""
    path: Path = Path()
    roots: Mapping[str, Path] | None = None

    def __bool__(self) -> bool:
        return bool(self.name)


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is painted and by what.

    Attributes:
        folder: of the session.
        start, mask, guide: what goes to the shots in turn.
        inputs: what Prompt Lines is set to, but for the lines.
        recipe: None where there is no ComfyUI.
    """

    line: CommandLine
    own: Own
    folder: Path
    places: Places
    before: Known | None
    seed: int
    start: Source
    mask: Source
    guide: Source
    inputs: Mapping[str, Any]
    recipe: "LocalNames | ItemWorkflow | None"
    engines: Engines
    builds: Sequence[Build]
    out: Output

    @property
    def asked(self) -> Mapping[str, Any]:
        return self.line.asked

    @cached_property
    def roots(self) -> dict[str, Path]:
        found = dict(self.places.roots)
        for source in (self.start, self.mask, self.guide):
            found |= source.roots or {}
        return found


def run(line: CommandLine, own: Own, servers: ComfyServers, out: Output) -> None:
    """Paints until all is made, or until Ctrl-C.

    Raises:
        Told: something is wrong with what was asked for, or another program has the session.
    """
    options.refuse(line.given)
    for remark in options.remarks(line.given):
        out.say(remark)
    comfyui = find_comfyui(own.comfyui)
    text = None if line.asked["interactive"] else _text(line)
    work = _prepared(line, own, servers, comfyui, text, out)
    with interruptible(), asyncio.Runner() as runner:
        stack = AsyncExitStack()
        ready = runner.run(stack.enter_async_context(work.engines.opened(work.builds)))
        try:
            request = runner.run(_meet(work, ready))
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
        return sys.stdin.read(LARGEST_FILE + 1)
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
    asked = line.asked
    folder = Path(asked["outdir"]).expanduser().absolute()
    check_name(folder.name, "folder of --outdir")
    base = comfyui or Path.cwd()
    places = Places(comfyui, (own.input_ or base / "input").absolute(), folder.parent)
    with ledger_of(folder):
        before = known(folder)
    if before and before.kind != "lines":
        raise WrongKind(folder.name, before.kind, "lines")
    seed = _seed(line, before, out)
    start, mask = (_source(asked[name], name, places) for name in ("image_path", "mask_path"))
    guides = [_source(path, "guide_image_path", places) for path in asked["guide_image_path"]]
    parts = _parts(line, text, start, mask)
    pictures = _pictures(line, start, mask, guides, parts)
    check_networks(asked)
    engines = _engines(line, own, servers, comfyui, out)
    parted = Source() if parts else mask
    guide = Source() if pictures.guides or not guides else guides[0]
    inputs = _inputs(line, folder.name, seed, {"start_pictures": start, "masks": parted, "guides": guide})
    recipe = None if engines.embedding else _recipe(line, own, pictures, {"lines": text or "", **inputs})
    if own.take:
        asyncio.run(take(folder.name, folder, engines.servers, out))
    return Work(
        line=line,
        own=own,
        folder=folder,
        places=places,
        before=before,
        seed=seed,
        start=start,
        mask=parted,
        guide=guide,
        inputs=inputs,
        recipe=recipe,
        engines=engines,
        builds=engines.builds(recipe, folder / ".comfyui"),
        out=out,
    )


def _seed(line: CommandLine, before: Known | None, out: Output) -> int:
    """The session's."""
    given = line.given.get("seed")
    if before is None:
        seed = secrets.randbelow(2**50) if given is None else given
        out.say(f"The seed of the session is {seed}.")
        out.event("seed", seed=seed)
        return seed
    if given not in (None, before.seed):
        raise Told(
            f"The session in {line.asked['outdir']} has the seed {before.seed}, not {given}: pass that, leave out --seed, or choose"
            " another --outdir."
        )
    return before.seed


def _source(path: str | None, name: str, places: Places) -> Source:
    if not path:
        return Source()
    there = Path(path).expanduser().resolve()
    if not there.exists():
        raise Told(f"--{name}: there is no {path}.")
    for root, base in places.roots.items():
        if root != "output" and there.is_relative_to(base.resolve()):
            below = there.relative_to(base.resolve()).as_posix()
            return Source(name=f"{below} [{root}]".removeprefix(". "), path=there)
    root = name.removesuffix("_path")
    return Source(name=f"{there.name} [{root}]", path=there, roots={root: there.parent})


def _parts(line: CommandLine, text: str | None, start: Source, mask: Source) -> bool:
    """Whether the mask gives the parts of lines with AND their places. Raises Told where it cannot."""
    asked = line.asked
    with_parts = AND in text if text is not None else bool(asked["network_weights"] or not start)
    parts = bool(mask) and with_parts
    if mask and not (parts or start):
        raise Told(
            "--mask_path needs a picture to start from (--image_path), or lines with AND, whose parts have their places in it."
        )
    if asked["network_regional_mask_max_color_codes"] and not parts:
        raise Told("--network_regional_mask_max_color_codes is for lines with AND and a --mask_path.")
    lost = [f"--{name}" for name in NOT_IN_PARTS if parts and name in line.given]
    if lost:
        raise Told(f"{', '.join(lost)}: not with lines of AND and a --mask_path, whose parts ComfyUI itself encodes.")
    return parts


def _pictures(line: CommandLine, start: Source, mask: Source, guides: Sequence[Source], parts: bool) -> Pictures:
    """Raises Told: pictures are missing, or nothing takes them."""
    asked = line.asked
    nets = asked["control_net_models"]
    if bool(nets) != bool(guides):
        raise Told(
            "--control_net_models need pictures: pass --guide_image_path."
            if nets
            else "--guide_image_path is for --control_net_models: pass both."
        )
    for name in ("preps", "multipliers", "weights", "ratios"):
        if len(asked[f"control_net_{name}"]) > len(nets):
            raise Told(f"--control_net_{name} has more values than there are --control_net_models.")
    for prep in asked["control_net_preps"]:
        canny(prep)
    if len(guides) > 1 and (len(guides) != len(nets) or not all(guide.path.is_file() for guide in guides)):
        raise Told(
            "--guide_image_path takes one file or folder for all --control_net_models, or a file for each of them."
        )
    if asked["clip_vision_strength"] is not None and not start:
        raise Told("--clip_vision_strength needs a picture to look at: pass --image_path.")
    if asked["use_original_file_name"] and not start:
        raise Told("--use_original_file_name needs pictures to be named after: pass --image_path.")
    place = _first_picture(mask) if parts else ""
    each = tuple(str(guide.path) for guide in guides) if len(guides) > 1 else ()
    return Pictures(start=bool(start), mask=bool(mask) and not parts, places=place, guides=each)


def _first_picture(source: Source) -> str:
    """gen_img takes the first picture for all."""
    if source.path.is_file():
        return str(source.path)
    from ..files.pictures import listing, locate

    roots = {"mask": source.path.parent}
    [first, *_] = listing(f"{source.path.name} [mask]", roots)
    return str(locate(first, roots)[1])


# What paints


def _engines(line: CommandLine, own: Own, servers: ComfyServers, comfyui: Path | None, out: Output) -> Engines:
    elsewhere = bool(servers.servers or servers.cluster)
    here = own.embedded or not (elsewhere or comfyui or own.workflow) or line.asked["ckpt"] == "toyworld"
    known: dict[str, Any] = {"servers": servers.servers, "cluster": servers.cluster, "workers": servers.workers}
    if not here:
        return Engines(**known, comfyui_args=own.comfyui_args, start=comfyui)
    if elsewhere and servers.servers:
        raise Told("--embedded paints in this process, --server on another: pass one of them.")
    if own.workflow:
        raise Told("A --workflow needs ComfyUI: pass --server ADDRESS, or --comfyui FOLDER.")
    if lacking := [f"--{name}" for name in line.given if options.OPTIONS[name].servers]:
        raise Told(f"Without ComfyUI there is no {', '.join(lacking)}: pass --server ADDRESS, or --comfyui FOLDER.")
    if not line.asked["ckpt"]:
        raise Told("Which model paints? Pass --ckpt.")
    if not own.embedded and line.asked["ckpt"] != "toyworld":
        out.say("There is no ComfyUI here: diffusers paints.")
    half = next((kind for name, kind in (("fp16", "float16"), ("bf16", "bfloat16")) if name in line.given), own.dtype)
    painting = PaintOptions(
        model=line.asked["ckpt"],
        models=comfyui / "models" if comfyui else None,
        sampler=sampler(line.asked["sampler"]).name,
        device=own.device,
        dtype=half if own.dtype == "auto" else own.dtype,
        download=own.download,
    )
    return Engines(**known, embedding=painting)


def _recipe(line: CommandLine, own: Own, pictures: Pictures, lines: Mapping[str, Any]) -> LocalNames | ItemWorkflow:
    asked = line.asked
    if own.workflow:
        if taken := [f"--{name}" for name in line.given if name in _GRAPH]:
            raise Told(f"The workflow says what paints, and so do {', '.join(taken)}: pass one of them.")
        return load(own.workflow, PROMPT_LINES).saving(_saving(line), not own.disable_metadata)
    if not asked["ckpt"]:
        raise Told("Which model paints? Pass --ckpt, a checkpoint of ComfyUI's.")
    graph = with_inputs(graph_of(asked, pictures), ROUND_OUTPUT, _saving(line))
    if len(lines["lines"].encode(errors="surrogatepass")) > LARGEST_TEXT:
        lines = {**lines, "lines": ""}
    return LocalNames(with_inputs(graph, PROMPT_LINES, lines), not own.disable_metadata)


def _inputs(line: CommandLine, session: str, seed: int, pictures: Mapping[str, Source]) -> dict[str, Any]:
    asked = line.asked
    side = SDXL_SIDE if asked["sdxl"] else SIDE
    width, height = ((asked[name] or side) // 8 * 8 for name in ("W", "H"))
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
        **{name: source.name for name, source in pictures.items()},
    }


_GRAPH = (
    *("ckpt", "vae", "v_parameterization", "zero_terminal_snr", "sampler", "network_weights", "network_mul"),
    *(
        "textual_inversion_embeddings",
        "clip_skip",
        "max_embeddings_multiples",
        "emb_normalize_mode",
        "control_net_models",
    ),
    *("clip_vision_strength", "negative_scale"),
    *("ds_depth_1", "ds_timesteps_1", "ds_depth_2", "ds_timesteps_2", "ds_ratio"),
)
"""Options that become nodes."""


def _saving(line: CommandLine) -> dict[str, Any]:
    """Inputs of Round Output."""
    return {"name_rule": _name_rule(line), "parameters": True}


def _name_rule(line: CommandLine) -> Any:
    if line.asked["use_original_file_name"]:
        return "original"
    return "sequential" if line.asked["sequential_file_name"] else "gen_img"


async def _meet(work: Work, engines: Sequence[Engine]) -> ItemWorkflow | None:
    """What a ledger keeps of the workflow, as the first ComfyUI that answers has it. Each that answers is asked for the models.

    Raises:
        Told: one of them lacks a model.
        EngineLost: none answers.
    """
    if not isinstance(work.recipe, LocalNames):
        return work.recipe
    found, lost = None, None
    for engine in engines:
        if not isinstance(engine, HasServer):
            continue
        try:
            await engine.ready()
            on = await work.recipe.on(engine.server)
            if not found and work.asked["network_show_meta"]:
                await _show_networks(on, engine, work.out)
            found = found or on
        except EngineLost as error:
            lost = error
    if lost and not found:
        raise lost
    return found or ItemWorkflow(work.recipe.graph, None, PROMPT_LINES, work.recipe.metadata)


async def _show_networks(workflow: ItemWorkflow, engine: HasServer, out: Output) -> None:
    """What LoRA Metadata reads of each LoRA."""
    stacks = [node["inputs"] for node in workflow.graph.values() if node["class_type"] == LORA_STACK]
    for name in [value for inputs in stacks for key, value in inputs.items() if key.startswith("lora_")]:
        metadata = {"class_type": "ResonanceLoRAMetadata", "inputs": {"lora": name, "count": 20}}
        shown = {"class_type": "PreviewAny", "inputs": {"source": ["metadata", 0]}}
        outputs = await engine.server.run({"metadata": metadata, "shown": shown}, secrets.token_hex(16))
        out.say(f"{name}: {outputs['shown']['text'][0]}")


# Painting


def _fill(work: Work, workflow: ItemWorkflow | None, text: str, follow: bool) -> AskedLines:
    asked, inputs, wildcards, file = work.asked, work.inputs, _wildcards(work.places), ""
    sized = asked["W"] is not None and asked["H"] is not None
    if len(text.encode(errors="surrogatepass")) > LARGEST_TEXT:
        file, text = _kept(work, text), ""
    elif text.strip() and not follow:
        text = _with_seed(read_lines(text, WildcardFiles(wildcards)), text, work)
    return AskedLines(
        text=text,
        file=file,
        folder=work.folder,
        widgets=Widgets(
            **{name: inputs[name] for name in ("width", "height", "steps", "scale")},
            strength=inputs["strength"] if work.start else None,
        ),
        per_line=inputs["images_per_prompt"],
        iterations=inputs["iterations"],
        same_seed=inputs["same_seed"],
        shuffle=inputs["shuffle"],
        pictures=work.start.name,
        masks=work.mask.name,
        guides=work.guide.name,
        roots=work.roots,
        text_roots={"lines": work.folder / COPIES},
        wildcard_roots=wildcards,
        nodes=workflow.lines.takers() if workflow else None,
        remark=_alone(work, workflow) if asked["batch_size"] > 1 else "",
        own_sizes=bool(work.start) and not sized,
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
    if len(data) > LARGEST_FILE:
        raise Told(f"These lines have more than {LARGEST_FILE >> 20} MB. Split them.")
    work.folder.mkdir(parents=True, exist_ok=True)
    name = f"{hashlib.sha256(data).hexdigest()[:16]}.txt"
    store.write(writable(work.folder, COPIES), [(name, data)], parents=True)
    return name


def _wildcards(places: Places) -> list[Path]:
    if not places.comfyui:
        return []
    return [places.comfyui / "user" / "__resonance" / "wildcards", places.comfyui / "models" / "wildcards"]


def _alone(work: Work, workflow: ItemWorkflow | None) -> str:
    """Why pictures are painted one by one; empty where they need not be."""
    if workflow is None:
        return ""
    kinds = {node["class_type"] for node in workflow.graph.values()}
    if "ResonanceRegionsFromMask" in kinds:
        return "One picture is painted at a time: the parts of each have places of their own."
    if "unCLIPConditioning" in kinds:
        return "One picture is painted at a time: CLIP vision looks at one."
    return workflow.lines.alone()


async def _paint(work: Work, fill: AskedLines, engines: Sequence[Engine], workflow: ItemWorkflow | None) -> None:
    with ledger_of(work.folder):
        chain = opened(work.folder, fill, work.seed)
        try:
            with chain.ledger.transaction():
                if work.own.retry:
                    chain.ledger.retry()
                if workflow:
                    inputs = {**work.inputs, "lines": fill.text, "file": fill.file}
                    chain.ledger.update(graph=workflow.request(**inputs), secret=work.places.secret())
            naming = (
                None
                if workflow
                else Naming(name=_name_rule(work.line), parameters=True, metadata=not work.own.disable_metadata)
            )
            paced = [Paced(engine, NO_WAITS, naming) for engine in engines]
            batch = 1 if _alone(work, workflow) else work.asked["batch_size"]
            await drive_and_show(chain, Jobs(chain), paced, work.out, batch)
        finally:
            chain.close()


def _interactive(work: Work, engines: Sequence[Engine], workflow: ItemWorkflow | None, runner: asyncio.Runner) -> None:
    """Paints line after line as they are typed, or come through a pipe."""
    while True:
        work.out.say("Type prompt:")
        typed = sys.stdin.readline()
        if not typed:
            return
        if not typed.strip() or typed.strip().startswith("--"):
            continue
        try:
            runner.run(_paint(work, _fill(work, workflow, typed, follow=True), engines, workflow))
        except Told as error:
            work.out.say(str(error))
        except typer.Exit as ended:
            if ended.exit_code == INTERRUPTED:
                raise
