"""Layers as what scores are differentiated by: named, found, and on the input's axes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency import GradCAM, GuidedGradCAM, LayerCAM, ScoreCAM
from saliency.core.errors import InputError, TargetError
from saliency.core.request import Request
from saliency.core.target import Target
from saliency.tf import KerasAdapter
from tests.tf.eager.test_adapter import PICTURES, convolutional

L = keras.layers

pytestmark = pytest.mark.filterwarnings("ignore::saliency.core.errors.ZeroGradientWarning")  # small networks may be dead


def taped(model, inner, x, y):
    """A layer's output and the gradient, by the tape; both with channels first."""
    both = keras.Model(model.input, [inner, model.output])
    head = keras.Model(inner, model.output)
    seen = both(x)[0]
    with tf.GradientTape() as tape:
        tape.watch(seen)
        score = head(seen)[:, y]
    return [np.moveaxis(one.numpy(), -1, 1) for one in (seen, tape.gradient(score, seen))]


@pytest.mark.parametrize("layer", ["first", "pool", "second", None])
def test_a_layer_s_output_and_gradient_are_the_tape_s(layer):
    model = convolutional()
    seen, gradients = taped(model, model.get_layer(layer or "second").output, PICTURES, 2)
    adapter = saliency.wrap(model)
    for _ in range(2):  # the second time the layer is known
        scores, *found = adapter.features(tf.constant(PICTURES), Request(Target.of([2] * 3), layer=layer))
        np.testing.assert_allclose(scores, model(PICTURES)[:, 2], rtol=1e-5)
        np.testing.assert_allclose(found[0], seen, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(found[1], gradients, rtol=1e-4, atol=1e-7)


def test_the_map_by_the_paper_s_formula():
    model = convolutional()
    seen, gradients = taped(model, model.get_layer("second").output, PICTURES, 2)
    raw = np.maximum(0, (gradients.mean(axis=(2, 3), keepdims=True) * seen).sum(axis=1))
    assert (raw > 0).any()
    np.testing.assert_allclose(GradCAM(model, 2).GetMasks(PICTURES, should_resize=False), raw, rtol=1e-3, atol=1e-7)
    resized = GradCAM(model, 2).GetMasks(PICTURES, three_dims=True)
    assert resized.shape == PICTURES.shape


def classifier(body, x=(16, 16, 3)):
    inputs = keras.Input(x)
    return keras.Model(inputs, body(inputs))


def token_network(pool):
    """A transformer of one block over 4 x 4 tokens, and a class token where it is asked for one."""
    keras.utils.set_random_seed(0)

    class ClassToken(L.Layer):
        def build(self, shape):
            self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token", initializer="random_normal")

        def call(self, x):
            return tf.concat([tf.repeat(self.token, tf.shape(x)[0], axis=0), x], axis=1)

        def compute_output_shape(self, shape):
            return (shape[0], shape[1] + 1, shape[2])

    def body(x):
        h = L.Reshape((16, 8))(L.Conv2D(8, 4, strides=4, name="patches")(x))
        h = ClassToken()(h) if pool == "token" else h
        h = L.Add(name="mixed")([h, L.MultiHeadAttention(2, 4, name="attention")(h, h)])
        h = L.LayerNormalization(name="norm")(h)
        h = h[:, 0] if pool == "token" else L.GlobalAveragePooling1D()(h)
        return L.Dense(5)(h)

    return classifier(body)


FOUND = {
    "convolution": (lambda: convolutional(), "second", (6, 5)),
    "behind a softmax over space": (
        lambda: classifier(lambda x: L.GlobalAveragePooling2D()(L.Softmax(name="end")(L.Conv2D(4, 3, name="conv")(x)))),
        "end",
        (14, 14),
    ),
    "logits with space": (lambda: classifier(lambda x: L.Softmax(name="end")(L.Conv2D(4, 3, name="conv")(x))), "conv", (14, 14)),
    "nested": (
        lambda: classifier(
            lambda x: L.Dense(4)(L.Flatten()(keras.Sequential([keras.Input((16, 16, 3)), L.Conv2D(4, 3, name="in")], name="body")(x)))
        ),
        "body",
        (14, 14),
    ),
    "tokens, mean": (lambda: token_network("mean"), "norm", (4, 4)),
    "class token": (lambda: token_network("token"), "class_token", (4, 4)),
    "signal": (
        lambda: classifier(lambda x: L.Dense(2)(L.GlobalAveragePooling1D()(L.Conv1D(5, 3, name="conv")(x))), (30, 2)),
        "conv",
        (28,),
    ),
    "volume": (
        lambda: classifier(lambda x: L.Dense(2)(L.GlobalAveragePooling3D()(L.Conv3D(5, 3, name="conv")(x))), (6, 7, 8, 2)),
        "conv",
        (4, 5, 6),
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::saliency.core.errors.LogitWarning")  # a mean of probabilities is told
@pytest.mark.parametrize("name", FOUND)
def test_the_last_layer_before_the_score_is_found(name):
    build, layer, space = FOUND[name]
    model = build()
    x = np.random.default_rng(0).normal(size=(1, *model.inputs[0].shape[1:])).astype("float32")
    adapter = saliency.wrap(model)
    _, found, gradients = adapter.features(tf.constant(x), Request(Target.of([1])))
    assert [path.rpartition("/")[2].rstrip("_0123456789") for path in adapter._last_layers.values()] == [layer]
    assert tuple(found.shape[2:]) == space
    assert (np.asarray(gradients) != 0).any()


def test_a_container_counts_as_its_last_layer():
    model = FOUND["nested"][0]()
    x = np.random.default_rng(0).normal(size=(16, 16, 3))
    np.testing.assert_array_equal(GradCAM(model, 1).GetMask(x), GradCAM(model, 1, layer="in").GetMask(x))


def test_operations_are_the_layers_of_a_saved_model(tmp_path):
    model = convolutional()
    model.export(str(tmp_path), verbose=False)
    loaded = KerasAdapter(tmp_path)
    for layer in (None, "second/Relu", "second"):
        for method in (GradCAM, LayerCAM, GuidedGradCAM, ScoreCAM):
            expected = method(model, 2, layer="second").GetMasks(PICTURES)
            np.testing.assert_allclose(method(loaded, 2, layer=layer).GetMasks(PICTURES), expected, rtol=1e-3, atol=1e-5)
    with pytest.raises(
        TargetError, match=r"`layer` \(='sekond/Relu'\) must be one of the graph's operations; nearest: second_1/Relu"
    ):
        GradCAM(loaded, 2, layer="sekond/Relu").GetMask(PICTURES[0])


def test_operations_are_the_layers_of_a_function():
    kernel = tf.Variable(tf.random.stateless_normal((3, 3, 2, 4), [1, 2]))

    @tf.function
    def model(x):
        return tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "VALID", name="conv"), name="relu"), axis=(1, 2))

    _, found, gradients = saliency.wrap(model).features(tf.constant(PICTURES), Request(Target.of([2] * 3)))
    expected = np.moveaxis(tf.nn.relu(tf.nn.conv2d(PICTURES, kernel, 1, "VALID")).numpy(), -1, 1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(gradients[:, 2], np.full((3, 10, 8), 1 / 80), rtol=1e-5)
    assert not np.asarray(gradients[:, 1]).any()


def test_layers_with_their_channels_first():
    """Without a kernel for it on a CPU: pooling and pointwise layers are enough to tell the axes."""
    x = keras.Input((3, 8, 8))
    h = L.Reshape((3, 8, 8), name="maps")(L.ReLU()(x))
    model = keras.Model(x, L.GlobalAveragePooling2D(data_format="channels_first")(h))
    picture = np.random.default_rng(0).normal(size=(3, 8, 8))
    adapter = saliency.wrap(model)
    assert adapter.channel_axis == 0
    _, found, gradients = adapter.features(adapter.asarray(picture)[None], Request(Target.of([1]), layer="maps"))
    np.testing.assert_allclose(found[0], np.maximum(picture, 0), rtol=1e-6)
    np.testing.assert_allclose(gradients[0, 1], np.full((8, 8), 1 / 64), rtol=1e-6)
    assert GradCAM(adapter, 1, three_dims=True).GetMask(picture).shape == (3, 8, 8)


def test_a_layer_counts_where_it_was_called_last():
    x = keras.Input((8, 8, 3))
    relu, conv = L.ReLU(name="shared"), L.Conv2D(4, 3, padding="same")
    model = keras.Model(x, L.GlobalAveragePooling2D()(relu(conv(relu(x)))))
    picture = np.random.default_rng(0).normal(size=(1, 8, 8, 3)).astype("float32")
    _, found, _ = saliency.wrap(model).features(tf.constant(picture), Request(Target.of([1]), layer="shared"))
    assert found.shape == (1, 4, 8, 8)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("classes", r"layer 'classes' outputs the shape \(None, 4\); a map needs \(N, \*space, channels\)"),
        ("global_average_pooling2d", "a map needs"),
        ("third", r"`layer` \(='third'\) must be one of the model's"),
    ],
)
def test_a_layer_without_space_is_told(layer, message):
    model = convolutional()
    names = {one.name.rstrip("_0123456789"): one.name for one in model.layers}
    with pytest.raises(TargetError, match=message):
        GradCAM(model, 1, layer=names.get(layer, layer)).GetMask(PICTURES[0])


def test_a_layer_inside_a_function_after_a_failure():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv, self.pool = L.Conv2D(4, 3, name="conv"), L.GlobalAveragePooling2D()

        @tf.function
        def body(self, x):
            return self.pool(self.conv(x))

        def call(self, x):
            return self.body(x)

    model = Net()
    expected = model(PICTURES)  # the function is traced, and would not call its layers again
    with pytest.raises(InputError):
        GradCAM(model, 1, layer="conv").GetMask(PICTURES[0, 0])
    scores, found, _ = saliency.wrap(model).features(tf.constant(PICTURES), Request(Target.of([1] * 3), layer="conv"))
    np.testing.assert_allclose(scores, expected[:, 1], rtol=1e-5)
    assert found.shape == (3, 4, 10, 8)
    assert "call" not in vars(model.conv)


def test_the_layer_that_was_found_is_told():
    mask = saliency.GradCAM(convolutional(), 1).GetMasks(PICTURES)
    assert mask.details["layer"].tolist() == ["second"] * 3
    assert "layer" not in saliency.GradCAM(convolutional(), 1, layer="first").GetMasks(PICTURES).details
