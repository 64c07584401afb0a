"""What a limit is: a bound, how it reads in a sentence, and which values keep it.

A comparator knows whether its bound itself is allowed and how much slack a container's
rounding deserves. Nothing here knows what is measured.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Protocol, TypeAlias

__all__ = [
    "AtLeast",
    "AtMost",
    "Between",
    "LessThan",
    "Limit",
    "Measured",
    "MoreThan",
    "Near",
    "Number",
    "OneOf",
    "say",
]

Number: TypeAlias = float | Fraction
Measured: TypeAlias = Number | str
"""What a rule reads from the facts: a number in the rule's unit, or a word."""

Bounds: TypeAlias = tuple[Number | None, Number | None]


class Limit(Protocol):
    """What every comparator can do."""

    @property
    def bounds(self) -> Bounds:
        """Lowest and highest value, each None where there is none; both None for words."""
        ...

    def allows(self, value: Measured) -> bool:
        """Tell whether *value* keeps the limit."""
        ...

    def wording(self, unit: str) -> str:
        """Say the limit, to stand behind "must be"."""
        ...


@dataclass(frozen=True, slots=True)
class AtLeast:
    """An inclusive lower bound."""

    bound: Number
    tolerance: float = 0.0

    @property
    def bounds(self) -> Bounds:
        """Open upwards."""
        return self.bound, None

    def allows(self, value: Measured) -> bool:
        """Let the bound itself pass, and what misses it by the tolerance."""
        return _number(value) >= self.bound - _slack(self.tolerance)

    def wording(self, unit: str) -> str:
        """Say it: ``at least 24 fps``."""
        return f"at least {say(self.bound, unit)}"


@dataclass(frozen=True, slots=True)
class AtMost:
    """An inclusive upper bound."""

    bound: Number
    tolerance: float = 0.0

    @property
    def bounds(self) -> Bounds:
        """Open downwards."""
        return None, self.bound

    def allows(self, value: Measured) -> bool:
        """Let the bound itself pass, and what exceeds it by the tolerance."""
        return _number(value) <= self.bound + _slack(self.tolerance)

    def wording(self, unit: str) -> str:
        """Say it: ``at most 4096 px``."""
        return f"at most {say(self.bound, unit)}"


@dataclass(frozen=True, slots=True)
class MoreThan:
    """An exclusive lower bound."""

    bound: Number

    @property
    def bounds(self) -> Bounds:
        """Open upwards."""
        return self.bound, None

    def allows(self, value: Measured) -> bool:
        """Refuse the bound itself."""
        return _number(value) > self.bound

    def wording(self, unit: str) -> str:
        """Say it: ``more than 224 px``."""
        return f"more than {say(self.bound, unit)}"


@dataclass(frozen=True, slots=True)
class LessThan:
    """An exclusive upper bound."""

    bound: Number

    @property
    def bounds(self) -> Bounds:
        """Open downwards."""
        return None, self.bound

    def allows(self, value: Measured) -> bool:
        """Refuse the bound itself."""
        return _number(value) < self.bound

    def wording(self, unit: str) -> str:
        """Say it: ``less than 5 MiB``."""
        return f"less than {say(self.bound, unit)}"


@dataclass(frozen=True, slots=True)
class Between:
    """Two inclusive bounds."""

    low: Number
    high: Number
    tolerance: float = 0.0

    @property
    def bounds(self) -> Bounds:
        """Closed on both sides."""
        return self.low, self.high

    def allows(self, value: Measured) -> bool:
        """Let both bounds pass, and what misses either by the tolerance."""
        slack = _slack(self.tolerance)
        return self.low - slack <= _number(value) <= self.high + slack

    def wording(self, unit: str) -> str:
        """Say it: ``between 2 and 60 s``."""
        return f"between {say(self.low)} and {say(self.high, unit)}"


@dataclass(frozen=True, slots=True)
class Near:
    """A ratio from which a value may be off by a share."""

    target: Fraction
    share: float

    @property
    def bounds(self) -> Bounds:
        """The share below and above the target."""
        return float(self.target) * (1 - self.share), float(self.target) * (1 + self.share)

    def allows(self, value: Measured) -> bool:
        """Let pass what is off by no more than the share, either way round."""
        off = _number(value) / self.target
        return max(off, 1 / off) <= 1 + self.share

    def wording(self, unit: str) -> str:  # noqa: ARG002 - a ratio has no unit of its own
        """Say it: ``near 9:16``."""
        return f"near {self.target.numerator}:{self.target.denominator}"


@dataclass(frozen=True, slots=True, init=False)
class OneOf:
    """A choice of words."""

    words: tuple[str, ...]

    def __init__(self, *words: str) -> None:
        object.__setattr__(self, "words", words)

    @property
    def bounds(self) -> Bounds:
        """Words have none."""
        return None, None

    def allows(self, value: Measured) -> bool:
        """Let pass what is among the words."""
        return value in self.words

    def wording(self, unit: str) -> str:
        """Say it: ``jpeg, png or bmp``."""
        words = [say(word, unit) for word in self.words]
        *most, last = words
        return f"{', '.join(most)} or {last}" if most else last


def say(value: Measured, unit: str = "", *, beside: Bounds = (None, None)) -> str:
    """Write *value* with its unit, with as many decimals as tell it from the bounds *beside* it."""
    if isinstance(value, str):
        return value
    if unit == "bytes":
        return _bytes(value)
    near = [bound for bound in beside if bound is not None and bound != value]
    places = next((at for at in _PLACES if _apart(value, near, at)), _PLACES[-1])
    gap = "" if unit.startswith(":") else " "
    return f"{_decimal(value, places)}{gap}{unit}".rstrip()


_MIB: Final = 1024 * 1024
_MB: Final = 1_000_000
_PLACES: Final = (2, 3, 6)


def _bytes(value: Number) -> str:
    """Write bytes exactly, and the size as people say it."""
    if value and value % _MIB == 0:
        return f"{value // _MIB} MiB ({value:,} bytes)"
    if value < _MB:
        return f"{value:,} bytes"
    return f"{float(value) / _MB:.1f} MB ({value:,} bytes)"


def _decimal(value: Number, places: int) -> str:
    said = f"{float(value):.{places}f}"
    return said.rstrip("0").rstrip(".") if "." in said else said


def _apart(value: Number, others: list[Number], places: int) -> bool:
    return all(_decimal(value, places) != _decimal(other, places) for other in others)


def _number(value: Measured) -> Number:
    if isinstance(value, str):
        msg = f"a number was to be measured, but {value!r} was"
        raise TypeError(msg)
    return value


def _slack(tolerance: float) -> Number:
    """Keep whole and exact numbers exact where there is no slack."""
    return tolerance or 0
