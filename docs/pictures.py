"""``python docs/pictures.py``: write the documentation's images, from the bundled networks and scenes."""

import argparse
import importlib.util
import io
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

import saliency
from saliency import nets
from saliency.demo.gallery import draw_gallery
from saliency.demo.gallery_methods import METHODS, TRANSFORMER_METHODS
from saliency.demo.localization import NumpyArray, SceneTarget, prepare_inputs, scene_targets
from saliency.demo.scenes import load_scenes

HERE = Path(__file__).parent
SCENE = "scene_17"  # a 3 and an 8
METHOD_PAGES = {
    "vanilla": "Vanilla",
    "guided_backprop": "GuidedBackprop",
    "deconvnet": "Deconvnet",
    "integrated_gradients": "IntegratedGradients",
    "input_x_gradient": "InputXGradient",
    "gradient_shap": "GradientSHAP",
    "deep_lift": "DeepLIFT",
    "deep_shap": "DeepSHAP",
    "guided_ig": "GuidedIG",
    "blur_ig": "BlurIG",
    "xrai": "XRAI",
    "occlusion": "Occlusion",
    "rise": "RISE",
    "grad_cam": "GradCAM",
    "grad_cam_plus_plus": "GradCAMPlusPlus",
    "xgrad_cam": "XGradCAM",
    "layer_cam": "LayerCAM",
    "hires_cam": "HiResCAM",
    "score_cam": "ScoreCAM",
    "guided_grad_cam": "GuidedGradCAM",
    "lrp": "LRP",
    "attention_relevance": "AttentionRelevance",
    "attention_rollout": "AttentionRollout",
    "legrad": "LeGrad",
}
"""A method's page -> its name in ``saliency.demo.gallery_methods``."""

REGION_PAGES = {
    "feature_ablation": saliency.FeatureAblation,
    "shapley_sampling": partial(saliency.ShapleySampling, permutations=6, seed=0),
    "kernel_shap": partial(saliency.KernelSHAP, nmasks=300, seed=0),
    "lime": partial(saliency.LIME, nmasks=300, seed=0),
    "sobol_indices": partial(saliency.SobolIndices, ndesigns=8, seed=0),
    "hsic": partial(saliency.HSIC, nmasks=300, seed=0),
}
"""Page of a method that explains regions -> its method; one image shows them all."""

SPREADS = (0.05, 0.15, 0.4)
MODULES = {"steering.png": "saliency.demo.steering", "report.webp": "benchmarks.report_page"}
"""Image -> the module that writes it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the images; with ``--methods`` only those of the methods' pages."""
    parser = argparse.ArgumentParser(prog="docs/pictures.py", description=__doc__.partition(": ")[2])
    parser.add_argument("--out", type=Path, default=HERE / "images", help="output folder (default: docs/images)")
    weights = "weights of torchvision's squeezenet1_0, .safetensors, for maps of photographs (default: leave them unchanged)"
    parser.add_argument("--squeezenet", type=Path, metavar="FILE", help=weights)
    parser.add_argument("--methods", action="store_true", help="write only the images of the methods' pages")
    options = parser.parse_args(argv)
    (options.out / "methods").mkdir(parents=True, exist_ok=True)
    write_method_images(options.out / "methods")
    write_region_image(options.out / "regions.webp")
    if not options.methods:
        write_demo_images(options.out)
        write_module_images(options.out)
        write_photographs(options.out, options.squeezenet)
    return 0


def write_method_images(out: Path) -> None:
    """Draw each method plain, with SmoothGrad, and on a network with random weights; and SmoothGrad for several noises."""
    networks = {name: nets.load(name, framework="torch") for name in ("DemoNet", "DemoViT")}
    random = {name: nets.untrained(0, "torch", name) for name in networks}
    network = networks["DemoNet"]
    targets = [target for target in scene_targets(load_scenes()) if target.scene.name == SCENE]
    x = prepare_inputs(network, targets)
    for page, name in METHOD_PAGES.items():
        suitable = "DemoNet" if name in METHODS else "DemoViT"
        maps = {
            "plain": compute_strengths(name, networks[suitable].model, x, targets),
            "SmoothGrad": compute_strengths(name, networks[suitable].model, x, targets, 0.15),
            "random weights": compute_strengths(name, random[suitable], x, targets),
        }
        save_figure(draw_targets(targets, maps), out / f"{page}.webp")
    noisy = {f"noise {spread:.0%}": compute_strengths("Vanilla", network.model, x, targets, spread) for spread in SPREADS}
    maps = {"plain": compute_strengths("Vanilla", network.model, x, targets), **noisy}
    save_figure(draw_targets(targets, maps), out / "smoothgrad.webp")


