"""Bring a result home: streamed, resumed, checked, and under its name only when it is whole."""

import hashlib
import os
import re
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import anyio

from dashscope_aa._concurrency import apart, in_thread, jitter
from dashscope_aa._http import Download, Http
from dashscope_aa._schedule import Retries
from dashscope_aa.errors import (
    DownloadError,
    InputError,
    NoAnswerError,
    ResultExpiredError,
    TransportError,
)
from dashscope_aa.events import OnBytes, tell_bytes

_BATCH_BYTES: Final = 4 * 1024 * 1024
"""How much is written at a time: a thread hop for each chunk would take three times as long."""
_TOLD_BYTES: Final = 1024 * 1024
"""How much comes before it is told again how much came."""
_RETRIES: Final = Retries(attempts=6)
_ASKS: Final = 3
"""How often in a row the server may name another version of the file."""
_PARTIAL: Final = 206
_GONE: Final = frozenset({401, 403, 404, 410})


async def download(
    http: Http, url: str, path: "str | os.PathLike[str]", *, on_bytes: OnBytes | None = None
) -> Path:
    """Write what *url* gives to *path*, through a ``.part`` file beside it.

    What an earlier attempt left in the ``.part`` file is gone on from, if the server still has
    the same file. *on_bytes* is called now and then with how many bytes there are.

    Raises:
        InputError: *path* cannot be written to.
        ResultExpiredError: the URL gives nothing any more.
        DownloadError: not everything came in several attempts, or the disk is full.
    """
    target = Path(path)
    await in_thread(check_target, target)
    transfer = _Transfer(http, url, target, on_bytes)
    attempt, best = 0, 0
    while True:
        attempt += 1
        try:
            await apart(transfer.complete)
            await in_thread(os.replace, transfer.part, target)
        except OSError as error:
            msg = f"cannot write {str(target)!r}: {error.strerror or error}"
            raise DownloadError(msg) from error
        except TransportError as error:
            have = await in_thread(_size, transfer.part)
            attempt, best = (0 if have > best else attempt), max(have, best)
            pause_s = _RETRIES.pause_s(attempt, error, safe=True, jitter=jitter())
            if pause_s is None:
                msg = f"the download stopped after {have} bytes: {error.message}"
                raise DownloadError(msg, hint="Download it again to go on from there.") from None
            await anyio.sleep(pause_s)
        else:
            return target


def real_name(path: "str | os.PathLike[str]") -> str:
    """Give the one name of a file that may go by several, whether it is there or not."""
    try:
        return os.path.normcase(os.path.realpath(path))
    except ValueError:  # it holds a NUL: no file does
        return str(path)


def check_target(target: Path) -> None:
    """Refuse a target that cannot be written, before anything is asked for or paid.

    Raises:
        InputError: its folder does not exist or cannot be written to, or it is no file's name.
    """
    msg = f"cannot write to {str(target)[:200]!r}"
    if target.is_dir():
        raise InputError(f"{msg}: it is a directory", hint="Name a file.")
    try:
        # A device must not be replaced by a file; and the part's name is the longer one.
        odd = _is_odd(target) or _is_odd(_part(target, ""))
    except (OSError, ValueError) as error:
        raise InputError(f"{msg}: {getattr(error, 'strerror', None) or error}") from None
    if odd:
        raise InputError(f"{msg}: it is not a regular file")
    folder = target.parent
    if not folder.is_dir():
        hint = "Make the directory first."
        raise InputError(f"{msg}: {str(folder)!r} is not a directory", hint=hint)
    if not os.access(folder, os.W_OK):
        raise InputError(f"{msg}: no permission to write in {str(folder)!r}")


