"""How good the masks are: is a map's maximum on the object that was asked for, and how much of the map lies there?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import saliency
from saliency import nets
from saliency.core.target import Target
from saliency.demo.bands import METHODS, SMOOTH
from saliency.demo.scenes import Scene

Host = npt.NDArray[Any]


@dataclass(frozen=True)
class Question:
    """A scene, the digit that is asked for, and where it is: (96, 96)."""

    scene: Scene
    digit: int
    where: npt.NDArray[np.bool_]


def questions(scenes: Sequence[Scene]) -> list[Question]:
    """Ask for every digit of every scene."""
    return [Question(scene, digit, scene.mask(digit)) for scene in scenes for digit in scene.digits]


def inputs(network: nets.Network, asked: Sequence[Question]) -> list[Host]:
    """Return the questions' pictures as the network's inputs, N times (3, 96, 96) or (96, 96, 3); one array for one scene."""
    prepared = {question.scene.name: network.prepare(question.scene.picture) for question in asked}
    return [prepared[question.scene.name] for question in asked]


def answers(network: nets.Network, asked: Sequence[Question]) -> Host:
    """Return the network's score (a logit; above 0 is yes) for each digit that is asked for, (N,)."""
    adapter = saliency.wrap(network.model)
    logits = adapter.numpy(adapter.outputs(adapter.asarray(np.stack(inputs(network, asked))), Target(), {}))
    scores: Host = logits[np.arange(len(asked)), [question.digit for question in asked]]
    return scores


def maps(model: Any, network: nets.Network, asked: Sequence[Question], names: Sequence[str], seed: int) -> dict[str, Host]:
    """Compute maps of what speaks for the digits that are asked for.

    Args:
        model: that is asked.
        network: that prepares the pictures for it.
        asked: N questions.
        names: of ``METHODS``.
        seed: of the noise.

    Returns:
        Name -> (N, 96, 96): the magnitudes of a gradient's mask, summed over the colours; of any other, the positive part.
    """
    x, digits = inputs(network, asked), [question.digit for question in asked]
    found = {}
    for name in names:
        mask = METHODS[name](model)
        smooth = name.endswith(SMOOTH)  # the mean of the masks, not of their squares, which no plain map could be held against
        masks = mask.GetSmoothedMasks(x, digits, magnitude=False, seed=seed) if smooth else mask.GetMasks(x, digits)
        strengths = np.abs(masks) if mask.differentiates else np.maximum(masks, 0)
        found[name] = strengths.sum(axis=_colours(network)) if strengths.ndim == 4 else strengths
    return found


def controls(network: nets.Network, asked: Sequence[Question], seed: int) -> dict[str, Host]:
    """Compute maps that know nothing of the question: they show what a figure is worth.

    Returns:
        Name of the control -> (N, 96, 96): the picture's edges, random numbers, a map that is the same everywhere.
    """
    grey = np.stack(inputs(network, asked)).mean(axis=_colours(network))  # (N, 96, 96)
    return {
        "control: edges": np.hypot(np.gradient(grey, axis=1), np.gradient(grey, axis=2)),
        "control: random map": np.random.default_rng(seed).random(grey.shape),
        "control: uniform map": np.ones(grey.shape),
    }


def _colours(network: nets.Network) -> int:
    """Return the axis of the colours of a batch."""
    return 1 if network.channel_axis == 0 else 3


def on_object(strength: Host, where: npt.NDArray[np.bool_]) -> tuple[bool, float]:
    """Return whether a map's maximum is on the object, and the share of its sum that lies there, 0 to 1."""
    total = float(strength.sum())
    share = float(strength[where].sum()) / total if total > 0 else 0.0
    return bool(where.flat[int(strength.argmax())]), share


def table(found: Mapping[str, Mapping[str, Host]], where: Sequence[npt.NDArray[np.bool_]]) -> str:
    """Return a Markdown table: a row per map, with the rate of maxima on the object and the mean share there.

    Args:
        found: heading (which network) -> name of a map -> (N, 96, 96); the first has every name.
        where: the N objects.
    """
    suffixes = [f", {heading}" if heading else "" for heading in found]
    head = ["map", *(f"{figure}{suffix}" for suffix in suffixes for figure in ("maximum on the digit", "share on the digit"))]
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    for name in next(iter(found.values())):
        cells = [figure for maps in found.values() for figure in _figures(maps.get(name), where)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _figures(strengths: Host | None, where: Sequence[npt.NDArray[np.bool_]]) -> list[str]:
    if strengths is None:
        return ["", ""]
    hits, shares = zip(*(on_object(s, w) for s, w in zip(strengths, where, strict=True)), strict=True)
    return [f"{np.mean(hits):.0%}", f"{np.mean(shares):.0%}"]
