"""Python functions as models: arguments, dtypes, channel axes and errors."""

import functools
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import saliency
from saliency import RISE, FunctionAdapter, Occlusion, Vanilla
from tests.core.function_models import RNG, W, X, net


def test_the_constructors_take_functions_of_any_kind():
    class Model:
        def __call__(self, x):
            return net(x)

        def predict(self, x):
            return net(x)

    expected = Occlusion(net, 1).GetMask(X[0], size=3)
    for model in (
        Model(),
        Model().predict,
        functools.partial(net),
        lambda x: net(x),
        saliency.wrap(net),
        FunctionAdapter(net),
    ):
        np.testing.assert_array_equal(Occlusion(model, 1).GetMask(X[0], size=3), expected)
        assert isinstance(saliency.wrap(model), FunctionAdapter)


def test_torch_modules_get_the_torch_adapter_and_other_keras_backends_none(monkeypatch):
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(60, 2))
    assert type(saliency.wrap(module)).__name__ == "TorchAdapter"
    assert isinstance(saliency.wrap(lambda x: module(torch.tensor(x)).detach()), FunctionAdapter)

    bases = {"numpy": (), "openvino": ()}
    for backend, base in bases.items():
        config = SimpleNamespace(backend=lambda backend=backend: backend)
        monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(config=config))
        kind = type("Functional", base, {"__module__": "keras.src.models.functional", "__call__": lambda self, x: net(x)})
        with pytest.raises(saliency.ModelError, match=rf"on the {backend} backend.*predict.*channel_axis=-1"):
            saliency.wrap(kind())


def test_a_function_on_torch_is_a_function():
    torch = pytest.importorskip("torch")
    weights = torch.tensor(W, dtype=torch.float32)
    on_torch = lambda x: torch.tanh(torch.from_numpy(x).flatten(1) / 8) @ weights  # noqa: E731
    np.testing.assert_allclose(
        Occlusion(on_torch, 1).GetMask(X[0], size=3), Occlusion(net, 1).GetMask(X[0], size=3), rtol=1e-3, atol=1e-5
    )
    with pytest.raises(
        saliency.InputError, match=r"failed .* RuntimeError: Can't call numpy\(\) on Tensor that requires grad"
    ):
        Occlusion(lambda x: on_torch(x).requires_grad_(), 1).GetMask(X[0], size=3)


GRADIENTS = ["Vanilla", "GuidedBackprop", "Deconvnet", "IntegratedGradients", "InputXGradient", "GradientSHAP"]
FEATURES = ["GradCAM", "GradCAMPlusPlus", "HiResCAM", "LayerCAM", "XGradCAM", "ScoreCAM", "GuidedGradCAM"]


@pytest.mark.parametrize("name", GRADIENTS + FEATURES)
@pytest.mark.parametrize("y", [None, 1])
def test_gradient_methods_refuse_a_function_and_suggest_alternatives(name, y):
    what = "the gradient of its input" if name in GRADIENTS else "a layer's output and its gradient"
    with pytest.raises(
        saliency.ModelError,
        match=rf"the function net, which does not provide {what}: pass the underlying model, .* use Occlusion",
    ):
        getattr(saliency, name)(net, y).GetMask(X[0])


def test_smoothing_needs_no_gradient():
    seen = []
    mask = Occlusion(lambda x: (seen.append(x), net(x))[1], 1, batch_size=50)
    np.testing.assert_allclose(
        mask.GetSmoothedMask(X[0], stdev_spread=0.0, nsamples=2, magnitude=False, size=3), mask.GetMask(X[0], size=3), rtol=1e-5, atol=1e-6
    )  # fmt: skip
    one, two = (mask.GetSmoothedMask(X[0], nsamples=2, seed=seed, size=3) for seed in (1, 1))
    np.testing.assert_array_equal(one, two)
    assert all(batch.dtype == np.float32 for batch in seen)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", np.float64])
def test_a_function_receives_arrays_of_the_requested_dtype(dtype):
    def strict(x):
        assert type(x) is np.ndarray and x.dtype == dtype and x.flags["C_CONTIGUOUS"] and x.flags["WRITEABLE"]
        return net(x.astype(np.float64))

    for given in (X[0], X[0].astype(np.float16), X[0].round().astype(int), X[0].tolist()):
        mask = Occlusion(saliency.wrap(strict, dtype=dtype), 1).GetMasks([given] * 2, [0, 1], size=3, value="mean")[1]
        expected = Occlusion(saliency.wrap(net, dtype="float64"), 1).GetMask(given, size=3, value="mean")
        np.testing.assert_allclose(mask, expected, atol=1e-5 if dtype != "float16" else 0.02)


