"""The base class of all saliency methods."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, NamedTuple

from saliency.core.adapter import GradientAdapter
from saliency.core.batching import TARGETS_OF_ONE_INPUT, BatchPlan
from saliency.core.computation_record import method_record
from saliency.core.errors import InputError
from saliency.core.gradient_modifiers import parse_modifier
from saliency.core.mask_calls import MaskCalls
from saliency.core.mask_runner import apply_method, checked_batch_size, compute_masks, default_batch_size
from saliency.core.mask_unit import mask_unit
from saliency.core.masks_by_input import check_explains_inputs, each_in_turn, options_of_input, split_masks
from saliency.core.method_options import bind_options, option_names
from saliency.core.model_inputs import ModelInputs
from saliency.core.per_sample import check_per_sample
from saliency.core.progress import Progress
from saliency.core.result import MaskArray
from saliency.core.score import Score
from saliency.core.several_inputs import SeveralInputs
from saliency.core.smoothgrad import Smoothing
from saliency.core.types import Array
from saliency.core.validation import boolean, shown
from saliency.core.wrap import wrap


class _Computation(NamedTuple):
    """How masks are computed: a method's name, the method with its options, its unit, record and number of samples."""

    name: str
    compute: Callable[[Score, Array], Array]
    unit: str
    record: Mapping[str, Any]
    samples: int = 1


class SaliencyMask(MaskCalls):
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
            With ``"auto"``, up to four times as many targets of one input share a pass: they share the forward pass and what
            it keeps in memory. A batch that does not fit into memory is halved.
        logits: if the model ends in a softmax or sigmoid and ``y`` is a class, explain its logit instead of its probability.
        modifier: a modification of every gradient before the method uses it: ``"increase"``, ``"decrease"``, ``"absolute"``,
            ``"positive"``, ``"maintain"``, ``"invert"`` (see ``saliency.core.gradient_modifiers``), a callable, or None.
        **options: defaults for the options of the method.

    Raises:
        InputError: if the model is not supported, or an option is invalid.
    """

    differentiates: ClassVar[bool] = True
    """Whether the method computes gradients. If False, it only evaluates the score."""

    joins_inputs: ClassVar[bool] = False
    """Whether several inputs are explained jointly, as one array (N, D). If False, each is explained in turn."""

    empty: ClassVar[str] = (
        "the score does not depend on the input, or no gradient reaches it (because the network is dead or saturated, or "
        "because a rule passes no gradient)"
    )
    """What a mask that is zero everywhere means; the text of the ``ZeroGradientWarning``."""

    unit: ClassVar[str] = ""
    """The unit of the mask with the default options; empty if it has none. See ``saliency.core.mask_unit``."""

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
        self._bound_method({}, options)  # checks them

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

    def _plain(
        self, inputs: ModelInputs | SeveralInputs, options: Mapping[str, Any], progress: bool | None
    ) -> MaskArray | dict[str, MaskArray]:
        def make(options: Mapping[str, Any], defaults: Mapping[str, Any]) -> _Computation:
            compute = partial(apply_method, self._bound_method(options, defaults))
            record = method_record(self, False, options, defaults)
            return _Computation(type(self).__name__, compute, mask_unit(self.unit, {**defaults, **options}), record)

        return self._explain(inputs, options, make, progress)

    def _smooth(
        self, inputs: ModelInputs | SeveralInputs, options: Mapping[str, Any], progress: bool | None
    ) -> MaskArray | dict[str, MaskArray]:
        def make(options: Mapping[str, Any], defaults: Mapping[str, Any]) -> _Computation:
            smoothing, method_options = Smoothing.split(options)
            if "seed" in option_names(self.masks) and "seed" not in defaults:  # one seed repeats everything that is random
                method_options["seed"] = smoothing.noise.seed
            method = self._bound_method(method_options, defaults)
            name = f"{type(self).__name__}, smoothed"
            unit = mask_unit(self.unit, {**defaults, **method_options}, smoothing.average)
            record = method_record(self, True, options, defaults)
            return _Computation(name, partial(smoothing.masks, method), unit, record, int(smoothing.samples))

        return self._explain(inputs, options, make, progress)

    def _explain(
        self,
        inputs: ModelInputs | SeveralInputs,
        options: Mapping[str, Any],
        make: Callable[[Mapping[str, Any], Mapping[str, Any]], _Computation],
        progress: bool | None,
    ) -> MaskArray | dict[str, MaskArray]:
        """Explain a single input, several jointly, or each in turn; ``make`` receives a call's options and the defaults."""
        differs = check_per_sample({**self.options, **options}, inputs.n)  # then the points of a shared input differ as well

        def run(computation: _Computation, adapter: GradientAdapter, inputs: ModelInputs) -> MaskArray:
            return self._run(computation, adapter, inputs.without_shared_passes() if differs else inputs, progress)

        if isinstance(inputs, ModelInputs):
            return run(make(options, self.options), self.adapter, inputs)
        if self.joins_inputs:
            check_explains_inputs({**self.options, **options})
            masks = run(make(options, self.options), inputs.joined_adapter, inputs.joined())
            return split_masks(masks, inputs.joined_adapter, self.empty)
        names = list(inputs.values)

        def explain(name: str) -> MaskArray:
            own, defaults = (options_of_input(one, name, names) for one in (options, self.options))
            return run(make(own, defaults), *inputs.in_turn(name))

        return each_in_turn(names, explain)

    def _run(
        self, computation: _Computation, adapter: GradientAdapter, inputs: ModelInputs, progress: bool | None
    ) -> MaskArray:
        size = self.batch_size or default_batch_size(inputs.x_values[0], adapter)
        unit, passes = "gradients" if self.differentiates else "outputs", computation.samples * inputs.n
        counter = Progress(passes, unit, None if progress is None else boolean("progress", progress))
        targets = TARGETS_OF_ONE_INPUT if self.batch_size is None and adapter.shares_targets else 1
        plan = BatchPlan(size, counter, self.checks_batches, even=self.adapter.even_batches, targets=targets)
        about = computation.name, computation.unit
        masks = compute_masks(
            computation.compute, adapter, inputs, plan, self.logits, self.modifier, self.differentiates, *about, self.empty
        )
        if masks.about is not None:
            masks.about = replace(masks.about, record=computation.record)
        return masks

    def _bound_method(self, options: Mapping[str, Any], defaults: Mapping[str, Any]) -> Callable[[Score, Array], Array]:
        return bind_options(self.masks, type(self).__name__, defaults, options)
