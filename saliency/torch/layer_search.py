"""Choose among the layers of one forward pass by the gradients of a score."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import torch

from saliency.core.numerics.distinct_weights import distinct_weights
from saliency.core.position_grid import PositionGrid
from saliency.core.warnings import warn
from saliency.torch.autograd_graph import find_reachable, gradient_node
from saliency.torch.module_tree import named_modules
from saliency.torch.out_of_memory import is_out_of_memory
from saliency.torch.positions.reading import arrange
from saliency.torch.query import ScoreQuery

COUNTS = 8, 24
"""Numbers of layers by which the score is first differentiated, from the last one on; earlier ones cost more time."""


@dataclass(eq=False)
class CalledLayer:
    """A layer's last call in the forward pass of the search.

    Args:
        module: the layer.
        output: its output, a part of the graph.
        read: reads the grid of the input's positions, None if the output has none.
        has_tokens: whether the output may be tokens (N, tokens, channels), whatever they are.
        is_only_call: whether the layer was called once.
    """

    module: torch.nn.Module
    output: torch.Tensor
    read: Callable[[], PositionGrid | None]
    has_tokens: bool
    is_only_call: bool = True

    @cached_property
    def grid(self) -> PositionGrid | None:
        """The grid of the input's positions; None for other tokens. It is read when it is needed, because this takes time."""
        return self.read()


class LayerSearch:
    """The layers of one forward pass, and which of them the score depends on.

    Args:
        model: the model.
        scores: of the forward pass, with their graph.
        calls: the last calls of the layers, in order.
        has_plain_scores: whether any other pass computes the scores in the same way: without recorded logits, or a warning.
    """

    def __init__(
        self, model: torch.nn.Module, scores: torch.Tensor, calls: list[CalledLayer], has_plain_scores: bool = False
    ) -> None:
        self.scores, self._has_plain_scores = scores, has_plain_scores
        self._model, self._calls = model, calls
        self._nonzero: dict[CalledLayer, bool] = {}  # layers on which the scores depend: whether a position has a gradient
        self._zero: set[CalledLayer] = set()  # layers with a gradient of zero, also outside of the grid

    @property
    def has_layers(self) -> bool:
        """Whether any layer has a grid."""
        return any(one.grid is not None for one in self._calls)

    @property
    def last(self) -> torch.nn.Module | None:
        """The last layer with a grid; None if there is none."""
        return next((one.module for one in reversed(self._calls) if one.grid is not None), None)

    def ranked(self) -> Iterator[CalledLayer]:
        """Yield the layers to evaluate: the last ones with a non-zero gradient, or else all that the score depends on.

        The score is differentiated by the last layers, by more of them, and at last by all others in one backward pass. None
        follows if the gradient is zero on all paths to earlier layers. Warns if a later layer with tokens was passed over.
        """
        if not self.scores.requires_grad:
            return
        backwards = (one for one in reversed(self._calls) if one.grid is not None)
        seen: list[CalledLayer] = []
        for count in (*COUNTS, None):
            layers = list(islice(backwards, count))
            best = self._nonzero_layers(layers)
            if best:
                self._warn_of_later(best[0])
                yield from best
                return
            seen += layers
            if self._end_all_paths(seen):
                break
        yield from (one for one in seen if one in self._nonzero)
        yield from self._connected(backwards)

    def _nonzero_layers(self, layers: list[CalledLayer]) -> list[CalledLayer]:
        """Return the layers at whose positions the gradient is not zero."""
        self._differentiate(layers)
        return [one for one in layers if self._nonzero.get(one, False)]

    def _end_all_paths(self, layers: list[CalledLayer]) -> bool:
        """Return whether layers lie on all paths to earlier ones, and the gradient is zero there, as it then is earlier."""
        zero = [one for one in layers if one in self._zero]
        return bool(zero) and not any(self._connected(self._calls[: self._calls.index(layers[-1])], zero))

    def has_gradient(self, layer: CalledLayer) -> bool:
        """Return whether the gradient is not zero at the positions of a layer that was ranked."""
        return self._nonzero.get(layer, False)

    def depends_on_input(self, layer: CalledLayer) -> bool:
        """Return whether a later layer with a grid on a path to the scores has no gradient for this input, at no token."""
        return any(one in self._zero and one.grid is not None for one in self._calls[self._calls.index(layer) + 1 :])

    def can_evaluate(self, layer: CalledLayer, query: ScoreQuery) -> bool:
        """Return whether this pass gives the layer's features: it was called once, and for the explained input."""
        has_other_inputs = any(isinstance(value, torch.Tensor) for value in query.request.feed.values())
        return self._has_plain_scores and layer.is_only_call and not has_other_inputs

    def is_bottleneck(self, layer: CalledLayer) -> bool:
        """Return whether all paths to earlier layers lead through the positions of a layer, and none through a later grid."""
        if layer.grid is not None and layer.grid.left_out:  # a path may lead through a class token
            return False
        at = self._calls.index(layer)
        later = [one for one in self._calls[at + 1 :] if one.grid is not None]
        return not any(self._connected(later)) and not any(self._connected(self._calls[:at], [layer]))

    def _connected(self, layers: Iterable[CalledLayer], without: Iterable[CalledLayer] = ()) -> Iterator[CalledLayer]:
        """Yield the layers to which a path leads from the scores, except through other layers."""
        nodes = find_reachable(self.scores, {gradient_node(one.output) for one in without})
        return (one for one in layers if one.output.requires_grad and gradient_node(one.output) in nodes)

    def _warn_of_later(self, found: CalledLayer) -> None:
        """Warn of the last layer with tokens after the layer that was found, if the score depends on it."""
        after = self._calls[self._calls.index(found) + 1 :]
        tokens = [one for one in after if one.has_tokens and one.grid is None][-COUNTS[0] :]
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
        tokens = [one for one in self._calls if one.has_tokens and one.grid is None][-3:]
        names = [f"{self._name(one)!r} {tuple(one.output.shape)}" for one in tokens]
        where = "; layers with tokens that are not known to be positions of the input"
        return f"{message}{where}: {', '.join(names)}" if names else message

    def _name(self, layer: CalledLayer) -> str:
        names = {module: name for name, module in named_modules(self._model).items()}
        return names[layer.module]

    def _total(self) -> torch.Tensor:
        """Return a sum of the scores in which the gradients of opposite targets do not cancel."""
        with torch.enable_grad():
            scores = self.scores.flatten()
            places = torch.arange(len(scores), dtype=torch.float32, device=scores.device)
            weights: torch.Tensor = distinct_weights(places)
            return (scores * weights.to(scores.dtype)).sum()

    def _differentiate(self, layers: list[CalledLayer]) -> None:
        layers = [one for one in layers if one.output.requires_grad]
        if not layers:
            return
        total = self._total()
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
                if not self._nonzero[layer] and not bool(gradient.any()):
                    self._zero.add(layer)
