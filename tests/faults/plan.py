"""What is tried, and what has to come of it. Written by hand from the rules; no run writes here.

The rules (docs/explanation/architecture.md, "The rules that never bend"):

- a certain no is sent again when its code allows it, as late as ``Retry-After`` asks, or raises;
- a paid request whose answer is lost is not sent again; with *exclusive_account* the task list
  settles it: a task that is there is adopted, one that is not is sent once more;
- of a lost image check nobody can find out more: with *exclusive_account* the run does without;
- what is free is asked for again until it answers, within limits; waiting has the widest;
- an answer that makes no sense ends a single free call at once, and a wait only if it lasts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from dashscope_aa.emulator import (
    AnswerLost,
    Fault,
    Malformed,
    OddStatus,
    Operation,
    RequestLost,
    ServerFault,
    SlowBody,
    SlowHeaders,
    TaskFails,
    TaskStalls,
    Throttle,
    Truncated,
    Unpaid,
    UrlExpired,
)

Kind = Literal[
    "lost, accepted",
    "lost, not accepted",
    "garbled",
    "outage",
    "throttled",
    "told to wait",
    "told to wait long",
    "bill",
    "slow",
    "odd",
    "lags",
    "unknown",
    "expired",
    "fails",
    "stalls",
]
"""Faults of a kind come to the same."""

TASKS: Final = frozenset[Operation]({"template", "synthesis", "move", "mix"})
PAID: Final = TASKS | frozenset[Operation]({"detect"})
CALLS: Final = PAID | frozenset[Operation]({"policy", "query", "list", "cancel"})
FILES: Final = frozenset[Operation]({"upload", "download"})


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """One fault of the matrix."""

    name: str
    """What it is called in the table."""
    kind: Kind
    """What it comes to."""
    make: Callable[[Operation], Fault]
    """The fault at a step."""
    at: frozenset[Operation] = CALLS | FILES
    """The steps where it can happen."""


ROWS: Final = (
    Row(
        name="reset before it is accepted",
        kind="lost, not accepted",
        make=lambda step: RequestLost(on=step),
    ),
    Row(
        name="closed before it is accepted",
        kind="lost, not accepted",
        make=lambda step: RequestLost(on=step, reset=False),
    ),
    Row(
        name="reset after it was accepted",
        kind="lost, accepted",
        make=lambda step: AnswerLost(on=step),
    ),
    Row(
        name="closed after it was accepted",
        kind="lost, accepted",
        make=lambda step: AnswerLost(on=step, reset=False),
    ),
    Row(
        name="broken off within the answer",
        kind="lost, accepted",
        make=lambda step: AnswerLost(on=step, within=True),
    ),
    Row(
        name="half a JSON text",
        kind="garbled",
        make=lambda step: Malformed(on=step),
        at=CALLS,
    ),
    Row(
        name="JSON of the wrong type",
        kind="garbled",
        make=lambda step: Malformed(on=step, text='{"output": [1], "data": 2}'),
        at=CALLS - {"cancel"},  # whose answer holds nothing that could be of a wrong type
    ),
    Row(
        name="503, once",
        kind="lost, not accepted",
        make=lambda step: ServerFault(on=step),
    ),
    Row(
        name="503 for ten minutes",
        kind="outage",
        make=lambda step: ServerFault(on=step, for_s=600),
    ),
    Row(
        name="429, three times",
        kind="throttled",
        make=lambda step: Throttle(on=step, times=3),
        at=CALLS,
    ),
    Row(
        name="429, come again in 12 s",
        kind="told to wait",
        make=lambda step: Throttle(on=step, retry_after_s=12),
        at=CALLS,
    ),
    Row(
        name="429, come again in an hour",
        kind="told to wait long",
        make=lambda step: Throttle(on=step, retry_after_s=3600),
        at=CALLS,
    ),
    Row(
        name="429 that is an unpaid bill",
        kind="bill",
        make=lambda step: Unpaid(on=step),
        at=CALLS,
    ),
    Row(
        name="headers come late",
        kind="slow",
        make=lambda step: SlowHeaders(on=step, delay_s=0.1),
    ),
    Row(
        name="body comes in drips",
        kind="slow",
        make=lambda step: SlowBody(on=step, delay_s=0.002, piece_bytes=50),
        at=CALLS,
    ),
    Row(
        name="film comes in drips",
        kind="slow",
        make=lambda step: SlowBody(on=step, delay_s=0.01, piece_bytes=1000),
        at=frozenset({"download"}),
    ),
    Row(
        name="body ends early",
        kind="lost, accepted",
        make=lambda step: Truncated(on=step, after_bytes=1000),
        at=frozenset({"download"}),
    ),
    Row(
        name="URL has run out",
        kind="expired",
        make=lambda step: UrlExpired(on=step),
        at=frozenset({"download"}),
    ),
    Row(
        name="status no document knows",
        kind="odd",
        make=lambda step: OddStatus(on=step, times=3),
        at=frozenset({"query"}),
    ),
    Row(
        name="UNKNOWN right after the submit",
        kind="lags",
        make=lambda step: OddStatus(on=step, word="UNKNOWN", times=2),
        at=frozenset({"query"}),
    ),
    Row(
        name="UNKNOWN for an hour",
        kind="unknown",
        make=lambda step: OddStatus(on=step, word="UNKNOWN", for_s=3600),
        at=frozenset({"query"}),
    ),
    Row(
        name="task fails",
        kind="fails",
        make=lambda step: TaskFails(on=step),
        at=TASKS,
    ),
    Row(
        name="task never ends",
        kind="stalls",
        make=lambda step: TaskStalls(on=step),
        at=TASKS,
    ),
)


# ── what comes of it ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a run, and of the same run once more when the fault was over."""

    sent: int | None = None
    """How often the step was sent; None where nothing hangs on it."""
    paid: int | None = None
    """How often it was accepted, and so paid for; None for a step that is free."""
    saw: str
    """What the user saw: the result, or the class of the error."""
    ledger: str | None = None
    """What the ledger says of the step, or of the video; None for calls that leave it alone."""
    again: str
    """What the user saw the second time."""
    paid_in_all: int | None = None
    """How often the step was accepted in both runs."""


