"""The errors and warnings of this library.

    SaliencyError
    |-- InputError     (ValueError)       an input or an option is invalid
    |   `-- ForwardError                  the model's forward pass failed
    |-- TargetError    (ValueError)       the model has no such class, layer, channel or unit
    |-- ModelError     (RuntimeError)     the model is not supported as it is
    |   `-- NoReLUError                   a ReLU rule was given, but no ReLU lies between the input and the score
    |-- GradientError  (ArithmeticError)  the gradient does not exist or is not finite
    `-- MemoryShortage (MemoryError)      a single sample does not fit into the device's memory

    ZeroGradientWarning (UserWarning)     the mask is zero everywhere
    BatchWarning        (UserWarning)     the samples of a batch influence each other, so inputs are evaluated one at a time
    LogitWarning        (UserWarning)     a class is explained by its probability, because its logit was not found
    GateWarning         (UserWarning)     a ReLU rule was given, but all ReLUs lie in gates
    PreprocessingWarning (UserWarning)    a picture was not prepared for the model
    ToleranceWarning    (UserWarning)     a tolerance was not reached within the allowed number of evaluations

Each message states the name, the value, and what is allowed.
"""

from collections.abc import Sequence

ONE_INPUT_HINT = "If the model accepts one input at a time only, pass batch_size=1"
"""A hint for an error that occurs with several inputs."""


class SaliencyError(Exception):
    """Base class of all errors that this library raises."""


class InputError(SaliencyError, ValueError):
    """An input or an option is invalid."""


class ForwardError(InputError):
    """The model's forward pass failed, most often because of the shape of the input.

    Args:
        message: the text of the error.
        shape: shape of one input, without its batch axis.
    """

    def __init__(self, message: str, shape: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.shape = shape

    @classmethod
    def of(cls, shape: Sequence[int], reason: str) -> "ForwardError":
        """Return the error for inputs of the shape (N, *input), with the reason for the failure."""
        n, *one = shape
        what = f"the model's forward pass failed for `x_value` of shape {tuple(one)}, {n} at a time"
        way_on = f". {ONE_INPUT_HINT}" if n > 1 else ""
        return cls(f"{what}: {reason}{way_on}", tuple(one))


class TargetError(SaliencyError, ValueError):
    """The model has no such class, layer, channel or unit."""


class ModelError(SaliencyError, RuntimeError):
    """The model is not supported as it is; the message suggests what to do."""


class NoReLUError(ModelError):
    """A ReLU rule was given, but no ReLU lies between the input and the score."""


class GradientError(SaliencyError, ArithmeticError):
    """The gradient does not exist or is not finite."""


class MemoryShortage(SaliencyError, MemoryError):  # noqa: N818 - a public name
    """A single sample does not fit into the device's memory.

    Larger batches are halved until they fit, so this error is raised only when no smaller batch exists.
    """


class BatchWarning(UserWarning):
    """The samples of a batch influence each other, or the model accepts one input at a time only.

    Inputs of this shape are evaluated one at a time from then on, as with ``batch_size=1``.
    """


class LogitWarning(UserWarning):
    """A class is explained by its softmax or sigmoid output, because its logit was not found."""


class ZeroGradientWarning(UserWarning):
    """A mask is zero everywhere: the gradient is zero, or no value of a class activation map is positive."""


class GateWarning(UserWarning):
    """A ReLU rule was given, but all ReLUs lie in gates, such as those of squeeze-and-excitation blocks."""


class PreprocessingWarning(UserWarning):
    """A picture with pixels of 0 to 255, or of another size, is explained by a model that was trained on prepared pictures."""


class ToleranceWarning(UserWarning):
    """A tolerance was not reached within the allowed number of evaluations."""


def one_line(error: BaseException) -> str:
    """Return the name of an exception and the first line of its message."""
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"
