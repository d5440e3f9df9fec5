"""Whether a call is still running."""

import sys
from types import FrameType


def is_running(call: FrameType) -> bool:
    """Return whether a call is on this thread's stack.

    Args:
        call: the frame of the call.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame is not call:
        frame = frame.f_back
    return frame is not None
