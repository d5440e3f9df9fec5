"""One network in float64 on every adapter."""

import numpy as np

import saliency

RNG = np.random.default_rng(12)
SHAPES = {"k1": (3, 3, 3, 4), "b1": (4,), "k2": (3, 3, 4, 5), "b2": (5,), "d": (80, 4), "c": (4,)}
W = {name: RNG.normal(size=shape) / 3 for name, shape in SHAPES.items()}
X = RNG.normal(size=(2, 8, 8, 3))


def torch_adapter():
    import torch
    from torch import nn

    def torch_parameter(name):
        array = W[name]
        order = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[array.ndim]
        return nn.Parameter(torch.tensor(array.transpose(order)))

    class ChannelsLastFlatten(nn.Module):
        def forward(self, x):
            return x.movedim(1, -1).flatten(1)

    convolutions = [nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 5, 3, padding=1)]
    dense = nn.Linear(80, 4)
    for layer, names in zip([*convolutions, dense], ("k1 b1", "k2 b2", "d c"), strict=True):
        layer.weight, layer.bias = map(torch_parameter, names.split())
    parts = {"one": convolutions[0], "first": nn.ReLU(), "pool": nn.MaxPool2d(2), "two": convolutions[1], "last": nn.ReLU()}
    model = nn.Sequential()
    for name, part in {**parts, "flat": ChannelsLastFlatten(), "dense": dense, "end": nn.Softmax(1)}.items():
        model.add_module(name, part)
    return saliency.wrap(model)


def tensorflow_network(x, w):
    import tensorflow as tf

    h = tf.nn.relu(tf.nn.conv2d(x, w["k1"], 1, "SAME") + w["b1"], name="first")
    h = tf.nn.relu(tf.nn.conv2d(tf.nn.max_pool2d(h, 2, 2, "SAME"), w["k2"], 1, "SAME") + w["b2"], name="last")
    return tf.nn.softmax(tf.reshape(h, (-1, 80)) @ w["d"] + w["c"], name="probabilities")


def keras_adapter():
    import keras

    settings = {"dtype": "float64"}
    x = keras.Input((8, 8, 3), **settings)
    h = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="first", **settings)(x)
    h = keras.layers.MaxPooling2D(2, **settings)(h)
    h = keras.layers.Conv2D(5, 3, padding="same", activation="relu", name="last", **settings)(h)
    y = keras.layers.Dense(4, activation="softmax", **settings)(keras.layers.Flatten(**settings)(h))
    model = keras.Model(x, y)
    model.set_weights(list(W.values()))
    return saliency.wrap(model)


def tf_function_adapter():
    import tensorflow as tf

    weights = {name: tf.Variable(value) for name, value in W.items()}
    adapter = saliency.wrap(
        tf.function(lambda x: tensorflow_network(x, weights), input_signature=[tf.TensorSpec((None, 8, 8, 3), tf.float64)])
    )
    adapter.weights = weights  # a function does not keep its variables alive
    return adapter


def saved_model_adapter(folder):
    import tensorflow as tf

    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.weights = {name: tf.Variable(value) for name, value in W.items()}

        @tf.function(input_signature=[tf.TensorSpec((None, 8, 8, 3), tf.float64)])
        def __call__(self, x):
            return tensorflow_network(x, self.weights)

    tf.saved_model.save(Module(), str(folder))
    return saliency.wrap(str(folder), trust=True)


def session_adapter():
    import tensorflow as tf

    from saliency.tf import GraphAdapter

    v1, graph = tf.compat.v1, tf.Graph()
    with graph.as_default():
        x = v1.placeholder(tf.float64, (None, 8, 8, 3), name="x")
        y = tensorflow_network(x, {name: v1.get_variable(name, initializer=value) for name, value in W.items()})
        session = v1.Session(graph=graph)
        session.run(v1.global_variables_initializer())
    return GraphAdapter(graph, session, y, x)


def jax_adapter():
    import jax
    import jax.numpy as jnp
    from jax.ad_checkpoint import checkpoint_name

    def network(weights, x):
        def convolved(x, kernel, bias):
            axes = ("NHWC", "HWIO", "NHWC")
            return jax.nn.relu(jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=axes) + bias)

        h = checkpoint_name(convolved(x, weights["k1"], weights["b1"]), "first")
        h = jax.lax.reduce_window(h, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        h = checkpoint_name(convolved(h, weights["k2"], weights["b2"]), "last")
        return jax.nn.softmax(h.reshape(len(x), 80) @ weights["d"] + weights["c"])

    jax.config.update("jax_enable_x64", True)
    return saliency.wrap(network, params={name: jnp.asarray(value) for name, value in W.items()})


def numpy_network(x):
    """The same network in NumPy."""

    def convolved(h, kernel, bias):
        padded = np.pad(h, ((0, 0), (1, 1), (1, 1), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))  # (N, H, W, channels, 3, 3)
        return np.maximum(np.einsum("nhwcij,ijco->nhwo", windows, kernel) + bias, 0)

    h = convolved(x, W["k1"], W["b1"])
    h = h.reshape(len(h), 4, 2, 4, 2, 4).max(axis=(2, 4))
    return convolved(h, W["k2"], W["b2"]).reshape(len(x), 80) @ W["d"] + W["c"]


ADAPTERS = {
    "torch": torch_adapter,
    "Keras": keras_adapter,
    "tf.function": tf_function_adapter,
    "SavedModel": saved_model_adapter,
    "session": session_adapter,
    "JAX": jax_adapter,
    "NumPy": lambda: saliency.FunctionAdapter(numpy_network, channel_axis=-1, dtype="float64"),
}