def test_a_half_precision_function_s_mask_does_not_overflow():
    adapter = saliency.wrap(lambda x: x.reshape(len(x), -1).mean(1, dtype=np.float64)[:, None], dtype="float16")
    mask = RISE(adapter, 0).GetMask(np.full((1, 4, 4), 60_000.0), value=-60_000, cells=1, nmasks=30, seed=0)
    assert 20_000 < mask.min() == mask.max() < 100_000  # 120,000 for what is visible, less its share


def test_other_inputs_are_passed_by_name():
    def scaled(x, scale, shift=0.0, names=None):
        assert names == {"a": 1}
        return net(x) * scale[:, :1] + shift

    scales = np.array([[1.0, 9], [2, 9], [3, 9]])
    mask = Occlusion(scaled, 1, batch_size=4)
    own = [Occlusion(net, 1).GetMask(x, size=3) for x in X]
    together = mask.GetMasks(X, feed_dict={"scale": scales, "shift": 5.0, "names": {"a": 1}}, size=3)
    for i in range(3):
        alone = mask.GetMask(X[i], feed_dict={"scale": scales[i].tolist(), "names": {"a": 1}}, size=3)
        np.testing.assert_allclose(alone, own[i] * (i + 1), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(together[i], own[i] * (i + 1), rtol=1e-4, atol=1e-5)
    with pytest.raises(saliency.InputError, match=r"TypeError: .*unexpected keyword argument 'other'"):
        mask.GetMask(X[0], feed_dict={"other": 1}, size=3)


def test_a_function_may_work_in_place_and_reuse_its_memory():
    buffer = np.zeros((100, 4))

    def selfish(x, scale):
        scores = net(x) * scale
        buffer[: len(x)] = scores
        x[:] = 7.0
        scale[:] = 0.0
        return buffer[: len(x)]

    x, scale = X[0].astype(np.float32), np.array([2.0])
    kept = x.copy(), scale.copy()
    expected = 2 * Occlusion(net, 1).GetMask(x, size=3)
    for y in (1, lambda outputs: outputs[:, 1]):
        for found in (
            Occlusion(selfish, y, batch_size=4).GetMask(x, feed_dict={"scale": scale}, size=3),
            Occlusion(selfish, y, batch_size=4).GetMasks([x, x], feed_dict={"scale": np.array([scale, scale])}, size=3)[1],
        ):
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(scale, kept[1])


def test_a_gray_image_without_a_channel_axis():
    from PIL import Image

    pixels = RNG.integers(0, 256, (5, 12), dtype=np.uint8)
    adapter = saliency.wrap(net, channel_axis=None)
    np.testing.assert_array_equal(
        Occlusion(adapter, 1).GetMask(Image.fromarray(pixels), size=2), Occlusion(adapter, 1).GetMask(pixels, size=2)
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FunctionAdapter(3), r"`function` \(int\) must be callable: a function of a batch"),
        (lambda: FunctionAdapter(net, dtype=int), r"`dtype` \(=<class 'int'>\) must be a floating dtype"),
        (lambda: FunctionAdapter(net, dtype="half-ish"), r"`dtype` \(='half-ish'\) must be a floating dtype"),
        (lambda: FunctionAdapter(net, channel_axis="last"), r"`channel_axis` \(='last'\) must be a whole number, None or"),
        (lambda: Occlusion(FunctionAdapter(net, channel_axis=3), 0).GetMask(X[0], size=1), r"`channel_axis` \(=3\) must be one of"),
        (lambda: Occlusion(net, ("conv1", 2)).GetMask(X[0], size=1), r"`y` names the layer 'conv1', but a function has no layers"),
        (lambda: saliency.wrap(dict), r"the class builtins.dict, not an instance of it\) must be"),
        (lambda: Occlusion(net, 4).GetMask(X[0], size=1), r"class or channel 4 is not in the model's output, which has 4"),
        (lambda: Occlusion(net, 0).GetMask(X[0] * np.nan, size=1), r"`x_value` holds 60 of 60 values that are NaN"),
        (lambda: Occlusion(net, 0).GetMask(3.0, size=1), r"`x_value` \(a single number\) must have at least one axis"),
    ],
)  # fmt: skip
def test_errors_state_name_value_and_rule(make, message):
    with pytest.raises((saliency.InputError, saliency.TargetError), match=message):
        make()


def test_a_module_s_method_is_a_function_and_points_to_the_module():
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(60, 2))
    with pytest.raises(saliency.ModelError, match=r"the function Sequential.forward, .* pass the underlying model"):
        Vanilla(module.forward, 0).GetMask(X[0])
