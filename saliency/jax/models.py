"""What JAX models have in common: their arrays, a function of these and the inputs, and their layers by name."""

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError, TargetError
from saliency.core.undo import Undo, hold_lock, undoable
from saliency.core.validation import shown
from saliency.jax.graph import is_floating, tap

LOCK = threading.RLock()
"""Held while layers record their calls."""


def kind_of(model: Any) -> str:
    """Return the library of a module: ``keras`` on JAX, ``nnx``, ``equinox``, or an empty string for any other object."""
    keras, nnx, equinox = (sys.modules.get(name) for name in ("keras", "flax.nnx", "equinox"))
    if keras is not None and isinstance(model, keras.layers.Layer):
        return "keras" if keras.config.backend() == "jax" else ""
    if nnx is not None and isinstance(model, nnx.Module):
        return "nnx"
    # functions wrapped by Equinox, such as filter_jit's, are modules without layers
    return "equinox" if equinox is not None and isinstance(model, equinox.Module) and not hasattr(model, "__wrapped__") else ""


def is_model(model: Any) -> bool:
    """Return whether an object is a JAX model for sure: a module, or a function that JAX or Equinox transformed."""
    return bool(kind_of(model)) or (callable(model) and type(model).__module__.startswith(("jaxlib.", "equinox._")))


class JaxModel:
    """A function of arrays, whose values are read anew for each query.

    Args:
        function: a module, or a function of the inputs, or of ``params`` and the inputs.
        params: the first argument of the function: arrays in any structure, or a module; None if there is none.
        vmap: whether the function's inputs are one sample; None means that it is a module of Equinox.
        input: the name of the argument that x becomes; None means the first after ``params``.
    """

    def __init__(self, function: Any, params: Any = None, vmap: bool | None = None, input: str | None = None) -> None:
        if not callable(function) or not (input is None or isinstance(input, str)):
            raise InputError(f"`model` ({type(function).__name__}) must be callable, and `input` (={shown(input)}) a name")
        self.function, self.input = function, input
        self.holder = function if params is None else params
        self._own, self.kind = params is None, kind_of(self.holder)
        self._vmap = self._own and self.kind == "equinox" if vmap is None else vmap
        self.layers = layers_of(self.holder, self.kind)

    def read(self) -> tuple[Any, list[Any]]:
        """Return what a trace of the model depends on, and its arrays."""
        structure, arrays, _ = self._take_apart()
        return (structure if self.kind == "nnx" else None), arrays

    def _take_apart(self) -> tuple[Any, list[Any], Callable[[list[Any]], Any]]:
        if self.kind == "keras":
            variables = [variable.value for variable in self.holder.variables]
            return None, variables, lambda _: self.holder
        structure, state = sys.modules["flax.nnx"].split(self.holder) if self.kind == "nnx" else (None, self.holder)
        state = sys.modules["equinox"].nn.inference_mode(state) if self.kind == "equinox" else state
        leaves, tree = jax.tree.flatten(() if not self.kind and self._own else state)
        places = [i for i, leaf in enumerate(leaves) if hasattr(leaf, "shape") and hasattr(leaf, "dtype")]

        def rebuild(arrays: list[Any]) -> Any:
            filled = dict(enumerate(leaves)) | dict(zip(places, arrays, strict=True))
            state = tree.unflatten(filled.values())
            if self.kind == "nnx":
                state = sys.modules["flax.nnx"].merge(structure, state)
                state.eval()
            return state

        return structure, [leaves[i] for i in places], rebuild

    def call(self, arrays: list[Any], x: Any, feed: Mapping[str, Any], plain: Mapping[str, Any]) -> Any:
        """Return the outputs for inputs; the layers mark their inputs and outputs in the graph that is being traced."""
        holder = self._take_apart()[2](arrays)
        first = [holder] if not self._own else []

        def run(x: Any, feed: Mapping[str, Any]) -> Any:
            named = {**feed, **plain} | ({} if self.input is None else {self.input: x})
            args = [] if self.input is not None else [x]
            if self.kind == "keras" and self._own:
                return self._call_keras(arrays, args, named)
            return (holder if self._own and self.kind else self.function)(*first, *args, **named)

        with record_layers(layers_of(holder, self.kind)):
            return jax.vmap(run)(x, dict(feed)) if self._vmap else run(x, dict(feed))

    def _call_keras(self, arrays: list[Any], args: list[Any], named: dict[str, Any]) -> Any:
        values = dict(zip(map(id, self.holder.variables), arrays, strict=True))
        trained = [values[id(one)] for one in self.holder.trainable_variables]
        others = [values[id(one)] for one in self.holder.non_trainable_variables]
        return self.holder.stateless_call(trained, others, *args, training=False, **named)[0]

    def path_of(self, layer: Any, option: str) -> str:
        """Return the path of a layer from its path, the end of its path, or the layer itself."""
        paths = [path for path, one in self.layers.items() if one is layer]
        if isinstance(layer, str):
            paths = [layer] if layer in self.layers or not self.layers else [p for p in self.layers if p.endswith(f"/{layer}")]
        if len(paths) != 1:
            names = ", ".join(self.layers) or "none: this model has no modules; name a value by checkpoint_name(value, name)"
            raise TargetError(f"`{option}` (={shown(layer)}) must name one of the model's layers: {names}")
        return paths[0]


