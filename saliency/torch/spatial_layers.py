"""Find the layers of a model whose outputs hold the input's positions, and the gradients of a score by them."""

import threading
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import torch

from saliency.core.position_grid import PositionGrid
from saliency.core.warnings import warn
from saliency.torch.backward import check_finite
from saliency.torch.forward import ForwardRunner
from saliency.torch.layer_grids import LayerGrids, make_recorder, read_recorded
from saliency.torch.layers import find_layer, forward_hooks
from saliency.torch.out_of_memory import is_out_of_memory
from saliency.torch.positions.reading import arrange
from saliency.torch.positions.recorder import PositionRecorder
from saliency.torch.positions.state import Positions
from saliency.torch.pre_softmax_logits import LogitRecorder
from saliency.torch.query import ScoreQuery

FIRST_LAYERS = 8
"""Number of layers by which the score is first differentiated, from the last one on; earlier ones cost more time."""


@dataclass(eq=False)
class SpatialLayer:
    """A layer's last call in the forward pass of the search.

    Args:
        module: the layer.
        output: its output, a part of the graph.
        grid: the grid of the input's positions; None for tokens that are known to be none, or not known to be one.
        number: the number of the call.
    """

    module: torch.nn.Module
    output: torch.Tensor
    grid: PositionGrid | None
    number: int


