"""JAX functions and modules: layers, rules, logits, grids, and what is left of a model after a call."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.ad_checkpoint import checkpoint_name

import saliency
from saliency.core.adapter_request import Request
from saliency.core.target import Target
from saliency.jax import JaxAdapter
from tests.jax.models import Equinox, Flax

RNG = np.random.default_rng(3)
X = RNG.normal(size=(2, 8, 8, 3)).astype("float32")
W = jnp.asarray(RNG.normal(size=(6, 4)), jnp.float32)
V = jnp.asarray(RNG.normal(size=(2, 6)), jnp.float32)


def test_a_flax_module_has_layers_and_stays_as_it_was():
    model = Flax()
    before = jax.tree.map(np.asarray, nnx.split(model, nnx.Param, nnx.BatchStat, ...)[1:3])
    calls = nnx.Conv.__call__, nnx.Linear.__call__, vars(nnx.Sequential)["__call__"]
    adapter = saliency.wrap(model)
    assert isinstance(adapter, JaxAdapter)
    mask = saliency.GradCAM(adapter, y=2).GetMasks(X)
    assert mask.details["layer"].tolist() == ["blocks/0"] * 2 and mask.details["grid"].tolist() == [[4, 4]] * 2
    by_object = saliency.GradCAM(adapter, y=2, layer=model.blocks[0]).GetMasks(X)
    np.testing.assert_array_equal(mask, by_object)
    assert saliency.Vanilla(adapter, y=("blocks/0", 1), at="convolution").GetMasks(X).shape == X.shape
    after = jax.tree.map(np.asarray, nnx.split(model, nnx.Param, nnx.BatchStat, ...)[1:3])
    assert jax.tree.all(jax.tree.map(np.array_equal, before, after))
    assert calls == (nnx.Conv.__call__, nnx.Linear.__call__, vars(nnx.Sequential)["__call__"]) and not model.drop.deterministic


def test_new_weights_of_a_flax_module_count():
    model = Flax()
    vanilla = saliency.Vanilla(model, y=2)
    before = vanilla.GetMasks(X)
    model.head.layers[0].kernel[...] = 2 * model.head.layers[0].kernel[...]
    np.testing.assert_allclose(vanilla.GetMasks(X), 2 * before, rtol=1e-4, atol=1e-7)


def test_grad_cam_of_an_equinox_module_is_the_gradient_at_its_layer():
    model, x = Equinox(), jnp.asarray(np.moveaxis(X, -1, 1))
    adapter = saliency.wrap(model)
    mask = saliency.GradCAM(adapter, y=2, layer="convolutions/1", should_resize=False).GetMasks(x)
    assert adapter.channel_axis == 0 and "__call__" not in vars(eqx.nn.Conv2d)

    def features(x):
        return model.convolutions[1](jax.nn.relu(model.convolutions[0](x)))

    a = jax.vmap(features)(x)
    g = jax.grad(lambda a: jax.vmap(model.linear)(jax.nn.relu(a).mean((2, 3)))[:, 2].sum())(a)
    expected = jax.nn.relu((g.mean((2, 3), keepdims=True) * a).sum(1))
    np.testing.assert_allclose(mask, expected, rtol=1e-4, atol=1e-7)
    function = saliency.wrap(lambda model, x: jax.vmap(model)(x), params=model)
    same = saliency.GradCAM(function, y=2, layer="convolutions/1", should_resize=False).GetMasks(x)
    np.testing.assert_allclose(same, mask, rtol=1e-5, atol=1e-7)


ACTIVATIONS = {
    "relu": (jax.nn.relu, jax.nn.relu, None),
    "maximum": (lambda h: jnp.maximum(0.0, h), jax.nn.relu, None),
    "relu6": (jax.nn.relu6, jax.nn.relu6, 6.0),
    "clip": (lambda h: jnp.clip(h, 0, 6), jax.nn.relu6, 6.0),
    "clamp": (lambda h: jax.lax.clamp(0.0, h, 6.0), jax.nn.relu6, 6.0),
}


@pytest.mark.filterwarnings("ignore:the mask of input:saliency.ZeroGradientWarning")
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_guided_and_rectified_gradients_of_two_layers(name):
    activation, same, ceiling = ACTIVATIONS[name]
    x = np.random.default_rng(0).normal(size=(8, 2)).astype("float32") * 2
    h = x @ np.asarray(V)
    assert (h < 0).any() and ((h > 0) & (h < 6)).any() and (h > 6).any()
    g = np.broadcast_to(np.asarray(W)[:, 1], h.shape)
    active = (h > 0) & (h < (ceiling or np.inf))
    adapter = saliency.wrap(jax.jit(lambda x: activation(x @ V) @ W))
    guided = saliency.GuidedBackprop(adapter, y=1).GetMasks(x)
    np.testing.assert_allclose(guided, (g * (g > 0) * active) @ np.asarray(V).T, rtol=1e-5, atol=1e-6)
    rectified = saliency.Deconvnet(adapter, y=1).GetMasks(x)
    passes = g * (g > 0) * ((h < ceiling) if name == "clip" else 1)  # its minimum is no ReLU
    np.testing.assert_allclose(rectified, passes @ np.asarray(V).T, rtol=1e-5, atol=1e-6)
    expected = jax.vmap(jax.grad(lambda x: (same(x @ V) @ W)[1]))(x)
    np.testing.assert_allclose(saliency.Vanilla(adapter, y=1).GetMasks(x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "activation", [jax.nn.softplus, jax.nn.hard_swish, jax.nn.silu, jnp.abs, lambda h: jnp.maximum(h, 1.0)]
)
def test_what_is_no_relu(activation):
    adapter = saliency.wrap(jax.jit(lambda x: activation(x @ V) @ W))
    with pytest.raises(saliency.ModelError, match="no ReLU between the input and the score"):
        saliency.GuidedBackprop(adapter, y=1).GetMasks(np.ones((1, 2)))


def test_a_relu_inside_of_a_loop_gets_no_rule():
    def loop(x):
        return jax.lax.while_loop(lambda c: c[0] < 2, lambda c: (c[0] + 1, jax.nn.relu(c[1])), (0, x))[1] @ W

    adapter = saliency.wrap(jax.jit(lambda x: loop(x @ V)))
    with pytest.raises(saliency.ModelError, match="a ReLU inside of `while` can't get the guided rule"):
        saliency.GuidedBackprop(adapter, y=1).GetMasks(np.ones((1, 2)))


HEADS = {
    "softmax": jax.nn.softmax,
    "log_softmax": jax.nn.log_softmax,
    "sigmoid": jax.nn.sigmoid,
    "log_sigmoid": jax.nn.log_sigmoid,
    "written out": lambda z: jnp.exp(z) / jnp.exp(z).sum(1, keepdims=True),
}


@pytest.mark.parametrize("name", HEADS)
def test_logits_are_read_in_front_of_the_last_softmax_or_sigmoid(name):
    adapter = saliency.wrap(jax.jit(lambda x: HEADS[name](x @ V)))
    np.testing.assert_allclose(saliency.Vanilla(adapter, y=1).GetMask(np.ones(2)), V[:, 1], rtol=1e-6)
    output = saliency.Vanilla(adapter, y=1, logits=False).GetMask(np.ones(2))
    expected = jax.grad(lambda x: HEADS[name]((x @ V)[None])[0, 1])(jnp.ones(2))
    np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-6)


def test_logits_behind_arithmetic_are_not_found():
    adapter = saliency.wrap(jax.jit(lambda x: 1 - jax.nn.softmax(x @ V)))
    with pytest.warns(saliency.LogitWarning):
        saliency.Vanilla(adapter, y=1).GetMask(np.ones(2))


def tokens(x, mixed=False):
    """Patches of 4 x 4 behind a class token; ``mixed`` adds unknown positions."""
    patches = x.reshape(len(x), 2, 4, 2, 4, 3).transpose(0, 1, 3, 2, 4, 5).reshape(len(x), 4, 48)
    h = patches @ jnp.ones((48, 6)) / 48
    h = jnp.einsum("pq,nqc->npc", jnp.ones((4, 4)), h) if mixed else h
    h = jnp.concatenate([jnp.zeros((len(x), 1, 6)), h], axis=1)
    attention = jax.nn.softmax(jnp.einsum("nqc,nkc->nqk", h, h))
    return checkpoint_name(h + attention @ h, "block") @ W


def test_patches_form_a_grid_behind_a_class_token():
    adapter = saliency.wrap(jax.jit(lambda x: tokens(x).mean(1)), channel_axis=-1)
    x = np.zeros((1, 8, 8, 3), np.float32)
    x[0, :4, 4:] = 1  # the upper right patch
    features = adapter.features(adapter.asarray(x), Request(Target.of([1])))[1]
    assert features.shape == (1, 6, 2, 2)
    assert np.unravel_index(np.asarray(features)[0, 0].argmax(), (2, 2)) == (0, 1)
    assert adapter.default_layer_name(adapter.asarray(x), Request(Target.of([1]))) == "block"


def gated(x):
    """Scores whose later layer has no gradient for images with a negative mean."""
    first = checkpoint_name(jax.nn.relu(x * 2 + 1), "first")
    second = checkpoint_name(jax.nn.relu(first - 0.5), "second")
    gate = (x.mean((1, 2, 3), keepdims=True) > 0) * 1.0
    pooled = [first.mean((1, 2)), jax.nn.relu(second * gate).mean((1, 2))]
    return jnp.concatenate(pooled, axis=1) @ jnp.abs(W)


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_a_layer_without_gradients_for_one_image_is_used_for_others(order):
    images = np.stack([X[0] - X[0].mean() - 0.2, X[0] - X[0].mean() + 0.2])[order]
    layers = [["first", "second"][i] for i in order]
    model = jax.jit(gated)
    alone = [
        saliency.GradCAM(saliency.wrap(model, channel_axis=-1), y=1, layer=layer).GetMask(x)
        for x, layer in zip(images, layers, strict=True)
    ]
    adapter = saliency.wrap(model, channel_axis=-1)
    for together in (
        saliency.GradCAM(adapter, y=1).GetMasks(images),
        [saliency.GradCAM(adapter, y=1).GetMask(x) for x in images],
    ):
        np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-6)


def test_mixed_positions_need_a_stated_grid():
    adapter = saliency.wrap(jax.jit(lambda x: tokens(x, mixed=True).mean(1)), channel_axis=-1)
    with pytest.raises(saliency.TargetError, match="not known to hold the positions"):
        saliency.GradCAM(adapter, y=1, layer="block").GetMask(X[0])
    stated = saliency.HiResCAM(adapter, y=1, layer="block", grid=(2, 2), tokens=1).GetMask(X[0])
    assert stated.details["grid"].tolist() == [2, 2]


def test_errors_name_what_is_there():
    adapter = saliency.wrap(Flax())
    with pytest.raises(
        saliency.TargetError, match=r"`layer` \(='block1'\) must name one of the model's layers: convolution, norm"
    ):
        saliency.GradCAM(adapter, y=1, layer="block1").GetMasks(X)
    with pytest.raises(saliency.InputError, match="forward pass failed"):
        saliency.Vanilla(adapter, y=1).GetMask(np.ones((8, 8, 5)))
    with pytest.raises(saliency.TargetError, match="class or channel 6 is not in the model's output, which has 6"):
        saliency.Vanilla(adapter, y=6).GetMasks(X)
    constant = saliency.wrap(jax.jit(lambda x: jax.lax.stop_gradient(x @ V)))
    with pytest.raises(saliency.GradientError, match="does not depend on the input"):
        saliency.Vanilla(constant, y=1).GetMask(np.ones(2))
    with pytest.raises(saliency.ModelError, match=r"jax.jit\(f\)"):
        saliency.Vanilla(lambda x: x, y=1).GetMask(np.ones(2))
