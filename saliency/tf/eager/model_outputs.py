"""What is read off a model's forward pass: its output, its logits, a layer's output, and the scores of these."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from saliency.core.errors import ModelError, TargetError
from saliency.core.score_reading import check_one_per_sample, with_channel_axis
from saliency.core.target import Target
from saliency.core.types import OutputOf
from saliency.tf.eager.forward import Pass, forward
from saliency.tf.eager.layer_recorder import InputOf
from saliency.tf.eager.layers import find_layer, layers_of, only_call, path_of
from saliency.tf.eager.models import Model
from saliency.tf.eager.tracing import Notes
from saliency.tf.ops.error_translation import told
from saliency.tf.ops.logits import logits_of
from saliency.tf.ops.operation_input import input_of
from saliency.tf.ops.operations import candidates, find_tensor
from saliency.tf.ops.scores import Scored, columns, scored_at
from saliency.tf.ops.spatial_layout import channels_first


class Reading:
    """Reads a model's outputs and layers within a graph.

    Args:
        model: of which kind ever.
        last: whether channels stand last in what its layers give.
    """

    def __init__(self, model: Model, last: bool) -> None:
        self.model, self.last = model, last

    def about(self, target: Target) -> tuple[Any, ...]:
        """Return what of a target makes another graph."""
        return self.paths(target), target.units.shape[-1], target.logits

    def path(self, layer: Any) -> Any:
        """Return the path of a layer that was given by its name or as an object; an operation's name as it is."""
        return path_of(self.model.owner, layer) if self.model.keras and layer is not None else layer

    def paths(self, target: Target) -> tuple[Any, ...]:
        """Return the paths of the layers that a target reads."""
        return tuple(self.path(layer) for layer in target.layers)

    def path_at(self, at: Any) -> Any:
        """Return the path of a layer whose input or output is wanted, or the operation's name.

        Raises:
            TargetError: if there is no such layer, or an operation is not named.
        """
        layer = at.layer if isinstance(at, OutputOf) else at
        if layer is not None and not self.model.keras:
            if not isinstance(layer, str):
                raise TargetError(f"`at` ({type(layer).__name__}) must be an operation's name, for this model has no layers")
            return layer
        return None if layer is None else path_of(self.model.owner, layer, "at")

    def run(self, notes: Notes, x: Any, feed: Mapping[str, Any], layers: Sequence[Any] | None, at: str | None = None) -> Pass:
        """Run the model forward, with some of its layers tapped, or all of them (None), and one where its input comes in."""
        taps: list[Any] = []
        if self.model.keras and layers is None:
            taps = list(layers_of(self.model.owner).values())
        elif self.model.keras:
            named = dict.fromkeys(self.path(layer) for layer in layers or () if layer is not None)
            taps = [find_layer(self.model.owner, name) for name in named]
        taps += [InputOf(find_layer(self.model.owner, at))] if self.model.keras and at is not None else []
        return forward(self.model, notes["way"], x, feed, taps)

    def named(self, passed: Pass, x: Any, scores: Any) -> dict[Any, Any]:
        """Return what the layers that were tapped gave last, by path, or what all operations up to the scores give."""
        if not self.model.keras:
            return candidates(x, scores)
        paths = {id(layer): path for path, layer in layers_of(self.model.owner).items()}
        found: dict[Any, Any] = {}
        for layer, output in passed.calls:
            path = paths[id(layer)]
            found.pop(path, None)
            found[path] = output
        return found

    def tensor(self, passed: Pass, path: Any, last: bool = False) -> Any:
        """Return what a layer gave, in its last call or its only one, or what an operation gives."""
        if not self.model.keras:
            return find_tensor(tf.compat.v1.get_default_graph().get_operations(), path)
        layer = find_layer(self.model.owner, path)
        calls = [output for one, output in passed.calls if one is layer]
        return only_call(calls[-1:] if last else calls, path)

    def given(self, passed: Pass, x: Any, path: str, behind: bool = False) -> tuple[Any, Any]:
        """Return what a layer took in its last call, or what it gave, where that was tapped.

        Beside the input of an operation, which others may take as well, the operation itself comes back.
        """
        if behind:
            return self.tensor(passed, path, last=True), None
        if self.model.keras:
            return only_call([given for one, given in passed.calls if isinstance(one, InputOf)][-1:], path, "takes"), None
        op = find_tensor(tf.compat.v1.get_default_graph().get_operations(), path, "at", scopes=False).op
        return input_of(x, op)

    def of(self, passed: Pass, target: Target, notes: Notes) -> Any:
        """Return what a target's scores are read off, (N, channels, *space), or for a function what the model gave."""
        outputs = tuple(self.tensor(passed, path) for path in self.paths(target))
        if target.function is not None and isinstance(target.layer, tuple):
            return outputs
        seen = outputs[0] if outputs else passed.output
        if target.function is not None:
            return seen
        if isinstance(seen, tf.Tensor) and seen.shape.rank is None:
            raise ModelError(
                "the model's output has an unknown number of axes; a class needs (N, classes): pass `y` as a callable"
            )
        batch = seen.shape[0] if isinstance(seen, tf.Tensor) and seen.shape.rank else None
        seen = with_channel_axis(seen, batch)
        if target.logits and target.layer is None:
            seen, notes["hidden"] = logits_of(seen)
        seen = tf.cast(seen, self.model.counted_in)
        if self.last and len(seen.shape) > 2:
            seen = channels_first(seen)
        notes["shape"] = tuple(seen.shape)
        return seen

    def scores(self, seen: Any, x: Any, target: Target, times: int, *places: Any) -> Scored:
        """Return one score for each sample, (N * times,)."""
        if target.function is None:
            return scored_at(seen, places[0], places[1], times)
        try:
            found = target.function(seen)
        except Exception as error:
            raise TargetError(
                f"`y` failed: {told(error)} (it becomes part of TensorFlow's graph: write it in TensorFlow's operations)"
            ) from error
        values = tf.cast(check_one_per_sample(found, x.shape[0]), self.model.counted_in)
        return Scored(values, columns(values, times))
