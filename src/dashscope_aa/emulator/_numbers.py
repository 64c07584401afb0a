"""Numbers in a query, which are text until somebody has read them."""

from typing import Final

_MOST_DIGITS: Final = 9
"""Python refuses to read numbers of some thousand digits, and a query has room for them."""


def whole(text: str) -> int | None:
    """Read a whole number; None if it is none, or longer than any that makes sense."""
    proper = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if proper else None
