"""N inputs as a user gives them, each with a target and the model's other inputs."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from saliency.core.adapter import GradientAdapter
from saliency.core.errors import InputError, ModelError
from saliency.core.request import Request
from saliency.core.score_reading import with_channel_axis
from saliency.core.target import Target, function_of
from saliency.core.types import Array
from saliency.core.validation import has_rows


@dataclass(frozen=True)
class ModelInputs:
    """N inputs as the user gave them, with a target for each and the model's other inputs.

    Where one input stands several times in a row, the same object for several targets, one forward pass serves them all.
    """

    x_values: Any
    ys: Sequence[Any]
    feed: Mapping[str, Any]
    ends: Sequence[int]
    """Where each row of entries with one and the same input ends."""

    @classmethod
    def of(cls, x_values: Any, mask_y: Any, y: Any, feed_dict: Mapping[str, Any] | None) -> "ModelInputs":
        """Pair N inputs with N targets.

        Raises:
            InputError: if there is no input, or the numbers of inputs, targets and other inputs differ.
        """
        x_values, feed = _sequence(x_values), named(feed_dict)
        n = len(x_values)
        each = isinstance(y, list | range) or getattr(y, "ndim", 0) == 1
        ys = list(y) if each else [mask_y if y is None else y] * n
        if len(ys) != n:
            raise InputError(f"`y` ({len(ys)} targets) must have one entry for each of the {n} inputs")
        for name, value in feed.items():
            if np.ndim(value) and len(value) != n:
                raise InputError(f"`feed_dict[{name!r}]` (length {len(value)}) must have one entry for each of the {n} inputs")
        apart = any(np.ndim(value) for value in feed.values()) or any(function_of(y) for y in ys)
        return cls(x_values, ys, feed, range(1, n + 1) if apart else _ends(x_values))

    @classmethod
    def one(cls, adapter: GradientAdapter, x_value: Any, y: Any, feed_dict: Mapping[str, Any] | None) -> "ModelInputs":
        """Return a single input; arrays among the others have no batch axis yet."""
        feed = {name: adapter.asfeed(value, name) for name, value in named(feed_dict).items()}
        feed = {name: value[None] if has_rows(value) else value for name, value in feed.items()}
        return cls.of([x_value], y, None, feed)

    def batch(self, start: int, size: int) -> tuple[int, int]:
        """Return where a batch of at most ``size`` entries from ``start`` on ends, and how many in a row share an input.

        Batches are even: the last one is not left with a few, which a pass of their own costs more.
        """
        first = bisect_right(self.ends, start)
        alike = stop = self.ends[first] - start
        if alike > size:  # an even part of one input's targets
            part = -(-alike // -(-alike // size))
            return start + part, part
        left = len(self.ends) - first
        most = alike * -(-left // -(-left // (size // alike)))
        for end in self.ends[first + 1 :]:
            if end - start - stop != alike or end - start > most:
                break
            stop = end - start
        return start + stop, alike

    def on_device(self, adapter: GradientAdapter, run: slice, per_input: int, logits: bool) -> tuple[Request, Array]:
        """Bring some of the entries to the device.

        Returns:
            Their request, in which None has become each input's top class, and the inputs (n, *input).
        """
        some = {name: value[run] if np.ndim(value) else value for name, value in self.feed.items()}
        feed = {name: adapter.asfeed(value, name) for name, value in some.items()}
        ys = self.ys[run]
        x = adapter.stack(self.x_values[run.start : run.stop : per_input])
        if any(y is None for y in ys):
            tops = np.repeat(top_classes(adapter, x, feed), per_input)
            ys = [int(top) if y is None else y for y, top in zip(ys, tops, strict=True)]
        if per_input > 1:
            x = adapter.xp.concatenate([x[i : i + 1] for i in range(x.shape[0]) for _ in range(per_input)])
        return Request(Target.of(ys, logits), feed), x

    def on_host(self, adapter: GradientAdapter, device_array: type) -> Any:
        """Return the N inputs as they were given, but those that may be on a device: a result must not keep its memory."""
        if not isinstance(self.x_values, list):
            return adapter.numpy(self.x_values) if isinstance(self.x_values, device_array) else self.x_values
        given = {id(x): x for x in self.x_values}  # one copy where an input stands several times
        host = {key: adapter.numpy(x) if isinstance(x, device_array) else x for key, x in given.items()}
        return [host[id(x)] for x in self.x_values]


def top_classes(adapter: GradientAdapter, x: Array, feed: Mapping[str, Any]) -> list[int]:
    """Return the highest output of each of the inputs (N, *input); an output with spatial axes counts by its mean.

    Raises:
        ModelError: if the output is not an array (N, ...), or not finite.
    """
    n = x.shape[0]
    request = Request(Target(logits=False), feed)  # a softmax or sigmoid keeps the order
    outputs = with_channel_axis(adapter.outputs(x, request), n)
    scores = adapter.numpy(outputs).reshape(n, outputs.shape[1], -1).mean(axis=2)
    if not np.isfinite(scores).all():
        raise ModelError("the model's output is NaN or infinite for this input; it has no top class")
    return [int(top) for top in scores.argmax(axis=1)]


def named(feed_dict: Any) -> dict[str, Any]:
    """Return the model's other inputs by name.

    Raises:
        InputError: if they are not named.
    """
    if not isinstance(feed_dict, Mapping | None):
        raise InputError(f"`feed_dict` ({type(feed_dict).__name__}) must be a mapping from the inputs' names to their values")
    return dict(feed_dict or {})


def _sequence(values: Any) -> Any:
    """Return N inputs as a list or an array."""
    values = list(values) if isinstance(values, tuple) else values
    if not isinstance(values, list) and not hasattr(values, "dtype"):  # a table, say
        values = np.asarray(values)
    if not isinstance(values, list) and (len(values.shape) == 0 or str(values.dtype) == "object"):
        raise InputError("`x_values` must be an array (N, *input) of numbers, or a list of N inputs")
    if len(values) == 0:
        raise InputError("`x_values` (length 0) must hold one input at least")
    return values


def _ends(values: Any) -> Sequence[int]:
    """Return where each row of entries that are one object, or one piece of memory, ends."""
    n = len(values)
    if isinstance(values, list):
        return [*(i for i in range(1, n) if not _same(values[i], values[i - 1])), n]
    strides = getattr(values, "strides", None) or getattr(values, "stride", tuple)()
    return [n] if strides and strides[0] == 0 else range(1, n + 1)


def _same(one: Any, other: Any) -> bool:
    arrays = isinstance(one, np.ndarray) and isinstance(other, np.ndarray)
    return one is other or (arrays and one.__array_interface__ == other.__array_interface__)
