"""How long tasks took before, as far as a ledger tells: what is left is guessed from it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Final

from dashscope_aa._book import Entry
from dashscope_aa.models import TaskResponse, TaskStatus

_WAITING: Final = frozenset({TaskStatus.PENDING})
_MINUTES_FROM_S: Final = 90
_HOURS_FROM_S: Final = 2 * 3600


@dataclass(frozen=True, slots=True)
class Past:
    """How long tasks ran, and how long their videos are, by model."""

    runs: Mapping[str, tuple[tuple[float, float | None], ...]] = field(
        default_factory=dict[str, "tuple[tuple[float, float | None], ...]"]
    )

    @classmethod
    def of(cls, rows: Iterable[Entry]) -> "Past":
        """Read it from the rows of a ledger."""
        runs: dict[str, tuple[tuple[float, float | None], ...]] = {}
        for row in rows:
            if row.status == TaskStatus.SUCCEEDED and (ran_s := _ran_s(row)):
                runs[row.model] = (*runs.get(row.model, ()), (ran_s, _length_s(row)))
        return cls(runs)

    def run_s(self, model: str, length_s: float | None) -> float | None:
        """Say how long a task is going to run; None if there was none like it.

        It is as long as the video makes it, so where both are known it goes by that.
        """
        runs = self.runs.get(model, ())
        shares = [ran_s / made_s for ran_s, made_s in runs if made_s]
        if length_s and shares:
            return median(shares) * length_s
        return median(ran_s for ran_s, _ in runs) if runs else None


def _ran_s(row: Entry) -> float | None:
    """Give the time from the first status that is not waiting to the end."""
    seen = [(status, datetime.fromisoformat(at)) for status, at in json.loads(row.history)]
    ran = [at for status, at in seen if status not in _WAITING]
    return (ran[-1] - ran[0]).total_seconds() if ran else None


def _length_s(row: Entry) -> float | None:
    if row.response is None:
        return None
    usage = TaskResponse.model_validate_json(row.response).usage
    return usage.video_duration if usage else None


def spell(seconds: float) -> str:
    """Say a length of time as people would."""
    if seconds < _MINUTES_FROM_S:
        return f"{seconds:.0f} s"
    if seconds < _HOURS_FROM_S:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
