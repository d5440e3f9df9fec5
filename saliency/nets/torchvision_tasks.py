"""Preprocessing and options of torchvision's networks for segmentation and videos."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from PIL import Image

from saliency.nets.preparation import Float32

LEAST_FRAMES = {"mvit_v1_b": 16, "mvit_v2_s": 16, "s3d": 14}
"""Least number of frames of a clip, where it is more than 1."""


def segmentation_preparation(transforms: Any) -> dict[str, Any]:
    """Return the preprocessing of a segmentation network: the shorter side is resized, and nothing is cropped."""
    (side,) = transforms.resize_size
    return {
        "size": (side, side),
        "mean": tuple(transforms.mean),
        "std": tuple(transforms.std),
        "resample": Image.Resampling[transforms.interpolation.name],
        "preprocess": transforms,
        "has_numbers": True,
    }


def video_preparation(builder: str, transforms: Any) -> dict[str, Any]:
    """Return the preprocessing of a network of videos: from a list of frames to (3, frames, height, width)."""
    preprocess = partial(prepare_frames, transforms=transforms)
    return {"size": tuple(transforms.crop_size), "preprocess": preprocess, "frames": LEAST_FRAMES.get(builder, 1)}


def prepare_frames(frames: Sequence[Image.Image], transforms: Any) -> Float32:
    """Apply torchvision's transforms to the frames of a clip, which are RGB pictures of one size."""
    clip = torch.from_numpy(np.stack([np.asarray(frame) for frame in frames])).permute(0, 3, 1, 2)  # (frames, 3, H, W)
    return np.asarray(transforms(clip.contiguous()), np.float32)
