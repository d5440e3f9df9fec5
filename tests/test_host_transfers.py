"""The number of transfers from the device does not grow with steps, samples or windows."""

import contextlib

import numpy as np
import pytest

import saliency

X = np.random.default_rng(0).normal(size=(8, 8, 3)).astype(np.float32)


@contextlib.contextmanager
def torch_reads(reads, monkeypatch):
    """Record every read of a tensor's values: the adapter's ``numpy``, and ``bool``, ``float``, ``item`` and similar."""
    from torch.utils._python_dispatch import TorchDispatchMode

    from saliency.torch import TorchAdapter

    class ReadRecorder(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            if func.overloadpacket.__name__ in ("_local_scalar_dense", "nonzero"):
                reads.append(str(func))
            return func(*args, **(kwargs or {}))

    numpy = TorchAdapter.numpy
    with monkeypatch.context() as patched, ReadRecorder():
        patched.setattr(TorchAdapter, "numpy", lambda self, array: reads.append("numpy") or numpy(self, array))
        yield


@contextlib.contextmanager
def tf_reads(reads, monkeypatch):
    """Record every read of an eager tensor's values: ``numpy``, ``np.asarray``, ``bool``, ``int`` and similar."""
    from tensorflow.python.framework import ops

    from saliency.tf import KerasAdapter

    numpy, out = ops._EagerTensorBase._numpy, KerasAdapter.numpy
    with monkeypatch.context() as patched:
        patched.setattr(KerasAdapter, "numpy", lambda self, array: reads.append("out") or out(self, array))
        patched.setattr(ops._EagerTensorBase, "_numpy", lambda tensor: reads.append("numpy") or numpy(tensor))
        yield


def torch_model():
    import torch
    from torch import nn

    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)]
    return nn.Sequential(*layers).eval(), np.moveaxis(X, -1, 0), "0", torch_reads


def tf_model():
    import keras

    keras.utils.set_random_seed(0)
    layers = [keras.layers.Conv2D(4, 3, activation="relu", name="0"), keras.layers.Conv2D(4, 3, activation="relu")]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers, keras.layers.Flatten(), keras.layers.Dense(3)])
    return model, X, "0", tf_reads


FRAMEWORKS = [
    pytest.param(torch_model, marks=pytest.mark.needs("torch"), id="torch"),
    pytest.param(tf_model, marks=pytest.mark.needs("tensorflow"), id="tensorflow"),
]


def first(outputs):
    return outputs[:, 1]


RUNS = {
    "SmoothGrad": lambda model, layer, n, x: saliency.Vanilla(model, 1, batch_size=4).GetSmoothedMask(x, nsamples=4 * n),
    "guided, smoothed": lambda model, layer, n, x: saliency.GuidedBackprop(model, 1, batch_size=4).GetSmoothedMask(
        x, nsamples=4 * n, antithetic=True
    ),
    "IntegratedGradients": lambda model, layer, n, x: saliency.IntegratedGradients(model, 1, batch_size=4).GetMask(
        x, x_steps=4 * n
    ),
    "GradientSHAP": lambda model, layer, n, x: saliency.GradientSHAP(model, 1, batch_size=4).GetMask(x, x_steps=4 * n, seed=0),
    "Grad-CAM, smoothed": lambda model, layer, n, x: saliency.GradCAM(model, 1, layer=layer, batch_size=4).GetSmoothedMask(
        x, nsamples=4 * n
    ),
    "Occlusion": lambda model, layer, n, x: saliency.Occlusion(model, first, batch_size=4).GetMask(
        x, size=4, stride={1: 4, 5: 2}[n]
    ),  # 4 windows or 9
    "RISE": lambda model, layer, n, x: saliency.RISE(model, first, batch_size=4).GetMask(x, nmasks=4 * n, seed=0),
    "HSIC": lambda model, layer, n, x: saliency.HSIC(model, first, batch_size=4).GetMask(x, nmasks=4 * n, seed=0),
}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("source", FRAMEWORKS)
def test_what_is_read_back_does_not_grow(source, run, monkeypatch):
    model, x, layer, noting = source()
    counts = []
    for n in (1, 5):
        run(model, layer, n, x)  # a first call may have something to find out
        reads = []
        with noting(reads, monkeypatch):
            run(model, layer, n, x)
        counts.append(len(reads))
    assert counts[0] == counts[1]
    assert 1 <= counts[0] <= 4  # the mask, the observed scores, and the details


@pytest.mark.parametrize("source", FRAMEWORKS)
def test_a_read_in_every_step_would_be_noticed(source, monkeypatch):
    model, x, _, noting = source()
    reads = []

    def modifier(gradients):
        return gradients if bool(gradients[0, 0, 0, 0] > 0) else -gradients

    mask = saliency.Vanilla(model, 1, batch_size=4, modifier=modifier)
    with noting(reads, monkeypatch):
        mask.GetSmoothedMask(x, nsamples=20)
    assert len(reads) >= 5
