"""Find and remember the grid of positions of a layer's output."""

from typing import Any

import torch

from saliency.core.errors import TargetError
from saliency.core.numerics.resampling import spatial_axes
from saliency.core.position_grid import PositionGrid
from saliency.core.undo import Undo, Undoable
from saliency.torch.layer_memory import LayerMemory, memory_of
from saliency.torch.layers import LayerPlace
from saliency.torch.positions.attention_log import AttentionLog
from saliency.torch.positions.reading import arrange, read_grid
from saliency.torch.positions.recorder import PositionRecorder
from saliency.torch.positions.state import Positions
from saliency.torch.query import ScoreQuery
from saliency.torch.thread_modes import preserve_mode_stacks


class LayerGrids:
    """The grids of a model's layers by layer and kind of input; each is found during the layer's first evaluation.

    Args:
        model: the model.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        self._model = model
        self.memory = LayerMemory([])
        self._stated: dict[Any, PositionGrid | None] = {}  # by users, for the same keys

    def refresh(self) -> None:
        """Forget what was found if the model's structure has changed; the caller has set it to eval mode."""
        self.memory = memory_of(self._model)

    def recorded(self, query: ScoreQuery, layer: LayerPlace) -> Undoable["LayerGrid"]:
        """Return a block in which the positions are recorded in a forward pass, unless the layer's grid is known."""

        def start(undo: Undo) -> LayerGrid:
            if query.request.grid is not None or _key(query, layer) in self.memory.grids:
                return LayerGrid(self, query, layer, None)
            recorder = make_recorder(query)
            preserve_mode_stacks(undo)
            recorder.__enter__()  # type: ignore[no-untyped-call]
            return LayerGrid(self, query, layer, recorder)

        return Undoable(start)

    def known(self, query: ScoreQuery, layer: LayerPlace) -> PositionGrid | None:
        """Return the grid of an earlier evaluation."""
        return self.memory.grids.get(_key(query, layer))

    def left_out(self, query: ScoreQuery, layer: LayerPlace) -> int | None:
        """Return how many tokens of an evaluated layer are not in its grid, or None if it has no tokens."""
        grid = self._stated.get(_key(query, layer)) if query.request.grid is not None else self.known(query, layer)
        return grid.left_out if grid is not None else None

    def remember(self, query: ScoreQuery, layer: LayerPlace, grid: PositionGrid | None) -> PositionGrid | None:
        """Store a layer's grid, and return it."""
        grids = self.memory.grids if query.request.grid is None else self._stated
        grids[_key(query, layer)] = grid
        return grid


class LayerGrid:
    """The grid of one layer's output in one query.

    Args:
        grids: stores what is found.
        query: the query.
        layer: the layer.
        recorder: the recorder of the forward pass, or None if the grid is known from an earlier pass or from the user.
    """

    def __init__(self, grids: LayerGrids, query: ScoreQuery, layer: LayerPlace, recorder: PositionRecorder | None) -> None:
        self._grids, self._query, self._layer, self._recorder = grids, query, layer, recorder

    def of(self, output: torch.Tensor) -> PositionGrid | None:
        """Return the grid of the layer's output, or None if the output has none."""
        query, shape, samples = self._query, tuple(output.shape), len(self._query.x)
        if query.request.grid is not None:
            return self._grids.remember(query, self._layer, query.request.grid.place(shape, samples))
        if self._recorder is not None:
            self._grids.remember(query, self._layer, read_positions(self._recorder.of(output), shape, query))
        grid = self._grids.known(query, self._layer)
        return grid if grid is not None and grid.fits(shape) and shape[grid.sample_axis] == samples else None

    def sample_axis(self, output: torch.Tensor, grid: PositionGrid | None) -> int:
        """Return the axis of the samples in the layer's output."""
        if grid is not None:
            return grid.sample_axis
        samples = len(self._query.x)
        return 1 if output.ndim > 1 and output.shape[0] != samples and output.shape[1] == samples else 0

    def arrange(self, output: torch.Tensor, samples: int, name: str, grid: PositionGrid | None) -> torch.Tensor:
        """Return the layer's output, or the gradients by it, as (samples, channels, *space).

        Raises:
            TargetError: if the output has no known grid, or the user's does not fit it.
        """
        stated, space = self._query.request.grid, len(_axes(self._query))
        if stated is not None and stated.reshape is not None:
            return _checked(stated.reshape(output), samples, space, name)
        if grid is not None:
            return arrange(output, grid)
        begin = f"{name} returns shape {tuple(output.shape)} for {len(self._query.x)} input(s)"
        if stated is not None:
            raise TargetError(f"{begin}; {stated.requirement}")
        raise TargetError(
            f"{begin}; a map needs (N, channels, *space) with the input's {space} spatial axes and more than one position on "
            "them, or tokens that the model cuts from the input. Name another layer, such as a convolution, or state the "
            "positions: grid=(rows, columns), tokens=slice(...)"
        )


def make_recorder(query: ScoreQuery, attentions: AttentionLog | None = None) -> PositionRecorder:
    """Return a recorder for the query's input; ``attentions`` receives the attention of the forward pass."""
    return PositionRecorder(query.x, _axes(query), attentions)


def read_positions(positions: Positions | None, shape: tuple[int, ...], query: ScoreQuery) -> PositionGrid | None:
    """Return the grid of a tensor with recorded positions."""
    return read_grid(positions, shape, len(query.x))


def _axes(query: ScoreQuery) -> tuple[int, ...]:
    return spatial_axes(query.adapter.channel_axis, query.x.ndim)


def _key(query: ScoreQuery, layer: LayerPlace) -> Any:
    return id(layer.module), layer.entry, tuple(query.x.shape[1:]), tuple(query.request.feed), query.adapter.channel_axis


def _checked(arranged: object, samples: int, space: int, name: str) -> torch.Tensor:
    """Return what the user's function returned, if it is (samples, channels, *space)."""
    if isinstance(arranged, torch.Tensor) and arranged.ndim == space + 2 and len(arranged) == samples:
        return arranged
    shape = tuple(getattr(arranged, "shape", ()))
    raise TargetError(
        f"`reshape` returned a {type(arranged).__name__} of shape {shape} for the output of {name}; it must return "
        f"(N, channels, *space) with {samples} samples and {space} spatial axes"
    )
