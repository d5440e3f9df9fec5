"""The scores of channels do not depend on the other images of a batch."""

from types import SimpleNamespace

import numpy as np
import pytest

import saliency
from saliency.cli.channel_scores import ChannelScores


@pytest.mark.needs("torch")
def test_samples_that_meet_are_evaluated_one_at_a_time():
    import torch

    class Centered(torch.nn.Module):
        def forward(self, x):
            return (x - 0.5 * x.mean(0)).mean((2, 3))

    network, channels = SimpleNamespace(model=Centered()), SimpleNamespace(path=None, count=3)
    inputs = list(np.random.default_rng(0).normal(size=(5, 3, 6, 6)).astype(np.float32))
    with pytest.warns(saliency.BatchWarning, match="one at a time"):
        scores = ChannelScores(network, channels, 4).compute(inputs)
    np.testing.assert_allclose(scores, 0.5 * np.mean(inputs, (2, 3)), rtol=1e-5, atol=1e-7)
