"""The score of N samples: the function of the input that a mask explains."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.adapter import GradientAdapter
from saliency.core.adapter_request import Request
from saliency.core.attention import AttentionLayers, Gradients
from saliency.core.batch_independence import evaluate_checked
from saliency.core.batching import BatchPlan
from saliency.core.gradient_modifiers import Modifier, apply_modifier
from saliency.core.numerics.ragged import concatenate_padded
from saliency.core.numerics.repetition import repeat_each, tile
from saliency.core.relu_rules import checked_rule
from saliency.core.types import Array, OccludedOutputs
from saliency.core.validation import check_equal_shapes


@dataclass(frozen=True)
class Score:
    """One number for each of N samples, as a function of the input.

    Args:
        adapter: the model's adapter.
        request: the target of the N samples, the model's other inputs, and how to differentiate.
        n, plan: the number of samples, the batch size, and the progress of the run.
        per_input: number of consecutive samples that share an input and its forward pass.
        modifier: a function applied to every gradient, (N, ...) in and out.
        inputs: the inputs (N, *input) that are explained; if a method computes their scores, these are recorded.
        details: what the method recorded; see ``record``.
        samples: the place of each sample among the N inputs of the call.
    """

    adapter: GradientAdapter
    request: Request
    n: int
    plan: BatchPlan
    per_input: int = 1
    modifier: Modifier | None = None
    inputs: Array | None = None
    details: dict[str, Any] = field(default_factory=dict)
    samples: Sequence[int] = ()

    def using(self, **options: Any) -> "Score":
        """Return this score with other options of its request: ``rule``, ``allow_no_relu``, ``at`` or ``layer``.

        Raises:
            InputError: if the rule is neither a name, nor a callable, nor None, or the modifier has no meaning with it.
        """
        if "rule" in options:
            checked_rule(options["rule"], self.modifier)
        if all(getattr(self.request, name) is value for name, value in options.items()):
            return self
        return replace(self, request=replace(self.request, **options))

    def values(self, x: Array) -> Array:
        """Return the scores (N,) of ``x`` (N, *input), without recording a graph."""

        def values(x: Array, request: Request) -> tuple[Array]:
            scores = self.adapter.scores(x, request)
            same = isinstance(scores, type(x)) and scores.dtype == x.dtype  # an argmax returns integers
            return (scores if same else self.adapter.asarray(scores, "y"),)

        return self._evaluate_observed(values, x)[0]

    def occluded_values(self, occluded: OccludedOutputs, corners: npt.NDArray[np.int64]) -> Array:
        """Return the scores (windows, N) of the inputs with one window occluded; ``corners`` is (windows, axes)."""
        copies = self.repeat(len(corners)).request

        def evaluate(samples: slice, per_input: int) -> tuple[Array]:
            first = np.arange(samples.start, samples.stop, per_input)  # ordered by window, then by input
            request = copies.take(slice(samples.start, samples.stop, per_input))
            outputs = occluded.outputs(first % self.n // self.per_input, corners[first // self.n], request.feed)
            return (self.adapter.asarray(request.target.scores(outputs, len(first), self.adapter), "y"),)

        scores = self.plan.evaluate(evaluate, len(corners) * self.n, self.per_input, self.adapter.xp)[0]
        return self.adapter.xp.reshape(scores, (len(corners), self.n))

    def gradients(self, x: Array) -> Array:
        """Return d score / d x, (N, *input), or the gradient with respect to ``at``; see ``GradientAdapter.gradients``."""
        return self.values_and_gradients(x)[1]

    def values_and_gradients(self, x: Array) -> tuple[Array, Array]:
        """Return the scores (N,) and ``gradients`` from one pass."""
        scores, gradients = self._evaluate_observed(self.adapter.gradients, x)
        return scores, self._modified(gradients)

    def values_and_gradients_at(self, x: Array, values: Array | None = None) -> tuple[Array, Array, Array]:
        """Return the scores (N,), the values at the layer ``at`` and d score / d values, (N, ...), from one pass.

        If ``values`` are given, the model continues from them; see ``GradientAdapter.values_and_gradients_at``.
        """

        def evaluate(x: Array, request: Request) -> tuple[Array, ...]:
            scores, found, gradients = self.adapter.values_and_gradients_at(x, request)
            return scores, repeat_each(self.adapter.xp, found, gradients.shape[0] // found.shape[0]), gradients

        scores, found, gradients = self.using(at_values=values)._evaluate(evaluate, x)
        return self._observe(x if values is None else values, scores), found, self._modified(gradients)

    def multipliers(self, x: Array, baseline: Array) -> tuple[Array, Array, Array]:
        """Return the scores (N,) of ``x`` and of baselines, and ``GradientAdapter.multipliers`` (N, *input)."""
        scores, starts, multipliers = self.using(baseline=baseline)._evaluate(self.adapter.multipliers, x)
        return self._observe(x, scores), starts, self._modified(multipliers)

    def features(self, x: Array) -> tuple[Array, Array]:
        """Return a layer's output and d score / d output, (N, channels, *space); see ``GradientAdapter.features``."""

        def features(x: Array, request: Request) -> tuple[Array, ...]:
            scores, output, gradients = self.adapter.features(x, request)
            return scores, repeat_each(self.adapter.xp, output, gradients.shape[0] // output.shape[0]), gradients

        _, output, gradients = self._evaluate_observed(features, x)
        return output, self._modified(gradients)

    def features_and_gradients(self, x: Array) -> tuple[Array, Array, Array]:
        """Return a layer's output, d score / d output without the ReLU rule, and d score / d x, (N, *input), with it."""

        def evaluate(x: Array, request: Request) -> tuple[Array, ...]:
            scores, output, *gradients = self.adapter.features_and_gradients(x, request)
            return scores, repeat_each(self.adapter.xp, output, gradients[0].shape[0] // output.shape[0]), *gradients

        _, output, *gradients = self._evaluate_observed(evaluate, x)
        return output, self._modified(gradients[0]), self._modified(gradients[1])

    def attentions(self, x: Array, combine: Callable[[AttentionLayers], Array], gradients: Gradients = "score") -> Array:
        """Return what ``combine`` computes from the attention of each batch, (N, ...); see ``GradientAdapter.attentions``."""

        def evaluate(x: Array, request: Request) -> tuple[Array, ...]:
            found = self.adapter.attentions(x, request, gradients)
            return found.scores, combine(replace(found, gradients=[self._modified(one) for one in found.gradients]))

        return self._evaluate_observed(evaluate, x)[1]

    def repeat(self, times: int) -> "Score":
        """Return the score of ``times`` copies of the N samples, one copy after the other: (times * N, *input)."""
        feed = {name: tile(self.adapter.xp, value, times) for name, value in self.request.feed.items()}
        request = replace(self.request, target=self.request.target.repeat(times), feed=feed)
        return replace(self, request=request, n=times * self.n, inputs=None, details={}, samples=[*self.samples] * times)

    def for_inputs(self, x: Array) -> "Score":
        """Return the same score for other inputs (N, *input), without details."""
        return replace(self, inputs=x, details={})

    def one_by_one(self, method: Callable[["Score", Array], Array], x: Array) -> Array:
        """Compute the mask and the details of each sample separately, for a method whose samples need different work."""
        masks, scores = [], []
        for i in range(self.n):
            one = slice(i, i + 1)
            own: dict[str, Any] = {"request": self.request.take(one), "n": 1, "per_input": 1, "samples": self.samples[one]}
            scores.append(replace(self, **own, inputs=x[one], details={}))
            masks.append(method(scores[-1], scores[-1].inputs))
        for name, first in scores[0].details.items():
            concatenate = concatenate_padded if isinstance(first, np.ndarray) else self.adapter.xp.concatenate
            self.details[name] = concatenate([score.details[name] for score in scores])
        check_equal_shapes(masks)
        return self.adapter.xp.concatenate(masks)

    def record(self, **details: Any) -> None:
        """Record details of the result by name: an array (N, ...), or one number for all samples."""
        for name, value in details.items():
            self.details[name] = np.full(self.n, value) if isinstance(value, int | float) else value

    def batches(self, points: int) -> Iterator[range]:
        """Announce ``points`` evaluations of all N samples to the progress bar, and split them into ``chunks``."""
        self.plan.progress.announce(points * self.n)
        return self.chunks(points)

    def chunks(self, points: int) -> Iterator[range]:
        """Split ``points`` copies of all N samples into chunks; see ``BatchPlan.chunks``."""
        return self.plan.chunks(points, self.n)

    def _evaluate(self, call: Callable[[Array, Request], tuple[Array, ...]], x: Array) -> tuple[Array, ...]:
        def evaluate(samples: slice, per_input: int) -> tuple[Array, ...]:
            part, request = x, self.request
            if per_input > 1 or len(range(self.n)[samples]) < self.n:  # takes noticeable time if a pass takes milliseconds
                inputs = slice(samples.start, samples.stop, per_input)
                part, request = x[inputs], request.take(inputs)
            if not self.plan.checks_independence:
                return call(part, request)
            return evaluate_checked(call, self.adapter, part, request, self.plan.independence)

        return self.plan.evaluate(evaluate, self.n, self.per_input, self.adapter.xp)

    def _evaluate_observed(self, call: Callable[[Array, Request], tuple[Array, ...]], x: Array) -> tuple[Array, ...]:
        results = self._evaluate(call, x)
        self._observe(x, results[0])
        return results

    def _observe(self, x: Array, scores: Array) -> Array:
        self.plan.observed_scores.append(scores)
        if x is self.inputs:
            self.record(score=scores)
        return scores

    def _modified(self, gradients: Array) -> Array:
        return gradients if self.modifier is None else apply_modifier(self.modifier, gradients)
