"""An adapter of a function without gradients."""

from tests.reference import JacobianAdapter


class ForwardAdapter(JacobianAdapter):
    """Adapt a function, with a minimal array namespace and without gradients, and record the batch size of each call.

    Args:
        f: maps inputs (N, *input) to outputs (N, classes).
        channel_axis: the axis of the channels of one input.
        keep_inputs: record the inputs of each call too.
    """

    def __init__(self, f, channel_axis=0, keep_inputs=False):
        self.batch_sizes, self.inputs, self.channel_axis = [], [], channel_axis

        def recorded(x):
            self.batch_sizes.append(len(x))
            if keep_inputs:
                self.inputs.append(x)
            return f(x)

        def refuse(x):
            raise AssertionError("this method must not use gradients")

        super().__init__(recorded, refuse)
