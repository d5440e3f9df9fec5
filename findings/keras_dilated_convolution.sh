#!/usr/bin/env bash
# Keras 3.15.1 on TensorFlow 2.20.0: a dilated convolution is three operations, not one with a dilation.
#
# Most would guess that `Conv2D(dilation_rate=2)` becomes one `Conv2D` operation with `dilations=[1, 2, 2, 1]`, as that operation has
# this attribute and computes it on a CPU, too. Keras calls `tf.nn.convolution`, which moves every second pixel into the batch axis
# (`SpaceToBatchND`), convolves without a dilation, and moves them back (`BatchToSpaceND`). Whoever reads a traced graph for receptive
# fields, strides or the axis of the samples sees a batch of four and no dilation. `tf.nn.conv2d` keeps one operation and equals it.
#
# Output seen (tensorflow 2.20.0, keras 3.15.1, Python 3.11, CPU):
#   Keras: [('SpaceToBatchND', ''), ('Conv2D', [1, 1, 1, 1]), ('BatchToSpaceND', '')]
#   tf.nn.conv2d: [('Conv2D', [1, 2, 2, 1])]
#   largest difference of the results below 1e-5: True
#
# Exits with 1 if this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.20.0 keras==3.15.1
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import keras
import numpy as np
import tensorflow as tf

layer = keras.layers.Conv2D(4, 3, dilation_rate=2, padding="same")
x = tf.constant(np.random.default_rng(0).normal(size=(1, 12, 12, 3)).astype("float32"))
layer(x)


def operations(function):
    graph = tf.function(function).get_concrete_function(tf.TensorSpec((1, 12, 12, 3))).graph
    return [op for op in graph.get_operations() if op.type in ("Conv2D", "SpaceToBatchND", "BatchToSpaceND")]


def single(x):
    return tf.nn.conv2d(x, layer.kernel, 1, "SAME", dilations=2)


through_keras, alone = operations(layer), operations(single)
print("Keras:", [(op.type, list(op.get_attr("dilations")) if op.type == "Conv2D" else "") for op in through_keras])
print("tf.nn.conv2d:", [(op.type, list(op.get_attr("dilations"))) for op in alone])
difference = float(tf.reduce_max(abs(layer(x) - single(x))))
print(f"largest difference of the results below 1e-5: {difference < 1e-5}")
kinds = [op.type for op in through_keras]
sys.exit(not (kinds == ["SpaceToBatchND", "Conv2D", "BatchToSpaceND"] and [op.type for op in alone] == ["Conv2D"] and difference < 1e-5))
PYTHON
