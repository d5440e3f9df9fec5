"""The methods of the demo's gallery: every method, and some of them with SmoothGrad."""

from collections.abc import Callable, Mapping
from functools import partial

import saliency

SMOOTHGRAD_SUFFIX = " + SmoothGrad"

GALLERY_SECTIONS: Mapping[str, Mapping[str, Callable[..., saliency.SaliencyMask]]] = {
    "Gradients with respect to pixels": {
        "Vanilla": saliency.Vanilla,
        "Vanilla + SmoothGrad": saliency.Vanilla,
        "InputXGradient": saliency.InputXGradient,
        "IntegratedGradients": saliency.IntegratedGradients,
        "GradientSHAP": partial(saliency.GradientSHAP, x_baseline=["blur", "min", "max", 0.0], seed=0),
        "DeepLIFT": saliency.DeepLIFT,
        "DeepSHAP": partial(saliency.DeepSHAP, x_baseline=["blur", "min", "max", 0.0]),
        "Deconvnet": saliency.Deconvnet,
        "GuidedBackprop": saliency.GuidedBackprop,
    },
    "Class activation maps of a layer": {
        "GradCAM": saliency.GradCAM,
        "GradCAM + SmoothGrad": saliency.GradCAM,
        "GradCAMPlusPlus": saliency.GradCAMPlusPlus,
        "XGradCAM": saliency.XGradCAM,
        "LayerCAM": saliency.LayerCAM,
        "HiResCAM": saliency.HiResCAM,
        "ScoreCAM": saliency.ScoreCAM,
    },
    "Perturbation methods and combinations": {
        "Occlusion": partial(saliency.Occlusion, size=15, stride=5, average=True),
        "RISE": partial(saliency.RISE, nmasks=400, seed=0),
        "GuidedGradCAM": saliency.GuidedGradCAM,
        "GuidedBackprop + SmoothGrad": saliency.GuidedBackprop,
        "IntegratedGradients + SmoothGrad": partial(saliency.IntegratedGradients, x_steps=3),
        "GuidedGradCAM + SmoothGrad": saliency.GuidedGradCAM,
        "Deconvnet + SmoothGrad": saliency.Deconvnet,
    },
}
"""Title of a section of the gallery -> name of a map -> its method, with options."""

METHODS = {name: method for band in GALLERY_SECTIONS.values() for name, method in band.items()}
