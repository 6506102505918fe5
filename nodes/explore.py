"""Exploring a prompt: a grid of pictures, and the prompt found again."""

from functools import lru_cache

from comfy_api.v0_0_2 import io
from comfy_execution.graph_utils import ExecutionBlocker

from ..resonance.host import folders, latents, progress
from ..resonance.roulette import Plan
from ..resonance.session.item import Item
from ..resonance.session.naming import prompt_hash
from ..resonance.told import Told
from ..resonance.vary import grid
from . import types
from .inputs import Choice, chosen, pasted_item, plan_and_after

CATEGORY = "Resonance/Vary"
FIXED = "fixed"
OUTPUTS = 9


class Explore(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        steps = io.Int.Input("steps", default=40, min=1, max=10_000, tooltip="Steps of every picture.")
        return io.Schema(
            node_id="ResonanceExplore",
            display_name="Explore",
            category=CATEGORY,
            description="Hands out every combination of prompts, aspects and scales, seed after seed, one per run, and queues the next"
            " run itself. Press Run once; after a crash, press it again. Round Output saves what is made.",
            search_aliases=["xy plot", "grid search", "seed explorer", "prompt matrix", "batch prompts", "cfg sweep"],
            inputs=[
                io.String.Input(
                    "session",
                    default="explore",
                    tooltip="Name of this exploration and of its folder in ComfyUI's output folder. The same name goes on where it"
                    " stopped, also with more aspects, scales, prompts or seeds; a new name starts anew.",
                ),
                io.String.Input(
                    "prompts",
                    default="Nice view",
                    multiline=True,
                    tooltip="Several prompts are parted by lines that hold only ---. The negative prompt stands behind --n: a boat --n blurry.",
                ),
                io.String.Input(
                    "aspects",
                    default="portrait, landscape",
                    tooltip="portrait, landscape, square, optimal, ratios such as 3:2 and pixels such as 1216x832, with commas between"
                    " them.",
                ),
                io.Combo.Input(
                    "sizes",
                    options=list(grid.FAMILIES),
                    tooltip="Which sizes the names of aspects mean, and about how many pixels a ratio gets. batch CLI: 448x768, 768x448,"
                    " 576x576, optimal 512x512. SD1.5: 576x768, 768x576, 512x512. SDXL: 832x1216, 1216x832, 1024x1024.",
                ),
                io.String.Input(
                    "scales", default="6, 9", tooltip="Scales of classifier-free guidance, with commas between them."
                ),
                io.Int.Input(
                    "seeds",
                    default=12,
                    min=0,
                    max=1_000_000,
                    tooltip="How many seeds. With each every combination is made, before the next seed begins. 0: go on until stopped.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**50 - 1,
                    control_after_generate=False,
                    tooltip="The first seed; the others follow from it. It is stored when the session opens; later changes have no"
                    " effect on it.",
                ),
                io.DynamicCombo.Input(
                    "steps_rule",
                    options=[
                        *(io.DynamicCombo.Option(name, []) for name in grid.STEPS),
                        io.DynamicCombo.Option(FIXED, [steps]),
                    ],
                    tooltip="How many steps a picture gets: more with a higher scale, as the batch CLI had it in two versions, or the"
                    " same for all.",
                ),
                io.Boolean.Input(
                    "keep_going",
                    default=True,
                    tooltip="On: each run queues the next one until all is done. Off: one picture per press of Run.",
                ),
                *plan_and_after(),
                io.String.Input(
                    "like_picture",
                    default="",
                    optional=True,
                    advanced=True,
                    tooltip="Go on with the prompt of an exploration: a picture or prompt.txt in its folder, such as"
                    " explore/<hash>/x.png [output]; or with that of any picture that carries one. The text of prompts is appended"
                    " directly, and may be empty.",
                ),
                pasted_item(),
                io.Boolean.Input(
                    "wildcards",
                    default=False,
                    optional=True,
                    tooltip="On: braces in prompts choose from entries, and __name__ takes a line of wildcards/name.txt, by each seed. Off:"
                    " they are words.",
                ),
            ],
            outputs=[
                types.Item.Output(
                    "item", tooltip="What this run works on. Connect it to Round Output, and to Load Drawn."
                ),
                io.String.Output("positive", tooltip="The prompt, up to --n."),
                io.String.Output("negative", tooltip="The negative prompt: what stands behind --n."),
                io.Latent.Output("latent", tooltip="An empty latent of the size; samplers fit it to the model."),
                io.Int.Output("width", tooltip="Width in pixels."),
                io.Int.Output("height", tooltip="Height in pixels."),
                io.Float.Output("scale", tooltip="Classifier-free guidance: connect it to the sampler's cfg."),
                io.Int.Output("steps", tooltip="Steps for the sampler."),
                io.Int.Output("seed", tooltip="The seed, the same for all combinations of a round."),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt],
            not_idempotent=True,
        )

    @classmethod
    def fingerprint_inputs(cls, **_: object) -> float:
        return float("nan")

    @classmethod
    def execute(
        cls,
        session: str,
        prompts: str,
        aspects: str,
        sizes: str,
        scales: str,
        seeds: int,
        seed: int,
        keep_going: bool,
        steps_rule: Choice | None = None,
        plan: Plan | None = None,
        after: object = None,
        like_picture: str = "",
        item: str = "",
        wildcards: bool = False,
    ) -> io.NodeOutput:
        from ..resonance.host.sessions import chain
        from ..resonance.paint.wildcards import WildcardFiles
        from ..resonance.session.fill.grid import Grid
        from ..resonance.session.payloads import Exploration

        if item.strip():
            at = Item.from_json(item)
        elif chain.has_item(session, cls.hidden.unique_id, cls.hidden.prompt):
            return io.NodeOutput()
        else:
            rule = chosen(steps_rule, "steps_rule", (*grid.STEPS, FIXED))
            before = _prompt_of(like_picture, wildcards) if like_picture.strip() else ""
            steps = rule["steps_rule"], rule.get("steps", 0)
            files = WildcardFiles(folders.wildcard_roots()) if wildcards else None
            fill = Grid(grid.explored(prompts, before, aspects, sizes, scales, *steps), seeds, files)
            ask = chain.Ask(
                session=session,
                fill=fill,
                seed=seed,
                keep_going=keep_going,
                words_first=False,
                plan=plan,
            )
            work = chain.next_work(ask, cls.hidden.unique_id, cls.hidden.prompt)
            if work is None:
                return io.NodeOutput(*[ExecutionBlocker(None)] * OUTPUTS)
            at = work.item
        made = grid.Combination.read(at.payload.to_dict())
        words = at.payload.words if isinstance(at.payload, Exploration) else made.prompt
        _say_older(words, cls.hidden.unique_id)
        latent = latents.empty(made.width, made.height)
        sides = (made.width, made.height)
        return io.NodeOutput(at, *grid.split(words), latent, *sides, made.scale, made.steps, at.seed)


class ExplorationPrompt(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceExplorationPrompt",
            display_name="Exploration Prompt",
            category=CATEGORY,
            description="Finds the prompt again by which a picture was made, and appends an addition to it.",
            search_aliases=[
                "read prompt",
                "prompt from image",
                "prompt.txt",
                "vary exploration",
                "png info",
                "read metadata",
                "A1111 parameters",
                "kohya",
            ],
            inputs=[
                io.String.Input(
                    "picture",
                    default="",
                    tooltip="A picture or prompt.txt in an exploration's folder, such as explore/<hash>/x.png [output]; or any picture that"
                    " carries its prompt, be it from Resonance, kohya's scripts, A1111's web UI or ComfyUI.",
                ),
                io.String.Input(
                    "addition",
                    default="",
                    multiline=True,
                    tooltip="Appended directly, without a blank: write `, in space`. It makes a new prompt with a folder of its own.",
                ),
            ],
            outputs=[
                io.String.Output("positive", tooltip="The prompt, up to --n."),
                io.String.Output("negative", tooltip="The negative prompt: what stands behind --n."),
                io.String.Output("prompt", tooltip="The whole prompt, as Round Output's words take it."),
                io.String.Output("folder", tooltip="Name of its folder with Round Output's folder rule prompt hash."),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, picture: str | None, **_: object) -> str | float:
        try:
            return _prompt_of(picture or "")
        except Told:
            return float("nan")

    @classmethod
    def execute(cls, picture: str, addition: str) -> io.NodeOutput:
        prompt = _prompt_of(picture) + " ".join(addition.splitlines()).rstrip()
        _say_older(prompt, cls.hidden.unique_id)
        return io.NodeOutput(*grid.split(prompt), prompt, prompt_hash(prompt))


def _prompt_of(picture: str, choices: bool = False) -> str:
    from ..resonance.session.prompts import prompt_of

    return prompt_of(picture, folders.picture_roots(), choices)


@lru_cache(256)
def _say_older(prompt: str, node_id: str) -> None:
    """Says once how a prompt is read whose negative stands behind ``|``."""
    if note := grid.older(prompt):
        progress.say(note, node_id)


NODES = [Explore, ExplorationPrompt]
