"""The method of a job: its class, its options, and how inputs become masks with their scores and targets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import saliency
from saliency import nets
from saliency.core.batched_run import run_in_batches
from saliency.core.batching import BatchPlan
from saliency.core.computation_record import computation_record
from saliency.core.errors import InputError
from saliency.core.mask import SaliencyMask
from saliency.core.mask_runner import checked_batch_size, default_batch_size
from saliency.core.method_options import SMOOTHING_OPTIONS, bind_options, option_names
from saliency.core.model_inputs import ModelInputs
from saliency.core.per_sample import PerSample
from saliency.core.progress import Progress
from saliency.core.result import MaskArray
from saliency.core.validation import boolean, shown

CONSTRUCTOR = ("batch_size", "logits", "modifier")
TARGET_TEXT = "target_text"
"""The detail that describes the target of each mask."""


@dataclass(frozen=True)
class MethodChoice:
    """A method with its options.

    Args:
        method: the class of the method, or its name in ``saliency``.
        y: the target of inputs without one of their own.
        smoothed: whether to average each mask over noisy copies (SmoothGrad).
        options: options of the constructor, of the method and, with ``smoothed``, of ``GetSmoothedMask``.

    Raises:
        InputError: if the method or an option does not exist.
    """

    method: str | type[SaliencyMask]
    y: Any = None
    smoothed: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        boolean("smoothed", self.smoothed)
        method, smoothing = self._split()
        bind_options(self.kind.masks, self.kind.__name__, {}, {k: v for k, v in method.items() if k not in CONSTRUCTOR})
        if smoothing and not self.smoothed:
            raise InputError(f"`options` ({', '.join(smoothing)}) are options of smoothing and need smoothed=True")
        for name, value in self.options.items():
            if isinstance(value, PerSample):
                raise InputError(
                    f"`options[{name!r}]` (PerSample) has a value for each input, and a worker sees some inputs only"
                )

    @property
    def kind(self) -> type[SaliencyMask]:
        """The class of the method."""
        kind = getattr(saliency, self.method, None) if isinstance(self.method, str) else self.method
        if not isinstance(kind, type) or not issubclass(kind, SaliencyMask) or kind is SaliencyMask:
            raise InputError(f"`method` (={shown(self.method)}) must be a method or its name, such as 'IntegratedGradients'")
        return kind

    def on(self, network: nets.Network) -> "NetworkMasks":
        """Return the computation of masks of a network; names of layers are those of the network."""
        method, smoothing = self._split()
        names = {k: network.layer(v) for k, v in method.items() if k in ("layer", "at") and isinstance(v, str)}
        mask = self.kind(network.model, self.y, **{**method, **names})
        return NetworkMasks(mask, self.smoothed, self._with_seed(method, smoothing))

    def _with_seed(self, method: Mapping[str, Any], smoothing: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of the call: a random method has a fixed seed, so that a worker can repeat another's work."""
        random = self.smoothed or ("seed" in option_names(self.kind.masks) and "seed" not in method)
        return {"seed": 0, **smoothing} if random else dict(smoothing)

    def _split(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the options of the method and of its constructor, and those of smoothing."""
        own = (*option_names(self.kind.masks), *CONSTRUCTOR)
        smoothing = {k: v for k, v in self.options.items() if k in SMOOTHING_OPTIONS and k not in own}
        return {k: v for k, v in self.options.items() if k not in smoothing}, smoothing


@dataclass(frozen=True)
class NetworkMasks:
    """Compute masks with their scores and descriptions of their targets.

    Args:
        mask: the method with its model.
        smoothed: whether to average over noisy copies.
        options: options of the call.
    """

    mask: SaliencyMask
    smoothed: bool
    options: Mapping[str, Any]

    def __call__(self, inputs: Sequence[Any], targets: Sequence[Any]) -> MaskArray:
        """Return the masks of inputs with a target each, or None for that of the mask."""
        compute = self.mask.GetSmoothedMasks if self.smoothed else self.mask.GetMasks
        ys = None if all(y is None for y in targets) else list(targets)
        masks: MaskArray = compute(list(inputs), ys, progress=False, **self.options)
        if "score" not in masks.details:
            masks.details["score"] = self._scores(inputs, ys)
        if masks.about is not None:
            masks.details[TARGET_TEXT] = np.array(masks.about.targets, np.str_)
        return masks

    def record(self) -> dict[str, Any]:
        """Return the record of the computation; see ``computation_record``."""
        return computation_record(self.mask, self.smoothed, self.options)

    def _scores(self, inputs: Sequence[Any], ys: Sequence[Any] | None) -> Any:
        """Return the scores (N,) of the inputs, for a method that does not compute them."""
        adapter = self.mask.adapter
        prepared = ModelInputs.of(adapter, list(inputs), self.mask.y, ys, None)
        size = checked_batch_size(self.mask.batch_size or "auto") or default_batch_size(inputs[0], adapter)
        plan = BatchPlan(size, Progress())
        parts = run_in_batches(
            lambda score, x: adapter.numpy(score.values(x)), adapter, prepared, plan, self.mask.logits, False
        )
        return np.concatenate(parts)
