"""The masks of a layer's channels, one input failing without the others."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import saliency
from saliency import nets
from saliency.cli.options import METHODS, Refused
from saliency.core.errors import NoReLUError


class ChannelMaps:
    """A method on a network's layer.

    Args:
        network: by name.
        method: one of ``METHODS``.
        layer: the layer's name on the command line.

    Raises:
        Refused: if the method can't work there.
    """

    def __init__(self, network: nets.Network, method: str, layer: str) -> None:
        self._mask: saliency.SaliencyMask = getattr(saliency, METHODS[method])(network.model)
        self._path = network.layer(layer)
        try:
            self.masks([np.zeros((3, *network.size))], 1)
        except NoReLUError as error:
            raise Refused(
                f"-meth {method} needs a ReLU between the picture and -layer {layer}, and {network.name} has none there: "
                "use -meth vanilla"
            ) from error

    def masks(self, inputs: Sequence[npt.NDArray[Any]], channel: int) -> tuple[npt.NDArray[Any], int]:
        """Compute the masks of a channel.

        Args:
            inputs: n inputs (3, H, W).
            channel: its number, from 1.

        Returns:
            (n, 3, H, W), NaN for an input whose gradient is not finite; and how many masks are zero everywhere.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", saliency.ZeroGradientWarning)
            try:
                masks = np.asarray(self._mask.GetMasks(list(inputs), (self._path, channel - 1)))
            except saliency.GradientError:
                masks = np.stack([self._one(x, channel) for x in inputs])
        return masks, int((~masks.reshape(len(masks), -1).any(axis=1)).sum())

    def _one(self, x: npt.NDArray[Any], channel: int) -> npt.NDArray[Any]:
        try:
            return np.asarray(self._mask.GetMasks([x], (self._path, channel - 1))[0])
        except saliency.GradientError:
            return np.full(x.shape, np.nan)
