"""Compute the values of a block of stimuli; one that fails does not stop the others."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency import nets
from saliency.batches.computation import FAILURES
from saliency.cli.image_targets import ImageTargets
from saliency.cli.report.method_maps import MethodMaps
from saliency.cli.run_log import RunLog
from saliency.cli.stimulus_image import StimulusImage
from saliency.core.wrap import wrap
from saliency.metrics.compared_maps import with_controls
from saliency.metrics.measurement import Images, measure
from saliency.metrics.registry import Metric

Value = tuple[int, str, str, float]
"""Index of a stimulus, name of a method or control, name of a metric, value."""


@dataclass(frozen=True)
class ReadStimulus:
    """A stimulus that was read.

    Args:
        image: its image, reduced.
        x: the network's input.
        object_mask: the positions of its object, if they are needed.
    """

    image: StimulusImage
    x: npt.NDArray[Any]
    object_mask: npt.NDArray[np.bool_] | None


@dataclass
class BlockValues:
    """Measure blocks of stimuli.

    Args:
        network: the network.
        targets: what is explained; its choices have one entry.
        maps: the methods.
        metrics: the metrics.
        seed: of everything that is random.
        log: the log of the run.
    """

    network: nets.Network
    targets: ImageTargets
    maps: MethodMaps
    metrics: Sequence[Metric]
    seed: int
    log: RunLog

    def __post_init__(self) -> None:
        self._adapter = wrap(self.network.model)
        self.directions: dict[str, bool | None] = {}

    def compute(self, stimuli: Sequence[ReadStimulus]) -> tuple[list[Value], dict[str, str]]:
        """Return the values of stimuli, and what was explained by index of a stimulus, as text."""
        kept, rows = self.targets.split([one.image for one in stimuli], [one.x for one in stimuli], self.log)
        chosen = [stimuli[i] for i in kept]
        if not chosen:
            return [], {}
        channels = list(rows[0].channels)
        (found,) = self.maps.compute([one.x for one in chosen], rows)
        self.maps.log_notes(self.log)
        failures = self.maps.failures()
        for i, (code, reason) in failures.items():
            self._fail(chosen[i], "gradient", code, reason)
        good = [i for i in range(len(chosen)) if i not in failures]
        maps = {name: _strengths(masks)[good] for name, masks in zip(self.maps.names, found.values(), strict=True)}
        values = self._values([chosen[i] for i in good], [channels[i] for i in good], maps)
        captions = {str(chosen[i].image.index): self.targets.caption(channels[i], " rather than ") for i in good}
        return values, captions

    def _values(
        self, stimuli: Sequence[ReadStimulus], channels: Sequence[tuple[int, ...]], maps: Mapping[str, npt.NDArray[np.float64]]
    ) -> list[Value]:
        """Measure all stimuli together if possible, and each one alone if some fail."""
        try:
            return self._measure(stimuli, channels, maps) if stimuli else []
        except FAILURES as error:
            if len(stimuli) == 1:
                self._fail(stimuli[0], "metric", "METRIC", str(error))
                return []
        found = []
        for i, one in enumerate(stimuli):
            found += self._values([one], [channels[i]], {name: masks[i : i + 1] for name, masks in maps.items()})
        return found

    def _measure(
        self, stimuli: Sequence[ReadStimulus], channels: Sequence[tuple[int, ...]], maps: Mapping[str, npt.NDArray[np.float64]]
    ) -> list[Value]:
        first, values = stimuli[0].image.index, []
        x, objects = [one.x for one in stimuli], [one.object_mask for one in stimuli]
        images = Images(x, [self.targets.layer.target(one) for one in channels], objects)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # constant maps are counted as notes
            compared = with_controls(maps, self._adapter, x, self.seed, first)
            for name, metric, result in measure(self.metrics, self._adapter, images, compared, self.seed + first):
                self.directions[metric.name] = result.higher_is_better
                places = [one.image.index for one in stimuli]
                values += [(i, name, metric.name, float(value)) for i, value in zip(places, result.value, strict=True)]
        for name, masks in maps.items():
            constant = np.ptp(masks.reshape(len(masks), -1), axis=1) == 0
            self.log.notes[f"{name}: the map is constant, so metrics rank its positions at random"] += int(constant.sum())
        return values

    def _fail(self, one: ReadStimulus, stage: str, code: str, reason: str) -> None:
        self.log.add_failure(one.image.name, one.image.path, stage, code, reason)


def _strengths(masks: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return maps (n, H, W): the sums of the magnitudes over the color channels, as in ``saliency.compare``."""
    magnitudes = np.abs(masks.astype(np.float64))
    return magnitudes.sum(axis=1) if magnitudes.ndim == 4 else magnitudes
