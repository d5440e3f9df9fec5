"""The score's derivative along random directions, by finite differences of the network itself."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
CLASS = 3
STEPS = (1e-3, 1e-5, 1e-7, 1e-9, 1e-10, 1e-11)
"""A step must be small, because a ReLU may change its slope within it, and large enough for the rounding of the score. With random
weights, some scores hardly depend on the picture."""

TOLERANCE = 1e-4
DIRECTIONS = 3


def random_directions(shape: tuple[int, ...]) -> Floats:
    """Return directions (directions, *shape)."""
    return np.random.default_rng(2).normal(size=(DIRECTIONS, *shape))


def logit(network: Any, library: str, x: Floats) -> float:
    """Return a class's logit for one picture, as the network computes it."""
    if library == "keras":
        return float(network(x[None], training=False)[0, CLASS])
    import torch

    with torch.no_grad():
        return float(network(torch.tensor(x)[None])[0, CLASS])


def finite_differences(network: Any, library: str, x: Floats, directions: Floats, step: float) -> Floats:
    """Return (logit(x + h v) - logit(x - h v)) / 2h for each direction v and the step h."""
    ends = [(logit(network, library, x + step * v), logit(network, library, x - step * v)) for v in directions]
    return np.array([(after - before) / (2 * step) for after, before in ends])


def closest_differences(network: Any, library: str, x: Floats, directions: Floats, derivatives: Floats) -> Floats:
    """Return the finite differences for the first step at which they agree with derivatives, or those of the last step."""
    for step in STEPS:
        differences = finite_differences(network, library, x, directions, step)
        if agree(derivatives, differences):
            break
    return differences


def agree(derivatives: Floats, differences: Floats) -> bool:
    """Return whether derivatives agree with finite differences, relative to those along all directions."""
    return bool(np.linalg.norm(derivatives - differences) <= TOLERANCE * np.linalg.norm(differences))
