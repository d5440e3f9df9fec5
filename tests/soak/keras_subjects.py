"""Keras models and masks whose state is compared around interrupts."""

import random
import signal

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.framework import ops

import saliency
from tests.tf.eager.keras_networks import PICTURES, convolutional_model, snapshot

L = keras.layers


def state(model):
    """Return the state of a model and of TensorFlow by name."""
    eager = context.context()
    parts = list(model._flatten_layers())
    return {
        "model": repr(snapshot(model)),
        "calls": ["call" in vars(part) for part in parts],
        "flags": [(part.trainable, getattr(part, "stateful", None)) for part in parts],
        "functions run eagerly": tf.config.functions_run_eagerly(),
        "scopes": (eager.scope_name, eager.device_name, eager.executing_eagerly()),
        "graphs": len(ops._default_graph_stack.stack),
        "Keras": [repr(keras.src.backend.common.global_state.get_global_attribute(name)) for name in
                  ("current_call_ctx", "stateless_scope", "autocast_scope", "name_scope_stack", "symbolic_scope")],
        "random": (tf.random.get_global_generator().state.numpy().tobytes(), hash(random.getstate()),
                   np.random.get_state()[1].tobytes()),
        "handlers": (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)),
    }  # fmt: skip


def recurrent_model():
    keras.utils.set_random_seed(5)
    return keras.Sequential([keras.Input((7, 4), batch_size=1), L.LSTM(5, stateful=True), L.Dense(3)])


def subjects():
    """Return name -> (model, call); some models are new at each call, and traced."""
    model, recurrent = convolutional_model(), recurrent_model()
    sequence = np.random.default_rng(0).normal(size=(7, 4)).astype("float32")
    picture = PICTURES[0]

    def new_queries(method):
        def call():
            adapter = saliency.wrap(model)
            adapter._traces._store.traces.clear()  # so that the interrupt may arrive while the graph is built
            return method(adapter)

        return call

    return {
        "gradient": (model, lambda: saliency.Vanilla(model, 2).GetSmoothedMask(picture, nsamples=3, seed=0)),
        "traced gradient": (model, new_queries(lambda adapter: saliency.GuidedBackprop(adapter, 1).GetMask(picture))),
        "traced Grad-CAM": (model, new_queries(lambda adapter: saliency.GradCAM(adapter, 1).GetMask(picture))),
        "recurrent state": (recurrent, lambda: saliency.Vanilla(recurrent, 1).GetMask(sequence)),
        "traced layer": (model, new_queries(lambda adapter: saliency.Vanilla(adapter, ("second", 1)).GetMask(picture))),
    }
