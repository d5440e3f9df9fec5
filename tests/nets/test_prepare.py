"""``Network.prepare`` reads pictures in memory as the commands read files: PIL images of any mode, arrays and tensors."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

import saliency
from saliency import nets
from saliency.core.errors import InputError
from tests.io.picture_files import RAMP, netpbm, samples, tiff

GRAY = np.rint(255 * RAMP).astype(np.uint8)
COLORS = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def network():
    return nets.Network("pixels", None, (48, 64))  # an input is pixel / 255


def levels(network, picture, **options):
    return np.moveaxis(255 * network.prepare(picture, **options), 0, -1)


@pytest.mark.parametrize(
    ("picture", "expected", "range_"),
    [
        (COLORS, COLORS, None),
        (COLORS.transpose(2, 0, 1), COLORS, None),
        (COLORS * np.uint16(257), COLORS, None),
        (COLORS.transpose(2, 0, 1) / 255, COLORS, (0, 1)),
        (COLORS.astype(int), COLORS, (0, 255)),
        (GRAY, GRAY[..., None], None),
        (GRAY[None], GRAY[..., None], None),
        (GRAY[..., None], GRAY[..., None], None),
        (samples(65535, ">u2"), GRAY[..., None], None),
        (samples(4095), GRAY[..., None], (0, 4095)),
        (RAMP.astype("f2"), GRAY[..., None], (0, 1)),
        (RAMP > 0.5, 255 * (RAMP > 0.5)[..., None], None),
        (GRAY.tolist(), GRAY[..., None], (0, 255)),
        (np.dstack([GRAY, np.zeros_like(GRAY)]), np.full((48, 64, 1), 255), None),
        (np.dstack([COLORS, np.zeros_like(GRAY)]), np.full((48, 64, 1), 255), None),
        (Image.fromarray(samples(65535)), GRAY[..., None], None),
        (Image.fromarray(RAMP.astype("f4")), GRAY[..., None], (0, 1)),
        (Image.fromarray(GRAY.astype("i4")), GRAY[..., None], (0, 255)),
        (Image.fromarray(COLORS).convert("CMYK"), COLORS, None),
        (Image.fromarray(GRAY).convert("P"), GRAY[..., None], None),
        (Image.fromarray(GRAY).convert("LA").convert("La"), GRAY[..., None], None),
        (Image.fromarray(COLORS).convert("RGBA").convert("RGBa"), COLORS, None),
    ],
)
def test_pictures_in_memory(picture, expected, range_, network):
    assert np.abs(levels(network, picture, float_range=range_) - expected).max() <= 1.01


def test_tensors(network):
    torch = pytest.importorskip("torch")
    assert np.abs(levels(network, torch.tensor(COLORS).permute(2, 0, 1)) - COLORS).max() < 1e-4
    for wrong, match in (
        (torch.ones(3, 8, 8, requires_grad=True), r"`picture` \(Tensor\) cannot be read as an array: .* requires grad"),
        (torch.ones(3, 8, 8, dtype=torch.bfloat16), r"`picture` \(Tensor\) cannot be read as an array: .*BFloat16"),
    ):
        with pytest.raises(InputError, match=match):
            network.prepare(wrong)


def test_orientation(network):
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.fromarray(COLORS.swapaxes(0, 1)).save(buffer, "PNG", exif=exif)
    picture = Image.open(buffer)
    np.testing.assert_array_equal(network.prepare(picture), network.prepare(ImageOps.exif_transpose(picture)))


def test_what_a_file_says_holds_before_and_after_its_picture_is_decoded(network, tmp_path):
    white = tiff(tmp_path / "a.tif", samples(65535), photometric=0)
    swapped = tiff(tmp_path / "b.tif", RAMP.astype(">f4"), compress=True)
    maximum = netpbm(tmp_path / "c.pgm", samples(4095), "P5", 4095)
    for file, expected, range_ in ((white, 255 - GRAY, None), (swapped, GRAY, (0, 1)), (maximum, GRAY, (0, 4095))):
        with Image.open(file) as picture:
            for _ in range(2):  # the second time it is decoded
                assert np.abs(levels(network, picture, float_range=range_) - expected[..., None]).max() <= 1.01
    for file, match in ((swapped, "wrong byte order"), (maximum, "open it again")):
        with Image.open(file) as picture:
            picture.load()
            with pytest.raises(InputError, match=f"`picture` is a .*{match}"):
                network.prepare(picture, float_range=(0, 1))


@pytest.mark.parametrize(
    ("picture", "range_", "match"),
    [
        (RAMP, None, "has pixels of float64, whose values for black and white are unknown; give them with `float_range`"),
        (COLORS.astype(int), None, "has pixels of int64, .* give them with `float_range`"),
        (samples(4095), None, "16-bit pixels of at most 4095, .* with `float_range`"),
        (Image.fromarray(RAMP.astype("f4")), None, "has pixels of mode F, .* with `float_range`"),
        (np.full((4, 4), np.nan), (0, 1), "NaN or infinite"),
        (np.ma.masked_array(GRAY, GRAY > 3), None, "has masked values"),
        (np.zeros((3, 8, 3), np.uint8), None, r"\(shape \(3, 8, 3\)\) must have 1 to 4 channels"),
        (np.zeros((9, 8, 5), np.uint8), None, r"\(shape \(9, 8, 5\)\) must have 1 to 4 channels"),
        (COLORS[None], None, r"\(ndarray, shape \(1, 48, 64, 3\), uint8\) must be a PIL image"),
        (RAMP + 0j, None, "complex128"),
        ("a.png", None, r"`picture` \(str, .* must be a PIL image"),
        (COLORS, (0, 1), r"`float_range` \(=\(0.0, 1.0\)\) must be None for a picture of 8-bit pixels"),
        (RAMP, (1, 0), "black less than white"),
        (RAMP, (0, np.inf), "two finite numbers"),
        (RAMP, 1, "two finite numbers"),
    ],
)
def test_ambiguous_pictures_are_refused(picture, range_, match, network):
    with pytest.raises(InputError, match=match):
        network.prepare(picture, float_range=range_)


def test_a_truncated_picture_is_refused(network):
    buffer = io.BytesIO()
    Image.fromarray(COLORS).save(buffer, "JPEG")
    with pytest.raises(InputError, match="`picture` cannot be decoded: image file is truncated"):
        network.prepare(Image.open(io.BytesIO(buffer.getvalue()[:900])))


@pytest.mark.needs("torch")
def test_explain_prepares_a_picture_of_any_size():
    network = nets.load("DemoNet")
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (70, 130, 3), np.uint8))
    x = network.prepare(picture)
    np.testing.assert_array_equal(network.explain(picture, 3), saliency.GradCAM(network, 3).GetMask(x))
    mask = network.explain(picture, method=saliency.IntegratedGradients, x_steps=4)
    np.testing.assert_array_equal(mask, saliency.IntegratedGradients(network, x_steps=4).GetMask(x))
    assert "target" in mask.details
    with pytest.raises(saliency.InputError, match=r"`method` \(='GradCAM'\) must be the class of a method"):
        network.explain(picture, method="GradCAM")
