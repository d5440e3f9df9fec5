"""A mask's request to an adapter: the target, the model's other inputs, and how to differentiate."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from saliency.core.lrp_composites import LRPComposite
from saliency.core.target import Target
from saliency.core.types import Array, Rule
from saliency.core.user_grid import UserGrid
from saliency.core.validation import has_batch_axis


@dataclass(frozen=True)
class Request:
    """A request to an adapter for N inputs. A new option of the contract becomes a new field here.

    Args:
        target: the target of N * T samples: T samples of the first input, then T of the next. T is 1 unless each input is
            explained for several targets.
        feed: the model's other inputs by name, arrays (N, ...) and plain values.
        rule: how the gradient passes every ReLU; None leaves it unchanged.
        allow_no_relu: accept a rule if no ReLU is found.
        relevance: for ``gradients`` and ``values_and_gradients_at``, return the multipliers of layer-wise relevance
            propagation by these rules instead of the gradients. The relevance of a value is the value times its multiplier.
            With a rule of the first layer and without ``at``, relevance itself is returned.
        baseline: for ``multipliers``, baselines (N, *input).
        at: for ``gradients``, a layer (name or object) whose input replaces the model's input: the first tensor of its
            call; or ``OutputOf(layer)``, the output of its call. The call that depends on the explained input counts, and the
            last of several that follow each other. The part before it is computed without a graph. None means the model's
            input. For a model without layers, pass the name of an operation. A name with a path behind it, such as
            ``"backbone/0"``, is an entry of the output of a layer that returns a dictionary, a dataclass, a tuple or a list.
        at_values: for ``values_and_gradients_at``, values (N, ...) that replace those of ``at`` in the forward pass.
        layer: for ``features``, the layer (name or object); None selects the last layer before the score whose output has
            the input's spatial axes, more than one position, and an influence on the score.
        grid: for ``features``, where the layer's output holds the input's positions; None finds it in the model.
    """

    target: Target
    feed: Mapping[str, Any] = field(default_factory=dict)
    rule: Rule | None = None
    allow_no_relu: bool = False
    relevance: LRPComposite | None = None
    baseline: Array | None = None
    at: Any = None
    at_values: Array | None = None
    layer: Any = None
    grid: UserGrid | None = None

    def take(self, samples: slice) -> "Request":
        """Return the request for some of the samples; ``samples.step`` is T, the number of samples that share an input."""
        target = self.target.take(slice(samples.start, samples.stop))
        baseline, values = (None if array is None else array[samples] for array in (self.baseline, self.at_values))
        return replace(self, target=target, feed=self.feed_of(samples), baseline=baseline, at_values=values)

    def feed_of(self, inputs: slice) -> dict[str, Any]:
        """Return the feed for some of the inputs."""
        return {name: value[inputs] if has_batch_axis(value) else value for name, value in self.feed.items()}
