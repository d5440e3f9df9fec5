"""A network as keras-vis's users name its parts: layers by place, name, object or tensor."""

import sys
from importlib import import_module
from typing import Any, final

from saliency.core.adapter import GradientAdapter
from saliency.core.errors import InputError, TargetError
from saliency.core.types import OutputOf, Rule
from saliency.core.validation import as_index
from saliency.core.wrap import wrap


@final
class Network:
    """A model, and how gradients pass its ReLUs.

    Args:
        model: a Torch module, a Keras model, an adapter, or anything else that ``saliency.wrap`` takes.
        rule: see ``core.adapter.Rule``.
        source: the model that this one was made from, whose layers may be named as well.
    """

    def __init__(self, model: Any, rule: Rule | None = None, source: Any = None) -> None:
        self.adapter: GradientAdapter = wrap(model)
        self.model = getattr(self.adapter, "model", None)
        self.rule, self._source = rule, model if source is None else source
        self.keras = _is_keras(self.model)
        first = getattr(self.adapter.xp, "__name__", "") == "torch" or self.adapter.channel_axis == 0
        self.channels = 1 if first else -1
        """Axis of the channels in what layers give, (N, ...)."""

    @property
    def layers(self) -> list[Any]:
        """A Keras model's layers, as they are counted; none of any other model's."""
        return list(self.model.layers) if self.keras and self.model is not None else []

    def inputs(self) -> dict[str, int]:
        """Return how many axes a Keras model's inputs have, the batch's among them, by name; nothing where it is not known."""
        return {name: len(tensor.shape) for name, tensor in self._input_tensors().items()}

    def layer(self, wanted: Any, option: str = "layer_idx") -> Any:
        """Return a layer, its name, or None for the model's output.

        Args:
            wanted: a place in ``model.layers``, a name, a layer, or None; of a model without places -1 is its output.
            option: what an error calls it.

        Raises:
            TargetError: if there is no layer at this place, or the model counts none.
        """
        place, layers = as_index(wanted), self.layers
        if place is None:
            wanted = self._of_source(wanted)
            return next((one for one in layers if isinstance(wanted, str) and one.name == wanted), wanted)
        if not self.keras and place == -1:
            return None
        if not self.keras:
            raise TargetError(f"`{option}` (={place}) must be a layer's name, or -1 for the output: only Keras counts layers")
        if not -len(layers) <= place < len(layers):
            raise TargetError(
                f"`{option}` (={place}) must be in the model's {len(layers)} layers: 0 to {len(layers) - 1}, or -1"
            )
        return layers[place]

    def is_output(self, layer: Any) -> bool:
        """Tell whether a layer gives what the model does, and nothing else."""
        outputs = list(getattr(self.model, "outputs", None) or ()) if self.keras else []
        return len(outputs) == 1 and _layer_of(outputs[0]) is layer

    def leaf(self, wrt_tensor: Any) -> tuple[str | None, Any]:
        """Return the name of the input that gradients are taken by, None for the first, and the layer's output, if it is one.

        Args:
            wrt_tensor: a layer, its name, a symbolic Keras tensor, which stands for the last output of its layer, or None.

        Raises:
            TargetError: if it is none of these.
        """
        one = isinstance(wrt_tensor, list | tuple) and len(wrt_tensor) == 1
        wanted = wrt_tensor[0] if one else wrt_tensor
        inputs = self._input_tensors()
        name = next((name for name, tensor in inputs.items() if tensor is wanted), None)
        if wanted is None or name is not None:
            return name, None
        layer = self._of_source(_layer_of(wanted) or wanted)
        known = self.layer(layer) if isinstance(layer, str) else layer
        if type(known).__name__ == "InputLayer":
            own = next((name for name, tensor in inputs.items() if _layer_of(tensor) is known), None)
            if own is None and len(inputs) > 1:
                raise TargetError(f"`wrt_tensor` ({known.name}) must be one of the model's inputs: {', '.join(inputs)}")
            return own, None
        if isinstance(wanted, list | tuple) or (hasattr(layer, "shape") and not callable(layer)):
            raise TargetError(f"`wrt_tensor` ({type(wanted).__name__}) must be a layer, its name, or a Keras layer's output")
        return None, OutputOf(known)

    def _input_tensors(self) -> dict[str, Any]:
        if not self.keras:
            return {}
        from saliency.tf.eager.keras_models import input_tensors

        return input_tensors(self.model)

    def _of_source(self, layer: Any) -> Any:
        """Return a layer of the model's source by its path in there; any other as it is."""
        if isinstance(layer, str) or self._source is self.model or layer is None:
            return layer
        if _is_keras(self._source):
            from saliency.tf.eager.layers import layers_of

            paths = {id(one): path for path, one in layers_of(self._source).items()}
        else:
            paths = {id(one): path for path, one in getattr(self._source, "named_modules", dict)()}
        return paths.get(id(layer), layer)


def between(input_tensor: Any, layers: list[Any]) -> Any:
    """Return the Keras model from input tensors to layers' outputs; a model, or anything else, as it is.

    Raises:
        InputError: if a layer has no one symbolic output.
    """
    tensors = input_tensor if isinstance(input_tensor, list | tuple) else [input_tensor]
    if not tensors or any(_layer_of(one) is None for one in tensors):
        return input_tensor
    try:
        outputs = [layer.output for layer in layers]
    except AttributeError as error:
        raise InputError(
            f"`input_tensor` must be the model where a loss's layer has no one output of its own: {error}"
        ) from error
    package = import_module(type(tensors[0]).__module__.partition(".")[0])
    return package.Model(tensors[0] if len(tensors) == 1 else list(tensors), outputs)


def _is_keras(model: Any) -> bool:
    if "tensorflow" not in sys.modules or model is None:
        return False
    from saliency.tf.eager.keras_models import is_keras

    return is_keras(model)


def _layer_of(tensor: Any) -> Any:
    if "tensorflow" not in sys.modules:
        return None
    from saliency.tf.eager.keras_models import layer_of_tensor

    return layer_of_tensor(tensor)
