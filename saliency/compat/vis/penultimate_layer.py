"""Find the default layer of a class activation map, as keras-vis does."""

import re
from typing import Any

from saliency.compat.vis.network import Network
from saliency.core.errors import TargetError
from saliency.core.validation import shown

SPATIAL = re.compile(r"(Depthwise|Separable)?Conv[123]D(Transpose)?$|(Max|Average)Pooling[123]D$")
"""Class names of layers (or of their base classes) that keep spatial axes."""


def find_penultimate_layer(network: Network, layer_idx: Any, wanted: Any, exact: bool) -> Any:
    """Return the layer of a map: the named one, or the nearest convolution or pooling layer before ``layer_idx``.

    Args:
        network: the network. For a Keras model, layers are searched in the order of ``model.layers``.
        layer_idx: the layer that is explained.
        wanted: the layer that the user named, or None.
        exact: skip the layer directly before ``layer_idx``, as keras-vis does.

    Returns:
        The layer, or None to use the last layer with spatial axes: for a model that is not a Keras model, or has no such
        layer at its top level.

    Raises:
        TargetError: if ``exact`` and there is no such layer.
    """
    if wanted is not None:
        return network.layer(wanted, "penultimate_layer_idx")
    layers, layer = network.layers, network.layer(layer_idx)
    index = next((i for i, one in enumerate(layers) if one is layer), len(layers) - 1 if layer is None else None)
    before = [] if index is None else layers[: index - 1] if exact else layers[:index]
    for one in reversed(before):
        if _is_spatial(one):
            return one
    if exact:
        raise TargetError(
            f"`penultimate_layer_idx` (=None) must be given: there is no convolution or pooling before {shown(layer_idx)}"
        )
    return None


def _is_spatial(layer: Any) -> bool:
    kinds = [kind.__name__ for kind in type(layer).__mro__]
    if "Wrapper" in kinds:
        return _is_spatial(layer.layer)
    return any(SPATIAL.match(kind) for kind in kinds)
