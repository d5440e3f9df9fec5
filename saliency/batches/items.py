"""Read the inputs of a run, one after the other, from a list, an array, a generator or a framework's loader."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from saliency.core.errors import InputError
from saliency.core.validation import shown

PAIRED = "paired"
"""The value of ``targets`` for items that are pairs (input, target)."""


@dataclass(frozen=True)
class Item:
    """An input with its target.

    Args:
        index: its number, from 0.
        value: the input; None if it could not be read.
        target: its target; None for the target of the mask.
        error: the reason why it could not be read.
    """

    index: int
    value: Any
    target: Any = None
    error: Exception | None = None


@dataclass(frozen=True)
class InputSource:
    """The inputs of a run with their targets; see ``saliency.map`` for the arguments.

    Raises:
        InputError: if an argument is invalid.
    """

    inputs: Any
    targets: Any = None
    batched: bool | None = None
    prepare: Callable[[Any], Any] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.inputs, str | Mapping) or not (hasattr(self.inputs, "__iter__") or _is_indexed(self.inputs)):
            raise InputError(
                f"`inputs` ({type(self.inputs).__name__}) must be a list, an array (N, *input), a generator, a DataLoader or "
                "a tf.data.Dataset"
            )
        if self.prepare is not None and not callable(self.prepare):
            raise InputError(f"`prepare` (={shown(self.prepare)}) must be a function from an item to an input, or None")
        if isinstance(self.targets, str) and not self._is_paired:
            raise InputError(f"`targets` (={shown(self.targets)}) must be '{PAIRED}', a target, or one target per input")
        self._in_batches  # noqa: B018 - it raises an error

    @property
    def n(self) -> int | None:
        """The number of inputs, if it is known before they are read."""
        return len(self.inputs) if not self._in_batches and hasattr(self.inputs, "__len__") else None

    def __iter__(self) -> Iterator[Item]:
        """Yield the inputs.

        Raises:
            InputError: if an item is a pair, and ``targets`` does not say so, or the numbers of inputs and targets differ.
        """
        targets, index = self._targets(), 0
        for item in self._read():
            if isinstance(item, Exception):
                entries: Iterable[Any] = [(item, None)]
            else:
                value, target = self._split_pair(item)
                entries = _rows(value, target, self._is_paired) if self._in_batches else [(value, target)]
            for value, target in entries:
                yield self._prepared(index, value, next(targets, _MISSING) if targets is not None else target)
                index += 1
        if targets is not None and next(targets, _MISSING) is not _MISSING:
            raise InputError(f"`targets` must have one entry for each of the {index} inputs; there are more targets")

    def _prepared(self, index: int, value: Any, target: Any) -> Item:
        if target is _MISSING:
            raise InputError(f"`targets` must have one entry for each input; there is none for input {index}")
        if isinstance(value, Exception) or self.prepare is None:
            error = value if isinstance(value, Exception) else None
            return Item(index, None if error else value, target, error)
        try:
            return Item(index, self.prepare(value), target)
        except Exception as error:  # whatever the user's function raises: the others go on
            return Item(index, None, target, error)

    @property
    def _is_paired(self) -> bool:
        return isinstance(self.targets, str) and self.targets == PAIRED

    @property
    def _in_batches(self) -> bool:
        """Whether an item is a batch of inputs.

        Raises:
            InputError: if it is not known.
        """
        if self.batched is not None:
            return bool(self.batched)
        kind = _loader_kind(self.inputs)
        if kind == "tf.data":
            raise InputError(
                "`batched` (=None) must be given for a tf.data.Dataset: True if its elements are batches (N, *input), "
                "False if each element is one input"
            )
        return kind == "keras" or (kind == "torch" and getattr(self.inputs, "batch_sampler", None) is not None)

    def _read(self) -> Iterator[Any]:
        """Yield the items; for a sequence, an exception in place of an item that could not be read."""
        if not _is_indexed(self.inputs):
            yield from self.inputs
            return
        for i in range(len(self.inputs)):
            try:
                yield self.inputs[i]
            except Exception as error:  # whatever the user's dataset raises: the others go on
                yield error

    def _split_pair(self, item: Any) -> tuple[Any, Any]:
        """Return the input and the target of an item."""
        if self._is_paired:
            if not isinstance(item, list | tuple) or len(item) != 2:
                raise InputError(f"`targets` (='{PAIRED}') needs items (input, target), not {_kind(item)}")
            return item[0], item[1]
        if isinstance(item, list | tuple) and _loader_kind(self.inputs):
            if len(item) != 1:
                raise InputError(
                    f"`inputs` yields {_kind(item)}: pass targets='{PAIRED}' to explain each input for its label, or the "
                    "inputs alone, as (x for x, _ in loader) with batched=True or False"
                )
            return item[0], None
        return item, None

    def _targets(self) -> Iterator[Any] | None:
        """Return an iterator over a target for each input; None if the items have them, or one is for all inputs."""
        if self._is_paired:
            return None
        given: Any = self.targets
        if isinstance(given, list | range | Iterator) or getattr(given, "ndim", 0) == 1:
            iterator: Iterator[Any] = iter(given)
            return iterator
        return None if self.targets is None else _repeat(self.targets)


_MISSING = object()


def _repeat(value: Any) -> Iterator[Any]:
    while True:
        yield value


def _rows(batch: Any, targets: Any, paired: bool) -> Iterator[tuple[Any, Any]]:
    """Yield the inputs of a batch with their targets."""
    if isinstance(batch, Mapping):
        n = min(len(value) for value in batch.values())
        rows: Any = ({name: value[i] for name, value in batch.items()} for i in range(n))
    else:
        n, rows = len(batch), (batch[i] for i in range(len(batch)))
    if paired and len(targets) != n:
        raise InputError(f"`inputs` yields a batch of {n} inputs with {len(targets)} targets; each input needs one")
    yield from zip(rows, targets if paired else [None] * n, strict=True)


def _is_indexed(inputs: Any) -> bool:
    """Return whether each input can be read alone, so that one that fails does not end the iteration."""
    return hasattr(inputs, "__getitem__") and hasattr(inputs, "__len__")


def _loader_kind(inputs: Any) -> str | None:
    """Return the library of a loader or dataset: ``torch``, ``tf.data``, ``keras``, or None for any other iterable."""
    classes = {f"{one.__module__.partition('.')[0]} {one.__name__}" for one in type(inputs).__mro__}
    if {"torch DataLoader", "torch Dataset", "torch IterableDataset"} & classes:
        return "torch"
    if "tensorflow DatasetV2" in classes:
        return "tf.data"
    return "keras" if any(one.startswith(("keras ", "tf_keras ")) for one in classes) else None


def _kind(item: Any) -> str:
    return f"a {type(item).__name__} of {len(item)}" if isinstance(item, list | tuple) else f"a {type(item).__name__}"
