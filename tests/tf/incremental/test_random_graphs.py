"""Random networks with branches, strides, paddings and pools: incremental occlusion equals full forward passes."""

import numpy as np
import pytest
from keras import layers

from tests.tf.incremental.comparison import X, assert_equal_to_full, network


def random_body(rng):
    """Return a function that applies random layers, some of them in two branches that are added or concatenated."""

    def sliding(x, same):
        kernel, stride = rng.integers(1, 5, 2).tolist(), 1 if same else rng.integers(1, 3, 2).tolist()
        padding = "same" if same else str(rng.choice(["same", "valid"]))
        kind = rng.integers(4)
        if kind == 0:
            return layers.MaxPooling2D(kernel, stride, padding=padding)(x)
        if kind == 1:
            return layers.DepthwiseConv2D(kernel[0], 1 if same else stride[0], padding=padding)(x)
        return layers.Conv2D(4, kernel, stride, padding=padding)(x)

    def body(x):
        for _ in range(int(rng.integers(2, 4))):
            if rng.random() < 0.5:
                x = [layers.Add, layers.Maximum, layers.Concatenate][rng.integers(3)]()([sliding(x, same=True), x])
            else:
                x = sliding(x, same=False)
            x = layers.Activation(str(rng.choice(["relu", "tanh", "silu", "linear"])))(x)
        return x

    return body


@pytest.mark.usefixtures("force_incremental")
@pytest.mark.parametrize("seed", range(6))
def test_random_networks(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    model = network(lambda x: layers.Conv2D(4, 3, padding="same")(x), random_body(rng))
    size = rng.integers(3, 9, 2).tolist()
    assert_equal_to_full(model, monkeypatch, X[:2], size=size, stride=size, settings={"batch_size": 3})
