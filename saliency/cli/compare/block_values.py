"""Compute the values of a block of stimuli; one that fails does not stop the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency import nets
from saliency.cli.image_targets import ImageTargets
from saliency.cli.map_metrics import MapMetrics, Sample, Value
from saliency.cli.piece_log import StimulusLog
from saliency.cli.report.method_maps import MethodMaps
from saliency.cli.stimulus_image import StimulusImage
from saliency.metrics.registry import Metric


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
    log: StimulusLog

    def __post_init__(self) -> None:
        self._metrics = MapMetrics(self.network, self.metrics, self.log, self.seed, controls=True)

    @property
    def directions(self) -> dict[str, bool | None]:
        """Whether larger values of each metric that was computed mean better maps; None if neither direction is better."""
        return self._metrics.directions

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
        samples = [self._sample(chosen[i], channels[i]) for i in good]
        masks = {name: one[good] for name, one in zip(self.maps.names, found.values(), strict=True)}
        values, failed = self._metrics.compute(samples, masks)
        for one in chosen:
            if one.image.index in failed:
                self._fail(one, "metric", "METRIC", failed[one.image.index])
        captions = {str(chosen[i].image.index): self.targets.caption(channels[i], " rather than ") for i in good}
        return values, captions

    def _sample(self, one: ReadStimulus, channels: tuple[int, ...]) -> Sample:
        return Sample(one.image.index, one.x, self.targets.layer.target(channels), one.object_mask)

    def _fail(self, one: ReadStimulus, stage: str, code: str, reason: str) -> None:
        self.log.add_failure(one.image.name, one.image.path, stage, code, reason)
