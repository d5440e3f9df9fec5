"""The calls of every saliency method: ``GetMask``, ``GetMasks`` and their smoothed forms."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, overload

from saliency.core.adapter import GradientAdapter
from saliency.core.gradient_modifiers import Modifier
from saliency.core.method_options import options_by_name
from saliency.core.model_inputs import ModelInputs
from saliency.core.pickling import ByAttributes
from saliency.core.result import MaskArray
from saliency.core.several_inputs import Named, SeveralInputs, holds_names, inputs_by_name
from saliency.core.types import Array


class MaskCalls(ByAttributes, ABC):
    """The calls of ``SaliencyMask``, which implements the computation."""

    adapter: GradientAdapter
    y: Any
    logits: bool
    modifier: Modifier | None
    options: dict[str, Any]
    unit: ClassVar[str]

    @overload
    def GetMask(self, x_value: Named, *values: Any, **options: Any) -> dict[str, MaskArray]: ...
    @overload
    def GetMask(
        self,
        x_value: Any,
        feed_dict: Mapping[str, Any] | None = None,
        *values: Any,
        progress: bool | None = None,
        **options: Any,
    ) -> MaskArray: ...
    def GetMask(
        self,
        x_value: Any,
        feed_dict: Mapping[str, Any] | None = None,
        *values: Any,
        progress: bool | None = None,
        **options: Any,
    ) -> MaskArray | dict[str, MaskArray]:
        """Compute the mask of one input.

        Args:
            x_value: one input without a batch axis, such as (C, H, W) for a Torch image network: an array, a nested list or a
                PIL image, preprocessed as the model expects it. To explain several inputs of a model, pass a dictionary of
                them by name, or a tuple of arrays in the model's order.
            feed_dict: the model's other inputs by name: arrays without their batch axis, and plain values.
            *values, **options: options of the method, in the order of its signature or by name.
            progress: show a progress bar; None shows one after 3 seconds, on a terminal or in a notebook.

        Returns:
            The mask, of the input's shape unless the method states otherwise. It is a NumPy array with ``details``, which
            renders itself in notebooks; see ``MaskArray``. For several inputs, a dictionary of masks by name.

        Raises:
            InputError, TargetError, ModelError, GradientError, MemoryShortage: see ``saliency.core.errors``.
        """
        options = options_by_name(self.masks, type(self).__name__, values, options)
        return _first(self._plain(self._single(x_value, feed_dict), options, progress))

    @overload
    def GetSmoothedMask(self, x_value: Named, *args: Any, **options: Any) -> dict[str, MaskArray]: ...
    @overload
    def GetSmoothedMask(
        self,
        x_value: Any,
        feed_dict: Mapping[str, Any] | None = None,
        stdev_spread: float = 0.15,
        nsamples: int = 25,
        magnitude: bool = True,
        seed: int | None = None,
        progress: bool | None = None,
        **options: Any,
    ) -> MaskArray: ...
    def GetSmoothedMask(
        self,
        x_value: Any,
        feed_dict: Mapping[str, Any] | None = None,
        stdev_spread: float = 0.15,
        nsamples: int = 25,
        magnitude: bool = True,
        seed: int | None = None,
        progress: bool | None = None,
        **options: Any,
    ) -> MaskArray | dict[str, MaskArray]:
        """Compute the mask of one input, averaged over noisy copies of the input (SmoothGrad).

        Args:
            x_value, feed_dict: as for ``GetMask``; no noise is added to ``feed_dict``.
            stdev_spread: standard deviation of the noise, in units of the range (maximum - minimum) of each input.
            nsamples: number of noisy copies.
            magnitude: average the squares of the masks instead of the masks, as PAIR's SmoothGrad does.
            seed: a whole number makes the result repeatable; None draws a new seed.
            progress: show a progress bar; None shows one after 3 seconds, on a terminal or in a notebook.
            **options: ``average``, ``antithetic``, ``standard_error``, ``tolerance`` and ``max_samples`` of
                ``saliency.core.smoothgrad.Smoothing``, and the options of the method. If an option of the method has one of
                these names, pass it to the constructor.

        Returns:
            The averaged mask, in the mask's units or their square. With ``standard_error`` or ``tolerance``, its ``details``
            hold the standard error and the number of samples.
        """
        smoothing = {"stdev_spread": stdev_spread, "nsamples": nsamples, "magnitude": magnitude, "seed": seed}
        return _first(self._smooth(self._single(x_value, feed_dict), {**smoothing, **options}, progress))

    @overload
    def GetMasks(self, x_values: Mapping[str, Any], *args: Any, **options: Any) -> dict[str, MaskArray]: ...
    @overload
    def GetMasks(
        self,
        x_values: Any,
        y: Any = None,
        feed_dict: Mapping[str, Any] | None = None,
        progress: bool | None = None,
        **options: Any,
    ) -> MaskArray: ...
    def GetMasks(
        self,
        x_values: Any,
        y: Any = None,
        feed_dict: Mapping[str, Any] | None = None,
        progress: bool | None = None,
        **options: Any,
    ) -> MaskArray | dict[str, MaskArray]:
        """Compute the masks of N inputs in batches, with the same result as one at a time.

        Args:
            x_values: array (N, *input), or a list of N inputs. To explain several inputs of a model, pass a dictionary of
                these by name, or a list of N dictionaries.
            y: one target for all inputs, or a list of N targets, one for each input (a list within it is a sum of classes);
                None uses the target of the constructor. Several targets of one input share its forward pass:
                ``GetMasks([x] * 8, range(8))``.
            feed_dict: the model's other inputs by name: arrays (N, ...), and plain values.
            progress: show a progress bar; None shows one after 3 seconds, on a terminal or in a notebook.
            **options: options of the method.

        Returns:
            (N, *mask). For several inputs of a model, a dictionary of masks by name.
        """
        return self._plain(self._several(x_values, y, feed_dict), options, progress)

    @overload
    def GetSmoothedMasks(self, x_values: Mapping[str, Any], *args: Any, **options: Any) -> dict[str, MaskArray]: ...
    @overload
    def GetSmoothedMasks(
        self,
        x_values: Any,
        y: Any = None,
        feed_dict: Mapping[str, Any] | None = None,
        progress: bool | None = None,
        **options: Any,
    ) -> MaskArray: ...
    def GetSmoothedMasks(
        self,
        x_values: Any,
        y: Any = None,
        feed_dict: Mapping[str, Any] | None = None,
        progress: bool | None = None,
        **options: Any,
    ) -> MaskArray | dict[str, MaskArray]:
        """Compute the smoothed masks of N inputs in batches, with the same result as one at a time.

        Arguments are as for ``GetMasks``, options as for ``GetSmoothedMask``. All inputs share the noise of ``seed``, scaled
        by the range of each. Returns (N, *mask).
        """
        return self._smooth(self._several(x_values, y, feed_dict), options, progress)

    def _single(self, x_value: Any, feed_dict: Mapping[str, Any] | None) -> ModelInputs | SeveralInputs:
        named = inputs_by_name(self.adapter, x_value)
        if named is not None:
            return SeveralInputs.single(self.adapter, named, self.y, feed_dict)
        return ModelInputs.single(self.adapter, x_value, self.y, feed_dict)

    def _several(self, x_values: Any, y: Any, feed_dict: Mapping[str, Any] | None) -> ModelInputs | SeveralInputs:
        kind = SeveralInputs if holds_names(x_values) else ModelInputs
        return kind.of(self.adapter, x_values, self.y, y, feed_dict)

    @abstractmethod
    def masks(self, score: Any, x: Array, *args: Any, **options: Any) -> Array:
        """Compute N masks; see ``SaliencyMask``."""

    @abstractmethod
    def _plain(
        self, inputs: ModelInputs | SeveralInputs, options: Mapping[str, Any], progress: bool | None
    ) -> MaskArray | dict[str, MaskArray]: ...

    @abstractmethod
    def _smooth(
        self, inputs: ModelInputs | SeveralInputs, options: Mapping[str, Any], progress: bool | None
    ) -> MaskArray | dict[str, MaskArray]: ...


def _first(masks: MaskArray | dict[str, MaskArray]) -> MaskArray | dict[str, MaskArray]:
    return masks.one(0) if isinstance(masks, MaskArray) else {name: one.one(0) for name, one in masks.items()}
