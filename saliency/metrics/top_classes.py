"""The top classes of inputs, from one forward pass."""

from collections.abc import Sequence
from typing import Any

from saliency.core.adapter import GradientAdapter
from saliency.core.batched_run import run_in_batches
from saliency.core.batching import BatchPlan
from saliency.core.mask_runner import default_batch_size
from saliency.core.model_inputs import ModelInputs
from saliency.core.progress import Progress
from saliency.core.score import Score
from saliency.core.types import Array


def top_classes(adapter: GradientAdapter, x_values: Sequence[Any]) -> list[int]:
    """Return the class with the highest output for each input, as for a mask without ``y``."""

    def classes(score: Score, x: Array) -> list[int]:  # noqa: ARG001 - the target was resolved for the inputs
        return [int(unit) for unit in score.request.target.units[:, 0, 0]]

    inputs = ModelInputs.of(adapter, list(x_values), None, None, None).without_shared_passes()
    plan = BatchPlan(default_batch_size(x_values[0], adapter), Progress())
    found = run_in_batches(classes, adapter, inputs, plan, logits=False, differentiates=False)
    return [one for part in found for one in part]
