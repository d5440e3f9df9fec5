"""DNNBrain's saliency images: what of a picture makes a unit of a layer active."""

from abc import ABC, abstractmethod
from typing import Any, final

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency import nets
from saliency.compat.dnnbrain.pictures import rgb_of
from saliency.core.adapter import GradientAdapter
from saliency.core.errors import InputError, TargetError
from saliency.core.mask import SaliencyMask
from saliency.core.methods.guided_backprop import GuidedBackprop
from saliency.core.methods.vanilla import Vanilla
from saliency.core.noise import Noise
from saliency.core.request import Request
from saliency.core.shape_hints import add_shape_hints
from saliency.core.target import Target
from saliency.core.validation import as_index, whole_number
from saliency.core.wrap import wrap

Float32 = npt.NDArray[np.float32]


class SaliencyImage(ABC):
    """The gradient of a channel's mean, or of a unit, with respect to a picture.

    Args:
        dnn: one of ``models``, or any object whose ``model`` is a Torch module, with DNNBrain's ``layer2loc``,
            ``img_size`` and ``test_transform`` where it has them; or what ``nets.load`` returns. A Torch model is set to eval
            mode.
        from_layer, from_chn: see ``set_layer``; both or neither.

    Raises:
        InputError: if it is no network, or one of the two is missing.
        TargetError: see ``set_layer``.
    """

    def __init__(self, dnn: Any, from_layer: str | None = None, from_chn: int | None = None) -> None:
        self._network = nets.of_object(dnn, type(dnn).__name__)
        self._adapter = wrap(self._network.model)
        self._from: tuple[str, int] | None = None
        if from_layer is not None and from_chn is not None:
            self.set_layer(from_layer, from_chn)
        elif from_layer is not None or from_chn is not None:
            raise InputError(f"`from_layer` (={from_layer!r}) and `from_chn` (={from_chn!r}) must be given together")

    @abstractmethod
    def method(self, adapter: GradientAdapter, y: tuple[str, int]) -> SaliencyMask:
        """Return the mask that computes it, of a layer's path and a channel from 0."""

    def set_layer(self, layer: str, channel: int) -> None:
        """Say what is explained.

        Args:
            layer: its name.
            channel: its number, from 1. A channel with rows and columns counts by its mean over them.

        Raises:
            TargetError: if there is no such layer, or channel in it.
        """
        path, number = self._network.layer(layer), as_index(channel)
        most = self._channels(layer, path)
        if number is None or not 1 <= number <= most:
            raise TargetError(f"`channel` (={channel!r}) must be a whole number; those of {layer} run from 1 to {most}")
        self._from = layer, number

    def get_layer(self) -> tuple[str, int]:
        """Return the layer and the channel, from 1.

        Raises:
            InputError: if none was set.
        """
        if self._from is None:
            raise InputError("no layer is set: call set_layer(layer, channel) first, such as set_layer('fc3', 540)")
        return self._from

    def backprop(self, image: Any, to_layer: str | None = None) -> Float32:
        """Return the gradient, raw and signed.

        Args:
            image: a PIL image of any mode but 32-bit, or an 8-bit array or tensor (3, H, W) or (H, W).
            to_layer: a layer's name; the gradient is then the one by this layer's input.

        Returns:
            float32, (3, height, width) as the network's input, or as that layer's without the batch axis.

        Raises:
            InputError: if it is no such picture, or no layer was set.
            TargetError: if there is no layer ``to_layer``, or its input is no tensor of floats.
            GradientError: if the unit does not depend on it.
        """
        mask = self._mask()
        return np.array(mask.GetMask(self._input(image), at=self._at(to_layer)), np.float32)

    def backprop_smooth(
        self, image: Any, n_iter: int, sigma_multiplier: float = 0.1, to_layer: str | None = None, seed: int | None = None
    ) -> Float32:
        """Return the mean of the gradients of noisy copies of the picture (SmoothGrad).

        Args:
            image, to_layer: as for ``backprop``.
            n_iter: number of copies.
            sigma_multiplier: the noise's standard deviation, in units of the range (maximum - minimum) of the network's input.
            seed: of the noise; None draws one.

        Returns, raises:
            As ``backprop``; InputError also if a number is out of range.
        """
        n = whole_number("n_iter", n_iter, least=1)
        noise = Noise.of(sigma_multiplier, seed, name="sigma_multiplier")
        smoothing: dict[str, Any] = {"stdev_spread": noise.spread, "nsamples": n, "magnitude": False, "seed": noise.seed}
        mask = self._mask().GetSmoothedMask(self._input(image), **smoothing, at=self._at(to_layer))
        return np.array(mask, np.float32)

    def _mask(self) -> SaliencyMask:
        layer, channel = self.get_layer()
        return self.method(self._adapter, (self._network.layer(layer), channel - 1))

    def _at(self, to_layer: str | None) -> str | None:
        return None if to_layer is None else self._network.layer(to_layer)

    def _input(self, image: Any) -> Float32:
        return self._network.prepare(rgb_of(image))

    def _channels(self, layer: str, path: str) -> int:
        """Return how many channels a layer has, which it tells, or a run of the network on a black picture."""
        if layer in self._network.channels:
            return self._network.channels[layer]
        black = self._network.prepare(Image.new("RGB", self._network.size[::-1]))
        with add_shape_hints(self._adapter):
            return int(self._adapter.outputs(self._adapter.asarray(black[None]), Request(Target(path))).shape[1])


@final
class VanillaSaliencyImage(SaliencyImage):
    """The plain gradient: ``saliency.Vanilla``."""

    def method(self, adapter: GradientAdapter, y: tuple[str, int]) -> SaliencyMask:
        """Return the mask that computes it."""
        return Vanilla(adapter, y)


@final
class GuidedSaliencyImage(SaliencyImage):
    """The gradient of which every ReLU passes on the positive part alone: ``saliency.GuidedBackprop``."""

    def method(self, adapter: GradientAdapter, y: tuple[str, int]) -> SaliencyMask:
        """Return the mask that computes it; in front of the first ReLU it is the plain gradient, as in DNNBrain."""
        return GuidedBackprop(adapter, y, allow_no_relu=True)
