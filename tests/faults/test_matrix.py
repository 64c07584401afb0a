"""Every fault at every step: what is paid for, what the user sees, and what the ledger says."""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.faults.matrix import Attempt, Desk
from tests.faults.page import PAGE, written
from tests.faults.plan import ROWS, Accident, Cell, accidents, cells


def superfluous(cell: Cell) -> bool:
    """True of what is left to scripts/faults: it comes to the same as another cell."""
    by_default = replace(cell, exclusive=False).expected
    other_family = cell.step in {"policy", "upload", "download"} and cell.video != "synthesis"
    # Where template and move are tried with all faults, the others need one of each kind.
    first = next(row for row in ROWS if row.kind == cell.row.kind and cell.step in row.at)
    of_a_kind = cell.step in {"synthesis", "mix"} and cell.row is not first
    return other_family or of_a_kind or (cell.exclusive and cell.expected == by_default)


MATRIX: list[Cell | Accident] = [*cells(), *accidents()]
USUAL = [cell for cell in MATRIX if isinstance(cell, Accident) or not superfluous(cell)]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="clients are forked")


LATE_S = 60.0
"""A slow machine takes real seconds too."""


def of_kind(kind: str) -> list[Cell]:
    """Give one cell a step, without the word given."""
    found = [cell for cell in USUAL if isinstance(cell, Cell) and cell.row.kind == kind]
    steps = {"detect", "template", "synthesis", "move", "mix", "query"}
    return [cell for cell in found if not cell.exclusive and cell.step in steps]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk.open(tmp_path_factory.mktemp("faults")) as desk:
        yield desk


@pytest.mark.parametrize(
    ("cell", "backend"),
    [
        pytest.param(cell, ("asyncio", "trio")[number % 2], id=str(cell))
        for number, cell in enumerate(USUAL)
    ],
)
def test_cell(cell: Cell | Accident, backend: str, desk: Desk) -> None:
    assert desk.attempt(cell, backend=backend) == cell.expected


def test_page_has_what_comes_of_it() -> None:
    expected = {cell: cell.expected for cell in MATRIX}
    assert PAGE.read_text(encoding="utf-8") == written(expected), "stale: run scripts/faults"


# ── Retry-After ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("cell", of_kind("told to wait"), ids=str)
def test_twelve_seconds_are_waited_for(cell: Cell, desk: Desk) -> None:
    desk.attempt(cell, backend="asyncio")
    first, second, *_ = desk.emulator.requests.of(cell.step)
    assert 12 <= second.at - first.at < 12 + LATE_S


@pytest.mark.parametrize("cell", of_kind("told to wait long"), ids=str)
def test_an_hour_is_an_error_at_once(cell: Cell, desk: Desk) -> None:
    attempt = Attempt(desk, cell, "trio")
    said = attempt.first()
    assert said in {"ThrottledError", "TaskUnreachableError"}
    (asked,) = desk.emulator.requests.of(cell.step)
    assert desk.emulator.clock.now() - asked.at < LATE_S
