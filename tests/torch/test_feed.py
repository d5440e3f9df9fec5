"""The model's other inputs are passed by name."""

import numpy as np
import pytest
import torch

import saliency
from saliency import Vanilla
from tests.torch.small_network import X


class TwoInputs(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(10, 3)

    def forward(self, x, words, scale, double=False):
        gate = self.embed(words).mean(1)  # (N, 3)
        return {"scores": x.mean((2, 3)) * gate * scale * (2 if double else 1), "more": None}


def test_other_inputs_are_passed_by_name():
    torch.manual_seed(0)
    model = TwoInputs()
    feed = {"words": [1, 2, 2], "scale": np.array([0.5]), "double": True}
    mask = Vanilla(model, lambda out: out["scores"].sum(1)).GetMask(X[0], feed)
    gate = model.embed.weight[[1, 2, 2]].mean(0).detach().numpy()
    np.testing.assert_allclose(mask, np.broadcast_to(gate[:, None, None] / 64, (3, 8, 8)), rtol=1e-5)
    assert feed["words"] == [1, 2, 2]
    smooth = Vanilla(model, lambda out: out["scores"].sum(1), batch_size=4).GetSmoothedMask(X[0], feed, magnitude=False)
    np.testing.assert_allclose(smooth, mask, rtol=1e-5)
    many = {"words": [[1, 2, 2], [3, 4, 5]], "scale": [[0.5], [2.0]], "double": True}
    masks = Vanilla(model, lambda out: out["scores"].sum(1), batch_size=1).GetMasks(X[:2], feed_dict=many)
    np.testing.assert_allclose(masks[0], mask, rtol=1e-5)
    assert abs(masks[1]).max() > 2 * abs(mask).max() or not np.allclose(masks[1], mask)
    np.testing.assert_allclose(Vanilla(model, 2).GetMask(X[0], feed)[2], gate[2] / 64, rtol=1e-5)


def test_other_inputs_may_be_infinite_but_arrays_must_hold_numbers():
    class Masked(torch.nn.Module):
        def forward(self, x, bias):
            return (x.flatten(2).mean(2) + bias).softmax(1)

    mask = Vanilla(Masked(), 0, logits=False).GetMask(X[0], {"bias": [0.0, 0.0, -np.inf]})
    assert mask[0].any() and mask[1].any() and not mask[2].any()
    with pytest.raises(saliency.InputError, match=r"`feed_dict\['bias'\]` \(ndarray\) must be an array of numbers"):
        Vanilla(Masked(), 0).GetMask(X[0], {"bias": np.array(["a", "b", "c"])})


def test_lists_that_are_no_numbers_and_tuples_are_plain_values():
    class Checked(torch.nn.Module):
        def forward(self, x, **values):
            assert values == given and [type(one) for one in values.values()] == [type(one) for one in given.values()]
            values["ragged"].append(3)  # the model receives a copy
            return x.mean((2, 3)) * values["count"]

    given = {"names": ["a", "b"], "mixed": [1, None, "a"], "ragged": [[1, 2], [3]], "size": (4, 5), "count": 2, "flag": True}
    for masks in (
        Vanilla(Checked(), 0, batch_size=1).GetMasks(X[:3], feed_dict=given),
        Vanilla(Checked(), 0).GetMask(X[0], given)[None],
    ):
        np.testing.assert_allclose(masks[:, 0], 2 / 64)


def test_other_inputs_are_cast_and_not_modified():
    class Scaled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.ones((), dtype=torch.float64))

        def forward(self, x, scale):
            scale.mul_(2)
            assert scale.dtype == torch.float64
            return x.mean((2, 3)) * scale * self.w

    scale = torch.ones(3)
    for _ in range(2):
        np.testing.assert_allclose(Vanilla(Scaled(), 0).GetMask(X[0], {"scale": scale})[0], 2 / 64)
    assert scale.tolist() == [1, 1, 1]
    smooth = Vanilla(Scaled(), 0, batch_size=2).GetSmoothedMask(X[0], {"scale": np.float32(1)}, nsamples=5, magnitude=False)
    np.testing.assert_allclose(smooth[0], 2 / 64)
