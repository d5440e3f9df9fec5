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

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def call_model(model: torch.nn.Module, images: Any, call_model_args: Any, expected_keys: Any) -> dict[str, Any]:  # noqa: ARG001
    """Implement PAIR's ``call_model_function`` as in its ``Examples_pytorch.ipynb``, but from logits, not a softmax."""
    leaf = torch.tensor(np.asarray(images), dtype=torch.float32, device=DEVICE, requires_grad=True)
    scores = model(leaf)[:, call_model_args["y"]]
    result = torch.autograd.grad(scores, leaf, grad_outputs=torch.ones_like(scores))
    return {pair.INPUT_OUTPUT_GRADIENTS: result[0].cpu().numpy()}


def variants(model: torch.nn.Module, settings: Any) -> dict[str, Callable[[], Any]]:
    """Return name -> function to time, with the options of the library's own examples."""
    x, call, options = settings["x"], partial(call_model, model), {"y": int(settings["y"])}
    zeros = np.zeros_like(x)
    steps = {"x_baseline": zeros, "x_steps": int(settings["steps"]), "batch_size": 20}
    return {
        "vanilla": partial(pair.GradientSaliency().GetMask, x, call, options),
        "smoothgrad": partial(pair.GradientSaliency().GetSmoothedMask, x, call, options, nsamples=int(settings["samples"])),
        "integrated": partial(pair.IntegratedGradients().GetMask, x, call, options, **steps),
        "gap": IntegrateToGap(x, call, options, float(settings["change"]), int(settings["max_steps"])),
    }


def main(folder: Path) -> None:
    """Serve requests until standard input ends."""
    serve_requests(variants(torch.export.load(folder / "model.pt2").module(), np.load(folder / "input.npz")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
