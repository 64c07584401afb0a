"""The refusals the service knows, word for word.

Each row is printed in the vendor's documents (ERR unless said otherwise). Codes are spelled
as in `dashscope_aa.codes`; nothing else is shared with the client.
"""

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Answer:
    """A refusal: HTTP status, code and text."""

    status: int
    """HTTP status."""
    code: str
    """The service's word for it."""
    message: str
    """Its sentence about it."""
    retry_after_s: float | None = None
    """Sent as ``Retry-After`` where given; the service itself was never seen to send it."""

    def filled(self, *values: str) -> "Answer":
        """Put *values* where the documents print placeholders."""
        return replace(self, message=self.message.format(*values))


class Refused(Exception):  # noqa: N818 - the service refuses; nothing here is in error
    """The service says no."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.code}: {answer.message}")
        self.answer = answer


def _bad(message: str, *, code: str = "InvalidParameter", status: int = 400) -> Answer:
    return Answer(status, code, message)


# ── who asks ─────────────────────────────────────────────────────────────────────────────
NO_KEY: Final = _bad("No API-key provided.", code="InvalidApiKey", status=401)
BAD_KEY: Final = _bad("Invalid API-key provided.", code="InvalidApiKey", status=401)

# ── what is asked ────────────────────────────────────────────────────────────────────────
SYNC_REFUSED: Final = _bad(
    "current user api does not support synchronous calls.", code="AccessDenied", status=403
)
ASYNC_REFUSED: Final = _bad(
    "Current user api does not support asynchronous calls.", code="AccessDenied", status=403
)
WRONG_METHOD: Final = _bad("Request method '{}' is not supported.")
WRONG_PATH: Final = _bad("Request path not found.", code="NotFound", status=404)
WRONG_PAIR: Final = _bad("url error, please check url!")
BAD_BODY: Final = _bad("Required body invalid, please check the request body format.")
TOO_LARGE: Final = _bad("Payload Too Large.", code="BadRequest.TooLarge")
EMPTY_MODEL: Final = _bad(
    'Required parameter "model" missing from request.', code="BadRequest.EmptyModel"
)
EMPTY_INPUT: Final = _bad(
    "Required input parameter missing from request.", code="BadRequest.EmptyInput"
)
EMPTY_PARAMETERS: Final = _bad(
    'Required parameter "parameters" missing from request.', code="BadRequest.EmptyParameters"
)
ILLEGAL_INPUT: Final = _bad(
    "The input parameter requires json format.", code="BadRequest.IllegalInput"
)
NO_SUCH_MODEL: Final = _bad("Model not exist.")
FIELD_REQUIRED: Final = _bad("Field required: {}")
BAD_VALUE: Final = _bad("The type or value of {} is out of definition.")
BAD_QUERY: Final = _bad(
    "Required parameter({}) missing or invalid, please check the request parameters."
)
BAD_RATIO: Final = _bad("parameters.video_ratio must be 9:16 or 3:4.")
BAD_URL: Final = _bad(
    "The provided URL does not appear to be valid. Ensure it is correctly formatted."
)

# ── how often ────────────────────────────────────────────────────────────────────────────
RATE_QUOTA: Final = Answer(
    429,
    "Throttling.RateQuota",
    "Requests rate limit exceeded, please try again later.",
)

# ── the files ────────────────────────────────────────────────────────────────────────────
UNREACHABLE: Final = _bad(
    "Connection to {} refused, please provide available URL", code="InvalidURL.ConnectionRefused"
)
TOO_SLOW: Final = _bad(
    "Download {} timeout, please check network connection.", code="InvalidURL.Timeout"
)
BAD_STORAGE: Final = _bad("OSS download error.")
# Seen by clients of wan2.2-animate as the code of a failed task; the texts are ERR's.
WAN_URL: Final = _bad("Invalid URL provided in your request.", code="InvalidURL")
WAN_SUFFIX: Final = _bad(
    "Invalid image type. Please ensure the uploaded file is a valid image.",
    code="InvalidImage.FileFormat",
)
BAD_TEMPLATE: Final = _bad("Invalid template content.", code="InvalidFile.Template.Content")

# ── the tasks ────────────────────────────────────────────────────────────────────────────
NOT_PENDING: Final = _bad(
    "Failed to cancel the task, please confirm if the task is in PENDING status.",
    code="UnsupportedOperation",
)
TASK_TIMEOUT: Final = Answer(
    500,
    "InternalError.Timeout",
    "An internal timeout error has occurred during execution, please try again later or contact"
    " service support.",
)
ALGORITHM: Final = Answer(500, "InternalError.Algo", "Inference internal error.")

# ── what a retired model may answer (RET; ERR) ───────────────────────────────────────────
RETIRED: Final = {
    "AccessDenied": _bad("Access denied.", code="AccessDenied", status=403),
    "Endpoint.AccessDenied": _bad(
        "Workspace endpoint access denied.", code="Endpoint.AccessDenied", status=403
    ),
    "ModelNotFound": _bad("Model can not be found.", code="ModelNotFound", status=404),
    "InvalidParameter": NO_SUCH_MODEL,
}

# ── object storage, which answers in XML (OSS PostObject reference) ──────────────────────
OSS_BAD_FORM: Final = _bad(
    "The body of your POST request is not well-formed multipart/form-data.",
    code="MalformedPOSTRequest",
)
OSS_BAD_ARGUMENT: Final = _bad("{}", code="InvalidArgument")
OSS_BAD_KEY_ID: Final = _bad(
    "The OSS Access Key Id you provided does not exist in our records.",
    code="InvalidAccessKeyId",
    status=403,
)
OSS_BAD_SIGNATURE: Final = _bad(
    "The request signature we calculated does not match the signature you provided.",
    code="SignatureDoesNotMatch",
    status=403,
)
OSS_POLICY_EXPIRED: Final = _bad(
    "Invalid according to Policy: Policy expired.", code="AccessDenied", status=403
)
OSS_POLICY_FAILED: Final = _bad(
    "Invalid according to Policy: Policy Condition failed: {}", code="AccessDenied", status=403
)
OSS_TOO_LARGE: Final = _bad(
    "Your proposed upload exceeds the maximum allowed size", code="EntityTooLarge"
)
OSS_EXISTS: Final = _bad(
    "The object you specified already exists and can not be overwritten.",
    code="FileAlreadyExists",
    status=409,
)
OSS_TWO_KEYS: Final = _bad("Only one auth mechanism allowed.", code="InvalidArgument")
OSS_URL_EXPIRED: Final = _bad("Request has expired.", code="AccessDenied", status=403)
OSS_NO_SUCH_KEY: Final = _bad("The specified key does not exist.", code="NoSuchKey", status=404)
OSS_WRONG_METHOD: Final = Answer(
    405, "MethodNotAllowed", "The specified method is not allowed against this resource."
)
