"""Every fault, as a client meets it on a real socket."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashscope_aa.emulator import (
    AnswerLost,
    Fault,
    Malformed,
    RequestLost,
    Retired,
    ServerFault,
    SlowBody,
    SlowHeaders,
    Throttle,
    Truncated,
    Unpaid,
)

QUERY = "/tasks/nobody-knows"


def said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def submit(desk: Any) -> httpx.Response:
    answer: httpx.Response = desk.template("http://127.0.0.1:9/clip.mp4")
    return answer


# ── refusals ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fault", "expected", "retry_after"),
    [
        pytest.param(Throttle(), (429, "Throttling.RateQuota"), None, id="throttle"),
        pytest.param(
            Throttle(retry_after_s=2), (429, "Throttling.RateQuota"), "2", id="throttle for 2 s"
        ),
        pytest.param(
            Throttle(code="Throttling.BurstRate"), (429, "Throttling.BurstRate"), None, id="burst"
        ),
        pytest.param(Unpaid(), (429, "PostpaidBillOverdue"), None, id="unpaid bill"),
        pytest.param(
            Unpaid(code="PrepaidBillOverdue"), (429, "PrepaidBillOverdue"), None, id="pre"
        ),
        pytest.param(
            Unpaid(code="CommodityNotPurchased"), (429, "CommodityNotPurchased"), None, id="bought"
        ),
        pytest.param(Unpaid(code="Arrearage"), (400, "Arrearage"), None, id="arrears"),
        pytest.param(
            Unpaid(code="AllocationQuota.FreeTierOnly"),
            (403, "AllocationQuota.FreeTierOnly"),
            None,
            id="free tier used up",
        ),
        pytest.param(ServerFault(), (503, "ServiceUnavailable"), None, id="503"),
        pytest.param(
            ServerFault(status=500, code="InternalError", message="Internal server error!"),
            (500, "InternalError"),
            None,
            id="500",
        ),
        pytest.param(
            ServerFault(retry_after_s=1.5), (503, "ServiceUnavailable"), "1.5", id="503 for 1.5 s"
        ),
        pytest.param(Retired(), (404, "ModelNotFound"), None, id="retired"),
        pytest.param(Retired(code="AccessDenied"), (403, "AccessDenied"), None, id="denied"),
        pytest.param(
            Retired(code="InvalidParameter"), (400, "InvalidParameter"), None, id="no model"
        ),
    ],
)
def test_refusals(
    desk: Any, fault: Fault, expected: tuple[int, str], retry_after: str | None
) -> None:
    desk.emulator.faults.add(fault)
    answer = submit(desk)
    assert said(answer) == expected
    assert answer.headers.get("retry-after") == retry_after
    assert desk.emulator.tasks == ()
    assert submit(desk).status_code == 200


def test_an_outage_lasts_on_the_clock(still_desk: Any) -> None:
    still_desk.emulator.faults.add(ServerFault(for_s=600))
    for minutes in range(10):
        assert still_desk.get(QUERY).status_code == 503, minutes
        still_desk.emulator.clock.advance(minutes=1)
    assert still_desk.get(QUERY).status_code == 200


def test_uploads_are_refused_in_xml(desk: Any) -> None:
    desk.emulator.faults.add(ServerFault(on="upload"))
    form = desk.form(desk.certificate(), "a.jpg")
    answer = httpx.post(f"{desk.emulator.root_url}/oss", data=form, files={"file": b"x" * 999_999})
    assert answer.status_code == 503
    assert "<Code>ServiceUnavailable</Code>" in answer.text


# ── broken connections ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param(RequestLost(), httpx.ReadError, id="reset before"),
        pytest.param(RequestLost(reset=False), httpx.RemoteProtocolError, id="closed before"),
        pytest.param(AnswerLost(), httpx.ReadError, id="reset after"),
        pytest.param(AnswerLost(reset=False), httpx.RemoteProtocolError, id="closed after"),
        pytest.param(AnswerLost(within=True), httpx.ReadError, id="reset within"),
        pytest.param(
            AnswerLost(within=True, reset=False), httpx.RemoteProtocolError, id="closed within"
        ),
    ],
)
def test_connections_that_break(desk: Any, fault: Fault, error: type[Exception]) -> None:
    desk.emulator.faults.add(fault)
    with pytest.raises(error):
        submit(desk)
    accepted = len(desk.emulator.tasks)
    assert accepted == (0 if isinstance(fault, RequestLost) else 1)
    assert desk.emulator.paid_submits() == 1
    assert desk.get(QUERY).status_code == 200


def test_what_was_refused_cannot_be_lost(desk: Any) -> None:
    desk.emulator.faults.add(AnswerLost(on="template"))
    assert desk.template("nonsense").status_code == 400
    with pytest.raises(httpx.ReadError):
        submit(desk)


def test_an_upload_may_be_lost_on_the_way(desk: Any) -> None:
    desk.emulator.faults.add(RequestLost(on="upload"))
    form = desk.form(desk.certificate(), "a.jpg")
    url, files = f"{desk.emulator.root_url}/oss", {"file": b"x" * 20_000_000}
    with pytest.raises(httpx.TransportError):
        httpx.post(url, data=form, files=files)
    assert desk.emulator.uploads == ()
    assert httpx.post(url, data=form, files=files).status_code == 200


# ── spoiled answers ──────────────────────────────────────────────────────────────────────


def test_half_an_answer_is_no_json(desk: Any) -> None:
    desk.emulator.faults.add(Malformed())
    answer = desk.get(QUERY)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answer.json()


def test_answer_of_the_wrong_type(desk: Any) -> None:
    desk.emulator.faults.add(Malformed(text='{"output": [1]}'))
    assert desk.get(QUERY).json() == {"output": [1]}


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(SlowHeaders(delay_s=30), id="it does not begin"),
        pytest.param(SlowBody(delay_s=30), id="it does not go on"),
    ],
)
def test_slow_answers_outlast_patience(desk: Any, fault: Fault) -> None:
    desk.emulator.faults.add(fault)
    with pytest.raises(httpx.ReadTimeout):
        desk.http.get(desk.base_url + QUERY, timeout=httpx.Timeout(30, read=0.1))


def test_slow_answers_come_whole(desk: Any) -> None:
    desk.emulator.faults.add(SlowHeaders(delay_s=0.01), SlowBody(delay_s=0.001, piece_bytes=7))
    answers = [desk.get(QUERY).json()["output"]["task_status"] for _ in range(2)]
    assert answers == ["UNKNOWN", "UNKNOWN"]


@pytest.mark.parametrize(
    "after_bytes",
    [pytest.param(1000, id="in the first piece"), pytest.param(70_000, id="in a later one")],
)
def test_a_download_may_end_early(
    desk: Any, tmp_path: Path, after_bytes: int, read: Callable[[str], tuple[int, int]]
) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(bytes(200_000))
    desk.emulator.faults.add(Truncated(after_bytes=after_bytes))
    url = desk.emulator.host_file(path)
    assert read(url) == (200_000, after_bytes)
    assert read(url) == (200_000, 200_000)


@pytest.fixture
def read() -> Callable[[str], tuple[int, int]]:
    """Read a URL to its end, early or not; give the promised and the real length."""

    def promised_and_read(url: str) -> tuple[int, int]:
        size = 0
        with httpx.stream("GET", url) as answer:
            try:
                for chunk in answer.iter_bytes():
                    size += len(chunk)
            except httpx.RemoteProtocolError:
                assert size < int(answer.headers["content-length"])
            return int(answer.headers["content-length"]), size

    return promised_and_read
