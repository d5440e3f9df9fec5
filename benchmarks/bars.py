"""What the ratios should not exceed."""

from __future__ import annotations

from benchmarks.row import BEST, CAPTUM, DEFAULT, GRAD_CAM, KERAS_VIS, LIMIT, PAIR

PASSES = 1.03
"""Of the bare passes, for what does little else."""

CHANNELS_LAST = 0.85
"""Of the bare passes, where these take no more of their time themselves when the model and its inputs are channels-last."""

CAM = 1.05
"""Of a bare forward pass, or of a forward and a backward pass for Guided Grad-CAM."""

TARGETS = 0.65
"""Of the image repeated, for several targets of it."""

OCCLUSION = {"VGG-16": 0.20, "SqueezeNet1_0": 0.32, "ResNet-18": 0.42}
"""Of the batched forward passes, and of Captum, at 16/8 and 16/4."""

FLAT = 1.02
"""Peak memory of twenty times the steps or samples, to that of the few."""

VANILLA = {CAPTUM: 0.9}
MANY = {CAPTUM: 0.9, DEFAULT: 0.7}
OTHERS = {KERAS_VIS: 0.5, PAIR: 0.5}
GAP = {CAPTUM: 0.5, PAIR: 0.5}
GRADCAM = {LIMIT: CAM, BEST: CAM, GRAD_CAM: 0.4}
GUIDED_GRADCAM = {LIMIT: CAM, CAPTUM: 0.7}


def passes(bar: float) -> dict[str, float]:
    """Return the bars of what does little else than bare passes."""
    return {LIMIT: bar, BEST: bar}


def occlusion(network: str, size: int) -> dict[str, float]:
    """Return the bars of Occlusion on a network."""
    bar = OCCLUSION.get(network) if size == 16 else None
    return {LIMIT: bar, CAPTUM: bar} if bar else {}
