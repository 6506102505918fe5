"""ComfyUI's insides while a model samples: conditionings, and calls of the model. See :mod:`.core`."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import comfy.samplers
import torch
from comfy.conds import CONDCrossAttn
from comfy.k_diffusion.sampling import get_ancestral_step, trange
from comfy.model_sampling import ModelSamplingDiscrete
from comfy.patcher_extension import WrappersMP, add_wrapper_with_key

from .core import Encoded

Options = dict[str, Any]
"""What ComfyUI hands through a sampling run, or one call of the model, as ``transformer_options``."""

COMPILED = "torch.compile"
NUMBER = "block_index"
"""Where the options of a call of attention hold the number of the block, or of the transformer in it."""

# A run


@dataclass(frozen=True, eq=False)
class Guided:
    """What guides a run (comfy/samplers.py, ``CFGGuider``)."""

    guider: Any

    @classmethod
    def of(cls, model: Any) -> "Guided":
        """Of the run in which a sampler's function is called with a model (comfy/samplers.py, ``KSAMPLER.sample``)."""
        return Guided(model.inner_model)

    @property
    def patcher(self) -> Any:
        """The MODEL."""
        return self.guider.model_patcher

    @property
    def model(self) -> Any:
        """comfy/model_base.py"""
        return self.guider.inner_model

    @property
    def lists(self) -> dict[str, list[dict[str, Any]]]:
        """The entries of the conditionings, which may be changed."""
        return _entries(self.guider)

    @property
    def sampling(self) -> Any:
        """comfy/model_sampling.py"""
        return _sampling(self.patcher)

    def entries(self) -> list["Given"]:
        """All of them, as they act in the next step."""
        return [Given(kind, entry) for kind, entries in self.lists.items() for entry in entries]

    def times(self, sigmas: torch.Tensor) -> list[float] | None:
        """The time steps of levels of noise, from 1000 to 0; None: the model has none."""
        sampling = self.sampling
        if not isinstance(sampling, ModelSamplingDiscrete):
            return None
        return [sampling.timestep(sigma).item() for sigma in sigmas]


