"""The ledger: the book of paid submits on disk, so that a crash loses and repeats nothing.

SQLite in WAL mode. Several processes may share one on the same machine: a submit of a model
holds that model's turn, a lock of the operating system that ends with its process, however it
ends. The file is readable by its owner only: it holds task tokens and result URLs.
"""

import dataclasses
import hashlib
import logging
import math
import os
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Final, TypeVar, cast

import anyio

from dashscope_aa._book import FIELDS, Entry
from dashscope_aa._concurrency import apart, in_thread, jitter
from dashscope_aa.errors import LedgerError

ResultT = TypeVar("ResultT")

log = logging.getLogger("dashscope_aa")

_VERSION: Final = 1
_BUSY_S: Final = 30.0
"""How long one write waits for another process's."""
_TURN_PAUSE_S: Final = 0.1
_TOLD_S: Final = 10.0
"""How long a turn is waited for before the log tells of it: nobody else would."""
_TIMES: Final = frozenset({"sent_at", "lost_at", "expires_at"})
_SCHEMA: Final = """
CREATE TABLE submits (
    id INTEGER PRIMARY KEY, account TEXT NOT NULL, operation TEXT NOT NULL, model TEXT NOT NULL,
    key TEXT, fingerprint TEXT NOT NULL, sent TEXT NOT NULL, estimate_cny REAL,
    state TEXT NOT NULL, sent_at TEXT NOT NULL, lost_at TEXT, code TEXT, request_id TEXT,
    task_id TEXT, token TEXT, status TEXT, history TEXT NOT NULL, response TEXT, video_url TEXT,
    expires_at TEXT, saved_to TEXT, billed_cny REAL
);
CREATE INDEX submits_by_key ON submits (account, key);
CREATE INDEX submits_by_task ON submits (task_id);
CREATE INDEX submits_by_state ON submits (state);
CREATE TABLE uploads (
    name TEXT PRIMARY KEY, url TEXT NOT NULL, until_s REAL NOT NULL
);
"""


class Ledger:
    """A `_book.Book` in an SQLite file. It is opened, and made, when first used.

    Args:
        path: The file. Its folder must be there, and on this machine: the locks of network
            drives cannot be trusted.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        # As others find it, whatever it is called here, and wherever this process goes.
        self.path = Path(os.path.realpath(os.fsdecode(path)))
        """The file."""
        self._database: sqlite3.Connection | None = None
        self._lock = Lock()

    # ── rows ───────────────────────────────────────────────────────────────────────────

    async def add(self, entry: Entry) -> Entry:
        """Write a new row, and give it with its number.

        Raises:
            LedgerError: it cannot be written.
        """
        values = {name: value for name, value in _plain(entry).items() if name != "id"}
        marks = ", ".join("?" * len(values))
        sql = f"INSERT INTO submits ({', '.join(values)}) VALUES ({marks})"  # noqa: S608 - our own names

        def write(database: sqlite3.Connection) -> int:
            return database.execute(sql, tuple(values.values())).lastrowid or 0

        return dataclasses.replace(entry, id=await self._do(write))

    async def change(self, entry: Entry, **facts: Any) -> Entry:  # noqa: ANN401 - fields of Entry
        """Write down what has been learned of a row, and give it as it is then.

        Raises:
            LedgerError: it cannot be written.
        """
        changed = dataclasses.replace(entry, **facts)
        values = {name: value for name, value in _plain(changed).items() if name in facts}
        sql = f"UPDATE submits SET {', '.join(f'{name} = ?' for name in values)} WHERE id = ?"  # noqa: S608 - our own names
        await self._do(lambda database: database.execute(sql, (*values.values(), entry.id)))
        return changed

    async def find(self, **wanted: Any) -> list[Entry]:  # noqa: ANN401 - fields of Entry
        """Give the rows whose fields are (one of) what is wanted, newest first.

        Raises:
            LedgerError: it cannot be read.
        """
        terms: list[str] = []
        values: list[object] = []
        for name, value in wanted.items():
            some = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
            terms.append(f"{name} IN ({', '.join('?' * len(some))})")
            values += some
        sql = f"SELECT {', '.join(FIELDS)} FROM submits"  # noqa: S608 - our own names
        sql += f" WHERE {' AND '.join(terms)}" if terms else ""
        rows = await self._do(
            lambda database: database.execute(f"{sql} ORDER BY id DESC", values).fetchall()
        )
        return [_entry(row) for row in rows]

    async def task_ids(self, account: str) -> set[str]:
        """Give the ids of all tasks of an account that are in the ledger.

        Raises:
            LedgerError: it cannot be read.
        """
        sql = "SELECT task_id FROM submits WHERE account = ? AND task_id IS NOT NULL"
        rows = await self._do(lambda database: database.execute(sql, (account,)).fetchall())
        return {task_id for (task_id,) in rows}

    # ── uploads ────────────────────────────────────────────────────────────────────────

    async def upload(self, name: str, *, now_s: float) -> str | None:
        """Give the URL under which a file still lies at a time (epoch seconds).

        Raises:
            LedgerError: it cannot be read.
        """
        sql = "SELECT url FROM uploads WHERE name = ? AND until_s > ?"
        given = (name, now_s)
        row = await self._do(lambda database: database.execute(sql, given).fetchone())
        return None if row is None else str(row[0])

    async def has_upload(self, beginning: str, *, now_s: float) -> bool:
        """Tell if a file still lies at a time (epoch seconds) whose name begins so.

        Raises:
            LedgerError: it cannot be read.
        """
        sql = "SELECT 1 FROM uploads WHERE instr(name, ?) = 1 AND until_s > ? LIMIT 1"
        given = (beginning, now_s)
        return bool(await self._do(lambda database: database.execute(sql, given).fetchone()))

    async def keep_upload(self, name: str, *, url: str, until_s: float) -> None:
        """Remember where a file lies, and drop what has run out.

        Raises:
            LedgerError: it cannot be written.
        """

        def write(database: sqlite3.Connection) -> None:
            database.execute("DELETE FROM uploads WHERE until_s <= ?", (time.time(),))
            given = (name, url, until_s)
            database.execute("INSERT OR REPLACE INTO uploads VALUES (?, ?, ?)", given)

        await self._do(write)

    async def forget_uploads(self, urls: Iterable[str]) -> None:
        """Forget URLs that no longer work.

        Raises:
            LedgerError: it cannot be written.
        """
        gone = [(url,) for url in urls]
        sql = "DELETE FROM uploads WHERE url = ?"
        await self._do(lambda database: database.executemany(sql, gone))

    # ── one at a time ──────────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncGenerator[None, None]:
        """Wait until nobody else is submitting under *name*, in any process; keep others out.

        Raises:
            LedgerError: the lock's file cannot be made.
        """
        mark = hashlib.sha256(name.encode()).hexdigest()[:16]
        path = self.path.with_name(f"{self.path.name}-turns") / mark
        taken: list[sqlite3.Connection] = []
        tell_at = anyio.current_time() + _TOLD_S
        try:
            while not await apart(partial(in_thread, partial(_locked, path, taken))):
                if anyio.current_time() > tell_at:
                    log.warning("waiting for the process that holds the lock %s", path)
                    tell_at = math.inf
                await anyio.sleep(_TURN_PAUSE_S * (0.5 + jitter()))
            yield
        finally:
            for lock in taken:
                lock.close()

    # ── how ────────────────────────────────────────────────────────────────────────────

    async def aclose(self) -> None:
        """Close the file."""
        with anyio.CancelScope(shield=True):
            await in_thread(self._close)

    def _close(self) -> None:
        with self._lock:
            if self._database is not None:
                self._database.close()
            self._database = None

    async def _do(self, job: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        """Run *job* as one transaction in a thread. What has begun is brought to its end."""
        done: list[ResultT] = []

        async def shielded() -> None:
            with anyio.CancelScope(shield=True):
                done.append(await in_thread(self._transaction, job))

        await apart(shielded)
        return done[0]

    def _transaction(self, job: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        # All wait as long as the first: one after the other they would seem to hang.
        if not self._lock.acquire(timeout=_BUSY_S):
            raise LedgerError(f"the ledger {str(self.path)[:200]!r} cannot be used: it is locked")
        try:
            database = self._opened()
            with database:
                return job(database)
        except (sqlite3.Error, OSError) as error:
            said = f"the ledger {str(self.path)[:200]!r} cannot be used: {error}"
        finally:
            self._lock.release()
        raise LedgerError(said)

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            _made_private(self.path)
            self._database = _prepared(self.path)
        return self._database


def _made_private(path: Path) -> None:
    """Make the file with rights for its owner alone; SQLite gives its side files the same."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _prepared(path: Path) -> sqlite3.Connection:
    """Open the file and make its tables, unless it has them."""
    database = sqlite3.connect(path, timeout=_BUSY_S, check_same_thread=False)
    try:
        _check_ours(database, path)
        _in_wal_mode(database)
        database.execute("PRAGMA synchronous = FULL")  # a row outlasts a power cut
        database.execute("BEGIN IMMEDIATE")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version == 0:
            for statement in _SCHEMA.split(";"):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {_VERSION}")
        database.commit()
    except BaseException:
        database.close()
        raise
    return database


