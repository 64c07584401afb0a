"""The child process of `isolate`: limits itself, looks into one file, and tells the facts.

Run as ``python -m dashscope_aa.media._probing.child``; speaks lines of JSON on standard input and
output.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, cast

from dashscope_aa.errors import SourceError
from dashscope_aa.media._facts import facts_json
from dashscope_aa.media._opening.range_file import RangeFile
from dashscope_aa.media._opening.safety import Subject, open_path
from dashscope_aa.media._probing.look import look


def main() -> None:
    """Answer one request."""
    request = json.loads(sys.stdin.buffer.readline())
    _limit(request["memory_bytes"])
    try:
        with _open(request) as file:
            path = Path(request["path"]) if request["path"] else None
            subject = Subject(
                request["name"],
                file,
                request["size_bytes"],
                request["suffix"],
                path,
                far=request["far"],
            )
            _say({"facts": facts_json(look(subject, request["kind"]))})
    except SourceError as error:
        _say({"refused": [error.message, error.hint]})


def _limit(memory_bytes: int) -> None:
    """Load what the look needs, then allow so much memory beyond it, and no files to be written."""
    # So that the libraries do not count against the limit.
    for library in ("av", "PIL.Image"):
        import_module(library)

    try:
        import resource  # noqa: PLC0415 - there is none on Windows
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    statm = Path("/proc/self/statm")
    if statm.exists():  # elsewhere nobody says how much is in use
        in_use = int(statm.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (in_use + memory_bytes, in_use + memory_bytes))


def _open(request: dict[str, Any]) -> BinaryIO:
    if request["path"]:
        return open_path(Path(request["path"]))
    return cast("BinaryIO", RangeFile(_ask, request["size_bytes"]))


def _ask(start: int, stop: int) -> bytes:
    _say({"read": [start, stop]})
    length = int.from_bytes(sys.stdin.buffer.read(8))
    return sys.stdin.buffer.read(length)


def _say(message: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(message).encode() + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