@dataclass(frozen=True, eq=False)
class CoreRun(Guided):
    """What a sampler is called with (comfy/samplers.py, ``CFGGuider.inner_sample``)."""

    options: Options
    sigmas: list[float]
    noise: torch.Tensor
    latent_image: torch.Tensor | None
    denoise_mask: torch.Tensor | None
    seed: int | None

    @property
    def models(self) -> list[torch.nn.Module]:
        """The diffusion model, and its copies on other graphics cards."""
        models = (self.model, *(copy.model for copy in self._copies.values()))
        return list({id(model): model.diffusion_model for model in models}.values())

    @property
    def is_split(self) -> bool:
        """Whether copies of the model on other graphics cards are asked too."""
        return bool(self._copies)

    @property
    def _copies(self) -> dict[Any, Any]:
        return self.guider.model_options.get("multigpu_clones", {})

    @property
    def is_compiled(self) -> bool:
        """Whether core's Torch Compile is on (comfy_api/torch_helpers/torch_compile.py)."""
        return COMPILED in self._around_calls

    def uncompile(self) -> None:
        """Takes it off."""
        self._around_calls.pop(COMPILED, None)

    @property
    def _around_calls(self) -> dict[str, Any]:
        return self.options["wrappers"].get(WrappersMP.APPLY_MODEL, {})

    @property
    def percent_to_sigma(self) -> Callable[[float], float]:
        return percent_to_sigma(self.patcher)

    def conditionings(self) -> list["Given"]:
        """All entries, each with a uuid of its own: for an area, ComfyUI copies one from one list to another. They may be
        changed."""
        known = set[UUID]()
        found: list[Given] = []
        for kind, entries in self.lists.items():
            for number, entry in enumerate(entries):
                given = Given.of(kind, entry, uuid4() if entry["uuid"] in known else entry["uuid"])
                known.add(given.uuid)
                entries[number] = given.entry
                found.append(given)
        return found

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the latent."""
        return self.noise.shape[-2], self.noise.shape[-1]

    def made_of(self, like: "Given", words: Sequence[tuple[torch.Tensor, Mapping[str, Any]]]) -> list[torch.Tensor]:
        """What the model makes of other words ``[1, T, C]`` (comfy/model_base.py, ``extra_conds``): padding, adapters and second
        texts are its business. What is not said with them is that of ``like``."""
        said = [like.saying(tokens, values) for tokens, values in words]
        device, model = self.patcher.load_device, self.model
        # Some models draw from the generator that samplers use, too.
        with torch.random.fork_rng([device] if device.type == "cuda" else []):  # pyright: ignore[reportUnknownMemberType]
            made = comfy.samplers.encode_model_conds(
                model.extra_conds,
                said,
                self.noise,
                device,
                like.kind,
                latent_image=self.latent_image,
                denoise_mask=self.denoise_mask,
                seed=self.seed,
                latent_shapes=model.latent_shapes,
            )
        return [Given(like.kind, entry).text for entry in made]


@dataclass(frozen=True, eq=False)
class Given:
    """One entry of the conditionings of a run, once ComfyUI has made of it what the model is given.

    Attributes:
        kind: the guider's name for the list that it is in: positive, negative, ...
        entry: its own values, and what ComfyUI and other nodes have put there.
    """

    kind: str
    entry: dict[str, Any]

    @classmethod
    def of(cls, kind: str, entry: Mapping[str, Any], uuid: UUID) -> "Given":
        """One that may be changed."""
        return cls(kind, {**entry, "uuid": uuid, "model_conds": dict(entry["model_conds"])})

    def saying(self, tokens: torch.Tensor, values: Mapping[str, Any]) -> dict[str, Any]:
        """An entry with other words, before the model has made anything of them."""
        return {**self.entry, **values, "cross_attn": tokens, "model_conds": dict[str, Any]()}

    def unprompted(self, words: Encoded) -> dict[str, Any]:
        """One of the negative with the empty prompt, as often as fills the length of its words: ComfyUI asks only once for lengths that
        are near to one another, and the same words read again change nothing."""
        length, once = self.tokens.shape[1], words.vectors.shape[1]
        tokens = words.vectors.repeat(1, length // once, 1) if length % once == 0 else words.vectors
        return {**self.entry, **words.values, "cross_attn": tokens, "prompt_type": "negative"}

    @property
    def uuid(self) -> UUID:
        return self.entry["uuid"]

    @property
    def tokens(self) -> torch.Tensor:
        """``[B, T, C]``, as they came to the sampler."""
        return self.entry["cross_attn"]

    @property
    def reads(self) -> bool:
        """Whether the model is given text."""
        return "c_crossattn" in self._conds

    @property
    def text(self) -> torch.Tensor:
        """``[B, T, C]``, as the model is given it."""
        return self._conds["c_crossattn"].cond

    def give(self, text: torch.Tensor) -> None:
        self._conds["c_crossattn"] = CONDCrossAttn(text)

    def give_control(self, text: torch.Tensor) -> None:
        """What ControlNets are given, unless a node has said so (comfy/controlnet.py)."""
        self._conds.setdefault("crossattn_controlnet", CONDCrossAttn(text))

    @property
    def has_control(self) -> bool:
        return "control" in self.entry

    @property
    def has_area(self) -> bool:
        return "area" in self.entry or self.entry.get("set_area_to_bounds", False)

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """Its area: height, width, top, left in pixels of the latent; None: the whole picture."""
        area = self.entry.get("area")
        return None if area is None else tuple(area)

    @property
    def range(self) -> tuple[float, float]:
        """The noise between which it acts, the higher first."""
        return self.entry.get("timestep_start", math.inf), self.entry.get("timestep_end", -math.inf)

    @property
    def has_boxes(self) -> bool:
        """Whether GLIGEN has words for parts of the picture."""
        return "gligen" in self.entry

    @property
    def has_picture(self) -> bool:
        """Whether the model is given a picture beside the one that it makes, as those for inpainting are."""
        return "c_concat" in self._conds

    @property
    def mask(self) -> torch.Tensor | None:
        """``[B, H, W]`` where it acts, as large as the latent; None: it has none."""
        return self.entry.get("mask")

    def put_mask(self, mask: torch.Tensor) -> None:
        self.entry["mask"] = mask

    def is_given(self, key: str) -> bool:
        return key in self._conds

    def with_each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> dict[str, Any]:
        """An entry like it, in which the tensors that the model is given are changed (comfy/conds.py)."""
        made = {
            name: cond._copy_with(change(cond.cond)) if isinstance(cond.cond, torch.Tensor) else cond
            for name, cond in self._conds.items()
        }
        return {**self.entry, "model_conds": made}

    def take(self, key: str) -> Any:
        """Takes away one thing that the model is given, and hands it over; None: there is none."""
        return self._conds.pop(key, None)

    @property
    def _conds(self) -> dict[str, Any]:
        return self.entry["model_conds"]


def counted(steps: int, quiet: bool | None) -> Iterable[int]:
    """The numbers of steps, with a bar in the console as core's samplers have it."""
    return trange(steps, disable=quiet)


