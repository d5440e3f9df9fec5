"""A function with one layer, for class activation maps."""

import numpy as np

from tests.reference import JacobianAdapter, MinimalArray


class LayeredAdapter(JacobianAdapter):
    """A function with one layer, whose output is `layer(x)`, (N, channels, *space), and d f / d layer is `slopes`."""

    def __init__(self, f, df, layer, slopes, channel_axis=0):
        super().__init__(f, df)
        self.layer, self.slopes, self.channel_axis = layer, np.asarray(slopes, float), channel_axis
        self.layer_inputs, self.layers = [], []  # the inputs of each pass through the layer, and the requested layer

    def features(self, x, request):
        x, target = x.array, request.target
        self.layer_inputs.append(x)
        self.layers.append(request.layer)
        scores = target.scores(MinimalArray(self.f(x)), len(x), self)
        weights = target.weights.reshape(*target.weights.shape, *[1] * (self.slopes.ndim - 1))
        return scores, MinimalArray(self.layer(x)), MinimalArray((self.slopes[target.units[..., 0]] * weights).sum(1))


def on_layer(slopes, channel_axis=0):
    """f(x) = sum(slopes * layer) for each class; the layer returns every other row and column of x (N, C, H, W)."""
    slopes = np.asarray(slopes, float)

    def layer(x):
        return (x if channel_axis == 0 else np.moveaxis(x, -1, 1))[:, :, ::2, ::2]

    def df(x):
        full = np.zeros((len(x), len(slopes), *(x.shape[1:] if channel_axis == 0 else np.moveaxis(x, -1, 1).shape[1:])))
        full[..., ::2, ::2] = slopes
        return full if channel_axis == 0 else np.moveaxis(full, 2, -1)

    return LayeredAdapter(lambda x: np.einsum("nkij,ckij->nc", layer(x), slopes), df, layer, slopes, channel_axis)


A = np.array([[[1, 2], [3, 4]], [[0, 2], [0, 2]]], float)
G = np.array(
    [
        [[[1, -1], [2, 2]], [[-4, 0], [0, -4]]],  # means: 1 and -2
        [[[0, 0], [0, 0]], [[0, 1], [0.5, 0]]],  # means: 0 and 3/8
        [[[-1, 0], [0, -1]], [[-1, 0], [0, 0]]],  # no positive evidence for class 2
    ]
)


X = A.repeat(2, axis=1).repeat(2, axis=2)  # (2, 4, 4); the layer returns A
