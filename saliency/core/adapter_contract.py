"""The contract between the masks and a framework, told once: what an adapter has to write."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.target import Target
from saliency.core.types import Array, Rule


class AdapterContract(ABC):
    """What is asked of a framework; see ``GradientAdapter``, which adapters are."""

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
    def outputs(self, x: Array, target: Target, feed: Mapping[str, Any]) -> Any:
        """Run the model forward without recording a graph.

        Args:
            x: (N, *input), in the model's own units.
            target: says which layer's output is wanted, and whether logits are.
            feed: the model's other inputs by name, arrays (N, ...).

        Returns:
            What ``target.scores`` takes: the layer's output, or the model's (its logits, where it ends in a softmax or
            sigmoid and the target asks for them). Channels stand on axis 1: (N, channels, *space).

        Raises:
            InputError: if the model does not take such an input. As a ``core.errors.ForwardError``, which tells the input's
                shape, it gets a word on what may be wrong with that.
            TargetError: if there is no such layer.
            MemoryShortage: if the N samples do not fit into memory; this goes for the two below as well.
        """

    @abstractmethod
    def gradients(
        self,
        x: Array,
        target: Target,
        feed: Mapping[str, Any],
        rule: Rule | None = None,
        allow_no_relu: bool = False,
        at: Any = None,
    ) -> tuple[Array, Array]:
        """Differentiate scores with respect to the input, or to a layer's, in one forward pass.

        Args:
            x: (N, *input), in the model's own units.
            target: of N * T samples: T of the first input, then T of the next. T is 1 unless inputs are explained for
                several targets.
            feed: the model's other inputs by name, arrays (N, ...).
            rule: how the gradient passes every ReLU; None leaves it as it is.
            allow_no_relu: accept a rule for a model that has no ReLU.
            at: a layer, its name or the layer itself, whose input takes the place of the model's: the first tensor that it
                is called with, the last time; or the ``OutputOf`` a layer, the last one. Up to there no graph is recorded.
                None for the model's own input. Where there are operations and no layers, one of these.

        Returns:
            Scores (N * T,), and each one's gradient (N * T, *input) in score units per input unit, float32 or wider;
            ``at`` a layer, (N * T, ...) as the framework has its input or output.

        Raises:
            GradientError: if a score does not depend on the input.
            TargetError: if there is no layer ``at``, or its input or output is no tensor of floats (N, ...).
            ModelError: if a rule is asked for and no ReLU was found, or some of the model cannot be looked into.
        """

    @abstractmethod
    def features(
        self,
        x: Array,
        target: Target,
        feed: Mapping[str, Any],
        layer: Any = None,
        rule: Rule | None = None,
        allow_no_relu: bool = False,
    ) -> tuple[Array, Array, Array]:
        """Differentiate scores with respect to a layer's output, without a graph up to there.

        Args:
            x, target, feed: as for ``gradients``.
            layer: its name, or the layer itself; None for the last one before the score whose output has the input's
                spatial axes, more than one position on them, and an influence on the score.
            rule: how the gradient passes every ReLU between the layer and the score; None leaves it as it is.
            allow_no_relu: accept a rule where there is no ReLU behind the layer.

        Returns:
            Scores (N * T,), the layer's output (N, channels, *space), and the gradients (N * T, channels, *space) in score
            units per unit of the output. The tokens of a vision transformer come as their grid.

        Raises:
            GradientError: if a score does not depend on the layer.
            ModelError: if a rule is asked for and no ReLU was found behind the layer, or some of that can't be looked into.
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
