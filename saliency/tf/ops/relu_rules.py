"""The backward rules of ReLU-like operations, stamped on the graph of one trace: the model never hears of them."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from saliency.core.errors import ModelError, NoReLUError
from saliency.core.relu_rules import call_user_rule, rule_name
from saliency.core.types import Rule
from saliency.tf.ops.graph_traversal import between, bodies, called

NATIVE: dict[str, Callable[..., Any]] = {"Relu": tf.raw_ops.ReluGrad, "Relu6": tf.raw_ops.Relu6Grad}
"""What is a ReLU by its type, and its own gradient, in one step."""

OPAQUE = {
    "PyFunc": "write the function in TensorFlow's operations",
    "EagerPyFunc": "write the function in TensorFlow's operations",
    "PyFuncStateless": "write the function in TensorFlow's operations",
    "XlaCallModule": "give the model as it was before it was compiled or exported from JAX",
}
"""Operations that hide what they do, and what would help."""

ACTIVATIONS = {"Elu", "Selu", "LeakyRelu", "Sigmoid", "Tanh", "Softplus", "Softsign", "Erf", "Erfc", "IdentityN", "SelectV2"}
"""What a network without ReLUs may have, for the message that tells so."""


def is_relu(op: Any) -> bool:
    """Tell whether an operation computes max(x, 0), with or without a ceiling."""
    if op.type == "LeakyRelu":
        return float(op.get_attr("alpha")) == 0
    if op.type == "ClipByValue":
        return _is_zero(op.inputs[1])
    if op.type == "Relu6" and op.inputs[0].op.type in ("Add", "AddV2"):  # a hard sigmoid, relu6(x + 3) / 6
        return not any(_is(3, term) for term in op.inputs[0].op.inputs)
    return op.type in NATIVE or (op.type == "Maximum" and any(map(_is_zero, op.inputs)))


def _is(number: float, tensor: Any) -> bool:
    value = tf.get_static_value(tensor)
    return value is not None and bool((value == number).all())


def _is_zero(tensor: Any) -> bool:
    return _is(0, tensor)


def _place(op: Any) -> int:
    """Return which input of a ReLU is x."""
    return int(op.type == "Maximum" and _is_zero(op.inputs[0]))


def _guided(op: Any, gradient: Any) -> Any:
    positive = tf.nn.relu(gradient)
    if op.type in NATIVE:
        return NATIVE[op.type](gradients=positive, features=op.outputs[0])
    x = op.inputs[_place(op)]
    passes = (x > 0) & (x < op.inputs[2]) if op.type == "ClipByValue" else x > 0
    return _to_x(op, positive * tf.cast(passes, x.dtype))


def _rectified(op: Any, gradient: Any) -> Any:
    return _to_x(op, tf.nn.relu(gradient))


def _to_x(op: Any, gradient: Any) -> Any:
    return [gradient if i == _place(op) else None for i in range(len(op.inputs))]


RULES: dict[str, Callable[[Any, Any], Any]] = {"guided": _guided, "rectified": _rectified}


def _by(rule: Rule) -> Callable[[Any, Any], Any]:
    """Return an operation's gradient by a rule."""
    if isinstance(rule, str):
        return RULES[rule]
    return lambda op, gradient: _to_x(op, call_user_rule(rule, gradient, op.outputs[0]))


@contextmanager
def ruled(x: Any, scores: Any, rule: Rule | None, allow_no_relu: bool, of: str = "the input") -> Iterator[None]:
    """Let gradients that are built within the block pass every ReLU between a tensor and its scores by a rule.

    Args:
        x: tensor of a graph.
        scores: tensor of the same graph.
        rule: how the gradient passes a ReLU; None leaves it as it is.
        allow_no_relu: accept a graph without one.
        of: what an error calls the tensor.

    Raises:
        NoReLUError: if there is none.
        ModelError: if a part of the graph cannot be looked into.
    """
    if rule is None:
        yield
        return
    ops = list(_everything(between(x, scores)))
    _check_open(ops, rule_name(rule))
    relus = [op for op in ops if is_relu(op)]
    if not relus and not allow_no_relu:
        activations = ", ".join(sorted({op.type for op in ops} & ACTIVATIONS)) or "none"
        raise NoReLUError(
            f"the model has no ReLU between {of} and the score, so its {rule_name(rule)} gradient would be the vanilla "
            f"one; its activations: {activations}. Use Vanilla, or pass allow_no_relu=True"
        )
    before = {op: op._gradient_function for op in relus}
    try:
        for op in relus:  # of the Python object: an attribute would reach sessions that have run the operation
            op._gradient_function = _by(rule)
        yield
    finally:
        for op, function in before.items():
            op._gradient_function = function


def _everything(ops: Iterable[Any]) -> Iterator[Any]:
    """Yield operations, and those of their branches and loop bodies."""
    for op in ops:
        yield op
        for graph in bodies(op):
            yield from _everything(graph.get_operations())


def _called(op: Any) -> Iterator[Any]:
    """Yield the operations of the functions that an operation calls, and of those that they call."""
    for graph in called(op):
        for inner in _everything(graph.get_operations()):
            yield inner
            yield from _called(inner)


def _wrapped(op: Any) -> tuple[list[Any], list[Any]]:
    """Return what goes into a function with a gradient of its own, and what comes out: only that is used further on."""
    used = [bool(output.consumers()) for output in op.outputs]
    given = [tensor for tensor, one in zip(op.inputs, used, strict=True) if not one]
    return given, [tensor for tensor, one in zip(op.inputs, used, strict=True) if one]


def _check_open(ops: Iterable[Any], rule: str) -> None:
    """Refuse operations that hide ReLUs, or may hide some."""
    for op in ops:
        if op.type in OPAQUE:
            raise ModelError(
                f"the model hides what it does in a {op.type}, which a {rule} gradient can't enter: {OPAQUE[op.type]}"
            )
        if any(is_relu(inner) or inner.type in OPAQUE for inner in _called(op)):
            raise ModelError(
                f"the model hides ReLUs in a function that it calls ({op.name}), which a {rule} gradient can't enter: "
                "give the model, its SavedModel's folder or the function itself to saliency.wrap"
            )
        if op.type == "IdentityN" and any(is_relu(inner) for inner in between(*_wrapped(op))):
            raise ModelError(
                f"the model hides ReLUs behind a gradient of its own ({op.name}: tf.custom_gradient or tf.recompute_grad), "
                f"which a {rule} gradient can't enter: give the model without it"
            )
