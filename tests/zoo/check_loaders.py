"""`nets.load` with the real transformers: tiny networks with random weights, saved to a folder. `make test-zoo` runs this file."""

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

import saliency
from saliency import nets

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8))
SMALL = {"image_size": 32, "patch_size": 8, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
SIZES = {"hidden_sizes": [8, 16], "depths": [1, 1]}
NETWORKS = {
    "ViT": (transformers.ViTConfig(**SMALL, intermediate_size=16), transformers.ViTImageProcessor(size=dict.fromkeys(("height", "width"), 32))),
    "ConvNext": (transformers.ConvNextConfig(num_stages=2, **SIZES), transformers.ConvNextImageProcessor(size={"shortest_edge": 48})),
    "ResNet": (transformers.ResNetConfig(embedding_size=8, **SIZES), transformers.CLIPImageProcessor(size={"shortest_edge": 40}, crop_size=32)),
}  # fmt: skip


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_folder_that_save_pretrained_wrote(kind, tmp_path):
    config, processor = NETWORKS[kind]
    config.num_labels, config.id2label = 3, {0: "shark", 1: "tench", 2: "ray"}
    torch.manual_seed(0)
    model = getattr(transformers, f"{kind}ForImageClassification")(config).eval()
    model.save_pretrained(tmp_path / "saved")
    processor.save_pretrained(tmp_path / "saved")
    network = nets.load(f"hf/{tmp_path / 'saved'}")
    expected = transformers.AutoImageProcessor.from_pretrained(tmp_path / "saved")(images=PICTURE, return_tensors="pt")
    prepared = network.prepare(PICTURE)
    assert np.array_equal(prepared, expected["pixel_values"][0].numpy()) and network.class_names[1] == "tench"
    x = torch.tensor(prepared[None], requires_grad=True)
    logits = model(x).logits
    torch.testing.assert_close(network.model.eval()(x).logits, logits)
    logits[0, 1].backward()
    mask = saliency.Vanilla(network.model, 1).GetMask(prepared)
    assert mask.details["class_name"] == "tench"
    np.testing.assert_allclose(mask, x.grad[0], atol=1e-5 * float(x.grad.abs().max()))
    weights = tmp_path / "saved" / "model.safetensors"
    assert weights.is_file() and torch.equal(
        next(nets.load(f"hf/{tmp_path / 'saved'}", weights).model.parameters()), next(model.parameters())
    )
