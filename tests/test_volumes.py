"""Test that a 3-D convolution without padding is found in both frameworks, with the same map."""

import numpy as np
import pytest

import saliency

torch = pytest.importorskip("torch")
keras = pytest.importorskip("keras")
if keras.config.backend() != "tensorflow":
    pytest.skip("Keras runs on another backend", allow_module_level=True)
L, nn = keras.layers, torch.nn
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("shape", "kernels"),
    [((6, 24, 24), ((3, 3, 3), (3, 3, 3))), ((4, 16, 20), ((3, 5, 5),)), ((9, 8, 30), ((1, 3, 3), (5, 1, 1)))],
)
def test_last_convolution_of_a_volume(shape, kernels):
    channels = [2, 4, 5][: len(kernels) + 1]
    pairs = list(zip(channels, channels[1:], kernels, strict=False))
    weights = [(RNG.normal(size=(*kernel, a, b)).astype("f4") / 5, RNG.normal(size=b).astype("f4")) for a, b, kernel in pairs]
    head = RNG.normal(size=(channels[-1], 3)).astype("f4")
    convolutions = [nn.Conv3d(a, b, kernel) for a, b, kernel in pairs]
    layers = [each for one in convolutions for each in (one, nn.Tanh())]
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(channels[-1], 3, bias=False))
    model = keras.Sequential([keras.Input((*shape, 2))])
    for (kernel, bias), convolution in zip(weights, convolutions, strict=True):
        convolution.weight.data, convolution.bias.data = torch.tensor(kernel).permute(4, 3, 0, 1, 2), torch.tensor(bias)
        model.add(L.Conv3D(kernel.shape[-1], kernel.shape[:3]))
        model.layers[-1].set_weights([kernel, bias])
        model.add(L.Activation("tanh"))
    model.add(L.GlobalAveragePooling3D())
    model.add(L.Dense(3, use_bias=False))
    model.layers[-1].set_weights([head])
    network[-1].weight.data = torch.tensor(head.T.copy())
    x = RNG.normal(size=(*shape, 2)).astype("f4")
    options = {"should_resize": False}
    expected = saliency.GradCAM(network, 1, **options).GetMask(np.moveaxis(x, -1, 0))
    mask = saliency.GradCAM(model, 1, **options).GetMask(x)
    assert mask.shape == expected.shape == tuple(np.array(shape) - np.sum(np.array(kernels) - 1, axis=0))
    assert str(mask.details["layer"]) == model.layers[2 * len(kernels) - 1].name
    np.testing.assert_allclose(mask, expected, rtol=1e-3, atol=1e-6)
