"""Every exception this library raises on purpose, in one tree.

DashScopeError
├── ConfigurationError           key, base URL, workspace or engine setting is missing or wrong
│   └── RegionError              the model is not served in the region the client points to
├── InputError                   what was handed over cannot be sent like this (also a ValueError)
│   ├── SourceError              a picture, a clip, a URL or a template id cannot be used
│   ├── CostLimitError           it would cost more than `max_cost_cny`
│   └── PreflightError           the media were looked at and found wanting
├── LedgerError                  the ledger cannot be read or written
├── ServiceError                 the service said no, with a code
│   ├── AuthenticationError      it does not accept the key
│   ├── PermissionDeniedError    it accepts the key, but not for this
│   ├── ModelUnavailableError    it no longer serves the model, or not to this account
│   ├── BillingError             an unpaid bill or a used-up quota
│   ├── ThrottledError           too many requests for now
│   ├── InvalidRequestError      it cannot make sense of the request
│   ├── NotFoundError            it knows no such path, resource or workspace
│   ├── MediaError               it read the picture or the clip and refused it
│   │   ├── MediaUnreachableError  it could not download the picture or the clip
│   │   └── HumanContentError    it wants one person, seen the way the documents say
│   ├── ContentBlockedError      content inspection or a rights check stopped it
│   └── ServerError              it failed by itself
├── ImageRejectedError           the image check refused the picture
├── SubmitOutcomeUnknownError    a paid request was sent and its answer was lost
├── TransportError               no answer came (a network fault)
│   ├── NotSentError             the request never left
│   └── NoAnswerError            the request may have arrived
├── ProtocolError                an answer came that no document describes
├── TaskError                    a task ended without a result, or outlasted the wait
│   ├── TaskFailedError          FAILED; `reason` is the ServiceError of its code
│   ├── TaskCanceledError        CANCELED
│   ├── TaskNotFoundError        UNKNOWN: expired, or never this account's
│   ├── TaskTimeoutError         still going when `timeout_s` had passed (also a TimeoutError)
│   └── TaskUnreachableError     no answer for `unreachable_s` (also a TimeoutError)
└── TransferError                bytes did not get through whole
    ├── UploadError
    ├── DownloadError
    └── ResultExpiredError       the result is gone: its URL ran out and its task too

Each one can be pickled, and tells in `hint` what to do next.
"""

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

__all__ = [
    "AuthenticationError",
    "BillingError",
    "ConfigurationError",
    "ContentBlockedError",
    "CostLimitError",
    "DashScopeError",
    "DownloadError",
    "HumanContentError",
    "ImageRejectedError",
    "InputError",
    "InvalidRequestError",
    "LedgerError",
    "MediaError",
    "MediaUnreachableError",
    "ModelUnavailableError",
    "NoAnswerError",
    "NotFoundError",
    "NotSentError",
    "PermissionDeniedError",
    "PreflightError",
    "ProtocolError",
    "RegionError",
    "ResultExpiredError",
    "ServerError",
    "ServiceError",
    "SourceError",
    "SubmitOutcomeUnknownError",
    "TaskCanceledError",
    "TaskError",
    "TaskFailedError",
    "TaskNotFoundError",
    "TaskTimeoutError",
    "TaskUnreachableError",
    "ThrottledError",
    "TransferError",
    "TransportError",
    "UploadError",
]


