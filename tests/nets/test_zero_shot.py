"""Zero-shot classifiers: logits of prompts, embeddings, and what is refused."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import nn

import saliency
from saliency.nets.prompts import checked_prompts
from saliency.nets.zero_shot import Encoders, zero_shot_classifier

X = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
TEXTS = {"a cat": [1.0, 2.0, 2.0], "a dog": [0.0, 3.0, 4.0], "a photo of a dog": [2.0, 0.0, 0.0]}


class TwoTowers(nn.Module):
    def __init__(self, bias):
        super().__init__()
        torch.manual_seed(0)
        self.visual = nn.Sequential(nn.Conv2d(3, 3, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.logit_scale = nn.Parameter(torch.tensor(1.5))
        if bias:
            self.logit_bias = nn.Parameter(torch.tensor(-10.0))

    def encode_image(self, pixels):
        return self.visual(pixels)


def classifier(prompts, bias=False):
    encoders = Encoders(lambda texts: torch.tensor([TEXTS[text] for text in texts]), "encode_image", X[:1])
    return zero_shot_classifier("clip", TwoTowers(bias), None if prompts is None else checked_prompts(prompts), encoders)


@pytest.mark.parametrize("bias", [False, True])
def test_a_logit_is_the_scaled_cosine_with_the_mean_embedding(bias):
    model = classifier({"cat": "a cat", "dog": ["a dog", "a photo of a dog"], "third": [0.0, 0.0, -5.0]}, bias)
    image = nn.functional.normalize(model.model.visual(X), dim=1)
    dog = np.array([0.0, 0.6, 0.8]) + np.array([1.0, 0.0, 0.0])
    rows = torch.tensor(np.stack([[1 / 3, 2 / 3, 2 / 3], dog / np.linalg.norm(dog), [0, 0, -1]]), dtype=torch.float32)
    torch.testing.assert_close(model(X), np.exp(1.5).item() * image @ rows.T - (10.0 if bias else 0.0))
    assert not model.training and not model.classes.weight.requires_grad


def test_prompts_name_the_classes_of_a_mask():
    mask = saliency.Vanilla(classifier(["a cat", "a dog"]), 1).GetMask(X[0])
    assert mask.details["class_name"] == "a dog" and mask.about.targets == ["class 1 (a dog)"]


@pytest.mark.parametrize(
    ("prompts", "rule"),
    [
        (None, "is a zero-shot network, which has no classes of its own: pass `prompts`"),
        ("a cat", r"`prompts` \(str\) must be a list of prompts"),
        ([], "must have at least one class"),
        (["a cat", "a cat"], "must be different strings"),
        ({"": "a cat"}, "its name must be a string that is not empty"),
        ({"cat": []}, r"`prompts\['cat'\]` must be a prompt"),
        ({"cat": [0.0, 0.0, 0.0]}, "not all 0"),
        ({"cat": ["a cat", 3]}, r"`prompts\['cat'\]` \(=\['a cat', 3\]\) must be"),
        ({"cat": [1.0, 2.0]}, r"`prompts\['cat'\]` \(length 2\) must be as long as the model's features \(3\)"),
    ],
)
def test_invalid_prompts_are_refused(prompts, rule):
    with pytest.raises(saliency.InputError, match=rule):
        classifier(prompts)
