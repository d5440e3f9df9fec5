"""Evaluate N inputs in batches that fit into memory, and notice samples that influence each other."""

from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

from saliency.core.adapter import GradientAdapter
from saliency.core.batch_independence import InteractingSamples
from saliency.core.batching import BatchPlan
from saliency.core.gradient_modifiers import Modifier
from saliency.core.interrupts import DeferredInterrupts
from saliency.core.model_inputs import ModelInputs
from saliency.core.score import Score
from saliency.core.shape_hints import add_shape_hints
from saliency.core.types import Array
from saliency.core.undo import all_undone

Result = TypeVar("Result")


def run_in_batches(
    compute: Callable[[Score, Array], Result],
    adapter: GradientAdapter,
    inputs: ModelInputs,
    plan: BatchPlan,
    logits: bool,
    differentiates: bool,
    modifier: Modifier | None = None,
) -> list[Result]:
    """Compute a result for each batch of N inputs; the model is unchanged afterwards.

    Ctrl-C is held back and delivered between two passes. Within an array operation, it could change the framework's state.

    Args:
        compute: receives the score of n samples, whose ``samples`` are their places among the N, and their inputs (n, *input).
        adapter: the model's adapter.
        inputs: the N inputs with their targets.
        plan: the batch size, and the progress of the run, which is closed at the end.
        logits, differentiates, modifier: see ``SaliencyMask``.

    Returns:
        The results of all batches, in order.

    Raises:
        ForwardError: if a forward pass fails; the message may end with a hint on the input's shape.
    """
    results, start = [], 0
    with DeferredInterrupts(), all_undone(), add_shape_hints(adapter), closing(plan.progress), adapter.run_context():
        while start < inputs.n:
            stop, per_input = inputs.batch(start, plan.size, plan.most_targets)
            try:
                request, x = inputs.to_device(adapter, slice(start, stop), per_input, logits, differentiates, plan)
                score = Score(adapter, request, stop - start, plan, per_input, modifier, x, samples=range(start, stop))
                results.append(compute(score, x))
            except InteractingSamples:
                plan.restart_one_at_a_time()
                continue
            start = stop
    return results
