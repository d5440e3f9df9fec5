"""Copies of a method whose model has random weights in some layers."""

import copy
import re
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError, ModelError, SaliencyError
from saliency.core.mask import SaliencyMask

NAME = re.compile(r"(?:\d{6} )?(.*?)[./]?[^./]*$")
"""The name of a weight; its group is the layer's."""


def weighted_layers(mask: SaliencyMask) -> dict[str, list[int]]:
    """Return the names of the layers with weights, from the input to the output, each with the places of its weights.

    Raises:
        ModelError: if no weight of the model can be read.
    """
    layers: dict[str, list[int]] = {}
    for i, (name, values) in enumerate(mask.adapter.named_weights()):
        found = NAME.match(name)
        if found is not None and values.dtype.kind == "f" and values.size > 1:
            layers.setdefault(found[1], []).append(i)
    if not layers:
        raise ModelError("the model has no weights that can be read, so they cannot be randomized")
    return layers


def randomized_copies(
    mask: SaliencyMask, layers: Sequence[Sequence[int]], cascading: bool, seed: int
) -> Iterator[SaliencyMask]:
    """Yield for each layer a copy of a method whose model has random weights there; the user's model is not changed.

    The values of each weight are permuted, which keeps their distribution, so that the scores stay in their range.

    Args:
        mask: the method with its model.
        layers: the places of the weights of each layer among all; a copy of a Keras model has other names.
        cascading: whether the layers before it are randomized as well.
        seed: of the permutations.

    Raises:
        ModelError: if the model cannot be copied, or its weights cannot be set.
    """
    copied = _copy(mask)
    original = {name: np.array(values) for name, values in copied.adapter.named_weights()}
    generator, names_of_copy = np.random.default_rng(seed), list(original)
    for places in layers:
        names = [names_of_copy[i] for i in places]
        drawn = {name: _permuted(original[name], generator) for name in names}
        copied.adapter.set_weights(drawn)
        yield copied
        if not cascading:
            copied.adapter.set_weights({name: original[name] for name in names})


def _permuted(values: npt.NDArray[np.float64], generator: np.random.Generator) -> npt.NDArray[np.float64]:
    return generator.permutation(values.ravel()).reshape(values.shape)


def _copy(mask: SaliencyMask) -> SaliencyMask:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Keras copies its variables in a way that NumPy deprecates
            return copy.deepcopy(mask)
    except Exception as error:  # whatever the user's model raises
        reason = str(error) if isinstance(error, SaliencyError) else f"{type(error).__name__}: {error}"
        raise ModelError(f"the model cannot be copied, so its weights cannot be randomized: {reason}") from error


def checked_order(order: str) -> bool:
    """Return whether an order is cascading.

    Raises:
        InputError: if it is not one of the two.
    """
    if order not in ("cascading", "independent"):
        raise InputError(f"`order` (={order!r}) must be 'cascading' or 'independent'")
    return order == "cascading"
