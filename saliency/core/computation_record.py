"""Record how masks are computed: method, options, target, model, weights and versions."""

import inspect
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from saliency.core.adapter import GradientAdapter
from saliency.core.mask_calls import MaskCalls
from saliency.core.mask_unit import mask_unit
from saliency.core.smoothgrad import Smoothing
from saliency.core.value_description import describe_value
from saliency.core.weights_checksum import weights_checksum

LIBRARIES = {"saliency.torch": "torch", "saliency.tf": "tensorflow", "saliency.jax": "jax"}
"""Package of an adapter -> the library that it computes with."""


def computation_record(mask: MaskCalls, smoothed: bool, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of a computation, as JSON, by name.

    Args:
        mask: the mask.
        smoothed: whether masks are averaged over noisy copies (SmoothGrad).
        options: options of the call, which take precedence over those of the constructor.

    Returns:
        ``method``, ``options`` (also those with default values), ``target``, ``units``, ``model``, ``weights_sha256``, and
        ``versions`` of the libraries.
    """
    return {**method_record(mask, smoothed, options, mask.options), **model_record(mask.adapter)}


def method_record(mask: MaskCalls, smoothed: bool, options: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of the record that takes no time: without the checksum of the weights.

    Args:
        mask: the mask.
        smoothed: whether masks are averaged over noisy copies (SmoothGrad).
        options: options of the call.
        defaults: options of the constructor.
    """
    average = Smoothing.split(options)[0].average if smoothed else "mean"
    units = mask_unit(mask.unit, {**defaults, **options}, average)
    return {
        "method": f"{type(mask).__name__}, smoothed" if smoothed else type(mask).__name__,
        "options": describe_value(_all_options(mask, smoothed, {**defaults, **options})),
        "target": "the top class of each input" if mask.y is None else describe_value(mask.y),
        **({"units": units} if units else {}),
        "model": _model_name(mask.adapter),
        "versions": _library_versions(mask.adapter),
    }


def model_record(adapter: GradientAdapter) -> dict[str, Any]:
    """Return the class of a model, the checksum of its weights (unless it has none), and the versions of libraries."""
    checksum = weights_checksum(adapter)
    weights = {} if checksum is None else {"weights_sha256": checksum}
    return {"model": _model_name(adapter), **weights, "versions": _library_versions(adapter)}


def _library_versions(adapter: Any) -> dict[str, str]:
    """Return the versions of this library, NumPy, the adapter's framework, and Keras if the model is one of its models."""
    package = ".".join(type(adapter).__module__.split(".")[:2])
    roots = {kind.__module__.partition(".")[0] for kind in type(getattr(adapter, "model", None)).__mro__}
    names = ["saliency", "numpy", *filter(None, [LIBRARIES.get(package)]), *({"keras", "tf_keras"} & roots)]
    found = {name: str(getattr(sys.modules.get(name), "__version__", "")) for name in names}
    return {name: version for name, version in found.items() if version}


def _all_options(mask: MaskCalls, smoothed: bool, options: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {**_defaults(type(mask).masks), **(_defaults(Smoothing.of) if smoothed else {})}
    modifier = getattr(mask.modifier, "__name__", mask.modifier)
    return {**defaults, "logits": mask.logits, "modifier": modifier, **options}


@lru_cache(maxsize=64)
def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the default values of a function's parameters; reading them takes longer than the rest of a record."""
    parameters = inspect.signature(function).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not inspect.Parameter.empty}


def _model_name(adapter: Any) -> str:
    model = getattr(adapter, "model", getattr(adapter, "function", adapter))
    return getattr(model, "__qualname__", None) or f"{type(model).__module__}.{type(model).__qualname__}"
