"""``python docs/pictures.py``: makes the pictures of the documentation, from the embedded networks and scenes."""

import argparse
import importlib.util
import io
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

import saliency
from saliency import nets
from saliency.demo.bands import METHODS
from saliency.demo.figures import Host, Question, inputs, questions
from saliency.demo.gallery import gallery
from saliency.demo.scenes import load_scenes

HERE = Path(__file__).parent
SCENE = "scene_17"  # a 3 and an 8
PAGES = {
    "vanilla": "Vanilla",
    "guided_backprop": "GuidedBackprop",
    "deconvnet": "Deconvnet",
    "integrated_gradients": "IntegratedGradients",
    "input_x_gradient": "InputXGradient",
    "gradient_shap": "GradientSHAP",
    "occlusion": "Occlusion",
    "rise": "RISE",
    "grad_cam": "GradCAM",
    "grad_cam_plus_plus": "GradCAMPlusPlus",
    "xgrad_cam": "XGradCAM",
    "layer_cam": "LayerCAM",
    "hires_cam": "HiResCAM",
    "score_cam": "ScoreCAM",
    "guided_grad_cam": "GuidedGradCAM",
}
"""A method's page -> its name in ``saliency.demo.bands``."""

SPREADS = (0.05, 0.15, 0.4)
WHOLE = {"steering.png": "saliency.demo.steering", "report.webp": "benchmarks.report_page"}
"""A picture -> the module that makes it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pictures; with ``--methods`` only those of the methods' pages."""
    parser = argparse.ArgumentParser(prog="docs/pictures.py", description=__doc__.partition(": ")[2])
    parser.add_argument("--out", type=Path, default=HERE / "images", help="folder of the pictures (default: docs/images)")
    parser.add_argument("--methods", action="store_true", help="those of the methods' pages alone")
    options = parser.parse_args(argv)
    (options.out / "methods").mkdir(parents=True, exist_ok=True)
    methods(options.out / "methods")
    if not options.methods:
        demo(options.out)
        others(options.out)
    return 0


def methods(out: Path) -> None:
    """Draw each method plain, smoothed, and asked of a network that knows nothing; and smoothing, noise by noise."""
    network = nets.load("DemoNet", framework="torch")
    random = nets.untrained(0, "torch")
    asked = [question for question in questions(load_scenes()) if question.scene.name == SCENE]
    x = inputs(network, asked)
    for page, name in PAGES.items():
        found = {
            "plain": strengths(name, network.model, x, asked),
            "SmoothGrad": strengths(name, network.model, x, asked, 0.15),
            "random weights": strengths(name, random, x, asked),
        }
        write(drawn(asked, found), out / f"{page}.webp")
    noisy = {f"noise {spread:.0%}": strengths("Vanilla", network.model, x, asked, spread) for spread in SPREADS}
    found = {"plain": strengths("Vanilla", network.model, x, asked), **noisy}
    write(drawn(asked, found), out / "smoothgrad.webp")


def strengths(name: str, model: Any, x: Sequence[Host], asked: Sequence[Question], spread: float = 0.0) -> Host:
    """Return a method's maps of the questions, (N, 96, 96): magnitudes of gradients' masks, positive parts of the others.

    Args:
        name: of ``METHODS``.
        model: that is asked.
        x: an input for each question, (3, 96, 96).
        asked: N questions.
        spread: of the noise, in units of the input's range; 0 for the plain map.
    """
    mask, digits = METHODS[name](model), [question.digit for question in asked]
    with warnings.catch_warnings():  # that random weights have nothing to say is what is shown
        warnings.simplefilter("ignore", saliency.ZeroGradientWarning)
        if spread:
            masks = mask.GetSmoothedMasks(x, digits, stdev_spread=spread, magnitude=False, seed=0)
        else:
            masks = mask.GetMasks(x, digits)
    found = np.abs(masks) if mask.differentiates else np.maximum(masks, 0)
    return found.sum(axis=1) if found.ndim == 4 else found


def drawn(asked: Sequence[Question], found: Mapping[str, Host]) -> Figure:
    """Draw a row for each question, with no room for a heading."""
    figure = gallery(asked, [f"asked for the {question.digit}" for question in asked], {"": found}, "")
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height - 0.7)
    return figure


def write(figure: Figure, path: Path) -> None:
    """Write a figure as a small picture."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=110, bbox_inches="tight", pad_inches=0.03)
    small(Image.open(buffer), path)


def small(picture: Image.Image, path: Path) -> None:
    """Write a picture, WebP."""
    picture.convert("RGB").save(path, quality=80, method=6)
    print(path, f"{path.stat().st_size / 1000:.0f} kB", flush=True)


def demo(out: Path) -> None:
    """Make the demo's two pictures, as ``make demo`` does."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "saliency.demo", "--out", folder], check=True, cwd=HERE.parent)
        for name in ("gallery", "shortcut"):
            small(Image.open(Path(folder) / f"{name}.png"), out / f"{name}.webp")


def others(out: Path) -> None:
    """Make the pictures that modules have a command for; the report's only where playwright and Chromium are."""
    browser = importlib.util.find_spec("playwright") and shutil.which("chromium")
    for name, module in WHOLE.items():
        option = ["--picture"] if name == "report.webp" else []
        if option and not browser:
            print(f"{out / name}: left as it is, for it needs playwright and Chromium", flush=True)
            continue
        subprocess.run([sys.executable, "-m", module, *option, str((out / name).resolve())], check=True, cwd=HERE.parent)


if __name__ == "__main__":
    sys.exit(main())
