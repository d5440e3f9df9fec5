#!/usr/bin/env bash
# xplique 2.0.2: Rise shifts all masks of a batch by one common offset, so the map depends on `batch_size` and can miss by pixels.
#
# RISE (arXiv:1806.07421) enlarges each random grid and crops it at an offset of its own; without these shifts, the map has the
# resolution of the grid. Most would guess that `batch_size` only sets the memory. Here, the crop is drawn once for a batch of masks:
# with all masks in one batch (the result of batch_size=None), there is a single offset.
#
# The model returns one pixel, at row 20 and column 41 of 64 x 64 pixels; the grid has 4 x 4 cells; 2000 masks.
#
# Output seen (xplique 2.0.2, tensorflow 2.20.0, Python 3.11):
#   distance of the map's maximum from the pixel: 5.8 pixels with batch_size=2000, 1.0 with batch_size=4
#
# Exits with 1 if this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip=("$folder/venv/bin/pip" install --quiet --disable-pip-version-check)
"${pip[@]}" tensorflow==2.20.0 keras==3.15.1 scikit-learn scikit-image pandas matplotlib opencv-python-headless cachetools einops deprecated
"${pip[@]}" --no-deps xplique==2.0.2 tensorflow-probability==0.25.0 tf_keras==2.20.1 dm-tree==0.1.9 decorator attrs cloudpickle
cd "$folder"
export TF_CPP_MIN_LOG_LEVEL=3
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
import tensorflow as tf
from xplique.attributions import Rise

ROW, COLUMN = 20, 41
inputs = tf.keras.Input((64, 64, 1))
model = tf.keras.Model(inputs, tf.keras.layers.Lambda(lambda x: x[:, ROW, COLUMN])(inputs))
image, target = np.ones((1, 64, 64, 1), "f4"), np.ones((1, 1), "f4")


def distance(batch_size):
    tf.random.set_seed(0)
    rise = Rise(model, batch_size=batch_size, nb_samples=2000, grid_size=4, preservation_probability=0.5)
    values = np.asarray(rise(image, target)).reshape(64, 64)
    row, column = np.unravel_index(values.argmax(), values.shape)
    return float(np.hypot(row - ROW, column - COLUMN))


one, many = distance(2000), distance(4)
print(f"distance of the map's maximum from the pixel: {one:.1f} pixels with batch_size=2000, {many:.1f} with batch_size=4")
sys.exit(not (one > 3 and many < 3))
PYTHON
