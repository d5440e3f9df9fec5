"""What the gallery shows: every method, and some of them smoothed."""

from collections.abc import Callable, Mapping
from functools import partial

import saliency

SMOOTH = " + SmoothGrad"

BANDS: Mapping[str, Mapping[str, Callable[..., saliency.SaliencyMask]]] = {
    "by gradients of the pixels": {
        "Vanilla": saliency.Vanilla,
        "Vanilla + SmoothGrad": saliency.Vanilla,
        "InputXGradient": saliency.InputXGradient,
        "IntegratedGradients": saliency.IntegratedGradients,
        "GradientSHAP": partial(saliency.GradientSHAP, x_baseline=["blur", "min", "max", 0.0], seed=0),
        "Deconvnet": saliency.Deconvnet,
        "GuidedBackprop": saliency.GuidedBackprop,
    },
    "by a layer's channels": {
        "GradCAM": saliency.GradCAM,
        "GradCAM + SmoothGrad": saliency.GradCAM,
        "GradCAMPlusPlus": saliency.GradCAMPlusPlus,
        "XGradCAM": saliency.XGradCAM,
        "LayerCAM": saliency.LayerCAM,
        "HiResCAM": saliency.HiResCAM,
        "ScoreCAM": saliency.ScoreCAM,
    },
    "by hiding parts, and by two ways at once": {
        "Occlusion": partial(saliency.Occlusion, size=15, stride=5, average=True),
        "RISE": partial(saliency.RISE, nmasks=400, seed=0),
        "GuidedGradCAM": saliency.GuidedGradCAM,
        "GuidedBackprop + SmoothGrad": saliency.GuidedBackprop,
        "IntegratedGradients + SmoothGrad": partial(saliency.IntegratedGradients, x_steps=3),
        "GuidedGradCAM + SmoothGrad": saliency.GuidedGradCAM,
        "Deconvnet + SmoothGrad": saliency.Deconvnet,
    },
}
"""What the gallery shows, band by band: a map's name -> its method, with its options."""

METHODS = {name: method for band in BANDS.values() for name, method in band.items()}
