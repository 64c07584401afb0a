"""The table of codes against the documents, and `lookup` against anything at all.

What each code must become is written here a second time, by hand, so that a slip in either
place shows. ``tests/data/errors.json`` holds the documented codes, texts and retry words.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashscope_aa.codes import CODES, Code, Retry, lookup
from dashscope_aa.errors import (
    AuthenticationError,
    BillingError,
    ContentBlockedError,
    HumanContentError,
    InvalidRequestError,
    MediaError,
    MediaUnreachableError,
    ModelUnavailableError,
    NotFoundError,
    PermissionDeniedError,
    ServerError,
    ServiceError,
    ThrottledError,
)

ROWS: Final[list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[1] / "data" / "errors.json").read_text(encoding="utf-8")
)
PLACEHOLDER: Final = "xxxxxx"
"""What a documented sample prints where a text would be."""

CLASSES: Final[dict[type[ServiceError], str]] = {
    AuthenticationError: """
        InvalidApiKey
        invalid_api_key
        invalid access token or token expired
    """,
    PermissionDeniedError: """
        AccessDenied
        App.AccessDenied
        Model.AccessDenied
        NOT AUTHORIZED
        Workspace.AccessDenied
    """,
    ModelUnavailableError: """
        Endpoint.AccessDenied
        ModelNotFound
    """,
    BillingError: """
        AccessDenied.Unpurchased
        AllocationQuota.FreeTierOnly
        Arrearage
        CommodityNotPurchased
        Contain.Forbidden.Label.Error
        PostpaidBillOverdue
        PrepaidBillOverdue
        isv.OUT_OF_SERVICE
    """,
    ThrottledError: """
        Throttling
        Throttling.AllocationQuota
        Throttling.BurstRate
        Throttling.Concurrency
        Throttling.RateQuota
    """,
    NotFoundError: """
        BadRequest.ResourceNotExist
        NotFound
        WorkSpaceNotFound
    """,
    InvalidRequestError: """
        BadRequest.EmptyInput
        BadRequest.EmptyModel
        BadRequest.EmptyParameters
        BadRequest.IllegalInput
        ClientDisconnect
        Conflict
        FileAlreadyExists
        InvalidFile.Template.Content
        InvalidParameter
        ServiceUnavailableError
        UnsupportedOperation
        model not supported
    """,
    MediaUnreachableError: """
        BadRequest.InputDownloadFailed
        InvalidFile.DownloadFailed
        InvalidURL
        InvalidURL.ConnectionRefused
        InvalidURL.Timeout
    """,
    MediaError: """
        BadRequest.TooLarge
        BadRequest.UnsupportedFileFormat
        EntityTooLarge
        InvalidFile.AspectRatio
        InvalidFile.Duration
        InvalidFile.FPS
        InvalidFile.Format
        InvalidFile.ImageSize
        InvalidFile.Openerror
        InvalidFile.Resolution
        InvalidFile.Size
        InvalidImage.FileFormat
        InvalidImage.ImageSize
        InvalidImage.Resolution
        InvalidImageFormat
        InvalidImageResolution
        InvalidInputLength
        InvalidParameter.DataInspection
        InvalidVideo.Duration
        InvalidVideo.Resolution
    """,
    HumanContentError: """
        InvalidFile.BodyPose
        InvalidFile.BodyProportion
        InvalidFile.Content
        InvalidFile.FaceNotMatch
        InvalidFile.FacePose
        InvalidFile.FrontBody
        InvalidFile.FullBody
        InvalidFile.FullFace
        InvalidFile.MultiHuman
        InvalidFile.NoHuman
        InvalidFile.Value
        InvalidImage.FrontBody
        InvalidImage.FullFace
        InvalidImage.NoHumanFace
        InvalidPerson
        InvalidVideo.FrontBody
        InvalidVideo.FullFace
        InvalidVideo.NoHuman
    """,
    ContentBlockedError: """
        CustomRoleBlocked
        DataInspectionFailed
        FaqRuleBlocked
        IPInfringementSuspect
    """,
    ServerError: """
        InternalError
        InternalError.Algo
        InternalError.FileUpload
        InternalError.Timeout
        InternalError.Upload
        ModelServiceFailed
        ModelUnavailable
        RequestTimeOut
        ResponseTimeout
        ServiceUnavailable
        SystemError
    """,
    ServiceError: """
        WaitTaskTimeout
    """,
}
CLASS_OF: Final = {
    name.strip(): error for error, names in CLASSES.items() for name in names.strip().splitlines()
}

OTHERWISE: Final[dict[tuple[str, str], type[ServiceError]]] = {
    ("AccessDenied", "Current user api does not support asynchronous calls."): InvalidRequestError,
    ("AccessDenied", "current user api does not support synchronous calls."): InvalidRequestError,
    ("AccessDenied", "Invalid according to Policy: Policy expired."): InvalidRequestError,
    ("AccessDenied", "Access denied."): ModelUnavailableError,
    (
        "ModelNotFound",
        "The provided model xxx is not supported by the Batch API.",
    ): InvalidRequestError,
    ("Throttling.AllocationQuota", "Free allocated quota exceeded."): BillingError,
    (
        "InvalidURL",
        "Required URL is missing or invalid, please check the request URL.",
    ): InvalidRequestError,
    (
        "InvalidParameter.DataInspection",
        "Unable to download the media resource during the data inspection process.",
    ): MediaUnreachableError,
    ("InternalError.Algo", "Missing Content-Length of multimodal url."): MediaUnreachableError,
    ("InternalError.Algo", "Embedding_pipeline_Error: xxx"): MediaError,
    ("InvalidParameter", "Model not exist."): ModelUnavailableError,
    (
        "InvalidParameter",
        (
            "The product is not activated, please confirm that you have activated products and "
            "try again after activation."
        ),
    ): BillingError,
    (
        "InvalidParameter",
        "The image content does not comply with green network verification.",
    ): ContentBlockedError,
    **{
        ("InvalidParameter", text): MediaUnreachableError
        for text in (
            "Failed to download input files.",
            "OSS download error.",
            "Image download failed.",
            "The provided URL does not appear to be valid. Ensure it is correctly formatted.",
            "Failed to download multimodal content.",
            "Download the media resource timed out during the data inspection process.",
            "Unable to download the media resource during the data inspection process.",
            "Failed to find the requested media resource during the data inspection process.",
            (
                "Don't have authorization to access the media resource during the data inspection "
                "process."
            ),
            "Wrong Content-Type of multimodal url",
        )
    },
    **{
        ("InvalidParameter", text): MediaError
        for text in (
            "Input files format not supported.",
            "Image read error.",
            "Invalid image format or corrupted file",
            "Video reading error.",
            "Invalid video file.",
            "the size of input image is too small or too large.",
            "The file format is illegal and cannot be opened.",
            "The audio format is illegal and cannot be opened.",
            "The media format is not supported or incorrect for the data inspection.",
            "Failed to decode the image during the data inspection.",
            "The image size is not supported for the data inspection.",
        )
    },
}
"""Texts that become another class than their code does."""

RETRY_OF: Final = {
    False: Retry.NEVER,
    "after-fix": Retry.AFTER_FIX,
    "after-fix-or-once": Retry.AFTER_FIX,
    "limited": Retry.LIMITED,
    True: Retry.YES,
    "n/a": Retry.NEVER,  # WaitTaskTimeout, which the service never sends
}


def texts(row: dict[str, Any]) -> list[str]:
    """Take apart the texts that the documents print in one cell, with slashes between them."""
    said: str = (row["message"] or "").removeprefix("(OSS XML) ")
    if said in {"", PLACEHOLDER}:
        return []
    return re.split(r"(?<=[.!])\s*/\s*", said)


DOCUMENTED: Final = [
    pytest.param(row, text, id=f"{number} {row['code']}: {text or 'no text'}"[:80])
    for number, row in enumerate(ROWS)
    for text in texts(row) or [""]
]


def test_codes_are_exactly_the_documented_ones() -> None:
    assert set(CODES) == {row["code"] for row in ROWS if row["code"]}
    assert set(CODES) == set(CLASS_OF)
    assert all(name == row.name for name, row in CODES.items())


@pytest.mark.parametrize(("row", "text"), DOCUMENTED)
def test_a_documented_row_maps_to_its_class(row: dict[str, Any], text: str) -> None:
    code = row["code"]
    expected = OTHERWISE.get((code, text)) or CLASS_OF.get(code, ServiceError)
    assert lookup(code, message=text, http_status=row["http_status"]).error is expected


@pytest.mark.parametrize(("row", "text"), DOCUMENTED)
def test_retry_agrees_with_the_documented_row(row: dict[str, Any], text: str) -> None:
    found = lookup(row["code"], message=text, http_status=row["http_status"])
    assert found.retry is RETRY_OF[row["retryable"]]


@pytest.mark.parametrize(("row", "text"), DOCUMENTED)
def test_a_row_keeps_what_the_documents_print(row: dict[str, Any], text: str) -> None:
    if row["code"] is None:  # a verdict or a state, not an error
        return
    found = CODES[row["code"]]
    assert row["scope"] in found.scopes
    assert row["http_status"] in (found.http_status, None)
    assert not text or text in found.messages


def test_rows_hold_no_text_scope_or_status_of_their_own() -> None:
    for name, row in CODES.items():
        printed = [entry for entry in ROWS if entry["code"] == name]
        assert set(row.messages) == {text for entry in printed for text in texts(entry)}, name
        assert set(row.scopes) == {entry["scope"] for entry in printed}, name
        assert row.http_status in {entry["http_status"] for entry in printed}, name


def test_every_exception_by_text_is_a_documented_text() -> None:
    assert set(OTHERWISE) <= {(row["code"], text) for row in ROWS for text in texts(row)}


SENTENCE: Final = re.compile(r"[A-Z].*[^.]\.")


@pytest.mark.parametrize("row", CODES.values(), ids=list(CODES))
def test_a_row_says_what_it_means_what_to_do_and_where_it_is_printed(row: Code) -> None:
    for version in (row, *(lookup(row.name, message=text) for text in row.messages)):
        assert SENTENCE.fullmatch(version.meaning)
        assert SENTENCE.fullmatch(version.action)
    assert row.source


@pytest.mark.parametrize("row", CODES.values(), ids=list(CODES))
def test_every_refinement_is_reached_by_a_documented_text(row: Code) -> None:
    reached = {lookup(row.name, message=text).meaning for text in row.messages}
    for refinement in row.refinements:
        assert refinement.meaning in reached
        for words in refinement.says:
            assert words == words.casefold()
            assert any(words in text.casefold() for text in row.messages)


@pytest.mark.parametrize(
    ("code", "message", "status"),
    [
        pytest.param("AccessDenied", "Access denied.", 403, id="access denied"),
        pytest.param(
            "Endpoint.AccessDenied", "Workspace endpoint access denied.", 403, id="endpoint"
        ),
        pytest.param("ModelNotFound", "Model can not be found.", 404, id="model not found"),
        pytest.param("InvalidParameter", "Model not exist.", 400, id="model does not exist"),
    ],
)
def test_a_model_that_is_gone_is_one_error(code: str, message: str, status: int) -> None:
    found = lookup(code, message=message, http_status=status)
    assert found.error is ModelUnavailableError
    assert found.retry is Retry.NEVER


def test_a_model_that_is_down_is_not_gone() -> None:
    assert lookup("ModelUnavailable", http_status=503).error is ServerError
    assert lookup("ModelUnavailable", http_status=503).retry is Retry.YES


@pytest.mark.parametrize(
    ("message", "error", "retry", "advice"),
    [
        pytest.param(
            "Current user api does not support asynchronous calls.",
            InvalidRequestError,
            Retry.NEVER,
            "without X-DashScope-Async",
            id="task header on a call that is answered at once",
        ),
        pytest.param(
            "current user api does not support synchronous calls.",
            InvalidRequestError,
            Retry.NEVER,
            "with X-DashScope-Async: enable",
            id="no task header on a call that starts a task",
        ),
        pytest.param(
            "Invalid according to Policy: Policy expired.",
            InvalidRequestError,
            Retry.AFTER_FIX,
            "new certificate",
            id="upload certificate expired",
        ),
        pytest.param(
            "ACCESS DENIED.", ModelUnavailableError, Retry.NEVER, "retired", id="model gone"
        ),
        pytest.param("Not today", PermissionDeniedError, Retry.NEVER, "console", id="other text"),
        pytest.param("", PermissionDeniedError, Retry.NEVER, "console", id="no text"),
    ],
)
def test_access_denied_is_told_apart_by_its_text(
    message: str, error: type[ServiceError], retry: Retry, advice: str
) -> None:
    found = lookup("AccessDenied", message=message, http_status=403)
    assert (found.name, found.error, found.retry) == ("AccessDenied", error, retry)
    assert advice in found.action


@pytest.mark.parametrize(
    "code",
    [
        "AllocationQuota.FreeTierOnly",
        "Arrearage",
        "CommodityNotPurchased",
        "PostpaidBillOverdue",
        "PrepaidBillOverdue",
    ],
)
def test_a_bill_is_never_a_rush_whatever_the_status(code: str) -> None:
    found = lookup(code, http_status=429)
    assert found.error is BillingError
    assert found.retry is Retry.NEVER


@pytest.mark.parametrize(
    ("code", "name", "error", "retry"),
    [
        pytest.param(
            "InvalidFile.Brandnew", "InvalidFile.*", MediaError, Retry.NEVER, id="a file code"
        ),
        pytest.param(
            "InvalidFile.Template.Brandnew",
            "InvalidFile.*",
            MediaError,
            Retry.NEVER,
            id="a deeper file code",
        ),
        pytest.param(
            "InvalidImage.New", "InvalidImage.*", MediaError, Retry.NEVER, id="a picture code"
        ),
        pytest.param(
            "InvalidVideo.New", "InvalidVideo.*", MediaError, Retry.NEVER, id="a clip code"
        ),
        pytest.param(
            "BadRequest.New", "BadRequest.*", InvalidRequestError, Retry.NEVER, id="a bad request"
        ),
        pytest.param(
            "AccessDenied.New",
            "AccessDenied.*",
            PermissionDeniedError,
            Retry.NEVER,
            id="a denial, even when it says: access denied.",
        ),
        pytest.param(
            "AllocationQuota.New", "AllocationQuota.*", BillingError, Retry.NEVER, id="a quota"
        ),
        pytest.param(
            "InvalidParameter.New",
            "InvalidParameter",
            InvalidRequestError,
            Retry.NEVER,
            id="a parameter code",
        ),
        pytest.param(
            "InvalidURL.New", "InvalidURL", MediaUnreachableError, Retry.NEVER, id="a URL code"
        ),
        pytest.param(
            "InternalError.X", "InternalError", ServerError, Retry.LIMITED, id="an internal error"
        ),
        pytest.param("Throttling.New", "Throttling", ThrottledError, Retry.YES, id="a throttle"),
        pytest.param(
            "InvalidFile.NoHuman.New.And.Much.Deeper",
            "InvalidFile.NoHuman",
            HumanContentError,
            Retry.NEVER,
            id="a sub-code of a documented code",
        ),
    ],
)
def test_an_unknown_code_falls_back_by_its_dotted_prefix(
    code: str, name: str, error: type[ServiceError], retry: Retry
) -> None:
    found = lookup(code, message="Access denied.", http_status=418)
    assert (found.name, found.error, found.retry) == (name, error, retry)


def test_a_sub_code_is_refined_like_its_parent() -> None:
    assert lookup("InvalidParameter.New", message="Model not exist.").error is ModelUnavailableError


@pytest.mark.parametrize("code", [None, "", "  ", "Brandnew", "Brand.New", ".", "....", "😀"])
@pytest.mark.parametrize(
    ("status", "error", "retry"),
    [
        pytest.param(None, ServiceError, Retry.NEVER, id="no status"),
        pytest.param(200, ServiceError, Retry.NEVER, id="200"),
        pytest.param(-1, ServiceError, Retry.NEVER, id="no HTTP status at all"),
        pytest.param(400, InvalidRequestError, Retry.NEVER, id="400"),
        pytest.param(401, AuthenticationError, Retry.NEVER, id="401"),
        pytest.param(402, BillingError, Retry.NEVER, id="402"),
        pytest.param(403, PermissionDeniedError, Retry.NEVER, id="403"),
        pytest.param(404, NotFoundError, Retry.NEVER, id="404"),
        pytest.param(408, ServerError, Retry.YES, id="408"),
        pytest.param(418, InvalidRequestError, Retry.NEVER, id="418"),
        pytest.param(429, ThrottledError, Retry.YES, id="429"),
        pytest.param(500, ServerError, Retry.YES, id="500"),
        pytest.param(503, ServerError, Retry.YES, id="503"),
        pytest.param(599, ServerError, Retry.YES, id="599"),
    ],
)
def test_a_code_of_no_family_falls_back_by_status(
    code: str | None, status: int | None, error: type[ServiceError], retry: Retry
) -> None:
    found = lookup(code, http_status=status)
    assert (found.error, found.retry) == (error, retry)
    assert found.name not in CODES
    assert SENTENCE.fullmatch(found.meaning)
    assert SENTENCE.fullmatch(found.action)
    assert found.source


@pytest.mark.parametrize("name", CODES)
def test_capitals_and_blanks_around_a_code_do_not_matter(name: str) -> None:
    assert lookup(name.upper()) is CODES[name]
    assert lookup(f" {name.lower()} ") is CODES[name]


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("LimitRequests", "Throttling.RateQuota"),
        ("ResourceExhausted", "Throttling.RateQuota"),
        ("data_inspection_failed", "DataInspectionFailed"),
        ("insufficient_quota", "Throttling.AllocationQuota"),
        ("internal_error", "InternalError"),
        ("limit_burst_rate", "Throttling.BurstRate"),
        ("limit_requests", "Throttling.RateQuota"),
        ("model_not_found", "ModelNotFound"),
    ],
)
def test_an_alias_finds_the_row_of_its_code(alias: str, name: str) -> None:
    assert lookup(alias) is CODES[name]


def test_no_two_spellings_are_the_same_but_for_capitals() -> None:
    spellings = [word for row in CODES.values() for word in (row.name, *row.aliases)]
    assert len({word.casefold() for word in spellings}) == len(spellings)


CODE_LIKE: Final = st.one_of(
    st.none(),
    st.text(),
    st.sampled_from(sorted(CODES)),
    st.builds("{}.{}".format, st.sampled_from(sorted(CODES)), st.text()),
    st.integers(0, 10_000).map(lambda count: "." * count),
)


@given(code=CODE_LIKE, message=st.text(), status=st.none() | st.integers())
def test_lookup_answers_anything_with_a_row(
    code: str | None, message: str, status: int | None
) -> None:
    found = lookup(code, message=message, http_status=status)
    assert issubclass(found.error, ServiceError)
    assert isinstance(found.retry, Retry)
    assert found.meaning
    assert found.action
