"""Compute the activations of a batch of stimuli, layer by layer."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.cli.activations import ActivationExtractor
from saliency.cli.piece_log import StimulusLog
from saliency.cli.stimulus_reader import Prepared

Array = npt.NDArray[Any]


class ActivationBatch:
    """The activations of a batch.

    Args:
        extractor: computes the activations of a layer.
        prepared: the images that were read, and their inputs.
        indices: the indices of all stimuli of the batch.
    """

    def __init__(self, extractor: ActivationExtractor, prepared: Sequence[Prepared], indices: range) -> None:
        self._extractor, self._indices = extractor, indices
        self._images = [image for image, _ in prepared]
        self._rows = [image.index - indices.start for image in self._images]
        self._x = extractor.stack([x for _, x in prepared]) if prepared else None
        self._failures: dict[int, tuple[str, str]] = {}

    def layers(self) -> Iterator[tuple[str, Array]]:
        """Yield each layer and its activations (stimuli, channels, rows, columns); NaN for stimuli without an input."""
        for name, shape in self._extractor.shapes.items():
            values = np.full((len(self._indices), *shape), np.nan, np.float32)
            if self._images:
                values[self._rows], shortages = self._extractor.compute(name, self._x)
                finite = np.isfinite(values[self._rows]).all(axis=(1, 2, 3))
                reason = f"layer {name} has infinite or NaN values"
                self._failures |= dict.fromkeys(np.flatnonzero(~finite).tolist(), ("NONFINITE_ACT", reason))
                self._failures |= {i: ("OOM", reason) for i, reason in shortages.items()}
            yield name, values

    def failed(self, log: StimulusLog) -> list[int]:
        """Log the stimuli whose activations are not finite; return their indices. They must become NaN in all layers."""
        for i, (code, reason) in sorted(self._failures.items()):
            image = self._images[i]
            log.add_failure(image.name, image.path, "forward", code, reason)
        return [self._images[i].index for i in sorted(self._failures)]
