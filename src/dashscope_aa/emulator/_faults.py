"""Faults are values: what goes wrong, where, and how often.

```python
emulator.faults.add(Throttle(on="query", times=3, retry_after_s=2))
emulator.faults.add(ServerFault(for_s=600))          # ten minutes of 503, on the clock
emulator.faults.add(AnswerLost(on="move"))           # accepted, but nobody hears of it
```

Without `times` and `for_s` a fault strikes once. With `times` it strikes that often, with
`for_s` any number of times until the emulator's clock has gone on by so much (`math.inf`:
for ever); with both, until the first of the two is used up. Of several faults that could
strike at the same point, the one added first does.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, get_args

from dashscope_aa.emulator._answers import NO_SUCH_MODEL, OSS_URL_EXPIRED, RETIRED, Answer

Operation = Literal[
    "detect",
    "template",
    "synthesis",
    "move",
    "mix",
    "query",
    "list",
    "cancel",
    "policy",
    "token",
    "upload",
    "download",
    "hosted",
    "other",
]
"""What a request wants. ``hosted`` is a file served by `Emulator.host_file`."""

RetiredAnswer = Literal[
    "AccessDenied", "Endpoint.AccessDenied", "ModelNotFound", "InvalidParameter"
]
UnpaidCode = Literal[
    "Arrearage",
    "CommodityNotPurchased",
    "PrepaidBillOverdue",
    "PostpaidBillOverdue",
    "AllocationQuota.FreeTierOnly",
]

EVERYWHERE: Final = frozenset[Operation](get_args(Operation))
SUBMITS: Final = frozenset[Operation]({"template", "synthesis", "move", "mix"})
MODEL_CALLS: Final = SUBMITS | frozenset[Operation]({"detect"})
ANIMATE_ANYONE: Final = frozenset[Operation]({"detect", "template", "synthesis"})
TRANSFERS: Final = frozenset[Operation]({"upload", "download", "hosted"})


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What all faults share: where they strike, and how often."""

    at: ClassVar[frozenset[Operation]] = EVERYWHERE
    """Where a fault of this kind strikes unless `on` says otherwise."""

    on: Operation | Collection[Operation] | None = None
    """The operations it strikes; None for all that make sense for its kind."""
    model: str | None = None
    """The only model it strikes; None for all."""
    times: int | None = None
    """How often it strikes; see above."""
    for_s: float | None = None
    """How long it lasts on the emulator's clock, in seconds; see above."""

    def strikes(self, operation: Operation, model: str | None) -> bool:
        """Tell whether a request of this kind can be struck."""
        where = {self.on} if isinstance(self.on, str) else self.on or self.at
        return operation in where and self.model in (None, model)


# ── before anything is accepted ──────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True)
class Barrier(Fault):
    """Anything that keeps a request from being accepted."""

    def answer(self) -> Answer | None:
        """Give what is answered instead; None if the connection breaks without an answer."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class RequestLost(Barrier):
    """The connection breaks before the request is accepted."""

    reset: bool = True
    """Break it by a reset (RST); False closes it in order (FIN)."""

    def answer(self) -> None:
        """There is none."""


@dataclass(frozen=True, kw_only=True)
class Throttle(Barrier):
    """HTTP 429: too many requests."""

    at: ClassVar = EVERYWHERE - TRANSFERS
    retry_after_s: float | None = None
    """Sent as ``Retry-After`` if given."""
    code: str = "Throttling.RateQuota"
    """One of the ``Throttling`` codes."""
    message: str = "Requests rate limit exceeded, please try again later."
    """The text that goes with it."""

    def answer(self) -> Answer:
        """Say "too many"."""
        return Answer(429, self.code, self.message, retry_after_s=self.retry_after_s)


_UNPAID: Final[dict[UnpaidCode, Answer]] = {
    answer.code: answer  # type: ignore[misc] # the keys are the codes of UnpaidCode
    for answer in (
        Answer(
            400,
            "Arrearage",
            "Access denied, please make sure your account is in good standing.",
        ),
        Answer(429, "CommodityNotPurchased", "Commodity has not purchased yet."),
        Answer(429, "PrepaidBillOverdue", "The prepaid bill is overdue."),
        Answer(429, "PostpaidBillOverdue", "The postpaid bill is overdue."),
        Answer(
            403,
            "AllocationQuota.FreeTierOnly",
            "The free tier of the model has been exhausted. If you wish to continue access the"
            ' model on a paid basis, please disable the "use free tier only" mode in the'
            " management console.",
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class Unpaid(Barrier):
    """A bill, not a rush, although most of these say HTTP 429 too."""

    at: ClassVar = MODEL_CALLS
    code: UnpaidCode = "PostpaidBillOverdue"
    """What is wrong with the account."""

    def answer(self) -> Answer:
        """Ask for money."""
        return _UNPAID[self.code]


@dataclass(frozen=True, kw_only=True)
class ServerFault(Barrier):
    """HTTP 5xx."""

    status: int = 503
    """HTTP status."""
    code: str = "ServiceUnavailable"
    """The service's word for it."""
    message: str = (
        "Too many requests. Your requests are being throttled due to system capacity limits."
        " Please try again later."
    )
    """The text that goes with it."""
    retry_after_s: float | None = None
    """Sent as ``Retry-After`` if given."""

    def answer(self) -> Answer:
        """Fail."""
        return Answer(self.status, self.code, self.message, retry_after_s=self.retry_after_s)


