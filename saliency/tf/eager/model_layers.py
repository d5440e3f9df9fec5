"""Run a model forward, and read the outputs and inputs of its layers or operations."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from saliency.core.errors import TargetError
from saliency.core.keras.layers import layers_of
from saliency.core.types import OutputOf
from saliency.tf.eager.forward import ForwardPass, run_forward
from saliency.tf.eager.layer_calls import call_from_input, calls_from_input
from saliency.tf.eager.layer_recorder import LayerEntry, LayerInput
from saliency.tf.eager.layers import find_layer, path_of, single_tensor
from saliency.tf.eager.models import ModelFunction
from saliency.tf.ops.graph_info import GraphInfo
from saliency.tf.ops.operation_input import differentiable_input
from saliency.tf.ops.operation_lookup import find_operation_output, outputs_between
from saliency.tf.ops.train_mode_operations import train_mode_operations


class ModelLayers:
    """Runs a model forward within a graph, and reads its layers; those of a model without layers are its operations.

    Args:
        model: the model.
    """

    def __init__(self, model: ModelFunction) -> None:
        self._model = model

    def path(self, layer: Any) -> Any:
        """Return the path of a layer that is given by name or as an object; for a model without layers, the argument."""
        return path_of(self._model.owner, layer) if self._model.is_keras and layer is not None else layer

    def at_place(self, at: Any) -> tuple[Any, bool]:
        """Return the path of the layer, or name of the operation, that the option ``at`` names, and whether its output counts.

        Raises:
            TargetError: if there is no such layer, or an operation is not given by name.
        """
        layer, is_output = (at.layer, True) if isinstance(at, OutputOf) else (at, False)
        if layer is None:
            return None, False
        if not self._model.is_keras:
            if not isinstance(layer, str):
                raise TargetError(f"`at` ({type(layer).__name__}) must be an operation's name: this model has no Keras layers")
            return layer, is_output
        path = path_of(self._model.owner, layer, "at")
        return path, is_output or bool(find_layer(self._model.owner, path)[1])

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
        if self._model.is_keras:
            every = layers_of(self._model.owner).values() if records_all else ()
            recorded = list(dict.fromkeys([*every, *(self.recorded(layer) for layer in layers if layer is not None)]))
        if self._model.is_keras and input_of is not None:
            recorded.append(LayerInput(find_layer(self._model.owner, input_of)[0]))
        forward_pass = run_forward(self._model, info.inlining, x, feed, recorded)
        info.train_mode = train_mode_operations(x, forward_pass.output)
        return forward_pass

    def recorded(self, layer: Any) -> Any:
        """Return a layer as ``record_layers`` needs it: the object, or the entry of its output."""
        found, entry = find_layer(self._model.owner, layer)
        return LayerEntry(found, entry) if entry else found

    def outputs(self, forward_pass: ForwardPass, x: Any, scores: Any) -> dict[Any, Any]:
        """Return the output of each recorded layer by path, or the outputs of all operations between x and the scores.

        The call of a layer that descends from x counts; layers without exactly one such call are left out.
        """
        if not self._model.is_keras:
            return outputs_between(x, scores)
        paths = {id(layer): path for path, layer in layers_of(self._model.owner).items()}
        outputs: dict[Any, list[Any]] = {}
        for layer, output in forward_pass.calls:
            if not isinstance(layer, LayerEntry):
                outputs.setdefault(paths[id(layer)], []).append(output)
        single = {path: calls_from_input(each, x) for path, each in outputs.items()}
        order = {id(output): i for i, (_, output) in enumerate(forward_pass.calls)}
        found = {path: each[0] for path, each in single.items() if len(each) == 1}
        return dict(sorted(found.items(), key=lambda item: order[id(item[1])]))

    def output(self, forward_pass: ForwardPass, path: Any, x: Any = None, any_input: bool = False) -> Any:
        """Return the output of a layer's only call, or the output of an operation.

        If ``x`` is given, it is the call that descends from x; with ``any_input``, the last call if none does.
        """
        if not self._model.is_keras:
            output = find_operation_output(tf.compat.v1.get_default_graph().get_operations(), path)
            return output if x is None else call_from_input([output], x, f"operation {path!r}", any_input)[0]
        layer = self.recorded(path)
        outputs = [output for each, output in forward_pass.calls if each is layer or _is_same_entry(each, layer)]
        return single_tensor(outputs if x is None else call_from_input(outputs, x, f"layer {path!r}", any_input), path)

    def input_or_output(self, forward_pass: ForwardPass, x: Any, path: str, is_output: bool) -> tuple[Any, Any]:
        """Return the input or output of a layer's call that descends from x, and the operation that gradients must pass.

        Other operations may take an operation's input as well, so gradients count only through the operation itself. In
        all other cases the operation is None.
        """
        if is_output:
            return self.output(forward_pass, path, x, any_input=True), None
        if self._model.is_keras:
            inputs = [tensor for each, tensor in forward_pass.calls if isinstance(each, LayerInput)]
            return single_tensor(call_from_input(inputs, x, f"layer {path!r}", any_input=True), path, "takes"), None
        operations = tf.compat.v1.get_default_graph().get_operations()
        return differentiable_input(x, find_operation_output(operations, path, "at", scopes=False).op)


def _is_same_entry(one: Any, other: Any) -> bool:
    return isinstance(one, LayerEntry) and isinstance(other, LayerEntry) and one == other
