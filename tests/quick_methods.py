"""The demo's methods for every framework, with fewer masks, windows and steps, for tests that do not depend on their number."""

from functools import partial

import saliency
from saliency.core.lrp_composites import COMPOSITES
from saliency.demo.gallery_methods import METHODS

FEWER_SAMPLES = {
    "RISE": {"nmasks": 40},
    "Occlusion": {"stride": 15},
    "IntegratedGradients": {"x_steps": 6},
    "GradientSHAP": {"x_steps": 6},
    "GuidedIG": {"x_steps": 6},
    "BlurIG": {"x_steps": 6},
    "XRAI": {"base": saliency.InputXGradient},
}
QUICK_METHODS = METHODS | {name: partial(METHODS[name], **options) for name, options in FEWER_SAMPLES.items()}
RELEVANCE = {
    f"LRP, {rule}": partial(saliency.LRP, rule=rule, **({"low": -3.0, "high": 3.0} if rule.endswith("box") else {}))
    for rule in COMPOSITES
    if rule != "epsilon-plus"
}
"""LRP by the composites that are not the default."""
