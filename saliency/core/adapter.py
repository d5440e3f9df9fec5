"""The base class of adapters, with the methods that an adapter may override with a faster implementation."""

import inspect
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

from saliency.core.adapter_request import Request
from saliency.core.expected_input import NormalizedLayer
from saliency.core.joined_inputs import InputLayout
from saliency.core.numerics.sliding_windows import SlidingWindows
from saliency.core.numerics.smallest_first import fill_smallest_first
from saliency.core.optional_queries import OptionalQueries
from saliency.core.target import Target
from saliency.core.types import Array, OccludedOutputs

MAX_ADAPTERS_KEPT = 16
"""Number of adapters for other inputs, or inputs of other shapes, that an adapter keeps."""


class GradientAdapter(OptionalQueries):
    """The interface between masks and a framework.

    ``saliency.wrap(model)`` returns the adapter of a model.

    Arrays have a leading batch axis, ``(N, *input)``, unless stated otherwise. Between ``asarray`` and ``numpy``, all arrays
    stay on the model's device. No method changes the model.
    """

    joined: InputLayout | None = None
    """Where the inputs are in x, if the adapter explains several inputs as one array (N, D); None for a single input."""

    independent_samples: bool = False
    """Whether the samples of a batch are known not to influence each other; if False, masks check it once."""

    even_batches: bool = True
    """Whether masks split points into batches of even size; if False, all batches but the last one are full."""

    shares_targets: bool = False
    """Whether several targets of one input take little more memory than one, so that more of them fit into a pass."""

    propagates_relevance: bool = False
    """Whether ``gradients`` and ``values_and_gradients_at`` support ``relevance`` in a request."""

    @property
    def cache_owner(self) -> tuple[Any, Hashable]:
        """Return the object that facts about the model may be stored by, and the options of the adapter that change them.

        The object is referenced weakly. It is the adapter by default.
        """
        return self, None

    @property
    def rounding_error(self) -> float:
        """Return the relative rounding error of one of the model's operations; that of single precision by default."""
        return 2.0**-24

    def first_batch_norm(self) -> NormalizedLayer | None:
        """Return the model's first batch normalization with the statistics of its training; None, the default, if unknown."""
        return None

    def run_context(self) -> AbstractContextManager[None]:
        """Return a context for one run of a method in this thread, in which its passes may share state; empty by default."""
        return nullcontext()

    def read_channel_axis(self, shape: Sequence[int]) -> None:
        """Set ``channel_axis`` for one input of a shape, unless the user chose it; do nothing by default."""

    @property
    def input_parameters(self) -> Mapping[str, inspect.Parameter] | None:
        """Return the model's inputs by name, as parameters of a function; None, the default, if it explains only one."""
        return None

    def explaining(self, input: str | InputLayout) -> "GradientAdapter":
        """Return the adapter of the same model that explains another input, or several as one array; it is kept.

        Args:
            input: name of the input, or the layout of several.

        Raises:
            InputError: if the model has no such input.
        """
        known: dict[Any, GradientAdapter] = self.__dict__.setdefault("_explaining", {})
        if input not in known:
            if len(known) >= MAX_ADAPTERS_KEPT:
                known.clear()
            known[input] = self.with_input(input)
        return known[input]

    def with_input(self, input: str | InputLayout) -> "GradientAdapter":
        """Return a new adapter of the same model, with the same options, for another ``input``."""
        args, options = self._arguments
        arguments = inspect.signature(type(self)).bind(*args, **options).arguments
        arguments.pop("x_name", None)  # an older name of ``input``
        model = next(iter(arguments))
        adapter: GradientAdapter = type(self)(**{**arguments, model: getattr(self, model), "input": input})
        return adapter

    def selected_output(self, request: Request) -> str | None:  # noqa: ARG002
        """Return the name of the output that ``outputs`` selected, for a model with several; None if there was no choice."""
        return None

    def scores(self, x: Array, request: Request) -> Array:
        """Return the scores (N,) of ``outputs``."""
        return request.target.scores(self.outputs(x, request), x.shape[0], self)

    def features_and_gradients(self, x: Array, request: Request) -> tuple[Array, ...]:
        """Compute ``features`` without the request's rule and ``gradients`` with it, in one forward pass if possible.

        Returns:
            Scores (N * T,), the layer's output (N, channels, *space), the gradients with respect to the layer's output
            (N * T, channels, *space), and the gradients with respect to the input (N * T, *input).
        """
        features = self.features(x, replace(request, rule=None, allow_no_relu=False))
        return *features, self.gradients(x, request)[1]

    def default_layer_name(self, x: Array, request: Request) -> str | None:  # noqa: ARG002
        """Return the name of the layer that ``features`` selected because the request names none; None if unknown."""
        return None

    def tokens_left_out(self, x: Array, request: Request) -> int | None:  # noqa: ARG002
        """Return how many tokens of the layer that ``features`` evaluated are not in its grid; None if unknown."""
        return None

    def window_occluder(self, x: Array, cover: Array, windows: SlidingWindows) -> Callable[[range], Array]:
        """Return a function from a range of windows to the inputs with each of them occluded, (windows, N, *input).

        Args:
            x: the inputs, (N, *input).
            cover: the values inside a window, (N, *input).
            windows: the windows over the inputs.
        """
        return partial(windows.occlude, self, x, cover)

    def kth_smallest(self, array: Array, k: int) -> Array:
        """Return the k-th smallest number of each row of an array (N, D), (N, 1); the smallest is the first."""
        return self.xp.sort(array)[:, k - 1 : k]

    def fill_smallest_first(self, costs: Array, room: Array, amount: Array, group: int) -> Array:
        """Distribute an amount over values with the smallest costs; see ``core.numerics.smallest_first``."""
        return fill_smallest_first(self, costs, room, amount, group)

    def call_fused(self, function: Callable[..., Array], static: Hashable, *arrays: Array) -> Array:
        """Call a function of arrays, compiled into one operation if the framework supports it.

        Args:
            function: called as ``function(xp, static, *arrays)``. Define it at module level: compiled functions are cached by
                identity.
            static: a hashable argument that is fixed at compilation.
            *arrays: the arrays.
        """
        return function(self.xp, static, *arrays)

    def occluded_outputs(
        self,
        x: Array,  # noqa: ARG002
        cover: Array,  # noqa: ARG002
        size: Sequence[int],  # noqa: ARG002
        target: Target,  # noqa: ARG002
    ) -> OccludedOutputs | None:
        """Return a faster computation of the outputs for inputs with an occluded window; None, the default, if there is none.

        Args:
            x: the inputs, (N, *input).
            cover: the values inside a window, (N, *input).
            size: length of a window on each spatial axis.
            target: the target of the request, as for ``outputs``.
        """
        return None
