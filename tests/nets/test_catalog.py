"""Find networks by name without importing a framework."""

import importlib.metadata

import pytest

import saliency
from saliency import nets
from saliency.nets import catalog


def test_names_are_found_in_any_spelling_and_dnnbrain_s_in_exact_spelling():
    assert catalog.find_name("ResNet50", "torch") == catalog.find_name("resnet_50", "torch") == "resnet50"
    assert catalog.find_name("resnet50", "tf") == "ResNet50"
    assert [catalog.find_name(name, "torch") for name in ("Vgg11", "vgg11", "VGG11")] == ["Vgg11", "vgg11", "vgg11"]
    assert catalog.find_name("demonet", "tf") == "DemoNet"
    assert catalog.find_name("Vgg11", "tf") is None


@pytest.mark.parametrize("framework", nets.FRAMEWORKS)
def test_normalized_names_are_unique(framework):
    names = [name for name in catalog.NAMES[framework] if name not in catalog.DNNBRAIN]
    assert len({catalog.normalize_name(name) for name in names}) == len(names)
    assert all(catalog.find_name(name, framework) == name for name in catalog.NAMES[framework])


@pytest.mark.parametrize(
    ("name", "framework", "message"),
    [
        ("AlexNett", "torch", "nearest: AlexNet"),
        ("EfficientNetV2B9", "tf", "nearest: EfficientNetV2B"),
        ("Xceptoin", "torch", r"nearest: Xception \(framework 'tf'\)"),
        ("Xception", "torch", r"is not in `framework` \(='torch'\): give 'tf', which has Xception"),
        ("Vgg11", "tf", r"is not in `framework` \(='tf'\): give 'torch', which has Vgg11"),
        ("!?", "tf", "such as DemoNet"),
    ],
)
def test_errors_for_unknown_names_contain_the_nearest_names_and_their_framework(name, framework, message):
    with pytest.raises(saliency.InputError, match=message):
        nets.load(name, framework=framework)


def test_a_name_is_never_evaluated(tmp_path):
    for code in (
        f"__import__('pathlib').Path({str(tmp_path / 'marker')!r}).touch()",
        f"open({str(tmp_path / 'marker')!r}, 'w')",
    ):
        with pytest.raises(saliency.InputError, match="must be a network's name"):
            nets.load(code)
    assert not (tmp_path / "marker").exists()


@pytest.mark.needs("torch", "torchvision")
def test_all_of_torchvision_s_classifiers_are_listed():
    from torchvision import models

    assert set(models.list_models(module=models)) >= set(catalog.TORCHVISION)
    if importlib.metadata.version("torchvision").startswith("0.28"):
        assert set(models.list_models(module=models)) == set(catalog.TORCHVISION)


@pytest.mark.needs("tensorflow")
def test_all_of_keras_applications_are_listed():
    from inspect import isfunction

    import keras

    assert {name for name, value in vars(keras.applications).items() if isfunction(value)} == set(catalog.KERAS)
