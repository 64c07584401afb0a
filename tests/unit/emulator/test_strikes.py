"""Which fault strikes when: counting, lasting, choosing."""

import math

import pytest

from dashscope_aa.emulator import Barrier, Clock, Fault, Faults, RequestLost, ServerFault, Throttle


@pytest.fixture
def clock() -> Clock:
    return Clock(ticking=False)


@pytest.fixture
def faults(clock: Clock) -> Faults:
    return Faults(clock)


def test_a_fault_strikes_once_unless_told_otherwise(faults: Faults) -> None:
    fault = ServerFault()
    faults.add(fault)
    assert [faults.take(Barrier, "query") for _ in range(2)] == [fault, None]


def test_a_fault_strikes_as_often_as_it_is_told(faults: Faults) -> None:
    fault = ServerFault(times=2)
    faults.add(fault)
    assert [faults.take(Barrier, "query") for _ in range(3)] == [fault, fault, None]
    assert faults.hits(fault) == 2


def test_a_fault_lasts_as_long_as_it_is_told(faults: Faults, clock: Clock) -> None:
    fault = ServerFault(for_s=600)
    faults.add(fault)
    assert faults.take(Barrier, "query") is fault
    clock.advance(599)
    assert faults.take(Barrier, "query") is fault
    clock.advance(1)
    assert faults.take(Barrier, "query") is None


def test_a_fault_may_last_for_ever(faults: Faults, clock: Clock) -> None:
    faults.add(ServerFault(for_s=math.inf))
    clock.advance(hours=1_000_000)
    assert faults.take(Barrier, "query") is not None


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        pytest.param(Throttle(), True, id="anywhere"),
        pytest.param(Throttle(on="move"), True, id="on this operation"),
        pytest.param(Throttle(on={"query", "move"}), True, id="on one of these operations"),
        pytest.param(Throttle(on="query"), False, id="on another operation"),
        pytest.param(Throttle(model="wan2.2-animate-move"), True, id="on this model"),
        pytest.param(Throttle(model="wan2.2-animate-mix"), False, id="on another model"),
    ],
)
def test_where_a_fault_strikes(faults: Faults, fault: Fault, *, struck: bool) -> None:
    faults.add(fault)
    hit = faults.take(Barrier, "move", model="wan2.2-animate-move")
    assert (hit is fault) is struck


def test_the_oldest_fault_strikes_first(faults: Faults) -> None:
    first, second = Throttle(times=2), ServerFault()
    faults.add(first, second)
    assert [faults.take(Barrier, "query") for _ in range(3)] == [first, first, second]


def test_the_list_shows_what_can_still_strike(faults: Faults) -> None:
    used, waiting = Throttle(), RequestLost(on="cancel")
    faults.add(used, waiting)
    faults.take(Barrier, "query")
    assert list(faults) == [waiting]
    assert len(faults) == 1
    faults.clear()
    assert not list(faults)


def test_a_fault_that_is_taken_back_strikes_no_more(faults: Faults) -> None:
    faults.add(ServerFault(times=2), Throttle(times=2), Throttle(on="query"))
    faults.take(Barrier, "list")
    faults.remove(ServerFault(times=2))
    assert list(faults) == [Throttle(times=2), Throttle(on="query")]
    faults.remove(Throttle)
    assert list(faults) == []


def test_hits_are_counted_by_kind_too(faults: Faults) -> None:
    faults.add(Throttle(on="query"), Throttle(on="list"), ServerFault())
    for operation in ("query", "list", "cancel"):
        faults.take(Barrier, operation)
    assert (faults.hits(Throttle), faults.hits(ServerFault), faults.hits(Fault)) == (2, 1, 3)
