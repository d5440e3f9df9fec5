"""Read outputs, logits and scores from a model's forward pass."""

from typing import Any

import tensorflow as tf

from saliency.core.detection_scores import KeptScore
from saliency.core.errors import ModelError, TargetError
from saliency.core.joined_inputs import InputLayout
from saliency.core.layer_axes import UsualAxes
from saliency.core.output_selection import OutputSelector
from saliency.core.score_reading import check_one_per_sample, with_channel_axis
from saliency.core.target import Target
from saliency.tf.eager.forward import ForwardPass
from saliency.tf.eager.model_layers import ModelLayers
from saliency.tf.eager.models import ModelFunction
from saliency.tf.ops.error_translation import summarize_error
from saliency.tf.ops.graph_info import GraphInfo
from saliency.tf.ops.pre_softmax_logits import find_logits
from saliency.tf.ops.scores import Scores, backward_starts, entries_at, scores_at
from saliency.tf.ops.spatial_layout import SpatialLayout
from saliency.tf.ops.target_axes import layer_channels_first, output_channels_first


class ModelOutputs:
    """Reads a model's outputs and scores from its forward passes within a graph.

    Args:
        model: the model. ``layers`` runs it forward.
        channels_last: whether the outputs of its layers have their channels last.
        selector: selects the output that holds the classes; all graphs of a model share it.
        joined: the layout of several inputs that are explained as one.
    """

    def __init__(
        self, model: ModelFunction, channels_last: bool, selector: OutputSelector, joined: InputLayout | None = None
    ) -> None:
        self.model, self.channels_last, self.selector = model, channels_last, selector
        self.layers = ModelLayers(model)
        self.channel_axis: int | None = -1 if channels_last else 0  # of one input; the adapter sets it
        self.joined = joined

    def target_key(self, target: Target) -> tuple[Any, ...]:
        """Return what a graph depends on in a target."""
        reads = target.function is not None, isinstance(target.layer, tuple)
        places = self.target_paths(target), target.units.shape[-1], target.channel_axis, self.channel_axis
        return *places, target.logits, *reads

    def target_paths(self, target: Target) -> tuple[Any, ...]:
        """Return the paths of the layers that a target reads."""
        return tuple(self.layers.path(layer) for layer in target.layers)

    def target_output(self, forward_pass: ForwardPass, x: Any, target: Target, info: GraphInfo) -> Any:
        """Return the output that a target reads, (N, channels, *space); for a callable target, the model's own output."""
        outputs = tuple(self.layers.output(forward_pass, path) for path in self.target_paths(target))
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
        own = getattr(self.layers.recorded(target.layer), "data_format", None) if self.model.is_keras else None
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
