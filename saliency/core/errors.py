"""What can go wrong, as a tree.

    SaliencyError
    |-- InputError     (ValueError)       an input or an option breaks a rule
    |   `-- ForwardError                  the model's forward pass failed
    |-- TargetError    (ValueError)       what was asked for is not in the model
    |-- ModelError     (RuntimeError)     the model cannot be served as it is
    |   `-- NoReLUError                   a rule for ReLUs, and none between the input and the score
    |-- GradientError  (ArithmeticError)  the gradient is missing or not finite
    `-- MemoryShortage (MemoryError)      one sample alone does not fit into the device's memory

    ZeroGradientWarning (UserWarning)     the mask is zero everywhere, rightly (nothing speaks for the score) or not
    LogitWarning        (UserWarning)     a class is explained by a probability, for its logit was not found
    ToleranceWarning    (UserWarning)     a tolerance was not reached within the evaluations that are allowed

Each message says the name, the value and the rule.
"""

from collections.abc import Sequence


class SaliencyError(Exception):
    """Anything that this library refuses to do."""


class InputError(SaliencyError, ValueError):
    """An input or an option breaks a rule."""


class ForwardError(InputError):
    """A forward pass that failed: most often for the shape of the input.

    Args:
        message: what is told.
        shape: of one input, without its batch axis.
    """

    def __init__(self, message: str, shape: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.shape = shape

    @classmethod
    def of(cls, shape: Sequence[int], told: str) -> "ForwardError":
        """Return the error for inputs (N, *input), of which it was told what failed."""
        n, *one = shape
        what = f"the model's forward pass failed for `x_value` of shape {tuple(one)}, {n} at a time"
        return cls(f"{what}: {told}", tuple(one))


class TargetError(SaliencyError, ValueError):
    """A class, layer, channel or unit that the model does not have."""


class ModelError(SaliencyError, RuntimeError):
    """A model that cannot be served as it is; the message says what would help."""


class NoReLUError(ModelError):
    """A rule for ReLUs was asked for, and there is none between the input and the score."""


class GradientError(SaliencyError, ArithmeticError):
    """A gradient that does not exist or is not finite."""


class MemoryShortage(SaliencyError, MemoryError):  # noqa: N818 - what Python calls its own is an Error; this one may be cured
    """The device's memory does not hold the samples that are to be evaluated at once."""


class LogitWarning(UserWarning):
    """A class behind a softmax or sigmoid whose logit was not found."""


class ZeroGradientWarning(UserWarning):
    """A mask that is zero everywhere, because the gradient is, or nothing of a map is above 0."""


class ToleranceWarning(UserWarning):
    """A tolerance that was not reached within the evaluations that are allowed."""


def one_line(error: BaseException) -> str:
    """Return an exception's name and the first line of what it says."""
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"
