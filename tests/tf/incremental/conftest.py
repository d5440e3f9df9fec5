"""Fixtures that force incremental occlusion and record the operations of its graphs."""

import math

import pytest

from saliency.core.methods import incremental_occlusion
from saliency.tf import KerasAdapter


@pytest.fixture
def force_incremental(monkeypatch):
    """Use incremental occlusion even if it saves nothing."""
    monkeypatch.setattr(incremental_occlusion, "MIN_WINDOWS", 0)
    monkeypatch.setattr(incremental_occlusion, "MIN_SAVED_FRACTION", -math.inf)


@pytest.fixture
def operation_types(monkeypatch):
    """Return a function that lists the types of the operations that received patches, or full maps in their place."""
    made, offer = [], KerasAdapter.occluded_outputs
    monkeypatch.setattr(KerasAdapter, "occluded_outputs", lambda *args: made.append(offer(*args)) or made[-1])

    def types(full_maps=False):
        return list(made[-1].unpatched if full_maps else made[-1].patched)

    return types
