"""TensorFlow's side of the contract for what runs in a session: a graph of the first version."""

from collections.abc import Sequence
from functools import partial
from typing import Any, final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from saliency.core.adapter import GradientAdapter
from saliency.core.errors import InputError
from saliency.core.function_adapter import FunctionAdapter
from saliency.core.request import Request
from saliency.core.target import Target
from saliency.core.types import Array
from saliency.tf.ops.error_translation import served
from saliency.tf.ops.last_layer import at_last
from saliency.tf.ops.spatial_layout import Grid
from saliency.tf.session.queries import GraphQuestions
from saliency.tf.session.runner import Answers
from saliency.tf.session.session import Held, Running
from saliency.tf.session.tensor_lookup import layer_of, tensor_of

NO_LAYER = (
    "`conv_layer` (=None) must be named: no operation between `x` and `y` gives the input's spatial axes, in its proportions "
    "and with more than one position on them (within a SavedModel's calls none is found: saliency.wrap takes its folder)"
)


@final
class GraphAdapter(GradientAdapter):
    """A ``tf.Graph`` and the session that runs it.

    Gradients are operations that are added to the graph, each once for all masks; nothing else of it changes, and a finalized
    graph is one again. Arrays are NumPy's, for a session is fed from the host. The other inputs (``feed_dict``, by tensor or
    name) go in as they are, with what batch axis they need; N inputs at once take N such values each. Inputs go through one
    at a time where ``y`` is a single number, where ``x`` takes one, and beside other inputs that have axes.

    Args:
        graph: the graph.
        session: of this graph.
        y: a tensor or its name: one number (PAIR's ``logits[0][neuron_selector]``), one for each input (N,), or
            (N, classes, ...), of which the mask's ``y`` picks one; only there, a softmax or sigmoid is looked behind.
        x: the tensor that inputs are fed to, floats of the shape (N or 1 or None, *input), or its name.
        conv_layer: the layer where a mask names none: a tensor, operation or name; None finds the last one with spatial axes.
        channel_axis: of one input, without its batch axis; None if it has no channels, as (H, W).

    Raises:
        InputError: if one of these is not in the graph, or does not fit.
        TargetError: if the layer is not in the graph.
        ModelError: if the number of the output's axes is unknown.
    """

    xp = np

    def __init__(
        self, graph: Any, session: Any, y: Any, x: Any, conv_layer: Any = None, channel_axis: int | None = -1
    ) -> None:
        if not isinstance(graph, tf.Graph):
            raise InputError(f"`graph` ({type(graph).__name__}) must be a tf.Graph")
        self.x, self.y, self.graph = tensor_of(graph, x, "x"), tensor_of(graph, y, "y"), graph
        if not self.x.dtype.is_floating or self.x.shape.rank == 0:
            raise InputError(f"`x` ({self.x.name!r}, {self.x.dtype.name}) must hold floats, with a batch axis (N, *input)")
        double = tf.float64 in (self.x.dtype, self.y.dtype)
        questions = GraphQuestions(self.x, self.y, tf.float64 if double else tf.float32, channel_axis != 0)
        questions.one_row(Target())
        self._answers = Answers(Running(graph, session, self.x), questions)
        self._host = FunctionAdapter(session.run, channel_axis, "float64" if double else "float32")
        self.channel_axis = channel_axis
        self.conv_layer = None if conv_layer is None else layer_of(conv_layer, self.x, self.y)
        self._found: dict[Any, Any] = {}  # layers found before, by the kind of input and target

    def asarray(self, value: Any, name: str = "x_value") -> npt.NDArray[Any]:
        return self._host.asarray(value, name)

    def asfeed(self, value: Any, name: str) -> Any:
        if not hasattr(value, "shape") and not isinstance(value, list):
            return Held(value) if isinstance(value, tuple) else value
        try:
            array = np.asarray(value)
        except (TypeError, ValueError, NotImplementedError) as error:
            raise InputError(f"`feed_dict[{name!r}]` ({type(value).__name__}) must be an array: {error}") from error
        return Held(value) if array.dtype == object else array

    def numpy(self, array: Array) -> npt.NDArray[Any]:
        return self._host.numpy(array)

    def normal(self, shape: tuple[int, ...], seeds: Sequence[int]) -> npt.NDArray[Any]:
        return self._host.normal(shape, seeds)

    def outputs(self, x: Array, request: Request) -> Any:
        with served(x):
            return self._answers.outputs(x, request)

    def gradients(self, x: Array, request: Request) -> tuple[Array, Array]:
        with served(x):
            scores, gradients = self._answers.gradients(x, request)
            return scores, gradients.astype(scores.dtype, copy=False)

    def features(self, x: Array, request: Request) -> tuple[Array, Array, Array]:
        layer = self.conv_layer if request.layer is None else request.layer
        at = partial(self._at, x, request)
        with served(x):
            if layer is not None:
                return at(layer)
            return at_last(self._found, _kind(x, request.target), at, partial(self._look, x, request), _counts, NO_LAYER)

    def default_layer_name(self, x: Array, request: Request) -> str | None:
        found = self._found.get(_kind(x, request.target))
        return None if found is None else str(found)

    def _at(self, x: Array, request: Request, layer: Any) -> tuple[Array, Array, Array]:
        """Evaluate a layer that is named."""
        leaf, grid = layer_of(layer, self.x, self.y), Grid.of_input(x.shape, self.channel_axis)
        name = f"layer {leaf.op.name!r}"
        scores, gradients, found = self._answers.features(x, request, leaf, name)
        found, gradients = (grid.of(one, name, np).astype(scores.dtype, copy=False) for one in (found, gradients))
        return scores, found, gradients

    def _look(self, x: Array, request: Request) -> dict[str, bool]:
        """Return the layers with the input's spatial axes, in the order of their making; do their gradients count?"""
        grid = Grid.of_input(x.shape, self.channel_axis)
        layers = self._answers.layers(x, request, grid.ranks)
        return {name: counts for name, (shape, counts) in layers.items() if grid.suits(shape)}


def _kind(x: Array, target: Target) -> Any:
    """Return what distinguishes requests whose last layers may differ."""
    return x.shape[1:], target.layer, target.logits


def _counts(found: Sequence[Array]) -> bool:
    return bool(np.any(found[2]))
