"""Owns a sampling run: what its conditionings carry acts from the first step to the last, and is gone after it."""

import logging
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import torch
from comfy.patcher_extension import WrappersMP

from ...attention.binding import BindingProcessor
from ...attention.capture import HeatProcessor
from ...attention.site import Call, Layer, Processor, Row, Stage
from ...told import Told
from ..families import family
from .join import Began, Joined, join
from .unet import BLOCKS, CALL, replace_attention

RUN = "resonance_run"
"""Where the transformer options of a run hold the :class:`SamplingRun`, and the key of our wrappers."""

T = TypeVar("T")

_log = logging.getLogger(__name__)

_calling: ContextVar["tuple[SamplingRun, Call] | None"] = ContextVar("calling", default=None)
"""The call that this thread is in: hooks of modules are told nothing else, and other threads may use the same modules."""


def owned(model: Any) -> Any:
    """A clone of a MODEL whose sampling runs let what their conditionings carry act.

    Raises:
        Told: it is of no family that this works with.
    """
    family(model)
    model = model.clone()
    for kind, wrapper in (
        (WrappersMP.SAMPLER_SAMPLE, _sample),
        (WrappersMP.PREDICT_NOISE, _step),
        (WrappersMP.APPLY_MODEL, _call),
    ):
        model.remove_wrappers_with_key(kind, RUN)
        model.add_wrapper_with_key(kind, RUN, wrapper)
    return model


def _sample(
    executor: Any,
    guider: Any,
    sigmas: torch.Tensor,
    extra_args: dict[str, Any],
    callback: Any,
    noise: torch.Tensor,
    latent_image: torch.Tensor | None = None,
    denoise_mask: torch.Tensor | None = None,
    *args: Any,
    **kwargs: Any,
) -> Any:
    """Around ``Sampler.sample``: ComfyUI has made of the conditionings what the model is given, and no step is done."""
    joined = join(Began(guider, sigmas, noise, latent_image, denoise_mask, extra_args.get("seed")))
    if joined:
        options = extra_args["model_options"]["transformer_options"]
        _uncompile(guider.inner_model, options)
        with SamplingRun(guider, sigmas, joined).installed(options):
            return executor(guider, sigmas, extra_args, callback, noise, latent_image, denoise_mask, *args, **kwargs)
    return executor(guider, sigmas, extra_args, callback, noise, latent_image, denoise_mask, *args, **kwargs)


def _uncompile(model: Any, options: dict[str, Any]) -> None:
    """Takes core's Torch Compile off for a run: what it has compiled once, it takes for every later run with other regions, too.

    Raises:
        Told: the model was compiled in another way.
    """
    if options["wrappers"].get(WrappersMP.APPLY_MODEL, {}).pop("torch.compile", None):
        _log.warning("Regions act in this run, which is therefore sampled without Torch Compile.")
    if any(type(module).__name__ == "OptimizedModule" for module in model.diffusion_model.modules()):
        raise Told(
            "This model was compiled, so that regions cannot act in its attention: connect one that is not compiled, or use an area "
            "method in Regions."
        )


