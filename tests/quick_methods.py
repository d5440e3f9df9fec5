"""The demo's methods for every framework, with fewer masks, windows and steps, for tests that do not depend on their number."""

from functools import partial

import saliency
from saliency.demo.gallery_methods import METHODS, TORCH_METHODS

FEWER_SAMPLES = {
    "RISE": {"nmasks": 40},
    "Occlusion": {"stride": 15},
    "IntegratedGradients": {"x_steps": 6},
    "GradientSHAP": {"x_steps": 6},
    "GuidedIG": {"x_steps": 6},
    "BlurIG": {"x_steps": 6},
    "XRAI": {"base": saliency.InputXGradient},
}
QUICK_METHODS = {name: METHODS[name] for name in METHODS if name not in TORCH_METHODS} | {
    name: partial(METHODS[name], **options) for name, options in FEWER_SAMPLES.items()
}
