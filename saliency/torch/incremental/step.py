"""One operator of a forward pass on patches, and what is remembered of it from pass to pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from saliency.torch.incremental.boxes import Boxes
from saliency.torch.incremental.cost import Cost
from saliency.torch.incremental.patch import Patch

MOST = 0.7
"""Of a map that a box may take at first; above, copying takes what it saves."""


class Unserved(Exception):  # noqa: N818 - it is caught, and the plain way taken
    """A model that does with a patch what can't be followed."""


@dataclass
class Kept:
    """What an operator made of the clean inputs.

    Args:
        func: the operator.
        clean: its (first) output, (N, channels, rows, columns).
        padded: its input in the padding that it gives it.
        dense: it is given the maps themselves. The first pass decides, so that all passes take the same steps.
    """

    func: Any
    dense: bool = False
    clean: torch.Tensor | None = None
    padded: torch.Tensor | None = None


@dataclass
class Tape:
    """What all operators on patches made of the clean inputs, in the order of a forward pass; they are the same in each."""

    kept: list[Kept] = field(default_factory=list)
    position: int = 0

    def rewind(self) -> None:
        """Begin another pass."""
        self.position = 0

    def next(self, func: Any) -> Kept:
        """Return what is kept of the operator that comes next.

        Raises:
            Unserved: if another one stood there in the passes before.
        """
        if self.position == len(self.kept):
            self.kept.append(Kept(func))
        found = self.kept[self.position]
        if found.func is not func:
            raise Unserved(f"{func} where a pass before had {found.func}")
        self.position += 1
        return found


@dataclass(frozen=True)
class Step:
    """An operator that got patches.

    Args:
        func: the operator, the one that works in place replaced by the one that does not.
        args, kwargs: what it got; patches in the place of tensors.
        kept: of it.
        cost: is told.
    """

    func: Any
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    kept: Kept
    cost: Cost

    @property
    def patches(self) -> list[Patch]:
        """The patches that it got, in a list or not."""
        flat = [one for arg in self.args for one in (arg if isinstance(arg, list | tuple) else (arg,))]
        return [one for one in flat if isinstance(one, Patch)]

    def fits(self, boxes: Boxes) -> bool:
        """Tell whether boxes of its output leave enough out to be worth it."""
        return self.kept.clean is not None or boxes.share <= MOST

    def on(self, of: Callable[[Patch], torch.Tensor]) -> torch.Tensor:
        """Call it with something made of each patch, and return its (first) output."""
        return first(self.func(*with_patches(self.args, of), **self.kwargs))

    def clean(self) -> torch.Tensor:
        """Return what it makes of the clean inputs; it is computed in the first pass."""
        if self.kept.clean is None:
            self.kept.clean = self.on(lambda patch: patch.clean).contiguous(memory_format=torch.channels_last)
        return self.kept.clean

    def patch(self, boxes: Boxes, values: torch.Tensor, work: float) -> Patch:
        """Return its output, whose numbers took ``work`` multiplications each."""
        self.cost.patch(values.shape[1], boxes, work)
        return Patch(self.clean(), self.patches[0].rows, boxes, values)


def first(made: Any) -> torch.Tensor:
    """Return an operator's output, the first where it has several."""
    output: torch.Tensor = made[0] if isinstance(made, list | tuple) else made
    return output


def with_patches(args: Sequence[Any], of: Callable[[Any], Any], kind: type = Patch) -> list[Any]:
    """Return arguments, one of a kind replaced by what is made of it; in lists too."""
    return [
        [of(one) if isinstance(one, kind) else one for one in arg]
        if isinstance(arg, list | tuple)
        else of(arg)
        if isinstance(arg, kind)
        else arg
        for arg in args
    ]
