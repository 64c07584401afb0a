"""What the service charges, in CNY, as known on 2026-11-01. Pure.

Source: RATE, OVER and public lists (facts of section 8). Failed tasks are free, refused
pictures are not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from dashscope_aa._endpoints import DETECT, MIX, MOVE, SYNTHESIS, TEMPLATE
from dashscope_aa.errors import CostLimitError
from dashscope_aa.models import TaskUsage

DATED: Final = date(2026, 11, 1)
"""The day of this table."""


class Price(NamedTuple):
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


@dataclass(frozen=True, slots=True)
class Expense:
    """One line of an estimate: a paid step."""

    step: str
    """What is done: ``detect``, ``template``, ``synthesis``, ``move`` or ``mix``."""
    model: str
    """The model that does it."""
    units: float | None
    """How many seconds or images are billed; None if nobody can say before."""
    unit: str
    """``second`` of video, or ``image``."""
    cny: float | None
    """What it is expected to cost, in CNY; None if its price or its length is not known."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run is expected to cost, by the price table of `dated`."""

    expenses: tuple[Expense, ...]
    """The steps that have to be paid; what was paid for before is left out."""
    dated: date = DATED
    """The day of the price table."""

    @property
    def cny(self) -> float | None:
        """All of it, in CNY; None if a part is not known."""
        return total([expense.cny for expense in self.expenses])

    def __str__(self) -> str:
        """Say it in a line."""
        steps = ", ".join(f"{it.step} {_told(it.cny)}" for it in self.expenses)
        return f"{_told(self.cny)} CNY ({steps or 'all paid for before'})"

    def of(self, step: str) -> float | None:
        """Give what a single step is expected to cost, in CNY."""
        return total([expense.cny for expense in self.expenses if expense.step == step])


def check_cost(expected: Estimate, limit_cny: float | None) -> None:
    """Refuse what would cost more than is wanted.

    Raises:
        CostLimitError: it is expected to cost more, or nobody can say.
    """
    if limit_cny is None:
        return
    if expected.cny is None:
        msg = f"nobody can say whether it costs at most {limit_cny:g} CNY: {expected}"
        raise CostLimitError(msg, hint="Leave out max_cost_cny, or hand over a local clip.")
    if expected.cny > limit_cny:
        msg = f"it would cost about {expected.cny:g} CNY, more than {limit_cny:g}: {expected}"
        raise CostLimitError(msg, hint="Raise max_cost_cny, or take a shorter clip.")


def _told(cny: float | None) -> str:
    return "unknown" if cny is None else f"{cny:g}"


def total(costs: Sequence[float | None]) -> float | None:
    """Add up; unknown if any part is."""
    known = [cost for cost in costs if cost is not None]
    return round(sum(known), 6) if len(known) == len(costs) else None


def expense(step: str, model: str, tier: str | None, units: float | None) -> Expense:
    """Give the line of an estimate for a step."""
    unit = next((price.unit for price in PRICES if price.model == model), "second")
    return Expense(step, model, units, unit, cost_cny(model, tier, units))


def cost_cny(model: str, tier: str | None, units: float | None) -> float | None:
    """Give what *units* of a model cost; None if the model or the number is not known."""
    for price in PRICES:
        if units is not None and price.model == model and price.tier == (tier or "standard"):
            return round(price.cny * units, 6)
    return None


def billed_cny(model: str, usage: TaskUsage | None) -> float | None:
    """Give what a task cost by the usage that the service told."""
    return cost_cny(model, usage.video_ratio, usage.video_duration) if usage else None
