"""When to ask again and when to send again: decisions as tables."""

import math
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashscope_aa import Schedule
from dashscope_aa._protocol import service_error
from dashscope_aa._schedule import Retries, certainly_refused, may_resend
from dashscope_aa.errors import (
    DashScopeError,
    InputError,
    NoAnswerError,
    NotSentError,
    ProtocolError,
    ServiceError,
    TransportError,
)

UNIT: Final = st.floats(0, 1)


def said_no(
    code: str | None, http_status: int | None, *, retry_after_s: float | None = None
) -> ServiceError:
    return service_error(code, "", http_status=http_status, retry_after_s=retry_after_s)


# ── when a task is asked for ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("age_s", "pause_s"),
    [
        pytest.param(-5.0, 1.0, id="a clock that was turned back"),
        pytest.param(0.0, 1.0, id="new"),
        pytest.param(6.0, 1.0, id="still the shortest"),
        pytest.param(10.0, 1.5, id="growing"),
        pytest.param(60.0, 9.0, id="a minute old"),
        pytest.param(100.0, 15.0, id="as the service advises"),
        pytest.param(1e9, 15.0, id="never longer"),
        pytest.param(float("inf"), 15.0, id="older than everything"),
    ],
)
def test_pause_grows_with_age(age_s: float, pause_s: float) -> None:
    assert Schedule().pause_s(age_s) == pytest.approx(pause_s)
    assert Schedule().pause_s(age_s, jitter=0.0) == pytest.approx(pause_s * 0.9)
    assert Schedule().pause_s(age_s, jitter=1.0) == pytest.approx(pause_s * 1.1)


@given(
    schedule=st.builds(
        Schedule, first_s=st.floats(0.01, 10), cap_s=st.floats(0.01, 100), growth=st.floats(0, 2)
    ),
    age_s=st.floats(0, 1e9),
    older_s=st.floats(0, 1e9),
    jitter=UNIT,
)
def test_any_pause_is_bounded_and_never_shrinks(
    schedule: Schedule, age_s: float, older_s: float, jitter: float
) -> None:
    pause_s = schedule.pause_s(age_s, jitter=jitter)
    assert min(schedule.first_s, schedule.cap_s) * 0.9 <= pause_s * 1.000001
    assert pause_s <= schedule.cap_s * 1.100001
    assert schedule.pause_s(age_s + older_s, jitter=jitter) >= pause_s


@pytest.mark.parametrize(
    ("age_s", "pause_s"),
    [
        pytest.param(0.0, 1.0, id="new"),
        pytest.param(100.0, 15.0, id="the same as at work"),
        pytest.param(150.0, 22.5, id="longer"),
        pytest.param(1e9, 30.0, id="twice as long at most"),
    ],
)
def test_pause_of_a_queued_task(age_s: float, pause_s: float) -> None:
    assert Schedule().pause_s(age_s, queued=True) == pytest.approx(pause_s)


def test_pause_of_all_doubles_with_each_fault() -> None:
    pauses = [Schedule().backoff_s(faults) for faults in (1, 2, 3, 4, 5, 6, 10_000)]
    assert pauses == [1, 2, 4, 8, 15, 15, 15]
    assert Schedule().backoff_s(1, jitter=0.0) == pytest.approx(0.9)


@pytest.mark.parametrize(
    "settings", [{"queries_per_s": 0}, {"queries_per_s": math.nan}, {"page_size": 0}]
)
def test_schedule_that_would_never_ask(settings: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="must be"):
        Schedule(**settings)


def test_a_wait_outlasts_what_the_service_allows_a_task() -> None:
    schedule = Schedule()
    assert schedule.timeout_s is not None
    assert schedule.timeout_s > 3 * 3600
    assert schedule.unreachable_s > 10 * 60


