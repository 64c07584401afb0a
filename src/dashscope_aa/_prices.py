"""What the service charges, in CNY, as known on 2026-11-01. Pure.

Source: RATE, OVER and public lists (facts of section 8). Failed tasks are free, refused
pictures are not.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from dashscope_aa._endpoints import DETECT, MIX, MOVE, SYNTHESIS, TEMPLATE

DATED: Final = date(2026, 11, 1)
"""The day of this table."""


@dataclass(frozen=True, slots=True)
class Price:
    """One row: what one unit costs."""

    model: str
    """The model."""
    tier: str
    """``usage.video_ratio`` of the answer: ``standard`` or ``pro``."""
    cny: float
    """Price of a unit, in CNY."""
    unit: str
    """``second`` of video, or ``image``."""


PRICES: Final = (
    Price(DETECT.model, "standard", 0.004, "image"),
    Price(TEMPLATE.model, "standard", 0.08, "second"),
    Price(SYNTHESIS.model, "standard", 0.08, "second"),
    Price(MOVE.model, "standard", 0.4, "second"),
    Price(MOVE.model, "pro", 0.6, "second"),
    Price(MIX.model, "standard", 0.6, "second"),
    Price(MIX.model, "pro", 0.9, "second"),  # one third-party list says 1.20
)


def cost_cny(model: str, tier: str | None, units: float | None) -> float | None:
    """Give what *units* of a model cost; None if the model or the number is not known."""
    for price in PRICES:
        if units is not None and price.model == model and price.tier == (tier or "standard"):
            return round(price.cny * units, 6)
    return None
