"""Properties of the restoration: threads, the user's graphs, large tensors, patch tensors and models that cannot be explained."""

import copy
import io
import threading

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from tests.torch.state.fingerprint import fingerprint
from tests.torch.state.stateful_buffers import Buffers
from tests.torch.state.stateful_modules import Recurrent, TensorsInPlace

X = np.random.default_rng(0).normal(size=(3, 8, 8)).astype("f4")


def model_with(module):
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), module, nn.Tanh(), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()


def test_threads_take_turns():
    model = model_with(nn.Sequential(Buffers(), TensorsInPlace()))
    before = fingerprint(model)
    xs, masks = [X + i for i in range(4)], {}
    expected = [saliency.Vanilla(copy.deepcopy(model), 1).GetMask(x) for x in xs]

    def work(i):
        masks[i] = [saliency.Vanilla(model, 1).GetMask(xs[i]) for _ in range(8)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert all(np.array_equal(mask, expected[i]) for i in range(4) for mask in masks[i]) and len(masks) == 4
    assert fingerprint(model) == before


def test_graphs_of_the_user_stay_valid():
    class Scales(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("n", torch.ones(()))

        def forward(self, x):
            y = x * self.n  # the product saves the buffer for its backward pass
            if self.counts:
                self.n += 1
            return y

    model = model_with(Scales())
    model[1].counts = False
    x = torch.tensor(X[None], requires_grad=True)
    out = model(x)[0, 1]
    model[1].counts = True
    with pytest.raises(saliency.SaliencyError, match="inplace"):  # as the user's own backward pass would fail
        saliency.Vanilla(model, 1).GetMask(X)
    saliency.Occlusion(model, 1).GetMask(X, size=4, stride=4)
    assert float(model[1].n) == 1
    (gradient,) = torch.autograd.grad(out, x)
    model[1].counts = False
    np.testing.assert_allclose(saliency.Vanilla(model, 1).GetMask(X), gradient[0], rtol=1e-5, atol=1e-8)


def test_a_large_tensor_that_changes_late_is_reported_and_restored_from_then_on():
    class Cache(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("keys", torch.zeros(50, 1000))

        def forward(self, x):
            if writes:
                self.keys[0] += 1
            return x + self.keys[0, 0]

    writes, model = [], model_with(Cache())
    expected = saliency.Vanilla(model, 1).GetMask(X)
    writes.append(True)
    with pytest.warns(UserWarning, match="changed a tensor in place"):
        saliency.Vanilla(model, 1).GetMask(X)
    before = model[1].keys.clone()
    for _ in range(2):
        saliency.Vanilla(model, 1).GetSmoothedMask(X, nsamples=3)
        assert torch.equal(model[1].keys, before)
    assert expected.shape == X.shape


def test_no_patch_tensors_are_left():
    outside = []

    class Keeps(nn.Module):
        def __init__(self):
            super().__init__()
            self.features, self.more, self.last, self.kept = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), None, {"all": []}

        def forward(self, x):
            h = torch.relu(self.features(x))
            self.last = self.kept["last"] = self.more.seen = h
            self.kept["all"].append((h, h.detach()))
            outside.append(h)
            return torch.relu(self.more(h)).mean((2, 3))

    model = Keeps().eval()
    with torch.no_grad():
        last = model(torch.zeros(1, 3, 64, 64))
    last, before = model.last, fingerprint(model)
    x = np.random.default_rng(0).normal(size=(3, 64, 64)).astype("f4")
    mask = saliency.Occlusion(model, 1).GetMask(x, size=8, stride=4)
    assert mask.details["incremental"] and model.last is last and fingerprint(model) == before
    copy.deepcopy(model)
    torch.save(model.state_dict(), io.BytesIO())
    kept = next(each for each in outside if type(each) is not torch.Tensor)  # out of the adapter's reach
    plain = copy.deepcopy(kept)
    assert type(plain) is torch.Tensor and plain.shape == kept.shape
    stream = io.BytesIO()
    torch.save(kept, stream)
    stream.seek(0)
    assert torch.equal(torch.load(stream), plain)


def test_logs_stay():
    """Lists and sets that gain shapes, integers or text only; a list that gains tensors or floats is restored."""

    class Logs(nn.Module):
        def __init__(self):
            super().__init__()
            self.shapes, self.kinds, self.values, self.means = [], set(), [0.0], [torch.zeros(())]

        def forward(self, x):
            self.shapes.append(tuple(x.shape))
            self.kinds.add(str(x.dtype))
            self.values.append(float(x.detach().mean()))
            self.means.append(x.detach().mean())
            return x

    model = model_with(Logs())
    saliency.Vanilla(model, 1, batch_size=2).GetSmoothedMask(X, nsamples=5)
    log = model[1]
    assert sorted(shape[0] for shape in log.shapes) == [1, 1, 2, 2]  # five copies, and one alone: do the samples meet?
    assert log.kinds == {"torch.float32"}
    assert log.values == [0.0] and len(log.means) == 1


def test_a_state_kept_under_inference_mode():
    x, masks = torch.tensor(X[None]) + 1, []
    for mode in (torch.no_grad, torch.inference_mode):
        torch.manual_seed(1)
        model = model_with(Recurrent())
        with mode():
            model(x)
        state, before = model[1].state, fingerprint(model)
        masks.append(saliency.Vanilla(model, 1).GetMask(X))
        assert model[1].state is state and fingerprint(model) == before
    np.testing.assert_array_equal(*masks)


@pytest.mark.parametrize("layer", [nn.LazyConv2d(3, 3), nn.LazyBatchNorm2d(), nn.LazyLinear(4)])
def test_lazy_layers_are_refused(layer):
    with pytest.raises(saliency.ModelError, match=r"the model's `0.weight` is lazy and has no shape yet.*call the model once"):
        saliency.Vanilla(nn.Sequential(layer, nn.Flatten()), 1)
