"""Lets the LoRAs of regions act while a model samples."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import torch

from ..told import Told
from .binding import Bound
from .lora import Located, RegionLora, Stack
from .method import kept
from .parts import resize
from .site import Call

MENTIONED = 3
"""Most layers in a message."""


class LoraLayer:
    """The :class:`~resonance.attention.site.Layer` of region LoRAs, for one sampling run on one model.

    It acts on every row of every call, whosever words it is computed for: on the pixels of its region, and where text is read
    on the tokens of its region in that row.

    Args:
        bound: the words of the run's conditionings, by their uuid.
        percent_to_sigma: the noise at a share of all steps.
        warn: shows a text to the user.
    """

    def __init__(
        self,
        loras: Sequence[RegionLora],
        bound: Mapping[UUID, Bound],
        percent_to_sigma: Callable[[float], float],
        warn: Callable[[str], None],
    ) -> None:
        self._loras, self._bound, self._warn = loras, bound, warn
        self._ranges = [(percent_to_sigma(lora.start), percent_to_sigma(lora.end)) for lora in loras]
        self._located: dict[str, list[tuple[int, Located]]] = {}
        for number, lora in enumerate(loras):
            for name, located in lora.deltas.layers.items():
                self._located.setdefault(name, []).append((number, located))
        self._waiting: set[str] = set(self._located)
        self._left_out: set[str] = set()
        self._grids: dict[str, tuple[int, int]] = {}
        self._stacks: dict[tuple[object, ...], Stack] = {}
        self._masks: dict[tuple[object, ...], torch.Tensor] = {}

    def layers(self, model: torch.nn.Module) -> dict[str, torch.nn.Module]:
        """The layers that the LoRAs name, and the modules that say in which size these work."""
        grids = {located.grid for each in self._located.values() for _, located in each if located.grid}
        return {name: model.get_submodule(name) for name in (*self._located, *sorted(grids))}

    def __call__(
        self, call: Call, name: str, module: torch.nn.Module, x: torch.Tensor, out: torch.Tensor
    ) -> torch.Tensor:
        if name not in self._located:
            self._grids[name] = (out.shape[2], out.shape[3])
            return out
        self._waiting.discard(name)
        active = tuple(end <= call.sigma <= start for start, end in self._ranges)
        here = self._located[name]
        if not any(active[number] for number, _ in here):
            return out
        located = here[0][1]
        stack = self._stack(name, module, x, located.kind == "spread")
        if located.kind == "text":
            key = self._text(call, active, x)
        else:
            key = self._pixels(name, located, call, active, x, out)
        if key is None:
            return out
        return stack(x, out, self._masks[key], self._channels(key, stack.whose))

    def check(self) -> None:
        """After a call of the model.

        Raises:
            Told: a layer was passed by, so that the LoRAs would act too weakly without a word.
        """
        if self._waiting:
            names, more = sorted(self._waiting), len(self._waiting) - MENTIONED
            loras = list(dict.fromkeys(lora.deltas.name for lora in self._loras))
            raise Told(
                f"This model computes {', '.join(names[:MENTIONED])}{f' and {more} more' if more > 0 else ''} in a way of its own, "
                f"where {', '.join(loras)} cannot act in a region: take area overlay or area average, or other weights of the model."
            )

    def _stack(self, name: str, module: torch.nn.Module, x: torch.Tensor, spread: bool) -> Stack:
        key = name, x.device, x.dtype
        if key not in self._stacks:
            deltas = [(n, self._loras[n].deltas.strength, located.delta) for n, located in self._located[name]]
            with kept():
                self._stacks[key] = Stack(module, deltas, x, spread)
        return self._stacks[key]

    def _pixels(
        self, name: str, located: Located, call: Call, active: tuple[bool, ...], x: torch.Tensor, out: torch.Tensor
    ) -> tuple[object, ...] | None:
        """The key of the masks of a layer with places; None: another pack has rearranged them."""
        height, width = self._grids[located.grid] if located.grid else (out.shape[2], out.shape[3])
        flat = out.dim() == 3
        if len(x) != call.rows[-1].at.stop or (flat and out.shape[1] != height * width):
            if not self._left_out:
                self._warn(
                    f"Another node (HyperTile or token merging) rearranges the pixels of some layers, such as {name}: there, the LoRAs "
                    "of regions do not act."
                )
            self._left_out.add(name)
            return None
        key = flat, height, width, active, x.device, x.dtype
        if key not in self._masks:
            with kept():
                masks = [resize(lora.mask[None].clone().float(), height, width) * on for lora, on in self._each(active)]
                made = torch.cat(masks)[None].to(x)
                self._masks[key] = made.flatten(2).transpose(1, 2).contiguous() if flat else made
        return key

    def _text(self, call: Call, active: tuple[bool, ...], x: torch.Tensor) -> tuple[object, ...]:
        """The key of the masks of a layer that reads text: the tokens of each region in each row."""
        rows = tuple((row.entry.uuid if row.entry else None, row.at.start, row.at.stop) for row in call.rows)
        key = "text", rows, x.shape[1], active, x.device, x.dtype
        if key not in self._masks:
            with kept():
                made = torch.zeros(len(x), x.shape[1], len(self._loras))
                for uuid, start, stop in rows:
                    made[start:stop] = self._tokens(self._bound.get(uuid) if uuid else None, x.shape[1], call.tokens)
                on = torch.tensor(active, dtype=made.dtype)
                self._masks[key] = (made * on).to(x)
        return key

    def _tokens(self, bound: Bound | None, total: int, given: int) -> torch.Tensor:
        """``[total, loras]``: which tokens of a row are those of each LoRA's region."""
        mine = torch.zeros(total, len(self._loras))
        parts = bound.loras if bound else ((),)
        counts = bound.split(total, given).tokens if bound else (total,)
        everywhere = [number for number, lora in enumerate(self._loras) if lora.everywhere]
        # What stands behind the tokens of all parts is the base's.
        mine[:, everywhere] = 1
        begin = 0
        for part, (loras, count) in enumerate(zip(parts, counts, strict=True)):
            if part:
                mine[begin : begin + count] = 0
                mine[begin : begin + count, [self._loras.index(lora) for lora in loras]] = 1
            begin += count
        return mine

    def _channels(self, key: tuple[object, ...], whose: tuple[int, ...]) -> torch.Tensor:
        """The masks of a key for each channel of a stack."""
        wide = *key, whose
        if wide not in self._masks:
            with kept():
                masks = self._masks[key]
                numbers = torch.tensor(whose, device=masks.device, dtype=torch.long)
                last = masks.dim() == 3
                self._masks[wide] = masks.index_select(2 if last else 1, numbers)
        return self._masks[wide]

    def _each(self, active: tuple[bool, ...]) -> list[tuple[RegionLora, bool]]:
        return list(zip(self._loras, active, strict=True))
