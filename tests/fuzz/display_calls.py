"""Random calls of the functions that draw masks."""

import numpy as np
from PIL import Image

import saliency
from tests.fuzz.fuzzed_models import X, function_model
from tests.fuzz.option_calls import PublicCall

PICTURE = np.random.default_rng(2).integers(0, 256, (8, 8, 3), np.uint8)
MAPS = [X, X[0], np.moveaxis(X, 0, -1), X.astype(np.float32), X.tolist()]
PICTURES = [PICTURE, np.moveaxis(PICTURE, -1, 0), X[0], Image.fromarray(PICTURE)]


STYLE = {
    "image": [None, [PICTURE, PICTURE]],
    "class_names": [None, ["a", "b"], {0: "a"}],
    "overlay": [False, True, "outline"],
    "cmap": [None, "viridis"],
    "percentile": [99, 50.5, 100],
    "units": [True, False],
}


def _check_scale(low):
    def check(image):
        assert image.ndim == 2 and np.isfinite(image).all() and image.min() >= low and image.max() <= 1, "outside the scale"

    return check


def _check_overlay(image):
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3, "no RGB image"


def _show(pictures, **options):
    figure = saliency.show(pictures, **options)
    figure.draw_without_rendering()  # what is wrong may only be noticed when it is drawn
    return figure


def _masks():
    return saliency.RISE(function_model, 0).GetMasks([X, X + 1], nmasks=2, seed=0)


def _mask_figure(**options):
    figure = _masks().figure(**options)
    figure.draw_without_rendering()
    return figure


def _figure(**options):
    masks = _masks()
    figure = saliency.figure([masks, list(masks)], **options)
    figure.draw_without_rendering()
    return figure


def display_calls():
    """Return the calls by name."""
    options = {"image_3d": MAPS, "percentile": [99, 0, 100, 50.5], "channel_axis": [None, 0, -1, 2]}
    return {
        "VisualizeImageGrayscale": PublicCall(saliency.VisualizeImageGrayscale, options, _check_scale(0)),
        "VisualizeImageDiverging": PublicCall(saliency.VisualizeImageDiverging, options, _check_scale(-1)),
        "overlay": PublicCall(
            saliency.overlay,
            {"image": PICTURES, "mask": [X, X[0], abs(X)], "alpha": [0.7, 0, 1], "cmap": [None, "viridis"], "percentile": [99, 50]},
            _check_overlay,
        ),
        "show": PublicCall(
            _show,
            {"pictures": [PICTURES, [X, X[0]]], "titles": [None, ["a", "b"]], "columns": [None, 1, 3], "size": [2.4, 1],
             "cmap": [None, "viridis"]},
            never={"size": ("1e308", "2**31", "2**63", "10**30")},
        ),
        "MaskArray.figure": PublicCall(
            _mask_figure,
            {"rows": [1, 2, 5], "layout": ["strength", "signed-input"], "title": [None, "a"], **STYLE},
        ),
        "figure": PublicCall(
            _figure,
            {"labels": [None, ["a", "b"]], "scale": ["own", "method", "all"], "signed": [None, True, False], "width": [None, 3],
             "title": [None, "a"], **STYLE},
        ),
    }  # fmt: skip
