"""ROAD against pytorch-grad-cam's, on the same maps and the same network. `make test-peers` runs this file."""

import numpy as np
import torch
from pytorch_grad_cam.metrics import road as peer
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from saliency import metrics
from tests.peers.small_network import CLASSES, IMAGES, MAPS, torch_network


def test_the_value_without_noise(monkeypatch):
    """Their noise has no seed, so both run without it."""
    monkeypatch.setattr(peer.NoisyLinearImputer, "__init__", lambda self: vars(self).update(noise=0.0))
    model, targets = torch_network(), [ClassifierOutputTarget(one) for one in CLASSES.tolist()]
    both = peer.ROADCombined(percentiles=[10, 20, 30, 40, 50, 60, 70, 80, 90])
    expected = both(torch.from_numpy(IMAGES), MAPS, targets, model)
    found = metrics.road(model, IMAGES, MAPS, CLASSES.tolist(), noise=0.0)
    np.testing.assert_allclose(found.value, expected, atol=1e-4)
    assert np.abs(expected).min() > 1e-3
