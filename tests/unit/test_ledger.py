"""The ledger on disk: private, shared between processes, and whole after a crash."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import anyio
import pytest

from dashscope_aa._book import Entry
from dashscope_aa._ledger import Ledger, _in_wal_mode
from dashscope_aa.errors import LedgerError

pytestmark = pytest.mark.anyio

ENTRY = Entry(
    account="here",
    operation="move",
    model="m",
    fingerprint="f",
    sent="{}",
    sent_at=datetime(2026, 11, 1, 12, tzinfo=UTC),
)

HOLDER = """
import sys, anyio
from dashscope_aa._ledger import Ledger
async def main():
    async with Ledger(sys.argv[1]).turn("model"):
        print("held", flush=True)
        await anyio.sleep_forever()
anyio.run(main)
"""
WRITER = """
import dataclasses, sys, anyio
from datetime import UTC, datetime
from dashscope_aa._book import Entry
from dashscope_aa._ledger import Ledger
async def main():
    ledger = Ledger(sys.argv[1])
    for number in range(25):
        async with ledger.turn("model"):
            rows = await ledger.find()
            entry = Entry(account="a", operation="move", model="m", fingerprint=str(len(rows)),
                          sent="{}", sent_at=datetime.now(UTC))
            await ledger.change(await ledger.add(entry), state="accepted")
    await ledger.aclose()
