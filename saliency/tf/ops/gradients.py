"""Gradients of scores with respect to a tensor of the same graph."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from saliency.core.errors import GradientError, ModelError
from saliency.tf.ops.custom_gradients import use_custom_gradients
from saliency.tf.ops.operation_input import gradient_through_operation
from saliency.tf.ops.scores import BackwardStart, backpropagate
from saliency.tf.ops.strided_convolution_gradient import use_fast_convolution_gradients


def differentiate_scores(
    starts: Sequence[BackwardStart], tensor: Any, name: str, through: Any = None, sample_axis: int = 0
) -> Any:
    """Differentiate scores with respect to a tensor, each score with respect to its own row.

    Args:
        starts: the starts of the backward passes, one for each target of an input. All share one forward pass.
        tensor: (N, ...).
        name: the tensor's name in errors.
        through: an operation that takes the tensor; only paths through this operation count. None counts all paths.
        sample_axis: the axis of the N inputs.

    Returns:
        (N * targets, ...), with the samples on ``sample_axis``; all targets of the first input, then those of the next.

    Raises:
        GradientError: if a score does not depend on the tensor.
        ModelError: if TensorFlow can't differentiate the model.
    """
    gradients = [_gradient(start, tensor, name, through) for start in starts]
    if len(gradients) == 1:
        return gradients[0]
    shape = tf.shape(tensor)
    rows = tf.concat([shape[:sample_axis], [-1], shape[sample_axis + 1 :]], axis=0)
    return tf.reshape(tf.stack(gradients, axis=sample_axis + 1), rows)


def _gradient(start: BackwardStart, tensor: Any, name: str, through: Any) -> Any:
    try:
        with use_fast_convolution_gradients(tensor, start[0]), use_custom_gradients(tensor, start[0]):
            if through is None:
                gradient = backpropagate(start, [tensor])[0]
            else:
                gradient = gradient_through_operation(through, tensor, start)
    except LookupError as error:
        raise ModelError(f"TensorFlow can't differentiate this model: {str(error).splitlines()[0]}") from error
    if gradient is None:
        raise GradientError(
            f"the score does not depend on {name}: no differentiable path leads from {name} to the score (integer tensors "
            "and tf.stop_gradient block the gradient)"
        )
    return tf.convert_to_tensor(gradient)  # the gradient of tf.gather is IndexedSlices
