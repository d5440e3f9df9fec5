"""The steering network and its three maps."""

import sys

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("tensorflow")
pytest.importorskip("keras")

from saliency.compat.keras_vis import visualize_saliency
from saliency.demo import steering


@pytest.fixture(scope="module")
def network():
    return steering.steering_network(pictures=512, epochs=6)


def test_roads_are_reproducible_and_bend_as_labeled():
    pictures, bends = steering.roads(40, seed=3)
    np.testing.assert_array_equal(pictures, steering.roads(40, seed=3)[0])
    assert pictures.shape == (40, steering.HEIGHT, steering.WIDTH, 3) and pictures.min() >= 0 and pictures.max() <= 1
    gray = np.ptp(pictures[:, steering.HORIZON + 5], axis=-1) < 0.14  # the road, not the grass, near the horizon
    middles = (gray * np.arange(steering.WIDTH)).sum(1) / gray.sum(1)
    assert np.corrcoef(middles, bends)[0, 1] > 0.9


def test_the_network_learns_to_steer(network):
    pictures, bends = steering.roads(64, seed=9)
    assert np.abs(network.predict(pictures, verbose=0)[:, 0] - bends).mean() < 0.15


def test_maps_highlight_the_ground_not_the_sky(network):
    pictures, _ = steering.roads(32, seed=11)
    for modifier in (None, "negate"):
        maps = visualize_saliency(network, -1, 0, pictures, grad_modifier=modifier, keepdims=True, normalize=False)
        strength = np.maximum(maps, 0).mean((0, 3))
        assert strength[steering.HORIZON :].mean() > 1.5 * strength[: steering.HORIZON - 4].mean()
    both = [visualize_saliency(network, -1, 0, pictures[:1], grad_modifier=m, normalize=False) for m in (None, "negate")]
    assert not np.array_equal(*both)


def test_the_figure_is_written(network, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(steering, "steering_network", lambda: network)
    assert steering.main([str(tmp_path / "steering.png")]) == 0
    assert "mean error of the steering: 0." in capsys.readouterr().out
    with Image.open(tmp_path / "steering.png") as picture:
        assert picture.size == (4 * 4 * steering.WIDTH, 4 * steering.HEIGHT)


@pytest.mark.parametrize("arguments", [[], ["picture.jpg"], ["nowhere/picture.png"], ["-x"]])
def test_invalid_file_names_are_errors(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        steering.main(arguments)
    assert stop.value.code == 2 and "FILE" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_a_missing_framework_is_an_error_with_the_install_command(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "keras", None)
    assert steering.main([str(tmp_path / "steering.png")]) == 2
    printed = capsys.readouterr()
    assert "pip install 'saliency-masks[tf]'" in printed.err and "Traceback" not in printed.err
    assert not list(tmp_path.iterdir())
