"""The layer that a class activation map is of, where keras-vis's users name none."""

import re
from typing import Any

from saliency.compat.vis.network import Network
from saliency.core.errors import TargetError

SPATIAL = re.compile(r"(Depthwise|Separable)?Conv[123]D(Transpose)?$|(Max|Average)Pooling[123]D$")
"""Classes of layers, or those that they are derived from, which keep rows and columns."""


def penultimate(network: Network, layer_idx: Any, wanted: Any, exact: bool) -> Any:
    """Return the layer of a map: the nearest convolution or pooling in front of another layer, by the model's own order.

    Args:
        network: of a Keras model; any other's, and a model without such a layer of its own, has its last layer with spatial
            axes looked for (None).
        layer_idx: the layer that is explained.
        wanted: the layer that was named, or None.
        exact: leave the layer right in front out, as keras-vis does.

    Raises:
        TargetError: if ``exact``, and there is none.
    """
    if wanted is not None:
        return network.layer(wanted, "penultimate_layer_idx")
    layers, layer = network.layers, network.layer(layer_idx)
    place = next((i for i, one in enumerate(layers) if one is layer), len(layers) - 1 if layer is None else None)
    before = [] if place is None else layers[: place - 1] if exact else layers[:place]
    for one in reversed(before):
        if _is_spatial(one):
            return one
    if exact:
        raise TargetError(f"`penultimate_layer_idx` (=None) must be given: no convolution or pooling before {layer_idx!r}")
    return None


def _is_spatial(layer: Any) -> bool:
    kinds = [kind.__name__ for kind in type(layer).__mro__]
    if "Wrapper" in kinds:
        return _is_spatial(layer.layer)
    return any(SPATIAL.match(kind) for kind in kinds)
