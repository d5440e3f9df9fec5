#!/usr/bin/env bash
# PAIR's saliency 0.2.1: BlurIG(sqrt=True) blurs up to the square root of `max_sigma`, not up to `max_sigma`.
#
# Most would guess that `max_sigma` is the largest blur and that `sqrt` only changes the spacing of the steps. With sqrt=True the
# blurs are sqrt(i * max_sigma / steps), so max_sigma=50 ends near 7.1: the path starts at an image that is still recognizable, and
# the mask explains only a part of the change of the output.
#
# Output seen (saliency 0.2.1, numpy 2.3.5, Python 3.11):
#   largest sigma with max_sigma=50: 49.76; with sqrt=True: 7.06
#
# Exits with 1 if this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check saliency==0.2.1 numpy==2.3.5 scipy
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
from saliency.core import blur_ig

seen, original = [], blur_ig.gaussian_blur


def recorded(image, sigma):
    seen.append(float(sigma))
    return original(image, sigma)


def model(images, call_model_args=None, expected_keys=None):
    return {"INPUT_OUTPUT_GRADIENTS": 2.0 * np.asarray(images)}


blur_ig.gaussian_blur = recorded
image = np.random.default_rng(0).normal(size=(16, 16, 1))
largest = []
for root in (False, True):
    seen.clear()
    blur_ig.BlurIG().GetMask(image, model, max_sigma=50, steps=200, sqrt=root)
    largest.append(max(seen))
print(f"largest sigma with max_sigma=50: {largest[0]:.2f}; with sqrt=True: {largest[1]:.2f}")
sys.exit(not (largest[0] > 49 and largest[1] < 8))
PYTHON
