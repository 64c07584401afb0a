"""Rules and advice for one use, and what they say together. Nothing is read from disk here."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Generic

from dashscope_aa.media._facts import Unreadable
from dashscope_aa.media._judging.findings import (
    Advice,
    FactsT,
    Finding,
    Role,
    Rule,
    Setting,
    Severity,
)
from dashscope_aa.media._judging.limits import AtLeast, Limit
from dashscope_aa.media._judging.shape import Frame

__all__ = ["Table", "check"]

_NO_LIMIT: Final = AtLeast(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Generic[FactsT]):
    """The rows for one use."""

    role: Role
    """What the picture or clip is for."""
    unreadable: str
    """Code of the finding for what cannot be read."""
    open_code: str = "InvalidFile.Openerror"
    """The service's code for what it cannot read."""
    rules: tuple[Rule[FactsT], ...]
    """Rows with a limit."""
    advice: tuple[Advice[FactsT], ...] = ()
    """Rows that depend on more."""

    def broken_by(
        self, facts: FactsT, *, down_to: Severity = Severity.ERROR
    ) -> Iterator[Rule[FactsT]]:
        """Give the rules *facts* break; of those about one quantity only the hardest."""
        found: set[str] = set()
        for rule in self.rules:
            if rule.quantity in found or rule.keeps(facts):
                continue
            found.add(rule.quantity)
            if rule.severity.weight >= down_to.weight:
                yield rule

    def notices(self, facts: FactsT, setting: Setting) -> Iterator[Finding]:
        """Give what is to be noticed besides broken rules."""
        for row in self.advice:
            if found := row.finding(facts, setting):
                yield found

    def limit(self, quantity: str) -> Limit | None:
        """Give the hard limit of a quantity, if there is one."""
        rules = (rule for rule in self.rules if rule.severity is Severity.ERROR)
        return next((rule.limit for rule in rules if rule.quantity == quantity), None)

    def safe_limit(self, quantity: str) -> Limit | None:
        """Give the limit of a quantity that is safe by any reading of the documents."""
        return next((rule.limit for rule in self.rules[::-1] if rule.quantity == quantity), None)

    def code_of_unreadable(self, facts: Unreadable) -> str:
        """Give the service's code for what cannot be read, which may say what it does not like."""
        codes = {
            rule.quantity: rule.service_code or self.open_code
            for rule in self.rules
            if rule.severity is Severity.ERROR
        }
        for quantity in ("format", "container"):
            limit = self.limit(quantity)
            if limit and facts.format and not limit.allows(facts.format):
                return codes[quantity]
        # What is too large to be opened has more pixels than are allowed, if it is a picture.
        size = facts.reason == "too_large" and facts.kind == "image"
        return codes["longer side"] if size else self.open_code

    @property
    def most_bytes(self) -> int:
        """Give the largest size in bytes that is safe."""
        limit = self.safe_limit("file size") or _NO_LIMIT
        return int(limit.bounds[1] or 0) - 1

    def frame(self, size: tuple[int, int], *, step_px: int = 1) -> Frame:
        """Give the limits of width and height: hard ones if *size* keeps them, else safe ones."""
        hard, safe = (
            Frame(
                shorter=limit("shorter side") or _NO_LIMIT,
                longer=limit("longer side") or _NO_LIMIT,
                ratio=limit("aspect ratio") or _NO_LIMIT,
                step_px=step_px,
            )
            for limit in (self.limit, self.safe_limit)
        )
        return hard if hard.keeps_sides(size) else safe


def check(
    facts: FactsT, table: Table[FactsT], *, mended: FactsT | None = None
) -> Iterator[Finding]:
    """Give a finding for each broken rule of a table.

    Args:
        facts: What was found in the file.
        table: The rules.
        mended: What `convert` would make of it: a rule that this keeps is mendable.
    """
    for rule in table.broken_by(facts, down_to=Severity.ADVICE):
        found = rule.finding(facts)
        mendable = mended is not None and rule.keeps(mended) and not rule.lost
        yield replace(found, mendable=True, hint=MENDS) if mendable else found


MENDS: Final = "convert mends it."
"""The hint of what is mendable."""
