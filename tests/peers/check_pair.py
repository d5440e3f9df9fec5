"""Performance information curves against PAIR's `saliency`, which runs in a process of its own. `make test-peers` runs this file."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import saliency
from saliency.compat.pair.metrics import pic

PAIR = Path(sys.prefix) / "pair"
RNG = np.random.default_rng(0)
NOISE = RNG.normal(0, 25, (48, 40, 3))
PICTURE = np.clip(np.kron(RNG.integers(20, 230, (6, 5, 3)), np.ones((8, 8, 1))) + NOISE, 0, 255).astype(np.uint8)
ROWS, COLUMNS = np.indices(PICTURE.shape[:2])
MAPS = np.stack([RNG.random(PICTURE.shape[:2]), np.exp(-((ROWS - 20) ** 2 + (COLUMNS - 12) ** 2) / 90.0)])
ALWAYS = RNG.random(PICTURE.shape[:2]) < 0.03
THRESHOLDS = [0.02, 0.1, 0.3, 0.6]


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    arrays = {"picture": PICTURE, "maps": MAPS, "always": ALWAYS, "thresholds": THRESHOLDS, "seed": 5}
    np.savez(folder / "arrays.npz", **arrays)
    worker = [sys.executable, Path(__file__).with_name("pair_process.py"), folder / "arrays.npz", folder / "results.npz"]
    subprocess.run(worker, check=True, env={**os.environ, "PYTHONPATH": str(PAIR)}, cwd=folder)
    return np.load(folder / "results.npz")


def contrast(batch):
    return [float(np.asarray(batch).astype(float).std())]


def curve(i):
    return pic.compute_pic_metric(PICTURE, MAPS[i], ALWAYS, contrast, THRESHOLDS, 0.0, i == 0, 500)


@pytest.mark.parametrize("i", [0, 1])
def test_every_array_of_a_curve_is_equal(theirs, i):
    for name, value in curve(i)._asdict().items():
        np.testing.assert_allclose(np.array(value), theirs[f"{name} {i}"], atol=1e-9, err_msg=name)


def test_the_aggregates_are_those_of_curves_with_one_axis(theirs):
    """PAIR tests an axis for repeated points; the axes here have none."""
    for method in ("mean", "median"):
        together = pic.aggregate_individual_pic_results([curve(0), curve(1)], method)
        for name, value in together._asdict().items():
            np.testing.assert_allclose(value, theirs[f"{method} {name}"], atol=1e-9)


def test_random_masks_and_nearest_pixels_are_equal(theirs):
    np.random.seed(5)
    np.testing.assert_array_equal(pic.generate_random_mask(40, 30, 0.033), theirs["mask"])
    np.testing.assert_array_equal(pic.create_blurred_image(PICTURE, ALWAYS, "nearest"), theirs["nearest"])


def test_the_metric_of_this_library_is_this_curve():
    """Without random pixels, of which the metric draws its own."""
    model = saliency.wrap(lambda x: x.reshape(len(x), -1).std(axis=1, keepdims=True), channel_axis=-1)
    found = saliency.metrics.pic(
        model,
        [PICTURE],
        MAPS[:1],
        0,
        prepare=lambda picture: picture.astype(float),
        fractions=THRESHOLDS,
        least=0.0,
        known=0.0,
    )
    alone = pic.compute_pic_metric(PICTURE, MAPS[0], np.zeros_like(ALWAYS), contrast, THRESHOLDS, 0.0)
    np.testing.assert_allclose(found.value, alone.auc, atol=1e-6)
