"""ComfyUI's insides where a gradient goes through its models. See :mod:`.core`."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import comfy.model_management as memory
import comfy.samplers
import torch
from comfy.ldm.modules.attention import attention_pytorch
from comfy.patcher_extension import WrappersMP

from ..attention.site import PICTURE
from ..told import Told
from .core_attention import OVERRIDE
from .core_sampling import COMPILED, Given, Options
from .core_unet import blocks_down, middle_of

Entries = list[dict[str, Any]]
"""Those of one conditioning, as ComfyUI prepares them for a run."""

AFTER_SKIP = "input_block_patch_after_skip"
SPLIT = "multigpu"
"""ComfyUI's name for the copies of a model on other graphics cards."""


class Loaded(NamedTuple):
    """What a run begins with, when all is loaded.

    Attributes:
        model: comfy/model_base.py
        split: whether it has copies on other graphics cards.
        away: whether some of the weights are elsewhere.
    """

    model: torch.nn.Module
    split: bool
    away: bool


def wanders(patcher: Any) -> bool:
    """Whether weights are where they are only while they are read: dynamic VRAM."""
    return patcher.is_dynamic()


def undynamic(patcher: Any) -> tuple[Any, int]:
    """A clone of a MODEL, or of another model's patcher, whose weights stay where they are while it samples, and how many bytes it takes
    more. Under dynamic VRAM that is a second copy of the model, which later clones share (comfy/model_patcher.py,
    ``get_non_dynamic_delegate``).

    Raises:
        RuntimeError: ComfyUI does not know how to load it again.
    """
    if not wanders(patcher):
        return patcher.clone(), 0
    return patcher.get_non_dynamic_delegate(), patcher.model_size()


def stored(module: torch.nn.Module) -> Iterator[torch.Tensor]:
    """Its weights and buffers."""
    yield from module.parameters()
    yield from module.buffers()


def latent_channels(model: Any) -> int:
    """Of a MODEL's latents."""
    return model.get_model_object("latent_format").latent_channels


def raw(model: Any, latent: torch.Tensor) -> torch.Tensor:
    """What a VAE takes for a latent as a MODEL has it."""
    return model.get_model_object("latent_format").process_out(latent)


@dataclass(frozen=True, eq=False)
class Decoder:
    """Decodes so that a gradient goes through it (comfy/sd.py, ``VAE.decode``).

    Attributes:
        network: the VAE's, of a patcher that is loaded.
    """

    vae: Any
    network: Any

    def __call__(self, latent: torch.Tensor) -> torch.Tensor:
        """The picture ``[B, 3, H, W]`` from 0 to 1 of a raw latent."""
        made = self.network.decode(latent.to(self.vae.device, self.vae.vae_dtype))
        # It works in place.
        return self.vae.process_output(made.float().clone()).to(latent.device)

    def memory(self, shape: torch.Size) -> float:
        """Bytes that it takes without a gradient."""
        return self.vae.memory_used_decode(shape, self.vae.vae_dtype)


# A run


def prepared(
    model: Any,
    key: str,
    models: Iterable[Any],
    needed: Callable[[torch.Size, int], float],
    check: Callable[[Loaded], None],
) -> Any:
    """A clone of a MODEL for whose runs ComfyUI keeps more memory free, and loads more models (comfy/sampler_helpers.py).

    Args:
        key: of what earlier ones have asked for: their models are loaded, too.
        models: patchers of those.
        needed: bytes that are kept for one picture, of its latent's shape, and of those of a number in the model.
        check: called when all is loaded.
    """

    def around(
        executor: Any, model: Any, shape: torch.Size, words: Any, model_options: Any = None, *rest: Any, **more: Any
    ) -> Any:
        one = torch.Size([1, *shape[1:]])
        call = model.model.memory_required(one)
        required = call + needed(one, model.model.get_dtype_inference().itemsize)
        # ComfyUI reserves what two rows take for each picture.
        pictures = max(shape[0], int(required / call / 2) + 1)
        made = executor(model, torch.Size([pictures, *shape[1:]]), words, model_options, *rest, **more)
        more_models = model.get_additional_models_with_key
        loaded = [model, *more_models(key)]
        missing = sum(each.model_size() - each.loaded_size() for each in loaded if _is_away(each))
        if missing and missing + required < memory.get_free_memory(model.load_device):
            memory.load_models_gpu(loaded, required, force_full_load=True)
        check(Loaded(model.model, bool(more_models(SPLIT)), any(map(_is_away, loaded))))
        return made

    model = model.clone()
    model.set_additional_models(key, [*model.get_additional_models_with_key(key), *models])
    model.remove_wrappers_with_key(WrappersMP.PREPARE_SAMPLING, key)
    model.add_wrapper_with_key(WrappersMP.PREPARE_SAMPLING, key, around)
    return model


