"""Measure the maps of stimuli by metrics; a stimulus that fails does not stop the others."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency import nets
from saliency.batches.computation import FAILURES
from saliency.cli.piece_log import StimulusLog
from saliency.core.wrap import wrap
from saliency.metrics.compared_maps import HostMaps, with_controls
from saliency.metrics.measurement import Images, measure
from saliency.metrics.registry import Metric

Value = tuple[int, str, str, float]
"""Index of a stimulus, name of a method or control, name of a metric, value."""

Measured = tuple[list[Value], dict[int, str]]
"""The values, and the reason for each stimulus that has none, by its index."""


@dataclass(frozen=True)
class Sample:
    """A stimulus whose maps are measured.

    Args:
        index: index of the stimulus in the file, counting from 0.
        x: the network's input.
        target: what the maps explain.
        object_mask: the positions of its object, if a metric needs them.
    """

    index: int
    x: npt.NDArray[Any]
    target: Any
    object_mask: npt.NDArray[np.bool_] | None


class MapMetrics:
    """Measure maps of a network's stimuli.

    Args:
        network: the network.
        metrics: the metrics.
        log: the log of the run, for notes.
        seed: of what is random in the metrics and the controls.
        controls: whether to measure control maps as well.
    """

    def __init__(
        self, network: nets.Network, metrics: Sequence[Metric], log: StimulusLog, seed: int = 0, controls: bool = False
    ) -> None:
        self._adapter, self._metrics, self._log = wrap(network.model), metrics, log
        self._seed, self._controls = seed, controls
        self.directions: dict[str, bool | None] = {}
        self._constant: set[tuple[str, int]] = set()  # name of a method, index of a stimulus

    def compute(self, samples: Sequence[Sample], masks: Mapping[str, npt.NDArray[Any]]) -> Measured:
        """Measure all samples together if possible, and each one alone if some fail.

        Args:
            samples: n samples.
            masks: name of a method -> its finite masks, (n, 3, H, W) or (n, H, W), of which the sums of the magnitudes over
                the color channels are measured, as in ``saliency.metrics.compare``.
        """
        return self._compute(samples, {name: _strengths(one) for name, one in masks.items()})

    def _compute(self, samples: Sequence[Sample], maps: Mapping[str, HostMaps]) -> Measured:
        try:
            return (self._measure(samples, maps) if samples else []), {}
        except FAILURES as error:
            if len(samples) == 1:
                return [], {samples[0].index: str(error)}
        alone = [self._compute([one], {name: each[i : i + 1] for name, each in maps.items()}) for i, one in enumerate(samples)]
        return [value for values, _ in alone for value in values], {i: why for _, failed in alone for i, why in failed.items()}

    def _measure(self, samples: Sequence[Sample], maps: Mapping[str, HostMaps]) -> list[Value]:
        x, first, values = [one.x for one in samples], samples[0].index, []
        images = Images(x, [one.target for one in samples], [one.object_mask for one in samples])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # constant maps are counted as notes
            compared = with_controls(maps, self._adapter, x, self._seed, first) if self._controls else maps
            for name, metric, result in measure(self._metrics, self._adapter, images, compared, self._seed + first):
                self.directions[metric.name] = result.higher_is_better
                indices = [one.index for one in samples]
                values += [(i, name, metric.name, float(value)) for i, value in zip(indices, result.value, strict=True)]
        for name, masks in maps.items():
            constant = np.flatnonzero(np.ptp(masks.reshape(len(masks), -1), axis=1) == 0).tolist()
            new = {(name, samples[i].index) for i in constant} - self._constant  # an image may have several maps of a method
            self._constant |= new
            self._log.notes[f"{name}: the map is constant, so metrics rank its positions at random"] += len(new)
        return values


def _strengths(masks: npt.NDArray[Any]) -> HostMaps:
    """Return maps (n, H, W): the sums of the magnitudes over the color channels."""
    magnitudes = np.abs(masks.astype(np.float64))
    return magnitudes.sum(axis=1) if magnitudes.ndim == 4 else magnitudes
