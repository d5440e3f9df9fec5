"""Find operators that stay in train mode, because the model was exported or traced in it: dropout, batch statistics."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch

TRAIN_FLAGS = ("train", "training")
STRENGTHS = ("p", "dropout", "dropout_p")
"""Names of the arguments for the probability of a dropout; with 0, train mode has no effect."""

FORWARD_ONLY = (
    "prim::mkldnn_convolution", "aten::to_mkldnn", "aten::cudnn_convolution_relu", "aten::cudnn_convolution_add_relu",
    "mkldnn::_convolution_pointwise", "prepacked::conv2d_clamp_run", "mkldnn_prepacked::conv2d_run",
)  # fmt: skip
"""Operators that have no gradient."""

RANDOM_OPERATORS = ("bernoulli", "bernoulli_")
"""Dropout and stochastic depth are written with them, or decomposed into them."""


def train_mode_operators(model: torch.nn.Module) -> list[str]:
    """Return the names of a captured model's operators that are in train mode; eval mode has no effect on them.

    Args:
        model: any module; its exported, traced and scripted parts are searched.
    """
    calls: list[tuple[str, Mapping[str, Any]]] = []
    for module in _outermost_parts(model):
        calls += _script_calls(module) if isinstance(module, torch.jit.ScriptModule) else _fx_calls(module.graph)
    return list(dict.fromkeys(name for name, arguments in calls if _is_in_train_mode(name, arguments)))


def converted_operators(model: torch.nn.Module) -> list[str]:
    """Return the operators of scripted modules that only run forward, as ``torch.jit.optimize_for_inference`` makes them."""
    scripts = [part for part in _outermost_parts(model) if isinstance(part, torch.jit.ScriptModule)]
    graphs: list[Any] = [part.inlined_graph for part in scripts if part._c._has_method("forward")]
    return [kind for kind in FORWARD_ONLY if any(graph.findAllNodes(kind, recurse=True) for graph in graphs)]


def _outermost_parts(module: torch.nn.Module) -> Iterator[Any]:
    """Yield the modules with a graph, and the scripted modules that are not parts of another one."""
    if isinstance(module, torch.jit.ScriptModule):
        yield module
        return
    if isinstance(getattr(module, "graph", None), torch.fx.Graph):  # also the parts that torch.export.unflatten makes
        yield module
    for child in module.children():
        yield from _outermost_parts(child)


def _is_in_train_mode(name: str, arguments: Mapping[str, Any]) -> bool:
    if name in RANDOM_OPERATORS:
        return True
    dropout = arguments.get("dropout_p")
    if isinstance(dropout, float) and dropout > 0:  # of an attention
        return True
    if all(arguments.get(flag) is not True for flag in TRAIN_FLAGS):
        return False
    if "batch_norm" in name and arguments.get("running_mean") is None:  # without running statistics, eval mode is the same
        return False
    return all(arguments.get(strength) != 0 for strength in STRENGTHS)


def _fx_calls(graph: torch.fx.Graph) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for node in graph.nodes:
        if node.op == "call_method":
            yield str(node.target), {}
        elif node.op == "call_function" and callable(node.target):
            name = str(getattr(node.target, "__name__", "")).partition(".")[0]
            yield name, _bind(node.target, node.args, node.kwargs)


def _bind(function: Callable[..., Any], args: Iterable[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by name, with defaults; empty if the function has no signature."""
    builtin = getattr(torch.ops.aten, getattr(function, "__name__", ""), None)
    overload: Any = function if hasattr(function, "_schema") else getattr(builtin, "default", None)
    try:
        parameters = inspect.signature(function).parameters.values()
        named = [(one.name, None if one.default is one.empty else one.default) for one in parameters]
    except (TypeError, ValueError):
        named = []
    if hasattr(overload, "_schema") and (overload is function or not named):
        arguments = overload._schema.arguments
        named = [(one.name, one.default_value if one.has_default_value() else None) for one in arguments]
    return dict(named) | dict(zip((name for name, _ in named), args, strict=False)) | dict(kwargs)


def _script_calls(module: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return _block_calls(module.inlined_graph) if module._c._has_method("forward") else iter(())


def _block_calls(block: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the operators with their constant arguments; of branches, only those that are always taken."""
    for node in block.nodes():
        namespace, _, name = node.kind().partition("::")
        if node.kind() == "prim::If":
            condition = next(node.inputs()).toIValue()
            yield from () if condition is None else _block_calls(list(node.blocks())[0 if condition else 1])
        elif node.kind() == "prim::Loop":
            yield from _block_calls(next(node.blocks()))
        elif namespace == "aten":
            yield name, _script_arguments(node)


def _script_arguments(node: Any) -> dict[str, Any]:
    if node.schema() == "(no schema)":
        return {}
    names = [one.name for one in torch._C.parse_schema(node.schema()).arguments]
    values = [_constant(value) for value in node.inputs()]
    return dict(zip(names, values, strict=False))


def _constant(value: Any) -> Any:
    """Return the value of a constant; another object if it is computed."""
    is_none = value.node().kind() == "prim::Constant" and value.node().outputsSize() == 1 and value.type().kind() == "NoneType"
    return None if is_none else value.toIValue() if value.node().kind() == "prim::Constant" else value
