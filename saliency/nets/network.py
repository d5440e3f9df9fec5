"""A network with its preprocessing and the names of its layers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency.core.class_names import class_names_of
from saliency.core.errors import InputError, TargetError
from saliency.core.expected_input import remember_expected_input
from saliency.core.layer_hint import layer_hint
from saliency.core.mask import SaliencyMask
from saliency.core.methods.grad_cam import GradCAM
from saliency.core.result import MaskArray
from saliency.core.validation import shown
from saliency.nets.clips import read_frames
from saliency.nets.preparation import (
    Float32,
    apply_transform,
    normalize,
    read_rgb,
    resize_and_apply,
    resize_and_crop,
    resize_whole,
)


@dataclass(frozen=True)
class Network:
    """A model with its preprocessing and the names of its layers.

    Args:
        name: the name of the network, such as on the command line.
        model: a model that ``saliency.wrap`` accepts.
        size: (height, width) of its input in pixels.
        mean, std: mean and standard deviation of the RGB channels, on a scale from 0 to 1: the input is
            (pixel / 255 - mean) / std.
        paths: name of a layer -> path of its module; every path is also a name.
        channel_axis: axis of the RGB channels of an input: 0 for (3, height, width), -1 for (height, width, 3).
        resize: length in pixels to which the shorter side is resized before the center is cropped; None resizes the whole
            picture to ``size`` without keeping its proportions.
        resample: Pillow's filter for resizing.
        preprocess: function from an RGB picture to an input; replaces resizing and normalization. For a network of clips,
            from a list of RGB pictures.
        has_numbers: whether ``size``, ``mean``, ``std`` and ``resample`` are those of ``preprocess``, so that
            ``whole_picture`` can use them in its place.
        frames: least number of frames of a clip; None for a network of single pictures.
        channels: name of a layer -> number of its channels or units, where it is known.
        guessed: whether size, mean and standard deviation are common defaults because the model does not specify them.
        named: DNNBrain's layer names or those of the model's ``layer2loc``, in order; empty if there is no such list.
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
    preprocess: Callable[[Any], npt.ArrayLike] | None = None
    has_numbers: bool = False
    frames: int | None = None
    channels: Mapping[str, int] = field(default_factory=dict)
    guessed: bool = False
    named: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not self.guessed and (self.preprocess is None or self.has_numbers):
            remember_expected_input(self.model, self.size, self.mean, self.std)

    @property
    def saliency_model(self) -> Any:
        """The model, where a mask or ``saliency.wrap`` receives the network instead."""
        return self.model

    def prepare(self, picture: Any, float_range: tuple[float, float] | None = None) -> Float32:
        """Preprocess a picture for the model.

        The picture is converted to 8-bit RGB as in the commands: it is turned as its EXIF orientation says, and transparent
        pixels become white.

        Args:
            picture: a PIL image of any size and mode; or an array or tensor (H, W), (H, W, channels) or (channels, H, W) whose
                channels are gray, gray and alpha, RGB or RGBA. For a network of clips, a list of such pictures of the same
                size, or an array or tensor (frames, ...) of them.
            float_range: values of black and white in a picture of more than 8 bits. It is required for floating-point and
                32-bit pixels, and for 16-bit pixels that may have fewer bits.

        Returns:
            An input (3, height, width) or (height, width, 3), depending on ``channel_axis``; for a clip,
            (3, frames, height, width).

        Raises:
            InputError: if the picture cannot be converted to RGB unambiguously, ``float_range`` does not apply to it, or
                ``preprocess`` fails or does not return a finite array of three axes.
        """
        if self.frames is not None and self.preprocess is not None:
            frames = read_frames(picture, self.frames, float_range)
            return np.ascontiguousarray(apply_transform(frames, self.preprocess, "preprocess", axes=4))
        picture = read_rgb(picture, float_range)
        if self.preprocess is not None:
            return np.ascontiguousarray(apply_transform(picture, self.preprocess, "preprocess"))
        if self.resize is None:
            resized = resize_whole(picture, self.size, self.resample)
        else:
            resized = resize_and_crop(picture, self.size, self.resize, self.resample)
        return np.ascontiguousarray(np.moveaxis(normalize(resized, self.mean, self.std), -1, self.channel_axis))

    def explain(
        self,
        picture: Any,
        y: Any = None,
        method: type[SaliencyMask] = GradCAM,
        float_range: tuple[float, float] | None = None,
        **options: Any,
    ) -> MaskArray:
        """Preprocess a picture and compute its mask.

        Args:
            picture, float_range: as for ``prepare``.
            y: the target; see ``SaliencyMask``. None explains the top class.
            method: the class of the method, such as ``saliency.IntegratedGradients``.
            **options: options of the constructor and of the method.

        Raises:
            InputError: if ``method`` is not a method, or an option is invalid; else as ``prepare`` and ``GetMask``.
        """
        if not isinstance(method, type) or not issubclass(method, SaliencyMask):
            raise InputError(f"`method` (={shown(method)}) must be the class of a method, such as saliency.GradCAM")
        return method(self, y, **options).GetMask(self.prepare(picture, float_range))

    def whole_picture(self) -> "Network":
        """Return the network with preprocessing that resizes the whole picture to ``size``, without cropping it.

        A ``preprocess`` is kept, unless ``has_numbers``.
        """
        return replace(self, resize=None, preprocess=None if self.has_numbers else self.preprocess, has_numbers=False)

    @property
    def class_names(self) -> Mapping[int, str]:
        """Class -> its name, as far as the model carries them (its attribute ``class_names``)."""
        return class_names_of(self.model)

    @property
    def needed_size(self) -> tuple[int, int] | None:
        """(height, width) in pixels that ``prepare`` resizes a picture to; None if it may use every pixel of the picture."""
        if self.preprocess is not None:
            function: Any = self.preprocess
            resizes = isinstance(function, partial) and function.func is resize_and_apply
            return function.keywords["size"] if resizes else None
        if self.resample == Image.Resampling.NEAREST:
            return None
        return self.size if self.resize is None else (self.resize, self.resize)

    def layer(self, name: str) -> str:
        """Return the path of a layer.

        Raises:
            TargetError: if the model has no such layer; the message contains the nearest names.
        """
        if not isinstance(name, str) or name not in self.paths:
            raise TargetError(f"{self.name} has no layer {shown(name)}; {layer_hint(name, self.paths)}")
        return self.paths[name]
