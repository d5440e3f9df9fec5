"""A network with two hidden layers in many implementations of its ReLUs, and a formula for its gradients."""

import keras
import numpy as np
import tensorflow as tf
import tf_keras

import saliency

RNG = np.random.default_rng(0)
W1, W2, W3 = (RNG.normal(size=shape).astype("float32") for shape in ((6, 8), (8, 7), (7, 3)))
X = RNG.normal(size=(4, 6)).astype("float32")


def expected_gradient(x, y, rule=None):
    """Return the gradient of class y for one x, by the definition of the rule (arXiv:1412.6806)."""
    z1 = x @ W1
    z2 = np.maximum(z1, 0) @ W2
    gradient = W3[:, y]
    for z, back in ((z2, W2), (z1, W1)):
        passes = z > 0 if rule != "rectified" else 1
        gradient = (gradient * passes * ((gradient > 0) if rule else 1)) @ back.T
    return gradient


def dense(name, size, activation=None, package=keras):
    return package.layers.Dense(size, activation=activation, use_bias=False, name=name)


def set_weights(model, x=X[:1]):
    model(x)
    for variable in model.trainable_variables:
        variable.assign(next(w for w in (W1, W2, W3) if w.shape == tuple(variable.shape)))
    return model


def functional_model(relu1, relu2, package=keras):
    """Return a functional model; relu1 and relu2 are functions from a tensor to a tensor."""
    x = package.Input((6,))
    h = relu1(dense("one", 8, package=package)(x))
    h = relu2(dense("two", 7, package=package)(h))
    return set_weights(package.Model(x, dense("out", 3, package=package)(h)))


def subclassed_model(relu, package=keras):
    class Net(package.Model):
        def __init__(self):
            super().__init__()
            self.one, self.two, self.out = (dense(n, s, package=package) for n, s in (("one", 8), ("two", 7), ("out", 3)))

        def call(self, x):
            return self.out(relu(self.two(relu(self.one(x)))))

    return set_weights(Net())


class Module(tf.Module):
    def __init__(self, relu=tf.nn.relu):
        super().__init__()
        self.weights = [tf.Variable(w) for w in (W1, W2, W3)]
        self.relu = relu

    @tf.function(input_signature=[tf.TensorSpec((None, 6))])
    def __call__(self, x):
        w1, w2, w3 = self.weights
        return self.relu(self.relu(x @ w1) @ w2) @ w3


def nested_model(package=keras):
    body = package.Sequential(
        [package.Input((6,)), dense("one", 8, "relu", package), dense("two", 7, package=package)], name="body"
    )
    x = package.Input((6,))
    return set_weights(package.Model(x, dense("out", 3, package=package)(package.layers.ReLU()(body(x)))))


def in_a_function(x):
    return _cached(x)


@tf.function
def _cached(x):
    return tf.nn.relu(x)


@tf.function(jit_compile=True)
def _compiled(x):
    return tf.nn.relu(x)


@tf.function
def _rewritten(x):
    if tf.reduce_sum(x * x) > -1:  # needs AutoGraph
        return tf.nn.relu(x)
    return -x


def in_a_branch(x):
    return tf.cond(tf.reduce_sum(x * x) >= 0, lambda: tf.nn.relu(x), lambda: -x)


def in_a_case(x):
    return tf.switch_case(tf.cast(tf.reduce_sum(x * x) >= 0, tf.int32), [lambda: -x, lambda: tf.nn.relu(x)])


def in_a_loop(x):
    return tf.while_loop(lambda i, _: i < 1, lambda i, h: (i + 1, tf.nn.relu(h)), (0, x))[1]


KEPT_ALIVE = []  # a method's function does not keep the variables of its object alive


def keep_alive(model):
    KEPT_ALIVE.append(model)
    return model


def saved_module(folder, relu=tf.nn.relu):
    module = Module(relu)
    tf.saved_model.save(module, str(folder), signatures=module.__call__)
    return str(folder)


def exported_model(folder):
    nested_model().export(str(folder), verbose=False)
    return str(folder)


def trusted(save, *args):
    """Return a function that saves a model to a folder and wraps the folder."""
    return lambda folder: saliency.wrap(save(folder, *args), trust=True)


def model_around_saved_module(folder):
    """Return a Keras model that contains a SavedModel."""
    layer = keras.layers.TFSMLayer(saved_module(folder), call_endpoint="serving_default")
    x = keras.Input((6,))
    return keras.Model(x, keras.layers.Identity()(layer(x)["output_0"]))


NETWORKS = {
    "activation='relu'": lambda _: functional_model(keras.layers.Activation("relu"), keras.layers.Activation("relu")),
    "layers.ReLU": lambda _: functional_model(keras.layers.ReLU(), keras.layers.ReLU()),
    "ReLU(max_value)": lambda _: functional_model(keras.layers.ReLU(max_value=1e3), keras.layers.ReLU(max_value=1e3)),
    "LeakyReLU(0)": lambda _: functional_model(keras.layers.LeakyReLU(0.0), keras.layers.ReLU()),
    "keras.ops": lambda _: functional_model(keras.ops.relu, lambda x: keras.ops.maximum(x, 0.0)),
    "Lambda": lambda _: functional_model(keras.layers.Lambda(tf.nn.relu), keras.layers.Lambda(lambda x: tf.maximum(x, 0.0))),
    "one layer twice": lambda _: functional_model(*[keras.layers.ReLU()] * 2),
    "nested": lambda _: nested_model(),
    "subclassed, tf.nn": lambda _: subclassed_model(tf.nn.relu),
    "subclassed, clipped": lambda _: subclassed_model(lambda x: tf.clip_by_value(x, 0.0, 1e3)),
    "subclassed, maximum first": lambda _: subclassed_model(lambda x: tf.maximum(0.0, x)),
    "tf.function in it": lambda _: subclassed_model(in_a_function),
    "compiled in it": lambda _: subclassed_model(_compiled),
    "AutoGraph in it": lambda _: subclassed_model(_rewritten),
    "tf.cond": lambda _: subclassed_model(in_a_branch),
    "tf.switch_case": lambda _: subclassed_model(in_a_case),
    "tf.while_loop": lambda _: subclassed_model(in_a_loop),
    "tf_keras, functional": lambda _: functional_model(tf_keras.layers.ReLU(), tf_keras.layers.Activation("relu"), tf_keras),
    "tf_keras, subclassed": lambda _: subclassed_model(in_a_function, tf_keras),
    "tf_keras, nested": lambda _: nested_model(tf_keras),
    "tf.Module": lambda _: Module(),
    "tf.function": lambda _: keep_alive(Module()).__call__,
    "concrete function": lambda _: keep_alive(Module()).__call__.get_concrete_function(),
    "SavedModel's folder": trusted(saved_module),
    "SavedModel's object": lambda folder: tf.saved_model.load(saved_module(folder)),
    "SavedModel's signature": lambda folder: keep_alive(tf.saved_model.load(saved_module(folder))).signatures[
        "serving_default"
    ],
    "exported Keras model": trusted(exported_model),
    "SavedModel with a branch": trusted(saved_module, in_a_branch),
    "SavedModel with a loop": trusted(saved_module, in_a_loop),
    "SavedModel with a function": trusted(saved_module, in_a_function),
    "SavedModel in a Keras model": model_around_saved_module,
}