def layers_of(module: Any, kind: str) -> dict[str, Any]:
    """Return the callable layers of a module by path, such as ``blocks/0/conv``; a shared layer has its first path."""
    found: dict[str, Any] = {}
    seen = {id(module)}

    def visit(parent: Any, prefix: str) -> None:
        for name, part in _parts(parent, kind):
            if id(part) not in seen and (isinstance(part, list | tuple | dict) or hasattr(part, "__dict__")):
                seen.add(id(part))
                if kind_of(part) == kind and callable(part):
                    found[f"{prefix}{name}"] = part
                if kind_of(part) == kind or isinstance(part, list | tuple | dict) or type(part).__name__ in ("List", "Dict"):
                    visit(part, f"{prefix}{name}/")

    if kind:
        visit(module, "")
    return found


def _parts(parent: Any, kind: str) -> Iterator[tuple[str, Any]]:
    if kind == "keras":
        layers = parent._flatten_layers(include_self=False, recursive=False)
        return ((layer.name, layer) for layer in layers)
    if isinstance(parent, list | tuple):
        parent = dict(enumerate(parent))
    items = parent if isinstance(parent, dict) else vars(parent)
    return ((str(name), part) for name, part in items.items())


@undoable
def record_layers(undo: Undo, layers: Mapping[str, Any]) -> None:
    """Mark the inputs and outputs of layers in the graph that this thread traces within the block."""
    hold_lock(undo, LOCK)
    paths, active = {id(layer): path for path, layer in layers.items()}, set[int]()
    thread = threading.get_ident()

    def path_of(layer: Any) -> str | None:
        return paths.get(id(layer)) if thread == threading.get_ident() else None

    for kind in dict.fromkeys(map(type, layers.values())):
        own = vars(kind).get("__call__")
        undo.add(setattr, kind, "__call__", own) if own is not None else undo.add(_delete_call, kind)
        kind.__call__ = _recording(kind.__call__, path_of, active)  # type: ignore[method-assign]


def _delete_call(kind: Any) -> None:
    if "__call__" in vars(kind):
        del kind.__call__


def _recording(call: Callable[..., Any], path_of: Callable[[Any], str | None], active: set[int]) -> Callable[..., Any]:
    def record(layer: Any, *args: Any, **options: Any) -> Any:
        path = None if id(layer) in active else path_of(layer)
        if path is None:
            return call(layer, *args, **options)
        active.add(id(layer))
        try:
            args = (_mark(args[0], path, "in"), *args[1:]) if args else args
            return _mark(call(layer, *args, **options), path, "out")
        finally:
            active.discard(id(layer))

    return record


def _mark(value: Any, path: str, end: str) -> Any:
    return tap.bind(value, path=path, end=end) if isinstance(value, jax.Array) and is_floating(value) else value


def named_weights(adapter: Any) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield the arrays of an adapter's parameters, in the order of their structure."""
    for i, values in enumerate(adapter._model.read()[1]):
        yield f"{i:06d}", np.asarray(values)
