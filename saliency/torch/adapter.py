"""The Torch adapter: model inputs, outputs, gradients and features as the masks request them."""

import inspect
import sys
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import Any, TypeAlias

import numpy.typing as npt
import torch

from saliency.core.adapter import GradientAdapter
from saliency.core.adapter_request import Request
from saliency.core.attention import AttentionLayers, Gradients
from saliency.core.channel_axis import read_channel_axis
from saliency.core.joined_inputs import InputLayout
from saliency.core.keras.layers import is_keras
from saliency.core.numerics.smallest_first import fill_smallest_first, fill_smallest_first_on_host
from saliency.core.output_selection import OutputSelector
from saliency.core.target import Target
from saliency.core.validation import channel_axis_option
from saliency.torch.attention.attentions import AttentionReader
from saliency.torch.batch_norm_statistics import first_batch_norm
from saliency.torch.channel_axis import default_channel_axis, find_channel_axis
from saliency.torch.deeplift.multipliers import input_multipliers
from saliency.torch.forward import ForwardRunner
from saliency.torch.incremental import OccludedForward, supports_incremental
from saliency.torch.input_gradient import features_and_gradients, input_gradients
from saliency.torch.input_tensors import feed_tensor, host_array, input_tensor, mask_dtype, normal_rows, rounding_error
from saliency.torch.layer_features import LayerFeatures
from saliency.torch.layer_gradient import layer_gradients
from saliency.torch.memory_format import MemoryFormat
from saliency.torch.model_call import ModelCall, forward_parameters
from saliency.torch.model_check import check_model
from saliency.torch.model_state import preserve_model_state
from saliency.torch.module_tree import first_floating_tensor, floating_types, named_weights, set_weights
from saliency.torch.out_of_memory import translate_out_of_memory
from saliency.torch.query import ScoreQuery
from saliency.torch.relu_nodes import node_names
from saliency.torch.state import share_snapshots

Tensors: TypeAlias = tuple[torch.Tensor, ...]


