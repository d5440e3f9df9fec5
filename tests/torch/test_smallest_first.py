"""Torch's way for other devices distributes amounts as the one for the CPU."""

import numpy as np
import pytest
import torch

import saliency
from saliency.core.numerics.smallest_first import fill_smallest_first


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_both_ways_agree(dtype):
    adapter, random = saliency.wrap(torch.nn.Linear(2, 2)), torch.Generator().manual_seed(0)
    costs, room = (torch.rand(3, 500, generator=random).to(dtype) for _ in range(2))
    amount = room.sum(dim=1, keepdim=True) * torch.tensor([[0.1], [0.5], [0.9]], dtype=dtype)
    plain = fill_smallest_first(adapter, costs, room, amount, 60)
    found = adapter.fill_smallest_first(costs, room, amount, 60)
    tolerance = 0.05 if dtype == torch.bfloat16 else 1e-4
    np.testing.assert_allclose(plain.float(), found.float(), atol=tolerance)
    assert ((found > 0) & (found < 1)).any(dim=1).all() and found.dtype == (
        torch.float32 if dtype == torch.bfloat16 else dtype
    )
