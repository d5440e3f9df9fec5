"""The embedded scenes: digits in coloured clutter, with the mask of every object."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency.io import stim

HERE = Path(__file__).parent
TAG = 11  # value of the tag in a mask picture; a digit's value is digit + 1


@dataclass(frozen=True)
class Scene:
    """One scene.

    Args:
        name: of its picture, without the suffix.
        picture: in RGB, 96 x 96.
        digits: that are in it; the first is the one that is asked for.
        objects: (96, 96) uint8: digit + 1 on a digit, 11 on the magenta tag, 0 elsewhere.
    """

    name: str
    picture: Image.Image
    digits: tuple[int, ...]
    objects: npt.NDArray[Any]

    @property
    def tagged(self) -> bool:
        """Whether a magenta tag is in the scene."""
        return bool((self.objects == TAG).any())

    def mask(self, digit: int) -> npt.NDArray[np.bool_]:
        """Return where a digit is, (96, 96)."""
        return np.asarray(self.objects == digit + 1)


def load_scenes() -> list[Scene]:
    """Return the embedded scenes, in the order of ``scenes.stim.csv``: 24 plain ones, then pairs with a tag and without."""
    table = stim.read(HERE / "scenes.stim.csv")
    folder = HERE / table.path
    scenes = []
    for name, first, second in zip(*(table.data[key] for key in ("stimID", "label", "label2")), strict=True):
        stem = Path(str(name)).stem
        with Image.open(folder / str(name)) as picture, Image.open(folder / f"{stem}_mask.png") as objects:
            digits = (int(first),) if second < 0 else (int(first), int(second))
            scenes.append(Scene(stem, picture.convert("RGB"), digits, np.array(objects)))
    return scenes
