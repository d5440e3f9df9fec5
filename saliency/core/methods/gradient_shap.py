"""GradientSHAP: gradients at random points between random baselines and noisy inputs."""

from typing import Any, final

import numpy as np

from saliency.core.mask import SaliencyMask
from saliency.core.mask_unit import SCORE
from saliency.core.methods.baselines import make_baselines
from saliency.core.methods.integration_path import PathChoice, check_path
from saliency.core.methods.layer_differences import LayerDifferences, points_between
from saliency.core.noise import Noise, sample_seeds
from saliency.core.points import flattened
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import whole_number


@final
class GradientSHAP(SaliencyMask):
    """Estimate SHAP values by the mean of (x - baseline) times the gradient at random points between the two.

    The mask has the input's shape, in score units.

    Options:
        x_baseline: one or several baselines, as for ``IntegratedGradients``; each sample draws one of them.
        x_steps: number of random points.
        spread: standard deviation of noise added to the input, in units of the input's range (maximum - minimum).
        seed: a whole number makes the result repeatable; None draws a new seed.
        at: a layer, as for ``IntegratedGradients``. The mask has the shape of that array in the framework.
        path: with ``at``, where the random points lie: ``"layer"`` means between the values of the layer at the baseline and
            at the input, ``"input"`` between the baseline and the input. Both multiply by the difference of the values.

    Source:
        Lundberg & Lee, A Unified Approach to Interpreting Model Predictions, arXiv:1705.07874; Erion et al., Improving
        performance of deep learning models with axiomatic attribution priors and expected gradients, arXiv:1906.10670.
    """

    joins_inputs = True
    unit = SCORE

    def masks(
        self,
        score: Score,
        x: Array,
        x_baseline: Any = None,
        x_steps: int = 25,
        spread: float = 0.0,
        seed: int | None = None,
        at: Any = None,
        path: PathChoice = "layer",
    ) -> Array:
        """Return the mean over samples of (x - baseline) * gradient(baseline + random fraction * (x - baseline))."""
        check_path(path)
        score = score.using(at=at)
        adapter, xp, baselines = score.adapter, score.adapter.xp, make_baselines(x_baseline, score, x)
        noise, samples = Noise.of(spread, seed, name="spread"), whole_number("x_steps", x_steps, least=1)
        draws = [np.random.default_rng((one, 1)) for one in sample_seeds(noise.seed, samples)]  # independent of the noise
        fractions, choices = [draw.random() for draw in draws], [int(draw.integers(len(baselines))) for draw in draws]
        layer = None if at is None else LayerDifferences.of(score, x, baselines, path, is_noisy=noise.spread > 0)
        score.plan.progress.announce(samples * score.n)
        total, done = 0.0, 0
        for noisy in noise.copies(score, x, range(samples)):
            chunk = range(done, done := done + noisy.shape[0])
            chosen = [choices[i] for i in chunk]
            start = xp.concatenate([baselines[i][None] for i in chosen])  # (samples, N, *input)
            fraction = adapter.asarray([fractions[i] for i in chunk])
            if layer is None:
                points = points_between(xp, start, noisy, fraction)
                gradients = xp.reshape(score.repeat(len(chunk)).gradients(flattened(score, points)), points.shape)
                difference = noisy - start
            else:
                difference, gradients = layer.evaluate(noisy, start, chosen, fraction)
            total = total + xp.sum(difference * gradients, axis=0)
        return total / samples
