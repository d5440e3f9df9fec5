"""What a mask comes back as: a NumPy array that also says how good it is, and shows itself in a notebook."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saliency.core.display.provenance import Provenance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from saliency.core.display.mask_figure import DescribedMask

ROWS = 4
"""How many of N masks are drawn."""


class MaskArray(npt.NDArray[Any]):
    """A mask: a NumPy array, with what its method found out on the way.

    ``details`` holds, by name, one entry for a mask and (N, ...) for N masks: ``score`` where the method evaluates it at the
    input, and ``mean_score`` of a smoothed mask's noisy copies; ``gap``, ``points`` and ``change`` of integrated gradients;
    ``standard_error`` and ``samples`` of a smoothed mask; ``incremental`` of occlusion. ``about`` says what was explained.
    One of N masks, ``masks[2]``, keeps its own; any other part has none, and what is computed from a mask is a plain array,
    as is ``numpy.asarray(mask)``.

    In a notebook it shows itself: see ``figure``. It keeps the user's input for that, but neither the model nor what is on a
    device; a pickled mask leaves the input behind.
    """

    details: dict[str, Any]
    about: Provenance | None

    @classmethod
    def of(cls, array: npt.NDArray[Any], details: dict[str, Any], about: Provenance | None = None) -> "MaskArray":
        """Put an array, its details, and what it is of together."""
        mask = array.view(cls)
        mask.details, mask.about = details, about
        return mask

    def one(self, i: int) -> "MaskArray":
        """Return one of N masks, with its details."""
        about = None if self.about is None else self.about.one(i)
        details = {name: value[i] for name, value in self.details.items()}
        return MaskArray.of(np.asarray(np.asarray(self)[i]), details, about)

    def figure(self, rows: int = ROWS) -> "Figure":
        """Draw the input, how strong the mask is, and its signs if it has both, with their scale, under target and score.

        Args:
            rows: of N masks, how many are drawn.

        Returns:
            A matplotlib figure: a notebook shows it, ``.savefig(path)`` writes it.

        Raises:
            ValueError: if the mask is a part of one, or ``rows`` is less than 1.
        """
        from saliency.core.display.mask_figure import mask_figure

        return mask_figure(*self._described(rows))

    def _repr_png_(self) -> tuple[bytes, dict[str, str]] | None:
        """Return the figure with its alternative text, for IPython; a part of a mask is shown as its numbers."""
        if self.about is None:
            return None
        from saliency.core.display.mask_figure import caption, mask_figure

        described = self._described(ROWS)
        return mask_figure(*described)._repr_png_()[0], {"alt": caption(*described)}

    def _described(self, rows: int) -> "tuple[list[DescribedMask], int | None]":
        """Return the masks that a figure shows, and of how many they are the first; None for a single mask."""
        from saliency.core.display.mask_figure import DescribedMask

        if self.about is None:
            raise ValueError("`mask` must be as a method returned it; a part of a mask has no description: draw it with show")
        if rows < 1:
            raise ValueError(f"`rows` (={rows!r}) must be 1 or more")
        if not self.about.several:
            return [DescribedMask(np.asarray(self), self.about, self.details)], None
        shown = [self.one(i) for i in range(min(rows, len(self)))]
        return [DescribedMask(np.asarray(one), self.about.one(i), one.details) for i, one in enumerate(shown)], len(self)

    @property
    def _several(self) -> bool:
        return self.about is not None and self.about.several

    def __getitem__(self, key: Any) -> Any:
        alone = self._several and isinstance(key, int | np.integer) and not isinstance(key, bool)
        return self.one(int(key)) if alone else super().__getitem__(key)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self))) if self._several else super().__iter__()

    def __array_finalize__(self, source: Any) -> None:
        self.details, self.about = {}, None

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return array[()] if return_scalar else np.asarray(array)

    def __reduce__(self) -> Any:
        return MaskArray.of, (np.asarray(self), self.details, self.about and self.about.without_inputs())
