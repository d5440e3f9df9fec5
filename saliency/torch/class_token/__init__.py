"""Compute behind a transformer's last attention only the tokens that the score reads, such as the class token.

1. ``LastAttentionMode`` counts a model's attentions in its first pass. In later passes, it defers the last one.
2. A ``DeferredTensor`` stands for the result. It records the operators that treat each token alone.
3. When the model selects a few tokens, the recorded operators are evaluated for these tokens only. Everything else that the
   model does with a deferred tensor evaluates all tokens.

The results equal those of a plain pass up to rounding, with a graph or without one.
"""

from saliency.torch.class_token.last_attention import ClassTokenPasses

__all__ = ["ClassTokenPasses"]
