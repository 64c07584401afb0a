"""The measurements run: the arithmetic, the page, and every program that needs no peer."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from benchmarks import drawn, render
from benchmarks.pairs import NotMeasuredError, Subject, paired, short
from benchmarks.probe import is_right
from benchmarks.results import Chart, Column, Result, bars, table

ROOT = Path(__file__).parents[2]


@pytest.fixture
def origin_url(tmp_path: Path) -> Iterator[str]:
    """The fast web server, in a process of its own, with two files."""
    (tmp_path / "small.mp4").write_bytes(b"small" * 100)
    (tmp_path / "clip.mp4").write_bytes(os.urandom(3_000_000))
    command = [sys.executable, "-m", "benchmarks.servers.origin", str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split()[-1]
        finally:
            server.terminate()


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Runs the program of a family, and gives what it measured."""

    def told(subject: str, *arguments: object) -> dict[str, Any]:
        command = [sys.executable, "-m", f"benchmarks.subjects.{subject}", *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return measured

    return told


# ── arithmetic ───────────────────────────────────────────────────────────────────────────


def test_all_take_their_turn_and_ratios_stay_within_a_round() -> None:
    turns: list[str] = []
    pace = iter([1.0, 2.0, 20.0, 10.0])

    def run(name: str) -> dict[str, float]:
        turns.append(name)
        if name == "gone":
            raise NotMeasuredError("it cannot be installed")
        return {"wall_s": next(pace)}

    names = ("quick", "slow", "gone")
    rounds = paired([Subject(it, partial(run, it), ours=it == "quick") for it in names], 2)

    assert turns == ["quick", "slow", "gone", "slow", "quick"]
    assert rounds.names() == ["quick", "slow"]
    assert rounds.missing == {"gone": "it cannot be installed"}
    assert rounds.ours() == "quick"
    ratio = rounds.ratio("slow", "quick", "wall_s")
    assert (ratio.median, ratio.low, ratio.high) == (2.0, 2.0, 2.0)
    assert str(rounds.spread("quick", "wall_s")) == "5.50 (1.00–10.0)"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(0, "0.00", id="nothing"),
        pytest.param(0.004321, "0.0043", id="a thousandth"),
        pytest.param(0.95, "0.95", id="less than one"),
        pytest.param(12.345, "12.3", id="ten"),
        pytest.param(12_345.6, "12,346", id="thousands"),
    ],
)
def test_figures_show_the_digits_that_count(value: float, shown: str) -> None:
    assert short(value) == shown


def test_results_are_kept_and_written() -> None:
    rounds = paired(
        [
            Subject("ours", lambda: {"wall_s": 1.0, "requests": 3}, ours=True),
            Subject("theirs", lambda: {"wall_s": 4.0, "requests": 9}),
        ],
        2,
    )
    columns = [Column("time", "wall_s", "theirs"), Column("requests", "requests", digits=0)]
    result = Result(
        title="A family",
        question="What is measured.",
        tables=[table("A table", rounds, columns)],
        charts=[Chart("chart", "A chart", "×", bars(rounds, "theirs", "wall_s"))],
        notes=["nobody: not measured: no reason"],
    )
    page = render.markdown({"family": result})

    assert "| **ours** | 0.25 | 3 |" in page
    assert "| theirs | 1 | 9 |" in page
    assert "![A chart](charts/chart.svg)" in page
    assert "- nobody: not measured: no reason" in page
    assert [(bar.label, bar.value, bar.ours) for bar in result.charts[0].bars] == [
        ("ours", 0.25, True),
        ("theirs", 1.0, False),
    ]


@pytest.mark.parametrize(
    ("found", "right"),
    [
        pytest.param([240, 320, 2.5, 30.0], True, id="the truth"),
        pytest.param([240, 320, 2.45, 30.3], True, id="nearly"),
        pytest.param([320, 240, 2.5, 30.0], False, id="lying on its side"),
        pytest.param([240, 320, 4.0, 30.0], False, id="the sound's duration"),
        pytest.param([240, 320, 2.5, 25.0], False, id="another rate"),
        pytest.param(None, False, id="refused"),
    ],
)
def test_what_counts_as_a_right_answer(found: list[float] | None, right: bool) -> None:  # noqa: FBT001 - a parameter of the table

    assert is_right(found, [240, 320, 2.5, 30.0]) is right
    assert is_right(found, None) is (found is None)


# ── programs ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("what", ["query", "detect"])
@pytest.mark.parametrize("who", ["ours", "httpx", "gated", "fresh"])
def test_calls(origin_url: str, told: Callable[..., Any], who: str, what: str) -> None:
    measured = told("calls", who, what, f"{origin_url}/api/v1", 3, 0.05)
    assert measured["rate"] > 0
    assert measured["cpu_a_call_s"] > 0


def test_waiting(origin_url: str, told: Callable[..., Any]) -> None:
    measured = told("waiting", "ours", origin_url, 30, 1, 0.1)
    assert measured["lost"] == 0
    assert 0 <= measured["noticed"] <= 1


@pytest.mark.parametrize("who", ["ours", "curl"])
@pytest.mark.parametrize("what", ["send", "fetch"])
def test_transfer(
    origin_url: str, told: Callable[..., Any], tmp_path: Path, who: str, what: str
) -> None:
    before = (tmp_path / "clip.mp4").read_bytes()
    folder = tmp_path / "fetched" if what == "fetch" else tmp_path
    folder.mkdir(exist_ok=True)
    measured = told("transfer", who, what, origin_url, folder / "clip.mp4")
    assert measured["size_bytes"] == len(before)
    assert (folder / "clip.mp4").read_bytes() == before
    assert measured["beats"] > 0


def test_probe_and_convert_and_scenes(told: Callable[..., Any], tmp_path: Path) -> None:
    clip = tmp_path / "a.mp4"
    drawn.film(drawn.Scene((1.0,), seconds=2), clip)
    measured = told("probe", "ours", 2, clip)
    assert measured["found"] == {"a.mp4": [270, 480, 2.0, 24.0]}

    subprocess.run([sys.executable, "-c", REMUX, clip, tmp_path / "a.mkv"], check=True)
    measured = told("convert", "ours", "copy", tmp_path / "a.mkv", tmp_path / "b.mp4")
    assert measured["size_bytes"] == (tmp_path / "b.mp4").stat().st_size

    measured = told("scenes", "ours", clip)
    assert measured["told"][str(clip)]["cuts_s"] == pytest.approx([1.0], abs=0.1)


REMUX = """
import sys, av
with av.open(sys.argv[1]) as source, av.open(sys.argv[2], "w") as target:
    copy = target.add_stream_from_template(source.streams.video[0])
    for packet in source.demux(source.streams.video[0]):
        if packet.dts is not None:
            packet.stream = copy
            target.mux(packet)
"""


def test_unknown_families_are_named() -> None:
    command = [sys.executable, "-m", "benchmarks", "speed"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no such family: speed; there are import, call" in done.stderr
