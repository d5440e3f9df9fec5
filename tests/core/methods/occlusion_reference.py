"""Occlusion by a loop over windows, as a reference."""

import itertools

import numpy as np

from tests.core.methods.forward_adapter import ForwardAdapter

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3, 6, 7))

MIX, OUT = RNG.normal(size=(126, 8)) / 6, RNG.normal(size=(8, 4))


def net(x):
    """A nonlinear function with 4 classes, whose pixels interact."""
    flat = x.reshape(len(x), -1)
    return np.tanh(flat @ MIX[: flat.shape[1]]) @ OUT


def adapter(f=net, channel_axis=0):
    return ForwardAdapter(f, channel_axis)


def by_hand(x, y, size, stride=1, cover=0.0, space=(1, 2), average=False):
    """Cover the input with each window, and add the drop in score to every value in the window."""
    sizes, strides = (np.broadcast_to(number, len(space)) for number in (size, stride))
    starts = []
    for axis, wide, step in zip(space, sizes, strides, strict=True):
        at = [0]
        while at[-1] + wide < x.shape[axis]:
            at.append(min(at[-1] + step, x.shape[axis] - wide))  # the last window ends at the border
        starts.append(at)
    cover, total, times = np.broadcast_to(cover, x.shape), np.zeros(x.shape), np.zeros(x.shape)
    for corner in itertools.product(*starts):
        window = [slice(None)] * x.ndim
        for axis, at, wide in zip(space, corner, sizes, strict=True):
            window[axis] = slice(at, at + wide)
        covered = x.copy()
        covered[tuple(window)] = cover[tuple(window)]
        total[tuple(window)] += net(x[None])[0, y] - net(covered[None])[0, y]
        times[tuple(window)] += 1
    return total / times if average else total
