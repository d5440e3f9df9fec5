"""Fixtures that force incremental occlusion and record its operators."""

import math

import pytest

from saliency.core.methods import incremental_occlusion
from saliency.torch.adapter import TorchAdapter


@pytest.fixture
def force_incremental(monkeypatch):
    """Use incremental occlusion even if it saves nothing."""
    monkeypatch.setattr(incremental_occlusion, "MIN_WINDOWS", 0)
    monkeypatch.setattr(incremental_occlusion, "MIN_SAVED_FRACTION", -math.inf)


@pytest.fixture
def operator_names(monkeypatch):
    """Return a function that lists the operators that received patches, or full maps."""
    made, offer = [], TorchAdapter.occluded_outputs
    monkeypatch.setattr(TorchAdapter, "occluded_outputs", lambda *args: made.append(offer(*args)) or made[-1])

    def names(full_maps=False):
        return [one.func.overloadpacket.__name__ for one in made[-1]._cache.operators if one.needs_full_maps == full_maps]

    return names
