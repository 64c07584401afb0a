"""A batch looked at before anything is sent: every file once, all faults, what all of it costs."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING

from dashscope_aa._bookkeeper import key_of
from dashscope_aa._client import Client
from dashscope_aa._engines import Engine
from dashscope_aa._prepare import Preflight, look
from dashscope_aa._prices import Estimate, Expense, total
from dashscope_aa._sources import Media, TemplateId, identity, opened, template_id
from dashscope_aa.cli._jobs import BatchRow
from dashscope_aa.cli._show import Row
from dashscope_aa.errors import InputError, PreflightError, SourceError
from dashscope_aa.events import Role

if TYPE_CHECKING:
    from dashscope_aa.media import Report


@dataclass(slots=True)
class Survey:
    """What there is to know of the rows before anything is sent."""

    rows: Sequence[BatchRow]
    """All of them."""
    media: dict[str, Media] = field(default_factory=dict[str, Media])
    """Every file and URL, by its name, so that each is read once."""
    keys: dict[int, str] = field(default_factory=dict[int, str])
    """What a row is, by its number: of the same key, the same video comes."""
    refused: dict[int, PreflightError] = field(default_factory=dict[int, PreflightError])
    """Rows that the service would refuse."""
    findings: list[Row] = field(default_factory=list[Row])
    """What was found, as lines of a table."""

    async def open(self, stack: AsyncExitStack) -> None:
        """Open every file for as long as *stack* lasts, and tell the rows apart.

        Raises:
            InputError: some cannot be read; the message names every row.
        """
        faults: list[str] = []
        for row in self.rows:
            try:
                for role, source in _sources(row):
                    if source not in self.media:
                        opening = opened(source, role=role)
                        self.media[source] = await stack.enter_async_context(opening)
                self.keys[row.number] = await self._key(row)
            except SourceError as fault:
                faults.append(f"row {row.number}: {fault.message}")
        if faults:
            raise InputError("rows name what cannot be used:\n  " + "\n  ".join(faults))

    async def _key(self, row: BatchRow) -> str:
        were = [await identity(self.media[source]) for _, source in _sources(row)]
        return key_of(were, row.motion if len(were) == 1 else "", astuple(row.engine), row.output)

    def motion(self, row: BatchRow) -> Media | TemplateId:
        """Give a row's clip or template."""
        return template_id(row.motion) or self.media[row.motion]

    async def look(
        self, rows: Sequence[BatchRow], *, mode: Preflight, part: Callable[[float], None]
    ) -> None:
        """Look at the files of *rows*, each once an engine, and take down what was found."""
        known: dict[Hashable, Report | PreflightError] = {}
        for number, row in enumerate(rows):
            part(number / len(rows))
            for role, source in _sources(row):
                about = (source, role, row.engine)
                if mode != "off" and about not in known:
                    known[about] = await _seen(self.media[source], role, row.engine, mode)
                    self._find(rows, about, known[about])
                fault = known.get(about)
                if isinstance(fault, PreflightError):
                    self.refused.setdefault(row.number, fault)

    def _find(
        self,
        rows: Sequence[BatchRow],
        about: tuple[str, Role, Engine],
        seen: "Report | PreflightError",
    ) -> None:
        """Take down what was found in one file, with the rows that it is in."""
        source, role, engine = about
        numbers = [
            it.number for it in rows if it.engine == engine and (role, source) in _sources(it)
        ]
        stops = isinstance(seen, PreflightError)
        report = seen.report if isinstance(seen, PreflightError) else seen
        for finding in report.findings:
            blocks = finding.severity == "error"
            does = ("refused" if stops else "mended") if blocks else str(finding.severity.value)
            cells = (_told(numbers), source, does, f"{finding.code}: {finding.message}")
            facts = {"rows": numbers, "file": source, "verdict": does, "finding": finding}
            self.findings.append(Row(f"{does} {source}", cells, facts))

    async def cost(self, client: Client, rows: Sequence[BatchRow]) -> Estimate:
        """Say what *rows* cost together. What they share is paid once.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        paid: dict[Hashable, Expense] = {}
        for row in rows:
            estimate = await client.estimate(
                self.media[row.image], self.motion(row), engine=row.engine, detect=row.detect
            )
            for expense in estimate.expenses:
                shared = {"detect": row.image, "template": row.motion}
                of_what = shared.get(expense.step, (row.image, row.motion, row.engine))
                paid.setdefault((expense.step, expense.model, of_what), expense)
        return Estimate(tuple(_by_step(paid.values())))


def _sources(row: BatchRow) -> list[tuple[Role, str]]:
    if template_id(row.motion):
        return [("image", row.image)]
    return [("image", row.image), ("video", row.motion)]


async def _seen(
    media: Media, role: Role, engine: Engine, mode: Preflight
) -> "Report | PreflightError":
    try:
        report, _ = await look({role: media}, engine=engine, mode=mode)
    except PreflightError as fault:
        return fault
    return report


def _by_step(expenses: Iterable[Expense]) -> Iterable[Expense]:
    """Add up what is done alike."""
    alike: dict[tuple[str, str], list[Expense]] = {}
    for expense in expenses:
        alike.setdefault((expense.step, expense.model), []).append(expense)
    for (step, model), some in alike.items():
        units, cny = total([it.units for it in some]), total([it.cny for it in some])
        yield Expense(step, model, units, some[0].unit, cny)


def _told(numbers: Sequence[int]) -> str:
    """Name rows, if there are not too many."""
    most = 5
    more = f" and {len(numbers) - most} more" if len(numbers) > most else ""
    return ", ".join(map(str, numbers[:most])) + more
