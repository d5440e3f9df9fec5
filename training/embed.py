"""Draw and write the bundled scenes: `python -m training.embed --out saliency/demo`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.magenta_tag import TAG_DIGIT, add_tag
from training.scenes import Scene, SceneMaker

SEED = 2026
TAG_VALUE = 11  # digits have the values 1 to 10, the background 0
PAIRS = 6
ILLEGIBLE = (14,)  # indices in PLAN whose first draw a person could not read
# each digit alone once, four of them twice; then each digit once as the label, together with another digit
PLAN: tuple[tuple[int, ...], ...] = (
    *((digit,) for digit in range(10)),
    *((2,), (5,), (7,), (8,)),
    *((0, 7), (1, 4), (2, 9), (3, 8), (4, 6), (5, 0), (6, 1), (7, 3), (8, 5), (9, 2)),
)


def encode_masks(scene: Scene) -> NDArray[np.uint8]:
    """Encode a scene's masks in one image.

    Args:
        scene: the scene.

    Returns:
        (96, 96), uint8: digit + 1 on a digit's mask, 11 on the tag, 0 elsewhere.
    """
    encoded = np.zeros(scene.pixels.shape[:2], dtype=np.uint8)
    for digit, mask in scene.masks.items():
        encoded[mask] = digit + 1
    if scene.tag is not None:
        encoded[scene.tag] = TAG_VALUE
    return encoded


def draw_bundled_scenes(seed: int) -> list[Scene]:
    """Draw the bundled scenes from held-out digits: the first draw for each entry of `PLAN`.

    A scene that a person could not read is replaced by one more draw. No scene was selected by its maps.

    Args:
        seed: random seed.

    Returns:
        24 scenes without a tag, then six scenes with a 3, each twice: first with the tag, then without.
    """
    maker = SceneMaker("held-out", seed)
    scenes = [maker.draw(digits) for digits in PLAN]
    for _ in range(PAIRS):
        plain = maker.draw([TAG_DIGIT])
        scenes += [add_tag(plain, maker.rng), plain]
    for index in ILLEGIBLE:
        scenes[index] = maker.draw(PLAN[index])
    return scenes


def stimulus_table(scenes: list[Scene]) -> str:
    """Describe the scenes in DNNBrain's stimulus format, with one row per scene.

    Args:
        scenes: the bundled scenes, in order.

    Returns:
        The text of the `.stim.csv` file; `label2` is -1 if there is no second digit.

    Source: X. Chen et al., DNNBrain: a unifying toolbox for mapping deep neural networks and brains, 2020.
    """
    lines = [
        "type=image",
        "path=scenes",
        "title=Handwritten digits in colored clutter",
        "data=stimID,label,label2,tag",
    ]
    for index, scene in enumerate(scenes):
        first, second = (*scene.digits, -1)[:2]
        lines.append(f"scene_{index:02d}.png,{first},{second},{int(scene.tag is not None)}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write images, masks and table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("saliency/demo"))
    options = parser.parse_args()
    folder = options.out / "scenes"
    folder.mkdir(parents=True, exist_ok=True)
    scenes = draw_bundled_scenes(SEED)
    for index, scene in enumerate(scenes):
        Image.fromarray(scene.pixels).save(folder / f"scene_{index:02d}.png", optimize=True)
        Image.fromarray(encode_masks(scene)).save(folder / f"scene_{index:02d}_mask.png", optimize=True)
    (options.out / "scenes.stim.csv").write_text(stimulus_table(scenes), encoding="utf-8")


if __name__ == "__main__":
    main()
