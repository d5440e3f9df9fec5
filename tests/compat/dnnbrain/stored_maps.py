"""Where the maps that DNNBrain wrote are, and how maps are compared with them."""

import numpy as np

from saliency.compat.dnnbrain import GuidedSaliencyImage, VanillaSaliencyImage
from tests.dnnbrain import FIXTURES

MAPS, IMAGES = FIXTURES / "saliency", FIXTURES / "images"
KINDS = {"vanilla": VanillaSaliencyImage, "guided": GuidedSaliencyImage}


def assert_same(got, wanted, name):
    assert got.dtype == np.float32 and type(got) is np.ndarray and got.shape == wanted.shape, name
    assert np.abs(got - wanted).max() <= 1e-5 * np.abs(wanted).max(), name
