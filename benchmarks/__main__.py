"""Compare this library with its peers; see ``scripts/bench --help``."""

import argparse
import sys
import time
import traceback
from collections.abc import Callable
from typing import Final

from benchmarks import (
    calls,
    convert,
    end_to_end,
    imports,
    lateness,
    peers,
    preflight,
    probe,
    render,
    scenes,
    transfer,
    waiting,
)
from benchmarks.pairs import NotMeasuredError
from benchmarks.results import Result

FAMILIES: Final[dict[str, Callable[..., Result]]] = {
    "import": imports.measure,
    "call": calls.measure,
    "waiting": waiting.measure,
    "transfer": transfer.measure,
    "probe": probe.measure,
    "convert": convert.measure,
    "preflight": preflight.measure,
    "end-to-end": end_to_end.measure,
    "scenes": scenes.measure,
    "lateness": lateness.measure,
}


def main() -> None:
    """Measure what is asked for, print it, and write if asked."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("families", nargs="*", metavar="FAMILY", help=", ".join(FAMILIES))
    parser.add_argument(
        "--quick", action="store_true", help="see that it runs; figures mean nothing"
    )
    parser.add_argument("--write", action="store_true", help="write RESULTS.md and the charts")
    asked = parser.parse_args()
    if unknown := set(asked.families) - set(FAMILIES):
        parser.error(
            f"no such family: {', '.join(sorted(unknown))}; there are {', '.join(FAMILIES)}"
        )
    if asked.write and asked.quick:
        parser.error("--quick figures are not written")
    if asked.write:
        peers.python("charts")  # if it can't be installed, better now than in half an hour
    failed = False
    for name in asked.families or FAMILIES:
        began = time.monotonic()
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            result = FAMILIES[name](quick=asked.quick)
        except NotMeasuredError as reason:
            print(f"{name}: not measured: {reason}", file=sys.stderr)
            continue
        except Exception:  # noqa: BLE001 - the other families are worth their time all the same
            traceback.print_exc()
            failed = True
            continue
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        render.show(result)
        if not asked.quick:
            render.keep(name, result)
        if asked.write:  # after each: what was measured is not lost if it is stopped
            render.write(render.kept(FAMILIES))
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    main()
