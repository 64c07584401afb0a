"""What the page shows, as plain JSON values: enough to watch, and never more than a screenful."""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any, Final

from dashscope_aa.emulator._faults import Fault
from dashscope_aa.emulator._journal import Received, Requests
from dashscope_aa.emulator._service import Service

MOST_ROWS: Final = 60
MOST_SIGNS: Final = 20_000


def state(service: Service, requests: Requests, *, api_path: str) -> dict[str, Any]:
    """Give all that may change from one look to the next; lists are newest first."""
    now, tasks, uploads, received = (
        service.clock.now(),
        service.tasks(),
        service.uploads(),
        requests[:],
    )
    return {
        "base_url": service.root_url + api_path,
        "now": now,
        "ahead_s": round(now - time.time()),
        "queue_s": _finite(service.switches.queue_s),
        "run_s": _finite(service.switches.run_s),
        "paid_submits": requests.paid_submits(),
        "leaks": len(requests.leaks()),
        "tasks": {
            "total": len(tasks),
            "rows": [asdict(task) for task in reversed(tasks[-MOST_ROWS:])],
        },
        "uploads": {
            "total": len(uploads),
            "rows": [
                {
                    "url": upload.url,
                    "model": upload.model,
                    "size_bytes": upload.size_bytes,
                    "uploaded_at": upload.uploaded_at,
                }
                for upload in reversed(uploads[-MOST_ROWS:])
            ],
        },
        "requests": {"total": len(received), "rows": _rows(received)},
        "faults": [
            _shown(fault, hits=service.faults.hits(type(fault))) for fault in service.faults
        ],
    }


def _finite(number: float) -> float | None:
    """Leave out what JSON has no word for."""
    return number if math.isfinite(number) else None


def _rows(received: Sequence[Received]) -> list[dict[str, Any]]:
    first = max(0, len(received) - MOST_ROWS)
    rows = [
        {
            "number": number,
            "at": one.at,
            "operation": one.operation,
            "method": one.method,
            "path": one.path,
            "model": one.model,
            "status": one.status,
            "leak": one.leak,
        }
        for number, one in enumerate(received[first:], first)
    ]
    return rows[::-1]


def request(received: Received) -> dict[str, Any]:
    """Give one request whole, but for what is too long to be read."""
    text = "" if received.body is None else json.dumps(received.body, ensure_ascii=False, indent=2)
    return {
        "query": dict(received.query),
        "headers": dict(received.headers),
        "body": text[:MOST_SIGNS],
    }


def _shown(fault: Fault, *, hits: int) -> dict[str, Any]:
    """Say what a fault is set to, as far as it differs from what it is by itself."""
    own = [
        f"{field.name} {getattr(fault, field.name)}"
        for field in fields(fault)
        if field.name not in {"on", "times", "for_s"}
        and getattr(fault, field.name) != field.default
    ]
    on = [fault.on] if isinstance(fault.on, str) else list(fault.on or ())
    where = [f"on {', '.join(on)}"] if on else []
    return {
        "kind": type(fault).__name__,
        "says": ", ".join([*where, *own, _lasting(fault)]),
        "hits": hits,
    }


def _lasting(fault: Fault) -> str:
    if fault.times is None and fault.for_s is None:
        return "once"
    times = [] if fault.times is None else [f"{fault.times} times"]
    if fault.for_s is not None:
        forever = math.isinf(fault.for_s)
        times.append("until switched off" if forever else f"for {fault.for_s:g} s")
    return ", ".join(times)