class LayerSearch:
    """The layers of one forward pass, and which of them the score depends on.

    Args:
        model: the model.
        scores: of the forward pass, with their graph.
        calls: the last calls of the layers, in order.
    """

    def __init__(self, model: torch.nn.Module, scores: torch.Tensor, calls: list[SpatialLayer]) -> None:
        self._model, self._scores, self._calls = model, scores, calls
        self._nonzero: dict[SpatialLayer, bool] = {}  # layers on which the scores depend

    @property
    def layers(self) -> list[SpatialLayer]:
        """The layers with a grid, in the order of their calls."""
        return [one for one in self._calls if one.grid is not None]

    def ranked(self) -> list[torch.nn.Module]:
        """Return the layers to evaluate: the last ones with a non-zero gradient, then others that the score depends on.

        Warns if a later layer with tokens was passed over.
        """
        if not self._scores.requires_grad:
            return []
        done, count, backwards = 0, FIRST_LAYERS, self.layers[::-1]
        chunk: list[SpatialLayer] = []
        while done < len(backwards) and not any(self._nonzero.get(one, False) for one in chunk):
            chunk = backwards[done : done + count]
            self._differentiate(chunk)
            done, count = done + count, 4 * count
        best = [one for one in backwards[:done] if self._nonzero.get(one, False)]
        if best:
            self._warn_of_later(best[0])
        return [one.module for one in (*best, *(one for one in backwards if self._nonzero.get(one) is False))]

    def _warn_of_later(self, found: SpatialLayer) -> None:
        """Warn of the last layer with tokens after the layer that was found, if the score depends on it."""
        tokens = [one for one in self._calls if one.grid is None and one.number > found.number][-FIRST_LAYERS:]
        self._differentiate(tokens)
        later = [one for one in tokens if self._nonzero.get(one, False)]
        if later:
            warn(
                f"the map is of layer {self._name(found)!r}; the later layer {self._name(later[-1])!r} with tokens "
                f"{tuple(later[-1].output.shape)} was passed over, because these are not known to be positions of the input. "
                "If they are, name it: layer=, with grid=(rows, columns) and tokens=slice(...)"
            )

    def explain(self, message: str) -> str:
        """Add the layers with tokens that are not known to be positions to an error message."""
        names = [f"{self._name(one)!r} {tuple(one.output.shape)}" for one in self._calls if one.grid is None][-3:]
        where = "; layers with tokens that are not known to be positions of the input"
        return f"{message}{where}: {', '.join(names)}" if names else message

    def _name(self, layer: SpatialLayer) -> str:
        names = {module: str(name) for name, module in self._model.named_modules()}
        return names[layer.module]

    def _differentiate(self, layers: list[SpatialLayer]) -> None:
        layers = [one for one in layers if one.output.requires_grad]
        if not layers:
            return
        with torch.enable_grad():
            total = self._scores.sum()
        outputs = [one.output for one in layers]
        try:
            gradients = torch.autograd.grad(total, outputs, retain_graph=True, allow_unused=True)
        except RuntimeError as error:  # Torch cannot differentiate a part of the model
            if is_out_of_memory(error):
                raise
            if len(layers) > 1:
                for layer in layers:
                    self._differentiate([layer])
            return
        for layer, gradient in zip(layers, gradients, strict=True):
            if gradient is not None:
                inside = gradient if layer.grid is None else arrange(gradient, layer.grid)
                self._nonzero[layer] = bool(inside.any())


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
    calls: dict[torch.nn.Module, tuple[torch.Tensor, PositionGrid | None, torch.Tensor | None]] = {}
    thread, stopped = threading.get_ident(), False

    def record(module: torch.nn.Module, _inputs: Any, output: Any) -> Any:
        if threading.get_ident() != thread or stopped:
            return None
        calls.pop(module, None)
        if not isinstance(output, torch.Tensor) or not output.is_floating_point():
            return None
        positions, stated = recorder.of(output), query.request.grid
        grid = read_recorded(recorder, output, query) if stated is None else stated.place(output.shape, len(query.x))
        if grid is None and not _is_token_shape(module, output, positions, len(query.x)):
            return None
        if not output.requires_grad:
            if grid is None:
                return None
            output = output.detach().requires_grad_()
            torch.set_grad_enabled(True)  # until the caller's own context ends
        _extend_projections(recorder, module, output, positions)
        calls[module] = output, grid, logits_recorder.source_of(output)
        return output.clone()  # otherwise an in-place ReLU would overwrite the recorded output

    def stop(_module: torch.nn.Module, _inputs: Any) -> None:
        nonlocal stopped
        stopped = True

    with torch.enable_grad(), ExitStack() as stack:
        logits_recorder = stack.enter_context(LogitRecorder())
        recorder = stack.enter_context(make_recorder(query))
        for module in model.modules():
            if module is not model and not isinstance(module, torch.jit.ScriptModule):
                stack.enter_context(forward_hooks(module, record))
        for layer in target.layers:
            stack.enter_context(find_layer(model, layer).register_forward_pre_hook(stop))
        outputs = forward.run(query.x, replace(target, logits=False), query.request.feed)
        source = logits_recorder.source_of(outputs) if target.logits else None
        needs_logits = source is not None and target.layer is None
        stopped = True
        with torch.enable_grad():  # the model may have changed the mode
            scores = query.scores(logits_recorder.logits_of(outputs) if needs_logits else outputs)
        check_finite(scores)
    found = []
    for number, (module, (output, grid, its_source)) in enumerate(calls.items()):
        inside = module in recorder.projections or _is_attended(recorder.of(output))
        if not inside and (source is None or its_source is not source):
            found.append(SpatialLayer(module, output, grid, number))
            if grid is not None:
                grids.remember(query, module, grid)
    return LayerSearch(model, scores, found)


def _extend_projections(
    recorder: PositionRecorder, module: torch.nn.Module, output: torch.Tensor, positions: Positions | None
) -> None:
    """Note that a tensor is the output of a linear layer, or of a layer that follows one without another sum of channels."""
    is_linear = isinstance(module, torch.nn.Linear) or getattr(module, "kernel_size", None) in ((1,), (1, 1), (1, 1, 1))
    if positions is not None and (is_linear or positions.projections):
        recorder.set(output, replace(positions, projections=(*positions.projections, module)))


def _is_attended(positions: Positions | None) -> bool:
    return positions is not None and positions.attended


def _is_token_shape(module: torch.nn.Module, output: torch.Tensor, positions: Positions | None, samples: int) -> bool:
    """Return whether an output without a grid may be tokens (N, tokens, channels)."""
    is_1d = isinstance(module, torch.nn.Flatten) or type(module).__name__.endswith("1d")  # (N, channels, positions)
    in_pairs = positions is not None and positions.in_pairs
    return output.ndim == 3 and min(output.shape[1:]) > 1 and output.shape[0] == samples and not is_1d and not in_pairs
