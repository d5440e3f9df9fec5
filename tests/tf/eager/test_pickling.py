"""Masks of TensorFlow models can be pickled and copied where their model can."""

import copy
import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import saliency
from tests.tf.eager.keras_networks import PICTURES, convolutional_model


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras, when it saves variables
@pytest.mark.parametrize("package", [keras, tf_keras])
@pytest.mark.parametrize("duplicate", [lambda value: pickle.loads(pickle.dumps(value)), copy.deepcopy])  # noqa: S301
def test_keras_models(package, duplicate):
    method = saliency.GradCAM(convolutional_model(package=package), 2, layer="second", modifier="increase")
    expected = method.GetMask(PICTURES[0])
    np.testing.assert_array_equal(duplicate(method).GetMask(PICTURES[0]), expected)


def test_the_folder_of_a_saved_model(tmp_path):
    module = tf.Module()
    module.__call__ = tf.function(lambda x: tf.reduce_mean(x**2, (1, 2)), input_signature=[tf.TensorSpec([None, 12, 10, 2])])
    tf.saved_model.save(module, str(tmp_path))
    method = saliency.Vanilla(saliency.wrap(str(tmp_path), trust=True), 1)
    again = pickle.loads(pickle.dumps(method))  # noqa: S301
    np.testing.assert_array_equal(again.GetMask(PICTURES[0]), method.GetMask(PICTURES[0]))
    with pytest.raises(saliency.ModelError, match=r"`model` \(_UserObject\) belongs to this process.*folder"):
        pickle.dumps(saliency.Vanilla(tf.saved_model.load(str(tmp_path)), 1))


def test_what_cannot_be_pickled_is_named():
    model = convolutional_model()
    with pytest.raises(saliency.InputError, match=r"`y\[0\]` \(Conv2D\) is a layer object.*'second'"):
        pickle.dumps(saliency.Vanilla(model, (model.get_layer("second"), 1)))
    with pytest.raises(saliency.ModelError, match=r"`model` \(Function\) belongs to this process"):
        copy.deepcopy(saliency.Vanilla(tf.function(lambda x: tf.reduce_mean(x, (1, 2))), 1))


def test_a_session_is_named():
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, (None, 3))
        mask = saliency.Vanilla(saliency.tf.GraphAdapter(graph, session, x**2, x), 1)
    for duplicate in (pickle.dumps, copy.deepcopy):
        with pytest.raises(saliency.ModelError, match=r"`session` \(Session\) belongs to this process"):
            duplicate(mask)
