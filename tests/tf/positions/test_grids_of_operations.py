"""A tensor is a picture only if its positions descend from the input by operations whose effect on positions is known."""

import numpy as np
import pytest
import tensorflow as tf

from saliency.tf.ops.spatial_layout import SpatialLayout
from saliency.tf.positions.reading import arrange

RNG = np.random.default_rng(0)


def weights(*shape):
    return tf.constant(RNG.normal(scale=0.1, size=shape).astype("f4"))


def patches(x):
    """Cut (N, 32, 48, 3) into 4 x 6 patches by a convolution, and return tokens (N, 24, 8)."""
    return tf.reshape(tf.nn.conv2d(x, weights(8, 8, 3, 8), 8, "VALID"), (tf.shape(x)[0], -1, 8))


def attention(tokens):
    query, keys, values = (tf.einsum("ntc,cd->ntd", tokens, weights(8, 8)) for _ in range(3))
    return tf.matmul(tf.nn.softmax(tf.matmul(query, keys, transpose_b=True)), values)


def reshaped_patches(x):
    h = tf.reshape(x, (-1, 4, 8, 6, 8, 3))
    return tf.tensordot(tf.reshape(tf.transpose(h, (0, 1, 3, 5, 2, 4)), (-1, 24, 192)), weights(192, 8), 1)


def windows(x):
    h = tf.roll(tf.nn.conv2d(x, weights(4, 4, 3, 8), 4, "SAME"), (-1, -1), (1, 2))  # (N, 8, 12, 8)
    inside = tf.reshape(tf.transpose(tf.reshape(h, (-1, 2, 4, 3, 4, 8)), (0, 1, 3, 2, 4, 5)), (-1, 16, 8))
    inside = attention(inside)
    back = tf.transpose(tf.reshape(inside, (-1, 2, 3, 4, 4, 8)), (0, 1, 3, 2, 4, 5))
    return tf.roll(h + tf.reshape(back, (tf.shape(x)[0], 8, 12, 8)), (1, 1), (1, 2))


def merged(x):
    h = windows(x)
    return tf.concat([h[:, i::2, j::2] for i in (0, 1) for j in (0, 1)], -1) @ weights(32, 12)


def upsampled(x):
    h = tf.nn.max_pool2d(x, 4, 4, "SAME")
    return tf.concat([tf.repeat(tf.repeat(h, 2, 1), 2, 2), tf.nn.avg_pool2d(x, 2, 2, "VALID")], -1)


def shifted(x):
    one = tf.nn.avg_pool2d(x, 1, 2, "VALID")
    other = tf.nn.avg_pool2d(tf.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))[:, 1:, 1:], 1, 2, "VALID")
    return tf.concat([one, other], -1)


def dilated(x):
    h = tf.nn.depthwise_conv2d(x, weights(3, 3, 3, 1), (1, 1, 1, 1), "SAME", dilations=(2, 2))
    h = tf.space_to_batch(h, (2, 2), ((0, 0), (0, 0)))
    return tf.batch_to_space(tf.nn.conv2d(h, weights(3, 3, 3, 4), 1, "SAME"), (2, 2), ((0, 0), (0, 0)))


def gated(x):
    gate = tf.sigmoid(tf.reduce_mean(x, (1, 2), keepdims=True) @ weights(3, 3))
    return x * gate


def group_norm(x):
    h = tf.reshape(tf.nn.conv2d(x, weights(3, 3, 3, 8), 2, "SAME"), (-1, 16, 24, 2, 4))
    mean, variance = tf.nn.moments(h, (1, 2, 4), keepdims=True)
    return tf.reshape((h - mean) * tf.math.rsqrt(variance), (-1, 16, 24, 8))


def mixer(x):
    tokens = patches(x)
    return tokens + tf.transpose(tf.transpose(tokens, (0, 2, 1)) @ weights(24, 24), (0, 2, 1))


def resized(x, size, scale, translation):
    scale, translation = [scale, scale], [0.0, translation]
    return tf.raw_ops.ScaleAndTranslate(images=x, size=size, scale=scale, translation=translation)


PICTURES = {
    "convolution": (lambda x: tf.nn.conv2d(x, weights(3, 3, 3, 8), 2, "VALID"), (15, 23)),
    "deconvolution": (lambda x: tf.nn.conv2d_transpose(x, weights(2, 2, 4, 3), (tf.shape(x)[0], 64, 96, 4), 2), (64, 96)),
    "channels first": (lambda x: tf.transpose(tf.nn.avg_pool2d(x, 4, 4, "SAME"), (0, 3, 1, 2)), (8, 12)),
    "resized": (lambda x: tf.image.resize(x, (20, 30)), (20, 30)),
    "resized by averaging": (lambda x: tf.image.resize(x, (20, 30), antialias=True), (20, 30)),
    "resized by a scale": (lambda x: resized(x, (16, 24), 0.5, 0.0), (16, 24)),
    "pixel shuffle": (lambda x: tf.nn.depth_to_space(tf.nn.conv2d(x, weights(1, 1, 3, 8), 2, "SAME"), 2), (32, 48)),
    "tokens": (patches, (4, 6)),
    "tokens behind others": (lambda x: tf.concat([tf.zeros((tf.shape(x)[0], 3, 8)), patches(x)], 1), (4, 6)),
    "channels-first tokens": (lambda x: tf.transpose(patches(x), (0, 2, 1)), (4, 6)),
    "tokens first": (lambda x: tf.transpose(patches(x), (1, 0, 2)), (4, 6)),
    "patches of reshapes": (reshaped_patches, (4, 6)),
    "residual attention": (lambda x: patches(x) + attention(patches(x)), (4, 6)),
    "token mixing": (mixer, (4, 6)),
    "windows put back": (windows, (8, 12)),
    "merged patches": (merged, (4, 6)),
    "exchanged axes": (lambda x: tf.nn.avg_pool2d(tf.transpose(x, (0, 2, 1, 3)), 4, 4, "SAME"), (8, 12)),
    "mirrored": (lambda x: tf.reverse(x, (2,)), (32, 48)),
    "repeated and concatenated": (upsampled, (16, 24)),
    "shifted by one pixel": (shifted, (16, 24)),
    "dilated": (dilated, (32, 48)),
    "gated": (gated, (32, 48)),
    "group norm": (group_norm, (16, 24)),
    "one channel": (lambda x: tf.reduce_max(x, -1, keepdims=True), (32, 48)),
}