def _check_ours(database: sqlite3.Connection, path: Path) -> None:
    """Refuse a newer ledger, and a database that is none, before anything in it is changed."""
    # In one statement: between two, another process may make the tables.
    sql = "SELECT user_version, (SELECT count(*) FROM sqlite_master) FROM pragma_user_version"
    version, tables = database.execute(sql).fetchone()
    if version > _VERSION:
        msg = f"the ledger {str(path)[:200]!r} was made by a newer dashscope-aa (version {version})"
        raise LedgerError(msg, hint="Upgrade dashscope-aa, or name another file.")
    if version == 0 and tables:
        msg = f"{str(path)[:200]!r} is another program's database, and no ledger"
        raise LedgerError(msg, hint="Name a file of its own; it is made when it is not there.")


def _in_wal_mode(database: sqlite3.Connection) -> None:
    """Switch to WAL mode. SQLite does not wait for others there, so we do."""
    until = time.monotonic() + _BUSY_S
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_TURN_PAUSE_S)
        else:
            return


def _locked(path: Path, taken: list[sqlite3.Connection]) -> bool:
    """Put SQLite's own lock on an empty database into *taken*; False while another holds it.

    The system frees it with the process. It is handed over in a list, since a cancelled caller
    gets no return value.
    """
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        lock = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except BaseException:
            lock.close()
            raise
    except (sqlite3.Error, OSError) as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            return False
        said = f"the lock {str(path)[:200]!r} cannot be used: {error}"
    else:
        taken.append(lock)
        return True
    raise LedgerError(said)


def _plain(entry: Entry) -> dict[str, Any]:
    """Write times as texts in UTC, which sort as they follow each other."""
    values = {name: getattr(entry, name) for name in FIELDS}
    for name in _TIMES:
        if values[name] is not None:
            values[name] = values[name].astimezone(UTC).isoformat(timespec="microseconds")
    return values


def _entry(row: tuple[Any, ...]) -> Entry:
    values = dict(zip(FIELDS, row, strict=True))
    for name in _TIMES:
        if values[name] is not None:
            values[name] = datetime.fromisoformat(values[name])
    return Entry(**values)
