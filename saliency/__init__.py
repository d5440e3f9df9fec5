"""Saliency maps for Torch and TensorFlow: which parts of an input a network's score depends on."""

import importlib as _importlib
import typing as _typing

import saliency.core.forked_process as _forked_process  # noqa: F401 - notes forks from now on
from saliency.public_names import MODULE_OF as _MODULE_OF

if _typing.TYPE_CHECKING:
    from saliency.batches.map import map
    from saliency.core.activations import activations
    from saliency.core.adapter import GradientAdapter
    from saliency.core.box import Box
    from saliency.core.display.method_figure import figure
    from saliency.core.display.overlay import overlay
    from saliency.core.display.show import show
    from saliency.core.display.visualization import VisualizeImageDiverging, VisualizeImageGrayscale
    from saliency.core.errors import (
        BatchWarning,
        GateWarning,
        GradientError,
        InputError,
        LogitWarning,
        MemoryShortage,
        ModelError,
        PreprocessingWarning,
        SaliencyError,
        TargetError,
        ToleranceWarning,
        ZeroGradientWarning,
    )
    from saliency.core.function_adapter import FunctionAdapter
    from saliency.core.lrp_rules import LRPRule
    from saliency.core.mask import SaliencyMask
    from saliency.core.methods.attention_relevance import AttentionRelevance
    from saliency.core.methods.attention_rollout import AttentionRollout
    from saliency.core.methods.blur_ig import BlurIG
    from saliency.core.methods.deep_lift import DeepLIFT, DeepSHAP
    from saliency.core.methods.feature_ablation import FeatureAblation
    from saliency.core.methods.grad_cam import GradCAM, GradCAMPlusPlus, GuidedGradCAM, HiResCAM, LayerCAM, XGradCAM
    from saliency.core.methods.gradient_shap import GradientSHAP
    from saliency.core.methods.guided_backprop import Deconvnet, GuidedBackprop
    from saliency.core.methods.guided_ig import GuidedIG
    from saliency.core.methods.hsic import HSIC
    from saliency.core.methods.input_x_gradient import InputXGradient
    from saliency.core.methods.integrated_gradients import IntegratedGradients
    from saliency.core.methods.kernel_shap import KernelSHAP
    from saliency.core.methods.legrad import LeGrad
    from saliency.core.methods.lime import LIME
    from saliency.core.methods.lrp import LRP
    from saliency.core.methods.occlusion import Occlusion
    from saliency.core.methods.rise import RISE
    from saliency.core.methods.score_cam import ScoreCAM
    from saliency.core.methods.shapley_sampling import ShapleySampling
    from saliency.core.methods.sobol_indices import SobolIndices
    from saliency.core.methods.vanilla import Vanilla
    from saliency.core.methods.xrai import XRAI
    from saliency.core.per_sample import PerSample
    from saliency.core.region import Region
    from saliency.core.result import MaskArray
    from saliency.core.target_terms import Difference
    from saliency.core.types import OutputOf
    from saliency.core.wrap import wrap

__version__ = "0.1.0"

__all__ = [  # noqa: RUF022 - ruff takes RISE for a constant
    "AttentionRelevance",
    "AttentionRollout",
    "BatchWarning",
    "BlurIG",
    "Box",
    "Deconvnet",
    "DeepLIFT",
    "DeepSHAP",
    "Difference",
    "FeatureAblation",
    "FunctionAdapter",
    "GateWarning",
    "GradCAM",
    "GradCAMPlusPlus",
    "GradientAdapter",
    "GradientError",
    "GradientSHAP",
    "GuidedBackprop",
    "GuidedGradCAM",
    "GuidedIG",
    "HSIC",
    "HiResCAM",
    "InputError",
    "InputXGradient",
    "IntegratedGradients",
    "KernelSHAP",
    "LIME",
    "LRP",
    "LRPRule",
    "LayerCAM",
    "LeGrad",
    "LogitWarning",
    "MaskArray",
    "MemoryShortage",
    "ModelError",
    "Occlusion",
    "OutputOf",
    "PerSample",
    "PreprocessingWarning",
    "RISE",
    "Region",
    "SaliencyError",
    "SaliencyMask",
    "ScoreCAM",
    "ShapleySampling",
    "SobolIndices",
    "TargetError",
    "ToleranceWarning",
    "Vanilla",
    "VisualizeImageDiverging",
    "VisualizeImageGrayscale",
    "XGradCAM",
    "XRAI",
    "ZeroGradientWarning",
    "activations",
    "figure",
    "map",
    "overlay",
    "show",
    "wrap",
]

_PAIR_NAMES = {"GradientSaliency": "Vanilla", "GuidedBackpropSaliency": "GuidedBackprop", "GradCam": "GradCAM"}
_MODULES = ("compat", "io", "metrics", "nets", "ray", "tf", "torch")


def __getattr__(name: str) -> _typing.Any:
    """Import a public name or a subpackage on first use; suggest this library's name for a name of PAIR's ``saliency``."""
    if name in _MODULE_OF:
        globals()[name] = getattr(_importlib.import_module(f"saliency.{_MODULE_OF[name]}"), name)
        return globals()[name]
    if name in _MODULES:
        return _importlib.import_module(f"saliency.{name}")
    hint = f"; PAIR's {name} is called saliency.{_PAIR_NAMES[name]} here" if name in _PAIR_NAMES else ""
    raise AttributeError(f"module 'saliency' has no attribute {name!r}{hint}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
