"""``dashscope-aa doctor``: is everything there, and does it answer?"""

import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from typing import Final, Literal
from urllib.parse import urlsplit

import typer

from dashscope_aa._book import UNSETTLED
from dashscope_aa._client import Client
from dashscope_aa._concurrency import in_thread
from dashscope_aa._config import Settings
from dashscope_aa._endpoints import REGIONS, RETIREMENTS
from dashscope_aa._prices import DATED
from dashscope_aa._schedule import Schedule
from dashscope_aa._version import __version__
from dashscope_aa.cli._app import TOOLS, bare_command
from dashscope_aa.cli._past import spell
from dashscope_aa.cli._run import Bare, exit_code
from dashscope_aa.cli._show import Row
from dashscope_aa.errors import DashScopeError

_PACKAGES: Final = ("httpx", "anyio", "sniffio", "pydantic", "av", "pillow", "typer", "rich")
_EXTRAS: Final = {"emulator": ("starlette", "uvicorn"), "heif": ("pillow-heif",)}
_ROOM_BYTES: Final = 1024**3
"""How much a temporary folder should hold: a clip of 200 MB is mended into another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    """One thing that was looked at."""

    name: str
    """What it is."""
    said: str
    """What was found."""
    state: Literal["ok", "warning", "error"] = "ok"
    """Whether it is as it should be."""
    code: int = 0
    """The exit code that it deserves."""

    def row(self) -> Row:
        """Give it as a line of a table."""
        facts = {"check": self.name, "state": self.state, "said": self.said}
        return Row(f"{self.state} {self.name}", (self.state, self.name, self.said), facts)


@bare_command("doctor --region ap-southeast-1", panel=TOOLS)
async def doctor(bare: Bare) -> None:
    """Look whether everything is there: key, region, gateway, ledger, libraries.

    It asks the service for one page of its task list, which costs nothing. Exits with 2 if a
    setting or the ledger is at fault, with 3 if the gateway is not reached or refuses the key.
    """
    checks = [*_libraries(), await in_thread(_media), *_machine()]
    try:
        settings = Settings.load(**bare.options.place())
    except DashScopeError as error:
        checks.append(_failed("settings", error))
    else:
        checks += _settings(settings)
        async with bare.client() as client:
            checks += [await _gateway(client), await _ledger(bare, client)]
    checks.append(_limits())
    bare.show.table(("state", "check", "found"), [check.row() for check in checks])
    code = max(check.code for check in checks)
    if code:
        raise typer.Exit(code)


def _failed(name: str, error: DashScopeError) -> _Check:
    return _Check(name=name, said=str(error), state="error", code=exit_code(error))


# ── this machine ─────────────────────────────────────────────────────────────────────────


def _libraries() -> Iterable[_Check]:
    python = f"Python {platform.python_version()}, {platform.platform(terse=True)}"
    yield _Check(name="dashscope-aa", said=f"{__version__}, {python}")
    yield _Check(name="libraries", said=_versions(_PACKAGES))
    for extra, names in _EXTRAS.items():
        there = _versions(names)
        missing = f"not installed: pip install 'dashscope-aa[{extra}]'"
        yield _Check(name=f"extra {extra}", said=there or missing)


def _media() -> _Check:
    """Load what reads media, which takes a while."""
    import av  # noqa: PLC0415 - only here it is needed
    from PIL import features  # noqa: PLC0415 - the same

    versions = {name: ".".join(map(str, it)) for name, it in av.library_versions.items()}
    wanted = ("libavformat", "libavcodec", "libswscale")
    formats = ", ".join(name for name in ("jpg", "webp", "avif") if features.check(name))
    said = ", ".join(f"{name} {versions[name]}" for name in wanted if name in versions)
    return _Check(name="media", said=f"{said}; Pillow has {formats}")


def _versions(names: Iterable[str]) -> str:
    """Give the versions of packages; empty if one of them is not there."""
    try:
        return ", ".join(f"{name} {metadata.version(name)}" for name in names)
    except metadata.PackageNotFoundError:
        return ""


def _machine() -> Iterable[_Check]:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    said = f"{free / 1024**3:.1f} GiB free in {folder}"
    yield _Check(name="temporary files", said=said, state="ok" if free > _ROOM_BYTES else "warning")


# ── the service ──────────────────────────────────────────────────────────────────────────


def _settings(settings: Settings) -> Iterable[_Check]:
    key = settings.api_key
    said = f"{key.reveal()[:3]}… from {key.source}, fingerprint {key.fingerprint}"
    yield _Check(name="key", said=said)
    families = next(region.families for region in REGIONS if region.name == settings.region)
    served = ", ".join(sorted(families)) or "neither AnimateAnyone nor wan2.2-animate"
    workspace = f", workspace {settings.workspace}" if settings.workspace else ""
    said = f"{settings.region}{workspace}, serves {served}"
    yield _Check(name="region", said=said, state="ok" if families else "warning")
    yield _engine(settings)


def _engine(settings: Settings) -> _Check:
    engine = settings.engine
    chosen = "DASHSCOPE_AA_ENGINE" if os.environ.get("DASHSCOPE_AA_ENGINE") else "the default"
    said = f"{getattr(engine, 'mode', engine.family)} ({chosen})"
    last = min(row.on for row in RETIREMENTS.values())
    if engine.family == "animate-anyone" and date.today() >= last:  # noqa: DTZ011 - a day, not a time
        said += f"; its models are listed for retirement on {last}: --engine wan-std"
        return _Check(name="engine", said=said, state="warning")
    return _Check(name="engine", said=said)


async def _gateway(client: Client) -> _Check:
    """Ask for a page of the task list: free, and it needs a key that is accepted."""
    began = time.monotonic()
    try:
        page = await anext(client.list_tasks(page_size=1))
    except DashScopeError as error:
        return _failed("gateway", error)
    took_s = time.monotonic() - began
    host = urlsplit(client.base_url).netloc
    said = f"{host} takes the key, answered in {took_s * 1000:.0f} ms; tasks of the last 24 hours: "
    return _Check(name="gateway", said=f"{said}{page.total or 0}")


async def _ledger(bare: Bare, client: Client) -> _Check:
    path = bare.options.ledger
    if path is None:
        said = "none: --ledger PATH or DASHSCOPE_AA_LEDGER keeps what is paid for across crashes"
        return _Check(name="ledger", said=said)
    if not await in_thread(path.exists):
        return _Check(name="ledger", said=f"{path} is not there yet; it is made when first used")
    try:
        rows = await client.ledger_rows()
        still = len(await client.unfinished())
    except DashScopeError as error:
        return _failed("ledger", error)
    lost = sum(row.state in UNSETTLED for row in rows)
    said = f"{path}: {len(rows)} submits of this account, {still} open, {lost} lost"
    return _Check(name="ledger", said=said, state="warning" if lost else "ok")


def _limits() -> _Check:
    """Tell the limits that waits and submits meet (facts of section 8: RATE)."""
    schedule = Schedule()
    wait = "no limit" if schedule.timeout_s is None else spell(schedule.timeout_s)
    said = (
        "the service runs 1 task at a time a model, takes 5 submits a second a model "
        f"and 20 queries a second; a wait lasts up to {wait}; prices of {DATED}"
    )
    return _Check(name="limits", said=said)
