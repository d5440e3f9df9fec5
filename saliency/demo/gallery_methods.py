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
        "IntegratedGradients": saliency.IntegratedGradients,
        "GradientSHAP": partial(saliency.GradientSHAP, x_baseline=["blur", "min", "max", 0.0], seed=0),
        "DeepLIFT": saliency.DeepLIFT,
        "DeepSHAP": partial(saliency.DeepSHAP, x_baseline=["blur", "min", "max", 0.0]),
        "LRP": saliency.LRP,
        "GuidedIG": partial(saliency.GuidedIG, x_steps=50),
        "BlurIG": partial(saliency.BlurIG, x_steps=40),
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
        **({"XRAI": saliency.XRAI} if find_spec("skimage") else {}),
        "GuidedGradCAM": saliency.GuidedGradCAM,
        "GuidedBackprop + SmoothGrad": saliency.GuidedBackprop,
        "IntegratedGradients + SmoothGrad": partial(saliency.IntegratedGradients, x_steps=3),
        "GuidedGradCAM + SmoothGrad": saliency.GuidedGradCAM,
        "Deconvnet + SmoothGrad": saliency.Deconvnet,
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

TORCH_METHODS = ("LRP", "LeGrad")
"""Methods that need Torch."""

METHODS, TRANSFORMER_METHODS = (
    {name: method for section in sections.values() for name, method in section.items()}
    for sections in (GALLERY_SECTIONS, TRANSFORMER_SECTIONS)
)
