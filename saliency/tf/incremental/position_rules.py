"""Rules for operations that move or reduce positions: padding, the order of axes, shapes and means."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from saliency.tf.incremental.patch import Patch
from saliency.tf.incremental.patch_call import PatchCall

TO_CHANNELS_FIRST, TO_CHANNELS_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


def constant_pad(call: PatchCall) -> Patch | None:
    """Pad maps by a constant: the values of a patch stay the same, and its boxes shift."""
    x, sides = call.only_patch, tf.get_static_value(call.inputs[1])
    if x is None or sides is None:
        return None
    axes = (2, 3) if x.channels_first else (1, 2)
    if np.min(sides) < 0 or np.delete(sides, axes, axis=0).any():
        return None
    sides = sides[list(axes)]
    size = np.array(x.boxes.map_size) + sides.sum(axis=1)
    return call.make_patch(x.boxes.shifted(sides[:, 0].tolist(), size.tolist()), x.values, 0)


def transpose(call: PatchCall) -> Patch | None:
    """Move the channels of maps; the values of a patch always have them last."""
    x, order = call.only_patch, tf.get_static_value(call.inputs[1])
    if x is None or order is None or list(order) != (TO_CHANNELS_LAST if x.channels_first else TO_CHANNELS_FIRST):
        return None
    return Patch(call.op.outputs[0], x.values, x.boxes, not x.channels_first)


def shape(call: PatchCall) -> Any:
    """Return the shape of full maps without computing them."""
    (x,) = call.patches
    lengths = (x.channels, *x.boxes.map_size) if x.channels_first else (*x.boxes.map_size, x.channels)
    samples = tf.shape(call.assembly.samples.rows)[0]
    return tf.cast(tf.stack([samples, *lengths]), call.op.outputs[0].dtype)


def mean_of_positions(call: PatchCall) -> Any:
    """Return the mean over all positions: the clean one, and the changes in the boxes."""
    x, axes = call.only_patch, tf.get_static_value(call.inputs[1])
    spatial = (2, 3) if x is not None and x.channels_first else (1, 2)
    if x is None or axes is None or sorted(int(axis) % 4 for axis in np.ravel(axes)) != list(spatial):
        return None
    keep = call.op.get_attr("keep_dims")
    clean = call.assembly.clean_maps.get(x.clean, "mean", lambda maps: tf.reduce_mean(maps, spatial))
    change = tf.reduce_sum(x.values - call.assembly.clean_values(x), (1, 2)) / float(np.prod(x.boxes.map_size))
    mean = tf.gather(clean, call.assembly.samples.rows) + change
    call.cost.add_full(x.channels, float(np.prod(x.boxes.map_size)))
    if not keep:
        return mean
    return mean[:, :, None, None] if x.channels_first else mean[:, None, None, :]
