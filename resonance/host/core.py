"""ComfyUI's insides: every attribute, key and tuple of it that may move without a word, each touched once.

Text generation is in :mod:`.core_text`, what a run of a sampler is made of in :mod:`.core_sampling`, its noise in
:mod:`.core_noise`, attention in UNets in :mod:`.core_attention`, in transformers in :mod:`.core_joint`, LoRAs are in :mod:`.core_lora`,
the maps of UNets in :mod:`.core_unet`, gradients in :mod:`.core_gradient`, CLIP vision models in :mod:`.core_vision`; there are no other files of this kind.

What ``comfy_api.v0_0_2`` has is used from there. It lacks: the queue and its history, how to block one output
(``ExecutionBlocker``), how to speak to one browser, the clones, hooks and tokens of a CLIP, and the schedule of a sampler.
Its ``execution.set_progress`` neither stops an interrupted run nor spares the browser, as ``comfy.utils.ProgressBar`` does.
What core's own nodes show and most packs use (folders, memory, loaders, ``comfy.sample``) is called where it is needed.
``tests/host/surface.py`` lists all of it.
"""

import importlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextvars import ContextVar
from functools import partial
from typing import Any, NamedTuple

import comfy.latent_formats
import comfy.samplers
import latent_preview
import torch
from aiohttp import web
from comfy.cli_args import args
from comfy.latent_formats import LatentFormat
from comfy.sd1_clip import SD1Tokenizer, escape_important, token_weights, unescape_important
from comfy.t2i_adapter.adapter import StyleAdapter
from comfy_api.v0_0_2 import io
from comfy_execution.utils import ExecutionContext, get_executing_context
from execution import PromptQueue
from server import PromptServer

# The queue


class Queued(NamedTuple):
    """A run that is queued or running: the middle of a tuple of ``PromptQueue`` (execution.py; server.py puts it there).

    Attributes:
        prompt: the graph in API form, with the cache's marks.
        extra: client id, workflow and other extra data.
        targets: ids of the output nodes that are run.
    """

    id: str
    prompt: dict[str, Any]
    extra: dict[str, Any]
    targets: list[str]


def running() -> Queued | None:
    """The run in which the calling node executes (comfy_execution/utils.py); None: it is not one of the queue's."""
    context = _executing()
    found = (run for run in _queued()[0] if context and run.id == context.prompt_id)
    return next(found, None)


def working_node() -> str | None:
    """The id of the node in which the calling function executes."""
    context = _executing()
    return context.node_id if context else None


def is_queued(run: str) -> bool:
    """Whether a run is queued or running."""
    return any(each.id == run for runs in _queued() for each in runs)


def is_waited_for() -> bool:
    """Whether a run waits for the one that is on."""
    return bool(_queued()[1])


def _executing() -> ExecutionContext | None:
    return get_executing_context()


def _queued() -> tuple[list[Queued], list[Queued]]:
    running, waiting = _queue().get_current_queue_volatile()
    return [_read(entry) for entry in running], [_read(entry) for entry in waiting]


def _read(entry: tuple[Any, ...]) -> Queued:
    id_, prompt, extra, targets = entry[1:5]
    return Queued(id_, prompt, {key: value for key, value in extra.items() if key != "create_time"}, list(targets))


def _queue() -> PromptQueue:
    return PromptServer.instance.prompt_queue


_validated: ContextVar[dict[str, Any]] = ContextVar("validated")


def note_graphs() -> None:
    """Keeps each graph that is sent while ComfyUI validates it (server.py, ``post_prompt``), for :func:`other_input`."""

    def note(sent: dict[str, Any]) -> dict[str, Any]:
        _validated.set(sent.get("prompt", {}))
        return sent

    PromptServer.instance.add_on_prompt_handler(note)


def other_input(node_id: str | None, name: str) -> Any:
    """What another input of a node is set to while its ``validate_inputs`` looks at one; None: it is not known yet.

    ComfyUI hands ``validate_inputs`` the inputs that it names, and says of each of them that it is wrong (execution.py).
    """
    value = _validated.get({}).get(node_id or "", {}).get("inputs", {}).get(name)
    return None if isinstance(value, list) else value


def is_connected(node_id: str | None, name: str) -> bool:
    """Whether something comes to another input of a node, see :func:`other_input`."""
    return isinstance(_validated.get({}).get(node_id or "", {}).get("inputs", {}).get(name), list)


class Failure(NamedTuple):
    """What ended a run (execution.py, ``handle_execution_error``): the exception's class and text, and the node's type and id."""

    kind: str
    text: str
    node: str
    id: str


class Ending(NamedTuple):
    """How a run ended; neither: it ran to its end."""

    interrupted: bool = False
    failure: Failure | None = None


