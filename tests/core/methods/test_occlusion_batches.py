"""Batches, memory and progress of Occlusion."""

import math
import tracemalloc

import numpy as np
import pytest

from saliency import Occlusion
from tests.core.methods.occlusion_reference import X, adapter, by_hand, net


@pytest.mark.parametrize("size", [1, 3, 100])
def test_inputs_with_different_targets_equal_one_at_a_time(size):
    ys = [2, [0, 3], None, 1]
    model = adapter()
    together = Occlusion(model, batch_size=size).GetMasks(X, y=ys, size=(3, 4), stride=2)
    assert max(model.batch_sizes) <= size
    ys[2] = net(X[2:3])[0].argmax()
    for x, y, mask in zip(X, ys, together, strict=True):
        expected = sum(by_hand(x, one, (3, 4), 2) for one in (y if isinstance(y, list) else [y]))
        np.testing.assert_allclose(mask, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("size", [1, 3, 100])
def test_several_targets_of_one_input_share_its_evaluations(size):
    model = adapter()
    masks = Occlusion(model, batch_size=size).GetMasks([X[0]] * 3, [0, 1, 2], size=3)
    for y in range(3):
        np.testing.assert_allclose(masks[y], by_hand(X[0], y, 3), rtol=1e-9, atol=1e-12)
    assert max(model.batch_sizes) <= size
    assert sum(model.batch_sizes) == (3 if size == 1 else 1) * (4 * 5 + 1)


@pytest.mark.parametrize("size", [1, 3, 8, 20, 100])
def test_windows_fill_the_batches(size):
    model = adapter()
    Occlusion(model, 0, batch_size=size).GetMask(X[0], size=3)
    windows = 4 * 5
    assert sum(model.batch_sizes) == windows + 1
    assert len(model.batch_sizes) == math.ceil(windows / size) + 1
    assert max(model.batch_sizes) <= size


def test_memory_grows_with_the_batch_and_not_with_the_windows():
    x = np.ones((1, 20_000))
    mask = Occlusion(adapter(lambda x: x[:, 0, :1]), 0, batch_size=4)
    tracemalloc.start()
    found = mask.GetMask(x, size=10_000, stride=20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found[0, 9_999] == 1 and found[0, 10_000] == 0
    assert peak < 20e6  # bytes; a row for each of the 501 windows would take 80e6


def test_every_evaluation_is_announced_to_the_progress_bar(capsys, monkeypatch):
    Occlusion(adapter(), 0).GetMasks(X[:1], size=3, progress=True)
    last = capsys.readouterr().err.split("\r")[-1]
    assert "21/21" in last and "outputs" in last
    announced = []
    monkeypatch.setattr("saliency.core.progress.Progress.announce", lambda bar, evaluations: announced.append(evaluations))
    Occlusion(adapter(), 0).GetMasks(X[:2], size=3)
    assert sum(announced) == 2 * 21
