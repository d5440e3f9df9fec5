"""An adapter of plain NumPy functions with known gradients, whose arrays can do no more than what is promised of all."""

import operator
from types import SimpleNamespace

import numpy as np

from saliency.core.adapter import GradientAdapter
from saliency.core.validation import host_numbers

WORDS = "sum mean clip where amax concatenate reshape take ones_like"


class Bare:
    """An array with operators, indexing and a shape, and nothing else: no methods, no len(), no advanced indexing."""

    __array_ufunc__ = None

    def __init__(self, array):
        self.array = array
        self.shape = array.shape
        self.dtype = array.dtype

    def __getitem__(self, key):
        assert all(isinstance(one, int | slice | None | type(...)) for one in (key if isinstance(key, tuple) else (key,)))
        return Bare(self.array[key])

    def __neg__(self):
        return Bare(-self.array)


for name in ["add", "sub", "mul", "truediv", "pow", "matmul", "lt", "le", "gt", "ge"]:
    forward = getattr(operator, name)
    setattr(Bare, f"__{name}__", lambda a, b, do=forward: Bare(do(a.array, _bare(b))))
    if name not in ("lt", "le", "gt", "ge"):
        setattr(Bare, f"__r{name}__", lambda a, b, do=forward: Bare(do(_bare(b), a.array)))


def _bare(value):
    assert not isinstance(value, np.ndarray), "an array of the host stands beside one of the device"
    if isinstance(value, list | tuple):
        return type(value)(map(_bare, value))
    return value.array if isinstance(value, Bare) else value


def _word(name):
    def word(*args, **kwargs):
        return Bare(np.asarray(getattr(np, name)(*map(_bare, args), **kwargs)))

    return word


class FunctionAdapter(GradientAdapter):
    """Differentiates `f(x)` (N, *input) -> (N, classes), whose Jacobian `df(x)` (N, classes, *input) is given."""

    xp = SimpleNamespace(**{word: _word(word) for word in WORDS.split()})
    channel_axis = 0

    def __init__(self, f, df):
        self.f, self.df = f, df
        self.passes = []  # samples of each gradient pass
        self.drawn = []  # seeds of the noise

    def asarray(self, value, name="x_value"):
        if isinstance(value, Bare):
            return value
        return Bare(np.asarray(host_numbers(value, name, self.channel_axis), np.float64))

    def asfeed(self, value, name):
        return Bare(np.asarray(value)) if isinstance(value, list | np.ndarray) else value

    def numpy(self, array):
        return array.array

    def normal(self, shape, seeds):
        self.drawn += seeds
        return Bare(np.stack([np.random.default_rng(seed).standard_normal(shape) for seed in seeds]))

    def outputs(self, x, request):
        return Bare(self.f(x.array))

    def gradients(self, x, request):
        x, target = x.array, request.target
        scores = target.scores(Bare(self.f(x)), len(x), self)
        self.passes.append(len(x))
        inputs = np.arange(scores.shape[0]) // (scores.shape[0] // len(x))  # of each sample
        weights = target.weights.reshape(*target.weights.shape, *[1] * (x.ndim - 1))
        return scores, Bare((self.df(x)[inputs[:, None], target.units[..., 0]] * weights).sum(1))  # df: (N, classes, *input)

    def features(self, x, request):
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
