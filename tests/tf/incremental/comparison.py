"""Networks whose incremental occlusion is compared with full forward passes of the occluded inputs."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from tests.full_occlusion import check_incremental_occlusion

RNG = np.random.default_rng(4)
X = RNG.normal(size=(3, 20, 24, 3))


def assert_equal_to_full(model, monkeypatch, x=X[:1], y=1, **options):
    """Check incremental occlusion against full forward passes."""
    return check_incremental_occlusion(model, monkeypatch, x, y, **{"size": 6, "stride": 6, **options})


def network(*body, shape=(20, 24, 3), end=True, dtype="float64", data_format="channels_last"):
    """Return a Keras model of layers and functions of a tensor, with random weights and statistics."""
    keras.utils.set_random_seed(0)
    with_dtype = keras.dtype_policies.get(dtype), keras.config.dtype_policy()
    keras.config.set_dtype_policy(with_dtype[0])
    try:
        inputs = x = keras.Input(shape, dtype="float64" if dtype == "float64" else "float32")
        for one in body:
            x = one(x)
        if end:
            x = layers.Dense(4)(layers.GlobalAveragePooling2D(data_format=data_format)(x))
        model = keras.Model(inputs, x)
    finally:
        keras.config.set_dtype_policy(with_dtype[1])
    randomize(model.weights)
    return model


def randomize(weights):
    """Draw all weights that are constant at first, as biases and the statistics of batch norms."""
    for weight in weights:
        values = np.asarray(weight)
        if values.size and (values == values.flat[0]).all():
            weight.assign(RNG.uniform(0.5, 1.5, values.shape) * (values.flat[0] or 0.3))


def conv(filters=5, size=3, **options):
    return lambda x: layers.Conv2D(filters, size, **options)(x)


def operations(function):
    """Return a function of Keras tensors from one of TensorFlow's tensors."""
    return lambda x: layers.Lambda(function)(x)


def residual_network(end=True, dtype="float64"):
    def block(x):
        return layers.ReLU()(layers.Add()([layers.Conv2D(5, 3, padding="same")(x), x]))

    return network(conv(strides=2), layers_of(layers.BatchNormalization), block, end=end, dtype=dtype)


def layers_of(kind, *args, **options):
    """Return a function that makes a layer, under the policy of the network, and calls it."""
    return lambda x: kind(*args, **options)(x)


def function_of(weights, function):
    """Return a ``tf.function`` of float64 images."""
    variables = [tf.Variable(one) for one in weights]
    return tf.function(lambda x: function(x, *variables), input_signature=[tf.TensorSpec([None, 20, 24, 3], tf.float64)])
