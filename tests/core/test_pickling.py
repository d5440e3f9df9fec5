"""Masks, adapters and results can be pickled and copied; errors name what cannot."""

import copy
import pickle
import threading

import numpy as np
import pytest

from saliency import RISE, FunctionAdapter, InputError, ModelError, Occlusion

X = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)


def quadratic(x):
    """A function of a batch with three outputs."""
    return np.stack([(x**k).sum(axis=(1, 2)) for k in (1, 2, 3)], axis=1)


def from_pickle(value):
    return pickle.loads(pickle.dumps(value))  # noqa: S301


COPIES = pytest.mark.parametrize("duplicate", [from_pickle, copy.deepcopy, copy.copy])


@COPIES
@pytest.mark.parametrize(
    "make", [lambda adapter: Occlusion(adapter, 1, size=2), lambda adapter: RISE(adapter, 2, seed=0, nmasks=8)]
)
def test_masks_of_functions(make, duplicate):
    mask = make(FunctionAdapter(quadratic, channel_axis=None, dtype="float64"))
    expected = mask.GetMask(X)
    again = duplicate(mask)
    assert type(again) is type(mask) and again.options == mask.options
    np.testing.assert_array_equal(again.GetMask(X), expected)


@COPIES
def test_results(duplicate):
    masks = Occlusion(FunctionAdapter(quadratic, channel_axis=None), 1, size=2).GetMasks([X, X + 1])
    again = duplicate(masks)
    np.testing.assert_array_equal(again, masks)
    assert type(again) is type(masks) and again.details.keys() == masks.details.keys()
    np.testing.assert_array_equal(again.details["score"], masks.details["score"])
    assert again.about.method == masks.about.method and not np.shares_memory(again, masks)
    np.testing.assert_array_equal(again[1], masks[1])


def test_a_lambda_is_named_for_pickle_and_copied_otherwise():
    mask = Occlusion(FunctionAdapter(lambda x: quadratic(x), channel_axis=None), 1, size=2)
    with pytest.raises(InputError, match=r"`function` \(.*<lambda>\) cannot be pickled.*cloudpickle"):
        pickle.dumps(mask)
    np.testing.assert_array_equal(copy.deepcopy(mask).GetMask(X), mask.GetMask(X))
    with pytest.raises(InputError, match=r"`y` \(.*<lambda>\) cannot be pickled"):
        pickle.dumps(Occlusion(FunctionAdapter(quadratic), lambda outputs: outputs[:, 0]))


def test_a_lambda_with_cloudpickle():
    cloudpickle = pytest.importorskip("cloudpickle")
    mask = Occlusion(FunctionAdapter(lambda x: quadratic(x), channel_axis=None), 1, size=2)
    np.testing.assert_array_equal(pickle.loads(cloudpickle.dumps(mask)).GetMask(X), mask.GetMask(X))  # noqa: S301


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.deepcopy])
def test_a_lock_is_named(duplicate):
    mask = Occlusion(FunctionAdapter(quadratic), 1)
    mask.lock = threading.Lock()
    with pytest.raises(ModelError, match=r"`lock` \(lock\) belongs to this process"):
        duplicate(mask)
