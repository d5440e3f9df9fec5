"""Insertion and deletion against closed forms."""

import numpy as np
import pytest

import saliency
from saliency import InputError
from saliency.metrics import deletion, insertion

RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(3, 4, 5, 2))  # (classes, H, W, channels)
X = RNG.normal(size=(3, 4, 5, 2)).astype(np.float32)


def linear(x):
    return np.tensordot(x, WEIGHTS, axes=((1, 2, 3), (1, 2, 3)))


MODEL = saliency.wrap(linear, channel_axis=-1)
CLASSES = [2, 0, 1]
CONTRIBUTIONS = (WEIGHTS[CLASSES] * X).sum(axis=-1)  # (N, H, W): how much a pixel adds to the score


def test_curve_of_a_linear_model_is_a_cumulative_sum():
    largest_first = -np.sort(-CONTRIBUTIONS.reshape(3, -1), axis=1)
    expected = np.cumsum(np.pad(largest_first, ((0, 0), (1, 0))), axis=1)

    inserted = insertion(MODEL, X, CONTRIBUTIONS, CLASSES, steps=20, baseline=0.0)
    deleted = deletion(MODEL, X, CONTRIBUTIONS, CLASSES, steps=20, baseline=0.0)

    np.testing.assert_allclose(inserted.curve.y, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(deleted.curve.y, expected[:, -1:] - expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(inserted.value, np.trapezoid(expected, dx=1 / 20, axis=1), rtol=1e-4)
    assert (inserted.higher_is_better, deleted.higher_is_better) == (True, False)


@pytest.mark.parametrize("batch_size", [1, 7, "auto"])
def test_perfect_order_wins_for_any_batch_size(batch_size):
    perfect = insertion(MODEL, X, CONTRIBUTIONS, CLASSES, steps=7, baseline=0.0, batch_size=batch_size)
    random = insertion(MODEL, X, RNG.normal(size=(3, 4, 5)), CLASSES, steps=7, baseline=0.0, batch_size=batch_size)

    assert (perfect.value > random.value).all()
    whole = insertion(MODEL, X, CONTRIBUTIONS, CLASSES, steps=7, baseline=0.0)
    np.testing.assert_allclose(perfect.value, whole.value, rtol=1e-5)


def test_targets_of_one_input_have_their_own_passes():
    same = [X[0]] * 2
    maps = RNG.normal(size=(2, 4, 5))

    together = deletion(MODEL, same, maps, [0, 1])
    alone = [deletion(MODEL, [X[0]], maps[i : i + 1], i).value[0] for i in range(2)]

    np.testing.assert_allclose(together.value, alone, rtol=1e-5)


def test_maps_in_the_shape_of_the_inputs_are_summed_over_channels():
    shaped = WEIGHTS[CLASSES] * X
    both = [insertion(MODEL, X, maps, CLASSES, steps=20) for maps in (shaped, CONTRIBUTIONS)]
    np.testing.assert_allclose(both[0].value, both[1].value, rtol=1e-6)


def test_probability_is_the_softmax_of_the_logits():
    found = deletion(MODEL, X, CONTRIBUTIONS, CLASSES, steps=1, baseline=0.0, probability=True)
    logits = linear(X)
    expected = np.exp(logits)[np.arange(3), CLASSES] / np.exp(logits).sum(axis=1)
    np.testing.assert_allclose(found.curve.y, np.stack([expected, np.full(3, 1 / 3)], axis=1), rtol=1e-4)


def test_probabilities_are_not_normalized_twice():
    def softmax(x):
        powers = np.exp(linear(x))
        return powers / powers.sum(axis=1, keepdims=True)

    with pytest.raises(InputError, match="probabilities already"):
        deletion(saliency.wrap(softmax, channel_axis=-1), X, CONTRIBUTIONS, probability=True)


def test_ties_are_random_seeded_and_told():
    constant = np.zeros((1, 4, 5))
    with pytest.warns(UserWarning, match=r"input \[0\] is constant"):
        first = insertion(MODEL, X[:1], constant, [0], seed=3)
    with pytest.warns(UserWarning, match="constant"):
        again = insertion(MODEL, X[:1], constant, [0], seed=3)
    with pytest.warns(UserWarning, match="constant"):
        other = insertion(MODEL, X[:1], constant, [0], seed=4)

    assert first.details["ties"] == [1.0]
    assert first.value == again.value
    assert first.value != other.value
    assert np.isnan(first.standard_error)


def test_maps_are_read_part_by_part(tmp_path):
    stored = np.lib.format.open_memmap(tmp_path / "maps.npy", "w+", np.float32, (3, 4, 5))
    stored[:] = CONTRIBUTIONS
    from_file = insertion(MODEL, X, stored, CLASSES, batch_size=1)
    np.testing.assert_allclose(from_file.value, insertion(MODEL, X, CONTRIBUTIONS, CLASSES).value, rtol=1e-4)


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        (np.zeros((2, 4, 5)), r"\(2 maps\) must hold one map for each of the 3"),
        (np.zeros((3, 5, 4)), r"`masks\[0\]` \(shape \(5, 4\)\)"),
        (np.full((3, 4, 5), np.nan), r"`masks\[0\]` holds 20 NaN"),
        (np.full((3, 4, 5), "a"), "real numbers"),
    ],
)
def test_unsuitable_maps_are_refused(maps, message):
    with pytest.raises(InputError, match=message):
        insertion(MODEL, X, maps, CLASSES)


def test_result_describes_itself():
    result = deletion(MODEL, X, CONTRIBUTIONS, CLASSES)
    assert "lower is better" in repr(result)
    assert result.standard_error == pytest.approx(result.value.std(ddof=1) / np.sqrt(3))
    assert len(result.figure().axes) == 1