def untouched(x):
    y = tf.numpy_function(lambda a: a, [x], tf.float32)
    y.set_shape(x.shape)
    return y


OTHERS = {
    "units of a dense layer": lambda x: tf.reshape(tf.reshape(x, (-1, 4608)) @ weights(4608, 96), (-1, 4, 6, 4)),
    "decoder from units": lambda x: tf.nn.conv2d_transpose(
        tf.reshape(tf.reshape(x, (-1, 4608)) @ weights(4608, 24), (-1, 4, 6, 1)), weights(2, 2, 3, 1), (2, 8, 12, 3), 2
    ),
    "an unknown operation": untouched,
    "columns": lambda x: tf.reduce_mean(x, 1),
    "channels as columns": lambda x: tf.reshape(x, (-1, 32, 144, 1)),
    "moved by a resizing": lambda x: resized(x, (16, 24), 0.5, -9.0),
    "cut out by a resizing": lambda x: resized(x, (16, 24), 1.0, 0.0),
    "left half": lambda x: tf.nn.avg_pool2d(x[:, :, :24], 2, 2, "SAME"),
    "one position": lambda x: tf.reduce_mean(x, (1, 2), keepdims=True),
    "sorted tokens": lambda x: tf.gather(patches(x), tf.math.top_k(patches(x)[..., 0], 24).indices, batch_dims=1),
    "inside windows": lambda x: tf.reshape(tf.transpose(tf.reshape(x, (-1, 4, 8, 6, 8, 3)), (0, 1, 3, 2, 4, 5)), (-1, 64, 3)),
    "latents": lambda x: tf.nn.softmax(weights(24, 8) @ tf.transpose(patches(x), (0, 2, 1))) @ patches(x),
    "matrix of attention": lambda x: tf.matmul(patches(x), patches(x), transpose_b=True),
    "positions mixed": lambda x: tf.transpose(tf.transpose(patches(x), (0, 2, 1)) @ weights(24, 24), (0, 2, 1)),
    "cumulative copies": lambda x: tf.tile(tf.nn.avg_pool2d(x, 4, 4, "SAME"), (1, 2, 1, 1)),
}


def read(build, batch=None):
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, (batch, 32, 48, 3))
        output, layout = build(x), SpatialLayout.of_input((1, 32, 48, 3), -1)
        return layout.grid_of(output, layout.follow(x, [output])), x.graph, x, output


@pytest.mark.parametrize("name", PICTURES)
def test_pictures(name):
    """A patch of the input that changes moves the arranged output at its own place most."""
    build, space = PICTURES[name]
    grid, graph, x, output = read(build)
    assert grid is not None and grid.space == space
    image = RNG.normal(size=(1, 32, 48, 3)).astype("f4")
    changed = image.copy()
    changed[:, 24:, :8] += 1
    with tf.compat.v1.Session(graph=graph) as session:
        before, after = (arrange(session.run(output, {x: one}), grid, np) for one in (image, changed))
    moved = np.abs(after - before)[0].sum(0)
    row, column = np.unravel_index(moved.argmax(), space)
    assert moved.shape == space and row >= 3 * space[0] // 4 - 1 and column <= space[1] // 6


@pytest.mark.parametrize("name", OTHERS)
def test_others(name):
    assert read(OTHERS[name], 2)[0] is None


def test_lengths_that_the_graph_leaves_open():
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, (None, None, None, 3))
        h = tf.nn.max_pool2d(tf.nn.conv2d(x, weights(7, 7, 3, 8), 2, "SAME"), 3, 2, "VALID")
        h = tf.nn.conv2d(h, weights(3, 3, 8, 8), 1, [[0, 0], [1, 1], [1, 1], [0, 0]], dilations=2)
        layout = SpatialLayout.of_input((1, 64, 96, 3), -1)
        assert layout.grid_of(h, layout.follow(x, [h])).space == (13, 21)


def test_a_graph_deeper_than_python_s_recursion_limit():
    def build(x):
        for _ in range(1000):
            x = tf.tanh(x)
        tokens = tf.reshape(x, (-1, 1536, 3))
        for _ in range(1000):
            tokens = tf.tanh(tokens)
        return tokens

    assert read(build)[0].space == (32, 48)
