"""A network of the zoo: how it is built, and how its operators divide the picture."""

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

    ``steps`` and ``left_out`` are those of the strided operators that one forward pass calls. They do not depend on this library.

    Args:
        name: name of the network in its library.
        library: timm, torchvision, transformers or keras.
        steps: the strides from the picture to the last stage, each with the rounding of the lengths that it divides: down (-),
            such as for patches without padding, or up (+). "even" resizes to even lengths.
        left_out: the number of tokens that are no positions, such as class, distillation and register tokens.
        grid: the last stage's lengths for a picture of any size, if the network resizes its pictures.
        size_option: the option of the builder that receives the picture's size; None for a network that accepts any size.
        options: other options of the builder. They make large networks smaller: the layers of a stage are alike.
        colors: the scale of the colors that the network's own preprocessing returns: imagenet (mean 0, deviation 1), signed (-1
            to 1), pixels (0 to 255) or caffe (0 to 255 without the mean, BGR).
        reach: the largest distance from a changed patch to the largest change of the last stage, in positions; None
            if squeeze-and-excitation, attention or a large receptive field spread each change over the stage, so that only
            the changes of all positions together show where each of them is.
        fixed: values of each parameter of a name, instead of random ones: that of index 0 of its last axis, and that of all others.
    """

    name: str
    library: str
    steps: str
    left_out: int = 0
    grid: Size | None = None
    size_option: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    colors: str = "imagenet"
    reach: int | None = 1
    fixed: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def refusal(self, size: Size) -> str:
        """Return the network's own error for pictures of random numbers of a size, on one line; empty if it accepts the size."""
        try:
            self._builder.run(self._builder.build(self, size), np.random.default_rng(3).normal(size=(2, *size, 3)))
        except (AssertionError, RuntimeError, ValueError) as error:
            return " ".join(str(error).split()) or type(error).__name__
        return ""

    def build(self, size: Size) -> Any:
        """Return the network for pictures of a size: 64-bit random weights, evaluation mode, ten classes."""
        model = self._builder.build(self, size)
        self._builder.normalize(model, np.random.default_rng(3).normal(size=(2, *size, 3)))
        return model

    def expected_grid(self, size: Size) -> Size:
        """Return the last stage's rows and columns by the network's strides."""
        if self.grid is not None:
            return self.grid
        rows, columns = size
        for step in self.steps.split():
            rows, columns = _divided(rows, step), _divided(columns, step)
        return rows, columns

    @property
    def _builder(self) -> Any:
        from tests.zoo import keras_builder, torch_builders

        return keras_builder if self.library == "keras" else torch_builders


def _divided(length: int, step: str) -> int:
    """Return a length after one of the strides of ``Network.steps``."""
    if step == "even":
        return length + length % 2
    stride = int(step[:-1])
    return -(-length // stride) if step.endswith("+") else length // stride
