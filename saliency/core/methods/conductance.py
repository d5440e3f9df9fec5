"""Layer conductance: how much of the score's change along a path in the input passes each unit of a layer."""

from saliency.core.numerics.quadrature import Floats
from saliency.core.points import flattened
from saliency.core.score import Score
from saliency.core.types import Array


def conductance(score: Score, x: Array, baseline: Array, nodes: Floats) -> Array:
    """Sum, over the points of a path in the input, the gradient with respect to a layer times the next change of its values.

    Args:
        score: the score of the N samples, with the layer in ``at``.
        x: (N, *input).
        baseline: (N, *input).
        nodes: places of the points on the path, in 0 to 1.

    Returns:
        (N, ...), of the shape of the layer's values, in score units.

    Source:
        Dhamdhere, Sundararajan & Yan, How Important Is a Neuron?, arXiv:1805.12233; Shrikumar, Su & Kundaje, Computationally
        Efficient Measures of Internal Neuron Importance, arXiv:1807.09946.
    """
    adapter, xp = score.adapter, score.adapter.xp
    places = xp.reshape(adapter.asarray(nodes), (-1, *[1] * len(x.shape)))
    total: Array = 0.0
    last: tuple[Array, ...] = ()
    for chunk in score.batches(len(nodes)):
        points = baseline + places[chunk.start : chunk.stop] * (x - baseline)  # (points, N, *input)
        _, values, gradients = score.repeat(len(chunk)).values_and_gradients_at(flattened(score, points))
        shape = (len(chunk), score.n, *values.shape[1:])
        pair = xp.reshape(values, shape), xp.reshape(gradients, shape)
        if last:
            pair = xp.concatenate([last[0], pair[0]]), xp.concatenate([last[1], pair[1]])
        values, gradients = pair
        if values.shape[0] > 1:
            total = total + xp.sum(gradients[:-1] * (values[1:] - values[:-1]), axis=0)
        last = values[-1:], gradients[-1:]
    return total
