"""How long trouble is borne: the silence of a task, the silence of the service, Retry-After."""

import math
from typing import Any

import pytest

from dashscope_aa import Schedule
from dashscope_aa._waiting.timeline import Timeline
from dashscope_aa._waiting.trouble import Trouble
from dashscope_aa._waiting.watch import Unreachable, Watch
from dashscope_aa.errors import NoAnswerError, ThrottledError

SCHEDULE = Schedule(first_s=1, cap_s=15, unreachable_s=100)


def watch(*, joined: float = 0.0, silent_since: float = math.inf) -> Watch:
    made = Watch("t", None, Timeline(grace=0))
    made.begin(joined)
    made.silent_since = silent_since
    return made


def asked_to_wait(seconds: float) -> ThrottledError:
    error = ThrottledError("slowly")
    error.retry_after_s = seconds
    return error


def note(trouble: Trouble, now: float, error: Any = None) -> None:
    trouble.note(error or NoAnswerError("lost"), now=now, jitter=0.5)


def borne(trouble: Trouble, task: Watch, now: float, until: float = math.inf) -> bool:
    return trouble.too_much(task, until=until, now=now) is None


def test_pauses_double_up_to_the_cap_and_end_with_an_answer() -> None:
    trouble = Trouble(SCHEDULE)
    pauses: list[float] = []
    for number in range(7):
        now = 100.0 * number
        note(trouble, now)
        pauses.append(trouble.quiet_until - now)
    assert pauses == [1, 2, 4, 8, 15, 15, 15]
    assert trouble.at_hand
    trouble.clear()
    assert not trouble.at_hand
    assert trouble.quiet_until <= 600.0


def test_retry_after_outlasts_an_answer_that_was_under_way() -> None:
    trouble = Trouble(SCHEDULE)
    note(trouble, 0.0, asked_to_wait(12))
    note(trouble, 1.0, asked_to_wait(2))
    trouble.clear()
    assert trouble.quiet_until == 12


def test_nothing_is_too_much_without_a_fault() -> None:
    assert borne(Trouble(SCHEDULE), watch(silent_since=0.0), 1e9)


def test_silence_of_a_task() -> None:
    trouble = Trouble(SCHEDULE)
    note(trouble, 0.0)
    trouble.clear()
    assert borne(trouble, watch(silent_since=0.0), 100.0)
    why = trouble.too_much(watch(silent_since=0.0), until=math.inf, now=101.0)
    assert isinstance(why, Unreachable)
    assert (why.silent_s, why.asked_s, why.last.message) == (101, 0, "lost")
    assert borne(trouble, watch(), 101.0)


def test_silence_of_the_service_counts_for_all_from_the_begin_of_their_waits() -> None:
    trouble = Trouble(SCHEDULE)
    note(trouble, 50.0)
    assert not borne(trouble, watch(), 151.0)
    assert borne(trouble, watch(joined=60.0), 151.0)
    trouble.clear()
    assert borne(trouble, watch(), 151.0)


@pytest.mark.parametrize(
    ("asked_s", "until", "is_borne"),
    [
        pytest.param(12, math.inf, True, id="12 s"),
        pytest.param(100, math.inf, True, id="as long as silence is borne"),
        pytest.param(101, math.inf, False, id="longer"),
        pytest.param(3600, math.inf, False, id="an hour"),
        pytest.param(12, 12.5, True, id="within the time of the wait"),
        pytest.param(12, 11.5, False, id="beyond the time of the wait"),
        pytest.param(0, 0.5, True, id="at once"),
    ],
)
def test_retry_after(asked_s: float, until: float, *, is_borne: bool) -> None:
    trouble = Trouble(SCHEDULE)
    note(trouble, 0.0, asked_to_wait(asked_s))
    assert borne(trouble, watch(), 0.0, until) is is_borne
    if not is_borne:
        why = trouble.too_much(watch(), until=until, now=0.0)
        assert why is not None
        assert (why.silent_s, why.asked_s) == (0, asked_s)
