"""Regions: the mean of a dense output over some of its positions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError, ModelError, TargetError
from saliency.core.types import ChannelAxis
from saliency.core.validation import as_index, host_numbers, shown

NAMED_MASKS = ("argmax", "peak")
"""Masks that are found in the output for the clean input."""


@final
@dataclass(frozen=True, eq=False)
class Region:
    """A target: the mean score of one channel over some positions of an output (N, channels, ...).

    The channel is a class of a segmentation network, a keypoint of a network that returns heat maps, or a unit of any other
    dense output. For an output without a channel axis, such as depth (N, rows, columns), the channel is None.

    Args:
        channel: the class, keypoint or channel, starting at 0; None if the output has no channel axis.
        mask: the positions:

            - an array of the spatial size of the output or of the input: weights of 0 or more, such as a boolean mask. Each
              position of the output takes the nearest value of an array of the input's size,
            - ``"argmax"``: the positions where the channel has the highest score of all channels, for the clean input,
            - ``"peak"``: the position where the channel is highest, for the clean input. Behind a softmax, that is where
              the probability is highest; the logit at this position is explained,
            - None: all positions.
        axis: the axis of the output that holds the channels, counted from 0 with the samples, or from the end: -1 for an
            output (N, rows, columns, classes). None finds it in the model.

    Raises:
        InputError: if the mask is neither of these, or selects nothing; if the axis is not a whole number, or is that of the
            samples.
        TargetError: if the channel is not a whole number.
    """

    channel: int | None
    mask: Any = None
    axis: int | None = None

    def __post_init__(self) -> None:
        if self.channel is not None and as_index(self.channel) is None:
            raise TargetError(f"`channel` (={shown(self.channel)}) of a Region must be a whole number, or None")
        axis = as_index(self.axis)
        if self.axis is not None and (not axis or self.channel is None):
            rule = "must be a whole number other than 0, the axis of the samples" if not axis else "needs a channel"
            raise InputError(f"`axis` (={shown(self.axis)}) of a Region {rule}")
        object.__setattr__(self, "axis", axis)
        if isinstance(self.mask, str) and self.mask not in NAMED_MASKS:
            raise InputError(f'`mask` (={shown(self.mask)}) of a Region must be an array, "argmax", "peak" or None')
        if self.mask is not None and not isinstance(self.mask, str):
            weights = host_numbers(self.mask, "mask", None).astype(float)
            if weights.min() < 0 or not weights.any():
                raise InputError("`mask` of a Region must hold weights of 0 or more, at least one of them above 0")
            object.__setattr__(self, "mask", weights)

    @property
    def is_located(self) -> bool:
        """Whether the region is given by positions of the output, rather than by a channel as a whole."""
        return self.mask is not None or self.channel is None

    def describe(self) -> str:
        """Return the region in words."""
        what = "the output" if self.channel is None else f"class {self.channel}"
        if isinstance(self.mask, str):
            return f"{what} where it is the top class" if self.mask == "argmax" else f"{what} at its peak"
        return what if self.mask is None else f"{what} in a region"

    @property
    def channel_axis(self) -> ChannelAxis:
        """The axis of the output that holds the channels, as in ``Target``."""
        return None if self.channel is None else "found" if self.axis is None else self.axis

    def positions(
        self, output: npt.NDArray[Any], input_space: Sequence[int]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return the indices of the region's positions in the output, and their weights.

        Args:
            output: the output for the clean input, (channels, *space), or (*space) without a channel.
            input_space: the spatial size of the input.

        Returns:
            (terms, axes of the output) and (terms,); the weights add up to 1.

        Raises:
            TargetError: if the output has no such channel or no spatial axes, or the region does not fit to it.
        """
        channel = self.channel
        if output.ndim < (1 if channel is None else 2):
            raise TargetError(f"`y` is a Region, but the output has no positions: its shape is (N, {_sizes(output.shape)})")
        if channel is not None and not 0 <= channel < len(output):
            raise TargetError(f"`y`: class or channel {channel} is not in the model's output (N, {_sizes(output.shape)})")
        weights = self._weights(output, output if channel is None else output[channel], tuple(input_space))
        places = np.argwhere(weights)
        flat = weights[tuple(places.T)]
        units = places if channel is None else np.insert(places, 0, channel, axis=1)
        return units.astype(np.int64), flat / flat.sum()

    def _weights(
        self, output: npt.NDArray[Any], values: npt.NDArray[Any], input_space: tuple[int, ...]
    ) -> npt.NDArray[np.float64]:
        if self.mask is None:
            return np.ones(values.shape)
        if not isinstance(self.mask, str):
            return _fit(self.mask, values.shape, input_space)
        if not np.isfinite(output).all():
            raise ModelError("the model's output for this input is NaN or infinite, so it has no region")
        if self.mask == "peak":
            weights = np.zeros(values.shape)
            weights.flat[values.argmax()] = 1.0
            return weights
        if self.channel is None or len(output) < 2:
            shape = f"(N, {_sizes(output.shape)})"
            raise TargetError(f'`mask="argmax"` needs an output with several classes; its shape is {shape}')
        weights = np.where(output.argmax(axis=0) == self.channel, 1.0, 0.0)
        if not weights.any():
            raise TargetError(f'`mask="argmax"`: class {self.channel} is the top class at no position of the output')
        return weights


def _fit(mask: npt.NDArray[np.float64], space: tuple[int, ...], input_space: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Return the mask in the size of the output: each position of the output takes the nearest value of the mask."""
    if mask.shape == space:
        return mask
    same_ratio = len(space) == len(input_space) and all(
        abs(out * input_space[0] - space[0] * length) <= input_space[0] + length  # each size is rounded
        for out, length in zip(space, input_space, strict=True)
    )
    if mask.shape != input_space or not same_ratio:
        wrong = "" if same_ratio else "; an input's mask cannot be used, because the output has another aspect ratio"
        raise TargetError(
            f"`mask` of a Region (shape {mask.shape}) must have the spatial size of the output ({_sizes(space)}) or of the "
            f"input ({_sizes(input_space)}){wrong}"
        )
    for axis, (out, length) in enumerate(zip(space, input_space, strict=True)):
        mask = mask.take(((np.arange(out) + 0.5) * length / out).astype(int), axis=axis)
    if not mask.any():
        raise TargetError(f"`mask` of a Region selects no position of the output ({_sizes(space)}), which is coarser")
    return mask


def _sizes(shape: Sequence[int]) -> str:
    return ", ".join(map(str, shape))
