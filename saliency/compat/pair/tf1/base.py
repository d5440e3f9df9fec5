"""The base classes of PAIR's methods for a TensorFlow 1 graph and its session."""

from typing import Any

from saliency.compat.pair.core.base import CoreSaliency, HostArray, smoothed_mask
from saliency.compat.pair.tf1.utils import create_tf1_call_model_function
from saliency.core.errors import InputError

__all__ = ["X_SHAPE_ERROR_MESSAGE", "Y_SHAPE_ERROR_MESSAGE", "TF1CoreSaliency", "TF1Saliency"]

Y_SHAPE_ERROR_MESSAGE = "Unexpected shape for y tensor. Expected shape {}, actual {}"
X_SHAPE_ERROR_MESSAGE = "Unexpected outermost dimension for x tensor. Expected {} for outermost dimension, actual {}"


class TF1Saliency:
    """The base class of PAIR's methods for a graph.

    Args:
        graph: the ``tf.Graph``.
        session: a session of this graph.
        y: the tensor to explain: one number for each input (N,), or one number.
        x: the input tensor, (N, *input).
    """

    def __init__(self, graph: Any, session: Any, y: Any, x: Any) -> None:
        self.graph, self.session, self.y, self.x = graph, session, y, x

    def GetMask(self, x_value: Any, feed_dict: Any = None) -> HostArray:
        """Compute the mask of one input.

        Args:
            x_value: one input without a batch axis.
            feed_dict: values of other placeholders by tensor; it is not changed.

        Returns:
            The mask, an array.

        Raises:
            InputError: a ValueError, if an argument is invalid.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement GetMask()")

    def GetSmoothedMask(
        self,
        x_value: Any,
        feed_dict: Any = None,
        stdev_spread: float = 0.15,
        nsamples: int = 25,
        magnitude: bool = True,
        **kwargs: Any,
    ) -> HostArray:
        """Average the masks of noisy copies of one input; see ``core.base.CoreSaliency.GetSmoothedMask``."""

        def get_mask(noisy: HostArray) -> Any:
            return self.GetMask(noisy, feed_dict, **kwargs)

        return smoothed_mask(get_mask, x_value, stdev_spread, nsamples, magnitude)


class TF1CoreSaliency(TF1Saliency):
    """A method of ``core`` on a graph. A derived class sets ``core_instance``.

    Args:
        graph, session, y, x: see ``TF1Saliency``.
        conv_layer: the tensor of a layer, (N, rows, columns, channels); None for methods that need none.
    """

    core_instance: CoreSaliency

    def __init__(self, graph: Any, session: Any, y: Any, x: Any, conv_layer: Any = None) -> None:
        super().__init__(graph, session, y, x)
        self.call_model_function = create_tf1_call_model_function(graph, session, y, x, conv_layer)

    def validate_xy_tensor_shape(self, x_steps: int = 1, batch_size: int = 1) -> None:
        """Check that the tensors accept the batches of a method.

        Args:
            x_steps: number of inputs in total.
            batch_size: number of inputs in one run of the session.

        Raises:
            InputError: if a fixed length of the batch axis is another than the batch size, or the last batch is smaller.
        """
        even = x_steps % batch_size == 0
        y_shape, x_shape = (None if one.shape.rank is None else one.shape.as_list() for one in (self.y, self.x))
        if (
            y_shape is not None
            and y_shape != [None]
            and not (even and y_shape in ([batch_size], [] if batch_size == 1 else None))
        ):
            expected = f"[None] or tensor with size {batch_size}" if even else "[None]"
            raise InputError(Y_SHAPE_ERROR_MESSAGE.format(expected, y_shape))
        if x_shape and x_shape[0] is not None and not (even and x_shape[0] == batch_size):
            expected = f"None or {batch_size}" if even else "None"
            raise InputError(X_SHAPE_ERROR_MESSAGE.format(expected, x_shape[0]))

    def _core_mask(self, x_value: Any, feed_dict: Any, **options: Any) -> HostArray:
        """Compute the mask by the method of ``core``."""
        return self.core_instance.GetMask(
            x_value, call_model_function=self.call_model_function, call_model_args=feed_dict, **options
        )
