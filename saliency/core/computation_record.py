"""Record how masks are computed: method, options, target, model, weights and versions."""

import inspect
import sys
from collections.abc import Mapping
from typing import Any

from saliency.core.adapter import GradientAdapter
from saliency.core.mask import SaliencyMask
from saliency.core.mask_unit import mask_unit
from saliency.core.smoothgrad import Smoothing
from saliency.core.value_description import describe_value
from saliency.core.weights_checksum import weights_checksum

LIBRARIES = ("saliency", "numpy", "torch", "tensorflow", "keras", "jax")


def computation_record(mask: SaliencyMask, smoothed: bool, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of a computation, as JSON, by name.

    Args:
        mask: the mask.
        smoothed: whether masks are averaged over noisy copies (SmoothGrad).
        options: options of the call, which take precedence over those of the constructor.

    Returns:
        ``method``, ``options`` (also those with default values), ``target``, ``units``, ``model``, ``weights_sha256``, and
        ``versions`` of the libraries.
    """
    record = {
        "method": f"{type(mask).__name__}, smoothed" if smoothed else type(mask).__name__,
        "options": describe_value(_all_options(mask, smoothed, options)),
        "target": describe_value(mask.y),
        "units": _units(mask, smoothed, options),
        **model_record(mask.adapter),
    }
    return {name: value for name, value in record.items() if value is not None or name == "target"}


def model_record(adapter: GradientAdapter) -> dict[str, Any]:
    """Return the class of a model, the checksum of its weights (unless it has none), and the versions of libraries."""
    checksum = weights_checksum(adapter)
    weights = {} if checksum is None else {"weights_sha256": checksum}
    return {"model": _model_name(adapter), **weights, "versions": _library_versions()}


def _library_versions() -> dict[str, str]:
    """Return the versions of this library, NumPy, and the frameworks that are imported."""
    found = {name: str(getattr(sys.modules.get(name), "__version__", "")) for name in LIBRARIES}
    return {name: version for name, version in found.items() if version}


def _units(mask: SaliencyMask, smoothed: bool, options: Mapping[str, Any]) -> str | None:
    """Return the units of the masks' values; None if the method does not state them."""
    average = Smoothing.split(options)[0].average if smoothed else "mean"
    return mask_unit(mask.unit, {**mask.options, **options}, average) or None


def _all_options(mask: SaliencyMask, smoothed: bool, options: Mapping[str, Any]) -> dict[str, Any]:
    functions = (mask.masks, Smoothing.of) if smoothed else (mask.masks,)
    parameters = [one for function in functions for one in inspect.signature(function).parameters.values()]
    defaults = {one.name: one.default for one in parameters if one.default is not inspect.Parameter.empty}
    modifier = getattr(mask.modifier, "__name__", mask.modifier)
    return {**defaults, "logits": mask.logits, "modifier": modifier, **mask.options, **options}


def _model_name(adapter: Any) -> str:
    model = getattr(adapter, "model", getattr(adapter, "function", adapter))
    return getattr(model, "__qualname__", None) or f"{type(model).__module__}.{type(model).__qualname__}"
