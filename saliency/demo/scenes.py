"""The bundled scenes: digits in colored clutter, with the mask of every object."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency.io import stim

HERE = Path(__file__).parent
TAG = 11  # value of the tag in a mask image; a digit's value is digit + 1


@dataclass(frozen=True)
class Scene:
    """Hold one scene.

    Args:
        name: file name of the image, without the suffix.
        picture: the image, RGB, 96 x 96.
        digits: the digits in the scene; the first one is its label.
        objects: (96, 96) uint8: digit + 1 on a digit, 11 on the magenta tag, 0 elsewhere.
    """

    name: str
    picture: Image.Image
    digits: tuple[int, ...]
    objects: npt.NDArray[Any]

    @property
    def tagged(self) -> bool:
        """Whether the scene contains a magenta tag."""
        return bool((self.objects == TAG).any())

    def mask(self, digit: int) -> npt.NDArray[np.bool_]:
        """Return the mask of a digit, (96, 96)."""
        return np.asarray(self.objects == digit + 1)


def load_scenes() -> list[Scene]:
    """Load the bundled scenes in the order of ``scenes.stim.csv``: 24 plain ones, then pairs with and without a tag."""
    table = stim.read(HERE / "scenes.stim.csv")
    folder = HERE / table.path
    scenes = []
    for name, first, second in zip(*(table.data[key] for key in ("stimID", "label", "label2")), strict=True):
        stem = Path(str(name)).stem
        with Image.open(folder / str(name)) as picture, Image.open(folder / f"{stem}_mask.png") as objects:
            digits = (int(first),) if second < 0 else (int(first), int(second))
            scenes.append(Scene(stem, picture.convert("RGB"), digits, np.array(objects)))
    return scenes