def ending(run: str) -> Ending | None:
    """What the history says of a run (execution.py, ``task_done``); None: nothing."""
    status = _queue().get_history(run, map_function=lambda entry: entry["status"]).get(run)
    if not status:
        return None
    for event, data in status["messages"]:
        if event == "execution_interrupted":
            return Ending(interrupted=True)
        if event == "execution_error":
            failure = Failure(
                data["exception_type"], data["exception_message"].strip(), data["node_type"], data["node_id"]
            )
            return Ending(failure=failure)
    return Ending()


def forget(run: str) -> None:
    """Removes a finished run from the history."""
    _queue().delete_history_item(run)


def put_flag(name: str, value: Any) -> None:
    """Leaves something for the thread that runs prompts, which takes it between two runs (main.py, ``prompt_worker``)."""
    _queue().set_flag(name, value)


def flags() -> Collection[str]:
    """Names of the flags that thread has not taken yet."""
    return _queue().get_flags(reset=False)


# The server


def address() -> str:
    """Where this server answers, without a slash at the end (server.py, ``start_multi_address``)."""
    server = PromptServer.instance
    host: str = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.address) or server.address
    scheme = "https" if args.tls_keyfile and args.tls_certfile else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{server.port}"


def listens() -> str:
    """The addresses at which this server listens, separated by commas (main.py; comfy/cli_args.py, ``--listen``)."""
    return args.listen


def send_to_asker(event: str, data: dict[str, Any]) -> None:
    """Sends an event to the browser that asked for the run which is on. Without one it goes to nobody, not to all."""
    server = PromptServer.instance
    if server.client_id is not None:
        server.send_sync(event, data, server.client_id)


def on_start(handler: Callable[[web.Application], Awaitable[None]]) -> None:
    """Has a handler called once all packs are loaded."""
    _app().on_startup.append(handler)


def on_answer(handler: Callable[[web.Request, web.StreamResponse], Awaitable[None]]) -> None:
    """Has a handler called before each HTTP response is sent, whosever route it is."""
    _app().on_response_prepare.append(handler)


def _app() -> web.Application:
    return PromptServer.instance.app


# Nodes and the graph as it runs


def add_node(node: type[io.ComfyNode], like: type[io.ComfyNode]) -> None:
    """Adds a node unless there is one of its id (nodes.py, ``load_custom_node``).

    Args:
        like: a node of the pack that ComfyUI has added: it says in which folder the pack lies, where the browser finds the help.
    """
    core: Any = importlib.import_module("nodes")  # ComfyUI's; type checkers would find the pack's
    schema = node.GET_SCHEMA()
    if schema.node_id not in core.NODE_CLASS_MAPPINGS:
        node.RELATIVE_PYTHON_MODULE = like.RELATIVE_PYTHON_MODULE
        core.NODE_CLASS_MAPPINGS[schema.node_id] = node
        core.NODE_DISPLAY_NAME_MAPPINGS[schema.node_id] = schema.display_name


def live_graph(running: Any) -> dict[str, dict[str, Any]]:
    """The graph as it runs, a loop's passes too, in API form.

    Args:
        running: what a node has as ``hidden.dynprompt`` (comfy_execution/graph.py, ``DynamicPrompt``).
    """
    return {id_: running.get_node(id_) for id_ in running.all_node_ids()}


def changes(node: dict[str, Any]) -> list[Any]:
    """What a node of the live graph told of its files for the cache (execution.py, ``IsChangedCache``)."""
    told: list[Any] | float | None = node.get("is_changed")
    return told if isinstance(told, list) else []  # NaN where it failed


# Text encoders


class Token(NamedTuple):
    """One of a text's tokens (comfy/sd1_clip.py, ``SDTokenizer.tokenize_with_weights``).

    Attributes:
        id: its number, or the vector of an embedding.
        word: number of its word from 1 on; 0: begin, end or padding.
    """

    id: Any
    weight: float
    word: int


Tokens = dict[str, list[list[Token]]]
"""The bags of a text, by the name of the encoder that reads them."""


def reads_bags(clip: Any) -> bool:
    """Whether all encoders of a CLIP read 77 tokens at a time: CLIP-L, G and H (comfy/sd1_clip.py, sdxl_clip.py,
    text_encoders/sd2_clip.py)."""
    return clip.tokenize("").keys() <= {"l", "g", "h"}


def tokens(clip: Any, text: str) -> Tokens:
    """A text as its CLIP has it (comfy/sd.py, ``CLIP.tokenize``)."""
    found = clip.tokenize(text, return_word_ids=True)
    return {name: [[Token(*token) for token in bag] for bag in bags] for name, bags in found.items()}


def weighed(text: str) -> list[tuple[str, float]]:
    """The pieces of a prompt that stand in brackets or between them, and their weights, as ComfyUI reads them (comfy/sd1_clip.py,
    ``SDTokenizer.tokenize_with_weights``)."""
    return [(unescape_important(piece), weight) for piece, weight in token_weights(escape_important(text), 1.0)]