VIDEO: Final = "the video"
_UNKNOWN = "SubmitOutcomeUnknownError"
_GOOD = Outcome(sent=1, paid=1, saw=VIDEO, ledger="SUCCEEDED", again=VIDEO, paid_in_all=1)

SUBMIT: Final[Mapping[Kind, Outcome]] = {
    "garbled": replace(_GOOD, saw=_UNKNOWN, ledger="unknown", again=_UNKNOWN),
    "lost, accepted": replace(_GOOD, saw=_UNKNOWN, ledger="unknown", again=_UNKNOWN),
    "lost, not accepted": replace(
        _GOOD, paid=0, saw=_UNKNOWN, ledger="unknown", again=_UNKNOWN, paid_in_all=0
    ),
    "outage": replace(_GOOD, paid=0, saw=_UNKNOWN, ledger="unknown", again=_UNKNOWN, paid_in_all=0),
    "throttled": replace(_GOOD, sent=4),
    "told to wait": replace(_GOOD, sent=2),
    "told to wait long": replace(_GOOD, paid=0, saw="ThrottledError", ledger="refused"),
    "bill": replace(_GOOD, paid=0, saw="BillingError", ledger="refused"),
    "slow": _GOOD,
    # The service has said that it is over, and charges nothing for what failed: asking for the
    # same again is a new job.
    "fails": replace(_GOOD, saw="TaskFailedError", ledger="FAILED", paid_in_all=2),
    "stalls": replace(_GOOD, saw="TaskFailedError", ledger="FAILED", paid_in_all=2),
}
"""A step that starts a paid task."""

SUBMIT_EXCLUSIVE: Final[Mapping[Kind, Outcome]] = {
    **SUBMIT,
    "garbled": _GOOD,
    "lost, accepted": _GOOD,
    "lost, not accepted": replace(_GOOD, sent=2),
    "outage": replace(_GOOD, sent=2, paid=0, saw="ServerError", ledger="refused"),
}
"""The same with the user's word that nothing else submits with this account."""

_CHECKED = replace(_GOOD, ledger="accepted")
DETECT: Final[Mapping[Kind, Outcome]] = {
    **{
        kind: replace(row, ledger="accepted") if row.ledger == "SUCCEEDED" else row
        for kind, row in SUBMIT.items()
    },
}
"""The image check: paid for, but it leaves no task that could be found."""

DETECT_EXCLUSIVE: Final[Mapping[Kind, Outcome]] = {
    **DETECT,
    "garbled": replace(_CHECKED, ledger="unknown"),
    "lost, accepted": replace(_CHECKED, ledger="unknown"),
    "lost, not accepted": replace(_CHECKED, paid=0, ledger="unknown", paid_in_all=0),
    "outage": replace(_CHECKED, paid=0, ledger="unknown", paid_in_all=0),
}
"""The same where a lost verdict is done without: the synthesis refuses a bad picture as well."""

_FREE = Outcome(saw=VIDEO, ledger="SUCCEEDED", again=VIDEO)
QUERY: Final[Mapping[Kind, Outcome]] = {
    "garbled": _FREE,
    "lost, accepted": _FREE,
    "lost, not accepted": _FREE,
    "outage": _FREE,
    "throttled": _FREE,
    "told to wait": _FREE,
    "told to wait long": replace(_FREE, saw="TaskUnreachableError", ledger="PENDING"),
    "bill": replace(_FREE, saw="BillingError", ledger="PENDING"),
    "slow": _FREE,
    "odd": _FREE,
    "lags": _FREE,
    "unknown": replace(_FREE, saw="TaskNotFoundError", ledger="PENDING"),
}
"""Waiting for a task."""

