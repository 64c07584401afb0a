"""Damage real files in every way, look into them, and see that nothing but an answer comes.

``python -m tests.fuzz SECONDS`` starts a child process that does the looking, since what it hopes
not to find would end it. A crash, an exception, a look of more than `LOOK_S`, one that takes more
memory than `MEMORY_BYTES`, and memory that keeps growing are faults: the file is kept, its seed is
printed, and the exit code is 1. ``--seed N`` starts with that case.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.fuzz.damage import case

LOOK_S: Final = 2.0
STUCK_S: Final = 15.0
MEMORY_BYTES: Final = 300 * 1024 * 1024
GROWTH_BYTES: Final = 150 * 1024 * 1024
"""How much more than when it had settled a child may hold; a leak passes it in minutes."""


@dataclass
class Run:
    """What came of all looks so far."""

    folder: Path
    """Where the corpus lies."""
    scratch: Path
    """Where the child writes each case."""
    kept: Path
    """Where the cases of faults are kept."""
    seed: int
    """The next case."""
    answers: Counter[str] = field(default_factory=Counter[str])
    """How often each answer came."""
    faults: list[str] = field(default_factory=list[str])
    """What went wrong."""
    slowest_s: float = 0.0
    """The longest look."""
    peak_bytes: int = 0
    """The most memory taken."""

    def fault(self, what: str, name: str) -> None:
        """Keep the case and say what went wrong."""
        (self.kept / f"{self.seed}-{name}").write_bytes(case(self.seed, self.folder)[1])
        self.faults.append(f"seed {self.seed} ({name}): {what}")
        print(f"FAULT {self.faults[-1]}", flush=True)


def one_child(run: Run, until: float) -> None:
    """Let one child look until the time is up, or until it has met a fault."""
    command = [sys.executable, "-m", "tests.fuzz.looker"]
    command += [str(run.folder), str(run.scratch), str(run.seed)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        watchdog = threading.Timer(STUCK_S, child.kill)
        watchdog.start()
        name, healthy = "", True
        for line in child.stdout or ():
            watchdog.cancel()
            word, *rest = line.split(maxsplit=2)
            if word == "seed":
                run.seed, name = int(rest[0]), rest[1].strip()
            elif word == "fault":
                run.fault(line.strip(), name)
            else:
                healthy = judge(run, line, name)
                run.seed += 1
            if time.monotonic() > until or not healthy:
                child.kill()
                break
            watchdog = threading.Timer(STUCK_S, child.kill)
            watchdog.start()
        watchdog.cancel()
    if time.monotonic() <= until and healthy:
        run.fault(f"the child ended: {signal_name(child.returncode)}", name)
        run.seed += 1


def judge(run: Run, line: str, name: str) -> bool:
    """Take one answer; False if the child had better be replaced."""
    _, took, peak, grown, word = line.split()
    run.answers[word] += 1
    run.slowest_s = max(run.slowest_s, float(took))
    run.peak_bytes = max(run.peak_bytes, int(peak))
    faults = {
        f"took {took} s": float(took) > LOOK_S,
        f"took {int(peak) >> 20} MiB": int(peak) > MEMORY_BYTES,
        f"holds {int(grown) >> 20} MiB more than at first": int(grown) > GROWTH_BYTES,
    }
    for what, is_one in faults.items():
        if is_one:
            run.fault(what, name)
    return not any(faults.values())


def signal_name(code: int) -> str:
    """Say how a process ended."""
    return signal.Signals(-code).name if code < 0 else f"exit {code}"


def main() -> int:
    """Run for as long as asked, and sum up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=60.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--corpus", type=Path, help="a corpus made before")
    asked = parser.parse_args()
    kept = Path(tempfile.mkdtemp(prefix="fuzz-faults-"))
    with tempfile.TemporaryDirectory() as made, tempfile.TemporaryDirectory() as scratch:
        if asked.corpus is None:
            command = [sys.executable, "-m", "tests.corpus.make", made]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        run = Run(asked.corpus or Path(made), Path(scratch), kept, asked.seed)
        began = time.monotonic()
        while time.monotonic() < began + asked.seconds:
            one_child(run, began + asked.seconds)
    print(f"{run.answers.total()} looks in {time.monotonic() - began:.0f} s from seed {asked.seed}")
    print(f"slowest {run.slowest_s:.2f} s, most memory {run.peak_bytes >> 20} MiB")
    print("answers:", ", ".join(f"{word} {count}" for word, count in run.answers.most_common()))
    print(f"{len(run.faults)} faults" + (f", their files in {kept}" if run.faults else ""))
    if not run.faults:
        kept.rmdir()
    return bool(run.faults)


if __name__ == "__main__":
    sys.exit(main())
