"""``dashscope-aa ledger``: what was paid for, gone on with, and settled."""

import json
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from dashscope_aa.emulator import AnswerLost, Emulator, TaskFails

WAN = ("--engine", "wan-std")
BOOK = ("--ledger", "jobs.sqlite")


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def lost(cli: Any, portrait: Path, clip: Path, emulator: Emulator) -> str:
    """A run whose paid request was accepted, and whose answer was lost; what it said."""
    emulator.faults.add(AnswerLost(on="move"))
    done = cli("animate", portrait, clip, *WAN, *BOOK, "-o", "out.mp4")
    assert done.exit_code == 5
    emulator.faults.clear()
    return str(done.stderr)


def test_rows_and_what_they_come_to(cli: Any, portrait: Path, clip: Path) -> None:
    assert cli("animate", portrait, clip, *BOOK).exit_code == 0
    assert cli("move", portrait, clip, "--mode", "wan-std", *BOOK).exit_code == 0
    done = cli("ledger", *BOOK)
    head, *rows, summary = done.stdout.splitlines()
    assert head.split()[:4] == ["row", "sent", "what", "state"]
    assert [row.split()[3] for row in rows] == ["detect", "template", "synthesis", "move"]
    assert [row.split()[5:7] for row in rows] == [
        ["0.004", "0.004"],
        ["0.16", "0.16"],
        ["0.16", "0.16"],
        ["0.8", "0.8"],
    ]
    assert rows[2].endswith("result.mp4")
    assert summary == "4 submits, estimated 1.124 CNY, billed 1.124 CNY"
    assert cli("ledger", "-q", *BOOK).stdout == "1\n2\n3\n4\n"


