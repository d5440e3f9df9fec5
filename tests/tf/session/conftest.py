"""Fixtures: one network in Keras and in a TensorFlow 1 session, and images."""

import numpy as np
import pytest

from tests.tf.session.session_networks import keras_model_of_images, session_of_keras_model


@pytest.fixture(scope="module")
def keras_model():
    return keras_model_of_images()


@pytest.fixture(scope="module")
def graph_and_session(keras_model):
    return session_of_keras_model(keras_model)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).normal(size=(3, 8, 8, 3)).astype("float32")
