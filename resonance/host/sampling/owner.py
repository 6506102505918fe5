"""Owns a sampling run: what its conditionings carry acts from the first step to the last, and is gone after it."""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import torch

from ...attention.binding import BindingProcessor, Unfilled
from ...attention.capture import HeatProcessor
from ...attention.lora_layer import LoraLayer
from ...attention.pictures import PictureProcessor, by_adapters
from ...attention.site import PICTURE, Call, Layer, Processor, Row, Stage
from ...attention.xti import XTI, OwnText, check_places
from ...told import Told
from .. import progress
from ..core_attention import have_read, text_projections
from ..core_sampling import Asked, CoreRun, Options, wrapped
from ..families import family
from .join import Joined, join
from .unet import CALL, WHOLE, replace_attention

RUN = "resonance_run"
"""Where the options of a run hold the :class:`SamplingRun`, and the key of our wrappers."""

T = TypeVar("T")

_calling: ContextVar["tuple[SamplingRun, Call] | None"] = ContextVar("calling", default=None)
"""The call that this thread is in: hooks of modules are told nothing else, and other threads may use the same modules."""


def owned(model: Any) -> Any:
    """A clone of a MODEL whose sampling runs let what their conditionings carry act.

    Raises:
        Told: it is of no family that this works with.
    """
    family(model)
    return wrapped(model, RUN, _sample, _step, _ask)


def _sample(run: CoreRun, go: Callable[[], Any]) -> Any:
    # ComfyUI has made of the conditionings what the model is given, and no step is done.
    joined = join(run)
    if run.patcher.get_attachment(XTI) and not (joined and joined.own):
        progress.warn(
            "XTI acts in no conditioning of this run. If it was to, connect what the node gave: Conditioning (Average), and Conditioning"
            " (Concat) behind other words, do not keep it."
        )
    if joined is None:
        return go()
    if joined.loras:
        _check_for_loras(run, joined)
    if run.is_compiled:
        # What it has compiled once it takes for every later run, one with other regions too.
        run.uncompile()
        progress.warn("Regions or pictures act in this run, which is therefore sampled without Torch Compile.")
    if any(type(module).__name__ == "OptimizedModule" for module in run.models[0].modules()):
        raise Told(
            "This model was compiled, so that regions and pictures cannot act in its attention: connect one that is not compiled, or use an"
            " area method in Regions."
        )
    with SamplingRun(run, joined).installed():
        return go()


def _check_for_loras(run: CoreRun, joined: Joined) -> None:
    """
    Raises:
        Told: what hooks on its layers would miss is done with this model.
    """
    reason = "is compiled" if run.is_compiled else "is split over several devices" if run.is_split else ""
    if reason:
        names = ", ".join(dict.fromkeys(lora.deltas.name for lora in joined.loras))
        raise Told(
            f"This model {reason}, where {names} cannot act in a region in one pass of the model: take that off, or take area overlay "
            "or area average in Regions."
        )


def _step(options: Options, x: torch.Tensor, noise: torch.Tensor, go: Callable[[], torch.Tensor]) -> torch.Tensor:
    run: SamplingRun = options[RUN]
    if not run.stages:
        return go()
    sigma = noise[0].item()
    step = run.step(sigma)
    for stage in run.stages:
        # It is the sampler's own tensor: what changes there stays.
        x.copy_(stage.before_step(x, sigma, step))
    denoised = go()
    for stage in reversed(run.stages):
        denoised = stage.after_step(denoised, x, sigma, step)
    return denoised


def _ask(asked: Asked, go: Callable[[Options], Any]) -> Any:
    run: SamplingRun = asked.options[RUN]
    call = run.call(asked)
    before = _calling.set((run, call))
    try:
        made = go({**asked.options, CALL: call, WHOLE: asked.options})
    finally:
        _calling.reset(before)
    run.check()
    return made


