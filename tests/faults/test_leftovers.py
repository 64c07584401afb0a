"""Nothing stays behind: no socket, file or thread after a client, no lost place after a storm."""

import math
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import httpx
import pytest
from tests.faults.world import ROOT

from dashscope_aa import Client
from dashscope_aa.emulator import Emulator, SlowHeaders

PROGRAM = """
import faulthandler, gc, os, sys, threading
from pathlib import Path
import anyio
from dashscope_aa import Client, Schedule
from dashscope_aa.emulator import Emulator  # so that all imports are over
from tests.faults.child import animated

faulthandler.dump_traceback_later(60, exit=True)
base_url, backend, image, clip, folder = sys.argv[1:]
folder = Path(folder)
QUICK = Schedule(first_s=0.01, cap_s=0.05)

def open_files():
    return sorted(os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")
                  if os.path.exists(f"/proc/self/fd/{name}"))

async def main(after_s):
    with anyio.move_on_after(after_s):
        async with Client("sk-a", base_url=base_url, schedule=QUICK,
                          ledger=folder / f"{after_s}.sqlite") as client:
            for video in ("synthesis", "move"):
                said = await animated(client, image, clip, target=folder / "film.mp4", video=video)
                assert said == "the video", said

async def nothing():
    await anyio.to_thread.run_sync(int)

anyio.run(nothing, backend=backend)
before = open_files()
for after_s in (0.02, 0.05, 0.1, 0.2, None):  # None goes to the end
    anyio.run(main, after_s, backend=backend)
gc.collect()
if sys.platform == "linux":
    assert open_files() == before, (before, open_files())
others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
idle = [thread for thread in others if thread.name.startswith("Trio thread")]  # kept for 10 s
assert others == idle, others
print("nothing left")
"""


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_nothing_is_left_when_a_client_is_gone(
    backend: str, emulator: Emulator, picture: Path, clip: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    command += [emulator.base_url, backend, str(picture), str(clip), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "nothing left\n", "")


# ── storms of cancellations ──────────────────────────────────────────────────────────────

ROUNDS = 60
AT_ONCE = 30
ANSWER_S = 0.02
STUCK_S = 30.0


def own_pool() -> None:
    """Leave the pools to the client."""


def small_pool() -> httpx.AsyncHTTPTransport:
    return httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=10))


@pytest.mark.anyio
@pytest.mark.parametrize("transport", [own_pool, small_pool], ids=["own pool", "pool of 10"])
async def test_storm_of_cancellations_leaves_the_next_request_working(
    transport: Callable[[], httpx.AsyncHTTPTransport | None],
    anyio_backend: str,
    emulator: Emulator,
) -> None:
    emulator.faults.add(SlowHeaders(on="query", delay_s=ANSWER_S, for_s=math.inf))
    dice = random.Random(7)  # noqa: S311 - nothing secret hangs on it
    async with Client("sk-a", base_url=emulator.base_url, transport=transport()) as client:

        async def call(limit_s: float) -> None:
            with anyio.move_on_after(limit_s):
                await client.get_task("t")

        for _ in range(ROUNDS):
            async with anyio.create_task_group() as group:
                for _ in range(AT_ONCE):
                    group.start_soon(call, dice.random() * 2 * ANSWER_S)
            with anyio.fail_after(STUCK_S):
                answer = await client.get_task("t")
            assert answer.output.task_id == "t"
