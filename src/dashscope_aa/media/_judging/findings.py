"""What a rule is, and what it says about a picture or a clip. Nothing is read from disk here.

A rule is a row: what is measured, the limit, who says so, the service's own word for it. The
sentence a user reads, the row in the documentation and the fix all come from that row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Generic, Literal, Protocol, TypeAlias, TypeVar

from dashscope_aa._engines import AnimateAnyone, Engine, checked_engine
from dashscope_aa.media._facts import Kind
from dashscope_aa.media._judging.limits import Limit, Measured, say

__all__ = [
    "Advice",
    "FactsT",
    "Finding",
    "Role",
    "Rule",
    "Setting",
    "Severity",
    "role_of",
]

Role: TypeAlias = Literal["animate-anyone image", "template video", "wan image", "wan video"]
"""What a picture or a clip is meant for; each has its own table of rules."""


class Judged(Protocol):
    """What rules can be about."""

    @property
    def kind(self) -> Kind:
        """Whether it is about an image or a video."""
        ...


FactsT = TypeVar("FactsT", bound=Judged)


class Severity(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    """A documented limit is broken: the service would refuse it. This alone blocks."""
    WARNING = "warning"
    """The service may refuse it, or the result will suffer."""
    ADVICE = "advice"
    """Good to know."""

    @property
    def weight(self) -> int:
        """2 for an error, 1 for a warning, 0 for advice."""
        return ("advice", "warning", "error").index(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a rule says about one picture or clip."""

    code: str
    """Code of the rule, such as ``V102``."""
    severity: Severity
    """How much it weighs; only an error blocks."""
    subject: Kind
    """Whom it concerns: the image or the video."""
    quantity: str
    """What was looked at, such as ``frame rate``."""
    message: str
    """What was expected and what was found."""
    hint: str = ""
    """What to do about it."""
    service_code: str | None = None
    """The service's own error code it would have met, where one is known."""
    measured: Measured | None = None
    """What was found, in the rule's unit."""
    limit: str = ""
    """What was expected, as it reads behind "must be"."""
    unit: str = ""
    """Unit of `measured`; empty for words and plain numbers."""
    mendable: bool = False
    """True if `convert` mends it without being asked to; it does nothing while anything is left
    that it refuses to do unasked."""
    times_s: tuple[float, ...] = ()
    """Where in the clip it was seen, in seconds, for findings about its content."""
    source: str = ""
    """Who says so: key of the documents, as in ``docs/explanation/sources.md``."""

    @property
    def blocks(self) -> bool:
        """True if the service would refuse it."""
        return self.severity is Severity.ERROR

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain JSON values."""
        measured = self.measured
        return {
            "code": self.code,
            "severity": str(self.severity),
            "subject": self.subject,
            "quantity": self.quantity,
            "message": self.message,
            "hint": self.hint,
            "service_code": self.service_code,
            "measured": measured if isinstance(measured, str | int | None) else float(measured),
            "limit": self.limit,
            "unit": self.unit,
            "mendable": self.mendable,
            "times_s": list(self.times_s),
            "source": self.source,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What advice depends on besides the facts."""

    engine: Engine
    """What the media are for."""
    bodystyle: str | None = None
    """``full`` or ``half``, once the picture was detected."""
    from_url: bool = False
    """True if the service will read the user's own URL, and not an upload of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Generic[FactsT]):
    """One row: a quantity and its limit."""

    code: str
    """Code of the rule; never given to another rule again."""
    quantity: str
    """What is measured, in words."""
    measure: Callable[[FactsT], Measured | None]
    """Reads it from the facts; None where the rule does not apply."""
    limit: Limit
    """What it must be."""
    source: str
    """Who says so."""
    unit: str = ""
    """Unit of what is measured."""
    service_code: str | None = None
    """The service's own code for it."""
    severity: Severity = Severity.ERROR
    """What breaking it means."""
    hint: str = ""
    """What to do, where `convert` does not mend it by itself."""
    hint_below: str = ""
    """The same for what is below the least that is allowed, if that asks for something else."""
    lost: bool = False
    """True if what breaks it cannot be brought back, so that `convert` never mends it."""

    @property
    def requirement(self) -> str:
        """The rule as a sentence, without a measured value."""
        return f"{self.quantity} {self.verb} be {self.limit.wording(self.unit)}"

    @property
    def verb(self) -> str:
        """Must for documented limits, should for the rest."""
        return "must" if self.severity is Severity.ERROR else "should"

    def keeps(self, facts: FactsT) -> bool:
        """Tell whether *facts* keep the rule, or it does not apply to them."""
        measured = self.measure(facts)
        return measured is None or self.limit.allows(measured)

    def finding(self, facts: FactsT) -> Finding:
        """Say what is wrong with *facts*, which do not keep the rule."""
        measured = self.measure(facts)
        said = "unknown" if measured is None else self._said(measured)
        return Finding(
            code=self.code,
            severity=self.severity,
            subject=facts.kind,
            quantity=self.quantity,
            message=f"{self.requirement}, but is {said}",
            hint=self._advice(measured),
            service_code=self.service_code,
            measured=measured,
            limit=self.limit.wording(self.unit),
            unit=self.unit,
            source=self.source,
        )

    def _advice(self, measured: Measured | None) -> str:
        least, _ = self.limit.bounds
        if not self.hint_below or measured is None or isinstance(measured, str):
            return self.hint
        return self.hint_below if least is not None and measured < least else self.hint

    def _said(self, measured: Measured) -> str:
        unit = self.unit if self.unit in _LONG_UNITS else ""
        return say(measured, unit, beside=self.limit.bounds)


_LONG_UNITS: Final = {"bytes", ":1"}
"""Units that are part of the number; the others were said with the limit already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice(Generic[FactsT]):
    """One row that depends on more than a measured quantity. It never blocks."""

    code: str
    """Code of the rule; never given to another rule again."""
    quantity: str
    """What it is about."""
    notice: Callable[[FactsT, Setting], str | None]
    """Says what is to be noticed; None if nothing is."""
    source: str
    """Who says so."""
    hint: str = ""
    """What to do."""
    severity: Severity = Severity.ADVICE
    """How much it weighs; never an error."""

    def finding(self, facts: FactsT, setting: Setting) -> Finding | None:
        """Give the notice as a finding, if there is one."""
        message = self.notice(facts, setting)
        if message is None:
            return None
        return Finding(
            code=self.code,
            severity=self.severity,
            subject=facts.kind,
            quantity=self.quantity,
            message=message,
            hint=self.hint,
            source=self.source,
        )


def role_of(engine: Engine, kind: Kind) -> Role:
    """Tell what a picture or a clip is for, given the engine.

    Raises:
        InputError: the engine is none.
    """
    if isinstance(checked_engine(engine), AnimateAnyone):
        return "animate-anyone image" if kind == "image" else "template video"
    return "wan image" if kind == "image" else "wan video"
