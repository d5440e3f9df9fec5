"""Find the layers of a model whose outputs hold the input's positions."""

import threading
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch

from saliency.core.position_grid import PositionGrid
from saliency.torch.backward import check_finite
from saliency.torch.forward import ForwardRunner
from saliency.torch.layer_grids import LayerGrids, make_recorder, read_positions
from saliency.torch.layer_search import CalledLayer, LayerSearch
from saliency.torch.layers import LayerPlace, find_place, forward_hooks
from saliency.torch.module_tree import named_modules
from saliency.torch.positions.recorder import PositionRecorder
from saliency.torch.positions.state import Positions, begins_projection
from saliency.torch.pre_softmax_logits import LogitRecorder
from saliency.torch.query import ScoreQuery
from saliency.torch.softmax_detection import final_activation


def find_spatial_layers(forward: ForwardRunner, query: ScoreQuery, grids: LayerGrids) -> LayerSearch:
    """Run the model once, with a graph from the first layer on that returns positions of the input.

    Layers inside attention and after the logits do not count: queries, keys, values, matrices of attention and its result
    before the block's input is added to it.

    Args:
        forward: of the model; the caller has disabled gradients.
        query: the query.
        grids: receives the grids of the layers.
    """
    model, target = forward.model, query.target
    with torch.enable_grad(), ExitStack() as stack:
        logits_recorder = stack.enter_context(LogitRecorder())
        recorder = stack.enter_context(make_recorder(query))
        record = CallRecord(query, grids, recorder, logits_recorder)
        for module in named_modules(model).values():
            if module is not model and not isinstance(module, torch.jit.ScriptModule):
                stack.enter_context(forward_hooks(module, record.add))
        for layer in target.layers:
            stack.enter_context(forward_hooks(find_place(model, layer).module, None, record.stop))
        outputs = forward.run(query.x, replace(target, logits=False), query.request.feed)
        source = logits_recorder.source_of(outputs) if target.logits else None
        record.stop()
        needs_logits = target.logits and target.layer is None
        has_plain_scores = not needs_logits or (source is None and final_activation(outputs) is None)
        with torch.enable_grad():  # the model may have changed the mode
            scores = query.scores(logits_recorder.logits_of(outputs) if needs_logits and source is not None else outputs)
        check_finite(scores)
    return LayerSearch(model, scores, record.layers(source), has_plain_scores)


@dataclass
class _Call:
    """A layer's call.

    Args:
        layer: the layer.
        positions: of its output.
        source: the logits, if the output is that of a softmax or sigmoid.
    """

    layer: CalledLayer
    positions: Positions | None
    source: torch.Tensor | None


@dataclass
class CallRecord:
    """The last call of each layer in one thread, with a graph from the first one on.

    Args:
        query: the query.
        grids: receives the grids of the layers.
        recorder: records positions.
        logits_recorder: records the logits.
    """

    query: ScoreQuery
    grids: LayerGrids
    recorder: PositionRecorder
    logits_recorder: LogitRecorder
    _thread: int = field(default_factory=threading.get_ident)
    _is_stopped: bool = False
    _calls: dict[torch.nn.Module, _Call] = field(default_factory=dict)
    _counts: "Counter[torch.nn.Module]" = field(default_factory=Counter)

    def add(self, module: torch.nn.Module, _inputs: Any, output: Any) -> torch.Tensor | None:
        """Record a call, if the output may be positions or tokens; return the copy with which the model continues."""
        if threading.get_ident() != self._thread or self._is_stopped:
            return None
        self._counts[module] += 1
        positions, earlier = self.recorder.of(output), self._calls.get(module)
        if positions is None and earlier is not None and earlier.positions is not None:
            return None  # a call for another input of the model, after that for the explained one
        self._calls.pop(module, None)
        if not isinstance(output, torch.Tensor) or not output.is_floating_point():
            return None
        has_tokens = _is_token_shape(module, output, positions, len(self.query.x))
        is_placed = output.ndim > 2 and (self.query.request.grid is not None or _is_placed(positions))
        if not is_placed and not (has_tokens and output.requires_grad):
            return None
        if not output.requires_grad:
            output = output.detach().requires_grad_()
            torch.set_grad_enabled(True)  # until the caller's own context ends
        _extend_projections(self.recorder, module, output, positions)
        read = partial(_read, self.grids, self.query, module, positions, tuple(output.shape))
        layer = CalledLayer(module, output, read, has_tokens)
        self._calls[module] = _Call(layer, positions, self.logits_recorder.source_of(output))
        copy: torch.Tensor = output.clone()  # otherwise an in-place ReLU would overwrite the recorded output
        return copy

    def stop(self, *_: Any) -> None:
        """Record no further calls."""
        self._is_stopped = True

    def layers(self, source: torch.Tensor | None) -> list[CalledLayer]:
        """Return the recorded layers, without those inside attention and after the logits.

        Args:
            source: the logits of the model's output, if it ends in a softmax or sigmoid.
        """
        found = []
        for module, call in self._calls.items():
            call.layer.is_only_call = self._counts[module] == 1
            inside = module in self.recorder.projections or (call.positions is not None and call.positions.attended)
            if not inside and (source is None or call.source is not source):
                found.append(call.layer)
        return found


def _read(
    grids: LayerGrids, query: ScoreQuery, module: torch.nn.Module, positions: Positions | None, shape: tuple[int, ...]
) -> PositionGrid | None:
    """Return the grid of a layer's output, and remember it."""
    if query.request.grid is not None:
        return query.request.grid.place(shape, len(query.x))
    grid = read_positions(positions, shape, query)
    return None if grid is None else grids.remember(query, LayerPlace(module), grid)


def _extend_projections(
    recorder: PositionRecorder, module: torch.nn.Module, output: torch.Tensor, positions: Positions | None
) -> None:
    """Note that a tensor is the output of a linear layer, or of a layer that follows one without another sum of channels."""
    if positions is not None and (begins_projection(module) or positions.projections):
        recorder.set(output, replace(positions, projections=(*positions.projections, module)))


def _is_placed(positions: Positions | None) -> bool:
    """Return whether a tensor may hold a grid of positions."""
    return positions is not None and positions.has_space and not positions.in_pairs


def _is_token_shape(module: torch.nn.Module, output: torch.Tensor, positions: Positions | None, samples: int) -> bool:
    """Return whether an output without a grid may be tokens (N, tokens, channels)."""
    is_1d = isinstance(module, torch.nn.Flatten) or type(module).__name__.endswith("1d")  # (N, channels, positions)
    in_pairs = positions is not None and positions.in_pairs
    return output.ndim == 3 and min(output.shape[1:]) > 1 and output.shape[0] == samples and not is_1d and not in_pairs
