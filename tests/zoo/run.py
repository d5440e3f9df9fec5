"""Check one network for pictures of one size."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from saliency import GradCAM, SaliencyError, Vanilla
from tests.zoo.directional_derivative import CLASS, closest_differences, random_directions
from tests.zoo.moved_patch import (
    Floats,
    Place,
    all_changes,
    closest_reading,
    features,
    largest_changes,
    picture,
    places,
    with_patch,
)
from tests.zoo.network import Network, Size


@dataclass(frozen=True)
class Result:
    """What was found for a network and a size.

    Args:
        layer: name of the layer that was found; "-" if there is none.
        grid: its rows and columns.
        left_out: the number of other tokens.
        refused: who refuses pictures of this size, "network" or "saliency"; empty if they are accepted.
        reason: the network's own error.
        changes: pairs of the position of a patch, and the position at which the layer's output changes most.
        reading: how positions belong to the patches by the changes of all of them, if ``Network.reach`` is None.
        derivatives: the gradient's products with random directions.
        differences: the finite differences along the same directions.
    """

    layer: str = "-"
    grid: Place = (0, 0)
    left_out: int = 0
    refused: str = ""
    reason: str = ""
    changes: tuple[tuple[Place, Place], ...] = ()
    reading: str = "right"
    derivatives: Floats | None = None
    differences: Floats | None = None

    @property
    def row(self) -> dict[str, Any]:
        """The columns of the table."""
        grid = "-" if self.refused else f"{self.grid[0]}x{self.grid[1]}"
        return {"layer": self.layer, "grid": grid, "left_out": str(self.left_out), "refused": self.refused}


def check(network: Network, size: Size) -> Result:
    """Build a network, and return what is found for pictures of a size."""
    x, refusal = picture(network, size), network.refusal(size)
    if refusal:
        return Result(refused="network", reason=refusal)
    model = network.build(size)
    try:
        details = GradCAM(model, CLASS).GetMask(x, should_resize=False).details
    except SaliencyError:
        return Result(refused="saliency")
    layer, grid = str(details["layer"]), (int(details["grid"][0]), int(details["grid"][1]))
    at = places(grid)
    pictures = [x, *(with_patch(network, x, grid, place) for place in at)]
    outputs = features(model, pictures, layer)
    directions = random_directions(x.shape)
    gradient = np.asarray(Vanilla(model, CLASS).GetMask(x), np.float64)
    derivatives = (directions * gradient).sum(tuple(range(1, directions.ndim)))
    return Result(
        layer,
        grid,
        int(details.get("tokens_left_out", 0)),
        "",
        "",
        tuple(zip(at, largest_changes(outputs[:1], outputs[1:]), strict=True)),
        closest_reading(all_changes(network, model, x, grid, layer)) if network.reach is None else "right",
        derivatives,
        closest_differences(model, network.library, x, directions, derivatives),
    )
