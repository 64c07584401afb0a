"""Start the servers that subjects talk to, each in a process of its own."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from benchmarks.peers import ROOT, environment


@contextmanager
def _served(module: str, argument: str) -> Iterator[tuple[str, IO[str], IO[str]]]:
    with subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.servers.{module}", argument],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1], process.stdin, process.stdout
        finally:
            process.terminate()


class Origin:
    """The fast web server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def plan(self, *, tasks: int, finishing: int, within_s: float) -> dict[str, Any]:
        """Submit tasks, and forget what was asked before."""
        return self._get(f"plan?tasks={tasks}&finishing={finishing}&within_s={within_s}")

    def seen(self) -> dict[str, Any]:
        """Give what was asked since the last look."""
        return self._get("seen")

    def _get(self, what: str) -> dict[str, Any]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.url}/bench/{what}", timeout=30) as answer:
            told: dict[str, Any] = json.load(answer)
        return told


@contextmanager
def origin(folder: Path) -> Iterator[Origin]:
    """Serve the files of a folder, and play the endpoints that the clients need."""
    with _served("origin", str(folder)) as (url, _, _):
        yield Origin(url)


class Service:
    """The emulator."""

    def __init__(self, base_url: str, ask: IO[str], told: IO[str]) -> None:
        self.base_url = base_url
        self._ask = ask
        self._told = told

    def seen(self) -> dict[str, Any]:
        """Give what was asked since the last look."""
        self._ask.write("\n")
        self._ask.flush()
        told: dict[str, Any] = json.loads(self._told.readline())
        return told


@contextmanager
def service(**switches: Any) -> Iterator[Service]:
    """Run the emulator."""
    with _served("service", json.dumps(switches)) as (base_url, ask, told):
        yield Service(base_url, ask, told)
