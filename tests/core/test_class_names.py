"""Names of classes: where they come from, and where they are shown."""

import copy
import pickle
from types import SimpleNamespace

import numpy as np
import pytest

import saliency
from saliency import Difference, InputError, Vanilla
from saliency.core.class_names import class_names_of
from tests.reference import linear

RNG = np.random.default_rng(0)
X, W = RNG.normal(size=(3, 2, 2, 4)), RNG.normal(size=(4, 2, 2, 4))


def named(names=("cat", "dog", "cow")):
    adapter = linear(W)
    adapter.class_names = dict(enumerate(names))
    return adapter


@pytest.mark.parametrize(
    ("y", "name", "target"),
    [
        (1, "dog", "class 1 (dog)"),
        (3, None, "class 3"),
        ([0, 1], "cat + dog", "classes 0 (cat) + 1 (dog)"),
        ([0, 3], "cat + class 3", "classes 0 (cat) + 3"),
        (Difference(2, 0), "cow rather than cat", "class 2 (cow) rather than class 0 (cat)"),
    ],
)
def test_a_mask_records_the_name_of_its_class(y, name, target):
    mask = Vanilla(named(), y).GetMask(X[0])
    assert mask.details.get("class_name") == name and mask.about.targets == [target]


def test_the_top_class_is_named_in_the_figure():
    adapter = named("abcd")
    top = int((X[0] * W).sum((1, 2, 3)).argmax())
    mask = Vanilla(adapter).GetMask(X[0])
    assert mask.details["class_name"] == "abcd"[top]
    assert mask._repr_png_()[1]["alt"].startswith(f"Vanilla: top class {top} ({'abcd'[top]}), score ")


@pytest.mark.parametrize("size", [1, 5])
def test_names_of_several_targets_in_batches(size):
    masks = Vanilla(named(), batch_size=size).GetMasks(X, y=[0, 3, 1])
    assert masks.details["class_name"].tolist() == ["cat", "" if size == 1 else "class 3", "dog"]
    assert masks[2].details["class_name"] == "dog"


def function(x):
    return np.asarray(x).reshape(len(x), -1)[:, :3]


def test_names_of_a_function_are_stated_or_carried():
    adapter = saliency.wrap(function, channel_axis=None, class_names=["a", "b", "c"])
    pickled = pickle.loads(pickle.dumps(adapter))  # noqa: S301 - its own pickle
    for copied in (adapter, pickled, copy.deepcopy(adapter)):
        assert saliency.Occlusion(copied, 1).GetMask(X[0, 0], size=1).details["class_name"] == "b"
    carrying = lambda x: function(x)  # noqa: E731 - a function of its own
    carrying.class_names = {1: "carried"}
    assert saliency.wrap(carrying).class_names == {1: "carried"}
    assert saliency.wrap(carrying, class_names={1: "stated"}).class_names == {1: "stated"}


@pytest.mark.parametrize(
    ("names", "rule"),
    [
        ("cat", r"`class_names` \(str\) must be a list of names, or a mapping"),
        ([1, 2], "`class_names` has 1 for class 0; a name must be a string"),
        ({"cat": 1}, "has the class 'cat'; a class must be a whole number"),
        ({-1: "cat"}, "has the class -1; a class must be a whole number, 0 or more"),
    ],
)
def test_invalid_names_are_refused(names, rule):
    with pytest.raises(InputError, match=rule):
        saliency.wrap(function, class_names=names)


def test_names_of_a_wrapped_model_cannot_be_changed():
    with pytest.raises(InputError, match=r"options \(class_names\) must be given when the adapter is created"):
        saliency.wrap(named(), class_names=["a"])


class TinyForImageClassification:
    def __init__(self, labels):
        self.config = SimpleNamespace(id2label=labels)


class TinyForObjectDetection(TinyForImageClassification):
    pass


def test_labels_of_transformers_are_read_from_a_classifier_alone():
    labels = {0: "tench", 1: "LABEL_1", 2: "shark"}
    assert class_names_of(TinyForImageClassification(labels)) == {0: "tench", 2: "shark"}  # LABEL_1 names nothing
    assert class_names_of(TinyForObjectDetection(labels)) == {}  # axis 1 of its logits is no axis of classes
    assert (
        class_names_of(TinyForImageClassification(["tench"])) == {} == class_names_of(TinyForImageClassification({"0": "a"}))
    )


class Property:
    @property
    def class_names(self):
        raise AssertionError("a property runs code of the model")


class SomethingElse:
    def __init__(self):
        self.class_names = 7


def test_other_attributes_are_no_names():
    assert class_names_of(Property()) == class_names_of(SomethingElse()) == class_names_of(None) == {}


def dictionary(x):
    return {"logits": function(x), "embedding": function(x)}


@pytest.mark.parametrize(("output", "name"), [(None, "b"), ("logits", "b"), ("embedding", None)])
def test_names_belong_to_the_output_of_the_classes(output, name):
    adapter = saliency.wrap(dictionary, channel_axis=None, class_names=["a", "b", "c"], output=output)
    assert saliency.Occlusion(adapter, 1).GetMask(X[0, 0], size=1).details.get("class_name") == name


def test_a_batch_without_an_output_or_a_name_does_not_drop_those_of_others():
    masks = Vanilla(named(), batch_size=1).GetMasks(X, y=[3, 0, 3])
    assert masks.details["class_name"].tolist() == ["", "cat", ""]
