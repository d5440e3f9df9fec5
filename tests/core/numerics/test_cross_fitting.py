"""Cross-fitted ridge regression beside explicit fits."""

import numpy as np

from saliency.core.numerics.cross_fitting import PENALTIES, CrossFitting

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(40, 5)) * [1, 2, 3, 4, 5]
OUTPUTS = np.stack([FEATURES @ [1.0, 0.5, 0, 0, 2] + RNG.normal(size=40), RNG.normal(size=40) + 7], axis=1)


def fits(features, outputs, folds=4):
    fitting = CrossFitting(folds, features.shape[1], outputs.shape[1])
    fitting.add(features[:24], outputs[:24])
    fitting.add(features[24:], outputs[24:])
    return fitting.fit()


def ridge(features, outputs):
    """Return the coefficients and the intercept with the smallest generalized cross-validation score, by hat matrices."""
    found, scale = [], None
    centered, n = features - features.mean(axis=0), len(features)
    scale = (centered**2).sum() / centered.shape[1]
    for penalty in scale * PENALTIES:
        inverse = np.linalg.inv(centered.T @ centered + penalty * np.eye(centered.shape[1]))
        coefficients = inverse @ centered.T @ outputs
        hat = centered @ inverse @ centered.T + 1 / n
        score = np.sum((outputs - hat @ outputs) ** 2) / (n - np.trace(hat)) ** 2
        found.append((score, coefficients))
    mean_alone = np.sum((outputs - outputs.mean()) ** 2) / (n - 1) ** 2
    best = min([*found, (mean_alone, np.zeros(centered.shape[1]))], key=lambda one: one[0])[1]
    return best, outputs.mean() - features.mean(axis=0) @ best


def test_a_fold_is_fitted_to_the_others():
    found = fits(FEATURES, OUTPUTS)
    for fold in range(4):
        others = np.arange(40) % 4 != fold
        for i in range(2):
            coefficients, intercept = ridge(FEATURES[others], OUTPUTS[others, i])
            np.testing.assert_allclose(found.coefficients[fold][:, i], coefficients, rtol=1e-7, atol=1e-9)
            np.testing.assert_allclose(found.intercepts[fold, i], intercept, rtol=1e-7)


def test_predictions_are_those_of_each_sample_s_fold():
    found = fits(FEATURES, OUTPUTS)
    predictions = found.predict(FEATURES)
    for i in range(40):
        expected = FEATURES[i] @ found.coefficients[i % 4] + found.intercepts[i % 4]
        np.testing.assert_allclose(predictions[i], expected, rtol=1e-12)


def test_too_few_samples_predict_their_mean():
    found = fits(FEATURES[:2], OUTPUTS[:2], folds=2)
    np.testing.assert_array_equal(found.coefficients, 0)
    np.testing.assert_allclose(found.intercepts, OUTPUTS[1::-1])
    constant = fits(np.zeros((8, 3)), OUTPUTS[:8])
    np.testing.assert_array_equal(constant.coefficients, 0)
