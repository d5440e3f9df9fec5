"""Models and inputs for which full forward passes are used instead."""

import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import saliency
from saliency import nets
from saliency.tf.incremental import patch_walk
from tests.full_occlusion import full_occlusion
from tests.tf.incremental.comparison import RNG, X, conv, network, operations, residual_network


@pytest.mark.usefixtures("force_incremental")
@pytest.mark.parametrize("error", [0.5, 1e-3])
def test_fallback_if_scores_differ(error, monkeypatch):
    wrong = {**patch_walk.RULES, "Relu": lambda call: call.make_patch(
        call.patches[0].boxes, tf.nn.relu(call.patches[0].values) * (1 + error), 1)}  # fmt: skip
    monkeypatch.setattr(patch_walk, "RULES", wrong)
    mask = saliency.Occlusion(residual_network(), 1)
    found = mask.GetMasks(X, size=6, stride=6)
    assert not found.details["incremental"].any()
    np.testing.assert_array_equal(found, full_occlusion(mask, X, monkeypatch, size=6, stride=6))


@pytest.mark.usefixtures("force_incremental")
def test_fallback_if_a_rule_fails(monkeypatch):
    calls = []
    monkeypatch.setitem(patch_walk.RULES, "Relu", lambda call: calls.append(call) or 1 / 0)
    mask = saliency.Occlusion(residual_network(), 1)
    found = mask.GetMasks(X, size=6, stride=6)
    assert not found.details["incremental"].any()
    tried = len(calls)
    mask.GetMasks(X, size=6, stride=6)
    assert len(calls) == tried > 0  # a graph that can't be built is not tried again
    np.testing.assert_array_equal(found, full_occlusion(mask, X, monkeypatch, size=6, stride=6))


@pytest.mark.usefixtures("force_incremental")
def test_a_ctrl_c_passes(monkeypatch):
    def interrupt(call):
        raise KeyboardInterrupt

    model = residual_network()
    with monkeypatch.context() as patched:
        patched.setitem(patch_walk.RULES, "Relu", interrupt)
        with pytest.raises(KeyboardInterrupt):
            saliency.Occlusion(model, 1).GetMask(X[0], size=6, stride=6)
    assert saliency.Occlusion(model, 1).GetMask(X[0], size=6, stride=6).details["incremental"]


def test_fallback_where_little_is_saved():
    model = nets.load("DemoNet", framework="tf").model
    x = RNG.random((96, 96, 3))
    taken = {
        size: bool(saliency.Occlusion(model, 3).GetMask(x, size=size, stride=stride).details["incremental"])
        for size, stride in ((16, 16), (90, 2))
    }
    assert taken == {16: True, 90: False}


@pytest.mark.usefixtures("force_incremental")
@pytest.mark.parametrize("shape", [(40, 3), (6, 8, 9, 2)])
def test_fallback_for_signals_and_volumes(shape):
    kind, pool = (
        (layers.Conv1D, layers.GlobalAveragePooling1D) if len(shape) == 2 else (layers.Conv3D, layers.GlobalAveragePooling3D)
    )
    model = network(lambda x: layers.Dense(2)(pool()(kind(2, 3)(x))), shape=shape, end=False)
    assert not saliency.Occlusion(model, 1).GetMask(RNG.normal(size=shape), size=2, stride=2).details["incremental"]


def test_random_numbers_differ_between_both_computations():
    model = network(conv(), operations(lambda x: tf.nn.dropout(x, 0.5)), conv())
    with pytest.warns(UserWarning, match="train mode"):
        mask = saliency.Occlusion(model, 1, batch_size=1).GetMask(X[0], size=6, stride=3)
    assert not mask.details["incremental"]
