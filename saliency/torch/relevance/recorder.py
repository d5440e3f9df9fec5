"""Record the operators of a forward pass by the autograd nodes that they create."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch.autograd.graph import Node
from torch.utils._python_dispatch import TorchDispatchMode

from saliency.torch.relevance.node_kinds import IN_PLACE_RELUS, RECORDED, TWO_TERMS


@dataclass(eq=False)
class OperatorRecord:
    """An operator's call: its arguments and its first result, with the values that they had after the call.

    Args:
        name: the operator, without its overload and the underscore of an in-place operator.
        args: its arguments.
        kwargs: its arguments by name.
        result: its first result.
    """

    name: str
    args: list[Any]
    kwargs: dict[str, Any]
    result: torch.Tensor
    uses: int = field(default=0)


class OperatorRecorder(TorchDispatchMode):  # type: ignore[no-untyped-call] # Torch leaves its hooks untyped
    """Record the operators whose values a rule of relevance needs.

    Operators are recorded below autograd, so it makes no difference whether modules, functions or a script call them. A tensor
    that is overwritten later is copied first, except by a ReLU that is its only use: where the ReLU changes it, it has no
    relevance.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._records: dict[Node, OperatorRecord] = {}
        self._pending: list[
            tuple[torch.Tensor, OperatorRecord | str]
        ] = []  # until autograd has set the nodes of their results
        self._held: dict[int, list[OperatorRecord]] = {}  # by the storage of an argument or a result
        self.on_views: dict[Node, set[str]] = {}  # operators that overwrote a view, by the node of the view's base

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # as in LogitRecorder

    @property
    def records(self) -> dict[Node, OperatorRecord]:
        """The records by the autograd node of their results."""
        self._resolve()
        return self._records

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self._resolve()
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        overwrites = _overwrites_first(func) and bool(args) and isinstance(args[0], torch.Tensor)
        kept = list(args)
        if overwrites:
            self._copy_held(args[0], name)
            if name.rstrip("_") in RECORDED - TWO_TERMS:
                kept[0] = args[0].clone()
        for tensor in tensors_in(args):
            for record in self._held.get(_storage(tensor), ()):
                record.uses += tensor is record.result
        result = func(*args, **kwargs)
        base = args[0]._base if overwrites else None
        if base is not None:
            self._pending.append((base, name))
        name = name.rstrip("_") if overwrites else name
        first = result[0] if isinstance(result, tuple | list) and result else result
        if name in TWO_TERMS:
            kept = [one if _is_small(one, first) else None for one in kept]
        if name in RECORDED and isinstance(first, torch.Tensor):
            self._hold(OperatorRecord(name, kept, kwargs, first))
        return result

    def _hold(self, record: OperatorRecord) -> None:
        self._pending.append((record.result, record))
        for tensor in tensors_in([*record.args, record.result]):
            self._held.setdefault(_storage(tensor), []).append(record)

    def _resolve(self) -> None:
        """Store the pending records by their nodes, before an operator in place replaces these."""
        for tensor, record in self._pending:
            if tensor.grad_fn is None or _is_custom(tensor.grad_fn):
                continue  # the node of a custom function does more than the last of its operators
            if isinstance(record, str):
                self.on_views.setdefault(tensor.grad_fn, set()).add(record)
            else:
                self._records[tensor.grad_fn] = record
        self._pending = []

    def _copy_held(self, tensor: torch.Tensor, name: str) -> None:
        """Replace what records hold of a tensor that an operator is about to overwrite by copies."""
        for record in self._held.pop(_storage(tensor), ()):
            record.args = [_copied(value, tensor) for value in record.args]
            if name in IN_PLACE_RELUS and record.result is tensor and record.uses == 0:
                continue
            record.result = _copied(record.result, tensor)


def tensors_in(values: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors among arguments and in their lists."""
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors_in(value)


def _is_custom(node: Node) -> bool:
    """Return whether a node is that of a function with a backward pass of its own, in Python or in C++."""
    return isinstance(node, torch.autograd.function.BackwardCFunction) or "CppNode" in node.name()


def _is_small(value: Any, result: torch.Tensor) -> bool:
    """Return whether a term of a sum has at most one number for each channel, so that recording it takes no memory."""
    return not isinstance(value, torch.Tensor) or value.numel() <= max(result.shape, default=1)


def _copied(value: Any, overwritten: torch.Tensor) -> Any:
    shares = isinstance(value, torch.Tensor) and _storage(value) == _storage(overwritten)
    return value.detach().clone() if shares else value


def _storage(tensor: torch.Tensor) -> int:
    address: int = tensor.untyped_storage()._cdata
    return address


@cache
def _overwrites_first(func: Any) -> bool:
    arguments = func._schema.arguments
    return bool(arguments) and arguments[0].alias_info is not None and arguments[0].alias_info.is_write
