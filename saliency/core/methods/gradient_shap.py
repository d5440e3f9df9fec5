"""GradientSHAP: expected gradients at random points between random baselines and noisy inputs."""

from typing import Any, final

import numpy as np

from saliency.core.mask import SaliencyMask
from saliency.core.methods.baselines import make_baselines
from saliency.core.noise import Noise, sample_seeds
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import whole_number


@final
class GradientSHAP(SaliencyMask):
    """The mean of (x - baseline) times the gradient at a random point between the two: an estimate of SHAP values.

    The mask has the input's shape, in score units.

    Options:
        x_baseline: one or several, as for ``IntegratedGradients``; each sample draws one of them.
        x_steps: number of random points.
        spread: standard deviation of noise on x, in units of the input's range (maximum - minimum).
        seed: a whole number makes the result repeatable; None does not.

    Source:
        Lundberg & Lee, A Unified Approach to Interpreting Model Predictions, arXiv:1705.07874; Erion et al., Improving
        performance of deep learning models with axiomatic attribution priors and expected gradients, arXiv:1906.10670.
    """

    def masks(
        self,
        score: Score,
        x: Array,
        x_baseline: Any = None,
        x_steps: int = 25,
        spread: float = 0.0,
        seed: int | None = None,
    ) -> Array:
        """Return the mean over samples of (x - baseline) * gradient(baseline + random part * (x - baseline))."""
        adapter, xp, baselines = score.adapter, score.adapter.xp, make_baselines(x_baseline, score, x)
        noise, samples = Noise.of(spread, seed, name="spread"), whole_number("x_steps", x_steps, least=1)
        draws = [np.random.default_rng((one, 1)) for one in sample_seeds(noise.seed, samples)]  # apart from the noise's own
        parts, picks = [draw.random() for draw in draws], [int(draw.integers(len(baselines))) for draw in draws]
        score.plan.progress.announce(samples * score.n)
        total, done = 0.0, 0
        for noisy in noise.copies(score, x, range(samples)):
            run = range(done, done := done + noisy.shape[0])
            start = xp.concatenate([baselines[picks[i]][None] for i in run])  # (samples, N, *input)
            part = xp.reshape(adapter.asarray([parts[i] for i in run]), (-1, *[1] * len(x.shape)))
            points = start + part * (noisy - start)
            gradients = score.repeat(len(run)).gradients(xp.reshape(points, (-1, *x.shape[1:])))
            total = total + xp.sum((noisy - start) * xp.reshape(gradients, points.shape), axis=0)
        return total / samples
