"""The positions of the result of a product of matrices."""

import string
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from saliency.tf.positions.intervals import Intervals
from saliency.tf.positions.sources import Sources, UnknownShape, shape_of
from saliency.tf.positions.state import Positions, Shape, combine

PRODUCTS = {"MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum", "_FusedMatMul"}


def product_positions(op: Any, sources: Sources) -> Positions | None:
    """Return the positions of a product: those of both factors, united over the axes that are summed.

    A product of two tensors with positions on the input's space is a matrix of attention, whose entries belong to pairs. Its
    positions are those of the first factor, see ``paired_positions``.
    """
    shape, parts = _parts(op, sources)
    if len(parts) < 2 or any(one.in_pairs for one in map(sources.of, op.inputs[:2]) if one is not None):
        return combine(parts, shape) if parts else None
    return replace(parts[0], in_pairs=True) if all(part.has_space for part in parts) else combine(parts, shape)


def paired_positions(op: Any, sources: Sources) -> Positions:
    """Return the positions of the second factor of a product that is a matrix of attention."""
    return replace(_parts(op, sources)[1][1], in_pairs=True)


def _parts(op: Any, sources: Sources) -> tuple[Shape, list[Positions]]:
    """Return a product's shape, and the positions of its factors on its axes."""
    operands = list(op.inputs[:2])
    terms, result = _labels(op, [len(shape_of(one, sources)) for one in operands])
    lengths: dict[str, int] = {}
    for tensor, term in zip(operands, terms, strict=True):
        for label, length in zip(term, shape_of(tensor, sources), strict=True):
            lengths[label] = max(length, lengths.get(label, 1))
    shape = tuple(lengths[label] for label in result)
    found = [(sources.of(tensor), term) for tensor, term in zip(operands, terms, strict=True)]
    known = [(one, term) for one, term in found if one is not None]
    is_attention = any(one.in_pairs for one, _ in known)
    of_weights = frozenset({op.name}) if len(known) == 1 else frozenset()
    return shape, [
        replace(
            _carried(one, term, result, shape),
            in_pairs=False,
            attended=one.attended or is_attention,
            projections=of_weights,
        )
        for one, term in known
    ]


def attention_operands(op: Any, result: Positions | None, sources: Sources) -> list[Positions]:
    """Return the positions of the queries, keys and values that a product reads."""
    operands = [one for one in map(sources.of, op.inputs[:2]) if one is not None]
    is_attention = (result is not None and result.in_pairs) or any(one.in_pairs for one in operands)
    return operands if is_attention else []


def _carried(positions: Positions, term: str, result: str, shape: Shape) -> Positions:
    """Return the positions of a factor on the axes of the product."""
    united = positions.unite(*(dim for dim, label in enumerate(term) if label not in result))

    def carry(intervals: Intervals) -> Intervals:
        kept = [label for label in term if label in result]
        removed = tuple(dim for dim, label in enumerate(term) if label not in result)
        squeezed = np.squeeze(intervals, removed) if removed else intervals
        ordered = squeezed.transpose([kept.index(label) for label in result if label in kept])
        lengths = iter(ordered.shape)
        return ordered.reshape([next(lengths) if label in kept else 1 for label in result])

    return united.map(carry, shape)


def _labels(op: Any, ranks: Sequence[int]) -> tuple[list[str], str]:
    """Return a letter for each axis of both factors, and those of the product."""
    if op.type == "Einsum":
        return _einsum_labels(op.get_attr("equation").decode(), ranks)
    transposed = [_flag(op, "transpose_a", "adj_x"), _flag(op, "transpose_b", "adj_y")]
    batch = string.ascii_lowercase[: max(ranks) - 2]
    left, right = ("ZY" if transposed[0] else "YZ"), ("XZ" if transposed[1] else "ZX")
    return [batch[len(batch) - ranks[0] + 2 :] + left, batch[len(batch) - ranks[1] + 2 :] + right], f"{batch}YX"


def _flag(op: Any, *names: str) -> bool:
    for name in names:
        try:
            return bool(op.get_attr(name))
        except ValueError:
            continue
    return False


def _einsum_labels(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    inputs, result = equation.replace(" ", "").split("->")
    terms = inputs.split(",")
    if len(terms) != len(ranks):
        raise UnknownShape
    free = [label for label in string.ascii_letters if label not in equation]
    counts = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True) if "..." in term]
    dots = free[: max(counts, default=0)]
    terms = [
        term.replace("...", "".join(dots[len(dots) - (rank - len(term) + 3) :] if rank > len(term) - 3 else []))
        for term, rank in zip(terms, ranks, strict=True)
    ]
    return terms, result.replace("...", "".join(dots))
