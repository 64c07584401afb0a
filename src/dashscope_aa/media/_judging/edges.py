"""What the rules of pictures and of clips have in common: edges, ratio, megabytes, URLs."""

from fractions import Fraction
from typing import Final

from dashscope_aa.media._facts import Facts
from dashscope_aa.media._judging.findings import Setting

__all__ = ["MB", "MIB", "SUFFIX_HINT", "longer", "ratio", "shorter", "suffix_unknown"]

MB: Final = 1_000_000
"""The safe reading of a megabyte, which no document defines: what exceeds it is warned about."""
MIB: Final = 1024 * 1024
"""The generous reading: what exceeds it is refused."""


def shorter(facts: Facts) -> int:
    """Give the shorter side as shown, in pixels."""
    return min(facts.width_px, facts.height_px)


def longer(facts: Facts) -> int:
    """Give the longer side as shown, in pixels."""
    return max(facts.width_px, facts.height_px)


def ratio(facts: Facts) -> Fraction:
    """Give the longer side over the shorter: the limits hold both ways round."""
    return Fraction(longer(facts), max(1, shorter(facts)))


_SUFFIXES: Final = {
    "image": (".jpg", ".jpeg", ".png", ".bmp", ".webp"),
    "video": (".mp4", ".avi", ".mov"),
}


def suffix_unknown(facts: Facts, setting: Setting) -> str | None:
    """Notice a URL whose path does not tell what it leads to."""
    known = _SUFFIXES[facts.kind]
    if not setting.from_url or facts.suffix in known:
        return None
    return (
        f"the path of the URL should end in {', '.join(known[:-1])} or {known[-1]}, but ends in "
        f"{facts.suffix or 'none'}: the service tells the kind of a file from it"
    )


SUFFIX_HINT: Final = "Give a URL whose path ends so, or the file itself, which is named on upload."