# ── what may be sent again ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("error", "safe", "paid"),
    [
        pytest.param(NotSentError("x"), True, True, id="never left"),
        pytest.param(NoAnswerError("x"), True, False, id="answer lost"),
        pytest.param(ProtocolError("x", http_status=200), True, False, id="answer makes no sense"),
        pytest.param(ProtocolError("x", http_status=302), False, False, id="redirect"),
        pytest.param(TransportError("x"), False, False, id="some network fault"),
        pytest.param(InputError("x"), False, False, id="our own mistake"),
        pytest.param(DashScopeError("x"), False, False, id="anything else"),
        pytest.param(said_no("Throttling.RateQuota", 429), True, True, id="throttled"),
        pytest.param(said_no(None, 429), True, True, id="429 without a code"),
        pytest.param(said_no("Throttling", 400), True, True, id="throttled, by another status"),
        pytest.param(said_no("Throttling", 503), True, False, id="throttled, by a 5xx"),
        pytest.param(said_no("Throttling", None), True, False, id="throttled, nobody says where"),
        pytest.param(said_no("InvalidURL.Timeout", 400), True, True, id="download timed out"),
        pytest.param(said_no("PostpaidBillOverdue", 429), False, False, id="429 that is a bill"),
        pytest.param(said_no("InvalidApiKey", 401), False, False, id="wrong key"),
        pytest.param(said_no("InvalidFile.Size", 400), False, False, id="file too large"),
        pytest.param(said_no("InvalidURL.ConnectionRefused", 400), False, False, id="after a fix"),
        pytest.param(said_no(None, 404), False, False, id="no such path"),
        pytest.param(said_no(None, 500), True, False, id="500"),
        pytest.param(said_no("InternalError", 500), True, False, id="500 with a code"),
        pytest.param(said_no("InternalError", 400), True, False, id="400 that is a 5xx at heart"),
        pytest.param(said_no("InternalError", 200), True, False, id="200 that is a 5xx at heart"),
        pytest.param(said_no(None, 502), True, False, id="502"),
        pytest.param(said_no("ServiceUnavailable", 503), True, False, id="503"),
        pytest.param(said_no(None, 504), True, False, id="504"),
        pytest.param(said_no(None, 408), True, False, id="408: a gateway gave up"),
        pytest.param(said_no("Throttling", 408), True, False, id="408, whatever its code"),
        pytest.param(said_no("Unheard.Of", 500), True, False, id="5xx with an unknown code"),
        pytest.param(said_no("Unheard.Of", 400), False, False, id="4xx with an unknown code"),
    ],
)
def test_may_resend(error: DashScopeError, safe: bool, paid: bool) -> None:  # noqa: FBT001 - columns of the table
    assert may_resend(error, safe=True) is safe
    assert may_resend(error, safe=False) is paid


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        pytest.param(said_no(None, 300), True, id="300"),
        pytest.param(said_no(None, 399), True, id="399"),
        pytest.param(said_no(None, 400), True, id="400"),
        pytest.param(said_no(None, 407), True, id="407"),
        pytest.param(said_no(None, 408), False, id="408"),
        pytest.param(said_no(None, 409), True, id="409"),
        pytest.param(said_no(None, 499), True, id="499"),
        pytest.param(said_no(None, 299), False, id="299"),
        pytest.param(said_no(None, 500), False, id="500"),
        pytest.param(said_no("InvalidFile.Size", 200), False, id="a code with a 200"),
        pytest.param(said_no("InternalError", 400), False, id="a failure with a 400"),
        pytest.param(said_no("InvalidFile.Size", None), False, id="no status"),
        pytest.param(ProtocolError("x", http_status=307), True, id="redirect"),
        pytest.param(ProtocolError("x", http_status=200), False, id="nonsense with a 200"),
        pytest.param(ProtocolError("x"), False, id="nonsense"),
        pytest.param(NoAnswerError("x"), False, id="answer lost"),
        pytest.param(NotSentError("x"), False, id="never left"),
    ],
)
def test_certainly_refused(error: DashScopeError, refused: bool) -> None:  # noqa: FBT001 - a column
    assert certainly_refused(error) is refused


CODES: Final = st.none() | st.sampled_from(
    ["Throttling", "InternalError", "InvalidFile.Size", "InvalidURL.Timeout", "X", "X.Y"]
)


@given(code=CODES, http_status=st.integers(500, 599) | st.just(408), attempt=st.integers(1, 9))
def test_a_paid_call_is_never_sent_again_after_a_5xx(
    code: str | None, http_status: int, attempt: int
) -> None:
    error = said_no(code, http_status)
    assert not may_resend(error, safe=False)
    assert Retries(attempts=10).pause_s(attempt, error, safe=False, jitter=0.5) is None


# ── how long to wait before that ─────────────────────────────────────────────────────────

RETRIES: Final = Retries(attempts=8)
THROTTLED: Final = said_no("Throttling", 429)


@pytest.mark.parametrize(
    ("attempt", "pause_s"),
    [
        pytest.param(1, 0.5, id="first"),
        pytest.param(2, 1.0, id="second"),
        pytest.param(3, 2.0, id="third"),
        pytest.param(6, 16.0, id="sixth"),
        pytest.param(7, 20.0, id="at the cap"),
        pytest.param(8, None, id="enough"),
        pytest.param(9, None, id="more than enough"),
    ],
)
def test_pause_doubles(attempt: int, pause_s: float | None) -> None:
    assert RETRIES.pause_s(attempt, THROTTLED, safe=False, jitter=1.0) == pause_s
    least = RETRIES.pause_s(attempt, THROTTLED, safe=False, jitter=0.0)
    assert least == (pause_s and pause_s / 2)


