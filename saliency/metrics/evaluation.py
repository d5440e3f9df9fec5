"""Evaluate a model on N inputs and their maps, in batches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

from saliency.core.batched_run import run_in_batches
from saliency.core.batching import BatchPlan
from saliency.core.errors import GradientError
from saliency.core.mask_runner import checked_batch_size, default_batch_size
from saliency.core.model_inputs import ModelInputs
from saliency.core.noise import sample_seeds
from saliency.core.progress import Progress
from saliency.core.score import Score
from saliency.core.target_resolution import spatial_size
from saliency.core.types import Array
from saliency.core.validation import boolean, whole_number
from saliency.core.wrap import wrap
from saliency.metrics.map_reading import Maps
from saliency.metrics.probability import as_probability
from saliency.metrics.ranking import position_ranks, tied_fraction, warn_of_constant_maps


class EvaluationOptions(TypedDict, total=False):
    """Options of every metric that evaluates a model; see ``Evaluation``."""

    feed_dict: Mapping[str, Any] | None
    probability: bool
    logits: bool
    batch_size: Any
    seed: int
    progress: bool


@dataclass(frozen=True)
class Part:
    """Some of the inputs with their maps.

    Args:
        score: the score of n inputs.
        x: the inputs (n, *input), on the device.
        maps: (n, *space), on the host.
        seeds: a seed for each input.
        details: what the metric records of each input.
    """

    score: Score
    x: Array
    maps: npt.NDArray[np.float64]
    seeds: Sequence[int]
    details: dict[str, npt.NDArray[Any]] = field(default_factory=dict)

    def ranks(self) -> npt.NDArray[np.int64]:
        """Return the ranks (n, *space) of the positions, and record the fraction of ties."""
        warn_of_constant_maps(self.maps, self.score.samples[0])
        self.details["ties"] = tied_fraction(self.maps)
        return position_ranks(self.maps, self.seeds)

    def over_space(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return values (n, *space) with a channel axis of length 1 where the inputs have one."""
        axis = self.score.adapter.channel_axis
        return values if axis is None else np.expand_dims(values, axis if axis < 0 else axis + 1)


class Evaluation:
    """Evaluate a model on N inputs and their maps.

    Args:
        model: a model that ``saliency.wrap`` accepts, or its adapter.
        x_values: array (N, *input), or a list of N inputs.
        masks: the maps of the inputs, from any library: (N, *space), or (N, *input), whose channels are summed. An array, a
            memory map, an HDF5 dataset or a list, which is read part by part.
        y: the targets, as for ``GetMasks``; None uses the top class of each input.
        feed_dict: the model's other inputs by name: arrays (N, ...), and plain values.
        probability: evaluate the softmax probability of the class. The output of the model must be its logits (N, classes).
        logits: if the model ends in a softmax or sigmoid, evaluate the logit of the class instead of the output.
        batch_size: largest number of samples in one pass; ``"auto"`` chooses it from the size of an input.
        seed: orders positions with equal values, and draws what is random in a metric.
        progress: show a progress bar.

    Raises:
        InputError: if an argument is invalid, or the numbers of inputs, maps and targets differ.
    """

    def __init__(
        self,
        model: Any,
        x_values: Any,
        masks: Any,
        y: Any = None,
        *,
        feed_dict: Mapping[str, Any] | None = None,
        probability: bool = False,
        logits: bool = False,
        batch_size: Any = "auto",
        seed: int = 0,
        progress: bool = False,
    ) -> None:
        self.adapter = wrap(model)
        self.inputs = ModelInputs.of(self.adapter, x_values, None, y, feed_dict).without_shared_passes()
        self.maps = Maps.of(masks, self.inputs.n)
        self.probability, self.logits = boolean("probability", probability), boolean("logits", logits)
        self._size = checked_batch_size(batch_size) or default_batch_size(self.inputs.x_values[0], self.adapter)
        self.seeds = sample_seeds(whole_number("seed", seed, least=0), self.inputs.n)
        self._progress = boolean("progress", progress)

    @property
    def unit(self) -> str:
        """What a score is, for the axis of a figure."""
        return "probability" if self.probability else "score"

    def run(
        self, compute: Callable[[Part], npt.NDArray[Any]], differentiates: bool = False
    ) -> tuple[npt.NDArray[np.float64], dict[str, npt.NDArray[Any]]]:
        """Compute values for each input.

        Args:
            compute: returns values (n, ...) of some of the inputs.
            differentiates: whether it computes gradients.

        Returns:
            The values of all inputs (N, ...), and what was recorded in ``Part.details``, (N, ...) each.

        Raises:
            GradientError: if a score or a value is infinite.
        """
        plan = BatchPlan(self._size, Progress(self.inputs.n, "outputs", self._progress))

        def of_part(score: Score, x: Array) -> tuple[npt.NDArray[Any], dict[str, npt.NDArray[Any]]]:
            score = as_probability(score, x) if self.probability else score
            start, stop = score.samples[0], score.samples[-1] + 1
            maps = self.maps.part(start, stop, spatial_size(self.adapter, x), self.adapter.channel_axis)
            part = Part(score, x, maps, self.seeds[start:stop])
            values = compute(part)
            self._check_scores(plan)
            return values, part.details

        results = run_in_batches(of_part, self.adapter, self.inputs, plan, self.logits, differentiates)
        names = results[0][1]
        details = {name: np.concatenate([found[name] for _, found in results]) for name in names}
        return np.concatenate([np.asarray(values, np.float64) for values, _ in results]), details

    def _check_scores(self, plan: BatchPlan) -> None:
        observed, plan.observed_scores = plan.observed_scores, []
        for scores in observed:
            values = self.adapter.numpy(scores)
            if not np.isfinite(values).all():
                raise GradientError(f"the score is {values[~np.isfinite(values)][0]} for a changed input; it must be finite")
