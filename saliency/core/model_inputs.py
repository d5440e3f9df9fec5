"""The inputs of a call, each with its target and the model's other inputs."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from saliency.core.adapter import GradientAdapter
from saliency.core.adapter_request import Request
from saliency.core.batching import BatchPlan
from saliency.core.errors import InputError
from saliency.core.feed import checked_feed, single_feed
from saliency.core.joined_inputs import stack_joined
from saliency.core.target import function_of, place_of
from saliency.core.target_resolution import resolve_targets
from saliency.core.types import Array
from saliency.core.validation import has_batch_axis, shown


@dataclass(frozen=True)
class ModelInputs:
    """N inputs as the user passed them, each with a target, and the model's other inputs.

    Consecutive entries with the same input object, such as one input with several targets, share a forward pass.
    """

    x_values: Any
    ys: Sequence[Any]
    feed: Mapping[str, Any]
    group_ends: Sequence[int]
    """The end of each group of consecutive entries that share an input and the place of their targets."""
    place_ends: Sequence[int]
    """The end of each group of consecutive entries whose targets are read at the same place, see ``place_of``."""

    @classmethod
    def of(
        cls, adapter: GradientAdapter, x_values: Any, mask_y: Any, y: Any, feed_dict: Mapping[str, Any] | None
    ) -> "ModelInputs":
        """Pair N inputs with N targets.

        Raises:
            InputError: if there are no inputs, or the numbers of inputs, targets and other inputs differ.
        """
        x_values, feed = as_sequence(x_values), checked_feed(adapter, feed_dict)
        n = len(x_values)
        if y is None and isinstance(mask_y, range) and len(mask_y) == n > 1:
            raise InputError(
                f"`y` (={shown(mask_y)}) of the mask has as many entries as there are inputs ({n}): pass "
                "GetMasks(x_values, y=labels) for one class for each input, or a list for the sum of the classes"
            )
        several = isinstance(y, list | range) or getattr(y, "ndim", 0) == 1
        ys = list(y) if several else [mask_y if y is None else y] * n
        if len(ys) != n:
            raise InputError(f"`y` ({len(ys)} targets) must have one entry for each of the {n} inputs")
        for name, value in feed.items():
            if has_batch_axis(value) and len(value) != n:
                raise InputError(f"`feed_dict[{name!r}]` (length {len(value)}) must have one entry for each of the {n} inputs")
        separate = any(has_batch_axis(value) for value in feed.values()) or any(function_of(y) for y in ys)
        places = [place_of(y) for y in ys]
        place_ends = [*(i for i in range(1, n) if places[i] != places[i - 1]), n]
        group_ends = range(1, n + 1) if separate else _group_ends(x_values)
        return cls(x_values, ys, feed, sorted({*group_ends, *place_ends}), place_ends)

    @property
    def n(self) -> int:
        """The number of masks."""
        return len(self.ys)

    @classmethod
    def single(cls, adapter: GradientAdapter, x_value: Any, y: Any, feed_dict: Mapping[str, Any] | None) -> "ModelInputs":
        """Return one input with its target; arrays in ``feed_dict`` have no batch axis yet."""
        return cls.of(adapter, [x_value], y, None, single_feed(adapter, feed_dict))

    def batch(self, start: int, size: int, most_targets: int = 1) -> tuple[int, int]:
        """Return the end of the batch that begins at ``start``, and the number of consecutive entries that share an input.

        A batch has at most ``size`` entries, whose targets are read at the same place, or ``most_targets`` of one input.
        Batches are of even size: a small last batch would cost almost a full pass.
        """
        first = bisect_right(self.group_ends, start)
        shared = stop = self.group_ends[first] - start
        if shared > size:  # all of one input's targets, or an even part of them
            part = -(-shared // -(-shared // max(size, most_targets)))
            return start + part, part
        place_end = self.place_ends[bisect_right(self.place_ends, start)]
        left = bisect_right(self.group_ends, place_end) - first
        most = shared * -(-left // -(-left // (size // shared)))
        for end in self.group_ends[first + 1 :]:
            if end - start - stop != shared or end - start > most or end > place_end:
                break
            stop = end - start
        return start + stop, shared

    def without_shared_passes(self) -> "ModelInputs":
        """Return the same entries, each with a pass of its own, for passes that change each entry's input in another way."""
        return replace(self, group_ends=range(1, self.n + 1))

    def to_device(
        self,
        adapter: GradientAdapter,
        entries: slice,
        per_input: int,
        logits: bool,
        differentiates: bool,
        plan: BatchPlan,
    ) -> tuple[Request, Array]:
        """Move some of the entries to the device.

        Returns:
            Their request, with targets that ``resolve_targets`` has resolved for the inputs, and the inputs (n, *input).
        """
        values = {name: value[entries] if has_batch_axis(value) else value for name, value in self.feed.items()}
        feed = {name: adapter.asfeed(value, name) for name, value in values.items()}
        stack = adapter.stack if adapter.joined is None else partial(stack_joined, adapter)
        x = stack(self.x_values[entries.start : entries.stop : per_input])
        adapter.read_channel_axis(tuple(int(length) for length in x.shape[1:]))
        target = resolve_targets(adapter, x, feed, self.ys[entries], plan, logits, differentiates)
        if per_input > 1:
            x = adapter.xp.concatenate([x[i : i + 1] for i in range(x.shape[0]) for _ in range(per_input)])
        return Request(target, feed), x

    def host_copies(self, adapter: GradientAdapter, device_array: type) -> Any:
        """Return the N inputs as passed, but copy device arrays to the host, so that a result does not hold device memory."""
        if not isinstance(self.x_values, list):
            return adapter.numpy(self.x_values) if isinstance(self.x_values, device_array) else self.x_values

        def host_copy(x: Any) -> Any:
            if isinstance(x, tuple):  # the joined inputs of a sample
                return tuple(map(host_copy, x))
            return adapter.numpy(x) if isinstance(x, device_array) else x

        unique = {id(x): x for x in self.x_values}  # one copy of an input that occurs several times
        host = {key: host_copy(x) for key, x in unique.items()}
        return [host[id(x)] for x in self.x_values]


