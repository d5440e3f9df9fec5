"""Losses: lists of filters, weighted sums, and user-defined losses, each compared with a closed form."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("keras")

import keras
import tensorflow as tf

from saliency.compat.keras_vis import (
    ActivationMaximization,
    Loss,
    visualize_cam_with_losses,
    visualize_saliency,
    visualize_saliency_with_losses,
)
from saliency.core.errors import InputError, TargetError
from tests.compat.vis.keras_networks import RAW, X, close
from tests.compat.vis.torch_network import channels_first, channels_moved_first

SIGNED = {**RAW, "normalize": False}


def inputs_of(model):
    return {"model": model, "tensor": model.inputs[0], "list": model.inputs}


@pytest.mark.parametrize("given", ["model", "tensor", "list"])
def test_one_loss_is_visualize_saliency(model, given):
    loss = ActivationMaximization(model.layers[-1], 1)
    tensor = inputs_of(model)[given]
    close(visualize_saliency_with_losses(tensor, [(loss, -1)], X), "sal default cls1")
    close(visualize_saliency_with_losses(tensor, [(loss, -1)], X, exact=True), "sal default cls1")
    close(visualize_saliency_with_losses(tensor, [(loss, 1)], X, grad_modifier="negate"), "sal gm=None")
    close(visualize_cam_with_losses(tensor, [(loss, -1)], X, model.layers[2], "relu"), "cam gm=relu")


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("given", ["model", "tensor"])
def test_weighted_losses_of_several_layers_add_up(model, given, exact):
    out, c2 = model.layers[-1], model.layers[2]
    losses = [
        (ActivationMaximization(out, [0, 2]), -2.0),
        (ActivationMaximization(c2, -1), -0.5),
        (ActivationMaximization(out, None), 3),
    ]
    got = visualize_saliency_with_losses(inputs_of(model)[given], losses, X, **SIGNED, exact=exact)
    parts = [(2, -1, [0, 2]), (0.5, 2, 7), (-3, -1, None)]
    wanted = sum(weight * visualize_saliency(model, layer, some, X, **SIGNED) for weight, layer, some in parts)
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-6)


def test_a_list_sums_and_none_is_the_mean(model):
    one_by_one = [visualize_saliency(model, -1, i, X, **SIGNED) for i in range(5)]
    for some in ([1, 3], (1, 3), np.array([1, 3]), [-4, 3], {1, 3}):
        np.testing.assert_allclose(visualize_saliency(model, -1, some, X, **SIGNED), one_by_one[1] + one_by_one[3], atol=1e-6)
    np.testing.assert_allclose(visualize_saliency(model, -1, None, X, **SIGNED), np.mean(one_by_one, 0), atol=1e-6)
    np.testing.assert_allclose(visualize_saliency(model, -1, range(5), X, **SIGNED), np.sum(one_by_one, 0), atol=1e-6)


@pytest.mark.parametrize("wrong", [5, -6, [0, 9], 1.5, [], "1", True, [None]])
def test_invalid_filter_indices_raise(model, wrong):
    with pytest.raises(TargetError, match=r"`filter_indices` \(=|class or channel (5|9) is not in"):
        visualize_saliency(model, -1, wrong, X)
    if isinstance(wrong, int) and not isinstance(wrong, bool):
        losses = [(ActivationMaximization(model.layers[-1], wrong), -1), (ActivationMaximization(model.layers[-1], 0), -1)]
        with pytest.raises(TargetError, match=r"`filter_indices` \(="):
            visualize_saliency_with_losses(model, losses, X)


class SquaredUnit(Loss):
    """A loss as keras-vis users write it, with TensorFlow operations."""

    def __init__(self, layer, unit):
        super().__init__()
        self.name, self.layer, self.unit = "Squared unit", layer, unit

    def build_loss(self):
        assert self.layer.name == "out"  # the layer keeps its attributes
        return tf.reduce_mean(self.layer.output[:, self.unit] ** 2)


class EachSquaredUnit(SquaredUnit):
    def build_loss(self):
        return keras.ops.square(self.layer.output[:, self.unit])


class Duck:
    def __init__(self, layer):
        self.layer = layer

    def build_loss(self):
        return self.layer.output[:, 1:2]


@pytest.mark.parametrize("make", [SquaredUnit, EachSquaredUnit])
@pytest.mark.parametrize("given", ["model", "tensor"])
def test_a_user_defined_loss(model, make, given):
    losses = [(make(model.layers[-1], 1), -0.5)]
    got = visualize_saliency_with_losses(inputs_of(model)[given], losses, X, **SIGNED)
    value = float(model(X[None])[0, 1])  # d (-y ** 2 / 2) = -y dy
    np.testing.assert_allclose(got, -value * visualize_saliency(model, -1, 1, X, **SIGNED), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("make", [SquaredUnit, EachSquaredUnit])
def test_a_user_defined_loss_of_several_inputs(model, make):
    both, losses = np.stack([X, X[::-1]]), [(make(model.layers[-1], 1), 0.5)]
    alone = [visualize_saliency_with_losses(model, losses, x, **SIGNED) for x in both]
    np.testing.assert_allclose(visualize_saliency_with_losses(model, losses, both, **SIGNED), alone, rtol=1e-4, atol=1e-6)
    exact = visualize_saliency_with_losses(
        model, losses, both, **SIGNED, exact=True
    )  # the first of two, whether the loss is a mean or per input
    np.testing.assert_allclose(exact, alone[0] / 2, rtol=1e-4, atol=1e-6)


def test_a_loss_needs_no_base_class_and_works_for_class_activation_maps(model):
    losses = [(Duck(model.layers[-1]), 1), (ActivationMaximization(model.layers[-1], 1), 0)]
    close(visualize_saliency_with_losses(model, losses, X), "sal default cls1")
    close(visualize_cam_with_losses(model, losses, X, "c2", "relu"), "cam gm=relu")


@pytest.mark.needs("torch")
def test_a_user_defined_loss_in_torch():
    torch = pytest.importorskip("torch")
    module = channels_first()

    class Squared(Loss):
        def __init__(self, layer):
            self.layer = layer

        def build_loss(self):
            assert self.layer.out_features == 5
            return torch.mean(self.layer.output[:, 1] ** 2)

    x = channels_moved_first(X)[None]
    got = visualize_saliency_with_losses(module, [(Squared(module.out), 0.5)], x, **SIGNED)
    value = float(module(torch.tensor(x))[0, 1].detach())
    np.testing.assert_allclose(got, value * visualize_saliency(module, "out", 1, x, **SIGNED), rtol=1e-4, atol=1e-6)
    losses = [(ActivationMaximization("out", 1), -1.0), (ActivationMaximization(module.c2, [0, -1]), -0.25)]
    parts = visualize_saliency(module, "out", 1, x, **SIGNED) + 0.25 * visualize_saliency(module, "c2", [0, 7], x, **SIGNED)
    np.testing.assert_allclose(visualize_saliency_with_losses(module, losses, x, **SIGNED), parts, rtol=1e-4, atol=1e-6)


def test_invalid_losses_raise(model):
    loss = ActivationMaximization(model.layers[-1], 1)
    for wrong in ([], [loss], [(loss, 1, 2)], [(print, 1)], None):
        with pytest.raises(InputError, match="`losses` must be a list of pairs"):
            visualize_saliency_with_losses(model, wrong, X)
    with pytest.raises(InputError, match="`grad_modifier` returned shape"):
        visualize_saliency(model, -1, 1, X, grad_modifier=lambda g: g[..., :1])

    class Wrong(Duck):
        def build_loss(self):
            return self.layer.output[:, None, None]

    with pytest.raises(TargetError, match="`build_loss` of Wrong must return one number"):
        visualize_saliency_with_losses(model, [(Wrong(model.layers[-1]), 1)], X)
    with pytest.raises(InputError, match="`input_tensor` must be the model if the layer of a loss"):
        visualize_saliency_with_losses(model.inputs[0], [(Duck("out"), 1)], X)
