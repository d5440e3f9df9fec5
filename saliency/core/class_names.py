"""The names of a model's classes, where the model carries them or the user states them."""

from collections.abc import Mapping
from typing import Any

from saliency.core.errors import InputError
from saliency.core.output_selection import CLASS_NAMES as CLASS_OUTPUTS
from saliency.core.target import Target
from saliency.core.validation import checked_class_names

Names = Mapping[int, str]

CLASSIFIERS = ("ForImageClassification", "ForImageClassificationWithTeacher", "ForSemanticSegmentation")
"""Ends of the names of transformers' classes whose ``logits`` have the labels of ``config.id2label`` on axis 1."""


def class_names_of(model: Any) -> dict[int, str]:
    """Return the names that a model carries; empty if it has none.

    Its attribute ``class_names`` is used, or ``config.id2label`` of a classifier or segmentation network of transformers,
    unless that only numbers the classes (``LABEL_3``). Only plain attributes are read, because a property would run code.
    """
    attributes = getattr(model, "__dict__", {})
    if "class_names" in attributes:
        try:
            return checked_class_names(attributes["class_names"])
        except InputError:  # something else of this name
            return {}
    labels = getattr(attributes.get("config"), "__dict__", {}).get("id2label")
    if not isinstance(labels, Mapping) or not type(model).__name__.endswith(CLASSIFIERS):
        return {}
    names = {key: label for key, label in labels.items() if label != f"LABEL_{key}"}
    return names if all(isinstance(key, int) and isinstance(label, str) for key, label in names.items()) else {}


def names_for(target: Target, output: str | None, names: Names) -> Names:
    """Return the names that apply to a target; empty for a layer, a function, or another output than that of the classes.

    Args:
        target: the target.
        output: the explained output, if the model returns several.
        names: the names of the model's classes.
    """
    is_class_output = output is None or output.rpartition("/")[2] in (*CLASS_OUTPUTS, "0", "-1")
    return names if target.layer is None and target.function is None and is_class_output else {}


def describe_names(target: Target, names: Names) -> list[str]:
    """Return the name of each sample's class, such as ``cat``, ``cat + dog`` or ``cat rather than dog``.

    A class without a name is described by its number.
    """
    named = zip(target.units, target.weights, strict=True)
    return [_describe(units[:, 0], weights, names) for units, weights in named]


def _describe(classes: Any, weights: Any, names: Names) -> str:
    if len(classes) == 1 and weights[0] > 0:
        return names.get(int(classes[0]), f"class {classes[0]}")
    sums = (
        " + ".join(names.get(int(one), f"class {one}") for one in classes[chosen]) for chosen in (weights > 0, weights < 0)
    )
    return " rather than ".join(filter(None, sums))
