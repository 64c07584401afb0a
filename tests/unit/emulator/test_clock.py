"""The clock that can be turned, and how the service writes its times."""

import pytest

from dashscope_aa.emulator import Clock
from dashscope_aa.emulator._clock import compact_time, service_time, utc_time


def test_a_clock_can_stand_still() -> None:
    clock = Clock(ticking=False)
    assert clock.now() == clock.now()


def test_a_clock_can_be_turned() -> None:
    clock = Clock(ticking=False)
    before = clock.now()
    clock.advance(1, minutes=2, hours=3)
    assert clock.now() - before == pytest.approx(1 + 120 + 10_800)


def test_a_ticking_clock_goes_on() -> None:
    clock = Clock()
    before = clock.now()
    assert clock.now() >= before


def test_a_clock_is_not_turned_back() -> None:
    with pytest.raises(ValueError, match="forward"):
        Clock().advance(-1)


def test_times_are_those_of_beijing() -> None:
    # The capture whose header says 09:38:37 GMT says 17:38:24.831 in its body (CAP).
    assert service_time(1_709_285_904.831) == "2024-03-01 17:38:24.831"
    assert utc_time(1_709_285_904.831) == "2024-03-01T09:38:24.831Z"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("20240301173824", 1_709_285_904.0, id="as documented"),
        pytest.param("2024-03-01", None, id="another form"),
        pytest.param("20241301000000", None, id="no such month"),
    ],
)
def test_times_of_a_list_query(text: str, moment: float | None) -> None:
    assert compact_time(text) == moment
