"""A result appears under its name whole or not at all."""

import os
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from dashscope_aa.errors import InputError, TransferError

__all__ = ["Draining", "WriteError", "end_of", "replacing"]


_STEM: Final = 24
"""How much of a name is kept, so that the new one is not too long for any disk."""


_DRAINED_BYTES: Final = 4 * 1024 * 1024
"""How much is written before the disk is told to take it."""


_ROOM: Final = "Check the room on the disk."


class WriteError(Exception):
    """A result could not be written; the message is what disk or encoder said."""

    def __init__(self, message: str, *, hint: str = _ROOM) -> None:
        super().__init__(message)
        self.hint = hint


@contextmanager
def replacing(target: Path, checkpoint: Callable[[], None]) -> Generator[Path]:
    """Give a path beside *target* to write to; it takes that name when the block ends well.

    Args:
        target: What is written.
        checkpoint: Is called when all is written, and may still raise to leave *target* alone.

    Raises:
        InputError: *target* is a directory, or its own directory is missing or read-only.
        TransferError: it cannot be written, or what was written cannot be put in its place.
    """
    _check(target)
    # Named after the target, for whoever finds one that a killed process left behind.
    part = target.with_name(f".{target.stem[:_STEM]}-{secrets.token_hex(4)}.part")
    try:
        yield part
        with _writing():
            _sync(part)
        checkpoint()
        with _writing():
            part.replace(target)
    except WriteError as error:
        msg = f"cannot write {str(target)!r}: {error}"
        raise TransferError(msg, hint=error.hint) from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _writing() -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise WriteError(error.strerror or str(error)) from error


class Draining:
    """Has the disk take what was written while more is written, so that little is left to sync.

    Where the system has no word for that, all of it is left.
    """

    def __init__(self, part: Path) -> None:
        self._part = part
        self._waiting_bytes = 0
        self._told_bytes = 0

    def took(self, size_bytes: int) -> None:
        """Count what was written; each few mebibytes of it go to the disk."""
        self._waiting_bytes += size_bytes
        if self._waiting_bytes >= _DRAINED_BYTES:
            self.drain()

    def drain(self) -> None:
        """Have the disk take all that was written."""
        self._waiting_bytes = 0
        if not hasattr(os, "posix_fadvise"):
            return
        with suppress(OSError), self._part.open("rb") as file:
            start, end = self._told_bytes, file.seek(0, os.SEEK_END)
            # Linux begins to write what is said not to be needed, and returns; being on its way,
            # that stays in memory too.
            os.posix_fadvise(file.fileno(), start, end - start, os.POSIX_FADV_DONTNEED)
            self._told_bytes = end


def end_of(part: Path, *, expected: bytes) -> int:
    """Give where a file ends, once it is seen to end as it should.

    Pillow does not notice if the disk takes only a part of what is left.

    Raises:
        WriteError: its end is missing.
    """
    with _writing(), part.open("rb") as file:
        size_bytes = file.seek(-len(expected), os.SEEK_END) + len(expected)
        whole = file.read() == expected
    if not whole:
        raise WriteError("the disk took only a part of it")
    return size_bytes


def _sync(part: Path) -> None:
    with part.open("rb+") as file:
        os.fsync(file.fileno())


def _check(target: Path) -> None:
    folder = target.parent
    if target.is_dir():
        problem, hint = "it is a directory", "Name a file."
    elif not folder.is_dir():
        problem, hint = f"{str(folder)!r} is not a directory", "Make the directory first."
    elif not os.access(folder, os.W_OK):
        problem, hint = f"no permission to write in {str(folder)!r}", "Choose another directory."
    else:
        return
    msg = f"cannot write to {str(target)!r}: {problem}"
    raise InputError(msg, hint=hint)
