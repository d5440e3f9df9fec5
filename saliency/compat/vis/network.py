"""A model whose layers are given as in keras-vis: by index, name, object or tensor."""

import sys
from importlib import import_module
from typing import Any, final

from saliency.core.adapter import GradientAdapter
from saliency.core.errors import InputError, TargetError
from saliency.core.types import OutputOf, Rule
from saliency.core.validation import as_index, shown
from saliency.core.wrap import refuse_other_backends, wrap


@final
class Network:
    """Look up a model's inputs and layers, and hold the rule for gradients at its ReLUs.

    Args:
        model: a Torch module, a Keras model, an adapter, or any other model that ``saliency.wrap`` accepts.
        rule: see ``core.types.Rule``.
        source: the model that ``model`` was made from. Its layers are accepted too.
    """

    def __init__(self, model: Any, rule: Rule | None = None, source: Any = None) -> None:
        refuse_other_backends(model, supported=("tensorflow",))
        self.adapter: GradientAdapter = wrap(model)
        self.model = getattr(self.adapter, "model", None)
        self.rule, self._source = rule, model if source is None else source
        self.keras = _is_keras(self.model)
        first = getattr(self.adapter.xp, "__name__", "") == "torch" or self.adapter.channel_axis == 0
        self.channels = 1 if first else -1
        """The channel axis of layers' outputs, (N, ...)."""

    @property
    def layers(self) -> list[Any]:
        """A Keras model's layers, in the order of ``layer_idx``; empty for other models."""
        return list(self.model.layers) if self.keras and self.model is not None else []

    def inputs(self) -> dict[str, int]:
        """Return the number of axes of a Keras model's inputs, including the batch axis, by name; empty if unknown."""
        return {name: len(tensor.shape) for name, tensor in self._input_tensors().items()}

    def layer(self, wanted: Any, option: str = "layer_idx") -> Any:
        """Return a layer, its name, or None for the model's output.

        Args:
            wanted: an index into ``model.layers``, a name, a layer, or None. For a model that is not a Keras model, -1 is
                the output.
            option: name of the argument in error messages.

        Raises:
            TargetError: if the index is out of range, or the model is not a Keras model.
        """
        index, layers = as_index(wanted), self.layers
        if index is None:
            wanted = self._of_source(wanted)
            return next((one for one in layers if isinstance(wanted, str) and one.name == wanted), wanted)
        if not self.keras and index == -1:
            return None
        if not self.keras:
            raise TargetError(
                f"`{option}` (={shown(index)}) must be a layer's name, or -1 for the output: only Keras models have layer "
                "indices"
            )
        if not -len(layers) <= index < len(layers):
            raise TargetError(
                f"`{option}` (={shown(index)}) must be in the range of the model's {len(layers)} layers: 0 to "
                f"{len(layers) - 1}, or from the end {-len(layers)} to -1"
            )
        return layers[index]

    def is_output(self, layer: Any) -> bool:
        """Return whether a layer's output is the model's only output."""
        outputs = list(getattr(self.model, "outputs", None) or ()) if self.keras else []
        return len(outputs) == 1 and _layer_of(outputs[0]) is layer

    def resolve_wrt(self, wrt_tensor: Any) -> tuple[str | None, Any]:
        """Return the input or the layer output with respect to which gradients are computed.

        Args:
            wrt_tensor: a layer, its name, a symbolic Keras tensor (the last output of its layer), or None.

        Returns:
            The input's name, None for the first input; and the layer's output, None for an input.

        Raises:
            TargetError: if ``wrt_tensor`` is none of these.
        """
        one = isinstance(wrt_tensor, list | tuple) and len(wrt_tensor) == 1
        wanted = wrt_tensor[0] if one else wrt_tensor
        inputs = self._input_tensors()
        name = next((name for name, tensor in inputs.items() if tensor is wanted), None)
        if wanted is None or name is not None:
            return name, None
        layer = self._of_source(_layer_of(wanted) or wanted)
        resolved = self.layer(layer) if isinstance(layer, str) else layer
        if type(resolved).__name__ == "InputLayer":
            input_name = next((name for name, tensor in inputs.items() if _layer_of(tensor) is resolved), None)
            if input_name is None and len(inputs) > 1:
                raise TargetError(f"`wrt_tensor` ({resolved.name}) must be one of the model's inputs: {', '.join(inputs)}")
            return input_name, None
        if isinstance(wanted, list | tuple) or (hasattr(layer, "shape") and not callable(layer)):
            raise TargetError(f"`wrt_tensor` ({type(wanted).__name__}) must be a layer, its name, or a Keras layer's output")
        return None, OutputOf(resolved)

    def _input_tensors(self) -> dict[str, Any]:
        if not self.keras:
            return {}
        from saliency.tf.eager.keras_models import input_tensors

        return input_tensors(self.model)

    def _of_source(self, layer: Any) -> Any:
        """Return the path of a layer of the source model; return any other layer unchanged."""
        if isinstance(layer, str) or self._source is self.model or layer is None:
            return layer
        if _is_keras(self._source):
            from saliency.core.keras.layers import layers_of

            paths = {id(one): path for path, one in layers_of(self._source).items()}
        else:
            paths = {id(one): path for path, one in getattr(self._source, "named_modules", dict)()}
        return paths.get(id(layer), layer)


def model_between(input_tensor: Any, layers: list[Any]) -> Any:
    """Return the Keras model from input tensors to layers' outputs; return anything but Keras tensors unchanged.

    Raises:
        InputError: if a layer has no symbolic output, or several.
    """
    tensors = input_tensor if isinstance(input_tensor, list | tuple) else [input_tensor]
    if not tensors or any(_layer_of(one) is None for one in tensors):
        return input_tensor
    try:
        outputs = [layer.output for layer in layers]
    except AttributeError as error:
        raise InputError(
            f"`input_tensor` must be the model if the layer of a loss does not have exactly one symbolic output: {error}"
        ) from error
    package = import_module(type(tensors[0]).__module__.partition(".")[0])
    return package.Model(tensors[0] if len(tensors) == 1 else list(tensors), outputs)


def _is_keras(model: Any) -> bool:
    if "tensorflow" not in sys.modules or model is None:
        return False
    from saliency.core.keras.layers import is_keras

    return is_keras(model)


def _layer_of(tensor: Any) -> Any:
    if "tensorflow" not in sys.modules:
        return None
    from saliency.tf.eager.keras_models import layer_of_tensor

    return layer_of_tensor(tensor)