def _is_odd(path: Path) -> bool:
    """True if there is something that is no regular file."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _part(target: Path, validator: str) -> Path:
    """Name the part of a file; what identifies the file on the server is in the name."""
    mark = hashlib.sha256(validator.encode()).hexdigest()[:12]
    return target.with_name(f"{target.name}.{mark}.part")


@dataclass(slots=True)
class _Transfer:
    """One file on its way. Each version of it on the server has its own part: none are mixed."""

    http: Http
    url: str
    target: Path
    on_bytes: OnBytes | None
    validator: str = ""

    @property
    def part(self) -> Path:
        return _part(self.target, self.validator)

    async def complete(self) -> None:
        """Ask until the part is whole."""
        for _ in range(_ASKS):
            if await self._advance():
                return
        raise NoAnswerError("the server gives another file each time")

    async def _advance(self) -> bool:
        """Ask once, and keep what comes. True if the part is whole; false to ask again."""
        have = await in_thread(_size, self.part) if self.validator else 0
        asked = {"Range": f"bytes={have}-", "If-Range": self.validator} if have else {}
        async with self.http.download(self.url, headers=asked) as answer:
            if have and answer.status == 416:  # noqa: PLR2004 - HTTP's own number
                return await self._is_whole(answer, have)
            _check(answer, have)
            if await self._is_of_another(answer):
                return False
            begin = have if answer.status == _PARTIAL else 0
            size = await _write(self._counted(answer, begin), self.part, begin)
            _check_size(answer, size - begin)
            return True

    def _counted(self, answer: Download, begin: int) -> AsyncIterator[bytes]:
        """Give the chunks of an answer, and tell how many bytes there are with them."""
        if self.on_bytes is None:
            return answer.chunks
        length = _length(answer)
        total = None if length is None else begin + length
        return _Counted(answer.chunks, self.on_bytes, begin, total)

    async def _is_whole(self, answer: Download, have: int) -> bool:
        """Decide what it means that nothing lies beyond what there is already."""
        if _total(answer) == have:
            return True
        await in_thread(self.part.unlink, missing_ok=True)  # longer than the file: start anew
        return False

    async def _is_of_another(self, answer: Download) -> bool:
        """Note which version it is. True if it is one of which something else is to be asked."""
        validator, partial = _validator(answer), answer.status == _PARTIAL
        if validator == self.validator or (partial and not validator):
            return False
        if self.validator:
            await in_thread(self.part.unlink, missing_ok=True)
        self.validator = validator
        return partial or bool(validator and await in_thread(_size, self.part))


@dataclass(slots=True)
class _Counted(AsyncIterator[bytes]):
    """Chunks that are counted: an object and no generator, so that leaving early is clean."""

    chunks: AsyncIterator[bytes]
    on_bytes: OnBytes
    done: int
    total: int | None
    told: int = 0

    async def __anext__(self) -> bytes:
        chunk = await anext(self.chunks)
        self.done += len(chunk)
        if self.done - self.told >= _TOLD_BYTES or self.done == self.total:
            self.told = self.done
            await tell_bytes(self.on_bytes, self.done, self.total)
        return chunk


def _validator(answer: Download) -> str:
    """Give what identifies the version of a file; empty if nothing does for certain."""
    tag = answer.headers.get("etag", "")
    strong = tag if not tag.startswith("W/") else ""
    return strong or answer.headers.get("last-modified", "")


def _check(answer: Download, have: int) -> None:
    encoding = answer.headers.get("content-encoding", "identity")
    if answer.status == 200 or (answer.status == _PARTIAL and _start(answer) == have):  # noqa: PLR2004 - HTTP's own number
        if encoding != "identity":
            raise DownloadError(f"the server sent it compressed ({encoding}), unasked")
        return
    msg = f"the server answered HTTP {answer.status}"
    if answer.status in _GONE:
        msg = "the URL gives nothing any more"
        hint = "If it was a result: they are kept for 24 hours, and so are their tasks."
        raise ResultExpiredError(msg, http_status=answer.status, hint=hint)
    if answer.status >= 500 or answer.status == 429:  # noqa: PLR2004 - HTTP's own numbers
        raise NoAnswerError(msg, http_status=answer.status)
    raise DownloadError(msg, http_status=answer.status)


async def _write(chunks: AsyncIterator[bytes], part: Path, begin: int) -> int:
    """Write what comes, from an offset on, and give the size of the part."""
    file = await in_thread(_opened, part, begin)
    try:
        batch: list[bytes] = []
        held = 0
        try:
            async for chunk in chunks:
                batch.append(chunk)
                held += len(chunk)
                if held >= _BATCH_BYTES:
                    full, batch, held = batch, [], 0
                    await in_thread(file.writelines, full)
        finally:
            with anyio.CancelScope(shield=True):  # what came is kept, to go on from
                await in_thread(_finish, file, batch)
        return file.tell()
    finally:
        file.close()


def _opened(part: Path, begin: int) -> IO[bytes]:
    file = part.open("r+b" if begin else "wb")
    file.seek(begin)
    return file


def _finish(file: IO[bytes], batch: list[bytes]) -> None:
    file.writelines(batch)
    file.truncate()
    file.flush()
    os.fsync(file.fileno())


def _check_size(answer: Download, got: int) -> None:
    expected = _length(answer)
    if expected is not None and got != expected:
        msg = f"{expected} bytes were promised, but {got} came"
        raise NoAnswerError(msg)


def _length(answer: Download) -> int | None:
    length = answer.headers.get("content-length", "")
    return int(length) if length.isdecimal() else None


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _start(answer: Download) -> int | None:
    found = re.match(r"bytes (\d+)-", answer.headers.get("content-range", ""))
    return int(found[1]) if found else None


def _total(answer: Download) -> int | None:
    found = re.match(r"bytes [^/]*/(\d+)", answer.headers.get("content-range", ""))
    return int(found[1]) if found else None
