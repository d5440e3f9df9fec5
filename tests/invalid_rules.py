"""User-defined backward rules that both frameworks must refuse."""


def invalid_rules(tensor, floats, booleans, shape):
    """Return pairs of a rule and a regular expression of its error.

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
