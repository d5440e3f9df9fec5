"""Several explained inputs of a call, by name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from saliency.core.adapter import GradientAdapter
from saliency.core.argument_binding import ArgumentBinding
from saliency.core.errors import InputError
from saliency.core.feed import checked_feed, single_feed
from saliency.core.joined_inputs import InputLayout
from saliency.core.model_inputs import ModelInputs, as_sequence

Named: TypeAlias = Mapping[str, Any] | tuple[Any, ...]
"""Several inputs of one sample: by name, or in the model's order."""


@dataclass(frozen=True)
class SeveralInputs:
    """N samples of several explained inputs, each sample with a target, and the model's other inputs.

    Args:
        adapter: the model's adapter.
        values: the N values of each explained input, by name.
        mask_y: the target of the mask.
        y: the targets of the call, see ``SaliencyMask.GetMasks``.
        feed: the model's other inputs by name, arrays (N, ...) and plain values.

    Raises:
        InputError: if the model has no such inputs or requires others, the numbers of samples differ, or an input holds
            whole numbers.
    """

    adapter: GradientAdapter
    values: Mapping[str, Sequence[Any]]
    mask_y: Any
    y: Any
    feed: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not self.values or not all(isinstance(name, str) for name in self.values):
            raise InputError(f"`x_value` (a mapping with the keys {list(self.values)}) must have names of inputs as keys")
        _check_model_inputs(self.adapter, tuple(self.values), self.feed)
        first = next(iter(self.values))
        for name, values in self.values.items():
            if len(values) != self.n:
                raise InputError(
                    f"`x_values[{name!r}]` ({len(values)} inputs) must have as many as `x_values[{first!r}]` ({self.n})"
                )
            if name in self.feed:
                raise InputError(f"the input {name!r} must be either in `x_value`, to be explained, or in `feed_dict`")
            _check_measurements(name, values)

    @classmethod
    def single(
        cls, adapter: GradientAdapter, named: Mapping[str, Any], y: Any, feed_dict: Mapping[str, Any] | None
    ) -> "SeveralInputs":
        """Return one sample; arrays in ``feed_dict`` have no batch axis yet."""
        values = {name: [named[name]] for name in _in_order(adapter, named)}
        return cls(adapter, values, y, None, single_feed(adapter, feed_dict))

    @classmethod
    def of(
        cls,
        adapter: GradientAdapter,
        named: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        mask_y: Any,
        y: Any,
        feed_dict: Mapping[str, Any] | None,
    ) -> "SeveralInputs":
        """Return N samples, from arrays (N, *input) by name or from N mappings."""
        values = named if isinstance(named, Mapping) else _columns(named)
        values = {name: as_sequence(values[name]) for name in _in_order(adapter, values)}
        return cls(adapter, values, mask_y, y, checked_feed(adapter, feed_dict))

    @property
    def n(self) -> int:
        """The number of samples."""
        return len(next(iter(self.values.values())))

    @cached_property
    def joined_adapter(self) -> GradientAdapter:
        """The adapter that explains all inputs as one array."""
        names, first = tuple(self.values), {name: values[0] for name, values in self.values.items()}
        parts = {name: self.adapter.explaining(name).asarray(first[name], f"x_value[{name!r}]") for name in names}
        shapes = {name: tuple(int(length) for length in parts[name].shape) for name in names}
        for name in names:
            self.adapter.explaining(name).read_channel_axis(shapes[name])
        return self.adapter.explaining(InputLayout(names, tuple(shapes.values())))

    def joined(self) -> ModelInputs:
        """Return the samples as inputs of ``joined_adapter``."""
        rows = list(zip(*self.values.values(), strict=True))
        known: dict[Any, Any] = {}  # a sample that occurs several times is one object
        samples = [known.setdefault(tuple(map(id, row)), row) for row in rows]
        return ModelInputs.of(self.joined_adapter, samples, self.mask_y, self.y, self.feed)

    def in_turn(self, name: str) -> tuple[GradientAdapter, ModelInputs]:
        """Return the adapter and the inputs that explain one of the inputs, with the others in the feed."""
        others = {other: self._on_host(other) for other in self.values if other != name}
        adapter = self.adapter.explaining(name)
        return adapter, ModelInputs.of(adapter, self.values[name], self.mask_y, self.y, {**others, **self.feed})

    def _on_host(self, name: str) -> Any:
        part = self.adapter.explaining(name)
        return np.stack([part.numpy(part.asarray(value, f"x_value[{name!r}]")) for value in self.values[name]])


