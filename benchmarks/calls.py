"""Family 2: what one call costs over a bare httpx call, and calls a second on one loop."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks import peers
from benchmarks.pairs import Rounds, Subject, paired
from benchmarks.results import Bar, Chart, Column, Result, Table, bars, missing, table
from benchmarks.serving import origin

CALLERS: Final = (1, 10, 100)
GATED: Final = "httpx, gate of 10"
FRESH: Final = "httpx, gate of 10, new connections"
QUERY: Final = {
    "get_task": ("ours", peers.OURS),
    "get_task, aiohttp's transport": ("aiohttp", peers.AIOHTTP),
    GATED: ("gated", "floor"),
    "httpx": ("httpx", "floor"),
    "dashscope": ("official", "dashscope"),
    "dashscope 1.26.2": ("official", "dashscope 1.26.2"),
}
DETECT: Final = {
    "detect": ("ours", peers.OURS),
    FRESH: ("fresh", "floor"),
    GATED: ("gated", "floor"),
    "httpx": ("httpx", "floor"),
}


def measure(*, quick: bool) -> Result:
    """Call a server in another process for some seconds."""
    tables: list[Table] = []
    charts: list[Chart] = []
    notes: list[str] = []
    with tempfile.TemporaryDirectory() as folder, origin(Path(folder)) as server:
        for what, ways, base in (("query", QUERY, GATED), ("detect", DETECT, FRESH)):
            shown: list[Bar] = []
            for callers in CALLERS:
                rounds = _rounds(ways, what, f"{server.url}/api/v1", callers, quick=quick)
                tables.append(table(_title(what, callers), rounds, _columns(base)))
                notes += missing(rounds)
                shown += [
                    Bar(f"{it.label}, {callers} at once", it.value, it.low, it.high, it.ours)
                    for it in bars(rounds, base, "rate")
                ]
            title = f"Calls a second: {what}"
            charts.append(Chart(f"calls-{what}", title, f"× {base}", shown))
    return Result(
        title="One call",
        question="The same answer of about 300 bytes, asked for over loopback. `get_task` keeps "
        "its connections; the client's own limit of queries a second is lifted. `detect` is paid, "
        "and what is paid never rides a used connection, so its measure is httpx with a new "
        "connection a call. httpx without a gate has the same ten connections, and queues in its "
        "own pool. The official SDK rides on aiohttp, and so can this library: "
        "`Client(transport=httpx_aiohttp.AiohttpTransport())`.",
        tables=tables,
        charts=charts,
        notes=sorted(set(notes)),
    )


def _rounds(
    ways: dict[str, tuple[str, str]], what: str, base_url: str, callers: int, *, quick: bool
) -> Rounds:
    seconds = 0.3 if quick else 1.5
    subjects = [
        Subject(
            name,
            partial(peers.run, peer, "calls", who, what, base_url, callers, seconds),
            ours=peer in {peers.OURS, peers.AIOHTTP},
        )
        for name, (who, peer) in ways.items()
    ]
    return paired(subjects, 1 if quick else 3)


def _title(what: str, callers: int) -> str:
    return f"{what}, {callers} caller{'s' if callers > 1 else ''}"


def _columns(base: str) -> list[Column]:
    return [
        Column(f"calls a second ÷ {base}", "rate", base),
        Column("CPU a call", "cpu_a_call_s", base),
        Column("wall a call", "wall_a_call_s", base),
    ]
