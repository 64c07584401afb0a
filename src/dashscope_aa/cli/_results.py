"""What came of the rows of a batch, a JSON object a line, written at once for the next start."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from dashscope_aa.cli._json import as_line
from dashscope_aa.errors import InputError

OWN_FILES: Final = ("results.jsonl", "failed.jsonl")
"""What is written into the folder of a batch besides the videos and the ledger."""


class Results:
    """``results.jsonl`` in the folder of a batch; of one row, the last line counts.

    Args:
        folder: The batch's folder.

    Raises:
        InputError: it cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "results.jsonl"
        self._last: dict[str, dict[str, Any]] = {}
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            lines = []
        except (OSError, ValueError) as error:
            raise InputError(f"{str(self._path)!r} cannot be read: {error}") from None
        for line in lines:
            self._take(line)

    def _take(self, line: str) -> None:
        try:
            result = json.loads(line)
            self._last[result["key"]] = result
        except (ValueError, KeyError, TypeError):
            return  # cut off by a crash: the row is run again, and the ledger pays nothing twice

    def done(self, key: str) -> bool:
        """True if the row has its video, and the file is still there."""
        result = self._last.get(key, {})
        return bool(result.get("ok")) and (self._folder / str(result.get("output"))).is_file()

    def add(self, result: Mapping[str, Any]) -> None:
        """Write down what came of a row, so that not even a power cut loses it."""
        self._last[result["key"]] = dict(result)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
        with os.fdopen(os.open(self._path, flags, 0o600), "r+b") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                file.write(b"" if file.read(1) == b"\n" else b"\n")  # a crash cut a line off
            file.write(f"{as_line(result)}\n".encode())
            file.flush()
            os.fsync(file.fileno())

    def keep_failures(self, keys: Sequence[str]) -> Path | None:
        """Write those of *keys* that have no video into a file of their own; give it."""
        path = self._folder / "failed.jsonl"
        failed = [self._last[key] for key in keys if not self._last.get(key, {"ok": True})["ok"]]
        if not failed:
            path.unlink(missing_ok=True)
            return None
        path.touch(mode=0o600)
        path.write_text("".join(f"{as_line(it)}\n" for it in failed), encoding="utf-8")
        return path