def spelled(clip: Any, encoder: str, tokens: list[int]) -> str:
    """Numbers of tokens of one of a CLIP's encoders as text (comfy/sd1_clip.py, ``SDTokenizer.decode``)."""
    return _tokenizer(clip, encoder).decode(tokens)


def embedding_width(clip: Any, encoder: str) -> int:
    """How many numbers the vectors of an embedding have for one of a CLIP's encoders (comfy/sd1_clip.py, ``SDTokenizer``)."""
    return _tokenizer(clip, encoder).embedding_size


def _tokenizer(clip: Any, encoder: str) -> Any:
    """comfy/sd1_clip.py, comfy/sdxl_clip.py"""
    several: object = clip.tokenizer
    return vars(several)[f"clip_{encoder}"]


def skipping(clip: Any, layer: int) -> Any:
    """A clone of a CLIP that says what one of its layers does, 1 being the last (nodes.py, CLIPSetLastLayer)."""
    clip = clip.clone()
    clip.clip_layer(-layer)
    return clip


class ClipL:
    """CLIP-L's tokenizer in the place of a CLIP, which needs no weights (comfy/sd1_clip.py)."""

    def __init__(self, embeddings: list[str]) -> None:
        self.tokenize = SD1Tokenizer(embedding_directory=embeddings).tokenize_with_weights


class Encoded(NamedTuple):
    """What an encoder makes of tokens: vectors ``[1, T, C]``, and what else it says, such as ``pooled_output``."""

    vectors: torch.Tensor
    values: dict[str, Any]


def encode(clip: Any, tokens: Any) -> Encoded:
    """Tokens through all encoders of a CLIP (comfy/sd.py, ``CLIP.encode_from_tokens``)."""
    said = clip.encode_from_tokens(tokens, return_pooled=True, return_dict=True)
    return Encoded(said.pop("cond"), said)


# Latents and sampling


SCALE = "downscale_ratio_spacial"
"""Key of a LATENT: how many pixels each value of it stands for (nodes.py, EmptyLatentImage)."""


def latent(samples: torch.Tensor, scale: int) -> dict[str, Any]:
    """A LATENT.

    Args:
        scale: pixels that each value of it stands for, so that samplers can fit it to their model.
    """
    return {"samples": samples, SCALE: scale}


def scale_of(latent: Mapping[str, Any]) -> int:
    """How many pixels each value of a LATENT stands for.

    Not every node says so: then it is that of the models whose latents have as many channels (comfy/latent_formats.py), and 8 where
    these are not of one kind.
    """
    if said := latent.get(SCALE):
        return said
    _, channels, *dimensions = latent["samples"].shape
    kinds = [each for each in vars(comfy.latent_formats).values() if isinstance(each, type)]
    known = {
        kind.spacial_downscale_ratio
        for kind in kinds
        if issubclass(kind, LatentFormat)
        and (kind.latent_channels, kind.latent_dimensions) == (channels, len(dimensions))
    }
    return known.pop() if len(known) == 1 else 8


def side(vae: Any) -> int:
    """Of how many pixels the sides of a picture must be a multiple for a VAE (comfy/sd.py)."""
    return vae.spacial_compression_encode()


def style_widths(style_model: Any) -> tuple[int, int]:
    """Numbers per token that a STYLE_MODEL reads, and that it gives (comfy/t2i_adapter/adapter.py, comfy/ldm/flux/redux.py)."""
    network = style_model.model
    if isinstance(network, StyleAdapter):
        return network.style_embedding.shape[-1], network.proj.shape[1]
    return network.redux_up.in_features, network.redux_down.out_features


def latent_format(model: Any) -> str:
    """The name of the kind of latents that a model paints (comfy/latent_formats.py)."""
    return type(model.get_model_object("latent_format")).__name__


def guided(conditioning: list[Any], scale: float) -> list[Any]:
    """A conditioning with the guidance that distilled models take (comfy_extras/nodes_flux.py, FluxGuidance)."""
    return [[vectors, {**values, "guidance": scale}] for vectors, values in conditioning]


def sigmas(model: Any, steps: int, sampler: str, scheduler: str) -> torch.Tensor:
    """The noise before each step and after the last, ``[steps + 1]``; some samplers have a step or two more
    (comfy/samplers.py, ``KSampler``)."""
    return comfy.samplers.KSampler(model, steps, model.load_device, sampler, scheduler, 1.0, model.model_options).sigmas


def previewer(model: Any) -> Callable[[torch.Tensor], Any] | None:
    """Makes of a latent what a progress bar takes as preview (latent_preview.py); None: the user wants no previews."""
    found = latent_preview.get_previewer(model.load_device, model.get_model_object("latent_format"))
    return found and partial(found.decode_latent_to_preview_image, "JPEG")
