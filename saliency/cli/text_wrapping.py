"""Prepare messages for a terminal: wrap long lines, and escape control characters."""

import re
import shutil
import textwrap
from typing import Any

# Control characters, line separators, characters that change the direction of text, and bytes that are not UTF-8.
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def escape_controls(line: str) -> str:
    """Replace characters by which a name could control a terminal, or hide a part of itself, by escape sequences."""
    return CONTROLS.sub(lambda found: ascii(found[0])[1:-1], line)


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
