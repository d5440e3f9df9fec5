"""TensorFlow: ``saliency.wrap`` comes here for Keras models, functions, modules and SavedModels."""

from typing import Any

import tensorflow as tf

from saliency.tf.eager.adapter import KerasAdapter
from saliency.tf.eager.keras_models import is_keras
from saliency.tf.eager.models import is_saved
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

OWN = ("get_concrete_function", "structured_input_signature", "signatures")
"""What functions of TensorFlow's and SavedModels have one of."""


def adapt(model: Any, **options: Any) -> KerasAdapter | None:
    """Return the adapter of a model of TensorFlow's; None for anything else."""
    known = is_keras(model) or is_saved(model) or isinstance(model, tf.Module) or any(hasattr(model, name) for name in OWN)
    return KerasAdapter(model, **options) if known else None
