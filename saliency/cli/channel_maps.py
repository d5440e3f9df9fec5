"""The masks of a layer's channels, one input failing without the others."""

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import saliency
from saliency import nets
from saliency.cli.channels import Channels
from saliency.cli.methods import COLOURED, METHODS, defaults, split
from saliency.cli.options import Refused
from saliency.core.errors import NoReLUError

Array = npt.NDArray[Any]
MOST_BYTES = 256 * 2**20  # of the masks that are held at a time, unless those of one channel are more


@dataclass(frozen=True)
class ChannelMasks:
    """The masks of n inputs for one channel.

    Args:
        channel: its number, from 1.
        masks: (n, 3, height, width), or (n, height, width) for a method whose maps have no colours; signed, in the method's
            units; NaN where an input failed.
    """

    channel: int
    masks: Array


class ChannelMaps:
    """A method on a network's layer.

    Args:
        network: by name.
        method: one of ``METHODS``.
        channels: of the layer.
        smooth: number of noisy copies that a mask is averaged over; None for none.
        batch: inputs in one pass at most; None chooses.
        given: the method's options, and with ``smooth`` also smoothing's, by name.

    Raises:
        Refused, ValueError: if the method does not take them.
    """

    def __init__(
        self,
        network: nets.Network,
        method: str,
        channels: Channels,
        smooth: int | None,
        batch: int | None,
        given: Mapping[str, Any],
    ) -> None:
        self._network, self._method, self._channels = network, method, channels
        own, smoothing = split(method, given, smooth)
        own = {name: network.layer(str(value)) if name in ("layer", "at") else value for name, value in own.items()}
        options = {**defaults(method, network.size), **own}
        kind = getattr(saliency, METHODS[method])
        self._mask: saliency.SaliencyMask = kind(network.model, batch_size=batch or "auto", **options)
        self._smooth = smooth
        self._smoothing: dict[str, Any] = {"magnitude": False, "seed": 0, **smoothing}
        self.failed: dict[int, tuple[str, str]] = {}
        self._notes: Counter[str] = Counter()

    def of(self, inputs: Sequence[Array], channels: Sequence[int]) -> Iterator[ChannelMasks]:
        """Yield the masks, channel by channel; ``failed`` then has the code and the reason for each input without one.

        Several channels of an input share its forward pass, as many as fit into memory.

        Args:
            inputs: n inputs, as the network prepares them.
            channels: their numbers, from 1.
        """
        self.failed = {}
        each = max(1, MOST_BYTES // (len(inputs) * np.asarray(inputs[0]).size * 4))
        for start in range(0, len(channels), each):
            some = channels[start : start + each]
            masks = self._masks(inputs, some)  # (n, channels, *mask)
            zeros = (masks == 0).all(axis=tuple(range(2, masks.ndim)))  # (n, channels)
            for i, channel in enumerate(some):
                told = f"the map of channel {channel} is zero everywhere: {self._mask.empty}"
                self._notes[told] += int(np.count_nonzero(zeros, axis=0)[i])
                yield ChannelMasks(channel, self._colours_first(masks[:, i]))

    def take_notes(self) -> Counter[str]:
        """Return how many maps were zero everywhere since this was asked last, in words."""
        notes, self._notes = self._notes, Counter()
        return notes

    def _masks(self, inputs: Sequence[Array], channels: Sequence[int]) -> Array:
        """Return (n, channels, *mask); where one input fails, each is computed by itself."""
        try:
            return self._computed(inputs, channels)
        except (saliency.GradientError, saliency.MemoryShortage):
            found = [self._alone(i, x, channels) for i, x in enumerate(inputs)]
        shape = next((one.shape for one in found if one is not None), (1, len(channels), *inputs[0].shape))
        return np.concatenate([np.full(shape, np.nan, np.float32) if one is None else one for one in found])

    def _alone(self, i: int, x: Array, channels: Sequence[int]) -> Array | None:
        try:
            return self._computed([x], channels)
        except saliency.GradientError as error:
            self.failed[i] = "NONFINITE_GRAD", f"the network gives no finite gradient: {error}"
        except saliency.MemoryShortage as error:
            self.failed[i] = "OOM", str(error)
        return None

    def _computed(self, inputs: Sequence[Array], channels: Sequence[int]) -> Array:
        copies = [x for x in inputs for _ in channels]
        targets = [self._channels.target(channel) for channel in channels] * len(inputs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", saliency.ZeroGradientWarning)
            try:
                if self._smooth is None:
                    masks = self._mask.GetMasks(copies, targets)
                else:
                    masks = self._mask.GetSmoothedMasks(copies, targets, nsamples=self._smooth, **self._smoothing)
            except NoReLUError as error:
                raise Refused(
                    f"-meth {self._method} needs a ReLU between the picture and -layer {self._channels.layer}, and "
                    f"{self._network.name} has none there: use -meth vanilla"
                ) from error
        return np.asarray(masks).reshape(len(inputs), len(channels), *masks.shape[1:])

    def _colours_first(self, masks: Array) -> Array:
        """Return (n, 3, height, width), or (n, height, width) where the channels, if there are any, say the same."""
        if masks.ndim == 4:
            masks = np.moveaxis(masks, self._network.channel_axis % 3 + 1, 1)
        return masks[:, 0] if masks.ndim == 4 and (masks.shape[1] == 1 or self._method not in COLOURED) else masks
