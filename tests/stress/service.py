"""The service of the stress test, in a process of its own.

``python -m tests.stress.service TASKS ENDING LEAD_S`` submits so many tasks, of which the first
end one by one, a second apart, the first of them *LEAD_S* after the last submit was due. No film
is made: what ends, fails. It prints a line of JSON with the tasks, waits for a line, and prints
what came in.
"""

import json
import math
import sys
import time
from typing import Final

import anyio

from dashscope_aa import Client, Schedule
from dashscope_aa.emulator import Emulator, TaskFails

KEY: Final = "sk-stress"
SUBMIT_S: Final = 0.01
"""The time from one submit to the next."""


async def submitted(emulator: Emulator, tasks: int, ending: int, lead_s: float) -> list[object]:
    """Submit the tasks; give the token of each with the time when it ends."""
    first_end = emulator.clock.now() + 1.5 * tasks * SUBMIT_S + lead_s
    made: list[object] = []
    url = "https://example.com/none"
    schedule = Schedule(submits_per_s=1 / SUBMIT_S)
    async with Client(
        KEY, base_url=emulator.base_url, schedule=schedule, max_unfinished=None
    ) as client:
        for number in range(tasks):
            ends_at = first_end + number if number < ending else math.inf
            emulator.queue_s = min(ends_at, first_end + 3 * 3600) - emulator.clock.now()
            task = await client.animate_move(f"{url}.jpg", f"{url}.mp4", mode="wan-std")
            made.append([str(task.token), ends_at if number < ending else None])
    return made


def main() -> None:
    """Serve until a line comes in."""
    tasks, ending, lead_s = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    emulator = Emulator(
        api_keys=[KEY], running_per_model=tasks, run_s=0.0, submits_per_s=None, queries_per_s=20
    )
    emulator.faults.add(TaskFails(times=tasks))
    with emulator:
        made = anyio.run(submitted, emulator, tasks, ending, lead_s)
        emulator.requests.clear()
        offset_s = time.time() - emulator.clock.now()
        print(json.dumps({"base_url": emulator.base_url, "tasks": made, "offset_s": offset_s}))
        sys.stdout.flush()
        sys.stdin.readline()
        came = [
            [it.at, it.operation, it.query.get("page_no"), it.status] for it in emulator.requests
        ]
        print(json.dumps(came))


if __name__ == "__main__":
    main()
