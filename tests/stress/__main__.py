"""Wait for ten thousand tasks in one process, and see what that takes.

``scripts/stress [TASKS] [SECONDS]`` starts the service in a process of its own, waits for all
tasks at once, and lets one of them end each second. It prints how many requests went out, how
soon an end was noticed, how much memory the waits took, and how late the event loop was; the
exit code is 1 if a promise was broken.
"""

import argparse
import asyncio
import gc
import json
import statistics
import subprocess
import sys
import time
from bisect import bisect
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import anyio
from tests.stress.service import KEY

from dashscope_aa import Client, Schedule, Task
from dashscope_aa.errors import TaskFailedError
from dashscope_aa.models import TaskOutput

SETTLE_S: Final = 30.0
"""How long the waits go on before the first task ends, and after the last has."""
IN_TRANSIT: Final = 5
"""So many requests may be late, and come together with those that were sent after them."""
FIXED_MIB: Final = 40
EACH_KIB: Final = 2


@dataclass
class Run:
    """What was seen while waiting."""

    noticed: dict[str, float] = field(default_factory=dict[str, float])
    """When the end of each task was noticed, by its id."""
    memory_mib: float = 0.0
    """How much memory the waits took at most."""
    late_s: list[float] = field(default_factory=list[float])
    """How late the event loop was, each hundredth of a second."""


def resident_mib() -> float:
    """Give the memory that this process holds."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


async def wait(task: Task[Any], run: Run) -> None:
    """Wait for one task."""
    try:
        await task
    except TaskFailedError:
        run.noticed[task.id] = time.time()


async def watch(run: Run, before_mib: float, seconds: float) -> None:
    """Look at the memory and at the event loop while the others wait."""
    until = anyio.current_time() + seconds
    while anyio.current_time() < until:
        due = anyio.current_time() + 0.01
        await anyio.sleep_until(due)
        run.late_s.append(anyio.current_time() - due)
        if len(run.late_s) % 100 == 0:
            run.memory_mib = max(run.memory_mib, resident_mib() - before_mib)


async def run_all(base_url: str, tokens: list[str], seconds: float) -> Run:
    """Wait for all tasks, for so long."""
    run = Run()
    async with Client(KEY, base_url=base_url) as client:
        await client.get_task("warm-up")
        gc.collect()
        before_mib = resident_mib()
        async with asyncio.TaskGroup() as group:
            waits = [
                group.create_task(wait(client.resume(token, output=TaskOutput), run))
                for token in tokens
            ]
            await watch(run, before_mib, seconds)
            for waiting in waits:
                waiting.cancel()
    return run


def densest(moments: list[float], span_s: float) -> int:
    """Give the most moments that any span of this length holds."""
    return max(bisect(moments, moment + span_s) - place for place, moment in enumerate(moments))


def told(service: "Service", run: Run, came: list[Any], seconds: float) -> list[str]:
    """Print the figures; give what was not as promised."""
    schedule = Schedule()
    tasks = len(service.tokens)
    moments = [at + service.offset_s for at, *_ in came]
    rounds = [at + service.offset_s for at, kind, page, _ in came if (kind, page) == ("list", "1")]
    pages = sum(kind == "list" for _, kind, *_ in came)
    delays = {
        id_: run.noticed[id_] - end for id_, end in service.ends.items() if id_ in run.noticed
    }
    in_rounds = [
        bisect(rounds, run.noticed[id_]) - bisect(rounds, service.ends[id_]) for id_ in delays
    ]
    late_ms = [1000 * late_s for late_s in run.late_s]
    most = densest(moments, 1.0)
    limit_mib = FIXED_MIB + EACH_KIB * tasks / 1024
    print(f"{tasks} tasks were waited for, {len(delays)} of them ended")
    print(
        f"requests: {len(came)} in {seconds:.0f} s, {len(came) / seconds:.1f} a second, "
        f"at most {most} within one second; {len(rounds)} rounds, {pages} pages, "
        f"{len(came) - pages} single queries"
    )
    print(
        f"ends noticed after {statistics.median(delays.values()):.1f} s in the middle, "
        f"{max(delays.values()):.1f} s at most; within {max(in_rounds)} rounds"
    )
    print(
        f"memory: {run.memory_mib:.0f} MiB more than before, "
        f"{run.memory_mib * 1024 / tasks:.1f} KiB a task (limit {limit_mib:.0f} MiB in all)"
    )
    print(
        f"event loop: 99 of 100 times at most {statistics.quantiles(late_ms, n=100)[98]:.1f} ms "
        f"late, {max(late_ms):.0f} ms at most"
    )
    broken = {
        "above the rate": densest(moments, 10.0) > 10.5 * schedule.queries_per_s + IN_TRANSIT,
        "throttled": any(status == 429 for *_, status in came),
        "too much memory": run.memory_mib > limit_mib,
        "an end was noticed too late": max(in_rounds) > 2,
        "an end was not noticed": len(delays) < len(service.ends),
    }
    return [promise for promise, is_broken in broken.items() if is_broken]


@dataclass
class Service:
    """What the other process told."""

    base_url: str
    tokens: list[str]
    ends: dict[str, float]
    """When each task that ends does so, by its id."""
    offset_s: float
    """How far its clock is behind ours."""


def read(pipe: IO[str]) -> Service:
    """Read what the other process has to tell."""
    said = json.loads(pipe.readline())
    offset_s = said["offset_s"]
    ends = {json.loads(token)["task_id"]: at + offset_s for token, at in said["tasks"] if at}
    return Service(said["base_url"], [token for token, _ in said["tasks"]], ends, offset_s)


def main() -> int:
    """Run, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", type=int, nargs="?", default=10_000)
    parser.add_argument("seconds", type=float, nargs="?", default=180.0)
    asked = parser.parse_args()
    tasks, seconds = asked.tasks, max(asked.seconds, 2 * SETTLE_S + 30)
    ending = min(int(seconds - 2 * SETTLE_S), tasks)
    command = [sys.executable, "-m", "tests.stress.service", str(tasks), str(ending), str(SETTLE_S)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        service = read(other.stdout)
        first_end = min(service.ends.values())
        time.sleep(max(0.0, first_end - SETTLE_S - time.time()))
        run = asyncio.run(run_all(service.base_url, service.tokens, seconds))
        with suppress(BrokenPipeError):
            other.stdin.write("\n")
            other.stdin.flush()
        came = json.loads(other.stdout.readline())
    broken = told(service, run, came, seconds)
    print("as promised" if not broken else f"NOT AS PROMISED: {', '.join(broken)}")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
