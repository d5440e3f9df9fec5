"""Choose among the layers of one forward pass by the gradients of a score."""

from dataclasses import dataclass

import torch

from saliency.core.position_grid import PositionGrid
from saliency.core.warnings import warn
from saliency.torch.out_of_memory import is_out_of_memory
from saliency.torch.positions.reading import arrange

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