POLICY: Final[Mapping[Kind, Outcome]] = {
    "garbled": replace(_FREE, saw="ProtocolError", ledger="–"),
    "lost, accepted": _FREE,
    "lost, not accepted": _FREE,
    "outage": replace(_FREE, saw="ServerError", ledger="–"),
    "throttled": _FREE,
    "told to wait": _FREE,
    "told to wait long": replace(_FREE, saw="ThrottledError", ledger="–"),
    "bill": replace(_FREE, saw="BillingError", ledger="–"),
    "slow": _FREE,
}
"""Asking for leave to upload."""

UPLOAD: Final[Mapping[Kind, Outcome]] = {
    "lost, accepted": _FREE,
    "lost, not accepted": _FREE,
    "outage": replace(_FREE, saw="UploadError", ledger="–"),
    "slow": _FREE,
}
"""Uploading a file."""

DOWNLOAD: Final[Mapping[Kind, Outcome]] = {
    "lost, accepted": _FREE,
    "lost, not accepted": _FREE,
    "outage": replace(_FREE, saw="DownloadError"),
    "slow": _FREE,
    "expired": _FREE,
}
"""Bringing the result home."""

_LISTED = Outcome(saw="the list", again="the list")
LIST: Final[Mapping[Kind, Outcome]] = {
    "garbled": replace(_LISTED, saw="ProtocolError"),
    "lost, accepted": _LISTED,
    "lost, not accepted": _LISTED,
    "outage": replace(_LISTED, saw="ServerError"),
    "throttled": _LISTED,
    "told to wait": _LISTED,
    "told to wait long": replace(_LISTED, saw="ThrottledError"),
    "bill": replace(_LISTED, saw="BillingError"),
    "slow": _LISTED,
}
"""Listing tasks."""

_CANCELED = Outcome(saw="CANCELED, true", again="CANCELED, true")
_NOT_YET = Outcome(saw="", again="CANCELED, true")
CANCEL: Final[Mapping[Kind, Outcome]] = {
    "garbled": replace(_CANCELED, saw="CANCELED, ProtocolError"),
    # It is free and harmless, so it is sent again; then the task is no longer PENDING, and asked.
    "lost, accepted": _CANCELED,
    "lost, not accepted": _CANCELED,
    "outage": replace(_NOT_YET, saw="PENDING, ServerError"),
    "throttled": _CANCELED,
    "told to wait": _CANCELED,
    "told to wait long": replace(_NOT_YET, saw="PENDING, ThrottledError"),
    "bill": replace(_NOT_YET, saw="PENDING, BillingError"),
    "slow": _CANCELED,
}
"""Cancelling a task that waits in the queue: where it stands then, and what the call says."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Group:
    """Steps of which the same is expected."""

    title: str
    steps: tuple[Operation, ...]
    expected: Mapping[Kind, Outcome]
    exclusive: Mapping[Kind, Outcome] | None = None
    """What is expected with *exclusive_account*, where it matters."""


GROUPS: Final = (
    Group(
        title="Submitting a task: template, synthesis, move, mix",
        steps=("template", "synthesis", "move", "mix"),
        expected=SUBMIT,
        exclusive=SUBMIT_EXCLUSIVE,
    ),
    Group(
        title="The image check",
        steps=("detect",),
        expected=DETECT,
        exclusive=DETECT_EXCLUSIVE,
    ),
    Group(title="Waiting for a task", steps=("query",), expected=QUERY),
    Group(title="Getting leave to upload", steps=("policy",), expected=POLICY),
    Group(title="Uploading", steps=("upload",), expected=UPLOAD),
    Group(title="Downloading", steps=("download",), expected=DOWNLOAD),
    Group(title="Listing tasks", steps=("list",), expected=LIST),
    Group(title="Cancelling a task that is PENDING", steps=("cancel",), expected=CANCEL),
)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One thing to try."""

    group: Group
    row: Row
    step: Operation
    video: Operation
    """What makes the video of the run."""
    exclusive: bool = False

    @property
    def expected(self) -> Outcome:
        """What has to come of it."""
        table = self.group.exclusive if self.exclusive else self.group.expected
        assert table is not None
        return table[self.row.kind]

    def __str__(self) -> str:
        word = ", exclusive" if self.exclusive else ""
        return f"{self.video}: {self.step}: {self.row.name}{word}"


