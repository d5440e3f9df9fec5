"""A Keras model on the Torch backend that changes its state in every call, and a comparison of the state."""

from contextlib import suppress

import numpy as np

import saliency
from saliency.core.types import OutputOf

IMAGES = np.random.default_rng(8).normal(size=(2, 9, 9, 3)).astype("float32")


def stateful_model():
    import keras
    import torch

    class Stateful(keras.layers.Layer):
        def __init__(self):
            super().__init__(name="stateful")
            self.seeds, self.calls, self.kept = keras.random.SeedGenerator(3), 0, []

        def build(self, shape):
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x):
            self.calls, self.last = self.calls + 1, x
            self.kept.append(x)
            self.count.assign_add(1.0)
            shape = keras.ops.shape(x)
            noise = keras.random.normal(shape, seed=self.seeds) + keras.random.normal(shape)
            self.add_loss(keras.ops.mean(x))
            return x + 0.01 * noise

    layers = keras.layers
    wrapped = layers.TorchModuleWrapper(torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4)), name="module")
    body = [layers.Conv2D(4, 3, activation="relu"), layers.BatchNormalization(), layers.GlobalAveragePooling2D()]
    head = [Stateful(), layers.Dropout(0.5), wrapped, layers.Dense(3, activation="softmax")]
    model = keras.Sequential([keras.Input((9, 9, 3)), *body, *head])
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    model.fit(IMAGES, np.zeros((2, 3)), verbose=0)
    return model


def the_model_is_as_before():
    import keras
    import torch

    model = stateful_model()
    keras.random.normal((1,))  # creates the global generator
    methods = [saliency.Vanilla, saliency.GuidedBackprop, saliency.GradCAM, saliency.Occlusion]
    calls = [lambda method=method: method(model, 1).GetMask(IMAGES[0], **_size(method)) for method in methods]
    calls += [
        lambda: saliency.Vanilla(model, lambda outputs: 1 / 0).GetMask(IMAGES[0]),
        lambda: saliency.Vanilla(model, 1).GetMask(IMAGES[0], at=OutputOf("module/module.0")),
    ]
    for mode in (True, False):
        torch.nn.Module.train(model, mode)
        before = _state(model)
        for call in calls:
            with suppress(ZeroDivisionError):
                call()
            after = _state(model)
            assert before.keys() == after.keys(), before.keys() ^ after.keys()
            assert not [name for name in before if before[name] != after[name]]


def _size(method):
    return {"size": 9} if method is saliency.Occlusion else {}


def _state(model):
    """Return the bits of all variables and generators, the identities of all attributes, and the contents of lists."""
    import torch
    from keras.src.random.seed_generator import global_seed_generator

    tensors = {f"value of {one.path}": one.value for one in (*model.variables, *model.optimizer.variables)}
    tensors["global generator"] = global_seed_generator().state.value
    module = model.get_layer("module").module
    tensors |= dict(module.named_buffers())
    found = {name: (id(one), one.requires_grad, one.grad, one.detach().numpy().tobytes()) for name, one in tensors.items()}
    for part in (*model._flatten_layers(), *module.modules()):
        for name, value in vars(part).items():
            lists = [id(one) for one in value] if isinstance(value, list | dict) else None
            found[f"{id(part)}.{name}"] = (value if isinstance(value, int | str) else id(value), lists)
    return found | {"generator": torch.get_rng_state().numpy().tobytes()}
