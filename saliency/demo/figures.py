"""How good the masks are: is a map's maximum on the object that was asked for, and how much of the map lies there?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

import saliency
from saliency import nets
from saliency.demo.scenes import Scene
from saliency.nets.demo_net import DemoNet

Host = npt.NDArray[Any]
METHODS: Mapping[str, type[saliency.SaliencyMask]] = {
    "Vanilla": saliency.Vanilla,
    "GuidedBackprop": saliency.GuidedBackprop,
    "Deconvnet": saliency.Deconvnet,
}
SMOOTH = " + SmoothGrad"


@dataclass(frozen=True)
class Question:
    """A scene, the digit that is asked for, and where it is: (96, 96)."""

    scene: Scene
    digit: int
    where: npt.NDArray[np.bool_]


def questions(scenes: Sequence[Scene]) -> list[Question]:
    """Ask for every digit of every scene."""
    return [Question(scene, digit, scene.mask(digit)) for scene in scenes for digit in scene.digits]


def inputs(network: nets.Network, asked: Sequence[Question]) -> Host:
    """Return the questions' pictures as the network's inputs, (N, 3, 96, 96)."""
    return np.stack([network.prepare(question.scene.picture) for question in asked])


def answers(network: nets.Network, asked: Sequence[Question]) -> Host:
    """Return the network's score (a logit; above 0 is yes) for each digit that is asked for, (N,)."""
    with torch.no_grad():
        logits = network.model(torch.tensor(inputs(network, asked))).numpy()
    scores: Host = logits[np.arange(len(asked)), [question.digit for question in asked]]
    return scores


def maps(network: nets.Network, asked: Sequence[Question], names: Sequence[str], seed: int) -> dict[str, Host]:
    """Compute maps, each the sum of a mask's magnitudes over the colours.

    Args:
        network: that is asked.
        asked: N questions.
        names: of ``METHODS``, alone or with ``" + SmoothGrad"`` behind.
        seed: of the noise.

    Returns:
        Name -> (N, 96, 96).
    """
    x, digits = inputs(network, asked), [question.digit for question in asked]
    found = {}
    for name in names:
        method = name.removesuffix(SMOOTH)
        mask = METHODS[method](network.model)
        smooth = name.endswith(SMOOTH)  # the mean of the masks, not of their squares, which no plain map could be held against
        masks = mask.GetSmoothedMasks(x, digits, magnitude=False, seed=seed) if smooth else mask.GetMasks(x, digits)
        found[name] = np.abs(masks).sum(axis=1)
    return found


def controls(network: nets.Network, asked: Sequence[Question], seed: int) -> dict[str, Host]:
    """Compute maps that know nothing of the question: they show what a figure is worth.

    Returns:
        Name of the control -> (N, 96, 96): an untrained network's gradient, the picture's edges, random numbers.
    """
    x, digits = inputs(network, asked), [question.digit for question in asked]
    with torch.random.fork_rng([]):
        torch.default_generator.manual_seed(seed)
        untrained = DemoNet()
    grey = x.mean(axis=1)  # (N, 96, 96)
    return {
        "control: random weights": np.abs(saliency.Vanilla(untrained).GetMasks(x, digits)).sum(axis=1),
        "control: edges": np.hypot(np.gradient(grey, axis=1), np.gradient(grey, axis=2)),
        "control: random map": np.random.default_rng(seed).random(grey.shape),
    }


def on_object(strength: Host, where: npt.NDArray[np.bool_]) -> tuple[bool, float]:
    """Return whether a map's maximum is on the object, and the share of its sum that lies there, 0 to 1."""
    total = float(strength.sum())
    share = float(strength[where].sum()) / total if total > 0 else 0.0
    return bool(where.flat[int(strength.argmax())]), share


def table(found: Mapping[str, Host], where: Sequence[npt.NDArray[np.bool_]]) -> str:
    """Return a Markdown table: a row per map, with the rate of maxima on the object and the mean share there."""
    lines = ["| map | maximum on the digit | share on the digit |", "|---|---:|---:|"]
    for name, strengths in found.items():
        hits, shares = zip(*(on_object(s, w) for s, w in zip(strengths, where, strict=True)), strict=True)
        lines.append(f"| {name} | {np.mean(hits):.0%} | {np.mean(shares):.0%} |")
    area = float(np.mean([w.mean() for w in where]))
    return "\n".join([*lines, f"| (a uniform map) | | {area:.0%} |", ""])
