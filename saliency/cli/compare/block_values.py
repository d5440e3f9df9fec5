"""Compute the values of a block of stimuli; one that fails does not stop the others."""

from collections.abc import Sequence
from dataclasses import dataclass

from saliency import nets
from saliency.cli.image_targets import ImageTargets
from saliency.cli.map_metrics import MapMetrics, Sample, Value
from saliency.cli.piece_log import StimulusLog
from saliency.cli.report.method_maps import MethodMaps
from saliency.cli.stimulus_image import StimulusImage
from saliency.cli.stimulus_reader import Prepared
from saliency.metrics.registry import Metric


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

    def compute(self, read: Sequence[Prepared]) -> tuple[list[Value], dict[str, str]]:
        """Return the values of stimuli, and what was explained by index of a stimulus, as text."""
        kept, rows = self.targets.split([image for image, _ in read], [x for _, x in read], self.log)
        chosen = [read[i] for i in kept]
        if not chosen:
            return [], {}
        channels = list(rows[0].channels)
        (found,) = self.maps.compute([x for _, x in chosen], rows)
        self.maps.log_notes(self.log)
        failures = self.maps.failures()
        for i, (code, reason) in failures.items():
            self._fail(chosen[i][0], "gradient", code, reason)
        good = [i for i in range(len(chosen)) if i not in failures]
        samples = [self._sample(chosen[i], channels[i]) for i in good]
        masks = {name: one[good] for name, one in zip(self.maps.names, found.values(), strict=True)}
        values, failed = self._metrics.compute(samples, masks)
        for image, _ in chosen:
            if image.index in failed:
                self._fail(image, "metric", "METRIC", failed[image.index])
        captions = {str(chosen[i][0].index): self.targets.caption(channels[i], " rather than ") for i in good}
        return values, captions

    def _sample(self, one: Prepared, channels: tuple[int, ...]) -> Sample:
        image, x = one
        return Sample(image.index, x, self.targets.layer.target(channels), image.object_mask)

    def _fail(self, image: StimulusImage, stage: str, code: str, reason: str) -> None:
        self.log.add_failure(image.name, image.path, stage, code, reason)
