"""Forward passes of inputs that differ from a clean one in a window: what the window does not reach is not computed again.

Source:
    Nakandala, Kumar & Papakonstantinou, Incremental and Approximate Inference for Faster Occlusion-based Deep CNN
    Explanations (Krypton), SIGMOD 2019.
"""

from saliency.torch.incremental.occluded_forward import CoveredForward, can_be_followed

__all__ = ["CoveredForward", "can_be_followed"]
