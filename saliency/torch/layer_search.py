"""Choose among the layers of one forward pass by the gradients of a score."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import torch

from saliency.core.position_grid import PositionGrid
from saliency.core.warnings import warn
from saliency.torch.out_of_memory import is_out_of_memory
from saliency.torch.positions.reading import arrange

FIRST_LAYERS = 8
"""Number of layers by which the score is first differentiated, from the last one on; earlier ones cost more time."""


@dataclass(eq=False)
class CalledLayer:
    """A layer's last call in the forward pass of the search.

    Args:
        module: the layer.
        output: its output, a part of the graph.
        read: reads the grid of the input's positions, None if the output has none.
        has_tokens: whether the output may be tokens (N, tokens, channels), whatever they are.
    """

    module: torch.nn.Module
    output: torch.Tensor
    read: Callable[[], PositionGrid | None]
    has_tokens: bool

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
    """

    def __init__(self, model: torch.nn.Module, scores: torch.Tensor, calls: list[CalledLayer]) -> None:
        self._model, self._scores, self._calls = model, scores, calls
        self._nonzero: dict[CalledLayer, bool] = {}  # layers on which the scores depend

    @property
    def has_layers(self) -> bool:
        """Whether any layer has a grid."""
        return any(one.grid is not None for one in self._calls)

    @property
    def last(self) -> torch.nn.Module | None:
        """The last layer with a grid; None if there is none."""
        return next((one.module for one in reversed(self._calls) if one.grid is not None), None)

    def ranked(self) -> list[torch.nn.Module]:
        """Return the layers to evaluate: the last ones with a non-zero gradient, then others that the score depends on.

        Warns if a later layer with tokens was passed over.
        """
        if not self._scores.requires_grad:
            return []
        backwards, seen, count = (one for one in reversed(self._calls) if one.grid is not None), [], FIRST_LAYERS
        while chunk := list(islice(backwards, count)):
            self._differentiate(chunk)
            seen += chunk
            best = [one for one in chunk if self._nonzero.get(one, False)]
            if best:
                self._warn_of_later(best[0])
                return [one.module for one in best]
            count *= 4
        return [one.module for one in seen if one in self._nonzero]

    def _warn_of_later(self, found: CalledLayer) -> None:
        """Warn of the last layer with tokens after the layer that was found, if the score depends on it."""
        after = self._calls[self._calls.index(found) + 1 :]
        tokens = [one for one in after if one.has_tokens and one.grid is None][-FIRST_LAYERS:]
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
        names = {module: str(name) for name, module in self._model.named_modules()}
        return names[layer.module]

    def _differentiate(self, layers: list[CalledLayer]) -> None:
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
