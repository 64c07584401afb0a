"""Settings: which key, which gateway, which engine. `Settings.load` alone reads the surroundings.

Source: facts of the official SDK (PY), which reads the same variables and files; the
credentials file is a convention of the cinience skills.
"""

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import SplitResult, urlsplit

from dashscope_aa._endpoints import API_PATH, REGIONS, Region, region_of_host
from dashscope_aa._engines import AnimateAnyone, Engine, Family, checked_engine, engine_named
from dashscope_aa.errors import ConfigurationError, RegionError

_OTHER_APIS: Final = ("/compatible-mode/v1", "/compatible-mode", "/apps/anthropic")
"""Paths of the same gateways that speak other protocols (the vendor's SDK, 2.0)."""
_WORKSPACE: Final = re.compile(r"[A-Za-z0-9-]{1,63}")
_HOST: Final = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_PLAIN: Final = re.compile(r"[!-~]+")
"""What a URL is written in: ASCII without spaces and control characters."""
_SECRET: Final = re.compile(r"//.*@|[?#].*|\b(sk|st)-.*", re.DOTALL)
"""What may be secret in a malformed base URL: user and password, a query, a key set by mistake."""


class ApiKey:
    """The key, guarded: it shows itself in no repr, and cannot be pickled."""

    __slots__ = ("_value", "source")

    def __init__(self, value: str, source: str) -> None:
        cleaned = value.strip()
        if not cleaned or not cleaned.isascii() or not cleaned.isprintable() or " " in cleaned:
            msg = f"the API key from {source} is empty or holds characters no key has"
            raise ConfigurationError(msg, hint="Copy the key again from the Model Studio console.")
        self._value = cleaned
        self.source = source
        """Where the key was found."""

    def reveal(self) -> str:
        """Give the key itself, for the Authorization header only."""
        return self._value

    @property
    def fingerprint(self) -> str:
        """What identifies the key in caches and ledgers; the key cannot be got back from it."""
        return hashlib.sha256(self._value.encode()).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"<key from {self.source}>"

    def __reduce__(self) -> NoReturn:
        msg = "an API key is never pickled: make a new Client in the other process"
        raise TypeError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a client was told, completed from the surroundings and checked."""

    api_key: ApiKey
    """The key."""
    base_url: str
    """Where the service is: scheme, host and ``/api/v1``, without a trailing slash."""
    region: str
    """Region of the gateway: that of a known host, else the one that was named."""
    workspace: str | None = None
    """Id of the workspace."""
    workspace_header: bool = False
    """True if the workspace has to be named in a header, as the host does not name it."""
    engine: Engine = field(default_factory=AnimateAnyone)
    """What `animate` uses when it is told nothing."""
    paths: Mapping[str, str] = field(default_factory=dict[str, str])
    """Paths that differ from the table's, by model: gateways disagree on trailing slashes."""

    @classmethod
    def load(  # noqa: PLR0913 - one argument a setting
        cls,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        region: str = "cn-beijing",
        workspace: str | None = None,
        engine: Engine | None = None,
        paths: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> "Settings":
        """Complete what was given from environment variables and files.

        Raises:
            ConfigurationError: there is no key, or something is malformed.
        """
        environ = os.environ if environ is None else environ
        named = _region_named(region)
        if workspace is not None and not _WORKSPACE.fullmatch(workspace):
            msg = f"a workspace id holds letters, digits and hyphens only, but is {workspace!r}"
            raise ConfigurationError(msg)
        given = (
            base_url or environ.get("DASHSCOPE_HTTP_BASE_URL") or environ.get("DASHSCOPE_BASE_URL")
        )
        url = _normalised(given) if given else _gateway(named, workspace)
        host = urlsplit(url).hostname or ""
        known = region_of_host(host)
        if known and named.name not in {"cn-beijing", known.name}:
            msg = f"region {named.name} does not fit {host}, which is in {known.name}"
            raise RegionError(msg, hint="Give either the region or the base URL.")
        return cls(
            api_key=_find_key(api_key, environ),
            base_url=url,
            region=(known or named).name,
            workspace=workspace,
            workspace_header=workspace is not None and not host.startswith(f"{workspace.lower()}."),
            engine=checked_engine(engine or _engine(environ)),
            paths=_checked_paths(paths or {}),
        )

    @property
    def account(self) -> str:
        """What caches and ledgers go by: the gateway, the workspace and the key's fingerprint."""
        return f"{self.base_url} {self.workspace or '-'} {self.api_key.fingerprint}"

    def require(self, family: Family) -> None:
        """Refuse a family of models that the region does not serve.

        Raises:
            RegionError: the region is known, and the family is not served there.
        """
        if family in _region_named(self.region).families:
            return
        served = [region.name for region in REGIONS if family in region.families]
        what = "AnimateAnyone" if family == "animate-anyone" else "wan2.2-animate"
        msg = f"{what} is served in {' and '.join(served)} only, but the client points to "
        msg += f"{self.region} ({urlsplit(self.base_url).hostname})"
        raise RegionError(msg, hint=f"Use region={served[0]!r} and a key of that region.")


def _region_named(name: str) -> Region:
    for region in REGIONS:
        if region.name == name:
            return region
    known = ", ".join(region.name for region in REGIONS)
    msg = f"there is no region {name!r}"
    raise RegionError(msg, hint=f"Known regions: {known}.")


def _gateway(region: Region, workspace: str | None) -> str:
    if workspace and region.workspace_suffix:
        return f"https://{workspace.lower()}{region.workspace_suffix}{API_PATH}"
    if region.shared_host is None:
        msg = f"region {region.name} has gateways for single workspaces only"
        raise ConfigurationError(msg, hint="Give workspace='…', the id of your workspace.")
    return f"https://{region.shared_host}{API_PATH}"


def _normalised(url: str) -> str:
    """Check a base URL and end it with ``/api/v1``, whether or not it came with that."""
    parts = _split(url.strip())
    if parts is None or parts.query or parts.fragment:
        shown = _SECRET.sub("…", url)[:200]
        raise ConfigurationError(
            f"the base URL must look like https://host{API_PATH}, but is {shown!r}"
        )
    if "@" in url:
        raise ConfigurationError("the base URL must not hold a user name or a password")
    path = parts.path.rstrip("/").removesuffix(API_PATH)
    if path.endswith(_OTHER_APIS):
        raise ConfigurationError(
            f"the base URL must be that of the native API, which ends in {API_PATH}, but its path "
            f"is {path}",
            hint=f"Give the host alone: {parts.scheme}://{parts.netloc}",
        )
    return f"{parts.scheme}://{parts.netloc.lower()}{path}{API_PATH}"


def _split(url: str) -> SplitResult | None:
    """Take a URL apart; None if nothing could be sent to it."""
    try:
        parts = urlsplit(url)
        proper = parts.scheme in {"http", "https"} and parts.port != 0
    except ValueError:
        return None
    host = parts.hostname or ""
    return parts if proper and _HOST.fullmatch(host) and _PLAIN.fullmatch(url) else None


def _checked_paths(paths: Mapping[str, str]) -> dict[str, str]:
    for model, path in paths.items():
        if not path.startswith("/"):
            raise ConfigurationError(f"the path of {model} must begin with /, but is {path!r}")
    return dict(paths)


def _engine(environ: Mapping[str, str]) -> Engine:
    name = environ.get("DASHSCOPE_AA_ENGINE")
    return engine_named(name) if name else AnimateAnyone()


# ── where keys are kept ──────────────────────────────────────────────────────────────────


def _find_key(given: str | None, environ: Mapping[str, str]) -> ApiKey:
    if given is not None:
        return ApiKey(given, "the api_key argument")
    if value := environ.get("DASHSCOPE_API_KEY"):
        return ApiKey(value, "DASHSCOPE_API_KEY")
    if name := environ.get("DASHSCOPE_API_KEY_FILE_PATH"):
        path = _expanded(name)
        text = _text(path)
        if text is None:
            msg = f"DASHSCOPE_API_KEY_FILE_PATH names {path}, which is not a file"
            raise ConfigurationError(msg)
        return ApiKey(text, str(path))
    for place, read in _KEY_FILES.items():
        path = _expanded(place)
        if value := _read(path, read, environ):
            return ApiKey(value, str(path))
    msg = "there is no API key"
    raise ConfigurationError(
        msg, hint="Set DASHSCOPE_API_KEY, or give Client(api_key=…); keys: Model Studio console."
    )


def _expanded(place: str) -> Path:
    try:
        return Path(place).expanduser()
    except RuntimeError:  # no HOME, and a user the system does not know, as in some containers
        return Path(place)


# Both raise outside of `except`, so that the error before, which may hold the line with the
# key, is no part of ours.


def _text(path: Path) -> str | None:
    """Give what a file holds; None if there is no such file."""
    try:
        return path.read_text(encoding="utf-8-sig") if path.is_file() else None
    except (OSError, ValueError) as error:
        kind = type(error).__name__
    raise ConfigurationError(f"the key file {path} cannot be read: {kind}")


def _read(path: Path, read: "_Read", environ: Mapping[str, str]) -> str | None:
    """Find the key in a file; None if the file or the key is not there."""
    text = _text(path)
    try:
        return None if text is None else read(text, environ)
    except (ValueError, RecursionError) as error:
        kind = type(error).__name__
    raise ConfigurationError(f"{path} is malformed: {kind}")


# The parsers are imported when there is a file to read: most keys come from the environment.


def _from_toml(text: str, _environ: Mapping[str, str]) -> str | None:
    import tomllib  # noqa: PLC0415 - as said above

    value = tomllib.loads(text).get("api_key")
    return value if isinstance(value, str) else None


def _from_plain(text: str, _environ: Mapping[str, str]) -> str | None:
    return text.strip() or None


def _from_credentials(text: str, environ: Mapping[str, str]) -> str | None:
    profile = environ.get("ALIBABA_CLOUD_PROFILE") or environ.get("ALICLOUD_PROFILE") or "default"
    import configparser  # noqa: PLC0415 - as said above

    ini = configparser.ConfigParser(interpolation=None)
    try:
        ini.read_string(text)
    except configparser.Error as error:
        raise ValueError(type(error).__name__) from None
    return ini.get(profile, "dashscope_api_key", fallback=None)


_Read = Callable[[str, Mapping[str, str]], str | None]
_KEY_FILES: Final[Mapping[str, _Read]] = {
    "~/.dashscope/config.toml": _from_toml,
    "~/.dashscope/api_key": _from_plain,
    "~/.alibabacloud/credentials": _from_credentials,
}
