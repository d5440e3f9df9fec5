"""Layers and grids of JAX networks, and detections."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import saliency
from saliency import Box
from tests.detectors import FORMS, OPTIONS, PATCHES, SPACE

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 33, 40, 3)).astype("float32")


class Residual(nnx.Module):
    """A stage of a residual network, of which the branches stride in different ways."""

    def __init__(self, rngs):
        self.first = nnx.Conv(4, 4, (3, 3), strides=2, rngs=rngs)
        self.shortcut = nnx.Conv(4, 4, (1, 1), strides=2, rngs=rngs)

    def __call__(self, x):
        return jax.nn.relu(self.first(x) + self.shortcut(x))


class Network(nnx.Module):
    def __init__(self, stem):
        rngs = nnx.Rngs(0)
        self.stem, self.stage, self.head = stem(rngs), Residual(rngs), nnx.Linear(4, 5, rngs=rngs)

    def __call__(self, x):
        return self.head(self.stage(self.stem(x)).mean((1, 2)))


class Padded(nnx.Module):
    """A convolution behind a padding of its own."""

    def __init__(self, rngs):
        self.conv = nnx.Conv(3, 4, (3, 3), strides=2, padding="VALID", rngs=rngs)

    def __call__(self, x):
        return self.conv(jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))))


STEMS = {
    "same": (lambda rngs: nnx.Conv(3, 4, (3, 3), strides=2, rngs=rngs), (9, 10)),
    "valid": (lambda rngs: nnx.Conv(3, 4, (5, 5), strides=2, padding="VALID", rngs=rngs), (8, 9)),
    "padded": (Padded, (9, 10)),
    "pooled": (lambda rngs: nnx.Sequential(nnx.Conv(3, 4, (3, 3), rngs=rngs), lambda x: nnx.max_pool(x, (3, 3), (2, 2))), (8, 10)),
    "transposed": (lambda rngs: nnx.ConvTranspose(3, 4, (3, 3), strides=2, rngs=rngs), (33, 40)),
}  # fmt: skip


@pytest.mark.parametrize("name", STEMS)
def test_a_patch_that_changes_moves_its_own_position(name):
    stem, space = STEMS[name]
    model = Network(stem)
    details = saliency.GradCAM(model, 2).GetMask(X[0]).details
    assert details["layer"] == "stage" and tuple(details["grid"]) == space
    before = saliency.activations(model, "stage", X, several=True)
    for row, column in [(0.2, 0.8), (0.5, 0.3), (0.9, 0.1)]:
        changed, at = X.copy(), (int(row * 33), int(column * 40))
        changed[:, at[0] - 2 : at[0] + 3, at[1] - 2 : at[1] + 3] += 9
        moved = np.abs(saliency.activations(model, "stage", changed, several=True) - before).sum(-1)[0]
        found = np.unravel_index(moved.argmax(), moved.shape)
        assert all(
            abs(f - (r + 0.5) * n / m) < max(1.6, 3 * n / m) for f, r, n, m in zip(found, at, space, (33, 40), strict=True)
        )


@pytest.mark.parametrize("part", ["crop", "shuffled"])
def test_a_part_of_the_image_and_an_unknown_order_are_no_grid(part):
    crop = {"crop": lambda x: x[:, :16], "shuffled": lambda x: x[:, jnp.argsort(x[0, :, 0, 0])]}[part]
    model = Network(lambda rngs: nnx.Sequential(crop, nnx.Conv(3, 4, (3, 3), rngs=rngs)))
    with pytest.raises(saliency.TargetError, match="not known to hold the positions of the whole input"):
        saliency.GradCAM(model, 2, layer="stage").GetMask(X[0])


@pytest.mark.parametrize("form", [form for form in FORMS if form != "list"])
def test_the_gradient_of_a_detection(form):
    detect = jax.jit(lambda x: FORMS[form](x, jnp))
    x = (1 + 0.1 * RNG.normal(size=(3, *SPACE))).astype("float32")
    adapter = saliency.wrap(detect, channel_axis=0)
    ys = [Box(label, patch, **OPTIONS.get(form, {})) for label, patch in PATCHES.items()]
    masks = saliency.Vanilla(adapter).GetMasks([x, x], y=ys)

    def score(x, label):
        outputs = detect(x[None])
        if form in ("softmax", "sigmoid"):
            return outputs["logits"][0, 1 + label, label]
        row = (outputs[0] if form == "anchors first" else outputs[0][0].T)[1 + label]
        return row[5 + label] * row[4] if form == "objectness" else row[4 + label]

    for label, mask in enumerate(masks):
        expected = jax.grad(score)(jnp.asarray(x), label)
        np.testing.assert_allclose(mask, expected, atol=1e-6 * float(jnp.abs(expected).max()))
    np.testing.assert_allclose(saliency.Vanilla(adapter, ys[1]).GetMask(x), masks[1], atol=1e-8)
    assert saliency.RISE(adapter, ys[0], nmasks=10, seed=0).GetMask(x).details["label"] == 0
