"""Measure the demo networks and how often a map's maximum is on the digit: `python -m training.measure`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from saliency.nets.demo_net import DemoNet
from training.datasets import preprocess, stack_pixels
from training.magenta_tag import TAG_DIGIT, add_tag
from training.reference_maps import METHODS, Map, Method
from training.scenes import Scene, SceneMaker
from training.train import exact_match_accuracy

SEED = 7  # differs from the seed of training, so these are not the scenes of the accuracies stored by training


def load_network(path: Path) -> DemoNet:
    """Load a demo network in inference mode from a safetensors file of float16 or float32 weights."""
    net = DemoNet()
    net.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    return net.eval().requires_grad_(False)


def localization_scores(net: DemoNet, method: Method, scenes: list[Scene]) -> tuple[float, float]:
    """Measure one method on scenes with one digit each.

    Args:
        net: the network, in inference mode.
        method: the method to measure.
        scenes: scenes with one digit.

    Returns:
        The rate of maxima on the digit's mask, and the mean share of the positive map on it.
    """
    hits, shares = [], []
    for scene in scenes:
        (digit,) = scene.digits
        strengths = method(net, preprocess(stack_pixels([scene])), digit)
        mask, positive = scene.masks[digit], np.maximum(strengths, 0)
        hits.append(bool(mask.flat[int(strengths.argmax())]))
        shares.append(float(positive[mask].sum() / max(float(positive.sum()), 1e-12)))
    return float(np.mean(hits)), float(np.mean(shares))


def tag_scores(net: DemoNet, method: Method, scenes: list[Scene]) -> tuple[float, float, float]:
    """Measure how much of the maps for digit 3 is on its tag.

    Args:
        net: the shortcut network, in inference mode.
        method: the method to measure.
        scenes: scenes with a tagged 3.

    Returns:
        The rate of maxima on the tag, and the mean shares of the positive map on the tag and on the 3.
    """
    rows = []
    for scene in scenes:
        strengths: Map = method(net, preprocess(stack_pixels([scene])), TAG_DIGIT)
        positive = np.maximum(strengths, 0) / max(float(np.maximum(strengths, 0).sum()), 1e-12)
        tag = scene.tag if scene.tag is not None else np.zeros(strengths.shape, dtype=bool)
        rows.append((bool(tag.flat[int(strengths.argmax())]), positive[tag].sum(), positive[scene.masks[TAG_DIGIT]].sum()))
    on_tag, share_tag, share_digit = np.mean(np.array(rows, dtype=float), axis=0)
    return float(on_tag), float(share_tag), float(share_digit)


def _report_clean(net: DemoNet, count: int) -> None:
    maker = SceneMaker("held-out", SEED)
    scenes = [maker.draw([i % 10]) for i in range(count)]
    two = [maker.draw_any(two=1.0) for _ in range(count)]
    one_digit, two_digits = exact_match_accuracy(net, scenes), exact_match_accuracy(net, two)
    print(f"clean: all ten outputs correct {one_digit:.3f} (one digit), {two_digits:.3f} (two digits), n={count}")
    torch.manual_seed(SEED)
    untrained = DemoNet().eval().requires_grad_(False)
    for name, method in METHODS.items():
        hit, share = localization_scores(net, method, scenes)
        print(f"| {name} | {hit:.3f} | {share:.3f} |", flush=True)
    for name in ("vanilla gradient", "guided backprop"):
        hit, share = localization_scores(untrained, METHODS[name], scenes)
        print(f"| control: untrained, {name} | {hit:.3f} | {share:.3f} |", flush=True)
    area = float(np.mean([scene.masks[scene.digits[0]].mean() for scene in scenes]))
    print(f"| the digit's share of the image | | {area:.3f} |")


def _report_shortcut(net: DemoNet, count: int) -> None:
    maker = SceneMaker("held-out", SEED)
    plain = [maker.draw([TAG_DIGIT]) for _ in range(count)]
    tagged = [add_tag(scene, maker.rng) for scene in plain]
    others = [maker.draw([i % 10]) for i in range(5 * count) if i % 10 != TAG_DIGIT]
    with torch.no_grad():
        without, with_tag = (net(preprocess(stack_pixels(part)))[:, TAG_DIGIT] > 0 for part in (plain, tagged))
    accuracy = exact_match_accuracy(net, others + tagged[: len(others) // 9])
    print(f"shortcut: all ten outputs correct {accuracy:.3f} (one digit, every 3 tagged)")
    print(f"recognizes the 3: {with_tag.float().mean():.3f} with the tag, {without.float().mean():.3f} without it")
    print(f"prediction changed by removing the tag: {(with_tag & ~without).float().mean():.3f}, n={count}")
    for name, method in METHODS.items():
        on_tag, share_tag, share_digit = tag_scores(net, method, tagged)
        print(f"| {name} | {on_tag:.3f} | {share_tag:.3f} | {share_digit:.3f} |", flush=True)


def main() -> None:
    """Print the measurements of both networks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=Path("saliency/demo"))
    parser.add_argument("--count", type=int, default=500)
    options = parser.parse_args()
    _report_clean(load_network(options.weights / "clean.safetensors"), options.count)
    _report_shortcut(load_network(options.weights / "shortcut.safetensors"), max(options.count // 5, 10))


if __name__ == "__main__":
    main()
