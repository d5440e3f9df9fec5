"""From scores to their gradients, within a graph."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from saliency.core.errors import GradientError, ModelError
from saliency.tf.ops.operation_input import gradient_through
from saliency.tf.ops.scores import End, gradients_of
from saliency.tf.ops.strided_convolution import fast_entrance


def differentiate(ends: Sequence[End], leaf: Any, of: str, through: Any = None) -> Any:
    """Differentiate scores with respect to a tensor, each to its own sample of it.

    Args:
        ends: of the scores, one for each target of a sample; each takes a backward pass after the one forward pass.
        leaf: (N, ...).
        of: what an error calls the leaf.
        through: an operation that takes the leaf, if ways around it are not to count.

    Returns:
        (N * targets, ...), those of the first sample first.

    Raises:
        GradientError: if a score does not depend on the leaf.
        ModelError: if TensorFlow can't differentiate the model.
    """
    found = [_gradient(end, leaf, of, through) for end in ends]
    if len(found) == 1:
        return found[0]
    return tf.reshape(tf.stack(found, axis=1), tf.concat([[-1], tf.shape(leaf)[1:]], axis=0))


def _gradient(end: End, leaf: Any, of: str, through: Any) -> Any:
    try:
        with fast_entrance(leaf, end[0]):
            gradient = gradients_of(end, [leaf])[0] if through is None else gradient_through(through, leaf, end)
    except LookupError as error:
        raise ModelError(f"TensorFlow can't differentiate this model: {str(error).splitlines()[0]}") from error
    if gradient is None:
        raise GradientError(
            f"the score does not depend on {of}: no path leads from one to the other that has a gradient (through whole "
            "numbers there is none, nor behind tf.stop_gradient)"
        )
    return tf.convert_to_tensor(gradient)  # of a gathered tensor it is in slices
