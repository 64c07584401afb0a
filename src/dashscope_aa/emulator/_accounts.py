"""Who asks, and how often: keys, temporary keys and rate limits.

Source: TASK and RATE (limits hold for a main account over all its keys), ERR (refusals),
public notes on temporary keys.
"""

import hashlib
import math
import secrets
import time
from collections import defaultdict, deque
from collections.abc import Collection, Hashable, Mapping
from typing import Final, cast

from dashscope_aa.emulator._answers import BAD_KEY, BAD_QUERY, NO_KEY, RATE_QUOTA, Refused
from dashscope_aa.emulator._clock import Clock
from dashscope_aa.emulator._limits import TOKEN_DEFAULT_S, TOKEN_MOST_S
from dashscope_aa.emulator._numbers import whole

Keys = Mapping[str, str] | Collection[str]

_WINDOW_S: Final = 1.0


def _fingerprint(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:12]


class Accounts:
    """Tells which account a key belongs to, and hands out temporary keys.

    Unless told which keys there are, every key ``sk-…`` is an account of its own. Keys given
    as a mapping name their account, so that several can share one.
    """

    def __init__(self, keys: Keys | None, *, clock: Clock) -> None:
        self._open = keys is None
        self._clock = clock
        # Keys are kept as fingerprints: a test's real key must not turn up in a repr.
        if isinstance(keys, Mapping):
            named = cast("Mapping[str, str]", keys)  # pyright forgets of what it is a mapping
        else:
            named = {key: _fingerprint(key) for key in keys or ()}
        self._account_of = {_fingerprint(key): name for key, name in named.items()}
        self._tokens: dict[str, tuple[str, int]] = {}

    def who(self, authorization: str | None) -> str:
        """Give the account behind an ``Authorization`` header, or refuse it."""
        scheme, _, key = (authorization or "").strip().partition(" ")
        key = key.strip()
        if not scheme or (scheme.lower() == "bearer" and not key):
            raise Refused(NO_KEY)
        account = self._find(key) if scheme.lower() == "bearer" else None
        if account is None:
            raise Refused(BAD_KEY)
        return account

    def _find(self, key: str) -> str | None:
        mark = _fingerprint(key)
        if mark in self._tokens:
            account, expires_at = self._tokens[mark]
            return account if self._clock.now() < expires_at else None
        if self._open and key.startswith("sk-") and key != "sk-":
            return mark
        return self._account_of.get(mark)

    def issue(self, account: str, *, expire_in_seconds: str | None) -> dict[str, object]:
        """Make a temporary key with all rights of *account*."""
        asked = str(TOKEN_DEFAULT_S) if expire_in_seconds is None else expire_in_seconds
        seconds = whole(asked)
        if seconds is None or not 1 <= seconds <= TOKEN_MOST_S:
            raise Refused(BAD_QUERY.filled("expire_in_seconds"))
        token = f"st-{secrets.token_hex(16)}"
        expires_at = math.ceil(self._clock.now() + seconds)
        self._tokens[_fingerprint(token)] = (account, expires_at)
        return {"token": token, "expires_at": expires_at}


class Rates:
    """Lets so many requests a second pass; in real seconds, unlike everything else here."""

    def __init__(self) -> None:
        self._passed: defaultdict[Hashable, deque[float]] = defaultdict(deque)

    def admit(self, key: Hashable, *, per_s: float | None) -> None:
        """Count one more request of *key*, or refuse it. None means: no limit."""
        if per_s is None:
            return
        now = time.monotonic()
        passed = self._passed[key]
        while passed and passed[0] <= now - _WINDOW_S:
            passed.popleft()
        if len(passed) >= per_s:
            raise Refused(RATE_QUOTA)
        passed.append(now)
