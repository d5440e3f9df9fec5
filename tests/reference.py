"""A reference adapter for NumPy functions with known gradients, whose arrays support only what every framework supports."""

import operator
from types import SimpleNamespace

import numpy as np

from saliency.core.adapter import GradientAdapter
from saliency.core.validation import host_numbers

NAMESPACE = "sum mean clip where amax concatenate reshape take ones_like"


class MinimalArray:
    """An array with operators, indexing and a shape, but no methods, no len() and no advanced indexing."""

    __array_ufunc__ = None

    def __init__(self, array):
        self.array = array
        self.shape = array.shape
        self.dtype = array.dtype

    def __getitem__(self, key):
        assert all(isinstance(one, int | slice | None | type(...)) for one in (key if isinstance(key, tuple) else (key,)))
        return MinimalArray(self.array[key])

    def __neg__(self):
        return MinimalArray(-self.array)

    def __abs__(self):
        return MinimalArray(abs(self.array))


for name in ["add", "sub", "mul", "truediv", "pow", "matmul", "lt", "le", "gt", "ge"]:
    operation = getattr(operator, name)
    setattr(MinimalArray, f"__{name}__", lambda a, b, do=operation: MinimalArray(do(a.array, _unwrap(b))))
    if name not in ("lt", "le", "gt", "ge"):
        setattr(MinimalArray, f"__r{name}__", lambda a, b, do=operation: MinimalArray(do(_unwrap(b), a.array)))


def _unwrap(value):
    assert not isinstance(value, np.ndarray), "a host array is combined with a device array"
    if isinstance(value, list | tuple):
        return type(value)(map(_unwrap, value))
    return value.array if isinstance(value, MinimalArray) else value


def _namespace_function(name):
    def function(*args, **kwargs):
        return MinimalArray(np.asarray(getattr(np, name)(*map(_unwrap, args), **kwargs)))

    return function


class JacobianAdapter(GradientAdapter):
    """Adapt a function `f(x)` (N, *input) -> (N, classes) with a given Jacobian `df(x)`, (N, classes, *input)."""

    xp = SimpleNamespace(**{name: _namespace_function(name) for name in NAMESPACE.split()})
    channel_axis = 0
    independent_samples = True  # so that every pass counts

    def __init__(self, f, df):
        self.f, self.df = f, df
        self.passes = []  # the number of samples of each gradient pass
        self.drawn = []  # the seeds of the noise

    def asarray(self, value, name="x_value"):
        if isinstance(value, MinimalArray):
            return value
        return MinimalArray(np.asarray(host_numbers(value, name, self.channel_axis), np.float64))

    def asfeed(self, value, name):
        return MinimalArray(np.asarray(value)) if isinstance(value, list | np.ndarray) else value

    def numpy(self, array):
        return array.array

    def normal(self, shape, seeds):
        self.drawn += seeds
        return MinimalArray(np.stack([np.random.default_rng(seed).standard_normal(shape) for seed in seeds]))

    def kth_smallest(self, array, k):
        return MinimalArray(np.partition(array.array, k - 1, axis=1)[:, k - 1 : k])

    def outputs(self, x, request):
        return MinimalArray(self.f(x.array))

    def gradients(self, x, request):
        x, target = x.array, request.target
        scores = target.scores(MinimalArray(self.f(x)), len(x), self)
        self.passes.append(len(x))
        inputs = np.arange(scores.shape[0]) // (scores.shape[0] // len(x))  # the index of each sample's input
        weights = target.weights.reshape(*target.weights.shape, *[1] * (x.ndim - 1))
        jacobian = self.df(x)[inputs[:, None], target.units[..., 0]]  # df: (N, classes, *input)
        return scores, MinimalArray((jacobian * weights).sum(1))

    def features(self, x, request):
        raise NotImplementedError


def linear(weights):
    """Return the adapter of f(x) = x . w for each class; weights: (classes, *input)."""
    weights = np.asarray(weights, float)

    def f(x):
        return x.reshape(len(x), -1) @ weights.reshape(len(weights), -1).T

    return JacobianAdapter(f, lambda x: np.broadcast_to(weights, (len(x), *weights.shape)))


def quadratic(scales):
    """Return the adapter of f(x) = scale * |x|^2 / 2 for each class, whose gradient is scale * x."""
    scales = np.asarray(scales, float)

    def f(x):
        return (x.reshape(len(x), -1) ** 2).sum(1)[:, None] * scales / 2

    return JacobianAdapter(f, lambda x: x[:, None] * scales.reshape(1, -1, *[1] * (x.ndim - 1)))


def sigmoid(scale=1.0):
    """Return the adapter of f(x) = 1 / (1 + exp(-scale * sum(x))).

    Its integrated gradients from a baseline b are (x - b) (f(x) - f(b)) / sum(x - b).
    """

    def f(x):
        return 1 / (1 + np.exp(-scale * x.reshape(len(x), -1).sum(1)))[:, None]

    def df(x):
        return (scale * f(x) * (1 - f(x))).reshape(-1, 1, *[1] * (x.ndim - 1)) * np.ones_like(x)[:, None]

    return JacobianAdapter(f, df)


def hinge(kink):
    """Return the adapter of f(x) = sum(max(0, x - kink))."""
    return JacobianAdapter(
        lambda x: np.maximum(x - kink, 0).reshape(len(x), -1).sum(1)[:, None], lambda x: (x > kink)[:, None].astype(float)
    )
