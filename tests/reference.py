"""An adapter of plain NumPy functions with known gradients, on a namespace that holds only the promised words."""

from types import SimpleNamespace

import numpy as np

from saliency.core.adapter import GradientAdapter
from saliency.core.numbers import host_numbers

WORDS = "sum mean clip where amax concatenate reshape ones_like"


class FunctionAdapter(GradientAdapter):
    """Differentiates `f(x)` (N, *input) -> (N, classes), whose Jacobian `df(x)` (N, classes, *input) is given."""

    xp = SimpleNamespace(**{word: getattr(np, word) for word in WORDS.split()})
    channel_axis = 0

    def __init__(self, f, df):
        self.f, self.df = f, df
        self.passes = []  # samples of each gradient pass
        self.drawn = []  # seeds of the noise

    def asarray(self, value, name="x_value"):
        return np.asarray(host_numbers(value, name, self.channel_axis), np.float64)

    def asfeed(self, value, name):
        return np.asarray(value) if isinstance(value, list | np.ndarray) else value

    def numpy(self, array):
        return np.asarray(array)

    def normal(self, shape, seeds):
        self.drawn += seeds
        return np.stack([np.random.default_rng(seed).standard_normal(shape) for seed in seeds])

    def outputs(self, x, target, feed):
        return self.f(x)

    def gradients(self, x, target, feed, rule=None, allow_no_relu=False):
        scores = target.scores(self.f(x), len(x), self)
        self.passes.append(len(x))
        inputs = np.arange(len(scores)) // (len(scores) // len(x))  # of each sample
        weights = target.weights.reshape(*target.weights.shape, *[1] * (x.ndim - 1))
        return scores, (self.df(x)[inputs[:, None], target.units[..., 0]] * weights).sum(1)  # df: (N, classes, *input)

    def features(self, x, target, feed, layer=None):
        raise NotImplementedError


def linear(weights):
    """f(x) = x . w for each class; w is (classes, *input)."""
    weights = np.asarray(weights, float)

    def f(x):
        return x.reshape(len(x), -1) @ weights.reshape(len(weights), -1).T

    return FunctionAdapter(f, lambda x: np.broadcast_to(weights, (len(x), *weights.shape)))


def quadratic(scales):
    """f(x) = scale * |x|^2 / 2 for each class, whose gradient is scale * x."""
    scales = np.asarray(scales, float)

    def f(x):
        return (x.reshape(len(x), -1) ** 2).sum(1)[:, None] * scales / 2

    return FunctionAdapter(f, lambda x: x[:, None] * scales.reshape(1, -1, *[1] * (x.ndim - 1)))