@dataclass(frozen=True, kw_only=True)
class Retired(Barrier):
    """The model is no longer served; four ways of saying so are known."""

    at: ClassVar = ANIMATE_ANYONE
    code: RetiredAnswer = "ModelNotFound"
    """Which of the four."""

    def answer(self) -> Answer:
        """Say that it is gone."""
        return RETIRED.get(self.code, NO_SUCH_MODEL)


@dataclass(frozen=True, kw_only=True)
class UrlExpired(Barrier):
    """A result URL is refused as if its time had run out."""

    at: ClassVar = frozenset[Operation]({"download"})

    def answer(self) -> Answer:
        """Say that it has expired."""
        return OSS_URL_EXPIRED


# ── after it was accepted: the answer suffers ────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True)
class Spoiled(Fault):
    """Anything that happens to the answer of a request that was accepted."""


@dataclass(frozen=True, kw_only=True)
class AnswerLost(Spoiled):
    """The request is accepted and carried out, then the connection breaks."""

    within: bool = False
    """Break off within the answer: headers and half of what follows do arrive."""
    reset: bool = True
    """Break it by a reset (RST); False closes it in order (FIN)."""


@dataclass(frozen=True, kw_only=True)
class SlowHeaders(Spoiled):
    """The answer takes its time to begin."""

    delay_s: float = 1.0
    """Real seconds before the first byte."""


@dataclass(frozen=True, kw_only=True)
class SlowBody(Spoiled):
    """The answer comes in small pieces with pauses between them."""

    delay_s: float = 0.05
    """Real seconds before each piece."""
    piece_bytes: int = 1024
    """Bytes a piece."""


@dataclass(frozen=True, kw_only=True)
class Truncated(Spoiled):
    """The connection is closed before the promised length is reached."""

    at: ClassVar = frozenset[Operation]({"download", "hosted"})
    after_bytes: int = 1024
    """How much arrives."""


@dataclass(frozen=True, kw_only=True)
class Malformed(Spoiled):
    """The answer is half of a JSON text, or a text of your choice."""

    at: ClassVar = EVERYWHERE - TRANSFERS
    text: str | None = None
    """What is sent instead of the answer, such as JSON of the wrong type; None sends half of it."""


# ── what the answer says ─────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True)
class OddStatus(Fault):
    """A query shows a status word of your choice."""

    at: ClassVar = frozenset[Operation]({"query"})
    word: str = "SUSPENDED"
    """The word; ``UNKNOWN`` is what a service shows that lags behind its own submits."""


@dataclass(frozen=True, kw_only=True)
class ImageRejected(Fault):
    """The image check finds no fit person in the picture."""

    at: ClassVar = frozenset[Operation]({"detect"})
    code: str = "InvalidFile.NoHuman"
    """Code of the refusal, sent when it comes as HTTP 400."""
    reason: str = "The input image has no human body. Please upload other image with single person."
    """What is said about it."""
    as_400: bool = False
    """Answer HTTP 400 instead of 200 with ``check_pass`` false."""


# ── in the task ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True)
class TaskFault(Fault):
    """Anything that befalls a task after its submit was accepted."""

    at: ClassVar = SUBMITS


@dataclass(frozen=True, kw_only=True)
class TaskFails(TaskFault):
    """The task runs and ends as FAILED."""

    code: str = "InternalError.Algo"
    """``output.code``."""
    message: str = "Inference internal error."
    """``output.message``."""


@dataclass(frozen=True, kw_only=True)
class LateFieldRequired(TaskFault):
    """The submit is accepted; the task then misses a field (seen with other models)."""

    field: str = "input.video_url"
    """The field it misses."""


@dataclass(frozen=True, kw_only=True)
class TaskStalls(TaskFault):
    """The task never ends by itself; after three hours the service gives up on it."""
