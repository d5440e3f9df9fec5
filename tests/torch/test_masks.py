"""The masks on Torch: shared inputs, memory, and other libraries' integrated gradients."""

import gc
import subprocess
import sys

import numpy as np
import pytest
import torch

import saliency
from tests.torch.test_captum import REAL, captum, channels_last, demo, squeezenet

SOURCES = [demo, pytest.param(squeezenet, marks=pytest.mark.skipif(not REAL.exists(), reason="the real network is not here"))]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("rule", "theirs"),
    [("gauss-legendre", "gausslegendre"), ("midpoint", "riemann_middle"), ("trapezoid", "riemann_trapezoid")],
)
def test_integrated_gradients_equal_captum_s(source, rule, theirs):
    network, x, classes = source()  # in double precision: in single, two points that differ by rounding switch other ReLUs
    model, inputs = network.model.double(), torch.tensor(x, dtype=torch.float64)
    found = captum.IntegratedGradients(model).attribute(
        inputs, target=classes, n_steps=4, method=theirs, internal_batch_size=6
    )
    expected = found.numpy() * (4 / 3 if rule == "trapezoid" else 1)  # Captum's weights sum to 3/4 there
    mask = saliency.IntegratedGradients(model).GetMasks(x, classes, x_steps=4, rule=rule)
    assert np.abs(mask - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("source", SOURCES)
def test_integrated_gradients_equal_captum_s_in_single_precision(source):
    network, x, classes = source()
    expected = captum.IntegratedGradients(network.model).attribute(
        channels_last(x), target=classes, n_steps=10, internal_batch_size=6
    )
    mask = saliency.IntegratedGradients(network.model).GetMasks(x, classes, x_steps=10)
    assert np.abs(mask - expected.numpy()).max() <= 1e-5 * expected.abs().max()


@pytest.mark.parametrize("method", [saliency.Vanilla, saliency.GuidedBackprop, saliency.GradCAM, saliency.GuidedGradCAM])
def test_several_targets_of_one_input_equal_one_at_a_time(method):
    network, x, _ = demo()
    ys = [3, 8, [1, 2], 0]
    mask = method(network.model)
    passes = []
    network.model.register_forward_pre_hook(lambda module, inputs: passes.append(len(inputs[0])))
    together = mask.GetMasks([x[0]] * 4, ys)
    forwards = len(passes)
    alone = np.stack([np.asarray(mask.GetMask(x[0])) if y is None else np.asarray(mask.GetMasks(x[:1], [y])[0]) for y in ys])
    np.testing.assert_allclose(together, alone, atol=2e-6 * np.abs(alone).max())
    assert len({mask.tobytes() for mask in together}) == 4
    assert set(passes) == {1} and forwards <= 3  # one a gradient, and one that looks for the layer


def test_modifiers_get_arrays_of_the_framework():
    network, x, _ = demo()
    plain = saliency.Vanilla(network.model, 3).GetMask(x[0])
    mask = saliency.Vanilla(network.model, 3, modifier=lambda g: g.relu().sqrt()).GetMask(x[0])
    np.testing.assert_allclose(mask, np.sqrt(np.maximum(plain, 0)), rtol=1e-6)
    np.testing.assert_allclose(
        saliency.Vanilla(network.model, 3, modifier="maintain").GetMask(x[0]), 1 / (np.abs(plain) + 1e-7), rtol=1e-5
    )


class Greedy(torch.nn.Module):
    """A model that says that memory ran out, in one of Torch's ways, when it gets more than three inputs."""

    def __init__(self, error):
        super().__init__()
        self.error, self.sizes = error, []

    def forward(self, x):
        self.sizes.append(len(x))
        if len(x) > 3:
            raise self.error
        return (x**2).flatten(1).sum(1, keepdim=True) / 2


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 8"
        ),
        RuntimeError("MPS backend out of memory"),
        MemoryError(),
    ],
)
@pytest.mark.parametrize("method", [saliency.IntegratedGradients, saliency.Occlusion])
def test_a_batch_that_does_not_fit_is_halved(method, error):
    model, x = Greedy(error), np.random.default_rng(0).normal(size=(10, 1, 6, 6))
    options = {"size": 5} if method is saliency.Occlusion else {}
    masks = method(model, 0).GetMasks(x, **options)
    expected = method(Greedy(error), 0, batch_size=1).GetMasks(x, **options)
    np.testing.assert_allclose(masks, expected, rtol=1e-4, atol=1e-5)
    assert 0 < sum(size > 3 for size in model.sizes) < 5


