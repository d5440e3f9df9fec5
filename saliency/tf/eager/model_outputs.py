"""Read outputs, logits, layer outputs and scores from a model's forward pass."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from saliency.core.detection_scores import KeptScore
from saliency.core.errors import ModelError, TargetError
from saliency.core.joined_inputs import InputLayout
from saliency.core.keras.layers import layers_of
from saliency.core.layer_axes import UsualAxes
from saliency.core.output_selection import OutputSelector
from saliency.core.score_reading import check_one_per_sample, with_channel_axis
from saliency.core.target import Target
from saliency.core.types import OutputOf
from saliency.tf.eager.forward import ForwardPass, run_forward
from saliency.tf.eager.layer_calls import call_from_input, calls_from_input
from saliency.tf.eager.layer_recorder import LayerEntry, LayerInput
from saliency.tf.eager.layers import find_layer, path_of, single_tensor
from saliency.tf.eager.models import ModelFunction
from saliency.tf.ops.error_translation import summarize_error
from saliency.tf.ops.graph_info import GraphInfo
from saliency.tf.ops.operation_input import differentiable_input
from saliency.tf.ops.operation_lookup import find_operation_output, outputs_between
from saliency.tf.ops.pre_softmax_logits import find_logits
from saliency.tf.ops.scores import Scores, backward_starts, entries_at, scores_at
from saliency.tf.ops.spatial_layout import SpatialLayout
from saliency.tf.ops.target_axes import layer_channels_first, output_channels_first
from saliency.tf.ops.train_mode_operations import train_mode_operations


class ModelOutputs:
    """Runs a model forward within a graph, and reads its outputs and layers.

    Args:
        model: the model.
        channels_last: whether the outputs of its layers have their channels last.
        selector: selects the output that holds the classes; all graphs of a model share it.
        joined: the layout of several inputs that are explained as one.
    """

    def __init__(
        self, model: ModelFunction, channels_last: bool, selector: OutputSelector, joined: InputLayout | None = None
    ) -> None:
        self.model, self.channels_last, self.selector = model, channels_last, selector
        self.channel_axis: int | None = -1 if channels_last else 0  # of one input; the adapter sets it
        self.joined = joined

    def target_key(self, target: Target) -> tuple[Any, ...]:
        """Return what a graph depends on in a target."""
        reads = target.function is not None, isinstance(target.layer, tuple)
        places = self.target_paths(target), target.units.shape[-1], target.channel_axis, self.channel_axis
        return *places, target.logits, *reads

    def layer_path(self, layer: Any) -> Any:
        """Return the path of a layer that is given by name or as an object; for a model without layers, the argument."""
        return path_of(self.model.owner, layer) if self.model.is_keras and layer is not None else layer

    def target_paths(self, target: Target) -> tuple[Any, ...]:
        """Return the paths of the layers that a target reads."""
        return tuple(self.layer_path(layer) for layer in target.layers)

    def at_place(self, at: Any) -> tuple[Any, bool]:
        """Return the path of the layer, or name of the operation, that the option ``at`` names, and whether its output counts.

        Raises:
            TargetError: if there is no such layer, or an operation is not given by name.
        """
        layer, is_output = (at.layer, True) if isinstance(at, OutputOf) else (at, False)
        if layer is None:
            return None, False
        if not self.model.is_keras:
            if not isinstance(layer, str):
                raise TargetError(f"`at` ({type(layer).__name__}) must be an operation's name: this model has no Keras layers")
            return layer, is_output
        path = path_of(self.model.owner, layer, "at")
        return path, is_output or bool(find_layer(self.model.owner, path)[1])

    def run(
        self,
        info: GraphInfo,
        x: Any,
        feed: Mapping[str, Any],
        layers: Sequence[Any],
        input_of: str | None = None,
        records_all: bool = False,
    ) -> ForwardPass:
        """Run the model forward.

        Args:
            info: of the graph that is being built.
            x: (N, *input).
            feed: the other inputs.
            layers: the layers whose outputs are recorded.
            input_of: path of a layer whose input is recorded.
            records_all: record the outputs of all layers as well.
        """
        recorded: list[Any] = []
        if self.model.is_keras:
            every = layers_of(self.model.owner).values() if records_all else ()
            recorded = list(dict.fromkeys([*every, *(self._recorded(layer) for layer in layers if layer is not None)]))
        if self.model.is_keras and input_of is not None:
            recorded.append(LayerInput(find_layer(self.model.owner, input_of)[0]))
        forward_pass = run_forward(self.model, info.inlining, x, feed, recorded)
        info.train_mode = train_mode_operations(x, forward_pass.output)
        return forward_pass

    def _recorded(self, layer: Any) -> Any:
        """Return a layer as ``record_layers`` needs it: the object, or the entry of its output."""
        found, entry = find_layer(self.model.owner, layer)
        return LayerEntry(found, entry) if entry else found

    def layer_outputs(self, forward_pass: ForwardPass, x: Any, scores: Any) -> dict[Any, Any]:
        """Return the output of each recorded layer by path, or the outputs of all operations between x and the scores.

        The call of a layer that descends from x counts; layers without exactly one such call are left out.
        """
        if not self.model.is_keras:
            return outputs_between(x, scores)
        paths = {id(layer): path for path, layer in layers_of(self.model.owner).items()}
        outputs: dict[Any, list[Any]] = {}
        for layer, output in forward_pass.calls:
            if not isinstance(layer, LayerEntry):
                outputs.setdefault(paths[id(layer)], []).append(output)
        single = {path: calls_from_input(each, x) for path, each in outputs.items()}
        order = {id(output): i for i, (_, output) in enumerate(forward_pass.calls)}
        found = {path: each[0] for path, each in single.items() if len(each) == 1}
        return dict(sorted(found.items(), key=lambda item: order[id(item[1])]))

    def layer_output(self, forward_pass: ForwardPass, path: Any, x: Any = None, any_input: bool = False) -> Any:
        """Return the output of a layer's only call, or the output of an operation.

        If ``x`` is given, it is the call that descends from x; with ``any_input``, the last call if none does.
        """
        if not self.model.is_keras:
            output = find_operation_output(tf.compat.v1.get_default_graph().get_operations(), path)
            return output if x is None else call_from_input([output], x, f"operation {path!r}", any_input)[0]
        layer = self._recorded(path)
        outputs = [output for each, output in forward_pass.calls if each is layer or _is_same_entry(each, layer)]
        return single_tensor(outputs if x is None else call_from_input(outputs, x, f"layer {path!r}", any_input), path)

    def layer_input_or_output(self, forward_pass: ForwardPass, x: Any, path: str, is_output: bool) -> tuple[Any, Any]:
        """Return the input or output of a layer's call that descends from x, and the operation that gradients must pass.

        Other operations may take an operation's input as well, so gradients count only through the operation itself. In
        all other cases the operation is None.
        """
        if is_output:
            return self.layer_output(forward_pass, path, x, any_input=True), None
        if self.model.is_keras:
            inputs = [tensor for each, tensor in forward_pass.calls if isinstance(each, LayerInput)]
            return single_tensor(call_from_input(inputs, x, f"layer {path!r}", any_input=True), path, "takes"), None
        operations = tf.compat.v1.get_default_graph().get_operations()
        return differentiable_input(x, find_operation_output(operations, path, "at", scopes=False).op)

    def target_output(self, forward_pass: ForwardPass, x: Any, target: Target, info: GraphInfo) -> Any:
        """Return the output that a target reads, (N, channels, *space); for a callable target, the model's own output."""
        outputs = tuple(self.layer_output(forward_pass, path) for path in self.target_paths(target))
        if target.function is not None and isinstance(target.layer, tuple):
            return outputs
        output = outputs[0] if outputs else forward_pass.output
        if target.function is not None:
            return output
        if not outputs:
            output = self.selector.select(output, x.shape[0], of_class=True)
        elif isinstance(output, tf.Tensor) and output.shape.rank:
            output = self._layer_channels_first(output, x, target)
        if isinstance(output, tf.Tensor) and output.shape.rank is None:
            raise ModelError(
                "the model's output has an unknown number of axes; a class needs (N, classes): pass `y` as a callable"
            )
        batch = output.shape[0] if isinstance(output, tf.Tensor) and output.shape.rank else None
        source = output = with_channel_axis(output, batch)
        if target.logits and target.layer is None:
            output, info.hidden_logits = find_logits(output)
        output = tf.cast(output, self.model.float_dtype)
        if not outputs:
            output = output_channels_first(output, source, x, self.channel_axis, self.joined is not None, target)
        info.output_shape = tuple(output.shape)
        return output

    def _layer_channels_first(self, output: Any, x: Any, target: Target) -> Any:
        """Return the output of the layer that a target names, as (N, channels, *space)."""
        own = getattr(self._recorded(target.layer), "data_format", None) if self.model.is_keras else None
        channels_last = self.channels_last if own is None else own == "channels_last"
        usual = UsualAxes.of(x.shape.rank, self.channel_axis, self.joined, channels_last)
        layout = None if self.joined is not None else SpatialLayout.of_input(x.shape, self.channel_axis)
        return layer_channels_first(output, output, x, layout, usual, target.layer, target.units.shape[-1] > 1)

    def scores(self, output: Any, x: Any, target: Target, targets_per_input: int, *places: Any) -> Scores:
        """Return one score for each sample, (N * T,); ``places`` are the target's indices and weights."""
        if target.function is None:
            return scores_at(output, places[0], places[1], targets_per_input)
        if isinstance(target.function, KeptScore):
            return self._scores_of(target.function.read(output, places, entries_at), targets_per_input)
        if target.rows is not None:
            raise TargetError(
                "`y` is a Box, and the detector returns a list for each input; in TensorFlow, only methods without gradients "
                "explain it, such as RISE: pass a callable `y`"
            )
        try:
            result = target.function(output)
        except Exception as error:
            raise TargetError(
                f"`y` failed: {summarize_error(error)} (`y` becomes part of TensorFlow's graph: write it with TensorFlow's "
                "operations)"
            ) from error
        return self._scores_of(check_one_per_sample(result, x.shape[0]), targets_per_input)

    def _scores_of(self, values: Any, targets_per_input: int) -> Scores:
        values = tf.cast(values, self.model.float_dtype)
        return Scores(values, backward_starts(values, targets_per_input))


def _is_same_entry(one: Any, other: Any) -> bool:
    return isinstance(one, LayerEntry) and isinstance(other, LayerEntry) and one == other
