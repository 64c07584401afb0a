"""The tables of docs/explanation/reliability.md, written from what came of the matrix."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.faults.plan import PAID, Accident, Cell, Group, Outcome

PAGE: Final = Path(__file__).parents[2] / "docs" / "explanation" / "reliability.md"
BEGIN: Final = (
    "<!-- Written by scripts/faults from its run. Change tests/faults, not this part. -->"
)
END: Final = "<!-- The end of what scripts/faults writes. -->"
Outcomes = Mapping[Cell | Accident, Outcome]


def written(outcomes: Outcomes) -> str:
    """Give the page with its tables anew."""
    text = PAGE.read_text(encoding="utf-8")
    tables = "\n".join(lines(outcomes))
    inner = re.compile(f"(?<={re.escape(BEGIN)}\n).*(?={re.escape(END)})", re.DOTALL)
    fresh, found = inner.subn(lambda _: f"\n{tables}\n", text)
    assert found == 1, f"{PAGE} has lost its marks"
    return fresh


def lines(outcomes: Outcomes) -> Iterator[str]:
    """Give the lines of all tables."""
    for group in dict.fromkeys(cell.group for cell in outcomes if isinstance(cell, Cell)):
        yield from _group(group, outcomes)
    yield "### The client's process is killed, or its disk is full\n"
    yield "*Before* a step is when its request is about to leave, *after* it when its answer has"
    yield "come. The second time the process lives, and there is room.\n"
    there = [cell for cell in outcomes if isinstance(cell, Accident)]
    yield from _table(
        (f"{cell.name} ({_run(cell)})", _words(cell), outcomes[cell]) for cell in there
    )


def _group(group: Group, outcomes: Outcomes) -> Iterator[str]:
    """Give one table: cells that differ in the run or the step alone are one row."""
    yield f"### {group.title}\n"
    rows: dict[tuple[str, str], Outcome] = {}
    for cell, outcome in outcomes.items():
        if isinstance(cell, Cell) and cell.group is group:
            name = (cell.row.name, _words(cell))
            assert rows.setdefault(name, outcome) == outcome, f"{cell} differs from its like"
    yield from _table((name, words, outcome) for (name, words), outcome in _merged(rows))


def _merged(
    rows: Mapping[tuple[str, str], Outcome],
) -> Iterator[tuple[tuple[str, str], Outcome]]:
    """Give one row for both words where they come to the same."""
    for (name, words), outcome in rows.items():
        other = rows.get((name, "no" if words == "yes" else "yes"))
        if other != outcome:
            yield (name, words), outcome
        elif words != "yes":
            yield (name, "either"), outcome


def _table(rows: Iterable[tuple[str, str, Outcome]]) -> Iterator[str]:
    given = list(rows)
    word = any(words != "–" for _, words, _ in given)
    counted = any(outcome.sent is not None for _, _, outcome in given)
    ledger = any(outcome.ledger is not None for _, _, outcome in given)
    head = ["Fault"] + ["exclusive"] * word + ["sent", "accepted"] * counted + ["the user sees"]
    head += ["ledger"] * ledger + ["the same again"] + ["in all"] * counted
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for name, words, it in given:
        cells = [name] + [words] * word + [_n(it.sent), _n(it.paid)] * counted + [_code(it.saw)]
        cells += [it.ledger or "–"] * ledger + [_code(it.again)] + [_n(it.paid_in_all)] * counted
        yield "| " + " | ".join(cells) + " |"
    yield ""


def _n(count: int | None) -> str:
    return "–" if count is None else str(count)


def _code(saw: str) -> str:
    return re.sub(r"(\w+Error)", r"`\1`", saw)


def _words(cell: Cell | Accident) -> str:
    matters = cell.group.exclusive is not None if isinstance(cell, Cell) else cell.step in PAID
    return ("yes" if cell.exclusive else "no") if matters else "–"


def _run(cell: Accident) -> str:
    return "AnimateAnyone" if cell.video == "synthesis" else "wan2.2-animate"
