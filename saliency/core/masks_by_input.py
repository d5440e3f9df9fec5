"""The masks of several inputs by name, and the options of each input."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from saliency.core.adapter import GradientAdapter
from saliency.core.argument_binding import nearest_hint
from saliency.core.errors import InputError, SaliencyError, ZeroGradientWarning
from saliency.core.result import MaskArray
from saliency.core.warnings import warn


def split_masks(masks: MaskArray, adapter: GradientAdapter, empty: str) -> dict[str, MaskArray]:
    """Split masks (N, D) of joined inputs into the masks of each input; warn of those that are zero everywhere.

    Args:
        masks: the masks, with details and a description.
        adapter: the adapter of the joined inputs.
        empty: what a mask that is zero everywhere means, for the warning.
    """
    layout, about, whole = adapter.joined, masks.about, np.asarray(masks)
    if layout is None or about is None:
        raise TypeError("`masks` must be those of joined inputs")
    split = {name: layout.split(np, value) for name, value in masks.details.items() if value.shape == whole.shape}
    result = {}
    for i, (name, array) in enumerate(layout.split(np, whole).items()):
        zero = np.flatnonzero(~array.reshape(len(array), -1).any(axis=1) & whole.any(axis=1))
        if zero.size:
            warn(f"the mask of `x_value[{name!r}]`, sample {zero.tolist()}, is zero everywhere: {empty}", ZeroGradientWarning)
        details = {**masks.details, **{detail: parts[name] for detail, parts in split.items()}}
        inputs = None if about.inputs is None else [sample[i] for sample in about.inputs]
        of_part = replace(about, inputs=inputs, channel_axis=adapter.explaining(name).channel_axis)
        result[name] = MaskArray.of(np.ascontiguousarray(array), details, of_part)
    return result


def check_explains_inputs(options: Mapping[str, Any]) -> None:
    """Check that a method's options do not replace the inputs by a layer, which has one mask for all of them.

    Raises:
        InputError: if they do.
    """
    if options.get("at") is not None:
        raise InputError(
            "`at` names a layer, whose mask does not belong to one of several inputs: pass one input as an array, and the "
            "others in `feed_dict`"
        )


def each_in_turn(names: Sequence[str], compute: Callable[[str], MaskArray]) -> dict[str, MaskArray]:
    """Compute the masks of each input; an error names the input."""
    masks = {}
    for name in names:
        try:
            masks[name] = compute(name)
        except SaliencyError as error:
            if len(names) == 1:
                raise
            hint = f"for the input {name!r}; pass inputs that are not to be explained in `feed_dict`"
            raise type(error)(f"{error} ({hint})") from error
    return masks


def options_of_input(options: Mapping[str, Any], name: str, names: Sequence[str]) -> dict[str, Any]:
    """Return the options for one of several inputs: an option's mapping holds a value for each input.

    Raises:
        InputError: if a mapping names an input that is not explained.
    """
    chosen = {}
    for option, value in options.items():
        if not isinstance(value, Mapping):
            chosen[option] = value
            continue
        check_names(option, value, names)
        if name in value:
            chosen[option] = value[name]
    return chosen


def check_names(option: str, value: Mapping[str, Any], names: Sequence[str]) -> None:
    """Check that the keys of an option are names of explained inputs.

    Raises:
        InputError: if one is not.
    """
    for key in value:
        if key not in names:
            raise InputError(
                f"`{option}` names the input {key!r}, but the explained inputs are {', '.join(map(repr, names))}"
                f"{nearest_hint(key, names)}"
            )
