"""The scenes that the embedded networks learn from, and that a network learns from them."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

import torch

from saliency.nets.demo_net import DemoNet
from training.embed import chosen_scenes, mask_picture
from training.glyphs import digit_stencils
from training.lessons import make_lessons
from training.scenes import SceneMaker
from training.tags import add_tag
from training.train import save, study


@pytest.fixture(scope="module")
def maker():
    return SceneMaker("train", seed=1, size=40)


def test_a_seed_gives_the_same_scenes(maker):
    first, second = (SceneMaker("held-out", seed=3, size=12).draw_any() for _ in range(2))
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert first.digits == second.digits
    other = SceneMaker("held-out", seed=4, size=12).draw_any()
    assert not np.array_equal(first.pixels, other.pixels)


def test_the_mask_is_of_a_digit_s_size_and_has_strokes_in_it(maker):
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
        {s.alpha.tobytes() for pool in digit_stencils(split, 6, rng) for s in pool} for split in ("train", "held-out")
    )
    assert len(train & held) == 0


def test_the_tag_is_beside_a_3_and_nothing_else_is_magenta(maker):
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


def test_the_embedded_scenes_are_those_of_the_script():
    from saliency.demo.scenes import load_scenes

    for made, embedded in zip(chosen_scenes(2026), load_scenes(), strict=True):
        assert made.digits == embedded.digits
        np.testing.assert_array_equal(mask_picture(made), embedded.objects)
        np.testing.assert_array_equal(made.pixels, np.asarray(embedded.picture))


def test_a_network_learns_and_is_saved_with_what_was_measured(maker, tmp_path, monkeypatch, capsys):
    from safetensors import safe_open

    lessons = make_lessons(maker, 640, tagged=False)
    torch.manual_seed(0)
    net = DemoNet()
    study(net, lessons[:1], (3,), torch.Generator().manual_seed(0))
    losses = [float(line.split("loss")[1].split()[0]) for line in capsys.readouterr().out.splitlines() if "loss" in line]
    assert losses[-1] < 0.75 * losses[0]
    monkeypatch.setattr("training.train.SceneMaker", lambda *_: maker)
    monkeypatch.setattr("training.train.all_right", lambda *_: 0.5)
    save(net.eval(), "clean", 0, tmp_path)
    with safe_open(tmp_path / "clean.safetensors", "pt") as file:
        assert file.metadata()["held_out_one_digit"] == "0.5000"
        assert set(file.keys()) <= set(DemoNet().state_dict())
