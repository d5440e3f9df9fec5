"""Compute the outputs of occluded inputs incrementally: recompute only the values that the occluding window changes.

1. The model runs on a ``PatchTensor``, which stands for full feature maps but holds only the boxes that differ from the clean
   ones.
2. For each operator with a rule (convolution, pooling, activation, ...), the rule computes the changed box of the output.
3. The first pass also runs these operators on the clean inputs; ``OperatorCache`` keeps the results for all later passes.
4. An operator without a rule, or with a box of most of the map, receives and returns full feature maps, as in a plain pass.
5. ``ForwardCost`` estimates the saved work. ``core.methods.incremental_occlusion`` uses it to choose between this and plain
   passes, and compares the scores of some windows with plain ones.

Source:
    Nakandala, Kumar & Papakonstantinou, Incremental and Approximate Inference for Faster Occlusion-based Deep CNN
    Explanations (Krypton), SIGMOD 2019.
"""

from saliency.torch.incremental.occluded_forward import OccludedForward, supports_incremental

__all__ = ["OccludedForward", "supports_incremental"]
