"""Find the calls of a layer whose input or output depends on the explained input."""

import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary, ref

import torch

from saliency.core.companion_check import input_spread
from saliency.core.layer_entries import read_entry
from saliency.torch.layers import LayerPlace, forward_hooks

_known_calls: "WeakKeyDictionary[torch.nn.Module, dict[Any, frozenset[int]]]" = WeakKeyDictionary()
"""Layer -> model, side and kind of input -> the indices of the calls."""


class LayerCalls:
    """The calls of a layer in a forward pass that depend on the explained input.

    A layer may be called several times, on different inputs of the model or on constants.

    Args:
        model: the model.
        layer: the layer, and the entry of its output.
        of_input: whether the layer's input counts, rather than its output.
        kind: what the calls may depend on, such as the shape of the input.
    """

    def __init__(self, model: torch.nn.Module, layer: LayerPlace, of_input: bool, kind: Any) -> None:
        self._layer, self._of_input = layer, of_input
        self._key = ref(model), layer.entry, of_input, kind
        self._known = _known_calls.setdefault(layer.module, {})

    @property
    def known(self) -> frozenset[int] | None:
        """The indices of the calls, starting at 0; None if they have not been found yet."""
        return self._known.get(self._key)

    @property
    def leaf(self) -> int | None:
        """The index of the call that counted last; None if there was none."""
        return next(iter(self._known.get((*self._key, "leaf"), ())), None)

    @leaf.setter
    def leaf(self, call: int) -> None:
        self._known[(*self._key, "leaf")] = frozenset([call])

    def find(self, run: Callable[[torch.Tensor], Any], x: torch.Tensor) -> frozenset[int]:
        """Return the indices of the calls whose tensor changes with the input; two forward passes, without a graph.

        Args:
            run: runs the model on inputs (N, *input).
            x: (N, *input).
        """
        found = self.known
        if found is None:
            with torch.no_grad():
                first, second = self._record(run, x), self._record(run, x + input_spread(torch, x)[0])
            pairs = zip(first, second, strict=False)
            changed = (
                i for i, (one, other) in enumerate(pairs) if one is None or other is None or not torch.equal(one, other)
            )
            found = self._known[self._key] = frozenset(changed)
        return found

    def _record(self, run: Callable[[torch.Tensor], Any], x: torch.Tensor) -> list[torch.Tensor | None]:
        """Return a copy of the tensor of each call; None for anything else."""
        tensors: list[torch.Tensor | None] = []
        thread = threading.get_ident()

        def add(value: Any) -> None:
            if threading.get_ident() == thread:
                tensors.append(value.detach().clone() if isinstance(value, torch.Tensor) else None)

        def before(_module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if self._of_input:
                add(next((one for one in (*args, *kwargs.values()) if isinstance(one, torch.Tensor)), None))

        def after(_module: torch.nn.Module, _inputs: Any, output: Any) -> None:
            if not self._of_input:
                add(read_entry(output, self._layer.entry))

        with forward_hooks(self._layer.module, after, before):
            run(x)
        return tensors
