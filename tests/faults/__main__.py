"""Try the whole matrix and write what came of it into docs/explanation/reliability.md.

``scripts/faults`` runs it. The exit code is 1 if anything came to something else than it should;
then nothing is written. ``--only WORD`` tries what has it in its name, and writes nothing.
"""

import argparse
import logging
import sys
import tempfile
from pathlib import Path

from tests.faults.matrix import Desk
from tests.faults.page import PAGE, written
from tests.faults.plan import Accident, Cell, Outcome, accidents, cells


def main() -> int:
    """Try, tell, write."""
    parser = argparse.ArgumentParser(prog="scripts/faults", description=__doc__)
    parser.add_argument(
        "--only", default="", metavar="WORD", help="try cells with this in the name"
    )
    only = parser.parse_args().only
    logging.disable()  # most faults are logged as such
    outcomes: dict[Cell | Accident, Outcome] = {}
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, Desk.open(Path(folder)) as desk:
        matrix: list[Cell | Accident] = [*cells(), *accidents()]
        wanted = [cell for cell in matrix if only in str(cell)]
        for number, cell in enumerate(wanted):
            backend = "trio" if number % 2 else "asyncio"
            outcome = outcomes[cell] = desk.attempt(cell, backend=backend)
            if outcome != cell.expected:
                wrong += 1
                print(f"{cell} ({backend})\n  expected {cell.expected}\n  but got  {outcome}")
    print(f"{len(outcomes)} cells, {wrong} of them not as they should be")
    if not only and not wrong:
        PAGE.write_text(written(outcomes), encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
