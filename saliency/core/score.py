"""A target bound to a model and to N inputs: the function that a mask differentiates."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.adapter import GradientAdapter
from saliency.core.batching import BatchPlan
from saliency.core.errors import InputError
from saliency.core.gradient_modifiers import Modifier
from saliency.core.relu_rules import checked_rule
from saliency.core.request import Request
from saliency.core.types import Array, OccludedOutputs
from saliency.core.validation import has_rows


@dataclass(frozen=True)
class Score:
    """One number for each of N samples, as a function of the input alone.

    Args:
        adapter: the model's adapter.
        request: the target of the N samples, the model's other inputs, and how to differentiate.
        n: number of samples.
        plan: how many samples are evaluated at a time.
        per_input: how many consecutive samples share an input; one forward pass serves them all.
        modifier: a function applied to every gradient, (N, ...) in and out.
        inputs: the inputs (N, *input) that are explained; their scores are noted when they are computed anyway.
        details: what a method found out; see ``note``.
    """

    adapter: GradientAdapter
    request: Request
    n: int
    plan: BatchPlan
    per_input: int = 1
    modifier: Modifier | None = None
    inputs: Array | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def using(self, **options: Any) -> "Score":
        """Return this score with other options of its request: ``rule``, ``allow_no_relu``, ``at``, ``layer``.

        Raises:
            InputError: if the rule is neither a name, nor a callable, nor None.
        """
        if "rule" in options:
            checked_rule(options["rule"])
        return replace(self, request=replace(self.request, **options))

    def values(self, x: Array) -> Array:
        """Return the scores (N,) of ``x`` (N, *input), without recording a graph."""

        def values(x: Array, request: Request) -> tuple[Array]:
            scores = self.adapter.scores(x, request)
            same = isinstance(scores, type(x)) and scores.dtype == x.dtype  # an argmax returns integers
            return (scores if same else self.adapter.asarray(scores, "y"),)

        return self._observe(x, self._evaluate(values, x)[0])

    def occluded_values(self, occluded: OccludedOutputs, corners: npt.NDArray[np.int64]) -> Array:
        """Return the scores (windows, N) of the inputs with one window occluded; ``corners`` is (windows, axes)."""
        copies = self.repeat(len(corners)).request

        def evaluate(samples: slice, per_input: int) -> tuple[Array]:
            first = np.arange(samples.start, samples.stop, per_input)  # window after window, and in each input after input
            request = copies.take(slice(samples.start, samples.stop, per_input))
            outputs = occluded.outputs(first % self.n // self.per_input, corners[first // self.n], request.feed)
            return (self.adapter.asarray(request.target.scores(outputs, len(first), self.adapter), "y"),)

        scores = self.plan.evaluate(evaluate, len(corners) * self.n, self.per_input, self.adapter.xp)[0]
        return self.adapter.xp.reshape(scores, (len(corners), self.n))

    def gradients(self, x: Array) -> Array:
        """Return d score / d x, (N, *input) as ``x``, or by the layer ``at``; see ``GradientAdapter.gradients``."""
        return self.values_and_gradients(x)[1]

    def values_and_gradients(self, x: Array) -> tuple[Array, Array]:
        """Return the scores (N,) as well, at no further cost."""
        scores, gradients = self._evaluate(self.adapter.gradients, x)
        return self._observe(x, scores), self._modified(gradients)

    def features(self, x: Array) -> tuple[Array, Array]:
        """Return a layer's output and d score / d output, (N, channels, *space); see ``GradientAdapter.features``."""

        def features(x: Array, request: Request) -> tuple[Array, ...]:
            scores, output, gradients = self.adapter.features(x, request)
            return scores, self._repeat_each(output, gradients.shape[0] // output.shape[0]), gradients

        scores, output, gradients = self._evaluate(features, x)
        self._observe(x, scores)
        return output, self._modified(gradients)

    def features_and_gradients(self, x: Array) -> tuple[Array, Array, Array]:
        """Return a layer's output, d score / d output without the rule, and d score / d x, (N, *input), with it."""

        def both(x: Array, request: Request) -> tuple[Array, ...]:
            scores, output, by_layer, by_input = self.adapter.features_and_gradients(x, request)
            return scores, self._repeat_each(output, by_layer.shape[0] // output.shape[0]), by_layer, by_input

        scores, output, by_layer, by_input = self._evaluate(both, x)
        self._observe(x, scores)
        return output, self._modified(by_layer), self._modified(by_input)

    def repeat(self, times: int) -> "Score":
        """Return the score of ``times`` copies of the N samples, copy after copy: (times * N, *input)."""
        feed = {name: self._tile(value, times) for name, value in self.request.feed.items()}
        request = replace(self.request, target=self.request.target.repeat(times), feed=feed)
        return replace(self, request=request, n=times * self.n, inputs=None, details={})

    def explain(self, x: Array) -> "Score":
        """Return the score that explains other inputs (N, *input)."""
        return replace(self, inputs=x, details={})

    def one_by_one(self, method: Callable[["Score", Array], Array], x: Array) -> Array:
        """Compute each sample's mask separately, with its details: for a method whose samples need different work."""
        masks, ones = [], []
        for i in range(self.n):
            one = slice(i, i + 1)
            score = replace(self, request=self.request.take(one), n=1, per_input=1).explain(x[one])
            masks.append(method(score, score.inputs))
            ones.append(score.details)
        for name, first in ones[0].items():
            concatenate = np.concatenate if isinstance(first, np.ndarray) else self.adapter.xp.concatenate
            self.details[name] = concatenate([details[name] for details in ones])
        return self.adapter.xp.concatenate(masks)

    def note(self, **details: Any) -> None:
        """Record what a method found out, for the user: by name, an array (N, ...) or one number for all samples."""
        for name, value in details.items():
            self.details[name] = np.full(self.n, value) if isinstance(value, int | float) else value

    def batches(self, points: int) -> Iterator[range]:
        """Split a method's ``points`` evaluations of all N samples into ``chunks``, and announce them to the progress bar."""
        self.plan.progress.announce(points * self.n)
        return self.chunks(points)

    def chunks(self, points: int) -> Iterator[range]:
        """Split ``points`` copies of all N samples into chunks; see ``BatchPlan.chunks``."""
        return self.plan.chunks(points, self.n)

    def _evaluate(self, call: Callable[[Array, Request], tuple[Array, ...]], x: Array) -> tuple[Array, ...]:
        def evaluate(samples: slice, per_input: int) -> tuple[Array, ...]:
            if per_input == 1 and len(range(self.n)[samples]) == self.n:  # slicing costs time where a pass takes milliseconds
                return call(x, self.request)
            inputs = slice(samples.start, samples.stop, per_input)
            return call(x[inputs], self.request.take(inputs))

        return self.plan.evaluate(evaluate, self.n, self.per_input, self.adapter.xp)

    def _observe(self, x: Array, scores: Array) -> Array:
        self.plan.observed_scores.append(scores)
        if x is self.inputs:
            self.note(score=scores)
        return scores

    def _modified(self, gradients: Array) -> Array:
        if self.modifier is None:
            return gradients
        modified = self.modifier(gradients)
        if not isinstance(modified, type(gradients)) or tuple(modified.shape) != tuple(gradients.shape):
            kind = f"{type(modified).__name__} of the shape {tuple(getattr(modified, 'shape', ()))}"
            raise InputError(
                f"`modifier` gave a {kind}; it must give a {type(gradients).__name__} of {tuple(gradients.shape)}"
            )
        return modified

    def _tile(self, value: Any, times: int) -> Any:
        return self.adapter.xp.concatenate([value] * times) if times > 1 and has_rows(value) else value

    def _repeat_each(self, array: Array, times: int) -> Array:
        """Repeat each entry ``times`` times in a row."""
        if times == 1:
            return array
        return self.adapter.xp.concatenate([array[i : i + 1] for i in range(array.shape[0]) for _ in range(times)])