anyio.run(main)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def start(path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts programs that are given the ledger's path."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", program, str(path)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


async def test_only_the_owner_can_read_it(path: Path) -> None:
    ledger = Ledger(path)
    await ledger.add(ENTRY)
    async with ledger.turn("model"):
        files = [file for file in path.parent.rglob("*") if file.is_file()]
        assert len(files) >= 3  # the side files of WAL mode, and the lock
        modes = {file.stat().st_mode & 0o077 for file in files if "turns" not in str(file)}
        assert modes == {0}
        assert (path.parent / "ledger.sqlite-turns").stat().st_mode & 0o077 == 0
    await ledger.aclose()


async def test_it_is_there_again_when_opened_again(path: Path) -> None:
    first = Ledger(path)
    entry = await first.add(ENTRY)
    await first.aclose()
    second = Ledger(path)
    assert await second.find() == [entry]
    await second.aclose()
    await second.aclose()


async def test_turn_is_held_by_one_process_and_freed_by_its_death(
    path: Path, start: Callable[[str], subprocess.Popen[str]]
) -> None:
    holder = start(HOLDER)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    ledger = Ledger(path)
    with anyio.move_on_after(0.5) as waited:
        async with ledger.turn("model"):
            pytest.fail("two hold one turn")
    assert waited.cancelled_caught
    async with ledger.turn("another model"):
        pass
    os.kill(holder.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    with anyio.fail_after(30):
        async with ledger.turn("model"):
            pass


@pytest.fixture
def held(path: Path) -> Iterator[None]:
    """Another process is writing, and does not come to an end."""
    sqlite3.connect(path).close()
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    database.execute("BEGIN EXCLUSIVE")
    yield
    database.close()


@pytest.mark.usefixtures("held")
async def test_all_who_wait_for_a_locked_file_give_up_together(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashscope_aa._ledger._BUSY_S", 0.2)
    ledger, refused = Ledger(path), 0

    async def add() -> None:
        nonlocal refused
        with pytest.raises(LedgerError, match="locked"):
            await ledger.add(ENTRY)
        refused += 1

    with anyio.fail_after(30):  # one after the other they would take 40 s
        async with anyio.create_task_group() as group:
            for _ in range(200):
                group.start_soon(add)
    assert refused == 200
    await ledger.aclose()


async def test_long_wait_for_a_turn_is_told(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashscope_aa._ledger._TOLD_S", 0.0)
    async with Ledger(path).turn("model"):
        with anyio.move_on_after(1):
            async with Ledger(path).turn("model"):
                pytest.fail("two hold one turn")
    assert len(caplog.messages) == 1
    assert str(path) in caplog.messages[0]


# ── its name ─────────────────────────────────────────────────────────────────────────────


async def test_turn_is_the_same_under_another_name_and_from_another_folder(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    linked = tmp_path / "linked.sqlite"
    linked.symlink_to(path)
    monkeypatch.chdir(tmp_path)
    relative = Ledger(path.name)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    async with Ledger(path).turn("model"):
        for other in (Ledger(linked), relative):
            with anyio.move_on_after(0.2) as waited:
                async with other.turn("model"):
                    pytest.fail("two hold one turn")
            assert waited.cancelled_caught


async def test_no_name_makes_it_forgetful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ledger = Ledger(":memory:")
    await ledger.add(ENTRY)
    await ledger.aclose()
    again = Ledger(tmp_path / ":memory:")
    assert len(await again.find()) == 1
    await again.aclose()


async def test_turn_is_held_by_one_client_of_a_process(path: Path) -> None:
    first, second = Ledger(path), Ledger(path)
    order: list[str] = []

    async def take(ledger: Ledger, name: str) -> None:
        async with ledger.turn("model"):
            order.append(f"{name} in")
            await anyio.sleep(0.05)
            order.append(f"{name} out")

    async with anyio.create_task_group() as group:
        group.start_soon(take, first, "a")
        group.start_soon(take, second, "b")
    assert order in (["a in", "a out", "b in", "b out"], ["b in", "b out", "a in", "a out"])


async def test_processes_write_in_turn(
    path: Path, start: Callable[[str], subprocess.Popen[str]]
) -> None:
    for process in [start(WRITER) for _ in range(3)]:
        process.communicate(timeout=60)
        assert process.returncode == 0
    ledger = Ledger(path)
    rows = await ledger.find(state="accepted")
    await ledger.aclose()
    assert sorted(int(row.fingerprint) for row in rows) == list(range(75))


async def test_write_that_has_begun_outlasts_a_cancellation(path: Path) -> None:
    ledger = Ledger(path)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await ledger.add(ENTRY)
    assert len(await ledger.find()) in {0, 1}  # begun or not, nothing is half done
    await ledger.add(ENTRY)
    await ledger.aclose()


async def test_opening_waits_for_a_reader_in_the_old_mode(path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN")
    other.execute("SELECT * FROM sqlite_master").fetchall()
    ledger = Ledger(path)
    async with anyio.create_task_group() as group:
        group.start_soon(ledger.add, ENTRY)
        await anyio.sleep(0.3)
        other.close()
    assert len(await ledger.find()) == 1
    await ledger.aclose()


class Switching:
    """A database that another process is switching to WAL mode just now."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)

    def execute(self, _: str) -> None:
        if self.codes:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = self.codes.pop(0)
            raise error


def test_mode_is_switched_when_others_have_switched_it() -> None:
    database = Switching(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY)
    _in_wal_mode(cast("sqlite3.Connection", database))
    assert database.codes == []


def test_mode_that_cannot_be_switched_is_told_at_once() -> None:
    database = Switching(sqlite3.SQLITE_IOERR, sqlite3.SQLITE_IOERR)
    with pytest.raises(sqlite3.OperationalError):
        _in_wal_mode(cast("sqlite3.Connection", database))
    assert len(database.codes) == 1


# ── what cannot be used ──────────────────────────────────────────────────────────────────


def text(path: Path) -> None:
    path.write_text("no database " * 100)


def folder(path: Path) -> None:
    path.mkdir()


def newer(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()


def other(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE users (what TEXT)")
    database.close()


def nothing(path: Path) -> None:
    path.parent.rmdir()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(text, "not a database", id="a text file"),
        pytest.param(folder, "cannot be used", id="a folder"),
        pytest.param(newer, "newer dashscope-aa", id="of a newer version"),
        pytest.param(other, "another program's", id="another program's database"),
        pytest.param(nothing, "No such file", id="in a folder that is not there"),
    ],
)
async def test_file_that_cannot_be_used(
    path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(path)
    ledger = Ledger(path)
    with pytest.raises(LedgerError, match=said) as raised:
        await ledger.add(ENTRY)
    assert raised.value.__context__ is None
    assert str(path) in raised.value.message
    with pytest.raises(LedgerError, match=said):
        await ledger.find()
    await ledger.aclose()


async def test_another_programs_database_is_left_as_it_is(path: Path) -> None:
    other(path)
    before = path.read_bytes()
    ledger = Ledger(path)
    with pytest.raises(LedgerError):
        await ledger.add(ENTRY)
    await ledger.aclose()
    assert path.read_bytes() == before


async def test_turn_whose_lock_cannot_be_made(path: Path) -> None:
    (path.parent / "ledger.sqlite-turns").write_text("in the way")
    with pytest.raises(LedgerError, match="lock"):
        async with Ledger(path).turn("model"):
            pytest.fail("held")
