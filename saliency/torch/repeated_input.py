"""Differentiate several targets of one input by one backward pass, with a forward pass of this input only.

The model runs on a batch that repeats the input. The rows of this batch share their memory, and each operator computes one of
them. Only the backward pass computes all rows.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

FIRST_ARGUMENT = {
    "_adaptive_avg_pool2d", "_native_batch_norm_legit_no_training", "avg_pool2d", "clone", "convolution", "elu", "gelu",
    "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "max_pool2d_with_indices", "mean", "mish", "native_batch_norm",
    "native_layer_norm", "relu", "sigmoid", "silu", "softplus", "tanh",
}  # fmt: skip
"""Operators of which only the first argument has rows, and that compute each row alone."""

ELEMENTWISE = {"add", "cat", "div", "mul", "sub"}
"""The same for operators with several such arguments."""

VIEWS = {"_unsafe_view", "alias", "detach", "permute", "transpose", "view"}


class RowsDifferError(RuntimeError):
    """Raised by an operator that is not known to compute each row of a batch alone."""


class RepeatedForward(TorchDispatchMode):  # type: ignore[no-untyped-call] # Torch leaves its hooks untyped
    """Run operators on one row of tensors whose rows share their memory, and repeat the result.

    Args:
        rows: number of rows.

    Raises:
        RowsDifferError: in the ``with`` block, if an operator is not known to compute each row alone.
    """

    def __init__(self, rows: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._rows = rows

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # True would import Torch's compiler, which takes seconds

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        options = kwargs or {}
        if not any(map(self._is_repeated, _flat([*args, *options.values()]))):
            return func(*args, **options)
        name: str = func.overloadpacket.__name__
        if any(map(self._is_repeated, _flat(options.values()))):
            raise RowsDifferError(name)
        if name in VIEWS:
            result = func(*args, **options)
            if not self._is_repeated(result) or not _keeps_first_axis(name, args):
                raise RowsDifferError(name)
            return result
        self._check(name, args)
        result = func(*_replace(args, self._one_row), **options)
        return args[0] if name.endswith("_") else _replace(result, self._repeat)

    def _check(self, name: str, args: Sequence[Any]) -> None:
        """Check that an operator computes each row alone, for these arguments."""
        functional, flat = name.removesuffix("_"), list(_flat(args))
        if functional == "addmm":
            is_known = not self._is_repeated(args[0]) and self._is_repeated(args[1]) and not self._is_repeated(args[2])
        elif functional in ELEMENTWISE:
            axes = max(one.ndim for one in flat)
            is_known = all(self._is_repeated(one) or one.ndim < axes or one.shape[0] == 1 for one in flat)
            if functional == "cat":
                is_known = all(map(self._is_repeated, flat)) and len(args) > 1 and args[1] % axes != 0
        else:
            is_known = functional in FIRST_ARGUMENT and not any(map(self._is_repeated, flat[1:])) and _reads_rows(name, args)
        if not is_known or (name.endswith("_") and not self._is_repeated(args[0])):
            raise RowsDifferError(name)

    def _is_repeated(self, value: Any) -> bool:
        return isinstance(value, torch.Tensor) and value.ndim > 0 and value.shape[0] == self._rows and value.stride(0) == 0

    def _one_row(self, value: torch.Tensor) -> torch.Tensor:
        return value[:1] if self._is_repeated(value) else value

    def _repeat(self, value: torch.Tensor) -> torch.Tensor:
        return value.expand(self._rows, *value.shape[1:]) if value.ndim and value.shape[0] == 1 else value


class RepeatedBackward(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Keep a backward pass from copying saved inputs whose rows share their memory, if it does not use their values."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func.overloadpacket.__name__
        if name in ("convolution_backward", "native_batch_norm_backward") and list(args[-1]) == [True, False, False]:
            gradient, x, *others = args
            is_training = name == "native_batch_norm_backward" and args[7]
            if x.stride(0) == 0 and not is_training:
                args = (gradient, _stand_in(gradient, x), *others)
        return func(*args, **(kwargs or {}))


def _stand_in(gradient: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Return a tensor of the shape of ``x`` without values of its own, in the memory format of a gradient."""
    if gradient.shape == x.shape:
        return gradient
    is_last = x.ndim == 4 and gradient.is_contiguous(memory_format=torch.channels_last)
    return torch.empty(
        x.shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last if is_last else torch.contiguous_format
    )


def _keeps_first_axis(name: str, args: Sequence[Any]) -> bool:
    """Return whether a view keeps the rows on the first axis."""
    axes = args[0].ndim
    if name == "permute":
        return bool(args[1][0] % axes == 0)
    return name != "transpose" or 0 not in (args[1] % axes, args[2] % axes)


def _reads_rows(name: str, args: Sequence[Any]) -> bool:
    """Return whether an operator does not reduce the first axis of its first argument."""
    axes = args[0].ndim
    if name == "mean":
        return len(args) > 1 and bool(args[1]) and all(axis % axes != 0 for axis in args[1])
    if name == "native_batch_norm":
        return not args[5]
    return name != "native_layer_norm" or len(args[1]) < axes


def _flat(args: Any) -> Any:
    return (one for arg in args for one in (arg if isinstance(arg, list | tuple) else (arg,)) if isinstance(one, torch.Tensor))


def _replace(values: Any, convert: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """Return a value or a sequence of values, also nested, with all tensors converted."""
    if isinstance(values, list | tuple):
        return type(values)(_replace(one, convert) for one in values)
    return convert(values) if isinstance(values, torch.Tensor) else values
