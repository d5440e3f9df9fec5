"""Compute saliency maps of a layer's channels; an input that fails does not stop the others."""

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import saliency
from saliency import nets
from saliency.cli.channel_choice import TargetRow
from saliency.cli.channels import LayerChannels
from saliency.cli.methods import COLOR_METHODS, METHODS, default_options, split_settings
from saliency.cli.network import gray_input
from saliency.cli.options import CommandError
from saliency.core.computation_record import computation_record
from saliency.core.errors import NoReLUError

Array = npt.NDArray[Any]
MAX_MASK_BYTES = 256 * 2**20  # size of the masks in memory at a time; a single channel may exceed it


@dataclass(frozen=True)
class ChannelMasks:
    """The masks of n inputs for one channel each.

    Args:
        row: the channels.
        masks: (n, 3, height, width), or (n, height, width) for methods whose maps have no color channels; signed, in the
            method's units; NaN for an input that failed.
    """

    row: TargetRow
    masks: Array


class ChannelExplainer:
    """Apply a method to the channels of a layer.

    Args:
        network: the network.
        method: one of ``METHODS``.
        channels: the channels of the layer.
        smooth: number of noisy copies over which each mask is averaged; None for no smoothing.
        batch: maximum batch size; None chooses it by the size of the inputs.
        settings: options of the method and, with ``smooth``, of smoothing, by name.

    Raises:
        CommandError, ValueError: if a setting is invalid.
    """

    def __init__(
        self,
        network: nets.Network,
        method: str,
        channels: LayerChannels,
        smooth: int | None,
        batch: int | None,
        settings: Mapping[str, Any],
    ) -> None:
        self._network, self._method, self._channels = network, method, channels
        given, smoothing = split_settings(method, settings, smooth)
        given = {name: network.layer(str(value)) if name in ("layer", "at") else value for name, value in given.items()}
        options = {**default_options(method, network.size), **given}
        kind = getattr(saliency, METHODS[method])
        self._mask: saliency.SaliencyMask = kind(network.model, batch_size=batch or "auto", **options)
        self._smooth = smooth
        self._smoothing: dict[str, Any] = {"magnitude": False, "seed": 0, **smoothing}
        self.failures: dict[int, tuple[str, str]] = {}
        self._notes: Counter[str] = Counter()

    def record(self) -> dict[str, Any]:
        """Return the record of the method, its options and the model; the targets are channels, which it does not contain."""
        smoothing = {} if self._smooth is None else {"nsamples": self._smooth, **self._smoothing}
        found = computation_record(self._mask, self._smooth is not None, smoothing)
        return {name: value for name, value in found.items() if name != "target"}

    def explain(self, inputs: Sequence[Array], rows: Sequence[TargetRow]) -> Iterator[ChannelMasks]:
        """Yield the masks, one row after the other.

        Several targets of an input share its forward pass, as many as fit into memory. Afterwards, ``failures`` has a code
        and a reason for each input without a mask, by its index.

        Args:
            inputs: n preprocessed inputs.
            rows: the channels of the n inputs.
        """
        self.failures = {}
        step = max(1, MAX_MASK_BYTES // (len(inputs) * np.asarray(inputs[0]).size * 4))
        for start in range(0, len(rows), step):
            chunk = rows[start : start + step]
            targets = [[self._channels.target(row.channels[i]) for row in chunk] for i in range(len(inputs))]
            masks = self._masks(inputs, targets)  # (n, rows, *mask)
            zeros = (masks == 0).all(axis=tuple(range(2, masks.ndim)))  # (n, rows)
            for k, row in enumerate(chunk):
                differ = [len(set(channels)) == len(channels) for channels in row.channels]  # not a class rather than itself
                what = str(row.choice) if row.choice.varies else f"channel {row.choice}"
                note = f"the map of {what} is zero everywhere: {self._mask.empty}"
                self._notes[note] += int(np.count_nonzero(zeros[:, k] & np.array(differ)))
                yield ChannelMasks(row, self._colors_first(masks[:, k]))

    def map_bytes(self) -> int:
        """Return the size of a map of one channel in bytes."""
        x = gray_input(self._network)
        colors = 1 if self._method in COLOR_METHODS else x.shape[self._network.channel_axis]
        return x.size // colors * np.dtype(np.float32).itemsize

    def pop_notes(self) -> Counter[str]:
        """Return how many maps were zero everywhere since the last call, by message."""
        notes, self._notes = self._notes, Counter()
        return notes

    def _masks(self, inputs: Sequence[Array], targets: Sequence[Sequence[Any]]) -> Array:
        """Return (n, rows, *mask); if an input fails, compute each one alone."""
        try:
            return self._compute(inputs, targets)
        except (saliency.GradientError, saliency.MemoryShortage):
            single = [self._compute_one(i, x, targets[i]) for i, x in enumerate(inputs)]
        shape = next((masks.shape for masks in single if masks is not None), (1, len(targets[0]), *inputs[0].shape))
        return np.concatenate([np.full(shape, np.nan, np.float32) if masks is None else masks for masks in single])

    def _compute_one(self, i: int, x: Array, targets: Sequence[Any]) -> Array | None:
        try:
            return self._compute([x], [targets])
        except saliency.GradientError as error:
            self.failures[i] = "NONFINITE_GRAD", f"the network's gradient is not finite: {error}"
        except saliency.MemoryShortage as error:
            self.failures[i] = "OOM", str(error)
        return None

    def _compute(self, inputs: Sequence[Array], targets: Sequence[Sequence[Any]]) -> Array:
        """Return (n, rows, *mask) for n inputs and the targets of each."""
        copies = [x for x, ys in zip(inputs, targets, strict=True) for _ in ys]
        targets_of_copies = [y for ys in targets for y in ys]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", saliency.ZeroGradientWarning)
            try:
                if self._smooth is None:
                    masks = self._mask.GetMasks(copies, targets_of_copies, progress=False)
                else:
                    masks = self._mask.GetSmoothedMasks(
                        copies, targets_of_copies, progress=False, nsamples=self._smooth, **self._smoothing
                    )
            except NoReLUError as error:
                raise CommandError(
                    f"-meth {self._method} needs a ReLU between the image and -layer {self._channels.layer}, and "
                    f"{self._network.name} has none there; use -meth vanilla"
                ) from error
        return np.asarray(masks).reshape(len(inputs), len(targets[0]), *masks.shape[1:])

    def _colors_first(self, masks: Array) -> Array:
        """Return (n, 3, height, width), or (n, height, width) if there are no color channels or all of them are equal."""
        if masks.ndim == 4:
            masks = np.moveaxis(masks, self._network.channel_axis % 3 + 1, 1)
        return masks[:, 0] if masks.ndim == 4 and (masks.shape[1] == 1 or self._method not in COLOR_METHODS) else masks