class TorchAdapter(GradientAdapter):
    """Adapt a ``torch.nn.Module`` on the device and in the floating-point type of its first parameter.

    The module may be a Keras model on the Torch backend. Inputs are cast to the type of a half-precision model; noise, sums
    and masks are float32. The model runs in eval mode and without compilation. A call restores train flags, grad modes, the
    parameters' gradients and the random generators.

    Args:
        model: the module; its ``forward`` accepts the input first and its other inputs by name.
        relu_nodes: names of autograd nodes of custom ReLUs, such as ``MyReLUBackward`` for the function ``MyReLU``.
        channel_axis: the channel axis of one input, without its batch axis; None if there are no channels, as in (H, W).
            ``"auto"`` means the first axis, or the last one for Keras layers with ``channels_last``; for inputs with two axes,
            only if the model's first convolution proves it.
        input: the explained input, by the name or position of its argument, or by its key if the model accepts one
            dictionary; None means the first argument. For a Keras model, the name or position of its input.
        output: name, index or path of the output to explain, if the model returns several; see ``saliency.wrap``.
        train_mode: accept an exported or traced model with operators that stay in train mode, such as the dropout of Monte
            Carlo dropout. They draw from Torch's generator, which each call restores: seed it for another draw.

    Raises:
        InputError: if the model has no such input, or ``output`` is invalid.
        ModelError: if its tensors were created under ``torch.inference_mode()``, or it was exported in train mode.
    """

    xp, named_weights, set_weights, first_batch_norm = torch, named_weights, set_weights, first_batch_norm
    propagates_relevance = shares_targets = True

    def __init__(
        self,
        model: torch.nn.Module,
        relu_nodes: Collection[str] = (),
        channel_axis: Any = "auto",
        input: str | int | InputLayout | None = None,
        output: str | int | None = None,
        train_mode: bool = False,
    ) -> None:
        check_model(model, train_mode)
        self._auto = isinstance(channel_axis, str) and channel_axis == "auto"
        self._default_axis: Any = default_channel_axis(model) if self._auto else channel_axis_option(channel_axis)
        self.model, self.channel_axis = model, self._default_axis
        self._relu_nodes = node_names(relu_nodes)
        self.joined = input if isinstance(input, InputLayout) else None
        channels_last = is_keras(model) and self.channel_axis != 0
        self._forward = ForwardRunner(ModelCall(model, input), OutputSelector(output), channels_last)
        self._features, self._attention = LayerFeatures(self._forward), AttentionReader(self._forward)
        self._memory_format = MemoryFormat(model, self.channel_axis)

    @property
    def device(self) -> torch.device:
        """Return the model's device."""
        return self._reference_tensor.device

    @property
    def dtype(self) -> torch.dtype:
        """Return the type of inputs, noise and masks: float32, or float64 if the model is in float64."""
        return mask_dtype(self._reference_tensor)

    @property
    def _reference_tensor(self) -> torch.Tensor:
        first = first_floating_tensor(self.model)
        return torch.empty(0) if first is None else first

    @property
    def input_parameters(self) -> Mapping[str, inspect.Parameter]:
        return forward_parameters(self.model)

    @property
    def cache_owner(self) -> tuple[Any, Hashable]:
        return self.model, self._forward.options

    @property
    def rounding_error(self) -> float:
        return rounding_error(floating_types(self.model), self.device)

    def run_context(self) -> AbstractContextManager[Any]:
        run, stack = sys._getframe(1), ExitStack()  # what is shared is used until this frame ends, whatever ends it
        stack.callback(share_snapshots(run))
        stack.callback(self._memory_format.share_weights(run))
        return stack

    def asarray(self, value: Any, name: str = "x_value") -> torch.Tensor:
        axis = self._default_axis if self._auto else self.channel_axis
        return input_tensor(value, name, axis, self._reference_tensor)

    def read_channel_axis(self, shape: Sequence[int]) -> None:
        if self._auto:
            read_channel_axis(self, shape, self._default_axis, partial(find_channel_axis, self.model))

    def asfeed(self, value: Any, name: str) -> Any:
        return feed_tensor(value, name, self._reference_tensor)

    def numpy(self, array: torch.Tensor) -> npt.NDArray[Any]:
        return host_array(array)

    def normal(self, shape: tuple[int, ...], seeds: Sequence[int]) -> torch.Tensor:
        return normal_rows(shape, seeds, self.device).to(self.dtype)

    def kth_smallest(self, array: torch.Tensor, k: int) -> torch.Tensor:
        return torch.kthvalue(array, k, dim=1, keepdim=True).values

    def fill_smallest_first(self, costs: torch.Tensor, room: torch.Tensor, amount: torch.Tensor, group: int) -> torch.Tensor:
        if costs.device.type != "cpu":
            empty: torch.Tensor = fill_smallest_first(self, costs, room, amount, group)
            return empty
        return torch.from_numpy(fill_smallest_first_on_host(host_array(costs), host_array(room), host_array(amount), group))

    def outputs(self, x: torch.Tensor, request: Request) -> Any:
        target, feed = request.target, request.feed
        with translate_out_of_memory(x), preserve_model_state(self.model, self.device, grad=False):
            self._forward.find_axes(x := x.to(self._reference_tensor.dtype), target, feed, self.channel_axis)
            call = partial(self._memory_format.call, lambda x: self._forward.run(x, target, feed, outputs_only=True), x)
            return self._forward.with_axes(call, x, feed, self.channel_axis)

    def selected_output(self, request: Request) -> str | None:
        return self._forward.selector.selected_for(request.target)

    def occluded_outputs(
        self, x: torch.Tensor, cover: torch.Tensor, size: Sequence[int], target: Target
    ) -> OccludedForward | None:
        if self.channel_axis != 0 or not supports_incremental(self.model, x):
            return None
        dtype = self._reference_tensor.dtype
        return OccludedForward(self._forward, x.to(dtype), cover.to(dtype), tuple(size), target)

    def gradients(self, x: torch.Tensor, request: Request) -> tuple[torch.Tensor, torch.Tensor]:
        if request.at is not None:
            scores, _, gradients = self.values_and_gradients_at(x, request)
            return scores, gradients
        compute = partial(input_gradients, self._forward, self._query_factory(request))
        is_plain = request.rule is None and request.relevance is None
        scores, gradients = self._run(compute, x, request, grad=True, backward=True, plain_gradients=is_plain)
        return scores, gradients

    def values_and_gradients_at(self, x: torch.Tensor, request: Request) -> Any:
        make_query, forward = self._query_factory(request), self._forward
        return self._run(lambda x: layer_gradients(forward, make_query(x)), x, request, backward=True)

    def multipliers(self, x: torch.Tensor, request: Request) -> Any:
        baseline: Any = request.baseline
        baseline = baseline.to(self._reference_tensor.dtype)
        compute = partial(input_multipliers, self._forward, self._query_factory(request), baseline=baseline)
        return self._run(compute, x, request, grad=True, backward=True)

    def features(self, x: torch.Tensor, request: Request) -> Any:
        make_query, evaluate = self._query_factory(request), self._features.evaluate
        return self._run(lambda x: evaluate(make_query(x)), x, request)

    def default_layer_name(self, x: torch.Tensor, request: Request) -> str | None:
        return self._features.found.name(ScoreQuery(x, request, self))

    def tokens_left_out(self, x: torch.Tensor, request: Request) -> int | None:
        return self._features.tokens_left_out(ScoreQuery(x, request, self))

    def features_and_gradients(self, x: torch.Tensor, request: Request) -> tuple[torch.Tensor, ...]:
        compute = partial(features_and_gradients, self._forward, self._features, self._query_factory(request))
        return self._run(compute, x, request, grad=True, backward=True) or super().features_and_gradients(x, request)

    def attentions(self, x: torch.Tensor, request: Request, gradients: Gradients = "score") -> AttentionLayers:
        run = partial(self._run, x=x, request=request, grad=True, backward=gradients != "none")
        return self._attention.read(run, self._query_factory(request), gradients)

    def _query_factory(self, request: Request) -> Callable[[torch.Tensor], ScoreQuery]:
        """Return a function from inputs, in the model's own type, to a query about them."""
        return lambda x: ScoreQuery(x, request, self, self._relu_nodes)

    def _run(
        self,
        function: Callable[..., Tensors],
        x: torch.Tensor,
        request: Request,
        grad: bool = False,
        backward: bool = False,
        plain_gradients: bool = False,
    ) -> Tensors:
        """Return what a function computes from ``x`` with the model, in the masks' type; the model's state is preserved."""
        reference = self._reference_tensor
        with translate_out_of_memory(x), preserve_model_state(self.model, reference.device, grad):
            self._forward.find_axes(x := x.to(reference.dtype), request.target, request.feed, self.channel_axis)
            call = partial(self._memory_format.call, function, x, backward, plain_gradients)
            tensors = self._forward.with_axes(call, x, request.feed, self.channel_axis)
            return tuple(tensor.to(mask_dtype(reference)) for tensor in tensors)
