"""Progress bars."""

import numpy as np
import pytest

from saliency import IntegratedGradients, Occlusion, Vanilla
from tests.reference import quadratic

RNG = np.random.default_rng(0)
W = RNG.normal(size=(4, 3, 5, 6))
X = RNG.normal(size=(7, 3, 5, 6))


@pytest.mark.parametrize(
    ("method", "name", "options", "evaluations"),
    [
        (Vanilla, "GetMasks", {}, 7),
        (Vanilla, "GetSmoothedMasks", {"nsamples": 3}, 21),
        (IntegratedGradients, "GetMasks", {"x_steps": 9}, 63),
        (IntegratedGradients, "GetSmoothedMasks", {"nsamples": 3}, 7 * 3 * 25),
        (Occlusion, "GetMasks", {"size": 3, "stride": 3}, 7 * (2 * 2 + 1)),
    ],
)
def test_progress_counts_evaluations_and_expects_as_many(method, name, options, evaluations, capsys):
    getattr(method(quadratic([1]), 0, batch_size=2), name)(X, progress=True, **options)
    bar = capsys.readouterr().err
    assert f"{evaluations}/{evaluations}" in bar and "100%" in bar
    assert ("gradients" if method.differentiates else "outputs") in bar


def test_progress_knows_the_total_before_the_first_mask_is_done(capsys):
    IntegratedGradients(quadratic([1]), 0, batch_size=2, x_steps=1000).GetMasks(X[:1], progress=True)
    assert "/1000" in capsys.readouterr().err.split("\r")[2]
