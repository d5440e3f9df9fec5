"""A tensor of tokens whose values are computed once they are needed, for the tokens that are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import ref

import torch

from saliency.torch.class_token.token_axis import TokenAxis

METADATA = {"dim", "is_complex", "is_floating_point", "numel", "size"}
METADATA_ATTRIBUTES = {
    getattr(torch.Tensor, name).__get__ for name in ("shape", "ndim", "dtype", "device", "layout", "is_cuda")
}


class DeferralError(RuntimeError):
    """Raised if a model does something that needs the values of a plain pass; the caller then runs one."""


@dataclass
class Deferral:
    """What the deferred tensors of a pass have in common.

    Args:
        grad: whether the model records a graph where it calls the attention.
        apply: runs a function that receives deferred tensors, for its name and arguments.
        tensors: the deferred tensors.
        has_selected: whether some tokens were evaluated without the others.
    """

    grad: bool
    apply: Callable[[Any, str, Sequence[Any], dict[str, Any]], Any]
    tensors: list[ref[torch.Tensor]] = field(default_factory=list)
    has_selected: bool = False

    def check_modes(self) -> None:
        """Check that operators compute the same now and later.

        Raises:
            DeferralError: if the model has changed the grad mode, or casts types automatically.
        """
        if torch.is_grad_enabled() != self.grad or torch.is_inference_mode_enabled() or torch.is_autocast_enabled("cpu"):
            raise DeferralError("the model changed a mode")


@dataclass
class Deferred:
    """A call of an operator that treats each token alone.

    Args:
        func: the operator.
        args, kwargs: its arguments.
        operands: the places of the arguments that have tokens -> where; other arguments are the same for all tokens.
        shape: of the result.
        where: the tokens of the result.
        deferral: of the pass.
    """

    func: Callable[..., torch.Tensor]
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    operands: Mapping[int, TokenAxis]
    shape: tuple[int, ...]
    where: TokenAxis
    deferral: Deferral
    value: torch.Tensor | None = None
    versions: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.deferral.check_modes()
        self.versions = self._versions()

    def evaluate(self) -> torch.Tensor:
        """Return the values of all tokens; they are kept."""
        if self.value is None:
            self._check()
            arguments = [evaluated(arg) for arg in self.args]
            self.value = self.func(*arguments, **self.kwargs)
            self.args, self.versions = (), []  # and their memory
        return self.value

    def evaluate_some(self, tokens: slice) -> torch.Tensor:
        """Return the values of some tokens."""
        if self.value is not None:
            return self.where.narrow(self.value, tokens)
        self._check()
        arguments = list(self.args)
        for place, where in self.operands.items():
            arg = arguments[place]
            some = arg.deferred.evaluate_some(tokens) if isinstance(arg, DeferredTensor) else where.narrow(arg, tokens)
            arguments[place] = some
        return self.func(*map(evaluated, arguments), **self.kwargs)

    def _versions(self) -> list[int]:
        tensors = (one for one in (*self.args, *self.kwargs.values()) if isinstance(one, torch.Tensor))
        return [one._version for one in tensors if not isinstance(one, DeferredTensor)]

    def _check(self) -> None:
        """Check that nothing has changed since the call.

        Raises:
            DeferralError: if an argument or a mode has.
        """
        self.deferral.check_modes()
        if self._versions() != self.versions:
            raise DeferralError("the model changed a tensor in place")


class DeferredTensor(torch.Tensor):
    """A tensor whose values are not computed yet; its ``Deferral`` runs the functions that receive it.

    Args:
        deferred: how to compute it.
        like: a tensor of its type and device.
    """

    deferred: Deferred

    @staticmethod
    def __new__(cls: type[DeferredTensor], deferred: Deferred, like: torch.Tensor) -> DeferredTensor:
        tensor = torch.Tensor._make_wrapper_subclass(cls, deferred.shape, dtype=like.dtype, device=like.device)
        tensor.deferred = deferred
        deferred.deferral.tensors.append(ref(tensor))
        return tensor

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in METADATA or func in METADATA_ATTRIBUTES:
            with torch._C.DisableTorchFunctionSubclass():
                return func(*args, **(kwargs or {}))
        first = next(_deferred_in([*args, *(kwargs or {}).values()]))
        return first.deferred.deferral.apply(func, name, args, kwargs or {})

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        raise DeferralError(f"{func} received tokens that are not computed yet")


def _deferred_in(values: Any) -> Iterator[DeferredTensor]:
    """Yield the deferred tensors among values, also in lists and tuples."""
    for value in values:
        if isinstance(value, DeferredTensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _deferred_in(value)


def evaluated(value: Any) -> Any:
    """Return the values of a deferred tensor, also in lists and mappings; any other value unchanged."""
    if isinstance(value, DeferredTensor):
        return value.deferred.evaluate()
    if type(value) in (list, tuple):
        return type(value)(map(evaluated, value))
    if type(value) is dict:
        return {key: evaluated(one) for key, one in value.items()}
    return value
