"""Family 3: what it costs to wait for 1 to 10,000 tasks at once."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks import peers
from benchmarks.pairs import Subject, paired
from benchmarks.results import Bar, Chart, Column, Result, Table, missing, table
from benchmarks.serving import origin

OURS: Final = "dashscope-aa"
WAYS: Final = {
    OURS: ("ours", peers.OURS),
    "dashscope": ("official", "dashscope"),
    "runwayml": ("runway", "runwayml"),
}
TASKS: Final = (1, 100, 1_000, 10_000)
FINISHING: Final = 40
WINDOW_S: Final = 15.0
COLUMNS: Final = (
    Column("requests a second", "requests_a_s"),
    Column("most in one second", "most_a_second"),
    Column("CPU a task ÷ ours", "cpu_a_task_s", OURS),
    Column("CPU of one core, %", "cpu_s", None, 100),
    Column("memory a task, KiB", "added_a_task_bytes", None, 1 / 1024),
    Column("noticed after, s", "late_s"),
    Column("noticed, %", "noticed", None, 100, digits=0),
    Column("waits lost", "lost", digits=0),
)


def measure(*, quick: bool) -> Result:
    """Wait for tasks of which a few finish while we look."""
    tables: list[Table] = []
    shown: list[Bar] = []
    notes: set[str] = set()
    with tempfile.TemporaryDirectory() as folder, origin(Path(folder)) as server:
        for tasks in TASKS[:2] if quick else TASKS:
            window_s = 3.0 if quick else WINDOW_S
            subjects = [
                Subject(
                    name,
                    partial(
                        peers.run,
                        peer,
                        "waiting",
                        who,
                        server.url,
                        tasks,
                        min(tasks, FINISHING),
                        window_s,
                    ),
                    ours=name == OURS,
                )
                for name, (who, peer) in WAYS.items()
            ]
            rounds = paired(subjects, 1 if quick or tasks == max(TASKS) else 2)
            tables.append(table(f"{tasks:,} tasks", rounds, COLUMNS))
            notes |= set(missing(rounds))
            for name in rounds.names():
                seen = rounds.spread(name, "requests_a_s")
                label = f"{name}, {tasks:,} tasks"
                shown.append(Bar(label, seen.median, seen.low, seen.high, name == OURS))
    return Result(
        title="Waiting",
        question=f"So many tasks are waited for at once on one loop for {WINDOW_S:.0f} s, in which "
        f"at most {FINISHING} of them finish. The account's limit is 20 queries a second; the "
        "server here has none, so that all can show what they would send. Memory is that of "
        "the whole process, the connections included.",
        tables=tables,
        charts=[Chart("waiting", "Queries sent while waiting", "requests a second", shown)],
        notes=sorted(notes),
    )
