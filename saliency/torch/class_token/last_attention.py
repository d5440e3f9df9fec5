"""Defer a model's last attention, if it selects few tokens afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

from saliency.torch.class_token.deferred_tensor import Deferral, Deferred, DeferredTensor, evaluated
from saliency.torch.class_token.rules import apply
from saliency.torch.class_token.token_axis import TokenAxis
from saliency.torch.module_tree import calls_are_plain
from saliency.torch.out_of_memory import is_out_of_memory

MIN_TOKENS = 8
"""Smallest number of tokens for which it pays to evaluate some of them alone."""

MODULE_ARGUMENTS = 13
"""Number of positional arguments that ``nn.MultiheadAttention`` passes to its function."""


class LastAttentionMode(TorchFunctionMode):
    """Count the attentions of a pass, and defer one of them.

    Args:
        deferred_call: which attention to defer, starting at 1; None for none.
    """

    def __init__(self, deferred_call: int | None) -> None:
        super().__init__()
        self._deferred_call, self.calls = deferred_call, 0
        self.deferral: Deferral | None = None

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        options = kwargs or {}
        attention = ATTENTIONS.get(func)
        if attention is None or self.deferral is not None:
            return func(*args, **options)
        self.calls += 1
        if self.calls == self._deferred_call and not any(isinstance(one, DeferredTensor) for one in args):
            deferral = Deferral(torch.is_grad_enabled(), apply)
            result = attention(func, args, options, deferral)
            if result is not None:
                self.deferral = deferral
                return result
        return func(*args, **options)


class ClassTokenPasses:
    """Run a model's passes, and defer its last attention from the second pass on; see ``saliency.torch.class_token``.

    Args:
        model: the model.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        self._model, self._pays = model, True
        self._last: int | None = None

    def run(self, call: Callable[[], Any]) -> Any:
        """Return the model's outputs; ``call`` runs it."""
        if not self._pays or not calls_are_plain(self._model):
            return call()
        mode = LastAttentionMode(self._last)
        try:
            with mode:
                outputs = tree_map(evaluated, call())
            is_complete = mode.deferral is None or not any(one() is not None for one in mode.deferral.tensors)
        except Exception as error:
            if mode.deferral is None or is_out_of_memory(error):
                raise
            is_complete = False
        if not is_complete:  # the model needs values that a pass with deferred tokens does not have
            self._pays = False
            return call()
        if mode.deferral is not None:
            self._pays = mode.deferral.has_selected
        else:  # no attention, or a last one with a mask
            self._pays, self._last = mode.calls not in (0, self._last), mode.calls
        return outputs


def _defer_product(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], deferral: Deferral) -> Any:
    """Defer ``scaled_dot_product_attention``; None if it has a mask or dropout."""
    query, value = args[0], args[2] if len(args) == 3 else None
    is_plain = kwargs.get("attn_mask") is None and not kwargs.get("dropout_p") and not kwargs.get("is_causal")
    if value is None or query.ndim < 3 or not is_plain:
        return None
    where, shape = TokenAxis(query.ndim - 2, query.shape[-2]), (*query.shape[:-1], value.shape[-1])
    return _defer(func, args, kwargs, shape, where, deferral)


def _defer_module(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], deferral: Deferral) -> Any:
    """Defer the function of ``nn.MultiheadAttention``; None if it has a mask or dropout, or returns its weights."""
    excluded = ("training", "key_padding_mask", "attn_mask", "is_causal")
    unusual = any(kwargs.get(name) is not None and kwargs[name] is not False for name in excluded)
    if len(args) != MODULE_ARGUMENTS or args[0].ndim != 3 or unusual or kwargs.get("need_weights", True):
        return None
    where, shape = TokenAxis(0, len(args[0])), tuple(args[0].shape)
    output = _defer(lambda *args, **kwargs: func(*args, **kwargs)[0], args, kwargs, shape, where, deferral)
    return None if output is None else (output, None)


def _defer(
    func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], shape: tuple[int, ...], where: TokenAxis, deferral: Deferral
) -> DeferredTensor | None:
    if where.tokens < MIN_TOKENS or torch.is_autocast_enabled("cpu") or torch.is_inference_mode_enabled():
        return None
    return DeferredTensor(Deferred(func, args, kwargs, {0: where}, shape, where, deferral), args[0])


ATTENTIONS: dict[Any, Callable[..., Any]] = {
    functional.scaled_dot_product_attention: _defer_product,
    functional.multi_head_attention_forward: _defer_module,
}
"""Function -> a function that defers its call."""
