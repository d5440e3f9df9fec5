"""Metrics against xplique, on the same maps and the same Keras model. `make test-peers` runs this file."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from xplique import metrics as peer

from saliency import metrics
from saliency.metrics import fidelity
from tests.peers.small_network import CLASSES, IMAGES, MAPS, SIZE

keras.utils.set_random_seed(0)
MODEL = keras.Sequential(
    [keras.Input((*SIZE, 1)), keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.Flatten(), keras.layers.Dense(3)]
)
PICTURES = np.moveaxis(IMAGES, 1, -1)
TARGETS = np.eye(3, dtype=np.float32)[CLASSES]


@pytest.mark.parametrize("name", ["Deletion", "Insertion"])
def test_the_curves(name):
    scores = getattr(peer, name)(MODEL, PICTURES, TARGETS, baseline_mode=0.25, steps=10).detailed_evaluate(MAPS)
    found = getattr(metrics, name.lower())(MODEL, PICTURES, MAPS, CLASSES.tolist(), steps=10, baseline=0.25)
    np.testing.assert_allclose(found.curve.y.mean(axis=0), list(scores.values()), atol=1e-4)
    area = getattr(peer, name)(MODEL, PICTURES, TARGETS, baseline_mode=0.25, steps=10)(MAPS)
    np.testing.assert_allclose(found.mean, area, atol=1e-4)


def test_mu_fidelity_on_the_same_sets(monkeypatch):
    """xplique draws each cell alone, so that its sets differ in size; here both get the same sets."""
    drawn = np.random.default_rng(1).random((40, 5 * 5)) < 0.2
    drawn[:, 0] |= ~drawn.any(axis=1)
    labels = fidelity.grid_labels(SIZE, 5)

    def perturb(self, inputs, count):
        kept = tf.constant(~drawn[:count][:, labels][None, ..., None], tf.float32)
        changed = tf.expand_dims(inputs, 1) * kept + (1 - kept) * 0.25
        return tf.reshape(changed, (-1, *inputs.shape[1:])), tf.repeat(kept, len(inputs), axis=0)

    monkeypatch.setattr(peer.MuFidelity, "_perturb_samples", perturb)
    monkeypatch.setattr(fidelity, "random_sets", lambda generator, nsets, count, size: drawn)
    expected = peer.MuFidelity(MODEL, PICTURES, TARGETS, grid_size=5, baseline_mode=0.25, nb_samples=40)(MAPS)
    found = metrics.mu_fidelity(MODEL, PICTURES, MAPS, CLASSES.tolist(), nsets=40, cells=5, baseline=0.25)
    np.testing.assert_allclose(found.mean, expected, atol=1e-4)
