"""Masks of Torch models can be pickled and copied."""

import copy
import pickle
import threading

import numpy as np
import pytest
import torch

import saliency
from tests.torch.small_network import FunctionModule, X, small_network

METHODS = {
    "modifier": lambda model: saliency.Vanilla(model, 1, modifier="absolute"),
    "layer": lambda model: saliency.GradCAM(model, 1),
    "layer object": lambda model: saliency.GuidedGradCAM(model, 1, layer=model.relu),
    "layer object in the target": lambda model: saliency.Vanilla(model, (model.conv, 2)),
    "adapter": lambda model: saliency.Vanilla(saliency.wrap(model, channel_axis=0), 2),
}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("duplicate", [lambda value: pickle.loads(pickle.dumps(value)), copy.deepcopy])  # noqa: S301
def test_round_trips(name, duplicate):
    model = small_network().train()
    method = METHODS[name](model)
    expected = method.GetMask(X[0])  # fills the caches
    again = duplicate(method)
    assert again.adapter.model is not model and again.adapter.model.training
    np.testing.assert_array_equal(again.GetMask(X[0]), expected)


def test_what_cannot_be_pickled_is_named():
    with pytest.raises(saliency.InputError, match=r"`model.function` \(.*<lambda>\) cannot be pickled"):
        pickle.dumps(saliency.Vanilla(FunctionModule(lambda x: x.mean((2, 3))), 1))
    model = torch.nn.Sequential(small_network())
    model[0].lock = threading.RLock()
    for duplicate in (pickle.dumps, copy.deepcopy):
        with pytest.raises(saliency.ModelError, match=r"`model.0.lock` \(RLock\) belongs to this process"):
            duplicate(saliency.Vanilla(model, 1))
