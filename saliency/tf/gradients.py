"""From scores to their gradients, within a graph."""

from typing import Any

import tensorflow as tf

from saliency.core.errors import GradientError, ModelError
from saliency.tf.entrance import fast_entrance
from saliency.tf.operation_input import gradient_through


def differentiate(scores: Any, leaf: Any, times: int, of: str, through: Any = None) -> Any:
    """Differentiate scores with respect to a tensor, each to its own sample of it.

    Args:
        scores: (N * times,), those of the first sample first.
        leaf: (N, ...).
        times: targets of one sample; each takes a backward pass after the one forward pass.
        of: what an error calls the leaf.
        through: an operation that takes the leaf, if ways around it are not to count.

    Returns:
        (N * times, ...).

    Raises:
        GradientError: if a score does not depend on the leaf.
        ModelError: if TensorFlow can't differentiate the model.
    """
    columns = tf.unstack(tf.reshape(scores, (-1, times)), axis=1) if times > 1 else [scores]
    found = [_gradient(column, leaf, of, through) for column in columns]
    if times == 1:
        return found[0]
    return tf.reshape(tf.stack(found, axis=1), tf.concat([[-1], tf.shape(leaf)[1:]], axis=0))


def _gradient(scores: Any, leaf: Any, of: str, through: Any) -> Any:
    try:
        with fast_entrance(leaf, scores):
            gradient = tf.gradients(scores, leaf)[0] if through is None else gradient_through(through, leaf, scores)
    except LookupError as error:
        raise ModelError(f"TensorFlow can't differentiate this model: {str(error).splitlines()[0]}") from error
    if gradient is None:
        raise GradientError(
            f"the score does not depend on {of}: no path leads from one to the other that has a gradient (through whole "
            "numbers there is none, nor behind tf.stop_gradient)"
        )
    return tf.convert_to_tensor(gradient)  # of a gathered tensor it is in slices
