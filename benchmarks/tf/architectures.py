"""ResNet-18, SqueezeNet 1.0 and VGG-16 in Keras, with torchvision's shapes and random weights."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

CLASSES = 1000


def build_resnet18(side: int) -> keras.Model:
    """Build ResNet-18: eight blocks of two convolutions, He et al., arXiv:1512.03385."""
    inputs = keras.Input((side, side, 3))
    x = _normalized_convolution(inputs, 64, 7, 2)
    x = layers.MaxPooling2D(3, 2, padding="same")(layers.ReLU()(x))
    for channels, stride in ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)):
        x = _block(x, channels, stride)
    return keras.Model(inputs, layers.Dense(CLASSES)(layers.GlobalAveragePooling2D()(x)))


def _block(x: Any, channels: int, stride: int) -> Any:
    shortcut = x if stride == 1 else _normalized_convolution(x, channels, 1, stride)
    inner = layers.ReLU()(_normalized_convolution(x, channels, 3, stride))
    return layers.ReLU()(layers.Add()([shortcut, _normalized_convolution(inner, channels, 3, 1)]))


def _normalized_convolution(x: Any, channels: int, size: int, stride: int) -> Any:
    return layers.BatchNormalization()(layers.Conv2D(channels, size, stride, padding="same", use_bias=False)(x))


def build_squeezenet() -> keras.Model:
    """Build SqueezeNet 1.0: eight fire modules, Iandola et al., arXiv:1602.07360."""
    inputs = keras.Input((224, 224, 3))
    x = layers.Conv2D(96, 7, 2, activation="relu")(inputs)
    for squeezed, expanded, pooled in (
        (16, 64, True),
        (16, 64, False),
        (32, 128, False),
        (32, 128, True),
        (48, 192, False),
        (48, 192, False),
        (64, 256, False),
        (64, 256, True),
    ):
        x = _fire(layers.MaxPooling2D(3, 2)(x) if pooled else x, squeezed, expanded)
    return keras.Model(inputs, layers.GlobalAveragePooling2D()(layers.Conv2D(CLASSES, 1, activation="relu")(x)))


def _fire(x: Any, squeezed: int, expanded: int) -> Any:
    x = layers.Conv2D(squeezed, 1, activation="relu")(x)
    wide = layers.Conv2D(expanded, 3, padding="same", activation="relu")(x)
    return layers.Concatenate()([layers.Conv2D(expanded, 1, activation="relu")(x), wide])


def build_vgg16() -> keras.Model:
    """Build VGG-16: thirteen convolutions and three dense layers, Simonyan & Zisserman, arXiv:1409.1556."""
    inputs = x = keras.Input((224, 224, 3))
    for channels, convolutions in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(convolutions):
            x = layers.Conv2D(channels, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    for _ in range(2):
        x = layers.Dense(4096, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(CLASSES)(x))
