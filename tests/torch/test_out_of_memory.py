"""A batch that does not fit into memory is halved, and memory does not grow with the steps."""

import gc
import sys

import numpy as np
import pytest
import torch

import saliency
from tests.torch.test_captum import demo


@pytest.fixture(scope="module", autouse=True)
def skip_older_objects():
    """Exclude the objects of earlier tests from garbage collections: each batch that does not fit causes one."""
    gc.collect()
    gc.freeze()


class OutOfMemoryModel(torch.nn.Module):
    """A model that raises one of Torch's out-of-memory errors for more than three inputs."""

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
def test_batch_that_does_not_fit_is_halved(method, error):
    model, x = OutOfMemoryModel(error), np.random.default_rng(0).normal(size=(10, 1, 6, 6))
    options = {"size": 5} if method is saliency.Occlusion else {"x_steps": 10}
    masks = method(model, 0).GetMasks(x, **options)
    expected = method(OutOfMemoryModel(error), 0, batch_size=1).GetMasks(x, **options)
    np.testing.assert_allclose(masks, expected, rtol=1e-4, atol=1e-5)
    assert 0 < sum(size > 3 for size in model.sizes) < 5


def test_other_errors_are_not_out_of_memory():
    with pytest.warns(saliency.BatchWarning, match="RuntimeError: shapes do not match"):
        saliency.Vanilla(OutOfMemoryModel(RuntimeError("shapes do not match")), 0).GetMasks(np.ones((4, 1, 2, 2)))


def test_error_for_one_input_that_does_not_fit():
    class Never(torch.nn.Module):
        def forward(self, x):
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(
        saliency.MemoryShortage, match=r"1 input\(s\) of shape \(1, 2, 2\) at once do not fit into the memory of cpu"
    ):
        saliency.Vanilla(Never(), 0).GetMasks(np.ones((4, 1, 2, 2)))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the address space as Linux does")
def test_exhausted_memory(fresh_process):
    sizes = fresh_process("torch").steps["scarce memory"]
    assert max(sizes) == 32 > min(sizes), sizes


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
