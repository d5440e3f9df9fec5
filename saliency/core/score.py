"""A target bound to a model and to N inputs: the function that a mask differentiates."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.adapter import GradientAdapter
from saliency.core.batching import BatchPlan
from saliency.core.errors import InputError
from saliency.core.gradient_modifiers import Modifier
from saliency.core.relu_rules import checked_rule
from saliency.core.target import Target
from saliency.core.types import Array, OccludedOutputs, Rule
from saliency.core.validation import has_rows


@dataclass(frozen=True)
class Score:
    """One number for each of N samples, as a function of the input alone.

    Args:
        adapter: of the model.
        target: of the N samples.
        feed: the model's other inputs by name, arrays (N, ...) and plain values.
        n: number of samples.
        plan: how many of them are evaluated at a time.
        per_input: how many samples, one after the other, share an input; one forward pass serves them all.
        modifier: what is done to every gradient, (N, ...) in and out.
        inputs: (N, *input) that are explained; what the score is there is noted on the way, at no cost.
        details: what a method found out; see ``note``.
    """

    adapter: GradientAdapter
    target: Target
    feed: Mapping[str, Any]
    n: int
    plan: BatchPlan
    per_input: int = 1
    modifier: Modifier | None = None
    inputs: Array | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def values(self, x: Array) -> Array:
        """Return the scores (N,) of ``x`` (N, *input), which record no graph."""

        def values(x: Array, target: Target, feed: Mapping[str, Any]) -> tuple[Array]:
            scores = self.adapter.scores(x, target, feed)
            same = isinstance(scores, type(x)) and scores.dtype == x.dtype  # an argmax gives whole numbers
            return (scores if same else self.adapter.asarray(scores, "y"),)

        return self._observe(x, self._in_pieces(values, x)[0])

    def occluded_values(self, covered: OccludedOutputs, corners: npt.NDArray[np.int64]) -> Array:
        """Return the scores (windows, N) of the inputs with a window covered, whose corners are (windows, axes)."""
        copies = self.repeat(len(corners))

        def some(samples: slice, each: int) -> tuple[Array]:
            at = np.arange(samples.start, samples.stop, each)  # window after window, and in each input after input
            feed = copies._fed(slice(samples.start, samples.stop, each))
            outputs = covered.outputs(at % self.n // self.per_input, corners[at // self.n], feed)
            scores = copies.target.take(samples).scores(outputs, len(at), self.adapter)
            return (self.adapter.asarray(scores, "y"),)

        scores = self.plan.evaluate(some, copies.n, self.per_input, self.adapter.xp)[0]
        return self.adapter.xp.reshape(scores, (len(corners), self.n))

    def gradients(self, x: Array, rule: Rule | None = None, allow_no_relu: bool = False, at: Any = None) -> Array:
        """Return d score / d x, (N, *input) as ``x``, or by a layer's input or output; see ``GradientAdapter.gradients``."""
        return self.values_and_gradients(x, rule, allow_no_relu, at)[1]

    def values_and_gradients(
        self, x: Array, rule: Rule | None = None, allow_no_relu: bool = False, at: Any = None
    ) -> tuple[Array, Array]:
        """Return the scores (N,) as well, which cost nothing more."""
        differentiate = partial(self.adapter.gradients, rule=checked_rule(rule), allow_no_relu=allow_no_relu, at=at)
        scores, gradients = self._in_pieces(differentiate, x)
        return self._observe(x, scores), self._modified(gradients)

    def features(
        self, x: Array, layer: Any = None, rule: Rule | None = None, allow_no_relu: bool = False
    ) -> tuple[Array, Array]:
        """Return a layer's output and d score / d output, (N, channels, *space); see ``GradientAdapter.features``."""

        def features(x: Array, target: Target, feed: Mapping[str, Any]) -> tuple[Array, Array, Array]:
            scores, found, gradients = self.adapter.features(x, target, feed, layer, checked_rule(rule), allow_no_relu)
            return scores, self._each(found, gradients.shape[0] // found.shape[0]), gradients

        scores, found, gradients = self._in_pieces(features, x)
        self._observe(x, scores)
        return found, self._modified(gradients)

    def features_and_gradients(
        self, x: Array, layer: Any = None, rule: Rule | None = None, allow_no_relu: bool = False
    ) -> tuple[Array, Array, Array]:
        """Return a layer's output, d score / d output, and by a rule d score / d x, (N, *input)."""

        def both(x: Array, target: Target, feed: Mapping[str, Any]) -> tuple[Array, ...]:
            ask = self.adapter.features_and_gradients
            scores, found, by_layer, by_input = ask(x, target, feed, layer, checked_rule(rule), allow_no_relu)
            return scores, self._each(found, by_layer.shape[0] // found.shape[0]), by_layer, by_input

        scores, found, by_layer, by_input = self._in_pieces(both, x)
        self._observe(x, scores)
        return found, self._modified(by_layer), self._modified(by_input)

    def repeat(self, times: int) -> "Score":
        """Return the score of ``times`` copies of the N samples, copy after copy: (times * N, *input)."""
        feed = {name: self._tile(value, times) for name, value in self.feed.items()}
        return replace(self, target=self.target.repeat(times), feed=feed, n=times * self.n, inputs=None, details={})

    def explain(self, x: Array) -> "Score":
        """Return the score that explains other inputs (N, *input)."""
        return replace(self, inputs=x, details={})

    def alone(self, method: Callable[["Score", Array], Array], x: Array) -> Array:
        """Compute every sample's mask by itself, with its details: for a method whose samples differ in what they take."""
        masks, ones = [], []
        for i in range(self.n):
            one = slice(i, i + 1)
            score = replace(self, target=self.target.take(one), feed=self._fed(one), n=1, per_input=1).explain(x[one])
            masks.append(method(score, score.inputs))
            ones.append(score.details)
        for name, first in ones[0].items():
            concatenate = np.concatenate if isinstance(first, np.ndarray) else self.adapter.xp.concatenate
            self.details[name] = concatenate([details[name] for details in ones])
        return self.adapter.xp.concatenate(masks)

    def note(self, **found: Any) -> None:
        """Keep what a method found out, for the user: by name, an array (N, ...) or a number for all samples."""
        for name, value in found.items():
            self.details[name] = np.full(self.n, value) if isinstance(value, int | float) else value

    def batches(self, points: int) -> Iterator[range]:
        """Cut a method's ``points`` evaluations of all N samples into ``runs``, and announce them."""
        self.plan.progress.announce(points * self.n)
        return self.runs(points)

    def runs(self, points: int) -> Iterator[range]:
        """Cut ``points`` copies of all N samples into runs; see ``BatchPlan.runs``."""
        return self.plan.runs(points, self.n)

    def _in_pieces(self, call: Callable[..., tuple[Array, ...]], x: Array) -> tuple[Array, ...]:
        def some(samples: slice, each: int) -> tuple[Array, ...]:
            inputs = slice(samples.start, samples.stop, each)
            whole = each == 1 and len(range(self.n)[samples]) == self.n  # a slice is felt where a pass takes milliseconds
            return call(x, self.target, self.feed) if whole else call(x[inputs], self.target.take(samples), self._fed(inputs))

        return self.plan.evaluate(some, self.n, self.per_input, self.adapter.xp)

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

    def _fed(self, samples: slice) -> dict[str, Any]:
        return {name: value[samples] if has_rows(value) else value for name, value in self.feed.items()}

    def _tile(self, value: Any, times: int) -> Any:
        return self.adapter.xp.concatenate([value] * times) if times > 1 and has_rows(value) else value

    def _each(self, array: Array, times: int) -> Array:
        """Repeat every entry ``times`` times, one after the other."""
        if times == 1:
            return array
        return self.adapter.xp.concatenate([array[i : i + 1] for i in range(array.shape[0]) for _ in range(times)])
