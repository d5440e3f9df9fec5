"""Which of several outputs holds the classes, for models of every framework."""

import collections
import dataclasses

import numpy as np
import pytest

import saliency
from saliency.core.errors import InputError, ModelError, TargetError
from saliency.core.output_selection import OutputSelector, find_class_output

LOGITS, OTHER, MAP, TOKENS = (np.zeros(shape, np.float32) for shape in ((2, 5), (2, 8), (2, 5, 7, 7), (2, 49, 8)))
Named = collections.namedtuple("Named", "hidden logits")


@dataclasses.dataclass
class Output:
    """An output as the classifiers of Hugging Face return it."""

    loss: object
    logits: object
    hidden_states: object


@pytest.mark.parametrize(
    ("outputs", "path", "expected"),
    [
        ({"logits": LOGITS}, "logits", LOGITS),
        ({"scores": LOGITS, "map": MAP, "tokens": TOKENS}, "scores", LOGITS),
        ({"embedding": OTHER, "logits": LOGITS}, "logits", LOGITS),
        ({"out": MAP, "aux": MAP + 1}, "out", MAP),
        ({"inner": {"logits": OTHER}, "logits": LOGITS}, "logits", LOGITS),
        ({"labels": np.zeros((2, 1), int), "head": LOGITS}, "head", LOGITS),
        (Output(None, LOGITS, (TOKENS, TOKENS)), "logits", LOGITS),
        (Named(OTHER, LOGITS), "logits", LOGITS),
        ((LOGITS, OTHER), "0", LOGITS),
        ([TOKENS, LOGITS], "1", LOGITS),
        ((TOKENS,), "0", TOKENS),
    ],
)
def test_the_output_with_the_classes_is_found(outputs, path, expected):
    selector = OutputSelector()
    assert selector.select(outputs, 2, of_class=True) is expected
    assert selector.selected == path
    assert selector.select(outputs, 2, of_class=False) is outputs  # a function reads them as the model returns them


@pytest.mark.parametrize(
    ("outputs", "error", "message"),
    [
        ({"cat": LOGITS, "dog": LOGITS}, ModelError, r"several outputs.*'cat' \(2, 5\), 'dog' \(2, 5\).*output="),
        ((LOGITS, LOGITS + 1), ModelError, "several outputs may hold the classes"),
        ({"logits": TOKENS, "states": (MAP,)}, ModelError, "no output has the shape"),
        ({"logits": TOKENS, "pred_boxes": TOKENS}, TargetError, "detections"),
        ([{"boxes": LOGITS, "scores": OTHER}], TargetError, "detections"),
        ({"logits": LOGITS[:1]}, ModelError, r"'logits' \(1, 5\)"),
    ],
)
def test_an_output_that_may_be_another_is_refused(outputs, error, message):
    with pytest.raises(error, match=message):
        find_class_output(outputs, 2)


@pytest.mark.parametrize(
    ("choice", "expected"), [("a", LOGITS), ("b/0", OTHER), ("b/-1", MAP), (1, MAP), ("c/hidden", TOKENS), ("c/1", LOGITS)]
)
def test_an_output_is_chosen_by_name_index_or_path(choice, expected):
    outputs = {"a": LOGITS, "b": [OTHER, MAP], "c": Named(TOKENS, LOGITS), 1: MAP}
    assert OutputSelector(choice).select(outputs, 2, of_class=False) is expected


def test_an_unknown_output_is_named_with_those_that_exist():
    with pytest.raises(InputError, match=r"`output` \(='d'\) must be one of.*'a' \(2, 5\), 'b/0' \(2, 8\)"):
        OutputSelector("d").select({"a": LOGITS, "b": [OTHER]}, 2, of_class=True)
    for choice in (1.5, "", True, ["a"]):
        with pytest.raises(InputError, match=r"`output` \(="):
            OutputSelector(choice)


def test_a_function_may_return_several_outputs():
    def function(x):
        mean = x.mean((1, 2, 3))
        return {"map": x, "logits": np.stack([mean, -2 * mean], 1)}

    x = np.random.default_rng(0).normal(size=(6, 6, 3))
    expected = saliency.Occlusion(lambda x: function(x)["logits"], 1).GetMask(x, size=2)
    for model in (function, saliency.wrap(function, output="logits")):
        mask = saliency.Occlusion(model, 1).GetMask(x, size=2)
        np.testing.assert_array_equal(mask, expected)
        assert mask.details["output"] == "logits"
    assert "output" not in saliency.Occlusion(function, lambda out: out["logits"][:, 1]).GetMask(x, size=2).details
