"""How often, and when: the bucket never gives too much, the agenda never forgets."""

import math
from bisect import bisect_right
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dashscope_aa._waiting.pace import BURST_S, Agenda, Bucket, Planned

# ── the bucket ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("per_s", "moments", "places"),
    [
        pytest.param(10, [0.0] * 7, [0, 0, 0, 0, 0, 0.1, 0.2], id="a burst, then one by one"),
        pytest.param(10, [0.0] * 5 + [9.0] * 6, [0] * 5 + [9] * 5 + [9.1], id="a rest fills it"),
        pytest.param(2, [0.0] * 3, [0, 0.5, 1.0], id="slow: no burst"),
        pytest.param(0.1, [0.0] * 3, [0, 10, 20], id="very slow"),
        pytest.param(math.inf, [0.0] * 9, [0] * 9, id="no limit"),
    ],
)
def test_places(per_s: float, moments: list[float], places: list[float]) -> None:
    bucket = Bucket(per_s)
    assert [max(bucket.take(now), now) for now in moments] == pytest.approx(places)


def test_place_given_back_goes_to_the_next() -> None:
    bucket = Bucket(1)
    first, second = bucket.take(0.0), bucket.take(0.0)
    bucket.give_back(second)
    assert bucket.take(0.0) == second
    bucket.give_back(first)  # others stand behind it
    assert bucket.take(0.0) == second + 1


@given(
    per_s=st.floats(0.5, 50),
    steps=st.lists(st.tuples(st.floats(0, 2), st.booleans()), max_size=80),
)
def test_no_span_holds_too_many(per_s: float, steps: list[tuple[float, bool]]) -> None:
    bucket, now, used = Bucket(per_s), 0.0, list[float]()
    for pause_s, returned in steps:
        now += pause_s
        place = bucket.take(now)
        if returned:
            bucket.give_back(place)
        else:
            used.append(max(place, now))
            now = used[-1] if len(used) % 3 == 0 else now  # some wait for their place
    used.sort()
    for first, begin in enumerate(used):
        for end in used[first:]:
            held = bisect_right(used, end) - first
            assert held <= per_s * (end - begin) + max(1.0, per_s * BURST_S) + 1e-6


# ── the agenda ───────────────────────────────────────────────────────────────────────────


class Planning(RuleBasedStateMachine):
    """An agenda beside a dictionary that does the same slowly."""

    def __init__(self) -> None:
        super().__init__()
        self.agenda = Agenda[Planned]()
        self.items = [Planned() for _ in range(100)]
        self.model: dict[int, float] = {}

    @rule(number=st.integers(0, 99), moment=st.integers(0, 50))
    def plan(self, number: int, moment: int) -> None:
        self.agenda.plan(self.items[number], float(moment))
        self.model[number] = float(moment)

    @rule(moment=st.integers(0, 50))
    def plan_all(self, moment: int) -> None:
        for number in range(100):
            self.plan(number=number, moment=(number * 7 + moment) % 50)

    @rule(number=st.integers(0, 99))
    def drop(self, number: int) -> None:
        self.agenda.drop(self.items[number])
        self.model.pop(number, None)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def pop(self, data: Any) -> None:
        now = data.draw(st.sampled_from(sorted(set(self.model.values()))))
        due = [self.items.index(item) for item in self.agenda.pop_due(now)]
        assert sorted(due) == sorted(n for n, moment in self.model.items() if moment <= now)
        assert [self.model[n] for n in due] == sorted(self.model[n] for n in due)
        for number in due:
            del self.model[number]

    @invariant()
    def agrees(self) -> None:
        assert len(self.agenda) == len(self.model)
        assert self.agenda.next() == min(self.model.values(), default=math.inf)
        assert len(self.agenda._heap) <= 2 * 100 + 66


TestPlanning = Planning.TestCase
