"""What is asked of a model: the scores of inputs, and how their gradients pass its ReLUs."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from saliency.core.adapter import Rule
from saliency.core.target import Target
from saliency.torch.backward import check_scores, differentiate
from saliency.torch.in_place import InPlaceOnViews
from saliency.torch.rules import apply_rule, opaque_nodes


@dataclass(frozen=True)
class Asked:
    """A question, of which the leaf that scores are differentiated by is no part.

    Args:
        x: (N, *input), in the model's own type.
        target, feed: see ``GradientAdapter.gradients``.
        adapter: of the model.
        rule, allow_no_relu: see ``GradientAdapter.gradients``.
        relu_nodes: names of further nodes that are ReLUs.
    """

    x: torch.Tensor
    target: Target
    feed: Mapping[str, Any]
    adapter: Any
    rule: Rule | None = None
    allow_no_relu: bool = False
    relu_nodes: Collection[str] = ()

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Run the model within this, so that a rule finds its ReLUs."""
        with ExitStack() as stack:
            if self.rule is not None:
                stack.enter_context(InPlaceOnViews())
            yield

    def scores(self, outputs: Any) -> torch.Tensor:
        """Return the scores (N * T,) of what ``Forward`` returned."""
        scores: torch.Tensor = self.target.scores(outputs, len(self.x), self.adapter)
        return scores

    def gradients(self, scores: torch.Tensor, leaf: torch.Tensor, of: str, name: str | None = None) -> torch.Tensor:
        """Differentiate the scores with respect to a leaf, by the rule; see ``differentiate``.

        Args:
            scores: (N * T,), with their graph.
            leaf: (N, ...).
            of: what an error calls it in words.
            name: its name in the user's call, if it has one.
        """
        check_scores(scores, of)
        if self.rule is not None:
            apply_rule(scores, leaf, self.rule, self.relu_nodes, opaque_nodes(self.adapter.model), self.allow_no_relu, of)
        return differentiate(scores, leaf, name or of)
