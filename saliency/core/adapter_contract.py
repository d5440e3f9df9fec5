"""The contract between masks and a framework: what every adapter must implement."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.adapter_request import Request
from saliency.core.errors import InputError, ModelError
from saliency.core.pickling import ByConstructor
from saliency.core.types import Array


class AdapterContract(ByConstructor, ABC):
    """The abstract methods of an adapter. Derive concrete adapters from ``GradientAdapter``."""

    xp: Any
    """Array namespace with NumPy's ``sum mean clip where amax concatenate reshape take ones_like``."""

    channel_axis: int | None
    """Axis of the channels of one input without its batch axis: 0 for (C, H, W), -1 for (H, W, C), None for (H, W)."""

    channel_axis_is_assumed: bool = False
    """Whether ``channel_axis`` is None because neither the user nor the model shows which axis of an input holds channels."""

    class_names: Mapping[int, str] = MappingProxyType({})
    """Class -> its name, as far as the user or the model states it; ``saliency.wrap`` sets it."""

    feed_kinds: str = "buifc"
    """Kinds of NumPy types: a list of such values in ``feed_dict`` becomes an array. Other lists and tuples stay lists."""

    batch_memory: int = 6_000_000
    """Size of an input times the square of the default batch size: 6 images of 224 x 224, 14 of 96 x 96, 32 at most."""

    @abstractmethod
    def asarray(self, value: Any, name: str = "x_value") -> Array:
        """Convert numbers to a floating-point array on the model's device.

        Args:
            value: NumPy array, array of the framework, nested list, or PIL image; any shape, any unit.
            name: the name of the value in an error.

        Returns:
            Array of the same shape, float32 or wider. The channels of a PIL image are on the model's channel axis.

        Raises:
            InputError: if the value contains anything other than finite real numbers.
        """

    @abstractmethod
    def asfeed(self, value: Any, name: str) -> Any:
        """Move another input of the model to its device; integers stay integers, and non-arrays are not changed."""

    @abstractmethod
    def numpy(self, array: Array) -> npt.NDArray[Any]:
        """Return an array of the device as a NumPy array."""

    @abstractmethod
    def normal(self, shape: tuple[int, ...], seeds: Sequence[int]) -> Array:
        """Draw standard normal numbers, (seeds, *shape); each row depends on its seed only."""

    @abstractmethod
    def outputs(self, x: Array, request: Request) -> Any:
        """Run the model forward without recording a graph.

        Args:
            x: (N, *input), in the model's own units.
            request: its target selects the layer whose output is returned, and whether logits are.

        Returns:
            The argument of ``target.scores``: the layer's output or the model's. If the model ends in a softmax or sigmoid and
            the target requests logits, these are returned. Channels are on axis 1: (N, channels, *space).

        Raises:
            InputError: if the model does not accept such an input. If it is a ``core.errors.ForwardError``, which holds the
                input's shape, a hint on the shape is appended to its message.
            TargetError: if there is no such layer.
            MemoryShortage: if the N samples do not fit into memory. ``gradients`` and ``features`` raise it as well.
        """

    @abstractmethod
    def gradients(self, x: Array, request: Request) -> tuple[Array, Array]:
        """Differentiate scores with respect to the input, or to a layer's input or output, in one forward pass.

        Args:
            x: (N, *input), in the model's own units.
            request: the target of N * T samples, the other inputs, ``rule``, ``allow_no_relu`` and ``at``.

        Returns:
            Scores (N * T,), and the gradient of each (N * T, *input) in score units per input unit, float32 or wider. With
            ``at``, the gradients have the shape (N * T, ...) of that tensor in the framework.

        Raises:
            GradientError: if a score does not depend on the input.
            TargetError: if there is no layer ``at``, or its input or output is not a floating tensor (N, ...).
            ModelError: if a rule is requested and no ReLU was found, or a part of the model cannot be inspected.
        """

    @abstractmethod
    def features(self, x: Array, request: Request) -> tuple[Array, Array, Array]:
        """Differentiate scores with respect to a layer's output; the part before the layer is computed without a graph.

        Args:
            x: (N, *input), in the model's own units.
            request: the target of N * T samples, the other inputs, ``layer``, and ``rule`` and ``allow_no_relu`` for the
                ReLUs between the layer and the score.

        Returns:
            Scores (N * T,), the layer's output (N, channels, *space), and the gradients (N * T, channels, *space) in score
            units per unit of the output. The tokens of a vision transformer are returned as their grid.

        Raises:
            GradientError: if a score does not depend on the layer.
            ModelError: if a rule is requested and no ReLU follows the layer, or a part after it cannot be inspected.
            TargetError: if there is no such layer, or it has no spatial axes.
        """

    def named_weights(self) -> Iterable[tuple[str, npt.NDArray[Any]]]:
        """Return the model's weights and other state by name, on the host; none by default."""
        return ()

    def set_weights(self, weights: Mapping[str, npt.NDArray[Any]]) -> None:
        """Change some of the model's weights; the names are those of ``named_weights``.

        Raises:
            ModelError: if the adapter cannot change weights, as by default.
        """
        raise ModelError(f"{type(self).__name__} cannot change the weights of its model ({', '.join(weights)})")

    def stack(self, values: Any, name: str = "x_values") -> Array:
        """Convert N inputs to one batch on the device.

        Args:
            values: array (N, *input), or a list of N inputs of one shape.
            name: the name of the inputs in an error.

        Returns:
            Array (N, *input).

        Raises:
            InputError: if the shapes differ, or ``asarray`` refuses one of the inputs.
        """
        if not isinstance(values, list | tuple):
            return self.asarray(values, name)
        if values and all(type(one) is np.ndarray and one.shape == values[0].shape for one in values):
            with suppress(InputError):  # below, the error names the input at fault
                return self.asarray(np.stack(values), name)  # one transfer instead of N
        alone = "x_value" if name == "x_values" else name
        names = [f"{name}[{i}]" for i in range(len(values))] if len(values) > 1 else [alone]
        arrays = [self.asarray(value, name) for value, name in zip(values, names, strict=True)]
        for i, array in enumerate(arrays):
            if tuple(array.shape) != tuple(arrays[0].shape):
                raise InputError(
                    f"`{name}[{i}]` (shape {tuple(array.shape)}) must have the shape of `{name}[0]` {tuple(arrays[0].shape)}"
                )
        return self.xp.concatenate([array[None] for array in arrays]) if len(arrays) > 1 else arrays[0][None]
