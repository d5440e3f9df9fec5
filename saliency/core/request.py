"""What a mask requests from an adapter: a target, the model's other inputs, and how to differentiate."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from saliency.core.target import Target
from saliency.core.types import Rule
from saliency.core.validation import has_rows


@dataclass(frozen=True)
class Request:
    """One request to an adapter about N inputs; a new option of the contract is a new field here.

    Args:
        target: the target of N * T samples: T of the first input, then T of the next. T is 1 unless inputs are explained
            for several targets.
        feed: the model's other inputs by name, arrays (N, ...) and plain values.
        rule: how the gradient passes every ReLU on its way; None leaves it unchanged.
        allow_no_relu: accept a rule where no ReLU is found.
        at: for ``gradients``, a layer (name or object) whose input replaces the model's input: the first tensor of its last
            call; or ``OutputOf(layer)``, the output of its last call. No graph is recorded up to there. None means the
            model's own input. Models without layers take the name of an operation.
        layer: for ``features``, the layer (name or object); None finds the last one before the score whose output has the
            input's spatial axes, more than one position on them, and an influence on the score.
    """

    target: Target
    feed: Mapping[str, Any] = field(default_factory=dict)
    rule: Rule | None = None
    allow_no_relu: bool = False
    at: Any = None
    layer: Any = None

    def take(self, samples: slice) -> "Request":
        """Return the request for some of the samples; ``samples.step`` is T, the number of samples that share an input."""
        return replace(self, target=self.target.take(slice(samples.start, samples.stop)), feed=self.feed_of(samples))

    def feed_of(self, inputs: slice) -> dict[str, Any]:
        """Return the other inputs of some of the inputs."""
        return {name: value[inputs] if has_rows(value) else value for name, value in self.feed.items()}