def _is_away(patcher: Any) -> bool:
    return any(t.device.type != patcher.load_device.type for t in stored(patcher.model))


@dataclass(frozen=True, eq=False)
class GuidedStep:
    """A step after classifier-free guidance (comfy/samplers.py, ``cfg_function``). All tensors are ``[B, C, H, W]`` in inference mode.

    Attributes:
        x: the latent.
        sigma: ``[B]``.
        denoised: what guidance has made.
        positive: what the model predicts by the positive conditioning.
        negative: by the negative; None: it was not asked.
    """

    x: torch.Tensor
    sigma: torch.Tensor
    denoised: torch.Tensor
    positive: torch.Tensor
    negative: torch.Tensor | None
    _base: Any
    _entries: Entries
    _options: Options

    def gradient(self, number: int, of: torch.Tensor, differentiable: Callable[[torch.nn.Module], Any]) -> torch.Tensor:
        """The gradient of the model's positive prediction for one picture, with respect to its latent.

        Args:
            number: of the picture in the batch.
            of: the gradient with respect to that prediction, ``[1, C, H, W]``.
            differentiable: around a call of the model.
        """
        base, count = self._base, len(self.x)
        x, sigma = self.x[number : number + 1].clone(), self.sigma[number : number + 1].clone()
        options = _for_gradient(self._options, number, base.diffusion_model)
        controls: dict[int, _Still] = {}
        entries = [_of_picture(entry, number, count, controls) for entry in self._entries]
        groups = list(dict.fromkeys(entry.get("hooks") for entry in entries))
        total = torch.zeros_like(x)
        for hooks in groups:
            mine = [entry for entry in entries if entry.get("hooks") == hooks]
            share = self._share(entries, mine, x, sigma, options) if len(groups) > 1 else 1
            with torch.inference_mode():
                # What hooks write into weights that other groups need, too, is written now and read before the next group's turn.
                if hooks is not None:
                    base.current_patcher.prepare_hook_patches_current_keyframe(sigma, hooks, options)
                base.current_patcher.apply_hooks(hooks)
            with torch.enable_grad():
                leaf = x.clone().requires_grad_()
                with differentiable(base):
                    predicted = self._predicted(mine, leaf, sigma, options)
            memory.throw_exception_if_processing_interrupted()
            if predicted.requires_grad:  # else none of them acts in this step
                total += torch.autograd.grad(predicted, leaf, of * share)[0]
        return total

    def _share(
        self, entries: Entries, mine: Entries, x: torch.Tensor, sigma: torch.Tensor, options: Options
    ) -> torch.Tensor:
        """What some entries have of the prediction, ``[1, C, H, W]``: that of a model that answers 1 for them and 0 for others.

        Raises:
            Told: what the others leave over is theirs, too.
        """
        if any("default" in entry for entry in entries):
            raise Told(
                "Gradients do not go through a conditioning that is set as default beside LoRAs of other ones: leave it out."
            )
        uuids = {entry["uuid"] for entry in mine}

        def answer(_: Any, asked: dict[str, Any]) -> torch.Tensor:
            rows = asked["c"]["transformer_options"]["uuids"]
            ones = torch.ones_like(asked["input"]).chunk(len(rows))
            return torch.cat([row * (uuid in uuids) for uuid, row in zip(rows, ones, strict=True)])

        # Whatever hooks have written stays.
        now = self._base.current_patcher.current_hooks
        plain = [{**{k: v for k, v in entry.items() if k != "control"}, "hooks": now} for entry in entries]
        with torch.no_grad():
            return self._predicted(plain, x, sigma, {**options, "model_function_wrapper": answer})

    def _predicted(self, entries: Entries, x: torch.Tensor, sigma: torch.Tensor, options: Options) -> torch.Tensor:
        return comfy.samplers.calc_cond_batch(self._base, [entries], x, sigma, options)[0]


