"""A result appears under its name whole or not at all."""

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dashscope_aa.errors import InputError, TransferError

__all__ = ["WriteError", "replacing"]


_STEM: Final = 24
"""How much of a name is kept, so that the new one is not too long for any disk."""


class WriteError(Exception):
    """A result could not be written; the message is what FFmpeg said."""


@contextmanager
def replacing(target: Path) -> Generator[Path]:
    """Give a path beside *target* to write to; it takes that name when the block ends well.

    Raises:
        InputError: *target* is a directory, or its own directory is missing or read-only.
        TransferError: what was written cannot be put in its place.
    """
    _check(target)
    # Named after the target, for whoever finds one that a killed process left behind.
    part = target.with_name(f".{target.stem[:_STEM]}-{secrets.token_hex(4)}.part")
    try:
        yield part
        try:
            _settle(part, target)
        except OSError as error:
            msg = f"cannot write {str(target)!r}: {error.strerror or error}"
            raise TransferError(msg) from error
    finally:
        part.unlink(missing_ok=True)


def _settle(part: Path, target: Path) -> None:
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(target)


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
