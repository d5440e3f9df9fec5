"""What a terminal shows of a long line: folded at its width, between words."""

import shutil
import textwrap
from typing import Any


def folded(line: str, stream: Any) -> str:
    """Return a line as a stream shows it best.

    Args:
        line: the line; a word of it, such as a path, is never broken.
        stream: that it is printed on. In a file or a pipe it stays one line, which can be searched.
    """
    if not stream.isatty():
        return line
    width = shutil.get_terminal_size().columns
    return textwrap.fill(line, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
