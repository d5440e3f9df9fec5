"""The tensor that a model is given: it looks like maps that are all there, and holds patches as long as that is possible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from saliency.torch.incremental.cost import Cost
from saliency.torch.incremental.patch import Patch
from saliency.torch.incremental.pointwise import POINTWISE, batch_norm, cat, pointwise
from saliency.torch.incremental.step import Step, Tape, Unserved, with_patches
from saliency.torch.incremental.windowed import average_pool, constant_pad, convolution, max_pool

RULES: dict[str, Callable[[Step], Patch | None]] = {
    **dict.fromkeys(POINTWISE, pointwise),
    **dict.fromkeys(("native_batch_norm", "cudnn_batch_norm", "_native_batch_norm_legit_no_training"), batch_norm),
    "cat": cat,
    "convolution": convolution,
    "max_pool2d_with_indices": max_pool,
    "avg_pool2d": average_pool,
    "constant_pad_nd": constant_pad,
}


@dataclass
class Held:
    """What a tensor and all that shares its memory hold: patches, then the maps themselves; None for what must not be used."""

    value: Patch | torch.Tensor | None

    def dense(self) -> torch.Tensor:
        """Make the maps, for good: views of them, and what works on them in place, see the same memory.

        Raises:
            Unserved: if it must not be used.
        """
        if self.value is None:
            raise Unserved("the positions of maxima are used")
        if isinstance(self.value, Patch):
            self.value = self.value.dense()
        return self.value


class Windowed(torch.Tensor):
    """Maps (maps, channels, rows, columns) that are held as patches.

    Args:
        held: what it holds.
        shape: of the maps.
        passing: the forward pass that it is part of.
    """

    held: Held
    passing: Passing

    @staticmethod
    def __new__(cls: type[Windowed], held: Held, like: torch.Tensor, shape: tuple[int, ...], passing: Passing) -> Windowed:
        made = torch.Tensor._make_wrapper_subclass(cls, shape, dtype=like.dtype, device=like.device)
        made.held, made.passing = held, passing
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        flat = (one for arg in args for one in (arg if isinstance(arg, list | tuple) else (arg,)))
        first = next(one for one in flat if isinstance(one, Windowed))
        return first.passing.step(func, args, kwargs or {})


@dataclass(frozen=True)
class Passing:
    """A forward pass.

    Args:
        tape: of the clean inputs.
        cost: is told what the pass takes.
        start: what the model is given holds.
    """

    tape: Tape
    cost: Cost
    start: Held

    @classmethod
    def of(cls, patch: Patch, tape: Tape) -> tuple[Passing, Windowed]:
        """Return the forward pass of a patch, and what the model is to be given."""
        passing = cls(tape, Cost(), Held(patch))
        return passing, Windowed(passing.start, patch.values, patch.shape, passing)

    def step(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Follow one operator."""
        name = func.overloadpacket.__name__
        if name == "clone" and args[0].held is self.start:  # a forward pass gets a copy, and logits may take two passes
            self.tape.rewind()
        if name in ("detach", "alias"):
            return Windowed(args[0].held, args[0], tuple(args[0].shape), self)
        in_place = name.endswith("_")
        patch = self._patch(func, name.rstrip("_"), args, kwargs) if not in_place or isinstance(args[0], Windowed) else None
        if patch is None:
            made = func(*with_patches(args, dense, Windowed), **{key: dense(value) for key, value in kwargs.items()})
            return args[0] if in_place and isinstance(args[0], Windowed) else made
        if in_place:
            args[0].held.value = patch
            return args[0]
        return self._like(func, patch)

    def _patch(self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Patch | None:
        """Return what an operator makes of patches; None where there is no rule, or one of them is not patches any more."""
        own = with_patches(args, lambda one: one.held.value, Windowed)
        flat = [one for arg in args for one in (arg if isinstance(arg, list | tuple) else (arg,))]
        held = [one.held.value for one in flat if isinstance(one, Windowed)]
        functional = getattr(getattr(torch.ops.aten, name, None), func._overloadname, None)
        if name not in RULES or functional is None or any(isinstance(value, Windowed) for value in kwargs.values()):
            return None
        if not all(isinstance(value, Patch) for value in held):
            return None
        kept = self.tape.next(functional)
        step = Step(functional, own, kwargs, kept, self.cost)
        self.cost.call()
        patch = None if kept.dense else RULES[name](step)
        kept.dense = patch is None
        return patch

    def _like(self, func: Any, patch: Patch) -> Any:
        """Return what an operator would return: statistics and positions that follow the maps must not be used."""
        made = Windowed(Held(patch), patch.values, patch.shape, self)
        outputs = len(func._schema.returns)
        return made if outputs == 1 else (made, *(Windowed(Held(None), made, (0,), self) for _ in range(outputs - 1)))


def dense(value: Any) -> Any:
    """Return maps as a model knows them; what is anything else, as it is."""
    return value.held.dense() if isinstance(value, Windowed) else value
