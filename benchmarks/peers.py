"""Virtual environments of those we are compared with, each with one of them and what it needs.

They live in ``.bench/venvs`` and are made once. What cannot be installed is named in the results.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from benchmarks.pairs import NotMeasuredError

ROOT: Final = Path(__file__).parents[1]
CACHE: Final = ROOT / ".bench"
VENVS: Final = CACHE / "venvs"
TOO_LONG_S: Final = 150
INSTALLING_S: Final = 300

OURS: Final = "dashscope-aa"
AIOHTTP: Final = "dashscope-aa, httpx-aiohttp"
PACKAGES: Final = {
    OURS: [str(ROOT)],
    AIOHTTP: [str(ROOT), "httpx-aiohttp>=0.2,<1"],
    "floor": ["httpx>=0.28.1,<0.29", "pydantic>=2.11,<3", "anyio>=4.8,<5"],
    "dashscope": ["dashscope"],
    "dashscope 1.26.2": ["dashscope==1.26.2"],
    "fal-client": ["fal-client"],
    "runwayml": ["runwayml"],
    "replicate": ["replicate"],
    "openai": ["openai"],
    "google-genai": ["google-genai"],
    "opencv": ["opencv-python-headless"],
    "pymediainfo": ["pymediainfo"],
    "moviepy": ["moviepy"],
    "charts": ["--group", f"{ROOT}/pyproject.toml:bench"],
}
"""What is installed, by the name it has in the results."""
SDKS: Final = (
    "dashscope",
    "dashscope 1.26.2",
    "fal-client",
    "runwayml",
    "replicate",
    "openai",
    "google-genai",
)


@cache
def python(peer: str) -> str:
    """Give the Python of a peer's environment, which is made if need be.

    Raises:
        NotMeasuredError: it cannot be installed.
    """
    folder = _folder(peer)
    found = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    wanted = json.dumps([PACKAGES[peer], sys.version])
    ready = folder / "ready"
    if ready.exists() and ready.read_text(encoding="utf-8") == wanted:
        return _fresh(peer, str(found)) if peer in {OURS, AIOHTTP} else str(found)
    print(f"  installing {peer}", file=sys.stderr)
    _run(peer, [sys.executable, "-m", "venv", "--clear", str(folder)])
    if "--group" in PACKAGES[peer]:
        _install(found, peer, ["--upgrade", "pip>=25.1"])  # the first to know --group
    _install(found, peer, PACKAGES[peer])
    ready.write_text(wanted, encoding="utf-8")
    return str(found)


def _folder(peer: str) -> Path:
    return VENVS / peer.replace(",", "").replace(" ", "-")


def _fresh(peer: str, found: str) -> str:
    """Install our own code anew, as it is now."""
    _install(Path(found), peer, ["--force-reinstall", "--no-deps", *PACKAGES[OURS]])
    return found


def _install(found: Path, peer: str, what: Sequence[str]) -> None:
    pip = [str(found), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run(peer, [*pip, *what])


def _run(peer: str, command: Sequence[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=INSTALLING_S
        )
    except subprocess.TimeoutExpired:
        msg = f"{peer} cannot be installed here: not done after {INSTALLING_S} s"
        raise NotMeasuredError(msg) from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NotMeasuredError(f"{peer} cannot be installed here: {last[:200]}")


def versions() -> dict[str, str]:
    """Give the version of every peer whose environment is there."""
    found: dict[str, str] = {}
    for peer in PACKAGES:
        folder = _folder(peer)
        if peer in {AIOHTTP, "floor", "charts"} or not (folder / "ready").exists():
            continue
        distribution = {"opencv": "opencv-python-headless", "dashscope 1.26.2": "dashscope"}.get(
            peer, peer
        )
        code = f"from importlib.metadata import version; print(version({distribution!r}))"
        done = subprocess.run(
            [python(peer) if peer != OURS else str(folder / "bin/python"), "-c", code],
            capture_output=True,
            text=True,
            check=False,
        )
        found[peer] = done.stdout.strip() or "?"
    return found


def environment(**more: str) -> dict[str, str]:
    """Give what subjects run with: no key, no proxy, and compiled files that are kept."""
    dropped = ("DASHSCOPE_", "ALIBABA_CLOUD_", "PYTHONDONTWRITE")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(dropped) and not name.lower().endswith("_proxy")
    }
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(CACHE / "pycache"), **more}


def run(peer: str, subject: str, *arguments: object, **more: str) -> dict[str, Any]:
    """Run the program of a family with the Python of a peer, and give what it measured.

    Raises:
        NotMeasuredError: it failed.
    """
    return ran([python(peer), "-m", f"benchmarks.subjects.{subject}", *map(str, arguments)], **more)


def ran(command: Sequence[str], **more: str) -> dict[str, Any]:
    """Run a command that tells its measures in its last line.

    Raises:
        NotMeasuredError: it failed.
    """
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment(**more),
            capture_output=True,
            text=True,
            check=False,
            timeout=TOO_LONG_S,
        )
    except subprocess.TimeoutExpired:
        raise NotMeasuredError(f"not done after {TOO_LONG_S} s") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise NotMeasuredError(last[:300])
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told
