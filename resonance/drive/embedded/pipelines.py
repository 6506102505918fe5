"""Text to image models for diffusers: where they are found, and how they are loaded. Weights are safetensors only, and no
code that lies beside them is run."""

import importlib
import inspect
import re
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import torch

from ...files.names import inside
from ...roulette import DrawnLora
from ...told import NoLibrary, Told
from .describer import TOYWORLD

INSTALL = "Run: pip install -r requirements-headless.txt"
INDEX = "model_index.json"
Kind = Literal["toy world", "folder", "file", "hub"]

SAMPLERS: dict[str, tuple[str, dict[str, Any]]] = {
    "ddim": ("DDIMScheduler", {}),
    "ddpm": ("DDPMScheduler", {}),
    "deis": ("DEISMultistepScheduler", {}),
    "dpmpp_2m": ("DPMSolverMultistepScheduler", {}),
    "dpmpp_2m_karras": ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
    "dpmpp_2m_sde": ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler_ancestral": ("EulerAncestralDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
    "lms": ("LMSDiscreteScheduler", {}),
    "uni_pc": ("UniPCMultistepScheduler", {}),
}
"""ComfyUI's name -> diffusers' class and what it is told beside the model's own configuration."""

SPACINGS = ("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas")
SCHEDULERS: dict[str, dict[str, Any]] = {
    "normal": {"timestep_spacing": "linspace"},
    "karras": {"use_karras_sigmas": True},
    "exponential": {"timestep_spacing": "linspace", "use_exponential_sigmas": True},
    "beta": {"timestep_spacing": "linspace", "use_beta_sigmas": True},
    "sgm_uniform": {"timestep_spacing": "trailing"},
    "simple": {"timestep_spacing": "trailing"},
    "ddim_uniform": {"timestep_spacing": "leading", "steps_offset": 1},
}
"""ComfyUI's name -> what diffusers' class is told, as the table under "Schedulers" in diffusers' documentation has it."""


@dataclass(frozen=True)
class Found:
    """A model, and where it is: a folder, a file, or a hub id."""

    kind: Kind
    place: str


@dataclass(frozen=True)
class Loaded:
    """A pipeline and what it is run with where nothing else is asked for.

    Attributes:
        side: side of a square picture of about as many pixels as the model was trained on.
    """

    pipeline: Any
    steps: int
    cfg: float
    side: int


def locate(model: str, models: Path | None) -> Found:
    """Looks up a model that a person named: the toy world, a path, a name below ``models``, or a hub id.

    Raises:
        Told: it is none of these.
    """
    if model == TOYWORLD:
        return Found("toy world", model)
    path = Path(model)
    if not path.exists() and models:
        path = below(models, "checkpoints", model) or path
    if path.exists():
        return _what_is(path)
    if re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", model):
        return Found("hub", model)
    searched = f" in {models / 'checkpoints'} or {models}" if models else ""
    raise Told(
        f"There is no model {model!r}{searched}. Give the folder of a model in diffusers' form, a .safetensors checkpoint,"
        f" the id of a model on the Hugging Face hub (owner/name), or {TOYWORLD}."
    )


def locate_drawn(name: str, models: Path | None) -> Found:
    """Looks up a checkpoint that was drawn: it is below ``models`` and nowhere else, as pictures may carry draws of others.

    Raises:
        Told: it is not there, or no model.
    """
    if models is None:
        raise Told(f"The checkpoint {name!r} was drawn: name the folder that holds checkpoints/ and loras/.")
    path = below(models, "checkpoints", name)
    if path is None:
        raise Told(f"There is no checkpoint {name!r} in {models / 'checkpoints'} or {models}.")
    return _what_is(path)


def _what_is(path: Path) -> Found:
    if path.is_dir():
        if not (path / INDEX).is_file():
            raise Told(f"{path} is not a model in diffusers' form: it holds no {INDEX}.")
        return Found("folder", str(path))
    if path.suffix != ".safetensors":
        raise Told(f"{path} is no .safetensors file: other forms may hold code and are not read.")
    return Found("file", str(path))


def below(models: Path, kind: str, name: str) -> Path | None:
    """The file or folder of that name in ``models/kind`` or ``models``. Raises Told if the name leads out."""
    paths = (inside(models / kind, name), inside(models, name))
    return next((path for path in paths if path.exists()), None)


def pick_device(asked: str) -> torch.device:
    """``auto`` takes the accelerator that torch can use (CUDA, MPS, XPU), else the CPU.

    Raises:
        Told: the one that was asked for is not there.
    """
    there = torch.accelerator.current_accelerator(check_available=True)
    if asked == "auto":
        return there or torch.device("cpu")
    try:
        device = torch.device(asked)
    except RuntimeError:
        device = None
    if device is None or device.type not in {"cpu", there.type if there else "cpu"}:
        raise Told(f"There is no device {asked!r} here. There are: cpu{f', {there.type}' if there else ''}.")
    return device


