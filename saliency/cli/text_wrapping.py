"""Wrap long lines to the width of a terminal."""

import shutil
import textwrap
from typing import Any


def wrap_line(line: str, stream: Any) -> str:
    """Wrap a line to the width of a terminal; leave it unchanged for a file or a pipe, where it can be searched.

    Args:
        line: the line. It is broken between words only, so paths stay whole.
        stream: the stream that the line is printed to.
    """
    if not stream.isatty():
        return line
    width = shutil.get_terminal_size().columns
    return textwrap.fill(line, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
