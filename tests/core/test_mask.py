"""Compare masks with closed forms, on an adapter without a framework."""

import numpy as np
import pytest

from saliency import Vanilla
from saliency.core.errors import InputError
from tests.reference import JacobianAdapter, linear, quadratic

RNG = np.random.default_rng(0)
W = RNG.normal(size=(4, 3, 5, 6))
X = RNG.normal(size=(7, 3, 5, 6))


def test_the_gradient_of_a_linear_function_is_its_weights():
    for y in range(4):
        np.testing.assert_array_equal(Vanilla(linear(W), y).GetMask(X[0]), W[y])


def test_a_list_is_the_sum_of_its_classes():
    np.testing.assert_allclose(Vanilla(linear(W), [1, 3]).GetMask(X[0]), W[1] + W[3])


def test_no_target_is_each_sample_s_top_class():
    tops = (X.reshape(7, -1) @ W.reshape(4, -1).T).argmax(1)
    assert len(set(tops)) > 1
    np.testing.assert_array_equal(Vanilla(linear(W)).GetMasks(X), W[tops])


def test_each_input_has_its_own_target_or_sum_of_targets():
    masks = Vanilla(linear(W)).GetMasks(X, y=[0, [1], [1, 2], [0, 1, 2, 3], 3, None, 2])
    top = (X[5].ravel() @ W.reshape(4, -1).T).argmax()
    expected = [W[0], W[1], W[1] + W[2], W.sum(0), W[3], W[top], W[2]]
    np.testing.assert_allclose(masks, expected)


def test_indices_of_any_library():
    torch = pytest.importorskip("torch")
    for y in (np.int64(3), np.array(3), torch.tensor(3), np.array([3]), range(3, 4), torch.tensor([3])):
        np.testing.assert_array_equal(Vanilla(linear(W), y, batch_size=np.int64(4)).GetMask(X[0]), W[3])
    for ys in (np.array([1, 2]), torch.tensor([1, 2]), range(1, 3)):
        np.testing.assert_array_equal(Vanilla(linear(W)).GetMasks(X[:2], y=ys), W[1:3])


def test_the_default_batch_is_bounded():
    adapter = linear(W)
    Vanilla(adapter, 0).GetSmoothedMasks(np.zeros((70, 3, 5, 6)), nsamples=3, magnitude=False)
    assert max(adapter.passes) <= 32
    large = JacobianAdapter(lambda x: x.mean((1, 2))[:, None], lambda x: np.ones((len(x), 1, *x.shape[1:])))
    Vanilla(large, 0).GetSmoothedMask(np.zeros((1000, 1200)), nsamples=5, magnitude=False)
    assert max(large.passes) <= 2


def test_a_table_of_inputs():
    import pandas as pd

    weights = RNG.normal(size=(2, 4))
    table = pd.DataFrame(RNG.normal(size=(5, 4)), index=list("abcde"))
    np.testing.assert_array_equal(Vanilla(linear(weights), 1).GetMasks(table), [weights[1]] * 5)


def test_one_target_for_all_replaces_the_mask_s_own():
    np.testing.assert_array_equal(Vanilla(linear(W), 0).GetMasks(X, y=2), [W[2]] * 7)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_masks_do_not_depend_on_the_batch_size(size):
    adapter = quadratic([1, 2])
    np.testing.assert_allclose(Vanilla(adapter, 1, batch_size=size).GetMasks(X), 2 * X)
    assert max(adapter.passes) <= size
    assert sum(adapter.passes) == 7


@pytest.mark.parametrize(("size", "passes"), [(5, [4, 3]), (6, [4, 3]), (3, [3, 2, 2]), (7, [7])])
def test_batches_are_even(size, passes):
    adapter = quadratic([1, 2])
    Vanilla(adapter, 1, batch_size=size).GetMasks(X)
    assert adapter.passes == passes


def test_smoothing_a_linear_function_changes_nothing():
    mask = Vanilla(linear(W), 1).GetSmoothedMask(X[0], nsamples=5, magnitude=False)
    np.testing.assert_allclose(mask, W[1])
    np.testing.assert_allclose(Vanilla(linear(W), 1).GetSmoothedMask(X[0]), W[1] ** 2)


def test_one_sample_without_noise_is_the_mask():
    mask = Vanilla(quadratic([1, 3]), 1)
    np.testing.assert_array_equal(mask.GetSmoothedMask(X[0], stdev_spread=0, nsamples=1, magnitude=False), mask.GetMask(X[0]))


def test_noise_has_the_promised_spread_and_squares_are_averaged():
    x = np.linspace(-1, 2, 3 * 40 * 40).reshape(3, 40, 40)
    mask = Vanilla(quadratic([1]), 0).GetSmoothedMask(x, stdev_spread=0.2, nsamples=200, seed=1)
    # E[(x + n)^2] = x^2 + sigma^2, sigma = 0.2 * (2 - -1)
    np.testing.assert_allclose((mask - x**2).mean(), 0.6**2, rtol=0.01)


@pytest.mark.parametrize("size", [1, 4, 25, 64])
def test_a_seed_gives_the_same_mask_for_any_batch_size(size):
    alone = Vanilla(quadratic([1]), 0, batch_size=25).GetSmoothedMask(X[2], seed=5)
    adapter = quadratic([1])
    together = Vanilla(adapter, 0, batch_size=size).GetSmoothedMasks(X, seed=5)
    np.testing.assert_allclose(together[2], alone, rtol=1e-12)
    assert max(adapter.passes) <= size
    assert sum(adapter.passes) == 7 * 25


def test_a_sample_s_noise_does_not_depend_on_the_number_of_samples():
    seeds = {}
    for n in (1, 10, 25):
        adapter = quadratic([1])
        drawn = adapter.drawn = []
        Vanilla(adapter, 0, batch_size=4).GetSmoothedMask(X[0], nsamples=n, seed=3)
        seeds[n] = drawn
    assert seeds[25][:10] == seeds[10] and seeds[10][:1] == seeds[1]
    assert len(set(seeds[25])) == 25


def test_seeds_differ_and_no_seed_leaves_numpy_s_generator_alone():
    mask = Vanilla(quadratic([1]), 0)
    before = np.random.get_state()[1].copy()
    masks = [mask.GetSmoothedMask(X[0], seed=seed, nsamples=2) for seed in (0, 1, None, None)]
    assert len({m.tobytes() for m in masks}) == 4
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_samples_are_split_evenly():
    adapter = quadratic([1])
    Vanilla(adapter, 0, batch_size=8).GetSmoothedMask(X[0], nsamples=25)
    assert sorted(adapter.passes) == [6, 6, 6, 7]


def test_progress_counts_masks(capsys):
    Vanilla(quadratic([1]), 0).GetSmoothedMask(X[0], nsamples=9, progress=True)
    assert "9/9" in capsys.readouterr().err


def test_inputs_may_be_lists_integers_and_images():
    from PIL import Image

    pixels = RNG.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    mask = Vanilla(quadratic([1]), 0)
    for x in (pixels.transpose(2, 0, 1), pixels.transpose(2, 0, 1).tolist(), Image.fromarray(pixels)):
        np.testing.assert_array_equal(mask.GetMask(x), pixels.transpose(2, 0, 1))
    np.testing.assert_array_equal(mask.GetMask(Image.fromarray(pixels[..., 0])), pixels[None, ..., 0])
    with pytest.raises(InputError, match=r"`x_value` \(a PIL image of mode P\) holds palette indices"):
        mask.GetMask(Image.fromarray(pixels[..., 0]).convert("P"))