def test_rows_as_json(
    cli: Any, portrait: Path, clip: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("DASHSCOPE_AA_LEDGER", "jobs.sqlite")
    assert cli("animate", portrait, clip, *WAN).exit_code == 0
    listed = objects(cli("ledger", "list", "--json").stdout)
    exported = cli("ledger", "export").stdout
    shown = json.loads(cli("ledger", "show", "1").stdout)
    (row,) = objects(exported)
    assert row == shown
    assert row == {name: listed[0][name] for name in row}
    assert [status for status, _ in row["history"]][-1] == "SUCCEEDED"
    assert row["sent"]["model"] == "wan2.2-animate-move"
    assert row["response"]["usage"]["video_duration"] == 2.0
    assert key not in exported


def test_run_again_pays_nothing(
    cli: Any, portrait: Path, clip: Path, emulator: Emulator, tmp_path: Path
) -> None:
    assert cli("animate", portrait, clip, *WAN, *BOOK).exit_code == 0
    again = cli("animate", portrait, clip, *WAN, *BOOK, "-o", "again.mp4")
    assert again.stdout.startswith("wrote again.mp4: 2 s for 0 CNY")
    assert emulator.paid_submits() == 1
    assert cli("animate", portrait, clip, *WAN, *BOOK, "--fresh").exit_code == 0
    assert emulator.paid_submits() == 2


def test_a_lost_submit_is_adopted(
    cli: Any, lost: str, portrait: Path, clip: Path, emulator: Emulator
) -> None:
    assert "row 1 of the ledger: the task may be running" in lost
    (line,) = [line for line in lost.splitlines() if line.startswith("if it is this one")]
    _, *adopt = shlex.split(line.partition(": ")[2])
    assert cli("animate", portrait, clip, *WAN, *BOOK).exit_code == 5
    listed = cli("ledger", "--only", "lost", *BOOK)
    assert listed.stdout.splitlines()[-1].endswith("1 lost")
    done = cli(*adopt)
    assert done.exit_code == 0
    assert done.stdout.startswith("row 1 is task ")
    again = cli("animate", portrait, clip, *WAN, *BOOK)
    assert again.stdout.startswith("wrote result.mp4: 2 s for 0 CNY")
    assert emulator.paid_submits() == 1


def test_a_lost_submit_is_written_off(
    cli: Any, lost: str, portrait: Path, clip: Path, emulator: Emulator
) -> None:
    (line,) = [line for line in lost.splitlines() if line.startswith("if it is none")]
    _, *write_off = shlex.split(line.partition(": ")[2])
    assert cli(*write_off).stdout == "row 1 may be sent again\n"
    assert cli("animate", portrait, clip, *WAN, *BOOK).exit_code == 0
    assert emulator.paid_submits() == 2


def test_an_account_of_its_own_settles_by_itself(
    cli: Any, portrait: Path, clip: Path, emulator: Emulator
) -> None:
    emulator.faults.add(AnswerLost(on="move"))
    done = cli("animate", portrait, clip, *WAN, *BOOK, "--exclusive-account")
    assert done.exit_code == 0
    assert emulator.paid_submits() == 1


def test_what_is_open_is_brought_home(
    cli: Any, portrait: Path, clip: Path, tmp_path: Path, emulator: Emulator
) -> None:
    for words in (("move", portrait, clip, "--mode", "wan-std"), ("template", clip)):
        assert cli(*words, "--no-wait", *BOOK).exit_code == 0
    assert len(cli("ledger", "--only", "open", "-q", *BOOK).stdout.split()) == 2
    done = cli("ledger", "resume", "--out", "videos", *BOOK)
    assert done.exit_code == 0
    assert len(list((tmp_path / "videos").glob("move-*.mp4"))) == 1
    assert "row 2: AACT." in done.stdout
    assert cli("ledger", "resume", "--out", "videos", *BOOK).stdout == "nothing is open\n"


def test_one_that_failed_stops_no_other(
    cli: Any, portrait: Path, clip: Path, tmp_path: Path, emulator: Emulator
) -> None:
    emulator.faults.add(TaskFails(on="move"))
    for _ in range(2):
        words = ("move", portrait, clip, "--mode", "wan-std")
        assert cli(*words, "--no-wait", *BOOK).exit_code == 0
    done = cli("ledger", "resume", "--out", "videos", *BOOK)
    assert done.exit_code == 4
    assert "the move task failed" in done.stderr
    assert len(list((tmp_path / "videos").iterdir())) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["list"], "no ledger is named", id="no ledger"),
        pytest.param(["list", "--ledger", "no.sqlite"], "there is no ledger", id="not there"),
        pytest.param(["show", "9", *BOOK], "this account has no row 9", id="no such row"),
        pytest.param(["adopt", "1", "x", *BOOK], "row 1 is not lost: it is done", id="settled"),
        pytest.param(["write-off", "1", *BOOK], "row 1 is not lost: it is done", id="not lost"),
        pytest.param(["resume", "--out", "jobs.sqlite", *BOOK], "cannot be made", id="no folder"),
        pytest.param(["show", "zero", *BOOK], "Invalid value for 'ROW'", id="no number"),
    ],
)
def test_refused(cli: Any, portrait: Path, clip: Path, words: list[str], said: str) -> None:
    assert cli("animate", portrait, clip, *WAN, *BOOK).exit_code == 0
    done = cli("ledger", *words)
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_file_that_is_no_ledger(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite").write_text("a text that is long enough to be none" * 30)
    done = cli("ledger", *BOOK)
    assert done.exit_code == 2
    assert "jobs.sqlite' cannot be used: file is not a database" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_interrupted_and_run_again(
    shell: Any, portrait: Path, clip: Path, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.run_s = 600.0
    words = ("animate", portrait, clip, *WAN, *BOOK)
    process = shell.start(*words)
    shell.read_until(process.stderr, "move: queued")
    _, err = shell.interrupt(process, signal.SIGINT)
    assert process.returncode == 130
    assert "run the same again to go on: jobs.sqlite knows what is paid for" in err
    emulator.clock.advance(600.0)
    assert shell.run(*words).returncode == 0
    assert emulator.paid_submits() == 1


@pytest.mark.parametrize(
    ("words", "cost"),
    [
        pytest.param(["animate", "P", "C", *WAN], "0.8", id="animate"),
        pytest.param(["move", "P", "C", "--mode", "wan-std"], "0.8", id="move"),
        pytest.param(["mix", "P", "C", "--mode", "wan-pro"], "1.8", id="mix"),
        pytest.param(["template", "C"], "0.16", id="template"),
    ],
)
def test_what_is_too_dear_is_not_begun(
    cli: Any, portrait: Path, clip: Path, emulator: Emulator, words: list[str], cost: str
) -> None:
    given = [{"P": portrait, "C": clip}.get(word, word) for word in words]
    done = cli(*given, "--max-cost", "0.1")
    assert done.exit_code == 2
    assert f"it would cost about {cost} CNY, more than 0.1" in done.stderr
    assert "Raise --max-cost" in done.stderr
    assert len(emulator.requests) == 0
    assert cli(*given, "--max-cost", "5").exit_code == 0


def test_a_template_of_unknown_length_may_be_too_dear(cli: Any, portrait: Path) -> None:
    done = cli("synthesize", portrait, "AACT.1.2-3.4", "--max-cost", "5")
    assert done.exit_code == 2
    assert "nobody can say whether it costs at most 5 CNY" in done.stderr