def pick_dtype(asked: str, device: torch.device) -> torch.dtype:
    """``auto`` takes float32 on the CPU, else bfloat16 where the device computes in it, else float16.

    Raises:
        Told: there is no such type.
    """
    if asked == "auto":
        if device.type == "cpu":
            return torch.float32
        able = torch.cuda.is_bf16_supported() if device.type == "cuda" else device.type == "xpu"
        return torch.bfloat16 if able else torch.float16
    types = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
    if asked not in types:
        raise Told(f"There is no dtype {asked!r}. There are: auto, {', '.join(types)}.")
    return types[asked]


def load(found: Found, device: torch.device, dtype: torch.dtype, download: bool) -> Loaded:
    """Loads a model.

    Whether pictures are checked for safety is the business of who chooses the model: the checkers that some come with
    are not loaded.

    Args:
        download: whether what is missing may be fetched from the hub.

    Raises:
        NoLibrary: a library is missing; the text says how to install it.
        Told: it is not text to image model, or files are missing or could not be fetched.
    """
    diffusers = _diffusers()
    if found.kind == "toy world":
        toy: Any = importlib.import_module("...toyworld.painter", __package__)
        pipeline, steps, cfg, side = toy.load().to(device), toy.STEPS, toy.CFG, toy.SIZE
    else:
        pipeline = _read(diffusers, found, dtype, download).to(device)
        defaults = inspect.signature(pipeline.__call__).parameters
        steps, cfg = (
            defaults[name].default if name in defaults else 0 for name in ("num_inference_steps", "guidance_scale")
        )
        side = _side(pipeline)
    pipeline.set_progress_bar_config(disable=True)
    return Loaded(pipeline, steps, cfg, side)


def pick_scheduler(own: Any, sampler: str | None, scheduler: str | None) -> Any:
    """What diffusers calls a scheduler: sampler and schedule in one.

    Args:
        own: the model's.
        sampler, scheduler: names of :data:`SAMPLERS` and :data:`SCHEDULERS`; None: the model's own.

    Raises:
        Told: there is no such sampler or scheduler, or it is not for this model.
    """
    for what, name, known in (("sampler", sampler, SAMPLERS), ("scheduler", scheduler, SCHEDULERS)):
        if name is not None and name not in known:
            raise Told(f"There is no {what} {name!r} without ComfyUI. There are: {', '.join(known)}.")
    kind: Any = own.__class__
    settings: dict[str, Any] = {}
    if sampler:
        class_name, settings = SAMPLERS[sampler]
        kind = getattr(_diffusers(), class_name)
        if kind is not type(own) and kind not in own.compatibles:
            raise Told(
                f"The sampler {sampler!r} is not for this model, whose own is {type(own).__name__}: leave it out."
            )
    if scheduler:
        takes = inspect.signature(kind.__init__).parameters
        if not SCHEDULERS[scheduler].keys() <= takes.keys():
            raise Told(f"{kind.__name__} has no schedule {scheduler!r}: leave it out, or choose another sampler.")
        settings = {**{name: False for name in SPACINGS if name in takes}, **SCHEDULERS[scheduler]}
    return kind.from_config(own.config, **settings) if settings or sampler else own


def sampler_name(scheduler: Any) -> str:
    """The name in :data:`SAMPLERS` of a model's own scheduler, or else what diffusers calls it."""
    kind = type(scheduler).__name__
    named = (name for name, (class_name, settings) in SAMPLERS.items() if class_name == kind and not settings)
    return next(named, kind.removesuffix("Scheduler"))


def from_picture(pipeline: Any, model: str) -> Any:
    """The pipeline that starts from a picture and shares all parts of the one that starts from text.

    Raises:
        Told: this model has none.
    """
    try:
        found = _diffusers().AutoPipelineForImage2Image.from_pipe(pipeline)
    except ValueError:
        found = None
    if found is None or "strength" not in inspect.signature(found.__call__).parameters:
        raise Told(
            f"{model} ({type(pipeline).__name__}) cannot start from a picture: diffusers has no image-to-image pipeline with a"
            " strength for it. Choose another model."
        )
    found.set_progress_bar_config(disable=True)
    return found


def strength_for(pipeline: Any, run: int, steps: int) -> float:
    """The strength with which a pipeline runs the last ``run`` of ``steps``: some round strength x steps up, some down."""
    near = (share / steps for share in (run, run + 0.5, run - 0.5) if share <= steps)
    device = pipeline._execution_device
    return next(strength for strength in near if pipeline.get_timesteps(steps, strength, device)[1] == run)


@contextmanager
def likeliest_latents(vae: Any, encoded: Callable[[int], None]) -> Generator[None]:
    """Makes a VAE give the mode of its distribution, from which a pipeline would draw a latent.

    Args:
        encoded: hears of how many numbers the latent consists.
    """
    encode = vae.encode

    def likeliest(*args: Any, **kwargs: Any) -> Any:
        found = encode(*args, **kwargs)
        latents = found.latent_dist.mode() if hasattr(found, "latent_dist") else found.latents
        encoded(latents.numel())
        return SimpleNamespace(latents=latents)

    vae.encode = likeliest
    try:
        yield
    finally:
        del vae.encode


