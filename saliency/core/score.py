"""A target bound to a model and to N inputs: the function that a mask differentiates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from saliency.core.adapter import Array, GradientAdapter, Rule
from saliency.core.errors import ModelError
from saliency.core.target import Target, channels_of


@dataclass(frozen=True)
class Score:
    """One number for each of N inputs, as a function of the input alone.

    Args:
        adapter: of the model.
        target: of the N inputs.
        feed: the model's other inputs by name, arrays (N, ...) and plain values.
        n: number of inputs.
        batch_size: how many samples a method may hold at a time.
    """

    adapter: GradientAdapter
    target: Target
    feed: Mapping[str, Any]
    n: int
    batch_size: int

    @classmethod
    def of(
        cls,
        adapter: GradientAdapter,
        x: Array,
        ys: Sequence[Any],
        feed: Mapping[str, Any],
        batch_size: int,
        logits: bool,
    ) -> "Score":
        """Bind one target a sample; where it is None, the sample's top class for ``x`` (N, *input)."""
        if any(y is None for y in ys):
            ys = [top if y is None else y for y, top in zip(ys, top_classes(adapter, x, feed), strict=True)]
        return cls(adapter, Target.of(ys, logits), feed, len(ys), batch_size)

    def gradients(self, x: Array, rule: Rule | None = None, allow_no_relu: bool = False) -> Array:
        """Return d score / d x, (N, *input) as ``x``; see ``GradientAdapter.gradients``."""
        return self.adapter.gradients(x, self.target, self.feed, rule, allow_no_relu)

    def repeat(self, times: int) -> "Score":
        """Return the score of ``times`` copies of the N inputs, copy after copy: (times * N, *input)."""
        if times == 1:
            return self
        feed = {name: self._tile(value, times) for name, value in self.feed.items()}
        return replace(self, target=self.target.repeat(times), feed=feed, n=times * self.n)

    def batches(self, points: int) -> Iterator[range]:
        """Cut ``points`` evaluations of all N inputs into even runs that hold at most ``batch_size`` samples each."""
        runs = -(-points // max(1, self.batch_size // self.n))
        bounds = [points * i // runs for i in range(runs + 1)]
        yield from (range(*ends) for ends in pairwise(bounds))

    def _tile(self, value: Any, times: int) -> Any:
        return self.adapter.xp.concatenate([value] * times) if getattr(value, "shape", ()) else value


def top_classes(adapter: GradientAdapter, x: Array, feed: Mapping[str, Any]) -> list[int]:
    """Return the highest output of each of the inputs (N, *input); an output with spatial axes counts by its mean.

    Raises:
        ModelError: if the output is not an array (N, ...), or not finite.
    """
    n = x.shape[0]
    outputs = channels_of(adapter.outputs(x, Target(logits=False), feed), n)  # a softmax or sigmoid keeps the order
    scores = adapter.numpy(outputs).reshape(n, outputs.shape[1], -1).mean(axis=2)
    if not np.isfinite(scores).all():
        raise ModelError("the model's output is NaN or infinite for this input; it has no top class")
    return [int(top) for top in scores.argmax(axis=1)]
