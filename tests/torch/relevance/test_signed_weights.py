"""The weights of an operation, with factors of their own for positive and for negative ones."""

import pytest
import torch

from saliency.torch.relevance.signed_weights import WeightBuffers

FACTORS = [(1.0, 0.0), (0.0, 1.0), (2.5, 0.0), (0.0, 0.5), (1.25, 1.0), (1.0, 1.25), (1.0, 1.0)]


def random_weight(seed=0, shape=(4, 3, 2, 2)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("with_scale", [False, True])
def test_definition(with_scale, layout):
    weight = random_weight().contiguous(memory_format=layout)
    scale = torch.tensor([2.0, -0.5, 0.0, 1.0], dtype=torch.float64).reshape(-1, 1, 1, 1) if with_scale else None
    before, buffers = weight.clone(), WeightBuffers()
    found = {factors: buffers.by_sign(weight, *factors, scale) for factors in FACTORS}
    scaled = before if scale is None else before * scale
    for (positive, negative), values in found.items():  # each pair of factors has memory of its own
        expected = torch.where(scaled > 0, positive * scaled, negative * scaled)
        torch.testing.assert_close(values, expected, rtol=1e-15, atol=0)
        assert values.is_contiguous(memory_format=layout)
    assert torch.equal(weight, before)


def test_memory_is_reused_for_smaller_weights_and_replaced_for_larger_ones():
    buffers, first, other = WeightBuffers(), random_weight(), random_weight(1, (2, 3))
    address = buffers.by_sign(first, 1.0, 0.0, None).data_ptr()
    found = buffers.by_sign(other, 1.0, 0.0, None)
    assert found.data_ptr() == address and torch.equal(found, other.clamp(min=0))
    larger = random_weight(2, (10, 10))
    assert torch.equal(buffers.by_sign(larger, 1.0, 0.0, None), larger.clamp(min=0))
