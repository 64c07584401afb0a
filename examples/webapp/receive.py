"""Take in a file as it comes: to disk by the megabyte, and no more of it than is allowed."""

import re
from pathlib import Path, PurePath
from typing import Final

import anyio
import anyio.to_thread
from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from .jobs import File, Role

CHUNK_BYTES: Final = 1024 * 1024
MOST_BYTES: Final[dict[Role, int]] = {"image": 30 * CHUNK_BYTES, "motion": 300 * CHUNK_BYTES}
"""More than the service takes, since much can be made smaller."""

_SUFFIX: Final = re.compile(r"\.[a-z0-9]{2,4}")


async def receive(request: Request, folder: Path, role: Role, *, says: str) -> File:
    """Write the body of a request into *folder*; nothing is left behind if it breaks off.

    What its sender calls the file is for people. Here it is called what it is for.
    """
    most_bytes = MOST_BYTES[role]
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > most_bytes:
        raise _too_large(most_bytes)  # before any of it is read
    suffix = Path(says).suffix.lower()
    name = role + (suffix if _SUFFIX.fullmatch(suffix) else "")
    part = folder / f"{name}.part"
    try:
        size_bytes = await _write(request, part, most_bytes=most_bytes)
        await anyio.to_thread.run_sync(_replace, part, folder / name, role)
    except ClientDisconnect:
        raise HTTPException(400, "The file did not come whole.") from None
    finally:
        part.unlink(missing_ok=True)  # quick, and no cancellation gets in between
    return File(says=PurePath(says).name[:100], name=name, size_bytes=size_bytes)


async def _write(request: Request, part: Path, *, most_bytes: int) -> int:
    size_bytes = 0
    waiting = bytearray()
    async with await anyio.open_file(part, "wb") as file:
        async for chunk in request.stream():
            size_bytes += len(chunk)
            if size_bytes > most_bytes:
                raise _too_large(most_bytes)
            waiting += chunk
            if len(waiting) >= CHUNK_BYTES:
                await file.write(waiting)
                waiting = bytearray()
        await file.write(waiting)
    if size_bytes == 0:
        raise HTTPException(422, "The file is empty.")
    return size_bytes


def _replace(part: Path, target: Path, role: Role) -> None:
    """Put what came in the place of what was there, whatever its name ended with."""
    for old in target.parent.glob(f"{role}*"):
        if old != part:
            old.unlink()
    part.rename(target)


def _too_large(most_bytes: int) -> HTTPException:
    return HTTPException(413, f"The file is too large: at most {most_bytes // CHUNK_BYTES} MB.")
