"""What acts while a model samples, and what it is told: one attention call, one call of the model, the steps between.

All of it travels in a conditioning. One owner (:mod:`resonance.host.sampling`) finds it there when sampling begins, lets it act,
and takes everything off again. Nothing here knows ComfyUI.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

import torch
import torch.nn.functional as F

ACTS = "resonance_acts"
"""Where a conditioning carries its :class:`Acts`."""

PICTURE = "resonance_picture"
"""Where the options of a call of the model hold the number of the one picture of the batch that it is asked for; else it is asked for
all."""


class Attend(Protocol):
    """Attention as the user has chosen it, for ``q [B, H, N, D]``, ``k, v [B, H, K, D]``: ``[B, H, N, D]``.

    Attributes:
        foreign: another pack's function stands in for ComfyUI's: then all attention must go through it.
    """

    foreign: bool

    def upcasts(self, dtype: torch.dtype) -> bool:
        """Whether scores of such queries are computed in single precision."""
        ...

    def __call__(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        """``bias``: added to the scores, ``[N, K]`` or ``[B, H, N, K]``."""
        ...


class RowAttend(Attend, Protocol):
    """The same for all rows of a call."""

    def of(self, rows: Sequence["Row"]) -> Attend:
        """For tensors of some of the rows, one after the other. Another pack's function is told whose they are."""
        ...


class Fused:
    """PyTorch's own attention."""

    foreign = False

    def upcasts(self, dtype: torch.dtype) -> bool:
        return False

    def __call__(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        return F.scaled_dot_product_attention(q, k, v, bias)


FUSED = Fused()


@dataclass(frozen=True, eq=False)
class Entry:
    """One entry of the conditionings of a sampling run.

    Attributes:
        uuid: what ComfyUI knows it by.
        kind: the guider's name for the list that it is in: positive, negative, ...
        acts: what it carries.
    """

    uuid: UUID
    kind: str
    acts: "Acts"


class Row(NamedTuple):
    """The rows of a batch that are computed for one entry; ``entry`` is None if the run does not know it."""

    entry: Entry | None
    at: slice


class Call(NamedTuple):
    """One call of the model.

    Attributes:
        rows: of its batch.
        sigma: its noise.
        timestep: the same as a number from 1 (all noise) to 0.
        tokens: those of a row as the model is given them, 0 if it gets none. ComfyUI repeats shorter texts.
        picture: the first of the batch in each row: gradients are taken picture by picture.
    """

    rows: tuple[Row, ...]
    sigma: float
    timestep: float
    tokens: int
    picture: int = 0


class Layout(NamedTuple):
    """Where pixels stand among the queries, and text among the keys; None: there is none."""

    pixels: slice | None
    text: slice | None


class Site(NamedTuple):
    """One attention call.

    Attributes:
        kind: cross (pixels read text), self (pixels read pixels) or joint (text and pixels read both).
        place: stage, block, and number of the transformer in it.
        number: of the place among all of its model.
        grid: height and width of the layer in pixels.
        attend: ComfyUI's attention. The innermost ``inner`` of a processor is the same object unless another pack has
            replaced attention here.
    """

    kind: Literal["cross", "self", "joint"]
    place: tuple[str, int, int]
    number: int
    grid: tuple[int, int]
    layout: Layout
    call: Call
    attend: RowAttend


Inner = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


class Processor(Protocol):
    """Acts on attention. Processors wrap one another; of lower order is outer: heat 10, pictures 20, words 30."""

    order: int

    def kinds(self) -> frozenset[str]:
        """The kinds of site at which it acts."""
        ...

    def __call__(self, site: Site, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, inner: Inner) -> torch.Tensor:
        """``[B, H, N, D]`` for all rows of the call.

        Args:
            inner: what is inside of it. It must be asked for all rows and all pixels, or not at all.
        """
        ...


class Layer(Protocol):
    """Acts on the output of modules, as low-rank deltas do."""

    def layers(self, model: torch.nn.Module) -> Mapping[str, torch.nn.Module]:
        """The modules of a diffusion model, by names of its own choice."""
        ...

    def __call__(
        self, call: Call, name: str, module: torch.nn.Module, x: torch.Tensor, out: torch.Tensor
    ) -> torch.Tensor:
        """The output in place of ``out``, which ``module`` gives for ``x``."""
        ...


class Stage(Protocol):
    """Acts between the steps. It may not change sizes."""

    def before_step(self, x: torch.Tensor, sigma: float, i: int) -> torch.Tensor:
        """The latent in place of ``x``: step ``i`` sees it, and the sampler goes on from it."""
        ...

    def after_step(self, denoised: torch.Tensor, x: torch.Tensor, sigma: float, i: int) -> torch.Tensor:
        """The denoised latent in place of the one that was predicted from ``x``."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Acts:
    """What a conditioning lets act, beside its words.

    Attributes:
        processors, layers: they are told whose rows are whose by :attr:`Row.entry`, and act on those that carry them.
    """

    processors: tuple[Processor, ...] = field(default=())
    layers: tuple[Layer, ...] = field(default=())
    stages: tuple[Stage, ...] = field(default=())
