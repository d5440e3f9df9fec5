"""The network whose maps keras-vis computed, the maps, and variants of the network."""

from pathlib import Path

import keras
import numpy as np

FIXTURE = np.load(Path(__file__).parents[2] / "fixtures" / "keras_vis.npz")
X = FIXTURE["x"]
WEIGHTS = [FIXTURE[f"w{i}"] for i in range(8)]


def network(package=keras):
    layers = package.layers
    model = package.Sequential(
        [
            layers.InputLayer(X.shape),
            layers.Conv2D(6, 3, activation="relu", name="c1"),
            layers.MaxPooling2D(name="p1"),
            layers.Conv2D(8, 3, name="c2"),
            layers.Activation("relu", name="relu"),
            layers.Flatten(name="flat"),
            layers.Dense(16, activation="relu", name="hidden"),
            layers.Dense(5, name="out"),
        ]
    )
    model.set_weights(WEIGHTS)
    return model


def nested():
    body = keras.Sequential(
        [keras.Input(X.shape), *[network().get_layer(name) for name in ("c1", "p1", "c2", "relu")]], name="body"
    )
    plain = network()
    x = keras.Input(X.shape)
    h = plain.get_layer("flat")(body(x))
    model = keras.Model(x, plain.get_layer("out")(plain.get_layer("hidden")(h)))
    model.set_weights(WEIGHTS)
    return model


def gold(case):
    return FIXTURE[f"gold|{case}"]


def close(got, case):
    assert got.shape == gold(case).shape
    np.testing.assert_allclose(got, gold(case), rtol=0, atol=1e-6)


RAW = {"grad_modifier": None, "keepdims": True}
SALIENCY = {
    "sal default cls1": {},
    "sal -1 index": {"filter_indices": -1},
    **{
        f"sal gm={name}{' keepdims' * keep}": {
            "grad_modifier": None if name == "None" else name,
            "keepdims": bool(keep),
        }
        for name in ("None", "absolute", "negate", "relu")
        for keep in (0, 1)
    },
    "sal gm=invert keepdims": {"grad_modifier": "invert", "keepdims": True},
    "sal gm=small_values": {"grad_modifier": "small_values"},
    "sal bm=guided": {"backprop_modifier": "guided", **RAW},
    "sal bm=relu": {"backprop_modifier": "relu", **RAW},
    "sal bm=deconv": {"backprop_modifier": "deconv", **RAW},
    "sal custom bm (identity)": {"backprop_modifier": lambda model: model},
    "conv filter c2[3]": {"layer_idx": 2, "filter_indices": 3, **RAW},
}
CAM = {
    "cam gm=None": {},
    "cam gm=small_values": {"grad_modifier": "small_values"},
    "cam gm=relu": {"grad_modifier": "relu"},
    "cam guided": {"backprop_modifier": "guided"},
}
