"""The features of a layer change where a patch of the picture changes."""

import numpy as np
import numpy.typing as npt

from saliency import wrap
from saliency.core.adapter_request import Request
from saliency.core.target import Target
from tests.zoo.network import Network, Size

Place = tuple[int, int]
Floats = npt.NDArray[np.float64]


def picture(network: Network, size: Size) -> Floats:
    """Return a picture of noise, (3, height, width) in Torch and (height, width, 3) in Keras."""
    noise = np.random.default_rng(0).normal(size=(*size, 3))
    return noise if network.library == "keras" else noise.transpose(2, 0, 1)


def places(grid: Place) -> list[Place]:
    """Return three positions of a grid, which no reflection and no exchange of the axes maps to each other."""
    rows, columns = grid
    return [(0, columns - 1), (rows // 2, columns // 3), (rows - 1, 1)]


def with_patch(network: Network, pixels: Floats, grid: Place, place: Place) -> Floats:
    """Paste a patch of strong noise onto the part of a picture that belongs to a position of a grid."""
    image = np.array(pixels if network.library == "keras" else pixels.transpose(1, 2, 0))
    part = tuple(
        slice(length * at // count, -(-length * (at + 1) // count))
        for length, at, count in zip(image.shape, place, grid, strict=False)
    )
    image[part] = 3 * np.random.default_rng(1).normal(size=image[part].shape)
    return image if network.library == "keras" else image.transpose(2, 0, 1)


def features(network: object, pictures: list[Floats], layer: str) -> Floats:
    """Return a layer's output on its grid, (pictures, channels, rows, columns), as class activation maps read it."""
    adapter = wrap(network)
    x = adapter.asarray(np.stack(pictures))
    return np.asarray(adapter.numpy(adapter.features(x, Request(Target.of([3] * len(pictures)), layer=layer))[1]))


def largest_changes(before: Floats, after: Floats) -> list[Place]:
    """Return the position with the largest change, the norm over channels, for each picture."""
    change = np.linalg.norm(after - before, axis=1)
    return [tuple(map(int, np.unravel_index(one.argmax(), one.shape))) for one in change]  # type: ignore[misc]


def all_changes(network: Network, model: object, x: Floats, grid: Place, layer: str) -> Floats:
    """Return the logarithm of each position's change for a change of each patch, (rows, columns, rows, columns)."""
    before = features(model, [x], layer)
    changes = []
    for row in range(grid[0]):
        after = features(model, [with_patch(network, x, grid, (row, column)) for column in range(grid[1])], layer)
        changes.append(np.log(np.linalg.norm(after - before, axis=1)))
    return np.array(changes)


def closest_reading(changes: Floats) -> str:
    """Return how positions are best assigned to the patches: "right", reversed, or shifted by one row or column.

    The changes are compared relative to the means of each patch and of each position, which differ with the weights.
    """
    relative = changes - changes.mean((0, 1), keepdims=True) - changes.mean((2, 3), keepdims=True)
    rows, columns = (np.arange(length) for length in changes.shape[:2])
    readings = {
        "rows reversed": (rows, columns, rows[::-1], columns),
        "columns reversed": (rows, columns, rows, columns[::-1]),
        "right": (rows, columns, rows, columns),
    }
    for down, right in [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)]:
        first, second = rows[max(0, -down) : len(rows) - max(0, down)], columns[max(0, -right) : len(columns) - max(0, right)]
        readings[f"shifted by {down}, {right}"] = (first, second, first + down, second + right)
    means = {
        name: relative[first[:, None], second, to_row[:, None], to_column].mean()
        for name, (first, second, to_row, to_column) in readings.items()
    }
    return max(means, key=means.__getitem__)


def distance(found: Place, expected: Place) -> int:
    """Return the distance between two positions: the larger of those along the rows and the columns."""
    return max(abs(one - other) for one, other in zip(found, expected, strict=True))
