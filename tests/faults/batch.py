"""Kill a batch of jobs again and again, start it again each time, and count what was paid.

``scripts/kill`` kills one of 50 jobs 20 times; the suite a smaller one.
"""

import argparse
import json
import os
import random
import signal
import sqlite3
import sys
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import anyio
from tests.faults.child import QUICK
from tests.faults.world import ENGINES, Nursery, make_clip, make_picture, paid, service

from dashscope_aa import Client
from dashscope_aa.emulator import Emulator, Operation
from dashscope_aa.errors import SubmitOutcomeUnknownError

STEPS: Final[tuple[Operation, ...]] = ("detect", "template", "synthesis", "move")


@dataclass
class Batch:
    """Jobs of both families: each has a picture of its own, and some share their clip."""

    emulator: Emulator
    nursery: Nursery
    folder: Path
    jobs: int
    exclusive: bool
    backend: str = "asyncio"
    kills: int = 0
    """How often it was killed so far."""
    clips: int = 0
    """How many clips there are for AnimateAnyone."""
    work: list[list[str]] = field(default_factory=list[list[str]])

    def __post_init__(self) -> None:
        """Make the media."""
        self.clips = max(1, self.jobs // 6)
        clips = [
            make_clip(self.folder / f"clip-{number}.mp4", number=number)
            for number in range(self.clips)
        ]
        for number in range(self.jobs):
            picture = make_picture(self.folder / f"picture-{number}.png", number=number)
            video = "move" if number % 2 else "synthesis"
            target = self.folder / f"film-{number}.mp4"
            clip = clips[number // 2 % self.clips]
            self.work.append([str(picture), str(clip), str(target), video])

    @property
    def client(self) -> dict[str, Any]:
        """What the client of each life is made with."""
        return {
            "api_key": "sk-batch",
            "base_url": self.emulator.base_url,
            "ledger": str(self.folder / "ledger.sqlite"),
            "exclusive_account": self.exclusive,
        }

    def run(self, *, kill_after: float | None = None, wait_s: float = 0.0) -> list[str] | None:
        """Run it once; None if it was killed before it was done: so much after so many requests."""
        said = self.folder / "said.json"
        said.unlink(missing_ok=True)
        before = len(self.emulator.requests)
        pid = self.nursery.start(
            "many", said=str(said), backend=self.backend, client=self.client, jobs=self.work
        )
        over = threading.Event()
        after = None if kill_after is None else before + kill_after
        killer = threading.Thread(target=self._kill, args=(pid, after, wait_s, over))
        killer.start()
        end = self.nursery.ended()
        over.set()
        killer.join()
        self.kills += end == -signal.SIGKILL
        return None if end else list(json.loads(said.read_text()))

    def _kill(self, pid: int, after: float | None, wait_s: float, over: threading.Event) -> None:
        """Kill it as soon as the service has had so many requests in all."""
        while after is not None and not over.is_set():
            if len(self.emulator.requests) >= after:
                time.sleep(wait_s)
                with suppress(ProcessLookupError):  # it has ended by itself
                    os.kill(pid, signal.SIGKILL)
                return
            time.sleep(0.0005)

    # ── what came of it ──────────────────────────────────────────────────────────────────

    def paid(self) -> dict[Operation, int]:
        """Count what was paid for."""
        return {step: paid(self.emulator, step) for step in STEPS}

    def most(self) -> dict[Operation, int]:
        """Count what is to be paid for at most: each distinct input once."""
        pictures = Counter(video for *_, video in self.work)
        shared = {clip for _, clip, _, video in self.work if video == "synthesis"}
        each = pictures["synthesis"]
        return {
            "detect": each,
            "template": len(shared),
            "synthesis": each,
            "move": pictures["move"],
        }

    def paid_twice(self) -> bool:
        """True if anything was paid for more often than there are inputs."""
        most = self.most()
        return any(count > most[step] for step, count in self.paid().items())

    def unsettled(self) -> int:
        """Count the submits of which the ledger says that nobody knows what came of them."""
        return len(self._rows("state IN ('sending', 'unknown')"))

    def _rows(self, term: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / "ledger.sqlite")) as ledger:
            return ledger.execute(f"SELECT sent FROM submits WHERE {term}").fetchall()  # noqa: S608 - our own term

    async def settle(self) -> Counter[str]:
        """Settle by hand what is unknown, until every job has its video; count what was done.

        Here somebody can know which candidate it is: the service tells what each was given.
        """
        done: Counter[str] = Counter()
        async with Client(**self.client, schedule=QUICK) as client:
            for image, clip, target, video in self.work:
                while not Path(target).exists():
                    try:
                        made = await client.animate(
                            image, clip, engine=ENGINES[known(video)], preflight="off"
                        )
                        await client.download(made, target)
                    except SubmitOutcomeUnknownError as lost:
                        done[await self._decide(client, lost)] += 1
        return done

    async def _decide(self, client: Client, lost: SubmitOutcomeUnknownError) -> str:
        """Adopt the candidate that was given the same, or write it off."""
        ((sent,),) = self._rows(
            f"fingerprint = '{lost.fingerprint}' AND state IN ('sending', 'unknown')"
        )
        wanted = json.loads(sent)["input"]
        tasks = self.emulator._service._tasks._tasks
        for row in lost.candidates:
            given = tasks[row.task_id].order
            if all(getattr(given, name) == value for name, value in wanted.items()):
                await client.adopt(lost, row.task_id)
                return "adopted"
        await client.write_off(lost)
        return f"{lost.operation} written off"


def known(video: str) -> Operation:
    """Give the call that makes a video, by its name."""
    return next(name for name in ENGINES if name == video)


def killed(batch: Batch, *, kills: int, seed: int) -> list[str]:
    """Kill it so often, each time at a random moment, then let it end; say what came of each."""
    dice = random.Random(seed)  # noqa: S311 - nothing secret hangs on it
    for _ in range(3 * kills):  # the last requests of a life may be over before they are seen
        if batch.kills < kills:
            batch.run(kill_after=dice.uniform(0, batch.jobs), wait_s=dice.uniform(0, 0.01))
    outcomes = batch.run()
    assert outcomes is not None
    return outcomes


def main() -> int:
    """Kill a large batch, with and without the user's word, and say what came of it."""
    parser = argparse.ArgumentParser(prog="scripts/kill", description=__doc__)
    parser.add_argument("--jobs", type=int, default=50)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311 - see above
    options = parser.parse_args()
    print(f"{options.jobs} jobs, {options.kills} kills, seed {options.seed}", flush=True)
    wrong = False
    for exclusive in (True, False):
        with service(run_s=0.0) as emulator, Nursery() as nursery, TemporaryDirectory() as folder:
            batch = Batch(emulator, nursery, Path(folder), options.jobs, exclusive=exclusive)
            outcomes = killed(batch, kills=options.kills, seed=options.seed)
            print(f"exclusive_account={exclusive}, killed {batch.kills} times:")
            print(f"  outcomes {dict(Counter(outcomes))}, unsettled {batch.unsettled()}")
            print(f"  paid {batch.paid()}, at most {batch.most()}", flush=True)
            wrong |= batch.paid_twice()
            if not exclusive:
                settled = anyio.run(batch.settle)
                films = sum(Path(target).exists() for *_, target, _ in batch.work)
                print(f"  settled by hand: {dict(settled)}; {films} videos; paid {batch.paid()}")
                wrong |= films != options.jobs
            else:
                wrong |= set(outcomes) != {"the video"}
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
