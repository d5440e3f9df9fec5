"""A network with what is needed to show it a picture and to name its layers."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency.core.errors import TargetError


@dataclass(frozen=True)
class Network:
    """A model and its habits.

    Args:
        name: as it is called on the command line.
        model: what ``saliency.wrap`` takes.
        size: (height, width) of its input in pixels.
        mean, std: of the three colours, on a scale of 0 to 1: the input is (pixel / 255 - mean) / std.
        paths: names of layers -> paths of modules; every path is a name of itself.
        channel_axis: where an input has its colours: 0 for (3, height, width), -1 for (height, width, 3).
    """

    name: str
    model: Any
    size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    paths: Mapping[str, str] = field(default_factory=dict)
    channel_axis: int = 0

    def prepare(self, picture: Image.Image) -> npt.NDArray[np.float32]:
        """Turn a picture into an input: squashed to the input's size, and scaled.

        Args:
            picture: of any size and mode.

        Returns:
            (3, height, width) or (height, width, 3), as DNNBrain prepares it: the whole picture, not a crop.
        """
        small = picture.convert("RGB").resize(self.size[::-1], Image.Resampling.BILINEAR)
        pixels = np.asarray(small, np.float32) / np.float32(255)
        scaled = (pixels - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(np.moveaxis(scaled, -1, self.channel_axis))

    def layer(self, name: str) -> str:
        """Return the path of a layer.

        Raises:
            TargetError: if there is no such layer; the message lists the nearest names.
        """
        if name not in self.paths:
            near = difflib.get_close_matches(name, self.paths, n=4, cutoff=0.3) or list(self.paths)[-4:]
            raise TargetError(
                f"{self.name} has no layer {name!r}; nearest: {', '.join(near)} (of {len(self.paths)}, "
                f"{next(iter(self.paths))} to {list(self.paths)[-1]})"
            )
        return self.paths[name]
