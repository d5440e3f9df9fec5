"""Test occlusion in the host's memory, and fused functions."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency.core.numerics.sliding_windows import SlidingWindows
from saliency.tf.eager import fused_functions
from saliency.tf.eager.window_occlusion import host_window_occluder

RNG = np.random.default_rng(0)
SHAPES = {
    "channels last": ((6, 7, 3), -1, (3, 4), (0, 1)),
    "channels first": ((3, 6, 7), 0, 2, (1, 2)),
    "no channels": ((9,), None, 4, (0,)),
    "a volume": ((2, 3, 4, 5), -1, (2, 3, 2), (0, 1, 2)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_only_the_windows_are_occluded(shape):
    shape, channel_axis, size, space = SHAPES[shape]
    x, cover = RNG.normal(size=(2, 2, *shape)).astype("float32")
    windows = SlidingWindows.of(x, channel_axis, size, 2)
    occlude = host_window_occluder(tf.constant(x), tf.constant(cover), windows)
    sizes = np.broadcast_to(size, len(space))
    starts = [sorted({*range(0, shape[a] - wide, 2), shape[a] - wide}) for a, wide in zip(space, sizes, strict=True)]
    corners = list(itertools.product(*starts))
    found = []
    for run in (range(2), range(2, len(corners)), range(2)):  # the copies are reused, also for fewer windows
        found += list(occlude(run))
    for one, corner in zip(found, [*corners, *corners[:2]], strict=True):
        expected, place = x.copy(), [slice(None)] * (1 + len(shape))
        for axis, start, wide in zip(space, corner, sizes, strict=True):
            place[axis + 1] = slice(start, start + wide)
        expected[tuple(place)] = cover[tuple(place)]
        np.testing.assert_array_equal(one, expected)


def weighted_sum(xp, how, a, b):
    return xp.sum(a * b, axis=1) * how


def test_one_trace_for_each_shape_and_setting(monkeypatch):
    monkeypatch.setattr(fused_functions, "NUMPY_MAX_SIZE", 0)
    a, b = (tf.constant(RNG.normal(size=(3, 4)).astype("float32")) for _ in range(2))
    before = fused_functions._trace.cache_info().misses
    for how in (1.0, 2.0, 1.0):
        np.testing.assert_allclose(
            fused_functions.call_fused(weighted_sum, how, a, b), how * (a.numpy() * b.numpy()).sum(1), rtol=1e-5
        )
    assert fused_functions._trace.cache_info().misses == before + 2


def test_numpy_and_graph_agree(monkeypatch):
    a, b = (tf.constant(RNG.normal(size=(3, 4)).astype("float32")) for _ in range(2))
    small = fused_functions.call_fused(weighted_sum, 3.0, a, b)
    monkeypatch.setattr(fused_functions, "NUMPY_MAX_SIZE", 0)
    assert small.dtype == tf.float32
    np.testing.assert_allclose(fused_functions.call_fused(weighted_sum, 3.0, a, b), small, rtol=1e-5)


def multiply_in_place(xp, how, a):
    a *= how
    return a


@pytest.mark.parametrize("small", [0, fused_functions.NUMPY_MAX_SIZE])
def test_in_place_function_does_not_change_its_arguments(small, monkeypatch):
    monkeypatch.setattr(fused_functions, "NUMPY_MAX_SIZE", small)
    a = tf.ones((2, 3))
    np.testing.assert_array_equal(fused_functions.call_fused(multiply_in_place, 2.0, a), np.full((2, 3), 2.0))
    np.testing.assert_array_equal(a, np.ones((2, 3)))


@pytest.mark.parametrize("small", [0, fused_functions.NUMPY_MAX_SIZE])
def test_second_map_traces_nothing(small, monkeypatch):
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    monkeypatch.setattr(fused_functions, "NUMPY_MAX_SIZE", small)
    x = RNG.normal(size=(8, 8, 3)).astype("float32")
    first = saliency.HiResCAM(model, 1).GetMask(x)
    monkeypatch.setattr(tf, "function", None)
    np.testing.assert_array_equal(saliency.HiResCAM(model, 1).GetMask(x), first)
