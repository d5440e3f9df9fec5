"""The adapter of a function that returns outputs and gradients by key, as PAIR's methods call it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeAlias, final

import numpy as np
import numpy.typing as npt

from saliency.core.adapter import GradientAdapter
from saliency.core.adapter_request import Request
from saliency.core.errors import InputError, ModelError, one_line
from saliency.core.types import Array
from saliency.core.validation import host_numbers

HostArray: TypeAlias = npt.NDArray[Any]
CallModelFunction: TypeAlias = Callable[..., Mapping[str, Any]]
"""Called as ``f(x_value_batch, call_model_args=..., expected_keys=...)``; returns an array (N, ...) for each key."""

INPUT_OUTPUT_GRADIENTS = "INPUT_OUTPUT_GRADIENTS"
OUTPUT_LAYER_VALUES = "OUTPUT_LAYER_VALUES"
CONVOLUTION_LAYER_VALUES = "CONVOLUTION_LAYER_VALUES"
CONVOLUTION_OUTPUT_GRADIENTS = "CONVOLUTION_OUTPUT_GRADIENTS"

_OUTERMOST = "Expected outermost dimension of {} to be the same as x_value_batch - expected {{}}, actual {{}}"

SHAPE_ERROR_MESSAGE = {
    INPUT_OUTPUT_GRADIENTS: (
        f"Expected key {INPUT_OUTPUT_GRADIENTS} to be the same shape as input x_value_batch - expected {{}}, actual {{}}"
    ),
    **{key: _OUTERMOST.format(key) for key in (OUTPUT_LAYER_VALUES, CONVOLUTION_LAYER_VALUES, CONVOLUTION_OUTPUT_GRADIENTS)},
}
"""Key -> the text of the error for an array of another shape, with the expected and the actual one."""


@final
class ModelFunctionAdapter(GradientAdapter):
    """Adapt a function that returns what it is asked for by key: gradients, outputs, or a layer's values.

    Its gradients come without scores, so the scores of ``gradients`` and ``features`` are zeros. No method of PAIR reads them.

    Args:
        function: see ``CallModelFunction``.
        function_args: passed to the function as ``call_model_args``.
        dtype: floating dtype of the batches that the function receives.
        ndim: number of axes of an input. With three, the last one is that of the channels.
    """

    xp = np
    independent_samples, even_batches = True, False

    def __init__(self, function: CallModelFunction, function_args: Any, dtype: Any, ndim: int) -> None:
        if not callable(function):
            raise InputError(f"`call_model_function` ({type(function).__name__}) must be callable")
        self.function, self.function_args, self.dtype = function, function_args, np.dtype(dtype)
        self.channel_axis = -1 if ndim >= 3 else None

    def asarray(self, value: Any, name: str = "x_value") -> HostArray:
        """Return numbers in the dtype of the function's batches."""
        return host_numbers(value, name, None, float(np.finfo(self.dtype).max)).astype(self.dtype)

    def asfeed(self, value: Any, name: str) -> Any:  # noqa: ARG002 - see AdapterContract
        """Return the value as it is."""
        return value

    def numpy(self, array: Array) -> HostArray:
        """Return the array."""
        return np.asarray(array)

    def normal(self, shape: tuple[int, ...], seeds: Sequence[int]) -> NoReturn:
        """Refuse: ``CoreSaliency.GetSmoothedMask`` draws the noise."""
        raise ModelError(f"no noise {shape} is drawn for a function with keys ({len(seeds)} seeds)")

    def outputs(self, x: Array, request: Request) -> HostArray:  # noqa: ARG002 - the function selects the output
        """Return one number for each input, (N,)."""
        values = self._call(x, OUTPUT_LAYER_VALUES)[0]
        if values.size != len(x):
            raise InputError(
                f"`{OUTPUT_LAYER_VALUES}` (shape {values.shape}) must hold one number for each of the {len(x)} inputs: select "
                "the class in `call_model_function`"
            )
        return values.reshape(len(x))

    def scores(self, x: Array, request: Request) -> HostArray:
        """Return the outputs."""
        return self.outputs(x, request)

    def gradients(self, x: Array, request: Request) -> tuple[HostArray, HostArray]:  # noqa: ARG002
        """Return zeros (N,), and the gradients (N, *input)."""
        return np.zeros(len(x)), self._call(x, INPUT_OUTPUT_GRADIENTS)[0]

    def features(self, x: Array, request: Request) -> tuple[HostArray, HostArray, HostArray]:  # noqa: ARG002
        """Return zeros (N,), and the layer's values and gradients (N, channels, *space), from (N, *space, channels)."""
        values, gradients = self._call(x, CONVOLUTION_LAYER_VALUES, CONVOLUTION_OUTPUT_GRADIENTS)
        if values.shape != gradients.shape or values.ndim < 3:
            raise InputError(
                f"`{CONVOLUTION_LAYER_VALUES}` (shape {values.shape}) and `{CONVOLUTION_OUTPUT_GRADIENTS}` (shape "
                f"{gradients.shape}) must have one shape, (N, *space, channels)"
            )
        return np.zeros(len(x)), np.moveaxis(values, -1, 1), np.moveaxis(gradients, -1, 1)

    def _call(self, x: Array, *keys: str) -> list[HostArray]:
        """Call the function with a copy of the inputs, and return copies of its arrays, float32 or wider."""
        output = self.function(x.astype(self.dtype), call_model_args=self.function_args, expected_keys=[*keys])
        found = checked_output(output, x.shape, keys)
        return [host_numbers(found[key], key, None).astype(np.result_type(found[key].dtype, np.float32)) for key in keys]


def checked_output(output: Any, input_shape: Sequence[int], expected_keys: Sequence[str]) -> dict[str, HostArray]:
    """Return arrays of what a function returned, by key; see ``CoreSaliency.format_and_check_call_model_output``."""
    arrays: dict[str, HostArray] = {}
    for key in expected_keys:
        if not isinstance(output, Mapping) or key not in output:
            kind = f"keys {', '.join(map(repr, output)) or 'none'}" if isinstance(output, Mapping) else type(output).__name__
            raise InputError(f"`call_model_function` must return a mapping with the key {key!r}; it returned {kind}")
        try:
            arrays[key] = np.asarray(output[key])
        except Exception as error:  # a Torch tensor that requires grad, or is on a device
            raise InputError(f"`{key}` ({type(output[key]).__name__}) must be an array: {one_line(error)}") from error
        expected, actual = tuple(input_shape), arrays[key].shape
        if key != INPUT_OUTPUT_GRADIENTS:
            expected, actual = expected[:1], actual[:1]
        if expected != actual:
            full = key == INPUT_OUTPUT_GRADIENTS
            shown = [shape if full or not shape else shape[0] for shape in (expected, actual)]
            raise InputError(SHAPE_ERROR_MESSAGE[key].format(*shown))
    return arrays
