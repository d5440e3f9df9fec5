"""Which axes of a layer's output hold samples and channels, for targets that name a channel of the layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from saliency.core.errors import TargetError
from saliency.core.grid_reading import Centers, read_axes, read_grid
from saliency.core.joined_inputs import InputLayout
from saliency.core.numerics.resampling import spatial_axes
from saliency.core.position_grid import PositionGrid
from saliency.core.validation import shown


@dataclass(frozen=True)
class LayerAxes:
    """The axes of a layer's output.

    Args:
        sample: the axis of the samples.
        channel: the axis of the channels.
        grid: the grid of the input's positions; None if there is none, or none is known.
    """

    sample: int
    channel: int
    grid: PositionGrid | None = None

    def channels_first(self, rank: int) -> tuple[int, ...]:
        """Return the order of a tensor's axes in which they are (samples, channels, *others)."""
        return self.sample, self.channel, *(axis for axis in range(rank) if axis not in (self.sample, self.channel))


@dataclass(frozen=True)
class UsualAxes:
    """The axes that outputs of a model's layers usually have: (N, channels, *space), or (N, *space, channels).

    Args:
        ranks: the numbers of axes of such an output; empty if the input has no axes that would tell.
        channels_last: whether the channels are the last axis.
    """

    ranks: frozenset[int]
    channels_last: bool

    @classmethod
    def of(cls, ndim: int, channel_axis: int | None, joined: InputLayout | None, channels_last: bool) -> "UsualAxes":
        """Return the usual axes for inputs of a model.

        Args:
            ndim: number of axes of N inputs.
            channel_axis: of one input.
            joined: the layout of several inputs that are joined.
            channels_last: whether the model's layers have their channels last.
        """
        if joined is not None:  # a feature map of any of them; two axes may hold channels or not
            ranks = {len(shape) + more for shape in joined.shapes for more in (1, 2) if len(shape) > 1}
        else:
            ranks = {len(spatial_axes(channel_axis, ndim)) + 2} if ndim > 2 else set()
        return cls(frozenset(ranks), channels_last)

    def axes(self, rank: int) -> LayerAxes | None:
        """Return the usual axes of an output with a number of axes; None if this number is not usual."""
        if rank > 2 and self.ranks and rank not in self.ranks:
            return None
        return LayerAxes(0, max(1, rank - 1) if self.channels_last else 1)


def find_layer_axes(
    spatial: Sequence[Centers | None], samples: Centers | None, shape: tuple[int, ...], count: int, usual: UsualAxes
) -> LayerAxes | None:
    """Return the axes of a layer's output: those that the positions prove, else the usual ones; None if neither is known.

    The usual ones are not known either if positions change along the usual axis of the channels, but not along another axis.

    Args:
        spatial, samples, shape, count: see ``read_grid``.
        usual: of the model's layers.
    """
    if len(shape) <= 2:
        return usual.axes(len(shape))
    proven = read_axes(spatial, samples, shape, count)
    if proven is not None:
        return LayerAxes(proven.sample, proven.channel, read_grid(spatial, samples, shape, count))
    axes = usual.axes(len(shape))
    varying = {dim for one in spatial if one is not None for dim in one.varying}
    fixed = [dim for dim in range(1, len(shape)) if dim not in varying and shape[dim] > 1]
    return None if axes is not None and axes.channel in varying and fixed else axes


def check_layer_axes(
    axes: LayerAxes | None, shape: Sequence[Any], layer: Any, usual: UsualAxes, names_unit: bool
) -> tuple[LayerAxes, PositionGrid | None]:
    """Return the axes of a layer's output, and the grid on which a target's row and column lie.

    The grid is None if the output has the usual number of axes, or the target names a channel alone.

    Args:
        axes: see ``find_layer_axes``.
        shape: of the output.
        layer: the layer, as the user names it.
        usual: of the model's layers.
        names_unit: whether the target names a row and a column.

    Raises:
        TargetError: if the axes are not known, or the target names a row and a column and the grid is not known.
    """
    lengths = f"layer {shown(layer)} (output of shape {tuple(shape)})"
    if axes is None:
        channel = "t[..., channel]" if len(shape) == 3 else "t[:, channel]"
        raise TargetError(
            f"`y` names a channel of {lengths}, and the model does not show which axis of this output holds the channels. "
            f"Pass a callable that reads them, such as y=({shown(layer)}, lambda t: {channel}.mean(1))"
        )
    if not names_unit or len(shape) in usual.ranks or len(shape) <= 2 or not usual.ranks:
        return axes, None
    if axes.grid is None or not axes.grid.fits(shape):
        raise TargetError(
            f"`y` names a row and a column of {lengths}, and the model does not show a grid of the input's positions in this "
            f"output. Pass a callable, such as y=({shown(layer)}, lambda t: t[:, token, channel])"
        )
    return axes, axes.grid
