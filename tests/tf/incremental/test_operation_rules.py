"""Operations with and without a rule for patches."""

import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests.tf.incremental.comparison import RNG, assert_equal_to_full, conv, function_of, layers_of, network, operations

POOLS = {
    "max 2": (layers.MaxPooling2D, (2,), {}),
    "max 3/2 same": (layers.MaxPooling2D, (3, 2), {"padding": "same"}),
    "max 3/1 same": (layers.MaxPooling2D, (3, 1), {"padding": "same"}),
    "max (2, 3)/(3, 2)": (layers.MaxPooling2D, ((2, 3), (3, 2)), {}),
    "average 2": (layers.AveragePooling2D, (2,), {}),
    "average (1, 4)/(1, 2)": (layers.AveragePooling2D, ((1, 4), (1, 2)), {}),
}

WITH_RULES = {
    "valid": [conv(), conv(size=2)],
    "same": [conv(padding="same"), conv(size=(4, 5), padding="same", use_bias=False)],
    "same with strides": [conv(strides=2, padding="same"), conv(size=4, strides=2, padding="same")],
    "strides": [conv(strides=(1, 3)), conv(size=1, strides=2)],
    "strides larger than the kernel": [conv(size=2, strides=3), conv(size=1, strides=2)],
    "depthwise": [layers_of(layers.DepthwiseConv2D, 3, strides=2, depth_multiplier=2), layers_of(layers.SeparableConv2D, 4, 3)],
    "groups": [conv(6), conv(6, groups=3, padding="same")],
    "batch norm": [conv(use_bias=False), layers_of(layers.BatchNormalization), layers_of(layers.ReLU), conv()],
    "padding": [layers_of(layers.ZeroPadding2D, ((1, 2), (3, 0))), conv(), operations(lambda x: tf.pad(
        x, ((0, 0), (2, 1), (0, 3), (0, 0)), constant_values=0.5)), conv()],
    "activations": [conv(), *(layers_of(layers.Activation, name) for name in (
        "relu6", "leaky_relu", "elu", "silu", "gelu", "hard_swish", "sigmoid", "tanh", "softplus", "mish")), conv()],
    "one slope per channel": [conv(), layers_of(layers.PReLU, shared_axes=(1, 2)), conv()],
    "arithmetic": [operations(lambda x: (2 * x - 1) / 3 + tf.abs(x) ** 0.5 - tf.clip_by_value(x, -1, 1) ** 2), conv()],
    "one value per channel": [operations(lambda x: x * tf.constant([1.0, 2.0, 3.0], x.dtype)), conv()],
    "selection": [conv(), operations(lambda x: tf.where(x > 0.1, x, 0.2 * x)), conv()],
    "residual": [conv(), lambda x: layers.Add()([conv(padding="same")(x), conv(size=(5, 2), padding="same")(x), x]), conv()],
    "fire": [conv(), lambda x: layers.Concatenate()([conv(4, 1)(x), conv(3, padding="same")(x), x]), conv()],
    "channels first in between": [conv(), layers_of(layers.Permute, (3, 1, 2)), layers_of(layers.PReLU, shared_axes=(2, 3)),
        layers_of(layers.Permute, (2, 3, 1)), conv()],
    "dropout": [conv(), layers_of(layers.Dropout, 0.5), conv()],
    **{name: [conv(), layers_of(kind, *args, **options)] for name, (kind, args, options) in POOLS.items()},
}  # fmt: skip


@pytest.mark.usefixtures("force_incremental")
@pytest.mark.parametrize("name", WITH_RULES)
def test_operations_with_a_rule(name, monkeypatch, operation_types):
    assert_equal_to_full(network(*WITH_RULES[name]), monkeypatch)
    assert not operation_types(full_maps=True)
    assert {"Conv2D", "Mean"} < set(operation_types())


WITHOUT_RULES = {
    "dilation, which Keras computes by SpaceToBatchND": [conv(), conv(dilation_rate=2), conv()],
    "average pooling with padding": [conv(), layers_of(layers.AveragePooling2D, 3, 2, padding="same"), conv()],
    "transposed convolution": [conv(), layers_of(layers.Conv2DTranspose, 4, 3, strides=2), conv()],
    "reflection": [conv(), operations(lambda x: tf.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), "REFLECT")), conv()],
    "cropping": [conv(), layers_of(layers.Cropping2D, 2), conv()],
    "upsampling": [conv(), layers_of(layers.UpSampling2D, 2), conv()],
    "layer norm": [conv(), layers_of(layers.LayerNormalization), conv()],
    "group norm": [conv(6), layers_of(layers.GroupNormalization, 2), conv()],
    "gate by a global mean": [conv(), lambda x: layers.Multiply()([x, layers.Dense(5, activation="sigmoid")(
        layers.GlobalAveragePooling2D(keepdims=True)(x))]), conv()],
    "global mean of the input": [operations(lambda x: x - tf.reduce_mean(x, (1, 2, 3), keepdims=True)), conv()],
    "concatenation of rows": [conv(), lambda x: layers.Concatenate(axis=1)([x, x]), conv()],
    "value per position": [conv(), operations(lambda x: x + np.arange(22.0)[:, None]), conv()],
    "reshaped input": [layers_of(layers.Reshape, (10, 12, 12)), conv()],
    "flip and transpose": [conv(), operations(lambda x: tf.transpose(x[:, ::-1], (0, 2, 1, 3))), conv()],
    "condition": [conv(), operations(lambda x: tf.cond(tf.reduce_mean(x) > 100, lambda: 2 * x, lambda: 3 * x)), conv()],
    "flatten and dense": [layers_of(layers.Flatten), layers_of(layers.Dense, 30), layers_of(layers.Reshape, (1, 1, 30))],
}  # fmt: skip


@pytest.mark.usefixtures("force_incremental")
@pytest.mark.parametrize("name", WITHOUT_RULES)
def test_operations_without_a_rule(name, monkeypatch, operation_types):
    assert_equal_to_full(network(*WITHOUT_RULES[name]), monkeypatch)
    assert operation_types(full_maps=True)


@pytest.mark.usefixtures("force_incremental")
def test_operations_of_a_function(monkeypatch, operation_types):
    kernel, scale = RNG.normal(size=(3, 3, 3, 4)), RNG.normal(size=4)

    def function(x, kernel, scale):
        x = tf.nn.conv2d(x, kernel, 1, ((0, 0), (2, 0), (1, 3), (0, 0)), dilations=(2, 1))
        x = tf.compat.v1.nn.fused_batch_norm(tf.cast(x, tf.float32), *[tf.cast(scale, tf.float32)] * 3,
                                             tf.cast(scale**2, tf.float32), is_training=False)[0]  # fmt: skip
        return tf.reduce_mean(tf.nn.leaky_relu(tf.cast(x, tf.float64)), (1, 2))

    assert_equal_to_full(function_of([kernel, scale], function), monkeypatch, within=1e-5)
    assert {"Conv2D", "FusedBatchNormV3", "LeakyRelu", "Cast", "Mean"} <= set(operation_types())
    assert not operation_types(full_maps=True)
