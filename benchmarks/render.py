"""Write the results as Markdown, and the charts with matplotlib in an environment of its own."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from benchmarks import peers
from benchmarks.results import Bar, Chart, Result, Table

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "RESULTS.md"
CHARTS: Final = HERE / "charts"
KEPT: Final = peers.CACHE / "results"
_HEAD: Final = """\
Written by `scripts/bench --write`, which makes everything it needs: virtual environments of the
peers, files, and servers on loopback in processes of their own.

Each figure is the median of rounds in which all take their turn, with the lowest and the highest in
brackets. Ratios are taken within a round. They are of one run on one machine: compare them with
each other. What the limits are is told in [Performance](../docs/explanation/performance.md)."""


def keep(name: str, result: Result) -> None:
    """Keep the result of a family, so that the families need not be run all at once."""
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{name}.json").write_text(json.dumps(asdict(result), indent=1), encoding="utf-8")


def kept(names: Iterable[str]) -> dict[str, Result]:
    """Give back what was kept."""
    found: dict[str, Result] = {}
    for name in names:
        path = KEPT / f"{name}.json"
        if path.exists():
            data = json.loads(path.read_text(encoding="utf-8"))
            tables = [Table(**it) for it in data.pop("tables")]
            charts = [
                Chart(**{**it, "bars": [Bar(**bar) for bar in it["bars"]]})
                for it in data.pop("charts")
            ]
            found[name] = Result(**data, tables=tables, charts=charts)
    return found


def write(results: Mapping[str, Result]) -> None:
    """Write ``RESULTS.md`` and the charts."""
    drawing = peers.python("charts")
    RESULTS.write_text(markdown(results), encoding="utf-8")
    drawn = [asdict(chart) for result in results.values() for chart in result.charts if chart.bars]
    CHARTS.mkdir(exist_ok=True)
    for old in CHARTS.iterdir():
        old.unlink()
    subprocess.run(
        [drawing, "-m", "benchmarks.subjects.charts", str(CHARTS)],
        cwd=peers.ROOT,
        env=peers.environment(),
        input=json.dumps(drawn),
        text=True,
        check=True,
    )


def markdown(results: Mapping[str, Result]) -> str:
    """Write all results as one page."""
    lines = ["# Side by side", "", *_head(), ""]
    for name, result in results.items():
        lines += [f"## {result.title}", "", result.question, ""]
        for it in result.tables:
            lines += [f"**{it.title}**", "", *_rows(it), ""]
        lines += [f"![{it.title}](charts/{it.name}.svg)\n" for it in result.charts if it.bars]
        lines += [f"- {note}" for note in result.notes] + [""] * bool(result.notes)
        lines += [f"Run again: `scripts/bench {name}`", ""]
    return "\n".join(lines)


def _head() -> list[str]:
    versions = ", ".join(
        name if name.endswith(version) else f"{name} {version}"
        for name, version in peers.versions().items()
    )
    ffmpeg = _first_line("ffmpeg", "-version").partition(" Copyright")[0]
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"
    return [
        _HEAD,
        "",
        f"Machine: {machine}, Python {platform.python_version()}.",
        "",
        f"Versions: {versions}; {ffmpeg or 'no ffmpeg'}.",
    ]


def _first_line(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split(
            "\n"
        )[0]
    except (OSError, subprocess.CalledProcessError):
        return ""


def _rows(table: Table) -> list[str]:
    rule = "|".join(["---", *(["--:"] * (len(table.columns) - 1))])
    return [
        f"| {' | '.join(table.columns)} |",
        f"|{rule}|",
        *(f"| {' | '.join(row)} |" for row in table.rows),
    ]


def show(result: Result) -> None:
    """Print a result."""
    for table in result.tables:
        print(f"\n{result.title}: {table.title}")
        widths = [
            max(len(row[at]) for row in [table.columns, *table.rows])
            for at in range(len(table.columns))
        ]
        for row in [table.columns, *table.rows]:
            print(
                "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            )
    for note in result.notes:
        print(f"  {note}")
    sys.stdout.flush()
