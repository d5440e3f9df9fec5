"""The adapter for JAX: ``saliency.wrap`` uses it for jitted functions, Flax NNX and Equinox modules, and Keras on JAX."""

from typing import Any

from saliency.jax.adapter import JaxAdapter
from saliency.jax.models import is_model

__all__ = ["JaxAdapter", "adapt"]


def adapt(model: Any, **options: Any) -> JaxAdapter | None:
    """Return the adapter of a JAX model, or of any function if ``params`` is among the options; None for anything else."""
    known = is_model(model) or (callable(model) and "params" in options)
    return JaxAdapter(model, **options) if known else None
