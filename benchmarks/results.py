"""What a family of measurements gives: tables, charts and words, as plain values."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.pairs import Rounds, Spread


@dataclass(frozen=True)
class Bar:
    """One bar of a chart."""

    label: str
    value: float
    low: float
    high: float
    ours: bool = False


@dataclass(frozen=True)
class Chart:
    """Bars to compare; all of one chart share a unit."""

    name: str
    """Name of the file, without its ending."""
    title: str
    unit: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Table:
    """One table of the results."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Result:
    """What one family gives."""

    title: str
    question: str
    """What is measured, and how."""
    tables: Sequence[Table] = ()
    charts: Sequence[Chart] = ()
    notes: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class Column:
    """One column: a measure, as a ratio to a subject or as it is."""

    title: str
    measure: str
    base: str | None = None
    """The subject it is compared with; None shows the figure itself."""
    scale: float = 1.0
    """What the figure is multiplied by, to come to the unit of the title."""
    digits: int | None = None
    """Decimals to show; None for three digits that count."""

    def cell(self, rounds: Rounds, name: str) -> str:
        """Write the cell of one subject."""
        if self.base is None:
            seen = rounds.spread(name, self.measure)
            if self.digits is not None:
                return f"{self.scale * seen.median:.{self.digits}f}"
            return str(Spread(*(self.scale * it for it in (seen.median, seen.low, seen.high))))
        if self.base not in rounds.measured:
            return "–"
        return "1" if name == self.base else str(rounds.ratio(name, self.base, self.measure))


def table(title: str, rounds: Rounds, columns: Sequence[Column]) -> Table:
    """Make a table with one row a subject."""
    rows = [
        [_bold(rounds, name), *(it.cell(rounds, name) for it in columns)] for name in rounds.names()
    ]
    return Table(title, ["", *(it.title for it in columns)], rows)


def missing(rounds: Rounds) -> list[str]:
    """Say what was not measured, and why."""
    return [f"{name}: not measured: {reason}" for name, reason in rounds.missing.items()]


def bars(rounds: Rounds, base: str, measure: str) -> list[Bar]:
    """Make one bar a subject, as ratios to *base*."""
    if base not in rounds.measured:
        return []
    found = [(name, rounds.ratio(name, base, measure)) for name in rounds.names()]
    return [Bar(name, it.median, it.low, it.high, _ours(rounds, name)) for name, it in found]


def _ours(rounds: Rounds, name: str) -> bool:
    return any(subject.name == name and subject.ours for subject in rounds.subjects)


def _bold(rounds: Rounds, name: str) -> str:
    return f"**{name}**" if _ours(rounds, name) else name
