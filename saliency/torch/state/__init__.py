"""Restore the state of a model after each pass: buffers, parameters and everything that its modules keep as attributes.

1. ``ModelSnapshot`` records what the modules refer to. It copies small tensors only, because a pass must stay cheap.
2. ``WriteLog`` records the earlier values of other tensors just before an operator changes them. It runs in a model's first
   passes, and in all of them if the model changed such a tensor.
3. ``restore_state`` puts both together for one call of the adapter; ``start_pass`` makes every pass of a call start from the same
   state. Calls of models with a state run one at a time.
"""

from saliency.torch.state.restoration import restore_state, share_snapshots, start_pass

__all__ = ["restore_state", "share_snapshots", "start_pass"]