def latent_numbers(pipeline: Any, width: int, height: int) -> int:
    """Of how many numbers the latent of a picture consists."""
    channels = pipeline.vae.config.get("latent_channels") or pipeline.vae.config["z_dim"]
    return channels * (width // pipeline.vae_scale_factor) * (height // pipeline.vae_scale_factor)


def put_loras(pipeline: Any, loras: Sequence[DrawnLora], models: Path | None) -> None:
    """Takes the LoRAs of a pipeline away and gives it others, found in ``models/loras`` or ``models``.

    Raises:
        NoLibrary: peft is missing.
        Told: a file is missing, or is not for this model.
    """
    if not hasattr(pipeline, "load_lora_weights"):
        raise Told(f"{type(pipeline).__name__} takes no LoRAs: leave them out of the plan.")
    if find_spec("peft") is None:
        raise NoLibrary("LoRAs need peft. Run: pip install peft")
    pipeline.unload_lora_weights()
    if not loras:
        return
    for number, lora in enumerate(loras):
        path = below(models, "loras", lora.name) if models else None
        if path is None or path.suffix != ".safetensors":
            where = f"{models / 'loras'} or {models}" if models else "no folder: name the one that holds loras/"
            raise Told(f"There is no LoRA {lora.name!r} (.safetensors). Searched: {where}.")
        try:
            pipeline.load_lora_weights(
                str(path.parent), weight_name=path.name, adapter_name=f"lora{number}", local_files_only=True
            )
        except (KeyError, RuntimeError, ValueError) as error:
            raise Told(f"{path} is no LoRA for {type(pipeline).__name__}: {_first_line(error)}") from error
    parts: dict[str, list[str]] = pipeline.get_list_adapters()
    pipeline.set_adapters(
        [f"lora{number}" for number in range(len(loras))],
        [
            {
                part: lora.clip_strength if part.startswith("text_encoder") else lora.model_strength
                for part, adapters in parts.items()
                if f"lora{number}" in adapters
            }
            for number, lora in enumerate(loras)
        ],
    )


def _diffusers() -> Any:
    for name in ("accelerate", "transformers", "diffusers"):
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise NoLibrary(f"Painting without ComfyUI needs {name} ({error}). {INSTALL}") from None
    for name in ("transformers", "diffusers"):
        importlib.import_module(f"{name}.utils.logging").disable_progress_bar()
    return importlib.import_module("diffusers")


def _read(diffusers: Any, found: Found, dtype: torch.dtype, download: bool) -> Any:
    try:
        if found.kind == "file":
            return _read_file(diffusers, found.place, dtype, download)
        place = _on_disk(found.place, download) if found.kind == "hub" else found.place
        auto = diffusers.AutoPipelineForText2Image
        more = _without_checker(auto.load_config(place, local_files_only=not download))
        return auto.from_pretrained(place, use_safetensors=True, local_files_only=not download, dtype=dtype, **more)
    except _NotHereError as error:
        raise Told(f"{error}: pass --download to fetch it.") from None
    except Exception as error:  # diffusers, transformers, safetensors and torch each have their own
        raise Told(f"{found.place} cannot be read as a text to image model: {_first_line(error)}") from error


def _read_file(diffusers: Any, path: str, dtype: torch.dtype, download: bool) -> Any:
    """A checkpoint in one file. The configuration of its family and its tokenizer come from the hub or its cache."""
    files: Any = importlib.import_module("diffusers.loaders.single_file_utils")
    family: str = files.fetch_diffusers_config(files.load_single_file_checkpoint(path))["pretrained_model_name_or_path"]
    try:
        family = _on_disk(family, download)
    except _NotHereError as error:
        raise _NotHereError(f"{path} needs the configuration of {family}, some hundred KB. {error}") from None
    config = diffusers.DiffusionPipeline.load_config(family, local_files_only=not download)
    kind = getattr(diffusers, config["_class_name"])
    more = _without_checker(config)
    return kind.from_single_file(path, config=family, local_files_only=not download, dtype=dtype, **more)


class _NotHereError(Exception):
    """A model of the hub is not in the cache."""


def _on_disk(repo: str, download: bool) -> str:
    """The folder of the hub's cache that holds a model, or its id where it may be fetched.

    huggingface-hub asks the network even when told to use local files only; for a folder it does not.
    """
    hub: Any = importlib.import_module("huggingface_hub")
    if Path(repo).is_dir() or download:
        return repo
    index = hub.try_to_load_from_cache(repo, INDEX)
    if not isinstance(index, str):
        raise _NotHereError(f"{repo} is not a folder here and not in the Hugging Face hub's cache")
    return str(Path(index).parent)


def _without_checker(config: dict[str, Any]) -> dict[str, Any]:
    """Leaves the safety checker out of a pipeline that has one."""
    return {"safety_checker": None, "requires_safety_checker": False} if "safety_checker" in config else {}


def _side(pipeline: Any) -> int:
    if size := getattr(pipeline, "default_sample_size", 0):
        return size * pipeline.vae_scale_factor
    unet = getattr(pipeline, "unet", None)
    return unet.config.sample_size * pipeline.vae_scale_factor if unet else 1024


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0]
