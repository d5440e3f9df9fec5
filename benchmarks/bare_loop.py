"""A loop in plain Torch that does what ``dnn_saliency -chn top -save h5`` does, for ``benchmarks.many_photographs``.

It reads photographs, computes guided backpropagation of their top classes by hooks on the ReLU modules, stores the maps in an
HDF5 file and draws Matplotlib figures, as a user would without this library.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from matplotlib import pyplot as plt
from PIL import Image
from safetensors.torch import load_file

from saliency.nets.preparation import MEAN, STD
from tests.torchvision_ops import declare

PER_FIGURE = 6


def main(folder: Path, weights: Path, out: Path) -> None:
    """Explain all photographs of a folder."""
    declare()
    from torchvision.models import squeezenet1_0

    plt.switch_backend("agg")
    model = squeezenet1_0()
    model.load_state_dict(load_file(weights))
    model.eval().requires_grad_(requires_grad=False)
    for module in model.modules():
        if isinstance(module, torch.nn.ReLU):
            module.inplace = False
            module.register_full_backward_hook(_guide)
    paths, out = sorted(folder.glob("*.jpg")), Path(out)
    out.mkdir(parents=True)
    with h5py.File(out / "maps.h5", "w") as file:
        maps = file.create_dataset("top", (len(paths), 3, 224, 224), "float32", chunks=(1, 3, 224, 224), compression="gzip")
        for k, start in enumerate(range(0, len(paths), PER_FIGURE), start=1):
            pictures = [Image.open(path).convert("RGB").resize((224, 224)) for path in paths[start : start + PER_FIGURE]]
            masks = _masks(model, pictures)
            maps[start : start + len(masks)] = masks
            _draw(pictures, masks, out / f"fig{k}.jpg")


def _guide(module: torch.nn.Module, before: Any, after: Any) -> tuple[torch.Tensor]:  # noqa: ARG001 - the signature of a hook
    return (before[0].clamp(min=0),)


def _masks(model: torch.nn.Module, pictures: list[Image.Image]) -> np.ndarray[Any, Any]:
    pixels = np.stack([np.asarray(one, np.float32) / 255 for one in pictures])
    normalized = (pixels - np.float32(MEAN)) / np.float32(STD)
    x = torch.from_numpy(np.ascontiguousarray(normalized.transpose(0, 3, 1, 2))).requires_grad_()
    (gradient,) = torch.autograd.grad(model(x).max(dim=1).values.sum(), x)
    return gradient.numpy()


def _draw(pictures: list[Image.Image], masks: np.ndarray[Any, Any], path: Path) -> None:
    figure, axes = plt.subplots(2, len(pictures), figsize=(10, 6), squeeze=False)
    for column, (picture, mask) in enumerate(zip(pictures, np.abs(masks), strict=True)):
        axes[0, column].imshow(picture)
        axes[1, column].imshow(np.clip(mask.transpose(1, 2, 0) / np.percentile(mask, 99), 0, 1))
        for axis in axes[:, column]:
            axis.set(xticks=[], yticks=[])
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
