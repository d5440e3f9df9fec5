"""Find the layers of a model whose outputs hold the input's positions."""

import threading
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from saliency.core.position_grid import PositionGrid
from saliency.torch.backward import check_finite
from saliency.torch.forward import ForwardRunner
from saliency.torch.layer_grids import LayerGrids, make_recorder, read_positions
from saliency.torch.layer_search import CalledLayer, LayerSearch
from saliency.torch.layers import find_layer, forward_hooks
from saliency.torch.positions.recorder import PositionRecorder
from saliency.torch.positions.state import Positions, is_projection
from saliency.torch.pre_softmax_logits import LogitRecorder
from saliency.torch.query import ScoreQuery


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
    calls: dict[torch.nn.Module, tuple[CalledLayer, Positions | None, torch.Tensor | None]] = {}
    thread, stopped, stated = threading.get_ident(), False, query.request.grid

    def record(module: torch.nn.Module, _inputs: Any, output: Any) -> Any:
        if threading.get_ident() != thread or stopped:
            return None
        positions = recorder.of(output)
        if positions is None and module in calls and calls[module][1] is not None:
            return None  # a call for another input of the model, after that for the explained one
        calls.pop(module, None)
        if not isinstance(output, torch.Tensor) or not output.is_floating_point():
            return None
        has_tokens = _is_token_shape(module, output, positions, len(query.x))
        is_placed = output.ndim > 2 and (stated is not None or _is_placed(positions))
        if not is_placed and not (has_tokens and output.requires_grad):
            return None
        if not output.requires_grad:
            output = output.detach().requires_grad_()
            torch.set_grad_enabled(True)  # until the caller's own context ends
        _extend_projections(recorder, module, output, positions)
        read = partial(_read, grids, query, module, positions, tuple(output.shape))
        calls[module] = CalledLayer(module, output, read, has_tokens), positions, logits_recorder.source_of(output)
        return output.clone()  # otherwise an in-place ReLU would overwrite the recorded output

    def stop(_module: torch.nn.Module, _inputs: Any, _keywords: Any) -> None:
        nonlocal stopped
        stopped = True

    with torch.enable_grad(), ExitStack() as stack:
        logits_recorder = stack.enter_context(LogitRecorder())
        recorder = stack.enter_context(make_recorder(query))
        for module in model.modules():
            if module is not model and not isinstance(module, torch.jit.ScriptModule):
                stack.enter_context(forward_hooks(module, record))
        for layer in target.layers:
            stack.enter_context(forward_hooks(find_layer(model, layer), None, stop))
        outputs = forward.run(query.x, replace(target, logits=False), query.request.feed)
        source = logits_recorder.source_of(outputs) if target.logits else None
        needs_logits = source is not None and target.layer is None
        stopped = True
        with torch.enable_grad():  # the model may have changed the mode
            scores = query.scores(logits_recorder.logits_of(outputs) if needs_logits else outputs)
        check_finite(scores)
    found = []
    for layer, positions, its_source in calls.values():
        inside = layer.module in recorder.projections or (positions is not None and positions.attended)
        if not inside and (source is None or its_source is not source):
            found.append(layer)
    return LayerSearch(model, scores, found)


def _read(
    grids: LayerGrids, query: ScoreQuery, module: torch.nn.Module, positions: Positions | None, shape: tuple[int, ...]
) -> PositionGrid | None:
    """Return the grid of a layer's output, and remember it."""
    if query.request.grid is not None:
        return query.request.grid.place(shape, len(query.x))
    grid = read_positions(positions, shape, query)
    return None if grid is None else grids.remember(query, module, grid)


def _extend_projections(
    recorder: PositionRecorder, module: torch.nn.Module, output: torch.Tensor, positions: Positions | None
) -> None:
    """Note that a tensor is the output of a linear layer, or of a layer that follows one without another sum of channels."""
    if positions is not None and (is_projection(module) or positions.projections):
        recorder.set(output, replace(positions, projections=(*positions.projections, module)))


def _is_placed(positions: Positions | None) -> bool:
    """Return whether a tensor may hold a grid of positions."""
    return positions is not None and positions.has_space and not positions.in_pairs


def _is_token_shape(module: torch.nn.Module, output: torch.Tensor, positions: Positions | None, samples: int) -> bool:
    """Return whether an output without a grid may be tokens (N, tokens, channels)."""
    is_1d = isinstance(module, torch.nn.Flatten) or type(module).__name__.endswith("1d")  # (N, channels, positions)
    in_pairs = positions is not None and positions.in_pairs
    return output.ndim == 3 and min(output.shape[1:]) > 1 and output.shape[0] == samples and not is_1d and not in_pairs
