"""Checks of user-defined backward rules in both frameworks."""

import numpy as np

from saliency import GradCAM, OutputOf, Vanilla


def check_equal_rules(model, inputs, rule, named, layer):
    """Check that a rule gives the maps of a named rule, at the input or at a layer, and that they are not all zero."""
    at = None if layer is None else OutputOf(layer)
    maps = Vanilla(model, 1).GetMasks(inputs, rule=rule, at=at)
    np.testing.assert_array_equal(maps, Vanilla(model, 1).GetMasks(inputs, rule=named, at=at))
    assert maps.any()
    if layer is not None:
        maps = [GradCAM(model, 1, layer=layer).GetMasks(inputs, should_resize=False, rule=one) for one in (rule, named)]
        np.testing.assert_array_equal(*maps)


def invalid_rules(tensor, floats, booleans, shape):
    """Return pairs of a rule that must be refused and a regular expression of its error.

    Args:
        tensor, floats, booleans: how the framework writes the type of a tensor, its dtype, and the dtype of comparisons.
        shape: a regular expression of the gradient's shape.
    """
    return [
        (lambda g, y: g.missing, r"`rule` \(<lambda>\) failed: AttributeError"),
        (lambda g, y: g[(0,) * len(g.shape)], rf"returned a {tensor} of {floats}, shape \(\); .* shape {shape}"),
        (lambda g, y: g > 0, rf"returned a {tensor} of {booleans}"),
        (lambda g, y: None, r"returned a NoneType"),
        ("relu", r"`rule` \(='relu'\) must be one of guided, rectified, a callable"),
    ]
