"""Performance information curves in PAIR's interface."""

import numpy as np
import pytest

pytest.importorskip("scipy")

from saliency.compat.pair.metrics import pic

random = np.random.default_rng(0)
PICTURE = np.clip(np.kron(random.integers(0, 250, (5, 5, 3)), np.ones((6, 6, 1))) + random.integers(0, 9, (30, 30, 3)), 0, 255)
PICTURE = PICTURE.astype(np.uint8)
FEW = random.random((30, 30)) < 0.03


def contrast(batch):
    return batch.astype(float).std(axis=(1, 2, 3)) / PICTURE.std()


def test_blurred_pictures_keep_the_pixels_of_the_mask():
    blurred = pic.create_blurred_image(PICTURE, FEW)
    assert (blurred[FEW] == PICTURE[FEW]).all() and blurred.dtype == np.uint8 and blurred.std() < PICTURE.std()
    assert (pic.create_blurred_image(PICTURE, np.ones_like(FEW)) == PICTURE).all()
    assert (pic.create_blurred_image(PICTURE[..., 0], FEW) == blurred[..., 0]).all()
    assert pic.estimate_image_entropy(blurred) < pic.estimate_image_entropy(PICTURE)


def test_pictures_of_floats_keep_their_type():
    blurred = pic.create_blurred_image(
        np.array([[0.0, 0, 0], [1, 8, 1], [0, 0, 0]]), np.array([[0, 0, 0], [1, 0, 0], [0, 0, 0]])
    )
    assert blurred.tolist() == [[0, 0, 0], [1, 0.5, 0], [0, 0, 0]]
    assert pic.create_blurred_image(np.eye(2), np.zeros((2, 2)), "nearest").tolist() == np.eye(2).tolist()
    with pytest.raises(ValueError, match="`method`"):
        pic.create_blurred_image(PICTURE, FEW, "cubic")


def test_random_masks_are_drawn_as_by_pair():
    np.random.seed(3)
    chosen = np.random.choice(20 * 30, replace=False, size=59)
    np.random.seed(3)
    assert np.flatnonzero(pic.generate_random_mask(20, 30, 0.0999)).tolist() == sorted(chosen)


def test_no_picture_is_interpolated_if_the_prediction_is_too_low():
    seen = []
    with pytest.raises(pic.ComputePicMetricError, match="`min_pred_value`"):
        pic.compute_pic_metric(PICTURE, FEW.astype(float), FEW, lambda batch: seen.append(batch) or [0.1], [0.5])
    assert len(seen) == 1 and (seen[0][0] == PICTURE).all()


@pytest.mark.parametrize("monotonous", [True, False])
def test_the_curve_of_a_picture(monotonous):
    found = pic.compute_pic_metric(PICTURE, random.random((30, 30)), FEW, contrast, [0.5, 0.1], 0.8, monotonous, 200)
    assert found.thresholds == [0, 0.1, 0.5, 1] and len(found.blurred_images) == len(found.predictions) == 4
    assert found.predictions == pytest.approx(contrast(np.stack(found.blurred_images)).tolist())
    assert len(found.curve_x) == 201 and found.curve_x[[0, -1]].tolist() == found.curve_y[[0, -1]].tolist() == [0, 1]
    assert found.auc == pytest.approx(np.interp(np.linspace(0, 1, 10**5), found.curve_x, found.curve_y).mean(), abs=1e-3)
    assert (np.diff(found.curve_y) >= 0).all() or not monotonous
    for method in ("mean", "median"):
        other = found._replace(curve_y=found.curve_y**2)
        together = pic.aggregate_individual_pic_results([found, other], method)
        assert together.curve_y == pytest.approx((found.curve_y + other.curve_y) / 2)


def test_pictures_without_a_curve():
    call = (PICTURE, FEW.astype(float), FEW)
    with pytest.raises(ValueError, match="should be of type uint8. The actual type is float64"):
        pic.compute_pic_metric(PICTURE / 2, *call[1:], contrast, [0.5])
    with pytest.raises(pic.ComputePicMetricError, match="must not exceed the prediction"):
        pic.compute_pic_metric(*call, contrast, [0.5], min_pred_value=1.5)
    with pytest.raises(pic.ComputePicMetricError, match="must have a lower prediction"):
        pic.compute_pic_metric(*call, lambda batch: np.ones(len(batch)), [0.5])
    with pytest.raises(ValueError, match="at least one element"):
        pic.aggregate_individual_pic_results([])


def test_axes_that_differ_are_not_merged():
    def result(x):
        return pic.PicMetricResult(np.array(x), np.array([0, 0.5, 1]), [], [], [], 0.5)

    with pytest.raises(ValueError, match="the same `curve_x`"):
        pic.aggregate_individual_pic_results([result([0, 0.5, 1]), result([0, 0.6, 1])])
    assert pic.aggregate_individual_pic_results([result([0, 0.5, 0.5])] * 2).curve_x.tolist() == [0, 0.5, 0.5]
