"""The demo's methods with fewer masks and windows, where what is tested does not depend on how many there are."""

from functools import partial

from saliency.demo.bands import METHODS

FEWER = {"RISE": {"nmasks": 40}, "Occlusion": {"stride": 15}}
QUICK = METHODS | {name: partial(METHODS[name], **options) for name, options in FEWER.items()}
