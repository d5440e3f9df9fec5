"""Small stand-ins for transformers and open_clip, which the tests do not install."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import torch
from torch import nn

from tests.nets import stand_in_timm

LABELS = {0: "shark", 1: "tench", 2: "LABEL_2"}
CONFIG = {"size": (8, 10), "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4), "interpolation": "bilinear"}


class PreTrainedModel(nn.Module):
    """What loaders use of a model of transformers."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 3)
        self.config = SimpleNamespace(id2label=dict(LABELS), model_type="tiny")

    @classmethod
    def from_pretrained(cls, source, trust_remote_code, output_loading_info, config=None, state_dict=None):
        assert not trust_remote_code and output_loading_info and (source is None) == (state_dict is not None)
        torch.manual_seed(0)
        model = cls()
        given = model.state_dict() if state_dict is None else state_dict
        model.load_state_dict(given, strict=False)
        return model.train(), {"missing_keys": sorted(model.state_dict().keys() - given), "mismatched_keys": []}

    def features(self, pixels):
        return self.conv(pixels).mean((2, 3))


class TinyForImageClassification(PreTrainedModel):
    main_input_name = "pixel_values"

    def forward(self, pixel_values):
        return {"logits": self.fc(self.features(pixel_values))}


class TinyCLIP(PreTrainedModel):
    """A model with two towers, of transformers (``get_*_features``) and of open_clip (``encode_*``) alike."""

    def __init__(self):
        super().__init__()
        self.logit_scale = nn.Parameter(torch.tensor(1.5))

    def get_image_features(self, pixel_values):
        return self.features(pixel_values)

    def get_text_features(self, input_ids):
        return torch.stack([input_ids, input_ids + 1, input_ids * 0, input_ids**2], 1).float()

    encode_image, encode_text = get_image_features, get_text_features


class TinyTextModel(PreTrainedModel):
    main_input_name = "input_ids"


class Processor:
    """An image processor that resizes the whole picture, or crops its center."""

    def __init__(self, crops):
        self.size = {"shortest_edge": 8} if crops else {"height": 8, "width": 10}
        self.do_center_crop, self.do_rescale, self.do_normalize, self.rescale_factor = crops, True, True, 1 / 255
        self.image_mean, self.image_std, self.resample = CONFIG["mean"], CONFIG["std"], 3

    def __call__(self, images, return_tensors):
        assert images.mode == "RGB" and return_tensors == "pt"
        return {"pixel_values": transform(images)[None]}


def transform(picture):
    return torch.tensor(np.asarray(picture.resize((10, 8)), np.float32)).permute(2, 0, 1) / 7


def install(monkeypatch, architecture="TinyForImageClassification", crops=False):
    """Put the stand-ins into ``sys.modules``; return the list of what was loaded, each with the hub's offline mode."""
    stand_in_timm.install(monkeypatch)
    calls, constants = [], sys.modules["huggingface_hub"].constants

    def auto(name, value):
        def from_pretrained(source, trust_remote_code):
            assert not trust_remote_code
            calls.append((name, source, constants.HF_HUB_OFFLINE))
            return value

        return SimpleNamespace(from_pretrained=from_pretrained)

    hf = ModuleType("transformers")
    hf.__version__, hf.PreTrainedModel, hf.Pipeline = "5.0", PreTrainedModel, object
    for kind in (TinyForImageClassification, TinyCLIP, TinyTextModel):
        setattr(hf, kind.__name__, kind)
    hf.AutoConfig = auto("config", SimpleNamespace(architectures=[architecture], model_type="tiny"))
    hf.AutoImageProcessor = auto("processor", Processor(crops))
    hf.AutoTokenizer = auto("tokenizer", lambda texts, **_: {"input_ids": torch.tensor([len(text) for text in texts])})
    clip = ModuleType("open_clip")

    def create(name, **options):
        calls.append((name, options, constants.HF_HUB_OFFLINE))
        torch.manual_seed(0)
        return TinyCLIP(), None, transform

    clip.create_model_and_transforms = create
    clip.list_models, clip.list_pretrained_tags_by_model = lambda: ["ViT-tiny"], lambda name: ["one", "two"]
    clip.get_model_preprocess_cfg = lambda model: CONFIG
    clip.get_tokenizer = lambda name: lambda texts: torch.tensor([len(text) for text in texts])
    for module in (hf, clip):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    for name in ("hf_networks", "open_clip_networks"):
        monkeypatch.delitem(sys.modules, f"saliency.nets.{name}", raising=False)
    return calls
