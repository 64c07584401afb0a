"""One run of a batch: survey, cost, the rows themselves, and what is told and kept of each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from dashscope_aa import Job, Outcome
from dashscope_aa._bookkeeper import without_queries
from dashscope_aa._client import Client
from dashscope_aa._prepare import Preflight
from dashscope_aa._prices import check_cost
from dashscope_aa.cli._jobs import BatchRow
from dashscope_aa.cli._json import facts_of_error
from dashscope_aa.cli._results import Results
from dashscope_aa.cli._run import REFUSED, exit_code
from dashscope_aa.cli._show import Lines, word
from dashscope_aa.cli._survey import Survey
from dashscope_aa.errors import (
    AuthenticationError,
    BillingError,
    ConfigurationError,
    DashScopeError,
    LedgerError,
    PermissionDeniedError,
)
from dashscope_aa.events import Animation, Event, Progressed, Submitted
from dashscope_aa.models import TaskStatus

_HEAD: Final = ("rows", "file", "verdict", "finding")
_HOPELESS: Final = (
    AuthenticationError,
    BillingError,
    ConfigurationError,
    LedgerError,
    PermissionDeniedError,
)
"""After these no other row would fare better."""


class Batch:
    """The rows of a batch on their way.

    Args:
        show: What says what happens.
        client: The client, with the batch's ledger.
        rows: All rows.
        out: The batch's folder.
    """

    def __init__(self, show: Lines, client: Client, *, rows: Sequence[BatchRow], out: Path) -> None:
        self._show = show
        self._client = client
        self._rows = rows
        self._out = out
        self._results = Results(out)
        self._survey = Survey(rows)
        self._todo: Sequence[BatchRow] = rows
        self._codes: list[int] = []
        self._cny = 0.0
        self._paid: set[str] = set()

    @property
    def refused(self) -> bool:
        """True if the service would refuse some rows."""
        return bool(self._survey.refused)

    @property
    def code(self) -> int:
        """The exit code: the gravest of the rows that failed."""
        return max(self._codes, default=0)

    async def look(
        self, stack: AsyncExitStack, *, preflight: Preflight, max_cost_cny: float | None
    ) -> None:
        """Look at all that is still to be done, and tell what was found and what it costs.

        Raises:
            InputError: files are missing; the message names every row.
            CostLimitError: it would cost more than *max_cost_cny*.
        """
        survey = self._survey
        await survey.open(stack)
        keys = survey.keys
        self._todo = [row for row in self._rows if not self._results.done(keys[row.number])]
        with self._show.doing("check", f"{len(self._todo)} rows") as part:
            await survey.look(self._todo, mode=preflight, part=part)
        if survey.findings:
            self._show.table(_HEAD, survey.findings)
        estimate = await survey.cost(self._client, self._fit)
        done = len(self._rows) - len(self._todo)
        said = f"{len(self._rows)} rows: {done} done before, {len(survey.refused)} refused, "
        said += f"{len(self._fit)} to do for about {estimate}"
        facts = {"rows": len(self._rows), "done_before": done, "refused": sorted(survey.refused)}
        self._show.note("surveyed", said, {**facts, "estimate": estimate})
        check_cost(estimate, max_cost_cny)

    @property
    def _fit(self) -> list[BatchRow]:
        return [row for row in self._todo if row.number not in self._survey.refused]

    async def run(self, *, preflight: Preflight, parallel: int, timeout_s: float | None) -> None:
        """Run the rows that may be run; keep what comes of each at once."""
        by_number = {row.number: row for row in self._rows}
        for number, fault in self._survey.refused.items():
            self._failed(by_number[number], fault)
        rows = self._fit
        jobs = [self._job(row, preflight=preflight, timeout_s=timeout_s) for row in rows]
        states = ["waiting" for _ in rows]
        if not rows:
            return
        with self._show.many(len(rows)) as progress:

            def note(index: int, event: Event) -> None:
                states[index] = _state(event) or states[index]
                progress(Counter(states))

            async with self._client.as_completed(jobs, limit=parallel, on_event=note) as outcomes:
                async for outcome in outcomes:
                    states[outcome.index] = "done" if outcome.ok else "failed"
                    self._settle(rows[outcome.index], outcome)
                    progress(Counter(states))
                    if isinstance(outcome.error, _HOPELESS):
                        break

    def _job(self, row: BatchRow, *, preflight: Preflight, timeout_s: float | None) -> Job:
        return Job(
            self._survey.media[row.image],
            self._survey.motion(row),
            engine=row.engine,
            preflight=preflight,
            detect=row.detect,
            timeout_s=timeout_s,
            save_to=self._out / row.output,
        )

    # ── what is told and kept ──────────────────────────────────────────────────────────

    def _settle(self, row: BatchRow, outcome: Outcome) -> None:
        if outcome.error is not None:
            self._failed(row, outcome.error, outcome.animation)
            return
        facts = {**self._facts(row, ok=True), **_made(outcome.animation)}
        self._results.add(facts)
        cny = self._paid_for(outcome.animation)
        self._cny += cny or 0
        path = str(outcome.saved_to)
        cost = "" if cny is None else f" for {cny:g} CNY"
        self._show.result(path, summary=f"row {row.number}: wrote {path}{cost}", facts=facts)

    def _paid_for(self, animation: Animation | None) -> float | None:
        """Say what was paid: rows that ask for the same video share its tasks, and one bill."""
        tasks = set(animation.task_ids.values()) if animation else set[str]()
        if animation is None or (tasks and tasks <= self._paid):
            return 0.0
        self._paid |= tasks
        return animation.cost_cny

    def _failed(self, row: BatchRow, error: Exception, animation: Animation | None = None) -> None:
        code = exit_code(error) if isinstance(error, DashScopeError) else REFUSED
        self._codes.append(code)
        facts = {**self._facts(row, ok=False), **_made(animation)}
        facts |= {"exit_code": code, "error": facts_of_error(error)}
        facts["notes"] = list(getattr(error, "__notes__", ()))
        self._results.add(facts)
        self._show.note("failed", f"row {row.number}: {error}", facts)

    def _facts(self, row: BatchRow, *, ok: bool) -> dict[str, Any]:
        return {
            "key": self._survey.keys[row.number],
            "row": row.number,
            "ok": ok,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "image": without_queries(row.image),
            "motion": without_queries(row.motion),
            "output": row.output,
        }

    def finish(self) -> None:
        """Tell what all of it came to, and keep the failures apart."""
        keys = [self._survey.keys[row.number] for row in self._rows]
        done = sum(map(self._results.done, keys))
        failed = self._results.keep_failures(keys)
        said = f"{done} of {len(keys)} rows done, {self._cny:g} CNY paid now"
        if failed:
            said += f"; failures are in {failed}: run the same again to try them once more"
        facts = {"rows": len(keys), "done": done, "paid_cny": self._cny, "failed": failed}
        self._show.note("finished", said, facts)


def _state(event: Event) -> str | None:
    """Say in a word where a row is."""
    match event:
        case Submitted():
            return word(TaskStatus.PENDING)
        case Progressed(status=status) if status == TaskStatus.SUCCEEDED:
            return "saving"
        case Progressed(status=status):
            return word(status)
        case _:
            return "preparing"


def _made(animation: Animation | None) -> Mapping[str, Any]:
    """Give what is worth keeping of an animation."""
    if animation is None:
        return {}
    names = ("video_url", "expires_at", "usage", "cost_cny", "template_id", "task_ids")
    return {name: getattr(animation, name) for name in (*names, "request_ids")}
