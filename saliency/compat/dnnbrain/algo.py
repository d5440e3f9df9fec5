"""DNNBrain's saliency images: gradients of a layer's unit with respect to an image."""

from abc import ABC, abstractmethod
from typing import Any, final

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency import nets
from saliency.compat.dnnbrain.rgb_conversion import to_rgb
from saliency.core.adapter import GradientAdapter
from saliency.core.adapter_request import Request
from saliency.core.errors import InputError, TargetError
from saliency.core.mask import SaliencyMask
from saliency.core.methods.guided_backprop import GuidedBackprop
from saliency.core.methods.vanilla import Vanilla
from saliency.core.noise import Noise
from saliency.core.shape_hints import add_shape_hints
from saliency.core.target import Target
from saliency.core.validation import as_index, shown, whole_number
from saliency.core.wrap import wrap

Float32 = npt.NDArray[np.float32]


class SaliencyImage(ABC):
    """Compute the gradient of a unit, or of a channel's mean, with respect to an image.

    Args:
        dnn: a network from ``models``; or any object with a Torch module as ``model`` and optionally DNNBrain's attributes
            ``layer2loc``, ``img_size`` and ``test_transform``; or a network from ``nets.load``. A Torch model is set to eval
            mode.
        from_layer, from_chn: the arguments of ``set_layer``; give both or neither.

    Raises:
        InputError: if ``dnn`` is not a network, or only one of ``from_layer`` and ``from_chn`` is given.
        TargetError: see ``set_layer``.
    """

    def __init__(self, dnn: Any, from_layer: str | None = None, from_chn: int | None = None) -> None:
        self._network = nets.of_object(dnn, type(dnn).__name__)
        self._adapter = wrap(self._network.model)
        self._target: tuple[str, int] | None = None
        if from_layer is not None and from_chn is not None:
            self.set_layer(from_layer, from_chn)
        elif from_layer is not None or from_chn is not None:
            raise InputError(f"`from_layer` (={shown(from_layer)}) and `from_chn` (={shown(from_chn)}) must be given together")

    @abstractmethod
    def method(self, adapter: GradientAdapter, y: tuple[str, int]) -> SaliencyMask:
        """Return the mask of a target.

        Args:
            adapter: the model's adapter.
            y: the layer's path and the channel's index from 0.
        """

    def set_layer(self, layer: str, channel: int) -> None:
        """Set the layer and the channel to explain.

        Args:
            layer: the layer's name.
            channel: the channel's number, from 1. A channel with spatial axes is averaged over them.

        Raises:
            TargetError: if the model has no such layer, or the layer no such channel.
        """
        path, number = self._network.layer(layer), as_index(channel)
        most = self._channels(layer, path)
        if number is None or not 1 <= number <= most:
            raise TargetError(f"`channel` (={shown(channel)}) must be an integer from 1 to {most} for layer {layer}")
        self._target = layer, number

    def get_layer(self) -> tuple[str, int]:
        """Return the layer and the channel, from 1.

        Raises:
            InputError: if no layer was set.
        """
        if self._target is None:
            raise InputError("no layer is set: call set_layer(layer, channel) first, such as set_layer('fc3', 540)")
        return self._target

    def backprop(self, image: Any, to_layer: str | None = None) -> Float32:
        """Compute the signed gradient.

        Args:
            image: a PIL image of any mode except the 32-bit modes, or an 8-bit array or tensor, (3, H, W) or (H, W).
            to_layer: name of a layer; the gradient is then computed with respect to this layer's input.

        Returns:
            float32, (3, height, width) like the network's input; with ``to_layer`` the shape of that layer's input without
            the batch axis.

        Raises:
            InputError: if ``image`` is invalid, or no layer was set.
            TargetError: if the model has no layer ``to_layer``, or its input is not a floating-point tensor.
            GradientError: if the unit does not depend on that input.
        """
        mask = self._mask()
        return np.array(mask.GetMask(self._input(image), at=self._path(to_layer)), np.float32)

    def backprop_smooth(
        self, image: Any, n_iter: int, sigma_multiplier: float = 0.1, to_layer: str | None = None, seed: int | None = None
    ) -> Float32:
        """Compute the mean gradient over noisy copies of the image (SmoothGrad).

        Args:
            image, to_layer: as for ``backprop``.
            n_iter: number of noisy copies.
            sigma_multiplier: standard deviation of the noise, as a fraction of the range (maximum - minimum) of the network's
                input.
            seed: random seed of the noise; None draws one.

        Returns, raises:
            As ``backprop``; also InputError if a number is out of range.
        """
        n = whole_number("n_iter", n_iter, least=1)
        noise = Noise.of(sigma_multiplier, seed, name="sigma_multiplier")
        smoothing: dict[str, Any] = {"stdev_spread": noise.spread, "nsamples": n, "magnitude": False, "seed": noise.seed}
        mask = self._mask().GetSmoothedMask(self._input(image), **smoothing, at=self._path(to_layer))
        return np.array(mask, np.float32)

    def _mask(self) -> SaliencyMask:
        layer, channel = self.get_layer()
        return self.method(self._adapter, (self._network.layer(layer), channel - 1))

    def _path(self, to_layer: str | None) -> str | None:
        return None if to_layer is None else self._network.layer(to_layer)

    def _input(self, image: Any) -> Float32:
        return self._network.prepare(to_rgb(image))

    def _channels(self, layer: str, path: str) -> int:
        """Return a layer's number of channels: as declared, or from a run of the network on a black image."""
        if layer in self._network.channels:
            return self._network.channels[layer]
        black = self._network.prepare(Image.new("RGB", self._network.size[::-1]))
        with add_shape_hints(self._adapter):
            return int(self._adapter.outputs(self._adapter.asarray(black[None]), Request(Target(path))).shape[1])


@final
class VanillaSaliencyImage(SaliencyImage):
    """Compute the plain gradient, with ``saliency.Vanilla``."""

    def method(self, adapter: GradientAdapter, y: tuple[str, int]) -> SaliencyMask:
        """Return the mask of a target."""
        return Vanilla(adapter, y)


@final
class GuidedSaliencyImage(SaliencyImage):
    """Compute guided backpropagation, with ``saliency.GuidedBackprop``."""

    def method(self, adapter: GradientAdapter, y: tuple[str, int]) -> SaliencyMask:
        """Return the mask of a target. A layer before the first ReLU gets the plain gradient, as in DNNBrain."""
        return GuidedBackprop(adapter, y, allow_no_relu=True)
