"""The base class of adapters: what they may override for speed, each with a plain default."""

from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial

from saliency.core.adapter_contract import AdapterContract
from saliency.core.numerics.sliding_windows import Windows
from saliency.core.request import Request
from saliency.core.target import Target
from saliency.core.types import Array, OccludedOutputs


class GradientAdapter(AdapterContract):
    """The interface between the masks and one framework.

    Arrays have a leading batch axis, ``(N, *input)``, unless a line says otherwise. Between ``asarray`` and ``numpy``
    everything stays on the model's device. No method changes the model.
    """

    def run(self) -> AbstractContextManager[None]:
        """Return what lasts as long as a run of a method, in this thread: what its passes can share; nothing by default."""
        return nullcontext()

    def scores(self, x: Array, request: Request) -> Array:
        """Return the scores (N,) of ``outputs``, in one step if possible."""
        return request.target.scores(self.outputs(x, request), x.shape[0], self)

    def features_and_gradients(self, x: Array, request: Request) -> tuple[Array, ...]:
        """Compute ``features`` without the request's rule and ``gradients`` with it; in one forward pass, if possible.

        Returns:
            Scores (N * T,), the layer's output (N, channels, *space), the gradients by it (N * T, channels, *space), and by
            the input (N * T, *input).
        """
        features = self.features(x, replace(request, rule=None, allow_no_relu=False))
        return *features, self.gradients(x, request)[1]

    def found_layer_name(self, x: Array, request: Request) -> str | None:  # noqa: ARG002
        """Return the name of the layer that ``features`` uses where none is named, once it has found one; or None."""
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

    def occluded_outputs(
        self,
        x: Array,  # noqa: ARG002
        cover: Array,  # noqa: ARG002
        size: Sequence[int],  # noqa: ARG002
        target: Target,  # noqa: ARG002
    ) -> OccludedOutputs | None:
        """Offer a faster way to the outputs of inputs with an occluded window; None, as here, where there is none.

        Args:
            x: the inputs, (N, *input).
            cover: the values inside a window, (N, *input).
            size: length of a window on each spatial axis.
            target: as for ``outputs``.
        """
        return None
