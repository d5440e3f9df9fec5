"""Compute the outputs of occluded inputs incrementally, in a graph that recomputes only the values that a window changes.

1. The model is traced as for any query. ``PatchWalk`` then follows its operations from the input to the outputs, and adds
   others to the same graph, on patches: the boxes of the activations that differ from those of the clean inputs.
2. For each operation with a rule (convolution, pooling, activation, ...), the rule adds the operations that compute the
   changed box of the output. ``BoxBatch`` (in ``core.incremental``) has the boxes of all possible windows, so sizes are fixed.
3. What a patch needs of the clean activations is a result of one graph, and an input of the other, see ``CleanMaps``.
4. An operation without a rule, or with a box of most of the map, receives full maps; from there on, all is computed in full.
5. ``ForwardCost`` estimates the saved work. ``core.methods.incremental_occlusion`` uses it to choose between this and plain
   passes, and compares the scores of some windows with plain ones.

Source:
    Nakandala, Kumar & Papakonstantinou, Incremental and Approximate Inference for Faster Occlusion-based Deep CNN
    Explanations (Krypton), SIGMOD 2019.
"""

from saliency.tf.incremental.clean_maps import CleanMaps
from saliency.tf.incremental.occluded_graph import build_occluded_outputs

__all__ = ["CleanMaps", "build_occluded_outputs"]
