"""Compare incremental occlusion with full forward passes of the occluded inputs, in any framework."""

import math

import numpy as np

import saliency
from saliency.core.methods import incremental_occlusion


def full_occlusion(mask, x, monkeypatch, **options):
    """Return the masks by full forward passes."""
    with monkeypatch.context() as patched:
        patched.setattr(incremental_occlusion, "MIN_WINDOWS", math.inf)
        found = mask.GetMasks(x, **options)
    assert not found.details["incremental"].any()
    return found


def check_incremental_occlusion(model, monkeypatch, x, y, within=1e-9, settings=None, **options):
    """Check that incremental occlusion was used, and that it equals full forward passes."""
    mask = saliency.Occlusion(model, **(settings or {}))
    expected, found = full_occlusion(mask, x, monkeypatch, y=y, **options), mask.GetMasks(x, y=y, **options)
    assert found.details["incremental"].all()
    for one, other in zip(found, expected, strict=True):
        assert np.abs(one - other).max() <= within * np.abs(other).max()
        assert np.abs(other).max() > 0
    return found
