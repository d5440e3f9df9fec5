"""Models whose attention cannot be combined are refused, with a way on; what only looks like attention is left out."""

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from tests.torch.attention_networks import WIDTH, Block, ViT, explicit, fused

X = np.random.default_rng(0).normal(size=(2, 3, 24, 32)).astype(np.float32)
METHODS = [saliency.AttentionRelevance, saliency.AttentionRollout]


class Blocks(nn.Module):
    """Two blocks, and a step between, behind or around them."""

    def __init__(self, step, place="behind"):
        super().__init__()
        self.first, self.second, self.step, self.place = Block(explicit), Block(fused), step, place
        self.query = nn.Parameter(torch.randn(1, 1, WIDTH))

    def forward(self, x):
        if self.place == "parallel":
            return self.first(x) + self.second(x)
        if self.place == "between":
            return self.second(self.step(self, self.first(x)))
        return self.step(self, self.second(self.first(x)))


def pooled_keys(_blocks, x):
    """Attention to every third token."""
    return x + explicit(x, x[:, ::3], x[:, ::3])


def windows(_blocks, x):
    """Attention within rows of the grid."""
    rows = x.unflatten(1, (3, 4))
    return x + explicit(rows, rows, rows).flatten(1, 2)


def windows_as_samples(blocks, x):
    """Attention of a block within windows that are stacked as samples, as in SAM."""
    parts = x.unflatten(1, (3, 2, 2)).transpose(1, 2).flatten(0, 1).flatten(1, 2)  # (2 N, 6, channels)
    mixed = blocks.second(parts).unflatten(0, (len(x), 2)).unflatten(2, (3, 2))
    return mixed.transpose(1, 2).flatten(1, 3)


def latents(blocks, x):
    """Attention from the tokens to learned latents and back, as in Perceiver."""
    few = blocks.query.expand(len(x), 4, -1)
    few = few + explicit(few, x, x)
    return x + explicit(x, few, few)


def pooling(blocks, x):
    """Attention from a learned query."""
    return explicit(blocks.query.expand(len(x), -1, -1), x, x)


def mixed(_blocks, x):
    """A step behind which no token has a known position."""
    return x + explicit(*[x.cumsum(1).flip(1).sort(1).values] * 3)


CASES = {
    "windows": (windows, "behind", "attend to a window"),
    "pooled keys": (pooled_keys, "behind", "12 queries attend to 4 keys"),
    "windows as samples": (windows_as_samples, "between", "attend to a window"),
    "latents": (latents, "between", "cross-attention or pooling"),
    "attention pooling": (pooling, "behind", "cross-attention or pooling"),
    "unknown tokens": (mixed, "behind", "not known to hold the input's positions"),
    "fewer tokens": (lambda _, x: x[:, ::2], "between", r"different tokens \(12, 6\)"),
    "parallel": (None, "parallel", "parallel branches"),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CASES)
def test_other_attention_is_refused(name, method):
    step, place, message = CASES[name]
    model = ViT(extra=0, read="all", blocks=Blocks(step, place))
    with pytest.raises(saliency.ModelError, match=f"(?s){message}.*Use GradCAM"):
        method(model, 2).GetMasks(X)


@pytest.mark.parametrize("method", METHODS)
def test_a_model_without_attention(method):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Softmax(1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)).eval()
    with pytest.raises(saliency.ModelError, match="no attention between the input and the score.*Use GradCAM"):
        method(model, 2).GetMask(X[0])


def test_an_adapter_without_attention():
    with pytest.raises(saliency.ModelError, match="cannot read attention.*Use a gradient method"):
        saliency.AttentionRelevance(saliency.FunctionAdapter(lambda x: x.sum((1, 2))), 2).GetMask(X[0])


class Gated(ViT):
    """A network with softmaxes that are not attention: a gate of channels, nested classifiers, and that of the classes."""

    def __init__(self):
        super().__init__(fused)
        self.groups, self.members = nn.Linear(5, 3), nn.Parameter(torch.randn(3, 5))

    def forward(self, x):
        logits = super().forward(x * x.mean((2, 3), keepdim=True).softmax(1))
        nested = self.groups(logits).softmax(-1) @ self.members.softmax(-1)
        return (logits * logits.softmax(-1) + nested).softmax(-1)


@pytest.mark.parametrize("method", METHODS)
def test_other_softmaxes_are_not_attention(method):
    model = Gated()
    layers = saliency.wrap(model).attentions(torch.tensor(X), _request())
    assert [tuple(one.shape) for one in layers.weights] == [(2, 3, 13, 13)] * 2
    assert method(model, 2).GetMasks(X).max() > 0


def _request():
    from saliency.core.adapter_request import Request
    from saliency.core.target import Target

    return Request(Target.of([2, 2]))


def test_tokens_that_form_no_grid():
    class Dropped(ViT):
        def forward(self, x):
            tokens = self.patch(x).flatten(2).transpose(1, 2)[:, [0, 1, 2, 5, 7, 8, 11]]
            return self.head(self.norm(self.blocks(tokens)).mean(1))

    with pytest.raises(saliency.ModelError, match=r"7 tokens form no known grid.*\(7 of them.*grid=\(rows, columns\)"):
        saliency.AttentionRollout(Dropped(), 2).GetMasks(X)


def test_shared_blocks_and_half_precision():
    block = Block(fused)
    shared = ViT(blocks=nn.Sequential(block, block))
    masks = saliency.AttentionRelevance(shared, 2).GetMasks(X, should_resize=False)
    twin = ViT(blocks=nn.Sequential(block, Block(fused)))
    twin.load_state_dict(
        {**shared.state_dict(), **{k.replace("blocks.0", "blocks.1"): v for k, v in shared.state_dict().items()}}
    )
    np.testing.assert_allclose(saliency.AttentionRelevance(twin, 2).GetMasks(X, should_resize=False), masks, rtol=1e-5)
    half = saliency.AttentionRelevance(shared.bfloat16(), 2).GetMasks(X, should_resize=False)
    assert half.dtype == np.float32 and np.corrcoef(half.ravel(), masks.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("method", [*METHODS, saliency.LeGrad])
def test_a_compiled_model_has_the_map_of_the_model(method):
    model = ViT(fused)
    found = method(torch.compile(model, backend="eager"), 2).GetMasks(X)
    np.testing.assert_allclose(found, method(model, 2).GetMasks(X), atol=1e-6)
    assert found.max() > 0


def test_a_score_behind_a_head_of_zeros():
    model = ViT(fused)
    model.head.weight.data *= 0
    for method in METHODS:
        with pytest.warns(saliency.ZeroGradientWarning, match="does not depend on the attention"):
            assert (method(model, 2).GetMask(X[0]) == 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"head_fusion": "sum"}, "`head_fusion` .*'mean', 'max', 'min'"),
        ({"discard_ratio": 1}, "`discard_ratio` .*less than 1"),
        ({"discard_ratio": -0.1}, "`discard_ratio`"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(saliency.InputError, match=message):
        saliency.AttentionRollout(ViT(), 2).GetMask(X[0], **options)
    with pytest.raises(saliency.InputError, match="`modifier`.*AttentionRelevance"):
        saliency.AttentionRollout(ViT(), 2, modifier="absolute").GetMask(X[0])
