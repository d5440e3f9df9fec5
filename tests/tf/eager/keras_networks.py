"""Small Keras networks and images, their gradients by tape, and a snapshot of a model's state."""

import keras
import numpy as np
import tensorflow as tf

L = keras.layers

RNG = np.random.default_rng(1)

PICTURES = RNG.normal(size=(3, 12, 10, 2)).astype("float32")
IMAGES = np.random.default_rng(0).normal(size=(3, 8, 8, 3)).astype(np.float32)


def convolutional_model(end=None, package=keras, dtype="float32"):
    """Return a network of two convolutions, global average pooling and four classes, followed by ``end``."""
    package.utils.set_random_seed(3)
    layers = package.layers
    x = package.Input((12, 10, 2))
    h = layers.Conv2D(5, 3, padding="same", activation="relu", name="first", dtype=dtype)(x)
    h = layers.MaxPooling2D(2, name="pool", dtype=dtype)(h)
    h = layers.Conv2D(6, 3, padding="same", activation="relu", name="second", dtype=dtype)(h)
    y = layers.Dense(4, name="classes", dtype=dtype)(layers.GlobalAveragePooling2D(dtype=dtype)(h))
    return package.Model(x, y if end is None else end(y))


def tape_gradients(model, x, y):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = model(x, training=False)[:, y]
    return tape.gradient(score, x).numpy()


def snapshot(model):
    layers = [model, *model._flatten_layers(include_self=False)]
    return [{k: id(v) for k, v in vars(one).items()} for one in layers], [v.tobytes() for v in model.get_weights()]


def chain(**settings):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            L.Conv2D(4, 3, activation="relu", name="one", **settings),
            L.MaxPooling2D(2, name="pool", **settings),
            L.Conv2D(5, 2, name="two", **settings),
            L.ReLU(name="relu", **settings),
            L.Flatten(name="flat", **settings),
            L.Dense(6, activation="relu", name="hidden", **settings),
            L.Dense(4, activation="softmax", name="classes", **settings),
        ]
    )
