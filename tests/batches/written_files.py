"""Inputs and a mask for ``saliency.map``, a run that is interrupted, and what is in the file."""

import h5py
import numpy as np

import saliency
from tests.core.function_models import net

RNG = np.random.default_rng(1)
X = RNG.normal(size=(7, 2, 5, 6)).astype(np.float32)


def occlusion(y=1, function=net, **options):
    return saliency.Occlusion(saliency.FunctionAdapter(function, channel_axis=0), y, size=2, stride=2, **options)


def contents(path):
    """Return the arrays of a file, and its attributes."""
    with h5py.File(path) as h5:
        found = {}
        h5.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
        return found, dict(h5.attrs)


def same_contents(one, other):
    (one, about), (other, other_about) = contents(one), contents(other)
    return (
        about == other_about
        and list(one) == list(other)
        and all(np.array_equal(one[k], other[k], equal_nan=one[k].dtype.kind == "f") for k in one)
    )


def until(stop, values=X):
    """Yield the inputs, and interrupt before one of them."""
    for i, x in enumerate(values):
        if i == stop:
            raise KeyboardInterrupt
        yield x
