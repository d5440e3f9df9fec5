"""Conversions between arrays, tensors and PIL images."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from PIL import Image

from saliency.compat.dnnbrain import ip
from saliency.core.errors import InputError


def test_to_pil():
    rng = np.random.default_rng(0)
    floats = rng.normal(size=(3, 4, 5)).astype(np.float32)
    scaled = ((floats - floats.min()) / (floats.max() - floats.min()) * 255).astype(np.uint8)  # truncated, not rounded
    np.testing.assert_array_equal(np.moveaxis(np.asarray(ip.to_pil(floats, True)), -1, 0), scaled)
    np.testing.assert_array_equal(
        np.asarray(ip.to_pil(torch.tensor(floats, requires_grad=True), True)), np.moveaxis(scaled, 0, -1)
    )
    assert np.asarray(ip.to_pil(np.array([[0, 0.999, 1.0]]), True)).tolist() == [[0, 254, 255]]
    assert ip.to_pil(floats[0], True).mode == "L" and ip.to_pil(floats[0]).mode == "F"
    assert np.asarray(ip.to_pil(np.array([[-128, 0, 127]], np.int8), True)).tolist() == [[0, 128, 255]]
    assert np.asarray(ip.to_pil(np.array([[-1.7e308, 0, 1.7e308]]), True)).tolist() == [[0, 127, 255]]
    for constant in (0.0, -2.5, 7):
        assert not np.asarray(ip.to_pil(np.full((3, 2, 2), constant), True)).any()
    bytes_ = rng.integers(0, 256, (3, 4, 5), np.uint8)
    picture = ip.to_pil(bytes_)
    assert picture.mode == "RGB" and ip.to_pil(picture) is picture
    np.testing.assert_array_equal(ip.to_array(picture), bytes_)
    np.testing.assert_array_equal(ip.to_array(ip.to_pil(picture, True)).max(), 255)
    for wrong, normalization, match in (
        (floats, False, r"`image` \(float32, 3 channels\) must be uint8"),
        (np.array([[np.nan, 1.0]]), True, "all must be finite"),
        (np.zeros((2, 2), complex), True, r"`image` \(ndarray of complex128\) must be an array of real numbers"),
        (floats, [True], r"`normalization` \(=\[True\]\) must be True or False"),
        (np.zeros((4, 5, 3)), True, r"`image` \(shape \(4, 5, 3\)\)"),
        ([[1, 2]], True, r"`image` \(list\)"),
        (np.zeros((2, 2), complex), False, r"`image` \(complex128\) must have a dtype that PIL supports"),
    ):
        with pytest.raises(InputError, match=match):
            ip.to_pil(wrong, normalization)


def test_to_array_and_to_tensor():
    bytes_ = np.random.default_rng(0).integers(0, 256, (3, 4, 5), np.uint8)
    assert ip.to_array(bytes_) is bytes_
    assert ip.to_array(ip.to_pil(bytes_).convert("RGBA")).shape == (4, 4, 5)
    assert ip.to_array(Image.new("L", (5, 4))).shape == (4, 5)
    tensor = ip.to_tensor(bytes_)
    bytes_[0, 0, 0] = 7
    assert tensor[0, 0, 0] == 7 and tensor.dtype == torch.uint8  # the same memory
    assert ip.to_tensor(tensor) is tensor and ip.to_tensor(ip.to_pil(bytes_)).shape == (3, 4, 5)
    np.testing.assert_array_equal(ip.to_tensor(bytes_[:, ::-1]), bytes_[:, ::-1])
    np.testing.assert_array_equal(ip.to_tensor(bytes_.astype(">f4")), bytes_)
    np.testing.assert_array_equal(ip.to_array(torch.tensor([[2 + 3j]]).conj().imag), [[-3]])
    for wrong in torch.ones(3, 2, 2, dtype=torch.bfloat16), torch.ones(3, 2, 2, device="meta"):
        with pytest.raises(InputError, match="must be a dense tensor of a type that NumPy has"):
            ip.to_array(wrong)
    with pytest.raises(InputError, match=r"`image` \(datetime64\[s\]\) must have a dtype that Torch supports"):
        ip.to_tensor(np.zeros((3, 2, 2), "datetime64[s]"))
    with pytest.raises(InputError, match=r"\(list\)"):
        ip.to_tensor([1])