def cells() -> list[Cell]:
    """Give the whole matrix."""
    found: list[Cell] = []
    for group in GROUPS:
        for row in ROWS:
            for step in group.steps:
                if step in row.at:
                    found += _cells(group, row, step)
    return found


def _cells(group: Group, row: Row, step: Operation) -> list[Cell]:
    videos: tuple[Operation, ...] = ("synthesis", "move")
    if step in {"detect", "template"}:
        videos = ("synthesis",)
    elif step in TASKS:
        videos = (step,)
    elif step in {"list", "cancel"}:
        videos = ("move",)
    words = (False,) if group.exclusive is None else (False, True)
    return [
        Cell(group=group, row=row, step=step, video=video, exclusive=word)
        for video in videos
        for word in words
    ]


# ── what befalls the client itself ───────────────────────────────────────────────────────

Act = Literal["kill", "fill the disk"]
Moment = Literal["before", "after"]

_KILLED = Outcome(saw="(killed)", ledger="–", again=VIDEO)
_AT_IT = replace(_KILLED, sent=0, paid=0, ledger="sending", again=_UNKNOWN, paid_in_all=0)
_TAKEN = replace(_AT_IT, sent=1, paid=1, paid_in_all=1)
_FULL = replace(_FREE, saw="LedgerError", ledger="–")
_UNWRITTEN = replace(_TAKEN, saw="LedgerError")


@dataclass(frozen=True, kw_only=True)
class Accident:
    """What happens to the client's process at a step, before its request or after its answer."""

    step: Operation
    video: Operation
    act: Act
    moment: Moment
    expected: Outcome
    exclusive: bool = False

    @property
    def name(self) -> str:
        """What it is called in the table."""
        what = "killed" if self.act == "kill" else "disk full from"
        return f"{what} {self.moment} {self.step}"

    @property
    def strike(self) -> dict[str, str]:
        """What the client's process is told to do."""
        return {
            "act": self.act,
            "moment": self.moment,
            "step": self.step,
            "video": self.video,
        }

    def __str__(self) -> str:
        word = ", exclusive" if self.exclusive else ""
        return f"{self.video}: {self.name}{word}"


def accidents() -> list[Accident]:
    """Give every accident there is: a kill on both sides of each request, and a full disk."""
    kills = [
        ("policy", "synthesis", _KILLED),
        ("upload", "synthesis", _KILLED),
        ("query", "synthesis", replace(_KILLED, ledger="PENDING")),
        ("download", "synthesis", replace(_KILLED, ledger="SUCCEEDED")),
        ("query", "move", replace(_KILLED, ledger="PENDING")),
        ("download", "move", replace(_KILLED, ledger="SUCCEEDED")),
    ]
    found = [_accident("kill", moment, *row) for row in kills for moment in _MOMENTS]
    submits = [("detect", "synthesis"), ("template", "synthesis"), ("synthesis", "synthesis")]
    submits += [("move", "move"), ("mix", "mix")]
    for step, video in submits:
        for moment, outcome in zip(_MOMENTS, (_AT_IT, _TAKEN), strict=True):
            found.append(_accident("kill", moment, step, video, outcome))
            found.append(_settled(found[-1], _paid_once if step != "detect" else _left))
    fills = [
        ("policy", "synthesis", _FULL),
        ("upload", "synthesis", _FULL),
        ("detect", "synthesis", _UNWRITTEN),
        ("template", "synthesis", _UNWRITTEN),
        ("query", "synthesis", replace(_FULL, ledger="PENDING")),
        ("synthesis", "synthesis", replace(_UNWRITTEN, saw="DownloadError")),
        ("move", "move", replace(_UNWRITTEN, saw="DownloadError")),
        ("download", "move", replace(_FULL, saw="DownloadError", ledger="SUCCEEDED")),
    ]
    for row in fills:
        found.append(_accident("fill the disk", "before", *row))
        if row[0] in PAID:
            found.append(_settled(found[-1], _paid_once if row[0] != "detect" else _left))
    return found


_MOMENTS: Final[tuple[Moment, Moment]] = ("before", "after")


def _accident(act: Act, moment: Moment, step: str, video: str, expected: Outcome) -> Accident:
    known: Mapping[str, Operation] = {name: name for name in CALLS | FILES}
    return Accident(step=known[step], video=known[video], act=act, moment=moment, expected=expected)


def _settled(there: Accident, again: Callable[[Outcome], Outcome]) -> Accident:
    """The same with *exclusive_account*: the next run finds out what came of it."""
    return replace(there, exclusive=True, expected=again(there.expected))


def _paid_once(outcome: Outcome) -> Outcome:
    return replace(outcome, again=VIDEO, paid_in_all=1)


def _left(outcome: Outcome) -> Outcome:
    """An image check whose verdict is lost is done without, not paid for again."""
    return replace(outcome, again=VIDEO)