class DashScopeError(Exception):
    """The root: catch this to catch everything the library raises on purpose."""

    default_hint: ClassVar[str] = ""

    def __init__(  # noqa: PLR0913 - one argument a fact; all but the message are optional
        self,
        message: str,
        *,
        code: str | None = None,
        request_id: str | None = None,
        task_id: str | None = None,
        http_status: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        """What went wrong: what was expected and what was got."""
        self.code = code
        """The service's own error code, such as ``InvalidFile.Duration``."""
        self.request_id = request_id
        """The service's id of the request; its support asks for it."""
        self.task_id = task_id
        """The id of the task concerned."""
        self.http_status = http_status
        """The status of the HTTP answer, where there was one."""
        self.hint = self.default_hint if hint is None else hint
        """What to do next; may be empty."""

    def __str__(self) -> str:
        """Say it whole: the message, what identifies it, and what to do."""
        facts = ", ".join(f"{name} {value}" for name, value in self._facts() if value is not None)
        said = f"{self.message} ({facts})" if facts else self.message
        return f"{said}\n{self.hint}" if self.hint else said

    def _facts(self) -> tuple[tuple[str, object], ...]:
        return (
            ("HTTP", self.http_status),
            ("code", self.code),
            ("request", self.request_id),
            ("task", self.task_id),
        )

    def __reduce__(self) -> "tuple[Callable[..., DashScopeError], tuple[object, ...]]":
        """Pickle by state, since subclasses need more than a message to be built."""
        return _restore, (type(self), self.args, self.__dict__)


def _restore(
    cls: type[DashScopeError], args: tuple[object, ...], state: dict[str, Any]
) -> DashScopeError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


# ── before anything is sent ──────────────────────────────────────────────────────────────


class ConfigurationError(DashScopeError):
    """The key, the base URL, the workspace or the engine is missing or wrong."""


class RegionError(ConfigurationError):
    """The model is not served in the region the client points to."""


class InputError(DashScopeError, ValueError):
    """What was handed over cannot be sent as it stands. Nothing was sent."""


class SourceError(InputError):
    """A picture, a clip, a URL or a template id cannot be used. Nothing was sent."""


class CostLimitError(InputError):
    """It would cost more than `max_cost_cny`, or nobody can say how much. Nothing was sent."""


class PreflightError(InputError):
    """The media were looked at and found wanting; `report` says all of it."""

    def __init__(self, message: str, *, report: Any, hint: str | None = None) -> None:  # noqa: ANN401 - errors lie below media and cannot name its report
        super().__init__(message, hint=hint)
        self.report = report
        """The `dashscope_aa.media.Report` with every finding."""


class LedgerError(DashScopeError):
    """The ledger cannot be read or written. What is not in it yet was not sent."""

    default_hint = "Check that its folder exists, can be written to and has room left."


# ── the service said no ──────────────────────────────────────────────────────────────────


class ServiceError(DashScopeError):
    """The service said no; `code` is its word for it."""

    retry: str = "never"
    """May the same request be sent again: never, after-a-fix, limited (once or twice) or yes."""
    retry_after_s: float | None = None
    """How many seconds the service asked to wait, if it said so."""

    def _facts(self) -> tuple[tuple[str, object], ...]:
        asked = None if self.retry_after_s is None else f"{self.retry_after_s:g} s"
        return (*super()._facts(), ("retry after", asked))


class AuthenticationError(ServiceError):
    """The service does not accept the key."""

    default_hint = "Check the key, and that it belongs to the region the client points to."


class PermissionDeniedError(ServiceError):
    """The service accepts the key, but not for this model, workspace or call."""

    default_hint = "Ask the owner of the account to allow this model for this workspace."


class ModelUnavailableError(ServiceError):
    """The service no longer serves the model, or not to this account."""


class BillingError(ServiceError):
    """An unpaid bill, a product not bought or a used-up quota: waiting does not help."""

    default_hint = "Settle it in the Model Studio console; sending the request again will not help."


class ThrottledError(ServiceError):
    """Too many requests for now. The request was not accepted and cost nothing."""

    default_hint = "Send it again later."


class InvalidRequestError(ServiceError):
    """The service cannot make sense of the request, or does not allow the operation."""


class NotFoundError(ServiceError):
    """The service knows no such path, resource or workspace."""


class MediaError(ServiceError):
    """The service read the picture or the clip and refused it."""


class MediaUnreachableError(MediaError):
    """The service could not download the picture or the clip."""

    default_hint = "Give a URL that can be read from the internet, or a local file to upload."


class HumanContentError(MediaError):
    """The service wants one person, seen the way the documents say."""


class ContentBlockedError(ServiceError):
    """Content inspection or a rights check stopped the request."""


class ServerError(ServiceError):
    """The service failed by itself."""

    default_hint = "Try again later; if it lasts, give the request id to the service's support."


class ImageRejectedError(DashScopeError):
    """The image check refused the picture, so no paid task was started."""

    default_hint = "Use a picture with one person, facing the camera, face and body clear."

    def __init__(self, message: str, *, detection: Any, **facts: Any) -> None:  # noqa: ANN401 - errors lie below models and cannot name Detection
        super().__init__(message, **facts)
        self.detection = detection
        """The `dashscope_aa.models.Detection` that says no."""


class SubmitOutcomeUnknownError(DashScopeError):
    """A paid request was sent and its answer was lost: it may or may not have been accepted.

    It was sent once and not again, and a request of the same idempotency key will not be sent
    before it is settled. `candidates` are the tasks of the same model that the
    service lists for the time in question; one of them may be the lost one, or another
    program's.
    """

    default_hint = (
        "Do not simply send it again: it may be running and will be billed. If one of the "
        "candidates is it, go on with client.adopt(error, task_id); if none is, also later, "
        "client.write_off(error) lets it be sent again."
    )

    def __init__(  # noqa: PLR0913 - one argument a fact
        self,
        message: str,
        *,
        model: str,
        operation: str,
        fingerprint: str,
        sent_at: "datetime",
        lost_at: "datetime",
        candidates: "Sequence[Any] | None" = (),
        **facts: Any,  # noqa: ANN401 - handed on to the root as it is
    ) -> None:
        super().__init__(message, **facts)
        self.model = model
        """The model the request named."""
        self.operation = operation
        """What it was to do: ``detect``, ``template``, ``synthesis``, ``move`` or ``mix``."""
        self.fingerprint = fingerprint
        """SHA-256 of the request body, in hexadecimal."""
        self.sent_at = sent_at
        """When sending began."""
        self.lost_at = lost_at
        """When the answer was given up."""
        self.candidates = tuple(candidates or ())
        """Tasks of that model submitted since then (`dashscope_aa.models.TaskListItem`), as far as
        the list told."""
        self.listed = candidates is not None
        """False if the list could not be read: then no candidates say nothing about the task."""


# ── the network, and answers that make no sense ──────────────────────────────────────────


class TransportError(DashScopeError):
    """No answer came."""

    default_hint = "Check the network, the proxy settings and the base URL."


class NotSentError(TransportError):
    """The request never left: the name, the connection or the TLS handshake failed."""


class NoAnswerError(TransportError):
    """The request may have arrived, but no whole answer came back."""


class ProtocolError(DashScopeError):
    """An answer came that no document describes."""

    default_hint = "If the base URL is right, the service has changed: please report it."


# ── tasks ────────────────────────────────────────────────────────────────────────────────


class TaskError(DashScopeError):
    """A task ended without a result, or outlasted the wait."""

    def __init__(
        self,
        message: str,
        *,
        token: str,
        history: "Sequence[Any]" = (),
        **facts: Any,  # noqa: ANN401 - handed on to the root as it is
    ) -> None:
        super().__init__(message, **facts)
        self.token = token
        """The `TaskToken`: ``client.resume(error.token)`` goes on with the task."""
        self.history = tuple(history)
        """Each `TaskState` that was seen, with its time."""


class TaskFailedError(TaskError):
    """The task ended as FAILED; `reason` is the `ServiceError` of its code."""

    def __init__(self, message: str, *, reason: ServiceError, **facts: Any) -> None:  # noqa: ANN401 - handed on to the root as it is
        super().__init__(message, **facts)
        self.reason = reason
        """What its code means, as the error class the same code has elsewhere."""


class TaskCanceledError(TaskError):
    """The task was cancelled before it ran."""


class TaskNotFoundError(TaskError):
    """The service does not know the task: older than 24 hours, or never this account's."""

    default_hint = "Tasks are kept for 24 hours and can be seen by keys of the same account only."


class TaskTimeoutError(TaskError, TimeoutError):
    """The task was still going when the time given to the wait had passed."""

    default_hint = "The task itself goes on: client.resume(error.token) waits for it again."


class TaskUnreachableError(TaskError, TimeoutError):
    """The service gave no usable answer about the task for too long."""

    default_hint = "The task itself may go on: client.resume(error.token) waits for it again."


# ── transfers ────────────────────────────────────────────────────────────────────────────


class TransferError(DashScopeError):
    """Bytes did not get through whole."""


class UploadError(TransferError):
    """The upload did not complete; nothing usable was left behind."""


class DownloadError(TransferError):
    """The download did not complete; what came is kept in a ``.part`` file to go on from."""


class ResultExpiredError(TransferError):
    """The result is gone: its URL ran out after 24 hours, and its task with it."""

    default_hint = "Results are kept for 24 hours. The job has to be paid and run again."
