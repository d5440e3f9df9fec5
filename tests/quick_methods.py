"""The demo's methods with fewer masks, windows and steps, for tests that do not depend on their number."""

from functools import partial

from saliency.demo.gallery_methods import METHODS

FEWER_SAMPLES = {
    "RISE": {"nmasks": 40},
    "Occlusion": {"stride": 15},
    "IntegratedGradients": {"x_steps": 6},
    "GradientSHAP": {"x_steps": 6},
}
QUICK_METHODS = METHODS | {name: partial(METHODS[name], **options) for name, options in FEWER_SAMPLES.items()}
