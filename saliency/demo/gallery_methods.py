"""The methods of the demo's gallery: every method, and some of them with SmoothGrad, on a network that it suits.

XRAI needs scikit-image.
"""

from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec

import saliency

SMOOTHGRAD_SUFFIX = " + SmoothGrad"

GALLERY_SECTIONS: Mapping[str, Mapping[str, Callable[..., saliency.SaliencyMask]]] = {
    "Gradients with respect to pixels": {
        "Vanilla": saliency.Vanilla,
        "Vanilla + SmoothGrad": saliency.Vanilla,
        "InputXGradient": saliency.InputXGradient,
        "Deconvnet": saliency.Deconvnet,
        "Deconvnet + SmoothGrad": saliency.Deconvnet,
        "GuidedBackprop": saliency.GuidedBackprop,
        "GuidedBackprop + SmoothGrad": saliency.GuidedBackprop,
    },
    "Shares of the score, or of its change from a baseline": {
        "IntegratedGradients": saliency.IntegratedGradients,
        "IntegratedGradients + SmoothGrad": partial(saliency.IntegratedGradients, x_steps=3),
        "GuidedIG": partial(saliency.GuidedIG, x_steps=50),
        "BlurIG": partial(saliency.BlurIG, x_steps=40),
        "GradientSHAP": partial(saliency.GradientSHAP, x_baseline=["blur", "min", "max", 0.0], seed=0),
        "DeepLIFT": saliency.DeepLIFT,
        "DeepSHAP": partial(saliency.DeepSHAP, x_baseline=["blur", "min", "max", 0.0]),
        "LRP": saliency.LRP,
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
    "Perturbation, segments, and a product of two methods": {
        "Occlusion": partial(saliency.Occlusion, size=15, stride=5, average=True),
        "RISE": partial(saliency.RISE, nmasks=400, seed=0),
        **({"XRAI": saliency.XRAI} if find_spec("skimage") else {}),
        "GuidedGradCAM": saliency.GuidedGradCAM,
        "GuidedGradCAM + SmoothGrad": saliency.GuidedGradCAM,
    },
}
"""Title of a section of DemoNet's gallery -> name of a map -> its method, with options."""

TRANSFORMER_SECTIONS: Mapping[str, Mapping[str, Callable[..., saliency.SaliencyMask]]] = {
    "Attention of all layers, and a layer's tokens": {
        "AttentionRelevance": saliency.AttentionRelevance,
        "AttentionRelevance + SmoothGrad": saliency.AttentionRelevance,
        "LeGrad": saliency.LeGrad,
        "AttentionRollout": saliency.AttentionRollout,
        "GradCAM": saliency.GradCAM,
    },
    "Gradients, relevance and perturbation": {
        "Vanilla + SmoothGrad": saliency.Vanilla,
        "IntegratedGradients": saliency.IntegratedGradients,
        "DeepLIFT": saliency.DeepLIFT,
        "LRP": partial(saliency.LRP, rule="attn-lrp"),
        "Occlusion": partial(saliency.Occlusion, size=16, stride=8, average=True),
    },
}
"""The same for DemoViT, a vision transformer."""

METHODS, TRANSFORMER_METHODS = (
    {name: method for section in sections.values() for name, method in section.items()}
    for sections in (GALLERY_SECTIONS, TRANSFORMER_SECTIONS)
)
