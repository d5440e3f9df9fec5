"""Measure how well maps find a digit: whether the maximum is on the digit, and the share of the map on it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import saliency
from saliency import nets
from saliency.core.adapter_request import Request
from saliency.core.target import Target
from saliency.demo.gallery_methods import METHODS, SMOOTHGRAD_SUFFIX
from saliency.demo.scenes import Scene

NumpyArray = npt.NDArray[Any]


@dataclass(frozen=True)
class SceneTarget:
    """Hold a scene and the digit to explain.

    Args:
        scene: the scene.
        digit: the digit, which is the network's class.
        object_mask: (96, 96), True on the object that a map should highlight.
    """

    scene: Scene
    digit: int
    object_mask: npt.NDArray[np.bool_]


def scene_targets(scenes: Sequence[Scene]) -> list[SceneTarget]:
    """Return a target for every digit of every scene."""
    return [SceneTarget(scene, digit, scene.mask(digit)) for scene in scenes for digit in scene.digits]


def prepare_inputs(network: nets.Network, targets: Sequence[SceneTarget]) -> list[NumpyArray]:
    """Return the network's inputs for N targets, each (3, 96, 96) or (96, 96, 3); targets of one scene share an array."""
    prepared = {target.scene.name: network.prepare(target.scene.picture) for target in targets}
    return [prepared[target.scene.name] for target in targets]


def target_logits(network: nets.Network, targets: Sequence[SceneTarget]) -> NumpyArray:
    """Return the network's logit for the digit of each target, (N,); above 0 the network recognizes the digit."""
    adapter = saliency.wrap(network.model)
    logits = adapter.numpy(adapter.outputs(adapter.asarray(np.stack(prepare_inputs(network, targets))), Request(Target())))
    scores: NumpyArray = logits[np.arange(len(targets)), [target.digit for target in targets]]
    return scores


def compute_maps(
    model: Any,
    network: nets.Network,
    targets: Sequence[SceneTarget],
    names: Sequence[str],
    seed: int,
    methods: Mapping[str, Callable[..., saliency.SaliencyMask]] = METHODS,
) -> dict[str, NumpyArray]:
    """Compute maps of the evidence for the targets' digits.

    Args:
        model: the model to explain.
        network: the network whose preprocessing the model needs.
        targets: N targets.
        names: names in ``methods``.
        seed: random seed of the noise.
        methods: name -> method.

    Returns:
        Name -> (N, 96, 96): for a gradient method the magnitude, summed over color channels; for others the positive part.
    """
    x, digits = prepare_inputs(network, targets), [target.digit for target in targets]
    maps = {}
    for name in names:
        mask = methods[name](model)
        smooth = name.endswith(SMOOTHGRAD_SUFFIX)  # the mean of masks, not of squares, to be comparable with plain maps
        masks = mask.GetSmoothedMasks(x, digits, magnitude=False, seed=seed) if smooth else mask.GetMasks(x, digits)
        strengths = np.abs(masks) if mask.differentiates else np.maximum(masks, 0)
        maps[name] = strengths.sum(axis=_color_axis(network)) if strengths.ndim == 4 else strengths
    return maps


def control_maps(network: nets.Network, targets: Sequence[SceneTarget], seed: int) -> dict[str, NumpyArray]:
    """Compute control maps, which do not depend on the network, as a reference for the scores of other maps.

    Returns:
        Name of the control -> (N, 96, 96): the image's edges, random numbers, a constant map.
    """
    gray = np.stack(prepare_inputs(network, targets)).mean(axis=_color_axis(network))  # (N, 96, 96)
    return {
        "control: edges": np.hypot(np.gradient(gray, axis=1), np.gradient(gray, axis=2)),
        "control: random map": np.random.default_rng(seed).random(gray.shape),
        "control: uniform map": np.ones(gray.shape),
    }


def _color_axis(network: nets.Network) -> int:
    """Return the axis of the color channels of a batch."""
    return 1 if network.channel_axis == 0 else 3


def localization_scores(strength: NumpyArray, object_mask: npt.NDArray[np.bool_]) -> tuple[bool, float]:
    """Return whether a map's maximum is on the object, and the share of its sum on the object, 0 to 1."""
    total = float(strength.sum())
    share = float(strength[object_mask].sum()) / total if total > 0 else 0.0
    return bool(object_mask.flat[int(strength.argmax())]), share


def localization_table(
    maps_by_network: Mapping[str, Mapping[str, NumpyArray]], object_masks: Sequence[npt.NDArray[np.bool_]]
) -> str:
    """Return a Markdown table with a row per map: the rate of maxima on the object, and the mean share on the object.

    Args:
        maps_by_network: network, added to the column headings -> name of a map -> (N, 96, 96). The first network has all maps.
        object_masks: masks of the N objects, (96, 96).
    """
    suffixes = [f", {heading}" if heading else "" for heading in maps_by_network]
    head = ["map", *(f"{figure}{suffix}" for suffix in suffixes for figure in ("maximum on the digit", "share on the digit"))]
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    for name in next(iter(maps_by_network.values())):
        cells = [figure for maps in maps_by_network.values() for figure in _table_cells(maps.get(name), object_masks)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _table_cells(strengths: NumpyArray | None, object_masks: Sequence[npt.NDArray[np.bool_]]) -> list[str]:
    if strengths is None:
        return ["", ""]
    hits, shares = zip(*(localization_scores(s, w) for s, w in zip(strengths, object_masks, strict=True)), strict=True)
    return [f"{np.mean(hits):.0%}", f"{np.mean(shares):.0%}"]
