"""Facts about a graph that are recorded while it is built."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class GraphInfo:
    """What building a graph found out. It must not hold a tensor, which would keep the graph alive.

    Args:
        inlining: how operations inside called functions were exposed; see ``saliency.tf.eager.forward``.
        output_shape: shape of the output that the scores are read from; None for an unknown length.
        layers: for each layer that the graph evaluates, in the order of its results, the shape of its output and whether this
            holds the input's positions.
        last_layer: the last layer with the input's positions, if the graph found the layer that it evaluates.
        passed_over: names and shapes of later layers that may hold positions, in the order of the results that tell whether
            any gradient by them is not zero.
        tokens_left_out: number of tokens of the layer that is evaluated that are outside its grid.
        token_grid: where the tokens of attention lie in the input.
        hidden_logits: whether arithmetic after a softmax or sigmoid hides the logits.
        train_mode: names of the operations in train mode.
        relus_in_gates: whether all ReLUs that a rule modifies lie in gates.
        incremental: for incremental occlusion, the estimated fraction of work that is saved, and the types of the operations
            that receive patches, or full maps in the place of patches.
    """

    inlining: str = "none"
    output_shape: tuple[Any, ...] = ()
    layers: dict[Any, tuple[tuple[Any, ...], bool]] = field(default_factory=dict)
    last_layer: Any = None
    passed_over: list[tuple[Any, tuple[Any, ...]]] = field(default_factory=list)
    tokens_left_out: int = 0
    token_grid: Any = None
    hidden_logits: bool = False
    relus_in_gates: bool = False
    train_mode: list[str] = field(default_factory=list)
    incremental: tuple[float, tuple[str, ...], tuple[str, ...]] = (0.0, (), ())
