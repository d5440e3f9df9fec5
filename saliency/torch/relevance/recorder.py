"""Record the operators of a forward pass by the autograd nodes that they create."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

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
        self._by_result: dict[int, OperatorRecord] = {}  # by the id of the result, which lives as long as the record
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
        kwargs, operator = kwargs or {}, _operator_of(func)
        kept: Sequence[Any] = args
        overwrites = operator.overwrites and bool(args) and isinstance(args[0], torch.Tensor)
        if overwrites:
            self._copy_held(args[0], operator.own_name)
            if operator.name in RECORDED - TWO_TERMS:
                kept = [args[0].clone(), *args[1:]]
        for tensor in tensors_in(args):
            record = self._by_result.get(id(tensor))
            if record is not None:
                record.uses += 1
        result = func(*args, **kwargs)
        base = args[0]._base if overwrites else None
        if base is not None:
            self._pending.append((base, operator.own_name))
        if operator.name in RECORDED:
            first = result[0] if isinstance(result, tuple | list) and result else result
            if isinstance(first, torch.Tensor):
                kept = [one if _is_small(one, first) else None for one in kept] if operator.name in TWO_TERMS else list(kept)
                self._hold(OperatorRecord(operator.name, kept, kwargs, first))
        return result

    def _hold(self, record: OperatorRecord) -> None:
        self._pending.append((record.result, record))
        self._by_result[id(record.result)] = record
        for tensor in tensors_in([*record.args, record.result]):
            self._held.setdefault(_storage(tensor), []).append(record)

    def _resolve(self) -> None:
        """Store the pending records by their nodes, before an operator in place replaces these."""
        if not self._pending:
            return
        for tensor, record in self._pending:
            node = tensor.grad_fn
            if node is None or _is_custom(node):
                continue  # the node of a custom function does more than the last of its operators
            if isinstance(record, str):
                self.on_views.setdefault(node, set()).add(record)
            else:
                self._records[node] = record
        self._pending = []

    def _copy_held(self, tensor: torch.Tensor, name: str) -> None:
        """Replace what records hold of a tensor that an operator is about to overwrite by copies."""
        for record in self._held.pop(_storage(tensor), ()):
            record.args = [_copied(value, tensor) for value in record.args]
            if _storage(record.result) == _storage(tensor):
                self._by_result.pop(id(record.result), None)  # what is overwritten is used no more
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
    return not isinstance(value, torch.Tensor) or without_repetitions(value).numel() <= max(result.shape, default=1)


def without_repetitions(values: torch.Tensor) -> torch.Tensor:
    """Return values once along the axes along which a tensor was expanded, so that this does not depend on their lengths."""
    if values.layout is not torch.strided or 0 not in values.stride():
        return values
    return values[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in values.stride())]


def _copied(value: Any, overwritten: torch.Tensor) -> Any:
    shares = isinstance(value, torch.Tensor) and _storage(value) == _storage(overwritten)
    return value.detach().clone() if shares else value


def _storage(tensor: torch.Tensor) -> int:
    address: int = tensor.untyped_storage()._cdata
    return address


class _Operator(NamedTuple):
    """An operator: its name, also without the underscore of an in-place one, and whether it overwrites its first argument."""

    own_name: str
    name: str
    overwrites: bool


@cache
def _operator_of(func: Any) -> _Operator:
    name, arguments = func.overloadpacket.__name__, func._schema.arguments
    overwrites = bool(arguments) and arguments[0].alias_info is not None and arguments[0].alias_info.is_write
    return _Operator(name, name.rstrip("_") if overwrites else name, overwrites)
