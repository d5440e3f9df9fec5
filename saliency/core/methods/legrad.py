"""LeGrad: the gradients of the attention of each layer, by the score of the layer's own tokens."""

from typing import Any, final

from saliency.core.attention import AttentionLayers
from saliency.core.methods.attention_map import AttentionMap, MapOptions, attention_maps
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.user_grid import UserGrid


@final
class LeGrad(AttentionMap):
    """Average the positive gradients of attention over all layers, heads and queries.

    The tokens of each layer pass the end of the model, from behind its last block, as if the following layers were absent. The
    gradient of this score with respect to the layer's attention weights shows which keys raise it. The map of a layer is the
    mean of the positive gradients over its heads and queries, and the mask is the mean over the layers.

    Options:
        should_resize, three_dims, grid, tokens: as for ``AttentionRelevance``.

    Source:
        Bousselham et al., LeGrad: An Explainability Method for Vision Transformers via Feature Formation Sensitivity,
        arXiv:2404.03214.
    """

    def masks(
        self,
        score: Score,
        x: Array,
        should_resize: bool = True,
        three_dims: bool = False,
        grid: Any = None,
        tokens: Any = None,
    ) -> Array:
        """Return the mean over the layers for the grid's tokens."""
        options = MapOptions(should_resize, three_dims, UserGrid.of(grid, tokens, None), gradients="own")
        return attention_maps(score, x, mean_positive_gradient, options)


def mean_positive_gradient(xp: Any, layers: AttentionLayers) -> Array:
    """Return the mean of the positive gradients over layers, heads and queries, (N * T, tokens)."""
    total = 0.0
    for gradients in layers.gradients:
        total = total + xp.mean(xp.clip(gradients, 0.0, None), axis=(1, 2))
    return total / len(layers.gradients)
