"""A network of the zoo: how it is built, and how its source divides the picture."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Size = tuple[int, int]
"""Height and width of a picture, in pixels."""

SIZES: tuple[Size, ...] = ((224, 224), (224, 250), (160, 256))
CLASSES = 10


@dataclass(frozen=True, eq=False)
class Network:
    """A network with random weights.

    ``stride``, ``rounding`` and ``left_out`` were read in the network's source. They do not depend on this library.

    Args:
        name: name of the network in its library.
        library: timm, torchvision, transformers or keras.
        stride: pixels between the positions of the last stage, the product of the strides.
        rounding: how the last stage's length follows from the picture's: down (patches without padding), up, or up to even.
        left_out: the number of tokens that are no positions, such as class, distillation and register tokens.
        grid: the last stage's lengths for a picture of any size, if the network resizes its pictures.
        size_option: the option of the builder that receives the picture's size; None for a network that accepts any size.
        options: other options of the builder. They make large networks smaller: the layers of a stage are alike.
        colors: the scale of the colors that the network's own preprocessing returns: imagenet (mean 0, deviation 1), signed (-1
            to 1), pixels (0 to 255) or caffe (0 to 255 without the mean, BGR).
        reach: the largest distance from a changed patch to the largest change of the last stage, in positions; None
            if the last stage mixes all positions, so that the largest change may be anywhere.
    """

    name: str
    library: str
    stride: int
    rounding: str = "up"
    left_out: int = 0
    grid: Size | None = None
    size_option: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    colors: str = "imagenet"
    reach: int | None = 1

    def build(self, size: Size) -> Any:
        """Return the network for pictures of a size: 64-bit random weights, evaluation mode, ten classes."""
        from tests.zoo import keras_builder, torch_builders

        builder = keras_builder if self.library == "keras" else torch_builders
        model = builder.build(self, size)
        builder.normalize(model, np.random.default_rng(3).normal(size=(2, *size, 3)))
        return model

    def expected_grid(self, size: Size) -> Size:
        """Return the last stage's rows and columns by the network's stride."""
        if self.grid is not None:
            return self.grid
        rounded = math.floor if self.rounding == "down" else math.ceil
        rows, columns = (int(rounded(length / self.stride)) for length in size)
        return (rows + rows % 2, columns + columns % 2) if self.rounding == "up to even" else (rows, columns)