def ancestral_step(sigma: torch.Tensor, to: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """How far an ancestral sampler goes down, and how much noise it adds then (comfy/k_diffusion/sampling.py)."""
    return get_ancestral_step(sigma, to)


class Asked(NamedTuple):
    """A call of the model (comfy/samplers.py, ``_calc_cond_batch``).

    Attributes:
        options: of this call.
        uuids: of the entries that it is asked for, in the order of its rows.
        latent: ``[B, C, H, W]``.
        tokens: of each row's text; 0: it is given none.
    """

    options: Options
    uuids: list[UUID]
    sigma: float
    latent: torch.Tensor
    tokens: int


def percent_to_sigma(model: Any) -> Callable[[float], float]:
    """Of a MODEL: the noise at a share of all steps (comfy/model_sampling.py)."""
    return _sampling(model).percent_to_sigma


def _entries(guider: Any) -> dict[str, list[Any]]:
    """The conditionings of a run, by the guider's names for their lists. ComfyUI puts other ones in the same place when it has made of
    them what the model is given."""
    return guider.conds


def _sampling(model: Any) -> Any:
    """Of a MODEL: comfy/model_sampling.py"""
    return model.get_model_object("model_sampling")


Sample = Callable[[CoreRun, Callable[[], Any]], Any]
"""Around a run: what it is, and what goes on with it."""
Step = Callable[[Options, torch.Tensor, torch.Tensor, Callable[[], torch.Tensor]], torch.Tensor]
"""Around a step: the run's options, latent, noise ``[B]``, and what goes on with it."""
Ask = Callable[[Asked, Callable[[Options], Any]], Any]
"""Around a call of the model: what it is, and what goes on with its options."""


def wrapped(model: Any, key: str, sample: Sample, step: Step, ask: Ask) -> Any:
    """A clone of a MODEL with functions around its runs (comfy/patcher_extension.py), in place of earlier ones of that key.

    Args:
        key: ``step`` and ``ask`` are called in runs in whose options ``sample`` has put something under it.
    """

    def around_sample(
        executor: Any,
        model_wrap: Any,
        sigmas: torch.Tensor,
        extra_args: Any,
        callback: Any,
        noise: torch.Tensor,
        latent_image: Any = None,
        denoise_mask: Any = None,
        *rest: Any,
        **more: Any,
    ) -> Any:
        options = extra_args["model_options"]["transformer_options"]
        levels = [level.item() for level in sigmas.cpu()]
        run = CoreRun(model_wrap, options, levels, noise, latent_image, denoise_mask, extra_args.get("seed"))
        given = (model_wrap, sigmas, extra_args, callback, noise, latent_image, denoise_mask)
        return sample(run, lambda: executor(*given, *rest, **more))

    def around_step(executor: Any, x: torch.Tensor, timestep: torch.Tensor, model_options: Any, seed: Any) -> Any:
        options = model_options.get("transformer_options", {})
        if key not in options:
            return executor(x, timestep, model_options, seed)
        return step(options, x, timestep, lambda: executor(x, timestep, model_options, seed))

    def around_call(
        executor: Any, x: Any, t: Any, image: Any, text: Any, control: Any, options: Options, **more: Any
    ) -> Any:
        def go(options: Options) -> Any:
            return executor(x, t, image, text, control, options, **more)

        if key not in options:
            return go(options)
        tokens = 0 if text is None else text.shape[1]
        return ask(Asked(options, options["uuids"], options["sigmas"][0].item(), x, tokens), go)

    model = model.clone()
    for kind, wrapper in (
        (WrappersMP.SAMPLER_SAMPLE, around_sample),
        (WrappersMP.PREDICT_NOISE, around_step),
        (WrappersMP.APPLY_MODEL, around_call),
    ):
        model.remove_wrappers_with_key(kind, key)
        model.add_wrapper_with_key(kind, key, wrapper)
    return model


# Guidance

COMMON = {"positive", "negative"}
"""Names of the lists of entries of classifier-free guidance."""

UNPROMPTED = "resonance_unprompted"
"""A guider's name for entries that stand where its negative ones do, and say nothing."""

Mix = Callable[[torch.Tensor, torch.Tensor, float], torch.Tensor]
"""What stands for the negative in guidance: of its prediction, that of the empty prompt, and the CFG scale."""


def unprompted(model: Any, key: str, words: Encoded, mix: Mix, idle: Callable[[float | None], None]) -> Any:
    """A clone of a MODEL that is asked, in the same call, for the empty prompt too (comfy/samplers.py, ``sampling_function``), in
    place of an earlier one of that key.

    Args:
        words: the empty prompt.
        idle: told of a run in which there was nothing to mix, with the CFG scale; None: the guider has another kind of guidance.
    """

    def around_run(executor: Any, *args: Any, **more: Any) -> Any:
        guider = executor.class_obj
        entries = _entries(guider)
        if entries.keys() != COMMON or guider.cfg <= 1:
            idle(guider.cfg if entries.keys() <= COMMON else None)
            return executor(*args, **more)
        mixed = False
        entries[UNPROMPTED] = [Given.of(UNPROMPTED, entry, uuid4()).unprompted(words) for entry in entries["negative"]]

        def around_prediction(
            executor: Any, base: Any, lists: list[Any], x: torch.Tensor, timestep: torch.Tensor, options: Any
        ) -> list[torch.Tensor]:
            nonlocal mixed
            # Other nodes ask for one of them, or set the scale to 1 on the way.
            if len(lists) != 2 or lists[1] is None or guider.cfg <= 1:
                return executor(base, lists, x, timestep, options)
            positive, negative, without = executor(base, [*lists, _entries(guider)[UNPROMPTED]], x, timestep, options)
            mixed = True
            return [positive, mix(negative, without, guider.cfg)]

        # The options are a copy for this run.
        add_wrapper_with_key(WrappersMP.CALC_COND_BATCH, key, around_prediction, guider.model_options, True)
        made = executor(*args, **more)
        if not mixed:
            idle(None)
        return made

    model = model.clone()
    model.remove_wrappers_with_key(WrappersMP.OUTER_SAMPLE, key)
    model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, key, around_run)
    return model


def is_kind(model: Any, *names: str) -> bool:
    """Whether a MODEL is of one of these classes (comfy/model_base.py)."""
    return type(model.model).__name__ in names


def picture_vector(model: Any) -> int:
    """How many numbers the vector of a picture has that a MODEL takes (comfy/model_base.py, ``unclip_adm``)."""
    return model.model.noise_augmentor.time_embed.dim


def config(model: Any) -> object:
    """The configuration of a MODEL, whose class is its family (comfy/supported_models.py)."""
    return model.model.model_config
