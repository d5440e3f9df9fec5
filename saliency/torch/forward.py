"""Run a model forward and return its output, its logits or the output of layers."""

import threading
from collections.abc import Callable, Hashable, Mapping
from contextlib import ExitStack
from copy import copy
from functools import partial
from typing import Any, TypeVar

import torch

from saliency.core.errors import ForwardError, InputError, LogitWarning, one_line
from saliency.core.output_selection import OutputSelector
from saliency.core.score_reading import LOGITS_NOT_FOUND
from saliency.core.target import Target
from saliency.core.warnings import warn
from saliency.torch.class_token import ClassTokenPasses
from saliency.torch.layers import record_layer_outputs, single_output
from saliency.torch.model_call import ModelCall
from saliency.torch.model_check import check_dense, mixed_types_hint
from saliency.torch.one_function import one_function
from saliency.torch.out_of_memory import is_out_of_memory
from saliency.torch.pre_softmax_logits import LogitRecorder
from saliency.torch.softmax_detection import final_activation, is_outside_probability_range
from saliency.torch.state import start_pass
from saliency.torch.target_axes import OutputAxesNeeded, TargetAxes

T = TypeVar("T")


class ForwardRunner:
    """Run a model that is in eval mode.

    Args:
        call: calls the model with the explained input, and the others by name.
        selector: selects one of several outputs.
        channels_last: whether the outputs of the model and its layers have their channels last, as in Keras.
    """

    def __init__(self, call: ModelCall, selector: OutputSelector, channels_last: bool = False) -> None:
        self.call, self.selector, self.model = call, selector, call.model
        self.axes, self._class_token = TargetAxes(call, channels_last), ClassTokenPasses(call.model)
        self._last_output = threading.local()  # hints that save time: `probability`, `outside_probability_range`
        self.repeats: dict[Hashable, bool] = {}  # kind of query -> whether ``gradients_of_targets`` supports the model

    @property
    def options(self) -> Hashable:
        """What distinguishes this runner from others of the same model."""
        return self.call.input, self.selector.choice

    def with_output(self, output: str | int | None) -> "ForwardRunner":
        """Return a runner of the same model that selects another output, and shares the hints that save time."""
        runner = copy(self)
        runner.selector = OutputSelector(output)
        return runner

    def find_axes(self, x: torch.Tensor, target: Target, feed: Mapping[str, Any], channel_axis: int | None) -> None:
        """Find which axes of the layer that a target names hold samples and channels, unless they are known.

        Args:
            x, target, feed: as for ``run``. No hooks of a pass are active.
            channel_axis: of one input.
        """
        self.axes.channel_axis = channel_axis
        self.axes.find(partial(_call, self.call, x, feed), x, target, feed)

    def with_axes(self, compute: Callable[[], T], x: torch.Tensor, feed: Mapping[str, Any], channel_axis: int | None) -> T:
        """Return what a function computes with ``run``; if that needs the axes of the model's output, find them first.

        Args:
            compute: the function.
            x, feed, channel_axis: as for ``find_axes``.
        """
        try:
            return compute()
        except OutputAxesNeeded:
            self.axes.channel_axis = channel_axis
            self.axes.find_of_output(partial(self._selected, x, feed), x, feed, self.selector.choice)
        return compute()

    def _selected(self, x: torch.Tensor, feed: Mapping[str, Any]) -> Any:
        return self.selector.select(_call(self.call, x, feed), len(x), of_class=True)

    def run(self, x: torch.Tensor, target: Target, feed: Mapping[str, Any], outputs_only: bool = False) -> Any:
        """Run the model and return the outputs from which a target reads its scores.

        Args:
            x: (N, *input), in the model's own type.
            target: names the layer, if any, and whether logits are wanted.
            feed: the model's other inputs by name; the model receives copies.
            outputs_only: only the outputs are needed, and what a transformer computes for tokens that they do not depend on
                is left out; see ``class_token``.

        Raises:
            ForwardError: if the forward pass fails.
            ModelError: if a class is explained and the output is a sparse or nested tensor.
            TargetError: if the layer does not exist, or was not called exactly once.
        """
        needs_logits = target.logits and target.layer is None
        if needs_logits and getattr(self._last_output, "outside_probability_range", False):
            outputs = self._run(x, target, feed, False, outputs_only)  # recording costs up to a tenth of a pass
            if is_outside_probability_range(outputs):
                return outputs
        return self._run(x, target, feed, needs_logits, outputs_only)

    def run_with_graph(
        self, x: torch.Tensor, target: Target, feed: Mapping[str, Any], grad: bool = True, outputs_only: bool = False
    ) -> Any:
        """Run the model with a graph, and again with recorded logits only if the graph ends in a softmax or sigmoid.

        Args:
            x, target, feed, outputs_only: as for ``run``.
            grad: record the graph from the input on; otherwise a hook starts it at a layer.
        """
        needs_logits = target.logits and target.layer is None
        record_logits = needs_logits and getattr(self._last_output, "probability", False)
        with torch.set_grad_enabled(grad):
            outputs = self._run(x, target, feed, record_logits, outputs_only)
        activation = final_activation(outputs) if needs_logits and not record_logits else None
        if activation == "hidden":
            warn(LOGITS_NOT_FOUND, LogitWarning)
        elif activation == "probability":
            self._last_output.probability = True
            with torch.set_grad_enabled(grad):
                outputs = self._run(x, target, feed, True, outputs_only)
        return outputs

    def _run(self, x: torch.Tensor, target: Target, feed: Mapping[str, Any], record_logits: bool, outputs_only: bool) -> Any:
        if target.layers:
            return self._run_to_layers(x, target, feed)
        with ExitStack() as stack:
            recorder = stack.enter_context(LogitRecorder()) if record_logits else None
            call = partial(_call, self.call, x, feed)
            output = self._class_token.run(call) if outputs_only else call()
        output = self.selector.select(output, len(x), target.function is None)
        if target.function is None:
            check_dense(output)
        if recorder is not None:
            self._last_output.outside_probability_range = is_outside_probability_range(output)
            output = recorder.logits_of(output)
        return self.axes.arrange_output(output, x, target, feed, self.selector.choice)

    def _run_to_layers(self, x: torch.Tensor, target: Target, feed: Mapping[str, Any]) -> Any:
        with record_layer_outputs(self.model, target.layers) as calls:
            _call(self.call, x, feed)
        recorded = (single_output(one, layer) for one, layer in zip(calls, target.layers, strict=True))
        outputs = tuple(self.axes.arrange(output, x, target, feed) for output in recorded)
        return outputs if isinstance(target.layer, tuple) else outputs[0]


def _call(call: ModelCall, x: torch.Tensor, feed: Mapping[str, Any]) -> Any:
    copies = {name: value.clone() if isinstance(value, torch.Tensor) else copy(value) for name, value in feed.items()}
    start_pass()
    shape, is_leaf = tuple(x.shape), x.is_leaf and x.requires_grad  # autograd forbids in-place operations on such a leaf
    try:
        with one_function(call.model, x.device):
            return call(x if is_leaf else x.clone(), copies)
    except Exception as error:
        if is_out_of_memory(error) or isinstance(error, InputError):  # the names of the inputs are wrong
            raise
        if is_leaf and "leaf Variable" in str(error):
            return _call(call, x.clone(), feed)
        raise ForwardError.of(shape, f"{one_line(error)}{mixed_types_hint(call.model, x)}{call.hint(feed)}") from error
