"""Run many tasks against the emulator with random faults, and watch what it takes over time.

``scripts/soak`` runs 10,000 tasks. It prints submits, results, requests a second, memory and open
files, and fails if a task was paid for twice, has no result, or something grows without end.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio

from dashscope_aa import Client, Schedule
from dashscope_aa._book import Memo
from dashscope_aa._schedule import Retries
from dashscope_aa.errors import DashScopeError

ROOT: Final = Path(__file__).parents[2]
FAULTS_A_TASK: Final = 0.1
PULSE_S: Final = 2.0
SPARE_BYTES: Final = 60 * 1024 * 1024
"""How much memory may grow from a quarter of the way to the end, beside a little for each task."""
TASK_BYTES: Final = 2 * 1024
SPARE_FILES: Final = 10
TRIES: Final = 10
"""How often a user calls for one task; several faults at once are an error now and then."""
CLIP: Final = "http://127.0.0.1:9/clip.mp4"
SCHEDULE: Final = Schedule(
    first_s=0.05, cap_s=0.5, settle_s=0.5, queries_per_s=200, submits_per_s=1000
)
"""Without the brakes that spare the real service: else they are what is measured."""


class Service:
    """The emulator in its own process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.base_url = self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def tell(self, *, faults: int = 0) -> dict[str, int]:
        """Let so many more things go wrong; give what was counted."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{faults}\n")
        self._process.stdin.flush()
        told: dict[str, int] = json.loads(self._line())
        return told


@contextmanager
def service(seed: int) -> Iterator[Service]:
    """Run it."""
    command = [sys.executable, "-m", "tests.soak.service", str(seed)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Service(process)
        process.communicate()


def memory_bytes() -> int:
    """Give how much memory this process holds; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def open_files() -> int:
    """Count open files and sockets; 0 where the system does not say."""
    try:
        return len(list(Path("/proc/self/fd").iterdir()))
    except OSError:
        return 0


@dataclass
class Soak:
    """One run."""

    service: Service
    tasks: int
    at_once: int
    results: int = 0
    again: int = 0
    """How often a call was made again after an error, as users do: by the same key."""
    errors: list[str] = field(default_factory=list[str])
    pulses: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])
    """Results, memory and open files from time to time."""

    async def run(self, ledger: Path | None) -> None:
        """Submit and wait for every task, some at a time."""
        numbers = iter(range(self.tasks))
        async with (
            Client(
                "sk-soak",
                base_url=self.service.base_url,
                schedule=SCHEDULE,
                ledger=ledger,
                exclusive_account=True,
                max_unfinished=None,
            ) as client,
            anyio.create_task_group() as pulse,
        ):
            pulse.start_soon(self._pulse)
            async with anyio.create_task_group() as group:
                for _ in range(self.at_once):
                    group.start_soon(self._work, client, numbers)
            pulse.cancel_scope.cancel()
        self.errors += [f"open after the end: {name}" for name in left_open()]

    async def _work(self, client: Client, numbers: Iterator[int]) -> None:
        for number in numbers:
            memo = Memo(idempotency_key=f"soak {number}")
            picture = f"http://127.0.0.1:9/{number}.png"
            for _ in range(TRIES):
                try:
                    await (await client.animate_move(picture, CLIP, mode="wan-std", memo=memo))
                except DashScopeError as error:
                    last = error
                    self.again += 1
                else:
                    self.results += 1
                    break
            else:
                self.errors.append(f"task {number}: {last!r}")

    async def _pulse(self) -> None:
        began, added = time.monotonic(), 0
        print("   s  results  submits  requests/s  memory MiB  open files  faults left")
        while True:
            # For what was done, and not for the time it took: an outage would feed itself.
            faults = int(FAULTS_A_TASK * self.results) - added
            added += faults
            told = await anyio.to_thread.run_sync(partial(self.service.tell, faults=faults))
            passed_s = time.monotonic() - began
            held, files = memory_bytes(), open_files()
            self.pulses.append((self.results, held, files))
            rate = told["requests"] / passed_s
            print(
                f"{passed_s:4.0f} {self.results:8} {told['tasks']:8} {rate:11.1f}"
                f" {held / 2**20:11.1f} {files:11} {told['faults_left']:12}",
                flush=True,
            )
            await anyio.sleep(PULSE_S)

    def faults(self) -> list[str]:
        """Say what is not as it should be."""
        told = self.service.tell()
        found = list(self.errors)
        if told["twice"]:
            found.append(f"{told['twice']} tasks were paid for twice")
        if (self.results, told["tasks"]) != (self.tasks, self.tasks):
            found.append(f"{self.tasks} wanted, {told['tasks']} paid, {self.results} results")
        return found + self._growth()

    def _growth(self) -> list[str]:
        """Compare the end with the time when everything was warm."""
        warm = [pulse for pulse in self.pulses if pulse[0] >= self.tasks / 4]
        if not warm:
            return []
        first, last = warm[0], warm[-1]
        allowed = SPARE_BYTES + TASK_BYTES * (last[0] - first[0])
        found: list[str] = []
        if last[1] - first[1] > allowed:
            found.append(f"memory grew by {(last[1] - first[1]) / 2**20:.0f} MiB")
        if last[2] - first[2] > SPARE_FILES:
            found.append(f"{last[2] - first[2]} more files are open")
        return found


def hasten() -> None:
    """Let what is sent again go twenty times sooner: pauses tell nothing."""
    decide: Callable[..., float | None] = Retries.pause_s

    def hasty(self: Retries, *args: Any, **facts: Any) -> float | None:
        pause_s = decide(self, *args, **facts)
        return None if pause_s is None else pause_s / 20

    Retries.pause_s = hasty  # type: ignore[method-assign] # of the same arguments


def left_open() -> list[str]:
    """Name the threads that are more than waiting for work."""
    names = (thread.name for thread in threading.enumerate())
    return [name for name in names if "MainThread" not in name and "worker" not in name.lower()]


def main() -> int:
    """Run it, and say what came of it."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--at-once", type=int, default=200, help="tasks submitted or waited for")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-ledger", action="store_true", help="keep the book in memory")
    parser.add_argument("--backend", choices=["asyncio", "trio"], default="asyncio")
    asked = parser.parse_args()
    hasten()
    with service(asked.seed) as running, tempfile.TemporaryDirectory() as folder:
        soak = Soak(running, asked.tasks, asked.at_once)
        began = time.monotonic()
        ledger = None if asked.no_ledger else Path(folder, "ledger.sqlite")
        anyio.run(soak.run, ledger, backend=asked.backend)
        passed_s = time.monotonic() - began
        told = soak.service.tell()
        print(
            f"{soak.results} results of {told['tasks']} paid tasks in {passed_s:.0f} s:"
            f" {told['posts']} submits sent, {told['requests']} requests,"
            f" {told['requests'] / passed_s:.1f} a second, {soak.again} errors called again after"
        )
        found = soak.faults()
    for fault in found[:20]:
        print(f"FAULT: {fault}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