def after_guidance(model: Any, act: Callable[[GuidedStep], torch.Tensor]) -> Any:
    """A clone of a MODEL with a function behind guidance, and behind earlier ones, that gives what is denoised in its place."""

    def after(args: dict[str, Any]) -> torch.Tensor:
        return act(
            GuidedStep(
                args["input"],
                args["sigma"],
                args["denoised"],
                args["cond_denoised"],
                None if args["uncond"] is None else args["uncond_denoised"],
                args["model"],
                args["cond"],
                args["model_options"],
            )
        )

    model = model.clone()
    model.set_model_sampler_post_cfg_function(after)
    return model


def _plain(_: Any, *args: Any, **more: Any) -> torch.Tensor:
    return attention_pytorch(*args, **more)


def _for_gradient(options: Options, number: int, unet: Any) -> Options:
    """The options of a call through which a gradient goes: not all kinds of attention have one, and what Torch Compile makes has
    none."""

    def aside(h: torch.Tensor, here: Options) -> torch.Tensor:
        # ComfyUI adds a ControlNet's answer to the skip in place, after the next block has kept that for its gradient. Without a middle
        # block, the last skip is what goes on, and shall be.
        is_last = here["block"][1] == len(blocks_down(unet)) - 1
        return h if is_last and middle_of(unet) is None else h.clone()

    inner = options["transformer_options"]
    patches, wrappers = inner.get("patches", {}), inner.get("wrappers", {})
    calls = {key: each for key, each in wrappers.get(WrappersMP.APPLY_MODEL, {}).items() if key != COMPILED}
    return {
        **options,
        "transformer_options": {
            **inner,
            "patches": {**patches, AFTER_SKIP: [*patches.get(AFTER_SKIP, []), aside]},
            "wrappers": {**wrappers, WrappersMP.APPLY_MODEL: calls},
            OVERRIDE: _plain,
            PICTURE: number,
        },
    }


def _of_picture(entry: dict[str, Any], number: int, count: int, controls: dict[int, "_Still"]) -> dict[str, Any]:
    """What an entry holds for one picture of several."""

    def one(t: torch.Tensor) -> torch.Tensor:
        return (t[number : number + 1] if len(t) == count else t).clone()

    made = Given("positive", entry).with_each(one)
    if "mask" in entry:
        made["mask"] = one(entry["mask"])
    if "control" in entry:
        control = entry["control"]
        made["control"] = controls.setdefault(id(control), _Still(control, number, count))
    return made


@dataclass(frozen=True, eq=False)
class _Still:
    """A ControlNet whose answer is taken as given, for one picture of several (comfy/controlnet.py, ``ControlBase``). It is asked for all
    of them, as it keeps its hints for as many as it was asked for last."""

    control: Any
    number: int
    count: int

    def get_control(
        self, x: torch.Tensor, t: torch.Tensor, cond: dict[str, Any], batched: int, options: Options
    ) -> Any:
        rows = len(x)

        def all_of(value: Any) -> Any:
            fits = isinstance(value, torch.Tensor) and len(value) == rows
            return value.repeat_interleave(self.count, 0) if fits else value

        with torch.inference_mode():
            given = {name: all_of(value) for name, value in cond.items()}
            answer = self.control.get_control(all_of(x.detach()), all_of(t), given, batched, options)
        if answer is None:
            return None
        return {name: [each if each is None else self._mine(each) for each in maps] for name, maps in answer.items()}

    def _mine(self, t: torch.Tensor) -> torch.Tensor:
        return t[self.number :: self.count].clone()
