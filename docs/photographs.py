"""``python docs/photographs.py WEIGHTS``: draw the maps of three photographs by SqueezeNet's ImageNet weights."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from pictures import save_figure
from PIL import Image

import saliency
from saliency import nets

HERE = Path(__file__).parent
FOLDER = HERE / "images" / "photographs"
CLASSES = {"cat": (285, "Egyptian cat"), "coffee": (967, "espresso"), "rocket": (657, "missile")}
"""Photograph -> its class among ImageNet's, which is the network's top class, and the name of the class."""

WINDOW = {"size": 32, "stride": 8}
SUPERPIXELS = {"regions": "slic", "n_regions": 49, "value": "mean"}
HERO = "SmoothGrad", "Guided backpropagation", "Integrated gradients, smoothed", "Grad-CAM", "Occlusion"
FINE = (
    "Gradient",
    "SmoothGrad",
    "Guided backpropagation",
    "Integrated gradients",
    "Integrated gradients, smoothed",
    "GradientSHAP",
    "Guided IG",
    "Blur IG",
    "Guided Grad-CAM",
)
COARSE = "Grad-CAM", "Grad-CAM++", "LayerCAM, earlier layer", "Score-CAM", "Occlusion", "RISE"
REGIONS = "XRAI", "Feature ablation", "Shapley values", "Kernel SHAP", "LIME"

Compute = Callable[[Any, Sequence[Any], Sequence[int]], saliency.MaskArray]


def plain(method: Callable[..., saliency.SaliencyMask], **options: Any) -> Compute:
    """Return a function that computes the masks of N inputs for N classes."""
    return lambda model, x, y: method(model, **options).GetMasks(x, y)


def smoothed(method: Callable[..., saliency.SaliencyMask], **options: Any) -> Compute:
    """Return a function that computes the smoothed masks of N inputs for N classes."""
    return lambda model, x, y: method(model).GetSmoothedMasks(x, y, seed=0, **options)


METHODS: Mapping[str, Compute] = {
    "Gradient": plain(saliency.Vanilla),
    "SmoothGrad": smoothed(saliency.Vanilla, nsamples=50),
    "Guided backpropagation": plain(saliency.GuidedBackprop),
    "Integrated gradients": plain(saliency.IntegratedGradients, x_steps=50),
    "Integrated gradients, smoothed": smoothed(saliency.IntegratedGradients, nsamples=20, x_steps=10),
    "GradientSHAP": plain(saliency.GradientSHAP, x_steps=50, spread=0.1, seed=0),
    "Guided IG": plain(saliency.GuidedIG, x_steps=50),
    "Blur IG": plain(saliency.BlurIG, x_steps=50),
    "Guided Grad-CAM": plain(saliency.GuidedGradCAM),
    "Grad-CAM": plain(saliency.GradCAM),
    "Grad-CAM++": plain(saliency.GradCAMPlusPlus),
    "LayerCAM, earlier layer": plain(saliency.LayerCAM, layer="features.7"),
    "Score-CAM": plain(saliency.ScoreCAM),
    "Occlusion": plain(saliency.Occlusion, **WINDOW),
    "RISE": plain(saliency.RISE, nmasks=1000, seed=0),
    "XRAI": plain(saliency.XRAI),
    "Feature ablation": plain(saliency.FeatureAblation, **SUPERPIXELS),
    "Shapley values": plain(saliency.ShapleySampling, permutations=6, seed=0, **SUPERPIXELS),
    "Kernel SHAP": plain(saliency.KernelSHAP, nmasks=300, seed=0, **SUPERPIXELS),
    "LIME": plain(saliency.LIME, nmasks=300, seed=0, **SUPERPIXELS),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Write the images."""
    parser = argparse.ArgumentParser(prog="docs/photographs.py", description=__doc__.partition(": ")[2])
    parser.add_argument("weights", type=Path, help="weights of torchvision's squeezenet1_0, .safetensors")
    parser.add_argument("--out", type=Path, default=HERE / "images", help="output folder (default: docs/images)")
    options = parser.parse_args(argv)
    masks = compute_masks(load_network(options.weights), METHODS)
    for name, figure in draw_figures(masks).items():
        save_figure(figure, options.out / f"{name}.webp")
    return 0


def load_network(weights: Path) -> nets.Network:
    """Load SqueezeNet 1.0 with its weights."""
    from tests.torchvision_ops import declare

    declare()
    return nets.load("SqueezeNet1_0", weights)


def compute_masks(network: nets.Network, methods: Mapping[str, Compute]) -> dict[str, saliency.MaskArray]:
    """Compute the masks of the photographs by each method, (3, *mask)."""
    x = [network.prepare(Image.open(FOLDER / f"{name}.jpg")) for name in CLASSES]
    return {name: compute(network.model, x, [index for index, _ in CLASSES.values()]) for name, compute in methods.items()}


def draw_figures(masks: Mapping[str, saliency.MaskArray]) -> dict[str, Figure]:
    """Draw the figures of the README and of the gallery: name of the image -> figure."""
    draw = partial(saliency.figure, class_names=dict(CLASSES.values()), units=False, signed=False)
    return {
        "photograph": draw([masks[name][:1] for name in HERO], HERO, width=10),
        "photographs_fine": draw([masks[name] for name in FINE], FINE, width=11),
        "photographs_coarse": draw([masks[name] for name in COARSE], COARSE, width=9.5, overlay=True),
        "photographs_regions": draw([masks[name] for name in REGIONS], REGIONS, width=8.5, overlay=True),
    }


if __name__ == "__main__":
    sys.exit(main())
