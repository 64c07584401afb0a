"""Result videos: signed URLs that run out after 24 hours, as object storage makes them.

Source: S2 and Zmove (24 hours); the OSS reference on signed URLs (query and refusals).
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from dashscope_aa.emulator._answers import (
    OSS_BAD_SIGNATURE,
    OSS_NO_SUCH_KEY,
    OSS_URL_EXPIRED,
    Refused,
)
from dashscope_aa.emulator._clock import Clock
from dashscope_aa.emulator._limits import HOUR_S, RESULT_KEPT_S
from dashscope_aa.emulator._storage import ACCESS_KEY_ID

PATH: Final = "/results"


class Results:
    """The bucket results are downloaded from."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._secret = secrets.token_bytes(16)
        self._files: dict[str, Path] = {}

    def add(self, path: Path) -> None:
        """Offer a file under its own name."""
        self._files[path.name] = path

    def location(self, name: str, *, made_at: float) -> str:
        """Give path and query of the URL of a result made at *made_at*."""
        expires = int(made_at + RESULT_KEPT_S)
        query = {
            "Expires": str(expires),
            "OSSAccessKeyId": ACCESS_KEY_ID,
            "Signature": self._sign(name, expires=str(expires)),
        }
        return f"{PATH}/{name}?{urlencode(query)}"

    def _sign(self, name: str, *, expires: str) -> str:
        digest = hmac.digest(self._secret, f"{name}\n{expires}".encode(), hashlib.sha1)
        return base64.b64encode(digest).decode()

    def open(self, name: str, query: Mapping[str, str]) -> Path:
        """Give the file, if the URL is signed and has not run out."""
        expires = query.get("Expires", "")
        right = self._sign(name, expires=expires)
        if not hmac.compare_digest(right.encode(), query.get("Signature", "").encode()):
            raise Refused(OSS_BAD_SIGNATURE)
        if self._clock.now() >= int(expires):
            raise Refused(OSS_URL_EXPIRED)
        if name not in self._files:
            raise Refused(OSS_NO_SUCH_KEY)
        return self._files[name]

    def find(self, name: str) -> Path | None:
        """Give the file without a URL; None if there is none, or no longer."""
        return self._files.get(name)

    def sweep(self, films: Iterable[tuple[str, float]]) -> None:
        """Free the room of those *films* (name, time made) whose URLs ran out an hour ago."""
        oldest = self._clock.now() - RESULT_KEPT_S - HOUR_S
        for name, made_at in films:
            if made_at <= oldest and name in self._files:
                self._files.pop(name).unlink(missing_ok=True)