def write_region_image(path: Path) -> None:
    """Draw every method that explains regions, for the two digits of a scene divided into superpixels."""
    network = nets.load("DemoNet", framework="torch")
    targets = [target for target in scene_targets(load_scenes()) if target.scene.name == SCENE]
    x, digits = prepare_inputs(network, targets), [target.digit for target in targets]
    masks = [method(network.model, regions="slic", n_regions=25).GetMasks(x, digits) for method in REGION_PAGES.values()]
    save_figure(saliency.figure(masks), path)


def compute_strengths(
    name: str, model: Any, x: Sequence[NumpyArray], targets: Sequence[SceneTarget], spread: float = 0.0
) -> NumpyArray:
    """Compute a method's maps of N targets, (N, 96, 96): magnitudes for gradient methods, positive parts for others.

    Args:
        name: name in ``METHODS``, or in ``TRANSFORMER_METHODS`` for a method that needs a transformer.
        model: the model to explain.
        x: an input for each target, (3, 96, 96).
        targets: N targets.
        spread: standard deviation of SmoothGrad's noise, as a fraction of the input's range; 0 for the plain map.
    """
    mask, digits = (TRANSFORMER_METHODS | METHODS)[name](model), [target.digit for target in targets]
    with warnings.catch_warnings():  # zero gradients are expected of random weights
        warnings.simplefilter("ignore", saliency.ZeroGradientWarning)
        if spread:
            masks = mask.GetSmoothedMasks(x, digits, stdev_spread=spread, magnitude=False, seed=0)
        else:
            masks = mask.GetMasks(x, digits)
    strengths = np.abs(masks) if mask.differentiates else np.maximum(masks, 0)
    return strengths.sum(axis=1) if strengths.ndim == 4 else strengths


def draw_targets(targets: Sequence[SceneTarget], maps: Mapping[str, NumpyArray]) -> Figure:
    """Draw a row for each target, without a heading."""
    figure = draw_gallery(targets, [f"target: {target.digit}" for target in targets], {"": maps}, "")
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height - 0.7)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as a WebP image."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=110, bbox_inches="tight", pad_inches=0.03)
    save_webp(Image.open(buffer), path)


def save_webp(picture: Image.Image, path: Path) -> None:
    """Write an image in WebP format and print its size."""
    picture.convert("RGB").save(path, quality=80, method=6)
    print(path, f"{path.stat().st_size / 1000:.0f} kB", flush=True)


def write_demo_images(out: Path) -> None:
    """Run the demo and write its images."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "saliency.demo", "--out", folder], check=True, cwd=HERE.parent)
        for name in ("gallery", "transformer", "shortcut"):
            save_webp(Image.open(Path(folder) / f"{name}.png"), out / f"{name}.webp")


def write_module_images(out: Path) -> None:
    """Write the images of ``MODULES``; skip the report's image without playwright and Chromium."""
    browser = importlib.util.find_spec("playwright") and shutil.which("chromium")
    for name, module in MODULES.items():
        option = ["--picture"] if name == "report.webp" else []
        if option and not browser:
            print(f"{out / name}: not updated: needs playwright and Chromium", flush=True)
            continue
        subprocess.run([sys.executable, "-m", module, *option, str((out / name).resolve())], check=True, cwd=HERE.parent)


def write_photographs(out: Path, weights: Path | None) -> None:
    """Draw the maps of photographs, if the weights of the network are at hand."""
    if weights is None:
        print(f"{out / 'photograph*.webp'}: not updated: needs --squeezenet", flush=True)
        return
    command = [sys.executable, str(HERE / "photographs.py"), str(weights), "--out", str(out)]
    subprocess.run(command, check=True, cwd=HERE.parent)


if __name__ == "__main__":
    sys.exit(main())
