"""The base class of PAIR's methods, and the keys of what a user's function returns."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from saliency.compat.pair.core.model_function import (
    CONVOLUTION_LAYER_VALUES,
    CONVOLUTION_OUTPUT_GRADIENTS,
    INPUT_OUTPUT_GRADIENTS,
    OUTPUT_LAYER_VALUES,
    SHAPE_ERROR_MESSAGE,
    CallModelFunction,
    HostArray,
    ModelFunctionAdapter,
    checked_output,
)
from saliency.core.mask import SaliencyMask
from saliency.core.result import MaskArray
from saliency.core.validation import host_numbers, real_number, whole_number

__all__ = [
    "CONVOLUTION_LAYER_VALUES",
    "CONVOLUTION_OUTPUT_GRADIENTS",
    "INPUT_OUTPUT_GRADIENTS",
    "OUTPUT_LAYER_VALUES",
    "SHAPE_ERROR_MESSAGE",
    "CallModelFunction",
    "CoreSaliency",
    "HostArray",
]


class CoreSaliency:
    """The base class of PAIR's methods.

    A derived class implements ``GetMask``. ``GetSmoothedMask`` works for each of them.
    """

    def GetMask(
        self,
        x_value: Any,
        call_model_function: CallModelFunction,
        call_model_args: Any = None,
    ) -> HostArray:
        """Compute the mask of one input.

        Args:
            x_value: one input without a batch axis, usually (H, W, C), in the model's own units.
            call_model_function: called as ``call_model_function(x_value_batch, call_model_args=..., expected_keys=...)``, with
                a batch (N, *input). It returns a mapping from each expected key to an array (N, ...). The gradients under
                ``INPUT_OUTPUT_GRADIENTS`` have the shape of the batch.
            call_model_args: passed to the function as it is.

        Returns:
            The mask, an array.

        Raises:
            InputError: a ValueError, if an argument is invalid, or the function does not return the expected arrays.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement GetMask()")

    def GetSmoothedMask(
        self,
        x_value: Any,
        call_model_function: CallModelFunction,
        call_model_args: Any = None,
        stdev_spread: float = 0.15,
        nsamples: int = 25,
        magnitude: bool = True,
        **kwargs: Any,
    ) -> HostArray:
        """Average the masks of noisy copies of one input (SmoothGrad), with ``nsamples`` calls of ``GetMask``.

        The noise comes from NumPy's global generator, as in PAIR: ``np.random.seed`` makes it repeatable.

        Args:
            x_value, call_model_function, call_model_args: see ``GetMask``.
            stdev_spread: standard deviation of the noise, in units of the range (maximum - minimum) of the input.
            nsamples: number of noisy copies.
            magnitude: average the squares of the masks instead of the masks.
            **kwargs: further arguments of ``GetMask``.

        Returns:
            The averaged mask, float32.
        """

        def get_mask(noisy: HostArray) -> Any:
            return self.GetMask(noisy, call_model_function, call_model_args, **kwargs)

        return smoothed_mask(get_mask, x_value, stdev_spread, nsamples, magnitude)

    def format_and_check_call_model_output(
        self, output: Mapping[str, Any], input_shape: Sequence[int], expected_keys: Sequence[str]
    ) -> dict[str, Any]:
        """Return the output of a user's function with the expected keys as arrays; the user's mapping is not changed.

        Args:
            output: what the function returned.
            input_shape: shape of the batch, (N, *input).
            expected_keys: the keys to check.

        Raises:
            InputError: if a key is missing, or its array does not have the shape that ``SHAPE_ERROR_MESSAGE`` states.
        """
        return {**output, **checked_output(output, input_shape, expected_keys)}


def smoothed_mask(
    get_mask: Callable[[HostArray], Any], x_value: Any, stdev_spread: float, nsamples: int, magnitude: bool
) -> HostArray:
    """Average the masks of noisy copies; see ``CoreSaliency.GetSmoothedMask``."""
    x = floating(x_value)
    deviation = real_number("stdev_spread", stdev_spread, least=0.0) * float(x.max() - x.min())
    total: Any = 0.0
    for _ in range(whole_number("nsamples", nsamples, least=1)):
        noise = np.random.normal(0.0, deviation, x.shape)  # the global generator: PAIR's scripts seed it
        mask = np.asarray(get_mask((x + noise).astype(x.dtype)), np.float64)
        total = total + (mask * mask if magnitude else mask)
    return np.asarray(total / nsamples, np.float32)


def compute_mask(method: Callable[..., SaliencyMask], *arguments: Any, **options: Any) -> HostArray:
    """Compute the mask of one input as a plain array; arguments as for ``run_mask``."""
    return np.array(run_mask(method, *arguments, **options))  # without the description of a target, which only the user knows


def run_mask(
    method: Callable[..., SaliencyMask],
    x_value: Any,
    call_model_function: CallModelFunction,
    call_model_args: Any,
    batch_size: int = 1,
    **options: Any,
) -> MaskArray:
    """Compute the mask of one input by a method of this library, with its details.

    Args:
        method: the class of the mask.
        x_value, call_model_function, call_model_args: see ``CoreSaliency.GetMask``.
        batch_size: largest number of inputs in one call of the function.
        **options: options of the method.
    """
    x = floating(x_value)
    adapter = ModelFunctionAdapter(call_model_function, call_model_args, x.dtype, x.ndim)
    return method(adapter, 0, batch_size=batch_size, **options).GetMask(x, progress=False)


def floating(x_value: Any) -> HostArray:
    """Return an input as an array of float32, or of float64 if that is its type or the values need it."""
    numbers = host_numbers(x_value, "x_value", None)
    return numbers.astype(np.result_type(numbers.dtype, np.float32))
