"""Run PAIR on a Torch model, in a process where ``saliency`` is PAIR's package."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from worker_protocol import IntegrateToGap, serve_requests

import saliency.core as pair
from saliency.metrics import pic

FRACTIONS = (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.13, 0.21, 0.34, 0.5, 0.75)
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def call_model(model: torch.nn.Module, images: Any, call_model_args: Any, expected_keys: Any) -> dict[str, Any]:  # noqa: ARG001
    """Implement PAIR's ``call_model_function`` as in its ``Examples_pytorch.ipynb``, but from logits, not a softmax."""
    leaf = torch.tensor(np.asarray(images), dtype=torch.float32, device=DEVICE, requires_grad=True)
    scores = model(leaf)[:, call_model_args["y"]]
    result = torch.autograd.grad(scores, leaf, grad_outputs=torch.ones_like(scores))
    return {pair.INPUT_OUTPUT_GRADIENTS: result[0].cpu().numpy()}


def call_with_channels_last(model: torch.nn.Module, images: Any, call_model_args: Any, expected_keys: Any) -> dict[str, Any]:
    """Implement PAIR's ``call_model_function`` for images (N, H, W, C)."""
    found = call_model(model, np.moveaxis(np.asarray(images), -1, 1), call_model_args, expected_keys)
    return {key: np.moveaxis(gradients, 1, -1) for key, gradients in found.items()}


def information_curve(model: torch.nn.Module, settings: Any) -> None:
    """Compute PAIR's performance information curve."""
    picture, x, y = settings["picture"], settings["x"], int(settings["y"])
    low, high = float(x.min()), float(x.max())
    rows, columns = np.indices(picture.shape[:2]) / len(picture)

    def predict(images: Any) -> Any:
        inputs = low + (high - low) * images / np.float32(255)
        with torch.inference_mode():
            return model(torch.tensor(np.moveaxis(inputs, -1, 1), dtype=torch.float32, device=DEVICE))[:, y].tolist()

    always = pic.generate_random_mask(*picture.shape[:2])
    values = np.sin(7 * rows) * np.cos(5 * columns)
    pic.compute_pic_metric(picture, values, always, predict, list(FRACTIONS), min_pred_value=-1e9)


def variants(model: torch.nn.Module, settings: Any) -> dict[str, Callable[[], Any]]:
    """Return name -> function to time, with the options of the library's own examples."""
    x, call, options = settings["x"], partial(call_model, model), {"y": int(settings["y"])}
    zeros, last = np.zeros_like(x), np.ascontiguousarray(np.moveaxis(x, 0, -1))  # blurs and segments need (H, W, C)
    call_last, whole = partial(call_with_channels_last, model), pair.XRAIParameters(algorithm="full")
    attributions, few = np.moveaxis(settings["attributions"], 0, -1), {"batch_size": 20}
    steps = {"x_baseline": zeros, "x_steps": int(settings["steps"]), "batch_size": 20}
    return {
        "vanilla": partial(pair.GradientSaliency().GetMask, x, call, options),
        "smoothgrad": partial(pair.GradientSaliency().GetSmoothedMask, x, call, options, nsamples=int(settings["samples"])),
        "integrated": partial(pair.IntegratedGradients().GetMask, x, call, options, **steps),
        "blur": partial(pair.BlurIG().GetMask, last, call_last, options, steps=int(settings["steps"]), **few),
        "guided": partial(pair.GuidedIG().GetMask, x, call, options, zeros, x_steps=int(settings["steps"])),
        "xrai": partial(pair.XRAI().GetMask, last, call_last, options, extra_parameters=whole, **few),
        "regions": partial(
            pair.XRAI().GetMask, last, call_last, options, base_attribution=attributions, extra_parameters=whole
        ),
        "pic": partial(information_curve, model, settings),
        "gap": IntegrateToGap(x, call, options, float(settings["change"]), int(settings["max_steps"])),
    }


def main(folder: Path) -> None:
    """Serve requests until standard input ends."""
    serve_requests(variants(torch.export.load(folder / "model.pt2").module(), np.load(folder / "input.npz")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
