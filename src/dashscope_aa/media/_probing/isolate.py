"""Look into a file from a stranger in a child process, which may crash or be killed in peace.

The child (`child`) gets a limit of memory and time, and no environment that holds a key. It reads
a local file by itself; any other bytes it asks the parent for, so that it needs no network. Both
speak in lines of JSON: what a captured child says must not be unpickled.
"""

import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from subprocess import DEVNULL
from typing import Any, Final, TypeAlias

import anyio
from anyio.abc import ByteSendStream, Process
from anyio.streams.buffered import BufferedByteReceiveStream

from dashscope_aa.errors import SourceError
from dashscope_aa.media._facts import (
    Facts,
    ImageFacts,
    Kind,
    Unreadable,
    VideoFacts,
    facts_from_json,
)

__all__ = ["Request", "child_environment", "look_isolated"]

MEMORY_BYTES: Final = 300 * 1024 * 1024
"""How much memory a look may take, over what interpreter and libraries take by themselves."""

TIME_S: Final = 20.0
"""How long a look may take, the start of the process included."""

_NO_ANSWER: Final = (
    anyio.EndOfStream,
    anyio.BrokenResourceError,
    anyio.IncompleteRead,
    anyio.DelimiterNotFound,
)
"""What is raised when the child died, or said what no child of ours says."""
_CHILD: Final = "dashscope_aa.media._probing.child"
_LINE_BYTES: Final = 64 * 1024
_PASSED_ON: Final = ("PATH", "SYSTEMROOT", "LANG", "LC_ALL", "TMPDIR", "TEMP", "LD_LIBRARY_PATH")

ReadRange: TypeAlias = Callable[[int, int], Awaitable[bytes]]
"""Give the bytes from one offset up to another."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the child is asked to look at."""

    name: str
    """What to call it in messages."""
    size_bytes: int
    """How large it is."""
    suffix: str | None
    """Suffix of its path."""
    path: str | None
    """Where it lies, if it is a file; else the child asks for its bytes."""
    far: bool
    """True if its bytes come over a network."""
    kind: Kind | None
    """What it should be."""
    memory_bytes: int = MEMORY_BYTES
    """How much memory the look may take. Not kept to where there is no `resource` (Windows)."""


async def look_isolated(
    request: Request, read: ReadRange, *, time_s: float = TIME_S
) -> Facts | Unreadable:
    """Look into a file in a child process.

    Args:
        request: What to look at.
        read: Gives the child the bytes it asks for.
        time_s: How long to wait before the child is killed.

    Raises:
        SourceError: the file could not be opened.
    """
    command = [sys.executable, "-m", _CHILD]
    answer: Facts | Unreadable | None = None
    async with await anyio.open_process(command, stderr=DEVNULL, env=child_environment()) as child:
        try:
            with anyio.move_on_after(time_s):
                answer = await _converse(child, request, read)
        except _NO_ANSWER:
            answer = None
        finally:
            if child.returncode is None:
                child.kill()
    return answer or _gave_up(request, time_s)


def child_environment() -> dict[str, str]:
    """Give the environment of a child process: what it needs to start, and no key."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return environment | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


async def _converse(child: Process, request: Request, read: ReadRange) -> Facts | Unreadable:
    if child.stdin is None or child.stdout is None:  # never: both are pipes by default
        raise anyio.BrokenResourceError
    heard = BufferedByteReceiveStream(child.stdout)
    await _say(child.stdin, asdict(request))
    while True:
        match said := _understood(await heard.receive_until(b"\n", _LINE_BYTES)):
            case {"read": [int(start), int(stop)]} if 0 <= start < stop <= request.size_bytes:
                data = await read(start, stop)
                await child.stdin.send(len(data).to_bytes(8) + data)
            case {"refused": [str(message), str(hint)]}:
                raise SourceError(message, hint=hint)
            case ImageFacts() | VideoFacts() | Unreadable():
                return said
            case _:
                raise anyio.BrokenResourceError


def _understood(line: bytes) -> object:
    """Read what the child says; facts are taken back from their JSON."""
    try:
        said = json.loads(line)
        return facts_from_json(said["facts"]) if "facts" in said else said
    except (ValueError, TypeError, AttributeError) as error:
        raise anyio.BrokenResourceError from error


async def _say(stream: ByteSendStream, message: dict[str, Any]) -> None:
    await stream.send(json.dumps(message).encode() + b"\n")


def _gave_up(request: Request, time_s: float) -> Unreadable:
    return Unreadable(
        reason="gave_up",
        message=f"{request.name}: looking into it crashed, or took more than {time_s:g} s or "
        f"{request.memory_bytes // 1024**2} MiB",
        hint="Do not trust this file; if you made it yourself, make it anew.",
        kind=request.kind,
        size_bytes=request.size_bytes,
        suffix=request.suffix,
    )
