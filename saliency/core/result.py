"""The result of a method: a NumPy array with details, which renders itself in notebooks."""

from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saliency.core.display.provenance import Provenance
from saliency.core.errors import InputError
from saliency.core.validation import whole_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from saliency.core.display.mask_figure import DescribedMask

DEFAULT_ROWS = 4
"""Number of masks that are drawn."""


class MaskArray(npt.NDArray[Any]):
    """A mask, or N masks: a NumPy array with details of the computation.

    A mask renders itself in notebooks; see ``figure``.

    ``details`` holds values by name, one value for a mask and (N, ...) for N masks:

    - ``score``, if the method evaluates it at the input; ``mean_score`` of the noisy copies of a smoothed mask,
    - ``gap``, ``change`` and ``points`` of integrated gradients,
    - ``standard_error`` and ``samples`` of a smoothed mask,
    - ``target``, the top class, if ``y`` is None,
    - ``class_name``, if the model carries the names of its classes,
    - ``output``, the name of the explained output, if the model returns several,
    - ``layer``, if a class activation map found its layer itself; ``layers`` and ``grids`` of several that it fused,
    - ``incremental`` of occlusion.

    ``about`` describes the method, the inputs and the targets; it is None for a slice.

    One of N masks, such as ``masks[2]``, keeps its details. Other slices have none. The result of arithmetic on a mask is a
    plain array, as is ``numpy.asarray(mask)``.

    For its figure, a mask keeps a reference to the user's input. It keeps neither the model nor device memory. A pickled mask
    does not contain the input.
    """

    details: dict[str, Any]
    about: Provenance | None

    @classmethod
    def of(cls, array: npt.NDArray[Any], details: dict[str, Any], about: Provenance | None = None) -> "MaskArray":
        """Return an array as a mask with its details and description."""
        mask = array.view(cls)
        mask.details, mask.about = details, about
        return mask

    def one(self, i: int) -> "MaskArray":
        """Return one of N masks with its details."""
        about = None if self.about is None else self.about.one(i)
        details = {name: _detail(value[i]) for name, value in self.details.items()}
        return MaskArray.of(np.asarray(np.asarray(self)[i]), details, about)

    def figure(self, rows: int = DEFAULT_ROWS) -> "Figure":
        """Draw the input, the strength of the mask and, if it has negative values, the signed mask, with their scales.

        The title states the method, the target and the score.

        Args:
            rows: number of masks to draw, if there are several.

        Returns:
            A matplotlib figure. It renders itself in notebooks; ``.savefig(path)`` writes it to a file.

        Raises:
            InputError: if the mask is a slice of another mask, or ``rows`` is less than 1.
        """
        from saliency.core.display.mask_figure import mask_figure

        return mask_figure(*self._described(rows))

    def _repr_png_(self) -> tuple[bytes, dict[str, str]] | None:
        """Return the figure and its alternative text for IPython; None for a slice, which is shown as numbers."""
        if self.about is None:
            return None
        from saliency.core.display.mask_figure import caption, mask_figure

        described = self._described(DEFAULT_ROWS)
        return mask_figure(*described)._repr_png_()[0], {"alt": caption(*described)}

    def _described(self, rows: int) -> "tuple[list[DescribedMask], int | None]":
        """Return the masks to draw and the number of all masks; None for a single mask."""
        from saliency.core.display.mask_figure import DescribedMask

        if self.about is None:
            raise InputError(
                "`mask` must be as a method returned it; a slice of a mask has no description: draw it with saliency.show"
            )
        rows = whole_number("rows", rows, least=1)
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

    def __copy__(self) -> "MaskArray":
        return MaskArray.of(np.array(self), dict(self.details), self.about)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> "MaskArray":
        return MaskArray.of(np.array(self), deepcopy(self.details, memo), self.about)

    def __reduce__(self) -> Any:
        return MaskArray.of, (np.asarray(self), self.details, self.about and self.about.without_inputs())


def _detail(value: Any) -> Any:
    """Return one value of a detail, with texts as Python's strings."""
    return str(value) if isinstance(value, np.str_) else value
