"""A network with what is needed to show it a picture and to name its layers."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency.core.errors import TargetError
from saliency.nets.preparation import Float32, by_transform, centred, scaled, squashed


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
        resize: pixels of the shorter side, of which the centre becomes the input; None squashes the whole picture.
        resample: how pixels are resized.
        preprocess: from an RGB picture to an input, in place of all that the preparation is said to be above.
        channels: names of layers -> how many channels or units each has, where the layer itself tells.
        guessed: whether nobody said how it sees pictures, so that size, mean and deviation are what is usual.
        named: the names of DNNBrain's, or of the network's own ``layer2loc``, in their order; empty where it has no such list.
    """

    name: str
    model: Any
    size: tuple[int, int]
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    paths: Mapping[str, str] = field(default_factory=dict)
    channel_axis: int = 0
    resize: int | None = None
    resample: Image.Resampling = Image.Resampling.BILINEAR
    preprocess: Callable[[Image.Image], npt.ArrayLike] | None = None
    channels: Mapping[str, int] = field(default_factory=dict)
    guessed: bool = False
    named: Sequence[str] = ()

    def prepare(self, picture: Image.Image) -> Float32:
        """Turn a picture into an input.

        Args:
            picture: of any size and mode.

        Returns:
            (3, height, width) or (height, width, 3), as ``channel_axis`` says.

        Raises:
            InputError: if ``preprocess`` fails, or gives no array of three axes, or one that is not finite.
        """
        picture = picture.convert("RGB")
        if self.preprocess is not None:
            return np.ascontiguousarray(by_transform(picture, self.preprocess, "preprocess"))
        if self.resize is None:
            small = squashed(picture, self.size, self.resample)
        else:
            small = centred(picture, self.size, self.resize, self.resample)
        return np.ascontiguousarray(np.moveaxis(scaled(small, self.mean, self.std), -1, self.channel_axis))

    def layer(self, name: str) -> str:
        """Return the path of a layer.

        Raises:
            TargetError: if there is no such layer; the message lists the nearest names.
        """
        if name not in self.paths:
            near = difflib.get_close_matches(name, self.paths, n=4, cutoff=0.3) or list(self.paths)[-4:]
            told = f"{next(iter(self.paths))} to {list(self.paths)[-1]}" if self.paths else "none has a name"
            raise TargetError(f"{self.name} has no layer {name!r}; nearest: {', '.join(near)} (of {len(self.paths)}, {told})")
        return self.paths[name]
