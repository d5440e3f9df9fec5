"""A function by keys, as users of PAIR's interface write it, that records how it was called."""

import numpy as np


class Quadratic:
    """y = sum of a x + b x^2, with its gradient, and a layer of two channels: x itself and 1 - x."""

    def __init__(self, shape, seed=0):
        random = np.random.default_rng(seed)
        self.a, self.b = random.normal(size=(2, *shape))
        self.calls = []

    def __call__(self, x_value_batch, call_model_args=None, expected_keys=None):
        self.calls.append((x_value_batch, call_model_args, expected_keys))
        x, axes = x_value_batch, tuple(range(1, x_value_batch.ndim))
        layer = np.concatenate([x, 1 - x], axis=-1)
        everything = {
            "INPUT_OUTPUT_GRADIENTS": self.a + 2 * self.b * x,
            "OUTPUT_LAYER_VALUES": (self.a * x + self.b * x * x).sum(axis=axes),
            "CONVOLUTION_LAYER_VALUES": layer,
            "CONVOLUTION_OUTPUT_GRADIENTS": np.ones_like(layer) * np.arange(1, 1 + layer.shape[-1]),
        }
        return {key: everything[key] for key in expected_keys}

    @property
    def batches(self):
        return [len(batch) for batch, _, _ in self.calls]
