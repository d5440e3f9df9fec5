"""A mask with the words and the picture that a figure shows beside it."""

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from saliency.core.display.overlay import drawable_picture
from saliency.core.display.projection import HostArray, MaskProjection
from saliency.core.display.provenance import Provenance
from saliency.core.display.visualization import map_values
from saliency.core.errors import InputError
from saliency.core.validation import host_numbers, shown

UNDESCRIBED = Provenance("", [""], None, None, several=False)
MAX_CHANNELS = 4  # of an array without a description, whose channels are its shorter axis
SCORES = {"score": "score", "mean_score": "mean score of the noisy copies"}
NAMED_CLASS = re.compile(r"(top )?class (\d+) \((.+)\)")
CLASSES = re.compile(r"(?<!\w)class(es)? ((?:\d+ \+ )*\d+)(?! ?\()(?!\w)")


@dataclass(frozen=True)
class DescribedMask:
    """One mask and its description.

    Args:
        values: the mask, of any shape.
        about: the method, the target and the input.
        details: what the method recorded, by name.
        picture: the picture to draw, (n,), (H, W) or (H, W, 3) of 0 to 1; None draws the input.
        class_names: names of classes, which replace those of the model.
    """

    values: HostArray
    about: Provenance
    details: Mapping[str, Any] = field(default_factory=dict)
    picture: HostArray | None = None
    class_names: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, mask: Any, image: Any, class_names: Mapping[int, str], name: str) -> "DescribedMask":
        """Describe a mask as a method returned it, a slice of one, or any array.

        Args:
            mask: one mask.
            image: its picture, as a user passes it, or None.
            class_names: names of classes.
            name: the name of the mask in an error.
        """
        about = getattr(mask, "about", None)
        values = host_numbers(mask, name, None)
        picture = None if image is None else drawable_picture(image, apply_exif=True)
        if isinstance(about, Provenance):
            return cls(values, about, mask.details, picture, class_names)
        if values.ndim > 3 or (values.ndim == 3 and min(values.shape[0], values.shape[-1]) > MAX_CHANNELS):
            raise InputError(
                f"`{name}` (shape {values.shape}) cannot be drawn: it must be one mask as its method returned it, or have "
                f"two axes, or {MAX_CHANNELS} channels at most; pass list(masks) for several"
            )
        return cls(values, UNDESCRIBED, {}, picture, class_names)

    @property
    def projection(self) -> MaskProjection:
        """The mask and its picture, reduced to one or two dimensions."""
        if self.about is UNDESCRIBED and self.values.ndim > 1:
            found = MaskProjection(map_values(self.values, True), map_values(self.values, False), None)
        else:
            found = MaskProjection.of(self.values, self.about.input(0), self.about.channel_axis)
        return found if self.picture is None else found.beside(self.picture)

    @property
    def regions(self) -> HostArray | None:
        """The region of each position, if the method explains regions."""
        return self.details["labels"] if "region_values" in self.details else None

    @property
    def target(self) -> str:
        """The description of the target, with the names of its classes; empty if there is none."""

        def named(found: "re.Match[str]") -> str:
            classes = [int(one) for one in found[2].split(" + ")]
            if not any(one in self.class_names for one in classes):
                return found[0]
            terms = [f"{one} ({self.class_names[one]})" if one in self.class_names else str(one) for one in classes]
            return f"class{found[1] or ''} {' + '.join(terms)}"

        target = self.about.targets[0]
        single = NAMED_CLASS.fullmatch(target)  # the user's name replaces the model's
        if single and int(single[2]) in self.class_names:
            target = f"{single[1] or ''}class {single[2]}"
        return target if target.startswith("layer ") else CLASSES.sub(named, target)

    @property
    def score(self) -> str:
        """The score, if it is known."""
        return ", ".join(f"{words} {float(self.details[name]):+.3g}" for name, words in SCORES.items() if name in self.details)

    @property
    def title(self) -> str:
        """The description of the target, with its score if it is known."""
        return ", ".join(filter(None, [self.target, self.score]))

    def label(self, width: int) -> str:
        """Return the name of the class, or else the description of the target, and the score, in lines."""
        found = NAMED_CLASS.fullmatch(self.target)
        return "\n".join([*textwrap.wrap(found[3] if found else self.target, width), *filter(None, [self.score])])


def picture_of(image: Any, i: int, n: int) -> Any:
    """Return the picture of the i-th of n masks from ``image``, as a user passes it.

    Raises:
        InputError: if it is not one picture for each mask.
    """
    if image is None or (n == 1 and not isinstance(image, list | tuple)):
        return image
    several = isinstance(image, list | tuple) or len(getattr(image, "shape", ())) == 4
    if not several or len(image) != n:
        raise InputError(f"`image` (={shown(image)}) must be a list of {n} pictures, one for each mask")
    return image[i]
