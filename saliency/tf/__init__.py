"""Adapters for TensorFlow: Keras models, functions, modules, SavedModels, and TensorFlow 1 graphs with their session."""

from typing import Any

import tensorflow as tf

from saliency.core.keras.layers import is_keras
from saliency.tf.eager.adapter import KerasAdapter
from saliency.tf.eager.models import is_saved_model
from saliency.tf.ops.forked_process import refuse_forked_process
from saliency.tf.session.adapter import GraphAdapter
from saliency.tf.session.pair_saliency_api import (
    GradCAM,
    GradCam,
    GradientSaliency,
    GuidedBackprop,
    GuidedBackpropSaliency,
    IntegratedGradients,
    Occlusion,
    Vanilla,
)

__all__ = [
    "GradCAM",
    "GradCam",
    "GradientSaliency",
    "GraphAdapter",
    "GuidedBackprop",
    "GuidedBackpropSaliency",
    "IntegratedGradients",
    "KerasAdapter",
    "Occlusion",
    "Vanilla",
    "adapt",
]

FUNCTION_ATTRIBUTES = ("get_concrete_function", "structured_input_signature", "signatures")
"""Attributes that identify TensorFlow functions and SavedModels; each of them has at least one."""


def adapt(model: Any, **options: Any) -> KerasAdapter | None:
    """Return the adapter of a TensorFlow model; None for any other object."""
    has_functions = any(hasattr(model, name) for name in FUNCTION_ATTRIBUTES)
    known = is_keras(model) or is_saved_model(model) or isinstance(model, tf.Module) or has_functions
    if known:
        refuse_forked_process()
    return KerasAdapter(model, **options) if known else None
