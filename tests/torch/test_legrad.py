"""LeGrad against its definition: a forward pass of its own for the tokens of each layer."""

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from tests.torch.attention_networks import Block, ViT, explicit, fused

X = np.random.default_rng(0).normal(size=(3, 3, 24, 32)).astype(np.float32)
TARGETS = [2, 0, 4]


def definition(model, x, y, extra):
    """Return the map of one input; the blocks of the model use ``explicit`` attention."""
    layers, blocks = [], model.blocks
    for length in range(1, len(blocks) + 1):
        kept = []

        def recording(q, k, v, kept=kept):
            kept.append((q @ k.mT / q.shape[-1] ** 0.5).softmax(-1))
            return kept[-1] @ v

        last, model.blocks = blocks[length - 1], blocks[:length]
        spelled, last.attention = last.attention, recording
        (gradient,) = torch.autograd.grad(model(torch.tensor(x)[None])[0, y], kept)
        last.attention, model.blocks = spelled, blocks
        layers.append(gradient[0].clamp(min=0).mean((0, 1)))
    return torch.stack(layers).mean(0)[extra:].reshape(3, 4).numpy()


@pytest.mark.parametrize(("read", "extra"), [("class", 1), ("patches", 2), ("all", 0)])
def test_legrad(read, extra):
    blocks = nn.Sequential(*[Block(explicit) for _ in range(3)])
    model = ViT(extra=extra, read=read, blocks=blocks)
    masks = saliency.LeGrad(model).GetMasks(X, TARGETS, should_resize=False)
    for mask, x, y in zip(masks, X, TARGETS, strict=True):
        expected = definition(model, x, y, extra)
        np.testing.assert_allclose(mask, expected, rtol=1e-4, atol=1e-6 * expected.max())
    for block in blocks:
        block.attention = fused
    again = saliency.LeGrad(model).GetMasks([X[0]] * 3, TARGETS, should_resize=False)
    np.testing.assert_allclose(again[0], masks[0], rtol=1e-4, atol=1e-6)
    alone = saliency.LeGrad(model, 4).GetMask(X[2], should_resize=False)
    np.testing.assert_allclose(alone, masks[2], rtol=1e-4, atol=1e-6)
    with torch.no_grad():
        np.testing.assert_allclose(masks.details["score"], model(torch.tensor(X)).numpy()[range(3), TARGETS], rtol=1e-4)


def test_tokens_first_and_shared_blocks():
    class TokensFirst(nn.Module):
        def __init__(self):
            super().__init__()
            layer = nn.TransformerEncoderLayer(12, 3, 20, 0.0, norm_first=True)
            self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

        def forward(self, x):
            return self.encoder(x.transpose(0, 1)).transpose(0, 1)

    model = ViT(blocks=TokensFirst())
    masks = saliency.LeGrad(model, 2).GetMasks(X, should_resize=False)
    one = saliency.LeGrad(model, 2).GetMask(X[1], should_resize=False)
    np.testing.assert_allclose(masks[1], one, rtol=1e-4, atol=1e-7)
    block = Block(fused)
    shared, twin = ViT(blocks=nn.Sequential(block, block)), ViT(blocks=nn.Sequential(block, Block(fused)))
    twin.load_state_dict(
        {**shared.state_dict(), **{k.replace("blocks.0.", "blocks.1."): v for k, v in shared.state_dict().items()}}
    )
    found, expected = (saliency.LeGrad(one, 2).GetMasks(X, should_resize=False) for one in (shared, twin))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_named_output_and_a_softmax_of_classes():
    class Named(ViT):
        def forward(self, x):
            return {"logits": super().forward(x), "pixels": x.flatten(1)}

    model = ViT(fused)
    expected = saliency.LeGrad(model, 2).GetMasks(X, should_resize=False)
    for twin in (Named(fused), nn.Sequential(model, nn.Softmax(1)).eval()):
        np.testing.assert_allclose(saliency.LeGrad(twin, 2).GetMasks(X, should_resize=False), expected, rtol=1e-4, atol=1e-7)


def test_a_model_without_blocks():
    class Bare(ViT):
        def forward(self, x):
            tokens = self.patch(x).flatten(2).transpose(1, 2)
            return self.head((tokens + fused(tokens, tokens, tokens)).mean(1))

    model = Bare(extra=0)
    state = {name: one.clone() for name, one in model.state_dict().items()}
    with pytest.raises(saliency.ModelError, match="LeGrad needs the model's blocks.*AttentionRelevance"):
        saliency.LeGrad(model, 2).GetMask(X[0])
    assert all((one == state[name]).all() for name, one in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
