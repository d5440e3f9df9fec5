"""The methods of ``-meth``."""

import difflib
from collections.abc import Mapping
from typing import Any

import saliency
from saliency.cli.options import Refused
from saliency.core.method_options import SMOOTHING_OPTIONS, option_names

METHODS = {
    "guided": "GuidedBackprop",
    "vanilla": "Vanilla",
    "deconvnet": "Deconvnet",
    "ig": "IntegratedGradients",
    "inputxgradient": "InputXGradient",
    "gradientshap": "GradientSHAP",
    "occlusion": "Occlusion",
    "rise": "RISE",
    "gradcam": "GradCAM",
    "gradcam++": "GradCAMPlusPlus",
    "xgradcam": "XGradCAM",
    "layercam": "LayerCAM",
    "hirescam": "HiResCAM",
    "scorecam": "ScoreCAM",
    "guidedgradcam": "GuidedGradCAM",
}
"""What ``-meth`` takes -> the mask's name in ``saliency``."""

SMOOTHED = tuple(name for name in SMOOTHING_OPTIONS if name not in ("nsamples", "standard_error"))
"""What ``-set`` takes beside a method's own, where ``-smooth`` is given."""

COLOURED = ("guided", "vanilla", "deconvnet", "ig", "inputxgradient", "gradientshap", "guidedgradcam")
"""Those whose maps have the picture's colours."""


def split(method: str, given: Mapping[str, Any], smooth: int | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return those of a user's settings that are the method's, and those that are smoothing's.

    Args:
        method: one of ``METHODS``.
        given: the settings, by name.
        smooth: number of noisy copies; None where nothing is smoothed.

    Raises:
        Refused: if one is neither's.
    """
    own = (*option_names(getattr(saliency, METHODS[method]).masks), "modifier", "logits")
    for name in given:
        if name not in own and name in SMOOTHED and smooth is None:
            raise Refused(f"-set {name}=... is for smoothing, and needs -smooth N")
        if name not in own and name not in SMOOTHED:
            near = difflib.get_close_matches(name, (*own, *SMOOTHED), n=1)
            meant = "; did you mean " + near[0] + "?" if near else "."
            raise Refused(f"-set {name}=... is no option of -meth {method}{meant} Its own: {', '.join(own)}")
    return (
        {name: value for name, value in given.items() if name in own},
        {name: value for name, value in given.items() if name in SMOOTHED and smooth is not None},
    )


def defaults(method: str, size: tuple[int, int]) -> dict[str, Any]:
    """Return a method's options on the command line where they are not its own: a run can be repeated, and ends.

    Args:
        method: one of ``METHODS``.
        size: (height, width) of the network's input.
    """
    if method == "occlusion":  # a window of a seventh of the picture, moved by a quarter of itself
        window = max(1, min(size) // 7)
        return {"size": window, "stride": max(1, window // 4), "average": True}
    return {"seed": 0} if "seed" in option_names(getattr(saliency, METHODS[method]).masks) else {}
