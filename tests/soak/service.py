"""The service in a process of its own, with random faults and without films.

``python -m tests.soak.service SEED`` prints its base URL, then for each line it reads what it has
counted, as a line of JSON. It ends when its input does.
"""

import json
import random
import sys
from typing import Any, Final

from dashscope_aa.emulator import (
    AnswerLost,
    Emulator,
    Fault,
    Malformed,
    OddStatus,
    RequestLost,
    ServerFault,
    SlowBody,
    SlowHeaders,
    Throttle,
)
from dashscope_aa.emulator._checks import Order
from dashscope_aa.emulator._tasks import Work
from dashscope_aa.emulator._work import Studio

RUN_S: Final = 0.05
AT_ONCE: Final = 400
"""Tasks that run at once: the real service runs one, and the soak would take days."""


def fault(dice: random.Random) -> Fault:
    """Choose a fault that a client has to outlast."""
    return dice.choice(
        [
            RequestLost(on="move"),
            RequestLost(on="move", reset=False),
            AnswerLost(on="move"),
            AnswerLost(on="move", within=True),
            Malformed(on="move"),
            ServerFault(on="move"),
            Throttle(on="move", times=2),
            Throttle(on="move", retry_after_s=0.2),
            SlowHeaders(on="move", delay_s=0.3),
            RequestLost(on="query"),
            AnswerLost(on="query"),
            Malformed(on="query"),
            ServerFault(on="query", times=5),
            Throttle(on="query", times=3),
            OddStatus(on="query"),
            SlowBody(on="query", delay_s=0.01, piece_bytes=100),
            ServerFault(on="list", times=2),
            Throttle(on="list", times=2),
        ]
    )


def made(_: Any, order: Order, *, account: str) -> Work:
    """Stand in for the making of a film."""
    return Work(film="film.mp4", duration_s=2.0)


def main() -> None:
    """Serve, and answer each line by what was counted."""
    dice = random.Random(int(sys.argv[1]))  # noqa: S311 - nothing secret hangs on it
    Studio.make = made  # type: ignore[method-assign,assignment] # of the same arguments
    limits = {"queries_per_s": None, "submits_per_s": None, "policies_per_s": None}
    with Emulator(run_s=RUN_S, running_per_model=AT_ONCE, seed=1, **limits) as emulator:  # type: ignore[arg-type]
        print(emulator.base_url, flush=True)
        for line in sys.stdin:
            for _ in range(int(line)):
                emulator.faults.add(fault(dice))
            given = [task.order.image_url for task in emulator._service._tasks._tasks.values()]
            told = {
                "requests": len(emulator.requests),
                "posts": emulator.paid_submits(),
                "tasks": len(given),
                "twice": len(given) - len(set(given)),
                "faults_left": len(emulator.faults),
            }
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
