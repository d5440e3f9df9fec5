"""The adapter of a Python function, for methods that need no gradient."""

import inspect
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, NoReturn, final

import numpy as np
import numpy.typing as npt

from saliency.core.adapter import GradientAdapter
from saliency.core.adapter_request import Request
from saliency.core.argument_binding import ArgumentBinding, parameters_of
from saliency.core.errors import InputError, MemoryShortage, ModelError, TargetError, one_line
from saliency.core.function_gradients import call_vjp, check_request, checked_vjp, pull_back
from saliency.core.function_outputs import check_numbers, copy_outputs
from saliency.core.joined_inputs import InputLayout
from saliency.core.layer_axes import LayerAxes
from saliency.core.numerics.smallest_first import fill_smallest_first_on_host
from saliency.core.output_axes import output_order
from saliency.core.output_selection import OutputSelector
from saliency.core.shape_hints import looks_channels_last
from saliency.core.target import Target
from saliency.core.types import Array
from saliency.core.validation import channel_axis_option, host_numbers, shown


@final
class FunctionAdapter(GradientAdapter):
    """Adapt a function of a batch, such as a scikit-learn ``predict_proba``, an ONNX session or a web service.

    Without ``vjp``, only Occlusion and RISE support it.

    Args:
        function: receives a NumPy array (N, *input), and the model's other inputs by name; returns outputs (N, ...). The
            arrays are copies that the function may overwrite.
        channel_axis: axis of the channels of one input without its batch axis: 0 for (C, H, W), -1 for (H, W, C), None if it
            has no channels. ``"auto"`` uses the last axis if the inputs look like images (H, W, C), none if they have two axes
            (with a warning where it matters), otherwise the first.
        dtype: floating dtype of the arrays that the function receives. Masks are computed in float32 or wider.
        output: name, index or path of the output to explain, if the function returns several; see ``saliency.wrap``.
        input: the explained input, by the name or position of an argument, or by its key if the function accepts one
            dictionary; None means the first argument.
        vjp: the vector-Jacobian product of the function, ``(x, cotangent) -> gradient``: the gradient (N, *input) of
            ``sum(cotangent * function(x))``, where the cotangent has the shape of the function's output.
        features: the same for a spatial layer, ``(x, cotangent) -> (output, gradient)``: the layer's output, with its channels
            where those of x are, and the gradient with respect to it. Class activation maps use it.

    Raises:
        InputError: if the function is not callable, or ``channel_axis``, ``dtype`` or ``output`` is invalid.
    """

    xp = np

    def __init__(
        self,
        function: Callable[..., Any],
        channel_axis: Any = "auto",
        dtype: Any = "float32",
        output: Any = None,
        input: str | int | InputLayout | None = None,
        vjp: Callable[..., Any] | None = None,
        features: Callable[..., Any] | None = None,
    ) -> None:
        if not callable(function):
            raise InputError(f"`function` ({type(function).__name__}) must be callable: a function of a batch (N, *input)")
        self.vjp, self.layer_vjp = checked_vjp("vjp", vjp), checked_vjp("features", features)
        self._auto = isinstance(channel_axis, str) and channel_axis == "auto"
        channel_axis = channel_axis_option(0 if self._auto else channel_axis)
        self.function, self.channel_axis, self.dtype = function, channel_axis, _floating_dtype(dtype)
        self._selector, self.joined = OutputSelector(output), input if isinstance(input, InputLayout) else None
        explained = input.names if isinstance(input, InputLayout) else input
        self._binding = ArgumentBinding(parameters_of(function), explained, "the function")

    @property
    def cache_owner(self) -> tuple[Any, Hashable]:
        return self.function, (self.dtype.name, self._selector.choice, self._binding.input, self.joined)

    @property
    def input_parameters(self) -> Mapping[str, inspect.Parameter]:
        return parameters_of(self.function)

    @property
    def rounding_error(self) -> float:
        return 2.0**-14  # a function may compute in half precision, or round its outputs to a few digits

    def asarray(self, value: Any, name: str = "x_value") -> npt.NDArray[Any]:
        axis = 0 if self._auto and self.channel_axis is None else self.channel_axis
        dtype = np.result_type(self.dtype, np.float32)
        return host_numbers(value, name, axis, float(np.finfo(dtype).max)).astype(dtype)

    def read_channel_axis(self, shape: Sequence[int]) -> None:
        if self._auto:
            self.channel_axis_is_assumed = len(shape) == 2
            self.channel_axis = None if len(shape) == 2 else -1 if looks_channels_last(shape) else 0

    def asfeed(self, value: Any, name: str) -> Any:
        return np.asarray(value) if hasattr(value, "shape") else value

    def numpy(self, array: Array) -> npt.NDArray[Any]:
        return np.asarray(array)

    def normal(self, shape: tuple[int, ...], seeds: Sequence[int]) -> npt.NDArray[Any]:
        draws = [np.random.default_rng(seed).standard_normal(shape) for seed in seeds]
        return np.stack(draws).astype(np.result_type(self.dtype, np.float32))

    def fill_smallest_first(self, costs: Array, room: Array, amount: Array, group: int) -> npt.NDArray[Any]:
        return fill_smallest_first_on_host(costs, room, amount, group)

    def outputs(self, x: Array, request: Request) -> Any:
        target = request.target
        if target.layer is not None:
            raise TargetError(f"`y` names the layer {shown(target.layer)}, but a function has no layers: {_REMEDY}")
        outputs = self._call(x.astype(self.dtype), request.feed)
        outputs = self._selector.select(outputs, len(x), target.function is None)
        if target.function is None:
            check_numbers(outputs)
            outputs = outputs.transpose(self._order(target, outputs.shape))
            if len(target.units) and not np.isfinite(target.scores(outputs, len(x), self)).all():
                raise ModelError("the function returned NaN or infinite values for the explained class; they must be finite")
        return outputs

    def selected_output(self, request: Request) -> str | None:
        return self._selector.selected_for(request.target)

    def _call(self, x: npt.NDArray[Any], feed: Mapping[str, Any]) -> Any:
        """Call the function with copies, and copy what it returns: it may overwrite its arguments and reuse its memory."""
        copies = {name: np.array(value) if isinstance(value, np.ndarray) else value for name, value in feed.items()}
        what = f"the function failed for `x_value`, {x.dtype} of shape {x.shape[1:]}, {len(x)} at a time"
        try:
            if self.joined is not None:
                parts = {name: part.copy() for name, part in self.joined.split(np, x).items()}
                x, copies = parts.pop(self.joined.names[0]), {**parts, **copies}
            args, arguments = self._binding.bind(x, copies)
            return copy_outputs(self.function(*args, **arguments))
        except MemoryError as error:
            raise MemoryShortage(f"{what}: out of memory") from error
        except Exception as error:
            raise InputError(f"{what}: {one_line(error)}{self._binding.hint(copies)}") from error

    def gradients(self, x: Array, request: Request) -> tuple[Array, Array]:
        if self.vjp is None:
            self._refuse("the gradient of its input")
        scores, (gradients,) = self._pull_back(self.vjp, "vjp", x, request, 1)
        return scores, gradients

    def features(self, x: Array, request: Request) -> tuple[Array, Array, Array]:
        if self.layer_vjp is None:
            self._refuse("a layer's output and its gradient")
        scores, (output, gradients) = self._pull_back(self.layer_vjp, "features", x, request, 2)
        output = output[:: len(output) // len(x)]
        if self.channel_axis == -1:
            output, gradients = np.moveaxis(output, -1, 1), np.moveaxis(gradients, -1, 1)
        return scores, output, gradients

    def _pull_back(
        self, function: Callable[..., Any], name: str, x: Array, request: Request, count: int
    ) -> tuple[Array, tuple[Array, ...]]:
        """Return the scores (N * T,), and what the user's vector-Jacobian product returns for each, in the masks' type."""
        check_request(request)
        if self.joined is not None:
            raise ModelError("`model` is a function with `vjp`, which explains one input; choose it with `input`")
        outputs = np.asarray(self.outputs(x, request))
        scores = self.asarray(request.target.scores(outputs, len(x), self))
        call = partial(call_vjp, function, name, x.astype(self.dtype), request.feed, count)
        back = np.argsort(self._order(request.target, outputs.shape))

        def pull(cotangent: Array) -> tuple[Array, ...]:
            return call(cotangent.transpose(back))

        return scores, tuple(one.astype(x.dtype) for one in pull_back(pull, outputs, request.target))

    def _order(self, target: Target, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the order of an output's axes as (N, channels, *space): axis 1 has the channels if inputs are (C, ...)."""
        usual = LayerAxes(0, 1) if self.channel_axis == 0 else None
        return output_order(target, shape, lambda: usual) or tuple(range(len(shape)))

    def _refuse(self, what: str) -> NoReturn:
        name = getattr(self.function, "__qualname__", type(self.function).__name__)
        raise ModelError(f"`model` is the function {name}, which does not provide {what}: {_REMEDY}, or use Occlusion or RISE")


_REMEDY = (
    "pass the underlying model, a torch.nn.Module or a Keras model, jax.jit(f) if it is written in JAX, or its gradient as "
    "`vjp` (see saliency.wrap)"
)


def _floating_dtype(dtype: Any) -> np.dtype[Any]:
    try:
        parsed: np.dtype[Any] = np.dtype(dtype)
    except Exception:  # a TypeError; for a tensor, whatever NumPy makes of its dtype
        parsed = np.dtype(object)
    if parsed.kind != "f":
        raise InputError(f"`dtype` (={shown(dtype)}) must be a floating dtype of NumPy")
    return parsed
