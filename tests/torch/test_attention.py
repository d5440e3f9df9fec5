"""Attention rollout and relevance, against an explicit reference, for every spelling of attention."""

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from tests.torch.attention_networks import HEADS, SPELLINGS, WIDTH, ViT, explicit, fused, reference

X = np.random.default_rng(0).normal(size=(3, 3, 24, 32)).astype(np.float32)
TARGETS = [2, 0, 4]


def raw(method, model, **options):
    return method(model).GetMasks(X, TARGETS, should_resize=False, **options)


def rows(model, x, y, extra, read):
    """Return the maps that the definitions give: relevance without the identity, and rollout."""
    relevance, rollout = reference(model, x, y)
    return [(one[read].mean(0))[extra:].reshape(3, 4) for one in (relevance - np.eye(len(relevance)), rollout)]


@pytest.mark.parametrize("spelling", SPELLINGS, ids=lambda one: one.__name__)
def test_every_spelling_of_attention_gives_the_reference(spelling):
    model = ViT(spelling)
    found = [raw(method, model) for method in (saliency.AttentionRelevance, saliency.AttentionRollout)]
    for i, (x, y) in enumerate(zip(X, TARGETS, strict=True)):
        for masks, expected in zip(found, rows(ViT(), x, y, 1, [0]), strict=True):
            np.testing.assert_allclose(masks[i], expected, rtol=1e-4, atol=2e-6 * expected.max())
    assert (found[0].details["tokens_left_out"] == 1).all() and (found[0].details["tokens_read"] == 1).all()
    assert (found[1].details["grid"] == (3, 4)).all() and (found[1].details["tokens_read"] == 1).all()


@pytest.mark.parametrize(
    ("read", "extra", "index"),
    [("class", 5, [0]), ("first two", 2, [0, 1]), ("patches", 1, range(1, 13)), ("all", 0, range(12))],
    ids=["registers", "distillation", "mean of patches", "mean"],
)
def test_the_tokens_that_the_score_reads_are_proven_by_gradients(read, extra, index):
    model = ViT(fused, extra, read)
    found = [raw(method, model) for method in (saliency.AttentionRelevance, saliency.AttentionRollout)]
    for masks in found:
        assert (masks.details["tokens_read"] == len(index)).all() and (masks.details["tokens_left_out"] == extra).all()
    for i, (x, y) in enumerate(zip(X, TARGETS, strict=True)):
        for masks, expected in zip(found, rows(ViT(explicit, extra, read), x, y, extra, list(index)), strict=True):
            np.testing.assert_allclose(masks[i], expected, rtol=1e-4, atol=2e-6 * expected.max())


def test_batches_targets_and_single_inputs_give_the_same_maps():
    model = ViT(fused)
    masks = raw(saliency.AttentionRelevance, model)
    for i, y in enumerate(TARGETS):
        one = saliency.AttentionRelevance(model, y).GetMask(X[i], should_resize=False)
        np.testing.assert_allclose(masks[i], one, rtol=1e-5, atol=1e-7)
    shared = saliency.AttentionRelevance(model).GetMasks([X[0]] * 3 + [X[1]] * 3, TARGETS * 2, should_resize=False)
    np.testing.assert_allclose(shared[[0, 4]], masks[:2], rtol=1e-5, atol=1e-7)
    rollout = saliency.AttentionRollout(model).GetMasks([X[0]] * 3 + [X[1]] * 3, TARGETS * 2, should_resize=False)
    np.testing.assert_allclose(rollout[[0, 1, 3]], raw(saliency.AttentionRollout, model)[[0, 0, 1]], rtol=1e-5)
    alone = saliency.AttentionRelevance(model, batch_size=1).GetMasks(X, TARGETS, should_resize=False)
    np.testing.assert_allclose(alone, masks, rtol=1e-5, atol=1e-7)


def test_fewer_heads_of_keys_and_values():
    def grouped(q, k, v):
        return nn.functional.scaled_dot_product_attention(q, k, v, enable_gqa=True)

    def repeated(q, k, v):
        return explicit(q, k.repeat_interleave(HEADS, 1), v.repeat_interleave(HEADS, 1))

    np.testing.assert_allclose(
        raw(saliency.AttentionRelevance, ViT(grouped, kv_heads=1)),
        raw(saliency.AttentionRelevance, ViT(repeated, kv_heads=1)),
        rtol=1e-4,
        atol=1e-6,
    )


