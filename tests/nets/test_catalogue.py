"""Every network is known by name, without a framework."""

import importlib.metadata

import pytest

import saliency
from saliency import nets
from saliency.nets import catalogue


def test_names_are_found_in_any_spelling_and_dnnbrain_s_in_its_own():
    assert catalogue.find("ResNet50", "torch") == catalogue.find("resnet_50", "torch") == "resnet50"
    assert catalogue.find("resnet50", "tf") == "ResNet50"
    assert [catalogue.find(name, "torch") for name in ("Vgg11", "vgg11", "VGG11")] == ["Vgg11", "vgg11", "vgg11"]
    assert catalogue.find("demonet", "tf") == "DemoNet"
    assert catalogue.find("Vgg11", "tf") is None


@pytest.mark.parametrize("framework", nets.FRAMEWORKS)
def test_every_spelling_is_one_network_s(framework):
    own = [name for name in catalogue.NAMES[framework] if name not in catalogue.DNNBRAIN]
    assert len({catalogue.plain(name) for name in own}) == len(own)
    assert all(catalogue.find(name, framework) == name for name in catalogue.NAMES[framework])


@pytest.mark.parametrize(
    ("name", "framework", "told"),
    [
        ("AlexNett", "torch", "nearest: AlexNet"),
        ("EfficientNetV2B9", "tf", "nearest: EfficientNetV2B"),
        ("Xceptoin", "torch", r"nearest: Xception \(framework 'tf'\)"),
        ("Xception", "torch", r"is not in `framework` \(='torch'\): give 'tf', which has Xception"),
        ("Vgg11", "tf", r"is not in `framework` \(='tf'\): give 'torch', which has Vgg11"),
        ("!?", "tf", "such as DemoNet"),
    ],
)
def test_unknown_names_are_told_with_the_nearest_and_where_they_are(name, framework, told):
    with pytest.raises(saliency.InputError, match=told):
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
def test_all_of_torchvision_s_classifiers_are_there():
    from torchvision import models

    assert set(models.list_models(module=models)) >= set(catalogue.TORCHVISION)
    if importlib.metadata.version("torchvision").startswith("0.28"):
        assert set(models.list_models(module=models)) == set(catalogue.TORCHVISION)


@pytest.mark.needs("tensorflow")
def test_all_of_keras_applications_are_there():
    from inspect import isfunction

    import keras

    assert {name for name, value in vars(keras.applications).items() if isfunction(value)} == set(catalogue.KERAS)
