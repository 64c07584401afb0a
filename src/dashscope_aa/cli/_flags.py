"""What the library says about its arguments, in the words of the command line."""

import re
from typing import Final

__all__ = ["as_flags"]

_WORDS: Final = (
    (re.compile(r"\bmedia\.convert\b"), "`dashscope-aa convert`"),
    (re.compile(r"\bmedia\.preflight\b"), "`dashscope-aa check`"),
    (re.compile(r"\btrim=\(start_s, end_s\)"), "--trim START-END"),
    (re.compile(r"\btrim=\(([0-9.]+), ([0-9.]+)\)"), r"--trim \1-\2"),
    (re.compile(r'\b(fit|sound)="(\w+)"'), r"--\1 \2"),
    (re.compile(r"\ballow_private=True"), "--allow-private"),
    (re.compile(r"\buse_ref_img_bg=True"), "--use-ref-img-bg"),
    (re.compile(r'\bcrop_to="(\S+?)"'), r"--crop-to \1"),
    (re.compile(r"\bcrop_to\b"), "--crop-to"),
    (re.compile(r"\bmax_cost_cny\b"), "--max-cost"),
    (re.compile(r"\bclient\.adopt\(error, task_id\)"), "`dashscope-aa ledger adopt`"),
    (re.compile(r"\bclient\.write_off\(error\)"), "`dashscope-aa ledger write-off`"),
)


def as_flags(text: str) -> str:
    """Name options instead of arguments: ``--fit pad`` for ``fit="pad"``."""
    for said, meant in _WORDS:
        text = said.sub(meant, text)
    return text
