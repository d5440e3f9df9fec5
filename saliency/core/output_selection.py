"""Select the output that holds the classes, for models that return dictionaries, dataclasses, tuples or lists."""

from collections.abc import Mapping
from typing import Any

from saliency.core.errors import InputError, ModelError, TargetError
from saliency.core.nested_outputs import Path, arrays_of, describe_arrays, entries_of, entry_at, is_array, path_name
from saliency.core.target import Target
from saliency.core.validation import MAX_COUNT, as_index, shown

CLASS_NAMES = ("logits", "out", "pred")
"""Names of entries that hold scores of classes, in the order of preference."""

BOX_NAMES = ("boxes", "pred_boxes")
"""Names of entries that identify a detector."""


class OutputSelector:
    """Select one output of a model.

    Args:
        choice: name, index or path of the output, such as ``"logits"``, ``0`` or ``"aux/logits"``. None selects it by
            ``find_class_output``, for targets that name a class.

    Raises:
        InputError: if the choice is neither a name, nor an index, nor None.
    """

    def __init__(self, choice: Any = None) -> None:
        index = as_index(choice)
        is_index = index is not None and abs(index) <= MAX_COUNT
        if choice is not None and not is_index and (not isinstance(choice, str) or not choice):
            raise InputError(f"`output` (={shown(choice)}) must be the name, index or path of one of the model's outputs")
        self.choice: str | int | None = choice if isinstance(choice, str) else index
        self.selected: str | None = None
        """The output selected last, if the model returns a structure."""

    def select(self, outputs: Any, n: int | None, of_class: bool) -> Any:
        """Return the selected output, or the outputs unchanged if nothing is to be selected.

        Args:
            outputs: what the model returned.
            n: number of inputs; None if a graph leaves it open.
            of_class: whether a class is explained. Otherwise a function reads the outputs as the model returned them, or
                the chosen one.

        Raises:
            InputError: if the model has no output of the chosen name.
            ModelError: if several outputs may hold the classes, or none.
        """
        if self.choice is not None:
            self.selected = self.choice if isinstance(self.choice, str) else shown(self.choice)
            return self._chosen(outputs)
        if not of_class or not entries_of(outputs):
            return outputs
        path, output = find_class_output(outputs, n)
        self.selected = path_name(path)
        return output

    def selected_for(self, target: Target) -> str | None:
        """Return the output that was selected for a target; None if nothing was selected."""
        is_read = not target.layers and (target.function is None or self.choice is not None)
        return self.selected if is_read else None

    def _chosen(self, outputs: Any) -> Any:
        if self.choice is None or (is_array(outputs) and self.choice in (0, -1)):
            return outputs
        try:
            return entry_at(outputs, self.choice)
        except KeyError as error:
            raise InputError(
                f"`output` (={self.choice!r}) must be one of the model's outputs: {describe_arrays(outputs)}"
            ) from error


def find_class_output(outputs: Any, n: int | None) -> tuple[Path, Any]:
    """Return the path and value of the array (N, classes, *space) in a structure of outputs.

    In this order: the only array (N, ...) of all; ``logits``, ``out`` or ``pred``; the only array (N, classes); in a tuple or
    list, the first array (N, classes) unless another one has the same shape.

    Raises:
        ModelError: if several outputs may hold the classes, or none.
        TargetError: if the outputs are those of a detector.
    """
    found = list(arrays_of(outputs))
    names = {path[-1] for path, _ in found if path}
    if names & set(BOX_NAMES) or (isinstance(outputs, list | tuple) and any(isinstance(one, Mapping) for one in outputs)):
        raise TargetError(
            f"the model returns detections ({describe_arrays(outputs)}), so a class alone does not say which one to explain: "
            "pass `y` as a saliency.Box, such as saliency.Box.top(0), or as a callable that reads its score from them, or "
            'choose an output by saliency.wrap(model, output="...")'
        )
    batch = [(path, array) for path, array in found if _is_floating(array) and _has_samples(array, n)]
    if len(batch) == 1 and len(found) == 1:
        return batch[0]
    candidates = [(path, array) for path, array in batch if len(array.shape) != 3]  # (N, tokens, classes) has no class axis 1
    for name in CLASS_NAMES:
        named = [(path, array) for path, array in candidates if path and path[-1] == name]
        if named and len(named[0][1].shape) > 1:
            return min(named, key=lambda item: len(item[0]))
    flat = [(path, array) for path, array in candidates if len(array.shape) == 2]
    ordered = isinstance(outputs, list | tuple) and not hasattr(outputs, "_fields")
    if len(flat) == 1 or (flat and ordered and all(array.shape != flat[0][1].shape for _, array in flat[1:])):
        return flat[0]
    several = "several outputs may hold the classes" if flat else "no output has the shape (N, classes)"
    raise ModelError(
        f"the model's output is a {type(outputs).__name__}, and {several}: {describe_arrays(outputs)}. Choose one by "
        'saliency.wrap(model, output="..."), or pass `y` as a callable that reads its score from the outputs'
    )


def _is_floating(array: Any) -> bool:
    return "float" in str(array.dtype)


def _has_samples(array: Any, n: int | None) -> bool:
    if getattr(array.shape, "rank", 0) is None:  # TensorFlow's unknown number of axes
        return False
    return len(array.shape) > 0 and (n is None or array.shape[0] in (n, None))