@pytest.mark.parametrize("causal", [False, True])
def test_masks_of_fused_attention(causal):
    hidden = torch.ones(13, 13, dtype=torch.bool).tril() if causal else torch.arange(13) != 5

    def by_kernel(q, k, v):
        options = {"is_causal": True} if causal else {"attn_mask": hidden.expand(13, 13)}
        return nn.functional.scaled_dot_product_attention(q, k, v, scale=0.3, **options)

    def by_hand(q, k, v):
        return (q @ k.mT * 0.3).masked_fill(~hidden, -torch.inf).softmax(-1) @ v

    read = "patches" if causal else "class"
    for method in (saliency.AttentionRelevance, saliency.AttentionRollout):
        kernel, hand = (raw(method, ViT(one, 1, read)) for one in (by_kernel, by_hand))
        np.testing.assert_allclose(kernel, hand, rtol=1e-4, atol=1e-6)
        if not causal:
            assert (
                kernel[:, 1, 0] == 0
            ).all() and kernel.max() > 0  # the fifth token is the fifth patch, minus the class token


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("need_weights", [True, False])
def test_multihead_attention(batch_first, need_weights):
    class Blocks(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.MultiheadAttention(WIDTH, HEADS, 0.1, batch_first=batch_first) for _ in range(2)])

        def forward(self, x):
            x = x if batch_first else x.transpose(0, 1)
            for layer in self.layers:
                x = x + layer(x, x, x, need_weights=need_weights)[0]
            return x if batch_first else x.transpose(0, 1)

    model = ViT(blocks=Blocks())
    found = raw(saliency.AttentionRollout, model)
    kept = []
    model.blocks.layers[0].register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0].detach()))
    model.blocks.layers[1].register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0].detach()))
    with torch.no_grad():
        model(torch.tensor(X))
        weights = [layer(x, x, x)[1] for layer, x in zip(model.blocks.layers, list(kept), strict=True)]
    product = (weights[1] + torch.eye(13)) @ (weights[0] + torch.eye(13)) / 4
    np.testing.assert_allclose(found, product[:, 0, 1:].reshape(3, 3, 4), rtol=1e-4)


def test_smoothing_resizing_and_channels():
    mask = saliency.AttentionRelevance(ViT(), 2)
    smoothed = mask.GetSmoothedMask(X[0], nsamples=3, seed=1, three_dims=True, magnitude=False)
    assert smoothed.shape == (3, 24, 32) and smoothed.max() <= 1 and (smoothed == smoothed[:1]).all()
    assert mask.GetMask(X[0]).max() <= 1 and mask.GetMask(X[0]).shape == (24, 32)


def test_a_modifier_changes_the_gradients_by_the_weights():
    expected = raw(saliency.AttentionRelevance, ViT())
    model = ViT()
    model.head.weight.data *= -1
    found = saliency.AttentionRelevance(model, modifier="decrease").GetMasks(X, TARGETS, should_resize=False)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)


def test_a_grid_that_the_user_states():
    class Shuffled(ViT):
        """A network that orders its patches by their values, which hides their positions."""

        def forward(self, x):
            order = x.mean((1, 2, 3)).argsort()  # of the samples: whatever moves by values has no proven position
            return super().forward(x[order][order.argsort()])

    expected = raw(saliency.AttentionRelevance, ViT(fused))
    with pytest.raises(saliency.ModelError, match="not known to hold the input's positions"):
        raw(saliency.AttentionRelevance, Shuffled(fused))
    found = raw(saliency.AttentionRelevance, Shuffled(fused), grid=(3, 4), tokens=1)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    with pytest.raises(saliency.ModelError, match="must select 15 of the model's 13 tokens|not known"):
        raw(saliency.AttentionRelevance, ViT(fused), grid=(3, 5), tokens=1)


def test_the_model_stays_as_it_was():
    model = ViT(fused).train()
    state = {name: one.clone() for name, one in model.state_dict().items()}
    raw(saliency.AttentionRelevance, model)
    assert model.training and all((one == state[name]).all() for name, one in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
