"""The methods of ``-meth``."""

from typing import Any

import saliency
from saliency.core.options import names_of

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

COLOURED = ("guided", "vanilla", "deconvnet", "ig", "inputxgradient", "gradientshap", "guidedgradcam")
"""Those whose maps have the picture's colours."""


def defaults(method: str, size: tuple[int, int]) -> dict[str, Any]:
    """Return a method's options on the command line where they are not its own: a run can be repeated, and ends.

    Args:
        method: one of ``METHODS``.
        size: (height, width) of the network's input.
    """
    if method == "occlusion":  # a window of a seventh of the picture, moved by a quarter of itself
        window = max(1, min(size) // 7)
        return {"size": window, "stride": max(1, window // 4), "average": True}
    return {"seed": 0} if "seed" in names_of(getattr(saliency, METHODS[method]).masks) else {}
