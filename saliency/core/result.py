"""The result of a method: a NumPy array with details, which renders itself in notebooks."""

from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saliency.core.display.map_style import LAYOUT, PERCENTILE, MapStyle, checked_layout, checked_title
from saliency.core.display.provenance import Provenance
from saliency.core.errors import InputError
from saliency.core.validation import checked_class_names, whole_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from saliency.core.display.described_mask import DescribedMask

DEFAULT_ROWS = 4
"""Number of masks that are drawn."""


class MaskArray(npt.NDArray[Any]):
    """A mask, or N masks: a NumPy array with details of the computation.

    A mask renders itself in notebooks; see ``figure``.

    ``details`` holds values by name, one value for a mask and (N, ...) for N masks:

    - ``score``, if the method evaluates it at the input; ``mean_score`` of the noisy copies of a smoothed mask,
    - ``gap``, ``change`` and ``points`` of integrated gradients,
    - ``standard_error`` and ``samples`` of a smoothed mask, and of ``RISE``,
    - ``target``, the top class, if ``y`` is None,
    - ``class_name``, if the model carries the names of its classes,
    - ``output``, the name of the explained output, if the model returns several,
    - ``layer``, if a class activation map found its layer itself; ``layers`` and ``grids`` of several that it fused,
    - ``incremental`` of occlusion,
    - ``labels``, ``region_values`` and ``region_errors`` of methods that explain regions; the values of an input with fewer
      regions than another end in NaN.

    ``about`` describes the method, the inputs and the targets; it is None for a part of a mask, such as a channel.

    One or some of N masks, such as ``masks[2]`` and ``masks[:2]``, keep their details. Other parts have none. The result of
    arithmetic on a mask is a plain array, as is ``numpy.asarray(mask)``.

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

    def figure(
        self,
        image: Any = None,
        class_names: Any = None,
        title: str | None = None,
        overlay: Any = False,
        cmap: str | None = None,
        percentile: float = PERCENTILE,
        units: bool = True,
        layout: str = LAYOUT,
        rows: int = DEFAULT_ROWS,
    ) -> "Figure":
        """Draw the input, the strength of the mask and, if it has negative values, the signed mask, with their scales.

        The title states the method, the target and the score. The input of a prepared picture is drawn in the colors of the
        picture. For a figure with several methods, see ``saliency.figure``.

        Args:
            image: the picture, or a list of pictures, to draw in place of the input, in the same frame as the mask.
            class_names: names of classes, a list or a mapping from classes to names.
            title: title of the figure, in place of the method, the target and the score.
            overlay: draw the maps over the picture, which keeps its colors where a map is weak; ``"outline"`` draws the
                outlines of the strongest 5 % of the pixels of a map, smoothed with 2 % of its shorter side.
            cmap: name of a matplotlib colormap; None selects "coolwarm" for the signed mask, otherwise "inferno".
            percentile: percentile of the pixels' magnitudes that gets the last color, from 0 to 100.
            units: label the color bars in the unit of the method; if False, from 0 to 1.
            layout: names of the panels, joined by ``-``.
            rows: number of masks to draw, if there are several.

        Returns:
            A matplotlib figure. It renders itself in notebooks; ``.savefig("figure.pdf")`` writes it to a file, whose text
            stays text.

        Raises:
            InputError: if an argument is invalid, or a mask is to be drawn over a picture that is missing.
        """
        from saliency.core.display.mask_figure import mask_figure

        style = MapStyle.of(overlay, cmap, percentile, units)
        return mask_figure(*self._described(rows, image, class_names), style, checked_layout(layout), checked_title(title))

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return the figure and its alternative text for IPython; None for a slice, which is shown as numbers."""
        if self.about is None:
            return None
        from saliency.core.display.mask_figure import caption, mask_figure

        described = self._described(DEFAULT_ROWS)
        figure = mask_figure(*described, MapStyle(), checked_layout(LAYOUT), None)
        return figure.bundle(caption(*described))

    def _repr_png_(self) -> tuple[bytes, dict[str, str]] | None:
        """Return the figure as PNG and its alternative text."""
        bundle = self._repr_mimebundle_()
        return None if bundle is None else (bundle[0]["image/png"], bundle[1]["image/png"])

    def _repr_html_(self) -> str | None:
        """Return the figure as HTML."""
        bundle = self._repr_mimebundle_()
        return None if bundle is None else bundle[0]["text/html"]

    def _described(self, rows: int, image: Any = None, class_names: Any = None) -> "tuple[list[DescribedMask], int | None]":
        """Return the masks to draw and the number of all masks; None for a single mask."""
        from saliency.core.display.described_mask import DescribedMask, picture_of

        rows, names = whole_number("rows", rows, least=1), checked_class_names({} if class_names is None else class_names)
        if not self._several:
            return [DescribedMask.of(self, picture_of(image, 0, 1), names, "mask")], None
        masks = [self.one(i) for i in range(min(rows, len(self)))]
        if not masks:
            raise InputError("`mask` (length 0) must hold at least one mask")
        pictures = [picture_of(image, i, len(self)) for i in range(len(masks))]
        return [DescribedMask.of(one, picture, names, "mask") for one, picture in zip(masks, pictures, strict=True)], len(self)

    @property
    def _several(self) -> bool:
        return self.about is not None and self.about.several

    def __getitem__(self, key: Any) -> Any:
        if self._several and isinstance(key, slice) and self.about is not None:
            details = {name: value[key] for name, value in self.details.items()}
            return MaskArray.of(np.asarray(self)[key], details, self.about.some(key))
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
