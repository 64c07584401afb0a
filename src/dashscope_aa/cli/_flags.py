"""What the library says about its arguments, in the words of the command line."""

import re
from typing import Final

__all__ = ["as_flags"]

_WORDS: Final = (
    (re.compile(r"\bmedia\.convert\b"), "`dashscope-aa convert`"),
    (re.compile(r"\bmedia\.preflight\b"), "`dashscope-aa check`"),
    (re.compile(r"\btrim=\(start_s, end_s\)"), "--trim START-END"),
    (re.compile(r"\btrim=\(([0-9.]+), ([0-9.]+)\)"), r"--trim \1-\2"),
    (
        re.compile(r"\btrim must be \(start_s, end_s\)(.*), but is \(([0-9.]+), ([0-9.]+)\)"),
        r"--trim must be START-END\1, but is \2-\3",
    ),
    (re.compile(r'\b(fit|sound)="(\w+)"'), r"--\1 \2"),
    (re.compile(r"\ballow_private=True"), "--allow-private"),
    (re.compile(r"\buse_ref_img_bg=True"), "--use-ref-img-bg"),
    (re.compile(r'\bcrop_to="(\S+?)"'), r"--crop-to \1"),
    (re.compile(r"\bcrop_to\b"), "--crop-to"),
    (re.compile(r"\bmax_cost_cny\b"), "--max-cost"),
    (re.compile(r"\bengine=WanAnimate\(mode='([\w-]+)'\)"), r"--engine \1"),
    (re.compile(r"\bengine=AnimateAnyone\(\)"), "--engine animate-anyone"),
    (re.compile(r"\bregion='([\w-]+)'"), r"--region \1"),
    (re.compile(r"\bworkspace='…'"), "--workspace ID"),
    (re.compile(r", or give Client\(api_key=…\)"), ""),
    (re.compile(r"\bclient\.adopt\(error, task_id\)"), "`dashscope-aa ledger adopt`"),
    (re.compile(r"\bclient\.write_off\(error\)"), "`dashscope-aa ledger write-off`"),
)


def as_flags(text: str) -> str:
    """Name options instead of arguments: ``--fit pad`` for ``fit="pad"``."""
    for said, meant in _WORDS:
        text = said.sub(meant, text)
    return text
