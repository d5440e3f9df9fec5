"""Train a small steering network on drawn roads and draw its saliency maps.

``python -m saliency.demo.steering FILE`` trains the network, in seconds, and writes an image of one road and its three maps.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency.cli.run_log import print_message
from saliency.compat.keras_vis import visualize_saliency
from saliency.compat.vis.grad_modifiers import negate, relu, small_values
from saliency.core.display.overlay import overlay
from saliency.io.atomic_write import atomic_write

NumpyArray = npt.NDArray[Any]

DESCRIPTION = """Train a small network to steer on drawn roads. Draw one road next to three
saliency maps: what makes the network steer further right, what makes it steer
further left, and what keeps its steering as it is."""
EXAMPLE = """example (needs TensorFlow: pip install '.[tf]'):
  python -m saliency.demo.steering steering.png

exit status: 0 success, 2 invalid arguments or missing framework"""

HEIGHT, WIDTH, HORIZON = 48, 72, 16
"""Size of an image and row of the horizon, in pixels."""

MODIFIERS: dict[str, Callable[[NumpyArray], NumpyArray]] = {
    "increase": lambda gradient: relu(gradient),
    "decrease": lambda gradient: relu(negate(gradient)),
    "maintain": lambda gradient: small_values(gradient) * (gradient != 0),  # excludes pixels that the network ignores
}
"""Name of a map -> its ``grad_modifier``: steer further right, steer further left, keep the steering."""


def roads(count: int, seed: int) -> tuple[NumpyArray, NumpyArray]:
    """Draw roads.

    Args:
        count: number of images.
        seed: random seed.

    Returns:
        Images (count, HEIGHT, WIDTH, 3), float32 from 0 to 1, and the roads' bends (count,), from -1 (left) to 1 (right).
    """
    rng = np.random.default_rng(seed)
    bends = rng.uniform(-1, 1, count).astype(np.float32)
    return np.stack([_road(float(bend), rng) for bend in bends]), bends


def _road(bend: float, rng: np.random.Generator) -> NumpyArray:
    picture = np.empty((HEIGHT, WIDTH, 3), np.float32)
    picture[:HORIZON] = np.array([0.55, 0.72, 0.9]) * rng.uniform(0.85, 1.1)
    picture[HORIZON:] = np.array([0.25, 0.45, 0.2]) * rng.uniform(0.8, 1.2)
    _trees(picture, rng)
    near = np.linspace(0, 1, HEIGHT - HORIZON)[:, None]  # 0 at the horizon, 1 at the car
    middle = WIDTH / 2 + bend * 26 * (1 - near) ** 2 + rng.uniform(-5, 5) * near
    off = np.abs(np.arange(WIDTH) - middle) / (2 + 20 * near)  # 1 at the edges of the road
    ground = picture[HORIZON:]
    ground[off < 1] = rng.uniform(0.3, 0.45)
    ground[(off > 0.88) & (off < 1)] = 0.95
    dashes = np.sin(14 * near**0.5 + rng.uniform(0, 6)) > 0
    ground[(off < 0.05 + 0.02 / (near + 0.1)) & dashes] = [0.95, 0.8, 0.2]
    noisy: NumpyArray = np.clip(picture + rng.normal(0, 0.03, picture.shape), 0, 1).astype(np.float32)
    return noisy


def _trees(picture: NumpyArray, rng: np.random.Generator) -> None:
    for x, size in zip(rng.integers(2, WIDTH - 2, 5), rng.integers(3, 8, 5), strict=True):
        picture[HORIZON - size : HORIZON + 1, max(0, x - size // 2) : x + size // 2] = [0.1, 0.3, 0.12]


def steering_network(seed: int = 0, pictures: int = 1024, epochs: int = 8) -> Any:
    """Train a Keras model on drawn roads; it maps images to the bends of their roads, (N, 1)."""
    import keras

    keras.utils.set_random_seed(seed)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((HEIGHT, WIDTH, 3)),
            layers.Conv2D(8, 5, strides=2, activation="relu", name="conv1"),
            layers.Conv2D(16, 3, strides=2, activation="relu", name="conv2"),
            layers.Conv2D(16, 3, activation="relu", name="conv3"),
            layers.Flatten(),
            layers.Dense(24, activation="relu"),
            layers.Dense(1, name="steering"),
        ]
    )
    model.compile(keras.optimizers.Adam(2e-3), "mse")
    model.fit(*roads(pictures, seed), batch_size=32, epochs=epochs, verbose=0)
    return model


def figure(model: Any, picture: NumpyArray, times: int = 4) -> NumpyArray:
    """Return a road next to its three saliency maps, (height, width, 3) uint8."""
    road = np.rint(255 * picture).astype(np.uint8)
    panels = [road]
    for name, modifier in MODIFIERS.items():
        mask = visualize_saliency(model, -1, 0, picture, grad_modifier=modifier)
        percentile = 92 if name == "maintain" else 98  # "maintain" has a few very high peaks
        panels.append(overlay(road, mask, alpha=0.9, percentile=percentile))
    return np.hstack([one.repeat(times, 0).repeat(times, 1) for one in panels])


def main(argv: Sequence[str] | None = None) -> int:
    """Train the network and write the figure.

    Args:
        argv: command-line arguments; None uses the process's arguments.

    Returns:
        Exit status: 0, or 2 if TensorFlow is not installed.
    """
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m saliency.demo.steering", None, DESCRIPTION, EXAMPLE, formatter_class=plain)
    parser.add_argument("file", type=Path, metavar="FILE", help="output file, .png")
    file = parser.parse_args(argv).file
    if file.suffix != ".png" or not file.parent.is_dir():
        parser.error(f"FILE ({file}) must end in .png and be in an existing folder")
    try:
        model = steering_network()
    except ImportError as error:
        print_message(f"{parser.prog}: error: {error}; to install TensorFlow: pip install 'saliency-masks[tf]'")
        return 2
    pictures, bends = roads(64, seed=1)
    predicted = model.predict(pictures, verbose=0)[:, 0]
    print(f"mean error of the steering: {np.abs(predicted - bends).mean():.3f} of a full turn")
    road = figure(model, pictures[int(np.abs(bends - 0.6).argmin())])
    with atomic_write(file) as temporary:
        Image.fromarray(road).quantize(64).save(temporary, "PNG", optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
