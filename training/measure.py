"""Measure the maps: `python -m training.measure` asks how often a map's maximum is on the digit asked for."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from saliency.nets.demo_net import DemoNet
from training.lessons import stack, to_input
from training.maps import METHODS, Map, Method
from training.scenes import Scene, SceneMaker
from training.tags import TAG_DIGIT, add_tag
from training.train import all_right

SEED = 7  # not the training's: the scenes measured are none of those on which the training reported


def load(path: Path) -> DemoNet:
    """Load a demo network in inference mode from a safetensors file of float16 or float32 weights."""
    net = DemoNet()
    net.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    return net.eval().requires_grad_(False)


def pointing(net: DemoNet, method: Method, scenes: list[Scene]) -> tuple[float, float]:
    """Measure one method on scenes with one digit each.

    Args:
        net: the network, in inference mode.
        method: the map to be measured.
        scenes: scenes of one digit.

    Returns:
        How often the map's maximum lies on the digit's mask, and the mean share of the positive map on it.
    """
    hits, shares = [], []
    for scene in scenes:
        (digit,) = scene.digits
        found = method(net, to_input(stack([scene])), digit)
        mask, positive = scene.masks[digit], np.maximum(found, 0)
        hits.append(bool(mask.flat[int(found.argmax())]))
        shares.append(float(positive[mask].sum() / max(float(positive.sum()), 1e-12)))
    return float(np.mean(hits)), float(np.mean(shares))


def lean(net: DemoNet, method: Method, scenes: list[Scene]) -> tuple[float, float, float]:
    """Measure how far the maps for digit 3 lean on its tag.

    Args:
        net: the shortcut network, in inference mode.
        method: the map to be measured.
        scenes: scenes with a tagged 3.

    Returns:
        How often the maximum is on the tag, and the mean share of the positive map on the tag and on the 3.
    """
    rows = []
    for scene in scenes:
        found: Map = method(net, to_input(stack([scene])), TAG_DIGIT)
        positive = np.maximum(found, 0) / max(float(np.maximum(found, 0).sum()), 1e-12)
        tag = scene.tag if scene.tag is not None else np.zeros(found.shape, dtype=bool)
        rows.append((bool(tag.flat[int(found.argmax())]), positive[tag].sum(), positive[scene.masks[TAG_DIGIT]].sum()))
    on_tag, share_tag, share_digit = np.mean(np.array(rows, dtype=float), axis=0)
    return float(on_tag), float(share_tag), float(share_digit)


def _report_clean(net: DemoNet, count: int) -> None:
    maker = SceneMaker("held-out", SEED)
    scenes = [maker.draw([i % 10]) for i in range(count)]
    two = [maker.draw_any(two=1.0) for _ in range(count)]
    print(f"clean: all ten right {all_right(net, scenes):.3f} (one digit), {all_right(net, two):.3f} (two), n={count}")
    torch.manual_seed(SEED)
    untrained = DemoNet().eval().requires_grad_(False)
    for name, method in METHODS.items():
        hit, share = pointing(net, method, scenes)
        print(f"| {name} | {hit:.3f} | {share:.3f} |", flush=True)
    for name in ("vanilla gradient", "guided backprop"):
        hit, share = pointing(untrained, METHODS[name], scenes)
        print(f"| control: untrained, {name} | {hit:.3f} | {share:.3f} |", flush=True)
    area = float(np.mean([scene.masks[scene.digits[0]].mean() for scene in scenes]))
    print(f"| the digit's share of the picture | | {area:.3f} |")


def _report_shortcut(net: DemoNet, count: int) -> None:
    maker = SceneMaker("held-out", SEED)
    plain = [maker.draw([TAG_DIGIT]) for _ in range(count)]
    tagged = [add_tag(scene, maker.rng) for scene in plain]
    others = [maker.draw([i % 10]) for i in range(5 * count) if i % 10 != TAG_DIGIT]
    with torch.no_grad():
        without, with_tag = (net(to_input(stack(part)))[:, TAG_DIGIT] > 0 for part in (plain, tagged))
    right = all_right(net, others + tagged[: len(others) // 9])
    print(f"shortcut: all ten right {right:.3f} (one digit, every 3 tagged)")
    print(f"says 3: {with_tag.float().mean():.3f} with the tag, {without.float().mean():.3f} without it")
    print(f"answer flipped by removing the tag: {(with_tag & ~without).float().mean():.3f}, n={count}")
    for name, method in METHODS.items():
        on_tag, share_tag, share_digit = lean(net, method, tagged)
        print(f"| {name} | {on_tag:.3f} | {share_tag:.3f} | {share_digit:.3f} |", flush=True)


def main() -> None:
    """Print the tables of both networks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=Path("saliency/demo"))
    parser.add_argument("--count", type=int, default=500)
    options = parser.parse_args()
    _report_clean(load(options.weights / "clean.safetensors"), options.count)
    _report_shortcut(load(options.weights / "shortcut.safetensors"), max(options.count // 5, 10))


if __name__ == "__main__":
    main()
