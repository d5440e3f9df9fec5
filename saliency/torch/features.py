"""A layer's output as the leaf that scores are differentiated by, with no graph up to there; and which layer that may be."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

from saliency.core.errors import GradientError, TargetError
from saliency.core.target import Target
from saliency.torch.backward import check_scores, differentiate
from saliency.torch.forward import Forward
from saliency.torch.grids import grid_of
from saliency.torch.layers import find_layer

Found: TypeAlias = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Scores, a layer's output, and the gradients."""


class Features:
    """A model's layers as what scores are differentiated by.

    Args:
        forward: of the model.
    """

    def __init__(self, forward: Forward) -> None:
        self._forward = forward
        self._layers: dict[Any, torch.nn.Module] = {}  # found before, by the kind of input and target

    def at(self, layer: Any, x: torch.Tensor, target: Target, feed: Mapping[str, Any], adapter: Any) -> Found:
        """Evaluate a layer that is named; see ``GradientAdapter.features``."""
        module = find_layer(self._forward.model, layer)
        name = f"layer {layer!r}" if isinstance(layer, str) else f"layer ({type(module).__name__})"
        with cut_at(module) as cut:
            outputs = self._forward.with_graph(x.clone(), target, feed, grad=False)
        if cut.leaf is None:
            raise TargetError(f"{name} gives {cut.gave} in the forward pass; a map needs one tensor (N, channels, *space)")
        with torch.enable_grad():
            scores = target.scores(outputs, len(x), adapter)
            check_scores(scores, name)
            gradients = differentiate(scores, cut.leaf, name)
        maps = [grid for array in (cut.leaf.detach(), gradients) if (grid := grid_of(array, x.shape)) is not None]
        if not maps:
            raise TargetError(f"{name} gives the shape {tuple(cut.leaf.shape)}; a map needs the input's spatial axes")
        return scores.detach(), maps[0], maps[1]

    def at_last(self, x: torch.Tensor, target: Target, feed: Mapping[str, Any], adapter: Any) -> Found:
        """Evaluate the last layer with spatial axes that the score depends on; it is looked for once."""
        key = (tuple(x.shape[1:]), tuple(feed), target.layer)
        with suppress(GradientError, TargetError):
            if key in self._layers:
                return self.at(self._layers[key], x, target, feed, adapter)
        self._layers[key], found = self._look(x, target, feed, adapter)
        return found

    def _look(self, x: torch.Tensor, target: Target, feed: Mapping[str, Any], adapter: Any) -> tuple[torch.nn.Module, Found]:
        """Go from the last layer up to one whose gradient is not all zero: a class token's layers are passed over."""
        model = self._forward.model
        before = None if target.layer is None else find_layer(model, target.layer)
        layers = spatial_layers(model, lambda: self._forward.plain(x.clone(), target, feed), before, x.shape)
        best = None
        for layer in reversed(layers):
            with suppress(GradientError, TargetError):
                found = self.at(layer, x, target, feed, adapter)
                if best is None or bool(found[2].any()):
                    best = (layer, found)
                if bool(found[2].any()):
                    break
        if best is None:
            raise TargetError(
                "`layer` (=None) must be named: no layer with the input's spatial axes was called before the score "
                "(exported and traced models call none; torch.export.unflatten(program) brings them back)"
            )
        return best


@dataclass
class Cut:
    """Where a forward pass was cut: the layer's output in its last call."""

    leaf: torch.Tensor | None = None
    gave: str = "no call"


@contextmanager
def cut_at(layer: torch.nn.Module) -> Iterator[Cut]:
    """Run a layer's model without a graph up to the layer's output, and with one from there on, in this thread."""
    cut, thread = Cut(), threading.get_ident()

    def hook(_module: torch.nn.Module, _inputs: Any, output: Any) -> Any:
        if threading.get_ident() != thread:
            return None
        cut.leaf, cut.gave = None, type(output).__name__
        if not isinstance(output, torch.Tensor) or not output.is_floating_point():
            return None
        cut.leaf = output.detach().requires_grad_()
        torch.set_grad_enabled(True)  # until the caller's own context ends
        return cut.leaf.clone()  # what follows may work in place

    with _hooked(layer, hook):
        yield cut


@contextmanager
def _hooked(layer: torch.nn.Module, hook: Callable[..., Any]) -> Iterator[None]:
    try:
        handle = layer.register_forward_hook(hook)
    except RuntimeError as error:
        raise TargetError(f"layer ({type(layer).__name__}) can't be read: {error}") from error
    with handle:
        yield


def spatial_layers(
    model: torch.nn.Module, run: Callable[[], object], before: torch.nn.Module | None, shape: Sequence[int]
) -> list[torch.nn.Module]:
    """Return the layers whose last output has the input's spatial axes, in the order in which these outputs were made.

    Args:
        model: whose parts they are; it is not one of them itself.
        run: runs it once.
        before: a layer at whose call the list ends.
        shape: of the input, (N, *input).
    """
    calls: dict[torch.nn.Module, bool] = {}
    ended: list[bool] = []
    thread = threading.get_ident()

    def note(module: torch.nn.Module, _inputs: Any, output: Any) -> None:
        if threading.get_ident() == thread and not ended:
            calls.pop(module, None)
            calls[module] = isinstance(output, torch.Tensor) and grid_of(output, shape) is not None

    def end(_module: torch.nn.Module, _inputs: Any) -> None:
        ended.append(True)

    with ExitStack() as stack:
        for module in model.modules():
            if module is not model and not isinstance(module, torch.jit.ScriptModule):
                stack.enter_context(module.register_forward_hook(note))
        if before is not None:
            stack.enter_context(before.register_forward_pre_hook(end))
        run()
    return [module for module, spatial in calls.items() if spatial]
