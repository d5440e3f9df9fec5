"""Keras layers that assign variables or Python attributes when they are called."""

import keras
import numpy as np
import tensorflow as tf

L = keras.layers
X = np.random.default_rng(0).normal(size=(6, 6, 3)).astype("f4")


class Stateful(L.Layer):
    """A layer with one variable; subclasses change it in various ways."""

    def build(self, shape):
        self.v = tf.Variable(np.zeros(4, "f4"))
        self.built = True

    def compute_output_shape(self, shape):
        return shape

    def call(self, x):
        x = x * (1 + tf.reduce_sum(self.v))
        self.change(x)
        return x


class Assigns(Stateful):
    def change(self, x):
        self.v.assign_add(tf.ones(4))


class Scatters(Stateful):
    def change(self, x):
        self.v.scatter_nd_add([[1]], [1.0])


class Slices(Stateful):
    def change(self, x):
        self.v[1:3].assign(self.v[1:3] + 1)


class InCondition(Stateful):
    def change(self, x):
        tf.cond(tf.reduce_sum(x) > -1e9, lambda: self.v.assign_add(tf.ones(4)), lambda: self.v.read_value())


class InLoop(Stateful):
    def change(self, x):
        def body(i):
            self.v.assign_add(tf.ones(4))
            return (i + 1,)

        tf.while_loop(lambda i: i < 2, body, [0])


class InFunction(Stateful):
    @tf.function
    def change(self, x):
        self.v.scatter_nd_update([[2]], [3.0])


class InBackward(Stateful):
    def call(self, x):
        @tf.custom_gradient
        def f(x):
            def grad(upstream):
                self.v.assign_add(tf.ones(4))
                return upstream * (1 + tf.reduce_sum(self.v))

            return tf.identity(x), grad

        return f(x)


class Generator(Stateful):
    def __init__(self):
        super().__init__()
        self.generator = tf.random.Generator.from_seed(3)

    def call(self, x):
        return x + self.generator.normal((3,)) * x


class Seeds(Stateful):
    def __init__(self):
        super().__init__()
        self.seeds, self.dropout = keras.random.SeedGenerator(3), L.Dropout(0.5, seed=1)

    def call(self, x):
        return self.dropout(x + keras.random.normal((3,), seed=self.seeds) * x, training=True)


class Helper:
    last = None


class Attributes(Stateful):
    """Python attributes, which a trace would fill with tensors of its graph."""

    def __init__(self):
        super().__init__()
        self.calls, self.last, self.history, self.cache, self.pair = 0, None, [], {"h": None}, (0.0, None)
        self.helper = Helper()

    def change(self, x):
        self.calls, self.last, self.pair, self.helper.last = self.calls + 1, x, (self.pair[0] + 1.0, x), x
        self.history.append(x)
        self.cache["h"] = x
        self.new = x


class ClassAttributes(Stateful):
    """Python attributes of the class, which all its layers share."""

    calls, last, history, cache = 0, None, [0.0], {"h": None}

    def change(self, x):
        kind = type(self)
        kind.calls, kind.last = kind.calls + 1, x
        self.history.append(x)
        self.cache["h"] = kind.new = x


KINDS = [ClassAttributes, Assigns, Scatters, Slices, InCondition, InLoop, InFunction, InBackward, Generator, Seeds, Attributes]


def state(model):
    """Return the values of all variables, and all other attributes by value or identity."""
    found = {}
    for layer in model._flatten_layers():
        shared = vars(type(layer)) if isinstance(layer, Stateful) else {}
        for name, value in {**shared, **vars(layer)}.items():
            variable = getattr(value, "state", value)
            if isinstance(variable, tf.Variable | keras.Variable):
                found[layer.name, name] = np.asarray(variable).tobytes()
            elif isinstance(value, Helper):
                found[layer.name, name] = id(value.last)
            elif isinstance(value, list | tuple | dict) and isinstance(layer, Stateful):
                entries = value.items() if isinstance(value, dict) else enumerate(value)
                found[layer.name, name] = [(key, id(each)) for key, each in entries]
            else:
                found[layer.name, name] = id(value)
        found.update({(layer.name, i): np.asarray(each).tobytes() for i, each in enumerate(layer.variables)})
    return found


def model_with(layer):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((6, 6, 3)), L.Conv2D(3, 3, activation="tanh"), layer, L.GlobalAveragePooling2D()])