class SamplingRun:
    """One sampling run. Several may use one model at once; whatever belongs to a call of it is in its :class:`Call`."""

    def __init__(self, run: CoreRun, joined: Joined) -> None:
        self._run, self._joined = run, joined
        self._timesteps: dict[float, float] = {}
        self._entries = {entry.uuid: entry for entry in joined.entries}
        acts = [entry.acts for entry in joined.entries]
        self._words = words = BindingProcessor(joined.bound)
        processors: list[Processor] = [words, *_once(acting.processors for acting in acts)]
        self._slots = list(family(run.patcher).slots(run.models[0]))
        if joined.pictures:
            processors.append(PictureProcessor(joined.pictures, by_adapters(self._slots)))
        if joined.heats:
            processors.append(HeatProcessor(words))
        self._processors = sorted(processors, key=lambda processor: processor.order)
        self._own = None
        if joined.own:
            check_places([slot[:2] for slot in self._slots])
            self._own = OwnText(joined.own)
        self._loras = None
        if joined.loras:
            self._loras = LoraLayer(joined.loras, joined.bound, run.percent_to_sigma, progress.warn)
        # LoRAs first: what else acts on a layer acts on its output with them.
        self._layers: list[Layer] = [*([self._loras] if self._loras else []), *_once(acting.layers for acting in acts)]
        self.stages: list[Stage] = _once(acting.stages for acting in acts)

    @contextmanager
    def installed(self) -> Generator[None]:
        """Lets it act. ComfyUI has cloned the options for this run, and lets go of them after it."""
        run, heats = self._run, self._joined.heats
        run.options[RUN] = self
        replace_attention(run.options, self._slots, self._processors)
        if self._own:
            have_read(run.options, self._read)
        for heat in heats:
            heat.forget()
        with ExitStack() as stack:
            for model in run.models:
                layered: set[torch.nn.Module] = set()
                for layer in self._layers:
                    for name, module in layer.layers(model).items():
                        stack.callback(module.register_forward_hook(self._hook(layer, name)).remove)
                        layered.add(module)
                if self._words.fills:
                    # A layer is shown every row, and what is filled in.
                    for module in set(text_projections(model)) - layered:
                        stack.callback(module.register_forward_pre_hook(self._gather).remove)
                        stack.callback(module.register_forward_hook(self._spread).remove)
            yield
        for heat, gathered in heats.items():
            heat.end(gathered)

    def _hook(self, layer: Layer, name: str) -> Callable[..., torch.Tensor | None]:
        def hook(module: torch.nn.Module, args: tuple[torch.Tensor, ...], out: torch.Tensor) -> torch.Tensor | None:
            run, call = _calling.get() or (None, None)
            return layer(call, name, module, args[0], out) if run is self and call else None

        return hook

    def _gather(self, module: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor] | None:
        unfilled = self._unfilled()
        # Another node may have changed the tokens on their way here, as NegPiP does.
        fits = unfilled and args[0].shape[1] == unfilled.tokens
        return (unfilled.gather(args[0]),) if unfilled and fits else None

    def _spread(
        self, module: torch.nn.Module, args: tuple[torch.Tensor, ...], out: torch.Tensor
    ) -> torch.Tensor | None:
        unfilled = self._unfilled()
        return unfilled.spread(out) if unfilled and args[0].ndim == 2 else None

    def _read(self, block: tuple[str, int], text: torch.Tensor, options: Options) -> torch.Tensor:
        assert self._own
        return self._own(options[CALL], block, text)

    def _unfilled(self) -> Unfilled | None:
        run, call = _calling.get() or (None, None)
        return self._words.unfilled(call) if run is self and call else None

    def check(self) -> None:
        """After a call of the model, see :meth:`~resonance.attention.lora_layer.LoraLayer.check`."""
        if self._loras:
            self._loras.check()

    def call(self, asked: Asked) -> Call:
        """One call of the model."""
        count = len(asked.latent) // len(asked.uuids)
        rows = (Row(self._entries.get(uuid), slice(i * count, (i + 1) * count)) for i, uuid in enumerate(asked.uuids))
        picture = asked.options.get(PICTURE, 0)
        return Call(tuple(rows), asked.sigma, self._timestep(asked.sigma), asked.tokens, picture)

    def step(self, sigma: float) -> int:
        """The number of the step that has this noise, or begins above it."""
        return max((i for i, begin in enumerate(self._run.sigmas) if begin >= sigma), default=0)

    def _timestep(self, sigma: float) -> float:
        """Found by halving: not every kind of sampling numbers its steps to 1000."""
        if sigma not in self._timesteps:
            low, high = 0.0, 1.0
            for _ in range(12):
                middle = (low + high) / 2
                low, high = (middle, high) if self._run.percent_to_sigma(middle) > sigma else (low, middle)
            self._timesteps[sigma] = 1 - low
        return self._timesteps[sigma]


def _once(each: Iterable[Sequence[T]]) -> list[T]:
    """What several entries carry, each thing once."""
    return list({id(one): one for some in each for one in some}.values())