@pytest.mark.parametrize(
    ("error", "sends"),
    [
        pytest.param(THROTTLED, 8, id="throttled: as often as allowed"),
        pytest.param(NotSentError("x"), 3, id="never left: the address is likely wrong"),
        pytest.param(said_no("InvalidURL.Timeout", 400), 3, id="limited: once or twice more"),
        pytest.param(said_no("Throttling.AllocationQuota", 429), 3, id="limited quota"),
        pytest.param(NoAnswerError("x"), 1, id="answer lost: once and never again"),
        pytest.param(said_no(None, 500), 1, id="5xx: once and never again"),
        pytest.param(said_no("InvalidFile.Size", 400), 1, id="never"),
    ],
)
def test_how_often_a_paid_call_is_sent(error: DashScopeError, sends: int) -> None:
    assert sends_of(RETRIES, error, safe=False) == sends


@pytest.mark.parametrize(
    ("error", "sends"),
    [
        pytest.param(THROTTLED, 8, id="throttled"),
        pytest.param(NotSentError("x"), 3, id="never left"),
        pytest.param(NoAnswerError("x"), 8, id="answer lost"),
        pytest.param(ProtocolError("x"), 8, id="answer makes no sense"),
        pytest.param(said_no(None, 503), 8, id="5xx"),
        pytest.param(said_no("InternalError", 500), 3, id="limited"),
        pytest.param(said_no("InvalidApiKey", 401), 1, id="never"),
    ],
)
def test_how_often_a_safe_call_is_sent(error: DashScopeError, sends: int) -> None:
    assert sends_of(RETRIES, error, safe=True) == sends
    assert sends_of(Retries(attempts=2), error, safe=True) == min(2, sends)
    assert sends_of(Retries(attempts=1), error, safe=True) == 1


def sends_of(retries: Retries, error: DashScopeError, *, safe: bool) -> int:
    """Count how often a call is sent that ends in *error* each time."""
    attempt = 1
    while retries.pause_s(attempt, error, safe=safe, jitter=0.5) is not None:
        attempt += 1
    return attempt


@pytest.mark.parametrize(
    ("asked_s", "jitter", "pause_s"),
    [
        pytest.param(0.0, 0.0, 0.0, id="at once"),
        pytest.param(3.0, 0.0, 3.0, id="never earlier"),
        pytest.param(3.0, 1.0, 3.5, id="a little later, so that not all come at once"),
        pytest.param(60.0, 0.0, 60.0, id="longer than our own cap"),
        pytest.param(120.0, 0.0, 120.0, id="as long as we bear"),
        pytest.param(120.1, 0.0, None, id="longer: an error at once, no earlier try"),
        pytest.param(1e9, 1.0, None, id="much longer"),
    ],
)
@pytest.mark.parametrize("safe", [pytest.param(True, id="safe"), pytest.param(False, id="paid")])
def test_retry_after_is_obeyed(
    asked_s: float,
    jitter: float,
    pause_s: float | None,
    safe: bool,  # noqa: FBT001 - a column of the table
) -> None:
    error = said_no("Throttling", 429, retry_after_s=asked_s)
    assert RETRIES.pause_s(1, error, safe=safe, jitter=jitter) == pause_s


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(said_no("InvalidApiKey", 401, retry_after_s=1.0), id="wrong key"),
        pytest.param(said_no("InternalError", 500, retry_after_s=1.0), id="5xx"),
    ],
)
def test_retry_after_allows_nothing_that_is_forbidden(error: ServiceError) -> None:
    assert RETRIES.pause_s(1, error, safe=False, jitter=0.5) is None


@given(
    attempt=st.integers(1, 1000),
    attempts=st.integers(1, 1000),
    jitter=UNIT,
    asked_s=st.none() | st.floats(0, 1e6),
    safe=st.booleans(),
)
def test_any_pause_is_bounded(
    attempt: int, attempts: int, jitter: float, asked_s: float | None, *, safe: bool
) -> None:
    error = said_no("Throttling", 429, retry_after_s=asked_s)
    pause_s = Retries(attempts=attempts).pause_s(attempt, error, safe=safe, jitter=jitter)
    if attempt >= attempts or (asked_s or 0) > 120:
        assert pause_s is None
    elif asked_s is not None:
        assert pause_s is not None
        assert asked_s <= pause_s <= asked_s + 0.5
    else:
        assert pause_s is not None
        assert 0.25 <= pause_s <= 20
