"""A plain Python function as a model: for the methods that need no gradient."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, final

import numpy as np
import numpy.typing as npt

from saliency.core.adapter import Array, GradientAdapter, Rule
from saliency.core.errors import InputError, ModelError, TargetError
from saliency.core.numbers import host_numbers
from saliency.core.target import Target


@final
class FunctionAdapter(GradientAdapter):
    """A function from a batch to its outputs: a scikit-learn ``predict_proba``, an ONNX session, a web service.

    Args:
        function: takes a NumPy array (N, *input), and the other inputs by name; returns outputs (N, ...).
        channel_axis: of one input without its batch axis; None if it has none.
        dtype: of the arrays that the function gets, a floating type.

    Raises:
        InputError: if the function can't be called, or the type is none of floats.
    """

    xp = np

    def __init__(self, function: Callable[..., Any], channel_axis: int | None = 0, dtype: Any = "float32") -> None:
        if not callable(function):
            raise InputError(f"`function` ({type(function).__name__}) must be a function of a batch")
        self.function, self.channel_axis, self.dtype = function, channel_axis, np.dtype(dtype)
        if self.dtype.kind != "f":
            raise InputError(f"`dtype` (={dtype!r}) must be a floating type")

    def asarray(self, value: Any, name: str = "x_value") -> npt.NDArray[Any]:
        return host_numbers(value, name, self.channel_axis or 0).astype(self.dtype)

    def asfeed(self, value: Any, name: str) -> Any:
        return np.asarray(value) if hasattr(value, "shape") or isinstance(value, list | tuple) else value

    def numpy(self, array: Array) -> npt.NDArray[Any]:
        return np.asarray(array)

    def normal(self, shape: tuple[int, ...], seeds: Sequence[int]) -> npt.NDArray[Any]:
        draws = [np.random.default_rng(seed).standard_normal(shape) for seed in seeds]
        return np.stack(draws).astype(self.dtype)

    def outputs(self, x: Array, target: Target, feed: Mapping[str, Any]) -> npt.NDArray[Any]:
        if target.layer is not None:
            raise TargetError(f"`y` names the layer {target.layer!r}, and a function has none: {_REMEDY}")
        try:
            return np.asarray(self.function(np.array(x), **feed))  # a copy: the function may work in place
        except MemoryError:
            raise
        except Exception as error:
            first = (str(error).strip().splitlines() or [""])[0]
            raise InputError(
                f"the function failed for `x_value` of shape {x.shape[1:]} ({x.dtype}), {len(x)} at a time: "
                f"{type(error).__name__}: {first}"
            ) from error

    def gradients(
        self, x: Array, target: Target, feed: Mapping[str, Any], rule: Rule | None = None, allow_no_relu: bool = False
    ) -> tuple[Array, Array]:
        self._refuse("the gradient of its input")

    def features(self, x: Array, target: Target, feed: Mapping[str, Any], layer: Any = None) -> tuple[Array, Array, Array]:
        self._refuse("a layer's output and its gradient")

    def _refuse(self, what: str) -> NoReturn:
        name = getattr(self.function, "__qualname__", type(self.function).__name__)
        raise ModelError(f"`model` is the function {name}, which does not give {what}: {_REMEDY}, or use Occlusion or RISE")


_REMEDY = "pass the torch.nn.Module behind it (saliency.torch.TorchAdapter serves it)"
