"""What an adapter may do faster than by the contract; each has its plain way here."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from saliency.core.adapter_contract import AdapterContract
from saliency.core.numerics.sliding_windows import Windows
from saliency.core.target import Target
from saliency.core.types import Array, OccludedOutputs, Rule


class GradientAdapter(AdapterContract):
    """The only thing that knows a framework.

    Arrays have a leading batch axis, ``(N, *input)``, unless a line says otherwise. Between ``asarray`` and ``numpy``
    everything stays on the model's device. No method changes the model.
    """

    def run(self) -> AbstractContextManager[None]:
        """Return what lasts as long as a run of a method, in this thread: what its passes can share; nothing by default."""
        return nullcontext()

    def scores(self, x: Array, target: Target, feed: Mapping[str, Any]) -> Array:
        """Return the scores (N,) of ``outputs``, in one step if possible."""
        return target.scores(self.outputs(x, target, feed), x.shape[0], self)

    def features_and_gradients(
        self,
        x: Array,
        target: Target,
        feed: Mapping[str, Any],
        layer: Any = None,
        rule: Rule | None = None,
        allow_no_relu: bool = False,
    ) -> tuple[Array, ...]:
        """Do what ``features`` does without a rule, and what ``gradients`` does by one; in one forward pass, if possible.

        Returns:
            Scores (N * T,), the layer's output (N, channels, *space), the gradients by it (N * T, channels, *space), and by
            the input (N * T, *input).
        """
        found = self.features(x, target, feed, layer)
        return *found, self.gradients(x, target, feed, rule, allow_no_relu)[1]

    def found_layer_name(self, x: Array, target: Target, feed: Mapping[str, Any]) -> str | None:  # noqa: ARG002
        """Return the name of the layer that ``features`` takes where none is named, once it has found one; or None."""
        return None

    def occlusion_writer(self, x: Array, cover: Array, windows: Windows) -> Callable[[range], Array]:
        """Return what covers the inputs by some of the windows, for whole passes: from a run of these to (windows, N, *input).

        Args:
            x: the inputs, (N, *input).
            cover: what stands in a window, (N, *input).
            windows: on them.
        """
        return partial(windows.cover, self, x, cover)

    def call_fused(self, function: Callable[..., Array], how: Hashable, *arrays: Array) -> Array:
        """Apply a function of ``xp``'s words to arrays, as one operation where the framework can make it one.

        Args:
            function: takes the namespace, ``how`` and the arrays; of a module, for it is known by its identity.
            how: what else it takes.
            *arrays: that it takes.
        """
        return function(self.xp, how, *arrays)

    def occluded_outputs(self, x: Array, cover: Array, size: Sequence[int], target: Target) -> OccludedOutputs | None:  # noqa: ARG002
        """Offer a faster way to the outputs of inputs with a window covered; None, as here, where there is none.

        Args:
            x: the inputs, (N, *input).
            cover: what stands in a window, (N, *input).
            size: of a window, on each spatial axis.
            target: as for ``outputs``.
        """
        return None
