"""Measures one piece of work from inside the process that does it. Needs the standard library.

A subject is a program that does one job in one way and prints what it measured as a line of
JSON. Peers' subjects run with the Python of the peer's own virtual environment.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self

_CLEAR = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")
_BEAT_S = 0.001


def tell(measures: dict[str, Any]) -> None:
    """Print what was measured."""
    print(json.dumps(measures), flush=True)


def cpu_s() -> float:
    """Give the CPU time of this process and of the children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(it.ru_utime + it.ru_stime for it in used)


def resident_bytes(field: str = "VmRSS") -> int:
    """Give the memory this process holds (``VmRSS``), or held at most (``VmHWM``)."""
    if _STATUS.exists():
        for line in _STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def forget_peak() -> None:
    """Begin anew to note the most memory held, where the system can do that."""
    if _CLEAR.exists():
        _CLEAR.write_text("5", encoding="ascii")


class Meter:
    """Around a piece of work: wall time, CPU time, memory added at the most."""

    def __enter__(self) -> Self:
        forget_peak()
        self._before = resident_bytes()
        self._cpu = cpu_s()
        self._began = time.perf_counter()
        self.measures: dict[str, Any] = {}
        return self

    def __exit__(self, *_: object) -> None:
        self.measures["wall_s"] = time.perf_counter() - self._began
        self.measures["cpu_s"] = cpu_s() - self._cpu
        self.measures["added_bytes"] = max(0, resident_bytes("VmHWM") - self._before)


async def watched(job: Callable[[], Awaitable[Any]]) -> dict[str, Any]:
    """Do a job under the meter, and note how late the event loop was meanwhile, in seconds."""
    late: list[float] = []

    async def beat() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_BEAT_S)
            late.append(time.perf_counter() - began - _BEAT_S)

    heart = asyncio.create_task(beat())
    await asyncio.sleep(5 * _BEAT_S)
    late.clear()
    with Meter() as meter:
        await job()
    await asyncio.sleep(5 * _BEAT_S)  # so that a job that never let go is one late beat
    heart.cancel()
    late.sort()
    meter.measures |= {
        "late_p99_s": late[max(0, int(len(late) * 0.99) - 1)],
        "late_most_s": late[-1],
        "beats": len(late),
    }
    return meter.measures
