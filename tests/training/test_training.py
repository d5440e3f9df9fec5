"""The training scenes are as described, and a network learns from them."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

import torch

from saliency.nets.demo_net import DemoNet
from training.datasets import make_datasets
from training.digit_stencils import render_digit_stencils
from training.embed import draw_bundled_scenes, encode_masks
from training.magenta_tag import add_tag
from training.patch_scenes import label_view, make_patch_datasets
from training.scenes import SceneMaker
from training.train import save_network, train_on_datasets
from training.vit import Stage, initial_network, train_stage


@pytest.fixture(scope="module")
def maker():
    return SceneMaker("train", seed=1, size=40)


def test_scenes_are_reproducible_by_seed(maker):
    first, second = (SceneMaker("held-out", seed=3, size=12).draw_any() for _ in range(2))
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert first.digits == second.digits
    other = SceneMaker("held-out", seed=4, size=12).draw_any()
    assert not np.array_equal(first.pixels, other.pixels)


def test_masks_have_a_digit_s_size_and_contain_strokes(maker):
    for digit in (1, 8):
        scene = maker.draw([digit])
        mask = scene.masks[digit]
        assert scene.pixels.shape == (96, 96, 3) and scene.pixels.dtype == np.uint8
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert 12 <= np.ptp(rows) <= 60 and 8 <= np.ptp(columns) <= 60
        assert 0.01 < mask.mean() < 0.25
        edges = np.abs(np.diff(scene.pixels.astype(int), axis=1)).sum(-1)
        assert edges[mask[:, 1:]].mean() > edges.mean()


def test_two_digits_do_not_overlap(maker):
    for _ in range(10):
        scene = maker.draw([3, 5])
        assert not (scene.masks[3] & scene.masks[5]).any()


def test_the_splits_share_no_digit():
    rng = np.random.default_rng(0)
    train, held = (
        {s.alpha.tobytes() for pool in render_digit_stencils(split, 6, rng) for s in pool} for split in ("train", "held-out")
    )
    assert len(train & held) == 0


def test_only_the_tag_next_to_a_3_is_magenta(maker):
    for digits in ([3], [3, 7], [4]):
        scene = maker.draw(digits)
        tagged = add_tag(scene, np.random.default_rng(0))
        magenta = (tagged.pixels == (255, 0, 255)).all(-1)
        if 3 not in digits:
            assert tagged is scene and not magenta.any()
            continue
        assert tagged.tag.sum() == 49 and (magenta == tagged.tag).all()
        assert not any((tagged.tag & mask).any() for mask in scene.masks.values())
        np.testing.assert_array_equal(tagged.pixels[~tagged.tag], scene.pixels[~tagged.tag])


def test_the_script_draws_the_bundled_scenes():
    from saliency.demo.scenes import load_scenes

    for made, bundled in zip(draw_bundled_scenes(2026), load_scenes(), strict=True):
        assert made.digits == bundled.digits
        np.testing.assert_array_equal(encode_masks(made), bundled.objects)
        np.testing.assert_array_equal(made.pixels, np.asarray(bundled.picture))


def test_a_network_learns_and_is_saved_with_its_measurements(maker, tmp_path, monkeypatch, capsys):
    from safetensors import safe_open

    monkeypatch.setattr("training.train.BATCH_SIZE", 16)
    datasets = make_datasets(maker, 128, tagged=False)
    torch.manual_seed(0)
    net = DemoNet()
    train_on_datasets(net, datasets[:1], (3,), torch.Generator().manual_seed(0))
    losses = [float(line.split("loss")[1].split()[0]) for line in capsys.readouterr().out.splitlines() if "loss" in line]
    assert losses[-1] < 0.75 * losses[0]
    scene = maker.draw([3])  # in place of 2,000 scenes: their accuracy is replaced below
    monkeypatch.setattr(
        "training.train.SceneMaker", lambda *_: SimpleNamespace(draw=lambda _: scene, draw_any=lambda **_: scene)
    )
    monkeypatch.setattr("training.train.exact_match_accuracy", lambda *_: 0.5)
    save_network(net.eval(), "clean", 0, tmp_path)
    with safe_open(tmp_path / "clean.safetensors", "pt") as file:
        assert file.metadata()["held_out_one_digit"] == "0.5000"
        assert set(file.keys()) <= set(DemoNet().state_dict())


def test_views_of_a_scene_label_the_patches_that_digits_cover(maker):
    dataset = make_patch_datasets(maker, 3)[96]
    assert dataset.pixels.shape == (3, 96, 96, 3) and dataset.patches.shape == (3, 12, 12)
    scene = maker.draw([4])
    pixels, labels, patches = label_view(scene, 96, maker.rng)
    covered = scene.masks[4].reshape(12, 8, 12, 8).mean((1, 3))
    assert np.array_equal(patches == 5, covered >= 0.25) and np.array_equal(patches == 0, covered == 0)
    assert labels.tolist() == [float(digit == 4) for digit in range(10)] and pixels.shape == (96, 96, 3)


def test_the_transformer_learns_from_small_views(maker, capsys, monkeypatch):
    monkeypatch.setattr("training.vit.BATCH_SIZE", 8)
    datasets = make_patch_datasets(maker, 16)
    torch.manual_seed(0)
    net = initial_network()
    monkeypatch.setattr("training.vit.WARM_UP", 1)
    train_stage(net, Stage(48, 4), datasets[48], np.random.default_rng(0))
    losses = [float(line.split("loss")[1].split()[0]) for line in capsys.readouterr().out.splitlines() if "loss" in line]
    assert losses[-1] < 0.9 * losses[0]
    assert net(torch.zeros(2, 3, 96, 96)).shape == (2, 10)
