"""The abstract mask: what every method shares with the others."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from saliency.core.batching import BatchPlan
from saliency.core.errors import InputError
from saliency.core.gradient_modifiers import parse_modifier
from saliency.core.method_options import bind_options, option_names, options_by_name
from saliency.core.model_inputs import ModelInputs
from saliency.core.progress import Progress
from saliency.core.result import MaskArray
from saliency.core.runner import apply_method, checked_batch_size, compute_masks, default_batch_size
from saliency.core.score import Score
from saliency.core.smoothgrad import Smoothing
from saliency.core.types import Array
from saliency.core.validation import boolean
from saliency.core.wrap import wrap


class SaliencyMask(ABC):
    """A method that tells which parts of an input a network's score depends on.

    Args:
        model: an adapter, or anything that ``saliency.wrap`` takes.
        y: what is explained: an int (class), a list of ints (their sum), (layer, channel), (layer, channel, row, column),
            a callable from the model's output to one number per sample, or None (each sample's top class). A layer is a
            name or the layer itself; a channel with spatial axes counts by its mean over them; indices start at 0.
            ``(layer, callable)`` and ``((layer, layer, ...), callable)`` read the number off what layers give.
        batch_size: samples in one pass through the model at most; ``"auto"`` chooses by the size of an input. Where they do
            not fit into memory they are halved.
        logits: where the model ends in a softmax or sigmoid and ``y`` is a class, explain the number in front of it.
        modifier: what is done to every gradient before the method uses it: ``"increase"``, ``"decrease"``, ``"absolute"``,
            ``"positive"``, ``"maintain"``, ``"invert"`` (see ``core.modifiers``), or a callable.
        **options: defaults for the options that ``GetMask`` passes on to the method.

    Raises:
        InputError: if the model or an option is not of these.
    """

    differentiates: ClassVar[bool] = True
    """Whether the method takes gradients, or only evaluates the score."""

    empty: ClassVar[str] = (
        "nothing speaks for the score, or no gradient reaches the input (a dead or saturated network, or a rule that lets "
        "nothing pass)"
    )
    """What it means if a mask is zero everywhere."""

    def __init__(
        self,
        model: Any,
        y: Any = None,
        *,
        batch_size: Any = "auto",
        logits: bool = True,
        modifier: Any = None,
        **options: Any,
    ) -> None:
        self.adapter = wrap(model)
        self.y = y
        self.batch_size = checked_batch_size(batch_size)
        self.logits = boolean("logits", logits)
        self.modifier = parse_modifier(modifier, self.adapter.xp)
        if self.modifier is not None and not self.differentiates:
            raise InputError(f"`modifier` (={modifier!r}) is for gradients, and {type(self).__name__} takes none")
        self.options = options
        self._method({})

    @abstractmethod
    def masks(self, score: Score, x: Array, *args: Any, **options: Any) -> Array:
        """Compute N masks.

        Args:
            score: what is explained, as a function of N inputs.
            x: (N, *input), in the model's own units, on its device.
            **options: the method's own, by name.

        Returns:
            (N, *mask) on the same device, a new array.
        """

    def GetMask(
        self, x_value: Any, feed_dict: Mapping[str, Any] | None = None, *values: Any, progress: bool = False, **options: Any
    ) -> MaskArray:
        """Compute the mask of one input.

        Args:
            x_value: one input of the model without its batch axis, (C, H, W) for a Torch image network.
            feed_dict: the model's other inputs by name, arrays without their batch axis and plain values.
            *values, **options: the method's own, in its order or by name.
            progress: show a bar.

        Returns:
            The mask: of the input's shape, unless the method says otherwise. A NumPy array, which may have ``details`` and
            shows itself in a notebook.

        Raises:
            InputError, TargetError, ModelError, GradientError: see ``saliency.core.errors``.
        """
        options = options_by_name(self.masks, type(self).__name__, values, options)
        return self._plain(ModelInputs.single(self.adapter, x_value, self.y, feed_dict), options, progress).one(0)

    def GetSmoothedMask(
        self,
        x_value: Any,
        feed_dict: Mapping[str, Any] | None = None,
        stdev_spread: float = 0.15,
        nsamples: int = 25,
        magnitude: bool = True,
        seed: int | None = None,
        progress: bool = False,
        **options: Any,
    ) -> MaskArray:
        """Compute the mask of one input, averaged over noisy copies of it (SmoothGrad).

        Args:
            x_value, feed_dict: as for ``GetMask``; the other inputs get no noise.
            stdev_spread: standard deviation of the noise, in units of the input's range (maximum - minimum).
            nsamples: number of copies.
            magnitude: average the squares of the masks, as PAIR's SmoothGrad does, instead of the masks.
            seed: a whole number makes the result repeatable; None does not.
            progress: show a bar.
            **options: ``average``, ``antithetic``, ``standard_error``, ``tolerance`` and ``max_samples`` of
                ``core.smoothgrad.Smoothing``; the method's own. One of the method's that has such a name is given to the
                constructor.

        Returns:
            The averaged mask, of ``GetMask``'s shape, in its units or their square; its ``details`` hold what was asked for.

        Raises:
            As ``GetMask``.

        Source:
            See ``core.smoothgrad.Smoothing``.
        """
        own = {"stdev_spread": stdev_spread, "nsamples": nsamples, "magnitude": magnitude, "seed": seed}
        inputs = ModelInputs.single(self.adapter, x_value, self.y, feed_dict)
        return self._smooth(inputs, {**own, **options}, progress).one(0)

    def GetMasks(
        self,
        x_values: Any,
        y: Any = None,
        feed_dict: Mapping[str, Any] | None = None,
        progress: bool = False,
        **options: Any,
    ) -> MaskArray:
        """Compute the masks of N inputs at once: the same numbers as one at a time.

        Args:
            x_values: array (N, *input), or a list of N inputs.
            y: one target for all, or a list of N targets, one an input (a list in it is a sum); None is the mask's own.
                Several targets of one input, ``GetMasks([x] * 8, range(8))``, share its forward pass.
            feed_dict: the model's other inputs by name, arrays (N, ...) and plain values.
            progress: show a bar.
            **options: the method's own.

        Returns:
            (N, *mask).

        Raises:
            As ``GetMask``.
        """
        return self._plain(ModelInputs.of(x_values, self.y, y, feed_dict), options, progress)

    def GetSmoothedMasks(
        self, x_values: Any, y: Any = None, feed_dict: Mapping[str, Any] | None = None, progress: bool = False, **options: Any
    ) -> MaskArray:
        """Compute the smoothed masks of N inputs at once: ``GetMasks``'s inputs, ``GetSmoothedMask``'s options.

        Every input gets the same noise, that of ``seed``, so each mask equals the one computed alone. Returns (N, *mask).
        """
        return self._smooth(ModelInputs.of(x_values, self.y, y, feed_dict), options, progress)

    def _plain(self, inputs: ModelInputs, options: Mapping[str, Any], progress: bool) -> MaskArray:
        return self._run(partial(apply_method, self._method(options)), inputs, progress, 1, type(self).__name__)

    def _smooth(self, inputs: ModelInputs, options: Mapping[str, Any], progress: bool) -> MaskArray:
        smoothing, own = Smoothing.split(options)
        if "seed" in option_names(self.masks) and "seed" not in self.options:  # one seed repeats all that is random
            own["seed"] = smoothing.noise.seed
        name = f"{type(self).__name__}, smoothed"
        return self._run(partial(smoothing.masks, self._method(own)), inputs, progress, int(smoothing.samples), name)

    def _run(
        self, compute: Callable[[Score, Array], Array], inputs: ModelInputs, progress: bool, samples: int, name: str
    ) -> MaskArray:
        size = self.batch_size or default_batch_size(inputs.x_values[0], self.adapter)
        unit = "gradients" if self.differentiates else "outputs"
        plan = BatchPlan(size, Progress(samples * len(inputs.ys), unit, boolean("progress", progress)))
        return compute_masks(compute, self.adapter, inputs, plan, self.logits, self.modifier, name, self.empty)

    def _method(self, options: Mapping[str, Any]) -> Callable[[Score, Array], Array]:
        return bind_options(self.masks, type(self).__name__, self.options, options)
