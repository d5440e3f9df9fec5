"""The methods of ``-meth`` and their options."""

import argparse
import difflib
from collections.abc import Mapping
from typing import Any

import saliency
from saliency.cli.options import CommandError
from saliency.core.method_options import SMOOTHING_OPTIONS as ALL_SMOOTHING_OPTIONS
from saliency.core.method_options import option_names

METHODS = {
    "guided": "GuidedBackprop",
    "vanilla": "Vanilla",
    "deconvnet": "Deconvnet",
    "ig": "IntegratedGradients",
    "inputxgradient": "InputXGradient",
    "gradientshap": "GradientSHAP",
    "deeplift": "DeepLIFT",
    "deepshap": "DeepSHAP",
    "guidedig": "GuidedIG",
    "blurig": "BlurIG",
    "xrai": "XRAI",
    "lrp": "LRP",
    "occlusion": "Occlusion",
    "rise": "RISE",
    "ablation": "FeatureAblation",
    "shapley": "ShapleySampling",
    "kernelshap": "KernelSHAP",
    "lime": "LIME",
    "sobol": "SobolIndices",
    "hsic": "HSIC",
    "gradcam": "GradCAM",
    "gradcam++": "GradCAMPlusPlus",
    "xgradcam": "XGradCAM",
    "layercam": "LayerCAM",
    "hirescam": "HiResCAM",
    "scorecam": "ScoreCAM",
    "guidedgradcam": "GuidedGradCAM",
    "attentionrelevance": "AttentionRelevance",
    "attentionrollout": "AttentionRollout",
    "legrad": "LeGrad",
}
"""Value of ``-meth`` -> name of the mask in ``saliency``."""

SMOOTHING_OPTIONS = tuple(name for name in ALL_SMOOTHING_OPTIONS if name not in ("nsamples", "standard_error"))
"""Names that ``-set`` accepts in addition to the method's options if ``-smooth`` is given."""

COLOR_METHODS = (
    "guided", "vanilla", "deconvnet", "ig", "inputxgradient", "gradientshap", "deeplift", "deepshap", "lrp", "guidedig",
    "blurig", "guidedgradcam",
)  # fmt: skip
"""Methods whose maps have color channels."""

SMOOTHGRAD = ("smooth", "smoothgrad", "smooth-grad", "smooth_grad")


def method_name(word: str) -> str:
    """Return the name of a method.

    Raises:
        argparse.ArgumentTypeError: if there is none; the message says how SmoothGrad is used, or which name is nearest.
    """
    if word in METHODS:
        return word
    if word.lower() in SMOOTHGRAD:
        way_on = "SmoothGrad averages the maps of a method: use -smooth N, such as -meth vanilla -smooth 25"
        raise argparse.ArgumentTypeError(f"{word} is not a method of its own. {way_on}")
    names = {**{name: name for name in METHODS}, **{mask.lower(): name for name, mask in METHODS.items()}}
    nearest = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.5)
    hint = f"; did you mean {names[nearest[0]]}?" if nearest else ""
    raise argparse.ArgumentTypeError(f"invalid method {word!r}: choose from {', '.join(METHODS)}{hint}")


def split_settings(method: str, settings: Mapping[str, Any], smooth: int | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split the settings of ``-set`` into options of the method and options of smoothing.

    Args:
        method: one of ``METHODS``.
        settings: the settings, by name.
        smooth: number of noisy copies; None without smoothing.

    Raises:
        CommandError: if a setting is an option of neither.
    """
    method_options = (*option_names(getattr(saliency, METHODS[method]).masks), "modifier", "logits")
    for name in settings:
        if name not in method_options and name in SMOOTHING_OPTIONS and smooth is None:
            raise CommandError(f"-set {name}=... is an option of smoothing and needs -smooth N")
        if name not in method_options and name not in SMOOTHING_OPTIONS:
            nearest = difflib.get_close_matches(name, (*method_options, *SMOOTHING_OPTIONS), n=1)
            suggestion = "; did you mean " + nearest[0] + "?" if nearest else "."
            raise CommandError(
                f"-set {name}=... is not an option of -meth {method}{suggestion} Its options: {', '.join(method_options)}"
            )
    return (
        {name: value for name, value in settings.items() if name in method_options},
        {name: value for name, value in settings.items() if name in SMOOTHING_OPTIONS and smooth is not None},
    )


def default_options(method: str, size: tuple[int, int]) -> dict[str, Any]:
    """Return the options of a method that differ from its defaults on the command line.

    Random methods get a fixed seed, so runs can be repeated. Occlusion gets a stride with which it ends in reasonable time.

    Args:
        method: one of ``METHODS``.
        size: (height, width) of the network's input.
    """
    if method == "occlusion":  # a window of a seventh of the image, moved by a quarter of its size
        window = max(1, min(size) // 7)
        return {"size": window, "stride": max(1, window // 4), "average": True}
    return {"seed": 0} if "seed" in option_names(getattr(saliency, METHODS[method]).masks) else {}
