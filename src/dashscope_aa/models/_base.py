"""What every model on the wire has in common.

Requests are strict: they forbid keys the service does not know, so that a typing error is
found here. Answers are open: they keep keys and words that nobody has documented yet, and a
part that only informs (a time, a usage) reads as None when it makes no sense, so that a paid
result is never lost over it. All are frozen values with the service's own field names.

``model_dump(mode="json", exclude_unset=True)`` gives back what was received or will be sent.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any, Final, NoReturn
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

SERVICE_TIME: Final = timezone(timedelta(hours=8))
"""The zone of every time the service prints without one (UTC+8; task management page)."""


class Request(BaseModel):
    """Something to be sent: unknown keys are refused."""

    # Building the validators waits for first use: it is a third of the import time.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Answer(BaseModel):
    """Something received: unknown keys are kept and appear in ``model_extra``."""

    model_config = ConfigDict(
        frozen=True, extra="allow", defer_build=True, coerce_numbers_to_str=True
    )


class Secret(Answer):
    """An answer that holds a secret: its repr shows known fields only, and it is never pickled."""

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Leave out unknown keys: one of them may be a secret too."""
        unknown = self.model_extra or {}
        return [(name, value) for name, value in super().__repr_args__() if name not in unknown]

    def __reduce__(self) -> NoReturn:
        msg = f"a {type(self).__name__} holds a secret and is never pickled"
        raise TypeError(msg)


def build_at_once(*kinds: type[BaseModel]) -> None:
    """Let only what has been defined until now wait for its first use to be built.

    What others make of it is theirs: FastAPI, for one, mutes a warning of pydantic's while it
    builds the adapter of a body, and would show it if that were put off.
    """
    for kind in kinds:
        kind.model_config["defer_build"] = False
        build_at_once(*kind.__subclasses__())


def _or_none(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - whatever the wire holds
    """Read what only informs; what makes no sense is None."""
    try:
        return handler(value)
    except ValidationError:
        return None


INFORMS: Final = WrapValidator(_or_none)
"""Marks a part of an answer that may be senseless without harm."""


def _service_time(value: Any) -> Any:  # noqa: ANN401 - whatever the wire holds
    """Read ``2025-09-18 15:32:00.105`` (milliseconds optional) as UTC+8."""
    if not isinstance(value, str):
        return value
    try:
        time = datetime.fromisoformat(value.strip())
    except ValueError:
        return value  # pydantic says what is wrong with it
    return time if time.tzinfo else time.replace(tzinfo=SERVICE_TIME)


def _epoch_ms(value: Any) -> Any:  # noqa: ANN401 - whatever the wire holds
    """Read milliseconds since 1970, as number or numeric string; and what we wrote ourselves."""
    try:
        return datetime.fromtimestamp(float(value) / 1000, SERVICE_TIME)
    except (TypeError, ValueError, OverflowError, OSError):
        return _service_time(value)


def _epoch_s(value: Any) -> Any:  # noqa: ANN401 - whatever the wire holds
    """Read seconds since 1970, as number or numeric string; and what we wrote ourselves."""
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return value


# What is sent differs from what is read: a JSON schema of what is received has to say so.

ServiceTime = Annotated[
    datetime | None, BeforeValidator(_service_time, json_schema_input_type=str | None), INFORMS
]
"""A time printed without zone: UTC+8, milliseconds optional."""

EpochMs = Annotated[
    datetime | None, BeforeValidator(_epoch_ms, json_schema_input_type=int | str | None), INFORMS
]
"""A time sent as milliseconds since 1970, as in task lists."""

EpochSeconds = Annotated[datetime, BeforeValidator(_epoch_s, json_schema_input_type=int | str)]
"""A time sent as seconds since 1970, as in temporary tokens."""

Text = Annotated[str | None, INFORMS]
"""A text that only informs."""

Id = Annotated[str, Field(min_length=1)]
"""What something is asked for by: without it, the answer is of no use."""

Seconds = Annotated[
    Annotated[float, Field(ge=0, allow_inf_nan=False)] | None,
    WrapValidator(_or_none, json_schema_input_type=float | str | None),
]
"""A length in seconds: float, integer or numeric string."""

Count = Annotated[int | None, WrapValidator(_or_none, json_schema_input_type=int | str | None)]
"""A count: integer or numeric string."""


def media_url(value: str) -> str:
    """Check a URL that the service will read, and percent-encode what is not ASCII.

    Raises:
        ValueError: the scheme is not http, https or oss, there is no host, the port is no
            number, or there are spaces or control characters in it.

    Source: Zmove ("URLs: percent-encode non-ASCII"); UPL (``oss://``).
    """
    if " " in value or not value.isprintable():  # no other space is printable
        msg = "a URL must not hold spaces or control characters: percent-encode them (%20)"
        raise ValueError(msg)
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https", "oss"}:
        msg = f"a URL must start with http://, https:// or oss://, but it is {value[:80]!r}"
        raise ValueError(msg)
    if not parts.hostname or not (parts.path.strip("/") or parts.scheme != "oss"):
        msg = f"a URL must name a host and a file, but it is {value[:80]!r}"
        raise ValueError(msg)
    _ = parts.port  # says what is wrong with it, if anything
    if value.isascii():
        return parts.scheme + value[len(parts.scheme) :]
    netloc = parts.netloc if parts.netloc.isascii() else _ascii_netloc(parts.netloc)
    path, query, fragment = (quote(part, safe=_KEPT) for part in parts[2:])
    return urlunsplit((parts.scheme, netloc, path, query, fragment))


_KEPT: Final = "%/:;=@!$&'()*+,?~-._#[]"
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+")


def _ascii_netloc(netloc: str) -> str:
    """Write user and host in ASCII, each its own way; the port is ASCII already."""
    user, at, place = netloc.rpartition("@")
    if not place.isascii():
        host, colon, port = place.partition(":")
        place = _ascii_host(host) + colon + port
    return quote(user, safe=_KEPT) + at + place


def _ascii_host(host: str) -> str:
    try:
        name = host.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if not _HOST.fullmatch(name):  # an accent alone, for one, becomes a space
        msg = f"the host name {host!r} cannot be written in ASCII"
        raise ValueError(msg)
    return name


MediaUrl = Annotated[
    str, AfterValidator(media_url), Field(json_schema_extra={"pattern": r"^(https?|oss)://\S+$"})
]
"""An http, https or oss URL that the service will read; ASCII once validated."""
