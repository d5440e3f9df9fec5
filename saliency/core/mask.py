"""The base class of all saliency methods."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from saliency.core.batching import BatchPlan
from saliency.core.errors import InputError
from saliency.core.gradient_modifiers import parse_modifier
from saliency.core.mask_runner import apply_method, checked_batch_size, compute_masks, default_batch_size
from saliency.core.method_options import bind_options, option_names, options_by_name
from saliency.core.model_inputs import ModelInputs
from saliency.core.pickling import ByAttributes
from saliency.core.progress import Progress
from saliency.core.result import MaskArray
from saliency.core.score import Score
from saliency.core.smoothgrad import Smoothing
from saliency.core.types import Array
from saliency.core.validation import boolean, shown
from saliency.core.wrap import wrap


class SaliencyMask(ByAttributes, ABC):
    """Compute saliency maps (masks): which parts of an input a network's score depends on.

    The base class of all methods. Construct a method with a model and a target, then pass inputs to ``GetMask``.

    Args:
        model: a model that ``saliency.wrap`` accepts, or its adapter.
        y: the target, which selects the score to explain; indices start at 0:

            - an int (a class), or a list of ints (the sum of several classes),
            - (layer, channel): a channel of a layer, averaged over its spatial axes. A layer is a name or the layer itself,
            - (layer, channel, row, column): one unit; ``Difference(one, other)``: one class or channel minus another,
            - ``Region(channel, mask)``: positions of a dense output; ``Box(label, box)``: one detection,
            - a callable from the model's output to one number per sample,
            - (layer, callable) or ((layer, layer, ...), callable): the same from the outputs of layers,
            - None: the top class of each input.
        batch_size: largest number of samples in one pass through the model; ``"auto"`` chooses it from the size of an input.
            A batch that does not fit into memory is halved.
        logits: if the model ends in a softmax or sigmoid and ``y`` is a class, explain its logit instead of its probability.
        modifier: a modification of every gradient before the method uses it: ``"increase"``, ``"decrease"``, ``"absolute"``,
            ``"positive"``, ``"maintain"``, ``"invert"`` (see ``saliency.core.gradient_modifiers``), a callable, or None.
        **options: defaults for the options of the method.

    Raises:
        InputError: if the model is not supported, or an option is invalid.
    """

    differentiates: ClassVar[bool] = True
    """Whether the method computes gradients. If False, it only evaluates the score."""

    empty: ClassVar[str] = (
        "the score does not depend on the input, or no gradient reaches it (because the network is dead or saturated, or "
        "because a rule passes no gradient)"
    )
    """What a mask that is zero everywhere means; the text of the ``ZeroGradientWarning``."""

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
        self.adapter, self.y = wrap(model), y
        self.batch_size, self.logits = checked_batch_size(batch_size), boolean("logits", logits)
        self.modifier = parse_modifier(modifier, self.adapter.xp)
        if self.modifier is not None and not self.differentiates:
            raise InputError(
                f"`modifier` (={shown(modifier)}) modifies gradients, but {type(self).__name__} does not use gradients"
            )
        self.checks_batches = True  # see ``core.batch_independence``
        self.options = options
        self._bound_method({})  # checks the options

    @abstractmethod
    def masks(self, score: Score, x: Array, *args: Any, **options: Any) -> Array:
        """Compute N masks.

        Args:
            score: the score of N inputs, with its gradients.
            x: (N, *input), in the model's own units, on its device.
            **options: the options of the method.

        Returns:
            (N, *mask), a new array on the same device.
        """

    def GetMask(
        self, x_value: Any, feed_dict: Mapping[str, Any] | None = None, *values: Any, progress: bool = False, **options: Any
    ) -> MaskArray:
        """Compute the mask of one input.

        Args:
            x_value: one input without a batch axis, such as (C, H, W) for a Torch image network: an array, a nested list or a
                PIL image, preprocessed as the model expects it.
            feed_dict: the model's other inputs by name: arrays without their batch axis, and plain values.
            *values, **options: options of the method, in the order of its signature or by name.
            progress: show a progress bar.

        Returns:
            The mask, of the input's shape unless the method states otherwise. It is a NumPy array with ``details``, which
            renders itself in notebooks; see ``MaskArray``.

        Raises:
            InputError, TargetError, ModelError, GradientError, MemoryShortage: see ``saliency.core.errors``.
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
        """Compute the mask of one input, averaged over noisy copies of the input (SmoothGrad).

        Args:
            x_value, feed_dict: as for ``GetMask``; no noise is added to ``feed_dict``.
            stdev_spread: standard deviation of the noise, in units of the input's range (maximum - minimum).
            nsamples: number of noisy copies.
            magnitude: average the squares of the masks instead of the masks, as PAIR's SmoothGrad does.
            seed: a whole number makes the result repeatable; None draws a new seed.
            progress: show a progress bar.
            **options: ``average``, ``antithetic``, ``standard_error``, ``tolerance`` and ``max_samples`` of
                ``saliency.core.smoothgrad.Smoothing``, and the options of the method. If an option of the method has one of
                these names, pass it to the constructor.

        Returns:
            The averaged mask, in the mask's units or their square. With ``standard_error`` or ``tolerance``, its ``details``
            hold the standard error and the number of samples.
        """
        smoothing = {"stdev_spread": stdev_spread, "nsamples": nsamples, "magnitude": magnitude, "seed": seed}
        inputs = ModelInputs.single(self.adapter, x_value, self.y, feed_dict)
        return self._smooth(inputs, {**smoothing, **options}, progress).one(0)

    def GetMasks(
        self,
        x_values: Any,
        y: Any = None,
        feed_dict: Mapping[str, Any] | None = None,
        progress: bool = False,
        **options: Any,
    ) -> MaskArray:
        """Compute the masks of N inputs in batches, with the same result as one at a time.

        Args:
            x_values: array (N, *input), or a list of N inputs.
            y: one target for all inputs, or a list of N targets, one for each input (a list within it is a sum of classes);
                None uses the target of the constructor. Several targets of one input share its forward pass:
                ``GetMasks([x] * 8, range(8))``.
            feed_dict: the model's other inputs by name: arrays (N, ...), and plain values.
            progress: show a progress bar.
            **options: options of the method.

        Returns:
            (N, *mask).
        """
        return self._plain(ModelInputs.of(x_values, self.y, y, feed_dict), options, progress)

    def GetSmoothedMasks(
        self, x_values: Any, y: Any = None, feed_dict: Mapping[str, Any] | None = None, progress: bool = False, **options: Any
    ) -> MaskArray:
        """Compute the smoothed masks of N inputs in batches, with the same result as one at a time.

        Arguments are as for ``GetMasks``, options as for ``GetSmoothedMask``. All inputs share the noise of ``seed``, scaled
        by the range of each. Returns (N, *mask).
        """
        return self._smooth(ModelInputs.of(x_values, self.y, y, feed_dict), options, progress)

    def _plain(self, inputs: ModelInputs, options: Mapping[str, Any], progress: bool) -> MaskArray:
        return self._run(partial(apply_method, self._bound_method(options)), inputs, progress, 1, type(self).__name__)

    def _smooth(self, inputs: ModelInputs, options: Mapping[str, Any], progress: bool) -> MaskArray:
        smoothing, method_options = Smoothing.split(options)
        if "seed" in option_names(self.masks) and "seed" not in self.options:  # one seed repeats everything that is random
            method_options["seed"] = smoothing.noise.seed
        name, method = f"{type(self).__name__}, smoothed", self._bound_method(method_options)
        return self._run(partial(smoothing.masks, method), inputs, progress, int(smoothing.samples), name)

    def _run(
        self, compute: Callable[[Score, Array], Array], inputs: ModelInputs, progress: bool, samples: int, name: str
    ) -> MaskArray:
        size = self.batch_size or default_batch_size(inputs.x_values[0], self.adapter)
        unit = "gradients" if self.differentiates else "outputs"
        plan = BatchPlan(size, Progress(samples * len(inputs.ys), unit, boolean("progress", progress)), self.checks_batches)
        return compute_masks(
            compute, self.adapter, inputs, plan, self.logits, self.modifier, self.differentiates, name, self.empty
        )

    def _bound_method(self, options: Mapping[str, Any]) -> Callable[[Score, Array], Array]:
        return bind_options(self.masks, type(self).__name__, self.options, options)
