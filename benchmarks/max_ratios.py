"""The bars of the tables: the largest acceptable ratios of our time to that of an alternative."""

from __future__ import annotations

from benchmarks.comparison import BEST, CAPTUM, DEFAULT, GRAD_CAM, KERAS_VIS, LIMIT, PAIR, QUANTUS, ZENNIT

BARE_PASSES = 1.03
"""To the bare passes, for methods that do little else."""

CHANNELS_LAST = 0.85
"""To the bare passes, if a channels-last model and inputs reduce the time of the bare passes themselves to this ratio."""

CAM = 1.05
"""To a bare forward pass, or for Guided Grad-CAM to a forward and a backward pass."""

SEVERAL_TARGETS = {"DemoNet": 0.75, "ResNet-18": 0.70}
"""To bare passes of the repeated image, for several targets of one image; 0.65 for other networks."""

TRANSFORMERS = ("DemoViT", "ViT-B/16")
TRANSFORMER = 1.0
"""To the bare passes of a transformer, whose last layer is computed for the class token only."""

TRANSFORMER_OCCLUSION = 0.75

LRP_EPSILON, LRP, LRP_ZENNIT = 1.25, 2.2, 0.7
"""To a bare forward and backward pass for LRP with the epsilon rule, and with others; and to zennit."""

SMALL_CAM = 1.15
"""To a bare forward pass of a small network, for Grad-CAM."""

OCCLUSION = {"VGG-16": 0.20, "SqueezeNet1_0": 0.32, "ResNet-18": 0.42}
"""To batched forward passes and to Captum, for windows of 16 pixels with stride 8 or 4."""

TF_OCCLUSION = {"VGG-16": 0.25, "SqueezeNet1_0": 0.35, "ResNet-18": 0.55, "DemoNet": 1.0}
"""The same in TensorFlow, to batched forward passes."""

TF_SMALL_GRADCAM, TF_SMALL_SMOOTHGRAD = 1.30, 1.05
"""To bare passes of the bundled network in TensorFlow, where a call costs as much as some of its layers."""

MEMORY_GROWTH = 1.02
"""Of the peak memory with twenty times the steps or samples to the peak with few."""

VANILLA = {CAPTUM: 0.9}
MULTI_PASS = {CAPTUM: 0.9, DEFAULT: 0.7}
OTHER_LIBRARIES = {KERAS_VIS: 0.5, PAIR: 0.5}
COMPLETENESS_GAP = {CAPTUM: 0.5, PAIR: 0.5}
GRADCAM = {LIMIT: CAM, BEST: CAM, GRAD_CAM: 0.4}
DEEP_LIFT = {CAPTUM: 1.0}
ROLLOUT, RELEVANCE = {LIMIT: 1.1}, {LIMIT: 1.3}
BLUR_IG, GUIDED_IG, SEVERAL_GUIDED_PATHS = {PAIR: 0.6}, {PAIR: 0.9}, {PAIR: 0.4}
XRAI, XRAI_REGIONS = {PAIR: 0.5}, {PAIR: 0.15}
REGIONS = {LIMIT: 1.1, BEST: 1.1, CAPTUM: 0.7}
CURVES = {LIMIT: 1.1, BEST: 1.1, QUANTUS: 0.25}
PIC = {PAIR: 0.1}
RISE = {LIMIT: 0.25}
GUIDED_GRADCAM = {LIMIT: CAM, CAPTUM: 0.7}


def for_lrp(rule: str) -> dict[str, float]:
    """Return the bars of a composite of LRP: one that needs two or three convolutions a layer may take longer."""
    return {LIMIT: LRP_EPSILON if rule in ("epsilon", "attn-lrp") else LRP, ZENNIT: LRP_ZENNIT}


def for_targets(network: str) -> dict[str, float]:
    """Return the bars of several targets of one image."""
    return {LIMIT: SEVERAL_TARGETS.get(network, 0.65)}


def for_grad_cam(network: str) -> dict[str, float]:
    """Return the bars of Grad-CAM."""
    return GRADCAM | ({LIMIT: SMALL_CAM} if network == "DemoNet" else {})


def for_bare_passes(bar: float) -> dict[str, float]:
    """Return the bars of a method that does little more than bare passes."""
    return {LIMIT: bar, BEST: bar}


def for_occlusion(network: str, size: int) -> dict[str, float]:
    """Return the bars of Occlusion with windows of ``size`` pixels on a network."""
    if network in TRANSFORMERS:
        return {LIMIT: TRANSFORMER_OCCLUSION}
    bar = OCCLUSION.get(network) if size == 16 else None
    return {LIMIT: bar, CAPTUM: bar} if bar else {}


def for_tf_gradcam(network: str) -> dict[str, float]:
    """Return the bars of GradCAM in TensorFlow."""
    return GRADCAM | ({LIMIT: TF_SMALL_GRADCAM, BEST: TF_SMALL_GRADCAM} if network == "DemoNet" else {})


def for_tf_smoothgrad(network: str) -> dict[str, float]:
    """Return the bars of SmoothGrad in TensorFlow."""
    return for_bare_passes(TF_SMALL_SMOOTHGRAD if network == "DemoNet" else BARE_PASSES) | OTHER_LIBRARIES


def for_tf_occlusion(network: str, size: int) -> dict[str, float]:
    """Return the bars of Occlusion in TensorFlow."""
    return {LIMIT: TF_OCCLUSION[network]} if size == 16 and network in TF_OCCLUSION else {}
