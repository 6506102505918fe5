"""Explorations without ComfyUI's queue: what Explore is set to, the graph around it, and what stands around an engine."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from ..graph import EXPLORE, ROUND_OUTPUT, with_inputs
from ..session.fill.fill import Change
from ..session.fill.grid import Grid
from ..session.ledger import Ledger
from ..session.made import Made
from ..session.naming import Naming
from ..told import Told
from ..typed import written
from ..vary.grid import BATCH_CLI, STEPS, Combination, explored, read_prompts
from ..vary.waits import Waits
from .job import Engine, Job

FIXED = "fixed"
RULES = (*STEPS, FIXED)
BETWEEN = "\n---\n"


@dataclass(frozen=True, kw_only=True)
class Exploring:
    """What Explore is set to, with its own defaults.

    Attributes:
        prompts: with what stands before them, see :meth:`continued`.
        rule: one of :data:`RULES`; ``steps`` counts with the last.
    """

    prompts: str = ""
    aspects: str = "portrait, landscape"
    sizes: str = BATCH_CLI
    scales: str = "6, 9"
    seeds: int = 12
    rule: str = RULES[0]
    steps: int = 40

    def changed(self, **asked: Any) -> "Exploring":
        """With what is asked for; None leaves a value as it is."""
        return replace(self, **{name: value for name, value in asked.items() if value is not None})

    def continued(self, before: str) -> "Exploring":
        """With this directly before each prompt."""
        return replace(self, prompts=BETWEEN.join(read_prompts(self.prompts, before)))

    def combinations(self) -> tuple[Combination, ...]:
        """Raises Told: something cannot be read."""
        if self.rule not in RULES:
            raise Told(f"The rule for steps must be one of {', '.join(RULES)}, got {self.rule!r}.")
        return explored(self.prompts, "", self.aspects, self.sizes, self.scales, self.rule, self.steps)

    def fill(self) -> Grid:
        return Grid(self.combinations(), self.seeds)

    def inputs(self) -> dict[str, Any]:
        """As Explore has them in a graph."""
        known = {name: getattr(self, name) for name in ("prompts", "aspects", "sizes", "scales", "seeds")}
        steps = {"steps_rule.steps": self.steps} if self.rule == FIXED else {}
        return {**known, "steps_rule": self.rule, **steps, "like_picture": ""}

    @classmethod
    def of_graph(cls, inputs: Mapping[str, Any]) -> "Exploring":
        """What Explore was set to in a graph. Its ``like_picture`` is still to be put before the prompts.

        Raises:
            Told: another node says it.
        """
        names = {field.name: field.name for field in fields(cls)} | {"rule": "steps_rule", "steps": "steps_rule.steps"}
        if linked := [name for name in names.values() if isinstance(inputs.get(name), list)]:
            raise Told(
                f"What this session explores comes from other nodes ({', '.join(linked)}): pass it with the command, or go on in"
                " ComfyUI."
            )
        if inputs.get("wildcards") is True:
            raise Told(
                "What this session explores has choices and wildcards in it, which only ComfyUI makes: go on there."
            )
        return cls(**{name: inputs[key] for name, key in names.items() if key in inputs})

    @classmethod
    def of(cls, combinations: Iterable[Combination], seeds: int) -> "Exploring":
        """What asks for these combinations. Raises Told: they are no product."""
        found = list(combinations)
        rule = next((name for name, steps in STEPS.items() if all(steps(c.scale) == c.steps for c in found)), FIXED)
        made = cls(
            prompts=BETWEEN.join(dict.fromkeys(c.prompt for c in found)),
            aspects=", ".join(dict.fromkeys(f"{c.width}x{c.height}" for c in found)),
            scales=", ".join(dict.fromkeys(written(c.scale) for c in found)),
            seeds=seeds,
            rule=rule,
            steps=found[0].steps if found else cls.steps,
        )
        if not found or {c.key for c in made.combinations()} != {c.key for c in found}:
            raise Told("What this session explored is not a product of prompts, aspects and scales: pass them again.")
        return made


class Tries(Grid):
    """More seeds of some combinations, without those of the rounds there are already."""

    def begin(self, ledger: Ledger) -> Change:
        ledger.update(rounds=self.seeds)
        return Change(0, ledger.withdraw(lambda round_, name: False))


class Paced:
    """An engine that waits between pictures, and whose pictures go where they are told to.

    Attributes:
        naming: None: what the engine says.
    """

    def __init__(self, engine: Engine, waits: Waits, naming: Naming | None = None) -> None:
        self.engine, self.waits, self.naming = engine, waits, naming
        self.made = 0

    @property
    def name(self) -> str:
        return self.engine.name

    async def ready(self) -> None:
        await self.engine.ready()

    async def make(self, job: Job, run: str) -> Made:
        await asyncio.sleep(self.waits.before(self.made))
        made = await self.engine.make(job, run)
        self.made += len(made.batch)
        if self.naming is None:
            return made
        return replace(made, naming=self.naming, beside=tuple(replace(one, naming=self.naming) for one in made.beside))

    async def forget(self, run: str) -> None:
        await self.engine.forget(run)

    async def close(self) -> None:
        await self.engine.close()


def graph_for(checkpoint: str, sampler: str, scheduler: str) -> dict[str, dict[str, Any]]:
    """A graph that explores with a checkpoint. Explore's own inputs are still to be set."""
    explore = {name: ["explore", output] for output, name in enumerate(_OUTPUTS)}
    return {
        "explore": _node(EXPLORE, session="", seed=0, keep_going=True, **Exploring().inputs()),
        "load": _node("CheckpointLoaderSimple", ckpt_name=checkpoint),
        "positive": _node("CLIPTextEncode", clip=["load", 1], text=explore["positive"]),
        "negative": _node("CLIPTextEncode", clip=["load", 1], text=explore["negative"]),
        "sampler": _node(
            "KSampler",
            model=["load", 0],
            positive=["positive", 0],
            negative=["negative", 0],
            latent_image=explore["latent"],
            seed=explore["seed"],
            steps=explore["steps"],
            cfg=explore["scale"],
            sampler_name=sampler,
            scheduler=scheduler,
            denoise=1.0,
        ),
        "decode": _node("VAEDecode", samples=["sampler", 0], vae=["load", 2]),
        "save": _node(ROUND_OUTPUT, images=["decode", 0], item=explore["item"], next_round_takes="first"),
    }


_OUTPUTS = ("item", "positive", "negative", "latent", "width", "height", "scale", "steps", "seed")


def named(
    graph: Mapping[str, dict[str, Any]], folder: str | None, name: str | None, **saved: Any
) -> dict[str, dict[str, Any]]:
    """A graph whose Round Output follows these rules; None leaves one as it is.

    Args:
        saved: further inputs of Round Output.
    """
    rules = {key: rule for key, rule in (("folder_rule", folder), ("name_rule", name)) if rule is not None}
    return with_inputs(graph, ROUND_OUTPUT, {**rules, **saved})


def _node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}