def test_an_error_of_another_kind_is_not_taken_for_it():
    with pytest.raises(saliency.InputError, match="RuntimeError: shapes do not match"):
        saliency.Vanilla(Greedy(RuntimeError("shapes do not match")), 0).GetMasks(np.ones((4, 1, 2, 2)))


def test_one_input_that_does_not_fit_is_told():
    class Never(torch.nn.Module):
        def forward(self, x):
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(
        saliency.MemoryShortage, match=r"1 input\(s\) of shape \(1, 2, 2\) at once do not fit into the memory of cpu"
    ):
        saliency.Vanilla(Never(), 0).GetMasks(np.ones((4, 1, 2, 2)))


SCARCE = """
import resource, numpy as np, torch, saliency
torch.set_num_threads(1)
model = torch.nn.Sequential(torch.nn.Conv2d(3, 64, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
x = np.random.default_rng(0).normal(size=(32, 3, 128, 128)).astype("float32")
expected = saliency.Vanilla(model, 0, batch_size=1).GetMasks(x)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 160 * 2**20, -1))
mask = saliency.Vanilla(model, 0, batch_size=32)
masks = mask.GetMasks(x)
resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
assert np.abs(masks - expected).max() <= 1e-5 * np.abs(expected).max()
print("halved")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the address space as Linux does")
def test_memory_that_really_runs_out():
    done = subprocess.run([sys.executable, "-c", SCARCE], capture_output=True, text=True)
    assert done.stdout == "halved\n", done.stderr[-2000:]


def test_memory_does_not_grow_with_the_number_of_steps():
    network, x, classes = demo()
    mask = saliency.IntegratedGradients(network.model, classes[0], batch_size=5)
    alive = []

    def count(*_):
        alive.append(sum(t.numel() for t in gc.get_objects() if issubclass(type(t), torch.Tensor)))

    peaks = []
    for steps in (15, 60):  # from the second pass on copies of the weights are kept
        alive.clear()
        with network.model.register_forward_pre_hook(count):
            mask.GetMask(x[0], x_steps=steps)
        peaks.append(max(alive))
    assert peaks[1] <= peaks[0] * 1.02


@pytest.mark.parametrize("method", [saliency.Vanilla, saliency.IntegratedGradients])
def test_a_gradient_that_is_one_number_expanded(method):
    class Sum(torch.nn.Module):
        def forward(self, x):
            return x.sum((1, 2, 3))

    x = np.random.default_rng(0).random((3, 4, 4))
    mask = method(Sum(), 0)
    expected = np.ones_like(x) if method is saliency.Vanilla else x
    np.testing.assert_allclose(mask.GetMask(x), expected, rtol=1e-6)
    assert np.isfinite(mask.GetSmoothedMask(x, seed=0)).all()


def test_looking_for_logits_does_not_load_torchs_compiler():
    code = (
        "import sys, numpy as np, saliency; from saliency import nets; "
        "saliency.Occlusion(nets.load('DemoNet').model, 3).GetMask(np.ones((3, 96, 96)), size=48, stride=48); "
        "print('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_looking_for_logits_in_a_compiled_model():
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 4), torch.nn.Softmax(dim=1)).eval()
    x = np.random.default_rng(0).random((3, 2, 2))
    expected = saliency.Occlusion(model[:2], 1).GetMask(x, size=1)
    compiled = torch.compile(model, backend="aot_eager")
    compiled(torch.zeros(1, 3, 2, 2))
    np.testing.assert_allclose(saliency.Occlusion(compiled, 1).GetMask(x, size=1), expected, rtol=1e-5, atol=1e-6)


def test_a_callable_that_leaves_torch_is_told_or_served():
    network, x, _ = demo()

    def third(outputs):
        return outputs.detach().numpy()[:, 3]

    for method in (saliency.Vanilla, saliency.GradCAM):
        with pytest.raises(saliency.TargetError, match="`y` must return a torch.Tensor, .* it returned a ndarray"):
            method(network.model, third).GetMask(x[0])
    options = {"size": 32, "stride": 32}
    expected = saliency.Occlusion(network.model, 3).GetMask(x[0], **options)
    np.testing.assert_array_equal(saliency.Occlusion(network.model, third).GetMask(x[0], **options), expected)


def test_a_single_number_as_input():
    class Square(torch.nn.Module):
        def forward(self, x):
            return (x * x)[:, None]

    assert saliency.Vanilla(Square(), 0).GetMask(3.0) == 6
