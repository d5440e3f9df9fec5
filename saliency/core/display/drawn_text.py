"""Texts as matplotlib can draw them."""

from typing import Any

from saliency.core.validation import shown


def drawn_text(value: Any) -> str:
    """Return a text that can be drawn: other objects as they are shown, and lone surrogates as escape sequences.

    The name of a file that is not in the encoding of its system holds lone surrogates.
    """
    text = value if isinstance(value, str) else shown(value)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
