"""PAIR's ways with a Torch model, in a process where ``saliency`` is PAIR's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from answers import ToGap, answer

import saliency.core as pair

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def gradients(model: torch.nn.Module, images: Any, call_model_args: Any, expected_keys: Any) -> dict[str, Any]:  # noqa: ARG001
    """Answer PAIR's call as its ``Examples_pytorch.ipynb`` does, from the scores and not from a softmax."""
    leaf = torch.tensor(np.asarray(images), dtype=torch.float32, device=DEVICE, requires_grad=True)
    scores = model(leaf)[:, call_model_args["y"]]
    found = torch.autograd.grad(scores, leaf, grad_outputs=torch.ones_like(scores))
    return {pair.INPUT_OUTPUT_GRADIENTS: found[0].cpu().numpy()}


def ways(model: torch.nn.Module, given: Any) -> dict[str, Callable[[], Any]]:
    """Return what can be asked for; options are those that the library's own examples take."""
    x, call, options = given["x"], partial(gradients, model), {"y": int(given["y"])}
    zeros = np.zeros_like(x)
    steps = {"x_baseline": zeros, "x_steps": int(given["steps"]), "batch_size": 20}
    return {
        "vanilla": partial(pair.GradientSaliency().GetMask, x, call, options),
        "smoothgrad": partial(pair.GradientSaliency().GetSmoothedMask, x, call, options, nsamples=int(given["samples"])),
        "integrated": partial(pair.IntegratedGradients().GetMask, x, call, options, **steps),
        "gap": ToGap(x, call, options, float(given["change"]), int(given["most"])),
    }


def main(folder: Path) -> None:
    """Answer until the input ends."""
    answer(ways(torch.export.load(folder / "model.pt2").module(), np.load(folder / "input.npz")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
