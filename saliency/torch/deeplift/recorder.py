"""Record the operators of a forward pass, in order, with the autograd node that each creates."""

from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from saliency.torch.deeplift.operations import RECORDED, operator_kind


@dataclass(frozen=True, eq=False)
class Operation:
    """One call of an operator.

    Args:
        kind: what it computes, in the names of ``operations``.
        func: the operator.
        args, kwargs: its arguments, with the values that they had at the call.
        result: its first result.
        others: its other results.
    """

    kind: str
    func: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: torch.Tensor
    others: tuple[Any, ...] = ()

    def call(self, args: tuple[Any, ...]) -> torch.Tensor:
        """Return the operator's first result for other arguments."""
        result = self.func(*args, **self.kwargs)
        first: torch.Tensor = result[0] if isinstance(result, tuple | list) else result
        return first


class OperationRecorder(TorchDispatchMode):  # type: ignore[no-untyped-call] # Torch leaves its hooks untyped
    """Record the operators that have a rule, below autograd: modules, functions and attention kernels alike.

    Autograd numbers its nodes in the order of their operators, so the number of the newest node tells whose node it is.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: list[Operation] = []
        self.by_node: dict[int, int] = {}  # number of a node -> place in ``operations``
        self._newest_clone = -1  # number of the newest node of a clone
        self._held: dict[int, list[int]] = {}  # storage -> places of the operations that hold it

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # otherwise the first use imports Torch's compiler

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs, kind, newest = kwargs or {}, operator_kind(func), torch._C._autograd._get_sequence_nr() - 1
        written = [args[0]] if args and isinstance(args[0], torch.Tensor) and _writes_first(func) else []
        for tensor in written:
            self._keep_values(tensor)
        kept = tuple(one.clone() if any(one is other for other in written) else one for one in args)
        result = func(*args, **kwargs)
        self._newest_clone = newest if kind == "clone" else self._newest_clone
        first = result[0] if isinstance(result, tuple | list) and result else result
        if kind in RECORDED and isinstance(first, torch.Tensor) and first.is_floating_point():
            others = tuple(result[1:]) if first is not result else ()
            operation = Operation(kind, _out_of_place(func), kept, kwargs, first, others)
            if (
                written and newest == self._newest_clone
            ):  # autograd made the node first, and then a copy of what is overwritten
                self.by_node.setdefault(newest - 1, len(self.operations))
            else:
                self.by_node[newest] = len(self.operations)
            for tensor in tensors_of(operation):
                self._held.setdefault(tensor.untyped_storage()._cdata, []).append(len(self.operations))
            self.operations.append(operation)
        return result

    def _keep_values(self, tensor: torch.Tensor) -> None:
        """Copy what the operations hold of a tensor that an operator is about to overwrite."""
        storage = tensor.untyped_storage()._cdata

        def copied(value: Any) -> Any:
            shares = isinstance(value, torch.Tensor) and value.untyped_storage()._cdata == storage
            return value.detach().clone() if shares else value

        for place in self._held.pop(storage, ()):
            old = self.operations[place]
            args, others = tuple(map(copied, old.args)), tuple(map(copied, old.others))
            self.operations[place] = Operation(old.kind, old.func, args, old.kwargs, copied(old.result), others)


def tensors_of(operation: Operation) -> list[torch.Tensor]:
    """Return the tensors that an operation holds."""
    return [value for value in (*operation.args, operation.result) if isinstance(value, torch.Tensor)]


def _writes_first(func: Any) -> bool:
    arguments = func._schema.arguments
    return bool(arguments) and arguments[0].alias_info is not None and bool(arguments[0].alias_info.is_write)


def _out_of_place(func: Any) -> Any:
    """Return the operator that computes the same numbers without overwriting its input."""
    name = func.overloadpacket.__name__
    if not _writes_first(func):
        return func
    return getattr(getattr(torch.ops.aten, name.rstrip("_")), func._overloadname)