def holds_names(x_values: Any) -> bool:
    """Return whether N samples hold several inputs by name: a mapping, or a list of mappings."""
    return isinstance(x_values[0] if isinstance(x_values, list | tuple) and x_values else x_values, Mapping)


def inputs_by_name(adapter: GradientAdapter, x_value: Any) -> Mapping[str, Any] | None:
    """Return several inputs of one sample by name; None if ``x_value`` is a single input.

    Args:
        adapter: the model's adapter.
        x_value: a mapping, or a tuple that holds arrays, in the model's order. A tuple of numbers is one input, and so is a
            tuple for a model that has one input.

    Raises:
        InputError: if the model has fewer inputs than the tuple holds.
    """
    if isinstance(x_value, Mapping):
        return x_value
    if not isinstance(x_value, tuple) or not any(hasattr(one, "shape") or hasattr(one, "getbands") for one in x_value):
        return None
    names = _model_inputs(adapter)
    if len(names) == 1:
        return None
    if len(names) < len(x_value):
        known = f"has {len(names)} inputs: {', '.join(map(repr, names))}" if names else "does not name its inputs"
        raise InputError(
            f"`x_value` (a tuple of {len(x_value)} inputs) must follow the order of the model's inputs, but the "
            f"model {known}: pass a dictionary of inputs by name, or one input as an array"
        )
    return dict(zip(names, x_value, strict=False))


def _model_inputs(adapter: GradientAdapter) -> list[str]:
    """Return the names of the model's inputs in its order, as far as they are known."""
    return ArgumentBinding(adapter.input_parameters or {}).names


def _check_model_inputs(adapter: GradientAdapter, names: tuple[str, ...], feed: Mapping[str, Any]) -> None:
    """Check that the model has inputs of these names, and requires no others than those in the feed."""
    if adapter.input_parameters is None:
        raise InputError(
            f"`x_value` holds inputs by name, but {type(adapter).__name__} explains one input: pass it as an array, and the "
            "others in `feed_dict`"
        )
    ArgumentBinding(adapter.input_parameters, names, "the model").check_given([*names, *feed])


def _in_order(adapter: GradientAdapter, names: Iterable[str]) -> list[str]:
    """Return names in the order of the model's inputs, so that a result does not depend on the order of a mapping."""
    places = {name: i for i, name in enumerate(_model_inputs(adapter))}
    return sorted(names, key=lambda name: places.get(name, len(places)))


def _columns(samples: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    names = list(samples[0])
    for i, sample in enumerate(samples):
        if not isinstance(sample, Mapping) or set(sample) != set(names):
            raise InputError(
                f"`x_values[{i}]` must be a mapping with the names of `x_values[0]`: {', '.join(map(repr, names))}"
            )
    return {name: [sample[name] for sample in samples] for name in names}


def _check_measurements(name: str, values: Sequence[Any]) -> None:
    """Refuse whole numbers and booleans, such as token ids, which have no gradient."""
    for value in [values] if hasattr(values, "dtype") else values:
        kind = "" if hasattr(value, "getbands") else _type_of(value)
        if "int" in kind or "bool" in kind:
            raise InputError(
                f"`x_value[{name!r}]` ({kind}) must hold floats to be explained with other inputs: pass indices, such as "
                "token ids, in `feed_dict`, and measurements as floats"
            )


def _type_of(value: Any) -> str:
    """Return the name of the type of an array or a nested list; an empty string if it is neither."""
    if hasattr(value, "dtype"):
        return str(value.dtype)
    try:
        return str(np.asarray(value).dtype)
    except (TypeError, ValueError):  # reported when it is moved to the device
        return ""
