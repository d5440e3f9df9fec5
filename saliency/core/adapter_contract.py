"""The contract between the masks and a framework: what every adapter must implement."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.request import Request
from saliency.core.types import Array


class AdapterContract(ABC):
    """The abstract methods of an adapter; concrete adapters derive from ``GradientAdapter``."""

    xp: Any
    """Namespace with ``sum mean clip where amax concatenate reshape take ones_like``, as NumPy spells them."""

    channel_axis: int | None
    """Axis of the channels of one input without its batch axis: 0 for (C, H, W), -1 for (H, W, C), None for (H, W)."""

    batch_memory: int = 6_000_000
    """Product of an input's size and the square of the default batch: 6 pictures of 224 x 224, 14 of 96 x 96, 32 at most."""

    @abstractmethod
    def asarray(self, value: Any, name: str = "x_value") -> Array:
        """Bring numbers to the model's device, as floats.

        Args:
            value: array of the host or of the framework, nested list, or PIL image; any shape, any unit.
            name: what an error calls it.

        Returns:
            Array of the same shape (an image: with its channels where the model has them), float32 or wider.

        Raises:
            InputError: if it does not hold numbers, or not only finite ones.
        """

    @abstractmethod
    def asfeed(self, value: Any, name: str) -> Any:
        """Bring another input of the model to its device; integers stay integers, and what is no array stays as it is."""

    @abstractmethod
    def numpy(self, array: Array) -> npt.NDArray[Any]:
        """Bring an array back to the host: the only way out."""

    @abstractmethod
    def normal(self, shape: tuple[int, ...], seeds: Sequence[int]) -> Array:
        """Draw standard normal numbers, (seeds, *shape): each row from a generator of its own, which its seed alone sets."""

    @abstractmethod
    def outputs(self, x: Array, request: Request) -> Any:
        """Run the model forward without recording a graph.

        Args:
            x: (N, *input), in the model's own units.
            request: its target says which layer's output is wanted, and whether logits are.

        Returns:
            The input of ``target.scores``: the layer's output, or the model's (its logits, where it ends in a softmax or
            sigmoid and the target asks for them). Channels are on axis 1: (N, channels, *space).

        Raises:
            InputError: if the model does not accept such an input. As a ``core.errors.ForwardError``, which has the input's
                shape, its message gets a hint on the shape.
            TargetError: if there is no such layer.
            MemoryShortage: if the N samples do not fit into memory; the two methods below raise it as well.
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
        """Differentiate scores with respect to a layer's output, without recording a graph up to there.

        Args:
            x: (N, *input), in the model's own units.
            request: the target of N * T samples, the other inputs, ``layer``, and ``rule`` and ``allow_no_relu`` for the
                ReLUs between the layer and the score.

        Returns:
            Scores (N * T,), the layer's output (N, channels, *space), and the gradients (N * T, channels, *space) in score
            units per unit of the output. The tokens of a vision transformer are returned as their grid.

        Raises:
            GradientError: if a score does not depend on the layer.
            ModelError: if a rule is requested and no ReLU follows the layer, or a part behind it cannot be inspected.
            TargetError: if there is no such layer, or it has no spatial axes.
        """

    def stack(self, values: Any, name: str = "x_values") -> Array:
        """Bring N inputs to the device as one batch.

        Args:
            values: array (N, *input), or a list of N inputs of one shape.
            name: what an error calls it.

        Returns:
            Array (N, *input).

        Raises:
            InputError: if the shapes differ, or one of the inputs is not what ``asarray`` takes.
        """
        if not isinstance(values, list | tuple):
            return self.asarray(values, name)
        if len(values) > 1 and all(isinstance(one, np.ndarray) and one.shape == values[0].shape for one in values):
            with suppress(InputError):  # which is told by the input's own name, below
                return self.asarray(np.stack(values), name)  # one crossing, not N
        names = [f"{name}[{i}]" for i in range(len(values))] if len(values) > 1 else ["x_value"]
        arrays = [self.asarray(value, name) for value, name in zip(values, names, strict=True)]
        for i, array in enumerate(arrays):
            if tuple(array.shape) != tuple(arrays[0].shape):
                raise InputError(
                    f"`{name}[{i}]` (shape {tuple(array.shape)}) must have the shape of `{name}[0]` {tuple(arrays[0].shape)}"
                )
        return self.xp.concatenate([array[None] for array in arrays]) if len(arrays) > 1 else arrays[0][None]