def as_sequence(values: Any) -> Any:
    """Return N inputs as a list or an array."""
    values, given = list(values) if isinstance(values, tuple) else values, type(values).__name__
    if "sparse" in str(getattr(values, "layout", "")):  # a sparse tensor of Torch cannot be divided into batches
        values = values.to_dense()
    if not isinstance(values, list) and not hasattr(values, "dtype"):  # such as a DataFrame
        try:
            values = np.asarray(values)
        except Exception as error:  # whatever a user's class raises
            raise InputError(
                f"`x_values` ({type(values).__name__}) must be an array (N, *input) or a list: {error}"
            ) from error
    if not isinstance(values, list) and (len(values.shape) == 0 or getattr(values.dtype, "kind", "") == "O"):
        kind = f"{given}, shape {tuple(values.shape)}"
        raise InputError(f"`x_values` ({kind}) must be an array (N, *input) of numbers, or a list of N inputs")
    if len(values) == 0:
        raise InputError("`x_values` (length 0) must hold at least one input")
    return values


def _group_ends(values: Any) -> Sequence[int]:
    """Return the end of each group of consecutive entries that are the same object or share their memory."""
    n = len(values)
    if isinstance(values, list):
        return [*(i for i in range(1, n) if not _share_memory(values[i], values[i - 1])), n]
    strides = getattr(values, "strides", None) or _strides(values)
    return [n] if strides and strides[0] == 0 else range(1, n + 1)


def _strides(tensor: Any) -> Sequence[int]:
    try:
        return tuple(getattr(tensor, "stride", tuple)())
    except Exception:  # a sparse tensor
        return ()


def _share_memory(one: Any, other: Any) -> bool:
    arrays = isinstance(one, np.ndarray) and isinstance(other, np.ndarray)
    return one is other or (arrays and one.__array_interface__ == other.__array_interface__)