def _step(executor: Any, x: torch.Tensor, timestep: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    """Around ``CFGGuider.predict_noise``."""
    model_options = args[0] if args else kwargs.get("model_options", {})
    run: SamplingRun | None = model_options.get("transformer_options", {}).get(RUN)
    if run is None or not run.stages:
        return executor(x, timestep, *args, **kwargs)
    sigma = timestep[0].item()
    step = run.step(sigma)
    for stage in run.stages:
        # It is the sampler's own tensor: what changes there stays.
        x.copy_(stage.before_step(x, sigma, step))
    denoised = executor(x, timestep, *args, **kwargs)
    for stage in reversed(run.stages):
        denoised = stage.after_step(denoised, x, sigma, step)
    return denoised


def _call(
    executor: Any,
    x: torch.Tensor,
    t: torch.Tensor,
    c_concat: torch.Tensor | None = None,
    c_crossattn: torch.Tensor | None = None,
    control: Any = None,
    transformer_options: dict[str, Any] | None = None,
    **kwargs: Any,
) -> Any:
    """Around ``BaseModel.apply_model``."""
    options = transformer_options or {}
    run: SamplingRun | None = options.get(RUN)
    if run is None:
        return executor(x, t, c_concat, c_crossattn, control, options, **kwargs)
    call = run.call(options, x, 0 if c_crossattn is None else c_crossattn.shape[1])
    options = {**options, CALL: call, BLOCKS: options.get("patches_replace", {})}
    before = _calling.set((run, call))
    try:
        return executor(x, t, c_concat, c_crossattn, control, options, **kwargs)
    finally:
        _calling.reset(before)


class SamplingRun:
    """One sampling run. Several may use one model at once; whatever belongs to a call of it is in its :class:`Call`."""

    def __init__(self, guider: Any, sigmas: torch.Tensor, joined: Joined) -> None:
        self._guider, self._joined, self._sigmas = guider, joined, sigmas.tolist()
        self._sampling = guider.model_patcher.get_model_object("model_sampling")
        self._timesteps: dict[float, float] = {}
        self._entries = {entry.uuid: entry for entry in joined.entries}
        acts = [entry.acts for entry in joined.entries]
        words = BindingProcessor(joined.bound)
        processors: list[Processor] = [words, *_once(acting.processors for acting in acts)]
        if joined.heats:
            processors.append(HeatProcessor(words))
        self._processors = sorted(processors, key=lambda processor: processor.order)
        self._layers: list[Layer] = _once(acting.layers for acting in acts)
        self.stages: list[Stage] = _once(acting.stages for acting in acts)

    @contextmanager
    def installed(self, options: dict[str, Any]) -> Generator[None]:
        """Lets it act.

        Args:
            options: the transformer options of the run; ComfyUI has cloned them for it, and lets go of them after it.
        """
        guider = self._guider
        options[RUN] = self
        slots = family(guider.model_patcher).slots(guider.inner_model.diffusion_model)
        replace_attention(options, slots, self._processors)
        for heat in self._joined.heats:
            heat.forget()
        with ExitStack() as stack:
            copies = guider.model_options.get("multigpu_clones", {}).values()
            for base in {id(model): model for model in (guider.inner_model, *(copy.model for copy in copies))}.values():
                for layer in self._layers:
                    for name, module in layer.layers(base.diffusion_model).items():
                        stack.callback(module.register_forward_hook(self._hook(layer, name)).remove)
            yield
        for heat, gathered in self._joined.heats.items():
            heat.end(gathered)

    def _hook(self, layer: Layer, name: str) -> Callable[..., torch.Tensor | None]:
        def hook(module: torch.nn.Module, args: tuple[torch.Tensor, ...], out: torch.Tensor) -> torch.Tensor | None:
            run, call = _calling.get() or (None, None)
            return layer(call, name, module, args[0], out) if run is self and call else None

        return hook

    def call(self, options: dict[str, Any], x: torch.Tensor, tokens: int) -> Call:
        """One call of the model.

        Args:
            options: its transformer options.
            x: ``[B, C, H, W]``, its latents.
            tokens: of a row, as it is given them.
        """
        uuids = options["uuids"]
        count = len(x) // len(uuids)
        rows = (Row(self._entries.get(uuid), slice(i * count, (i + 1) * count)) for i, uuid in enumerate(uuids))
        sigma = options["sigmas"][0].item()
        return Call(tuple(rows), sigma, self._timestep(sigma), tokens, tuple(x.shape[2:]))

    def step(self, sigma: float) -> int:
        """The number of the step that has this noise, or begins above it."""
        return max((i for i, begin in enumerate(self._sigmas) if begin >= sigma), default=0)

    def _timestep(self, sigma: float) -> float:
        """Found by halving: not every kind of sampling numbers its steps to 1000."""
        if sigma not in self._timesteps:
            low, high = 0.0, 1.0
            for _ in range(12):
                middle = (low + high) / 2
                low, high = (middle, high) if self._sampling.percent_to_sigma(middle) > sigma else (low, middle)
            self._timesteps[sigma] = 1 - low
        return self._timesteps[sigma]


def _once(each: Iterable[Sequence[T]]) -> list[T]:
    """What several entries carry, each thing once."""
    return list({id(one): one for some in each for one in some}.values())
