"""Reading the list: how many pages, of what size, how far back, and when not at all."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashscope_aa._waiting.rounds import FAILED_S, REFUSED_S, TRIES, Listing, Round
from dashscope_aa.models import TaskListResponse

NOW = datetime(2026, 11, 21, 9, 0, 0, tzinfo=UTC)


def page(ids: list[str], **facts: Any) -> TaskListResponse:
    return TaskListResponse.model_validate({"data": [{"task_id": id_} for id_ in ids], **facts})


def read(round_: Round, listed: list[str], size: int, **said: Any) -> int:
    """Read a round to its end from a service with pages of this size."""
    while round_.waits:
        number = round_.next_page()
        rows = listed[(number - 1) * size : number * size]
        totals = {"total": len(listed), "total_page": -(-len(listed) // size)}
        round_.took(number, page(rows, **(totals | said)))
    assert round_.over
    return round_.read


ids = [f"t{number}" for number in range(100)]


@pytest.mark.parametrize(
    ("wanted", "size", "said", "read_pages", "unseen"),
    [
        pytest.param(ids, 100, {}, 1, 0, id="one page"),
        pytest.param(ids, 30, {}, 4, 0, id="four pages"),
        pytest.param(ids[:30], 10, {}, 3, 0, id="all seen early"),
        pytest.param(ids[:2], 10, {}, 1, 0, id="first page is enough"),
        pytest.param(ids[-4:], 10, {}, 4, 4, id="no more requests than tasks"),
        pytest.param([*ids, "x"], 30, {}, 4, 1, id="one that is not listed"),
        pytest.param(ids, 20, {"total_page": 1}, 5, 0, id="the number of pages is wrong"),
        pytest.param(ids, 20, {"total": None}, 5, 0, id="no total"),
        pytest.param(ids, 20, {"total": None, "total_page": None}, 5, 0, id="no totals at all"),
        pytest.param([*ids, "x"], 20, {"total": None, "total_page": None}, 6, 1, id="to the end"),
    ],
)
def test_round(
    wanted: list[str], size: int, said: dict[str, Any], read_pages: int, unseen: int
) -> None:
    round_ = Round(wanted, {})
    assert read(round_, ids, size, **said) == read_pages
    assert len(round_.unseen) == unseen


def test_page_broken_off_is_read_again() -> None:
    round_ = Round(ids, {})
    round_.broken_off(round_.next_page())
    assert not round_.over
    assert read(round_, ids, 50) == 2


@given(
    listed=st.lists(st.integers(0, 60), unique=True, max_size=60),
    wanted=st.sets(st.integers(0, 60), min_size=1),
    size=st.integers(1, 70),
)
def test_every_listed_task_is_seen_unless_it_costs_more(
    listed: list[int], wanted: set[int], size: int
) -> None:
    round_ = Round([f"t{n}" for n in wanted], {})
    requests = read(round_, [f"t{n}" for n in listed], size)
    assert requests <= len(wanted)
    missed = {f"t{n}" for n in wanted & set(listed)} & round_.unseen
    assert not missed or requests == len(wanted)


# ── how it is read ───────────────────────────────────────────────────────────────────────


def begun(listing: Listing, *submitted: datetime | None) -> dict[str, str]:
    return dict(listing.begin(["t"], submitted=submitted, now=NOW).query)


def test_worth() -> None:
    listing = Listing(above=20, page_size=10)
    assert not listing.is_worth_it(waiting=20, due=20, now=0)
    assert listing.is_worth_it(waiting=21, due=3, now=0)
    assert not listing.is_worth_it(waiting=21, due=2, now=0)  # there are three pages
    long = Round(ids, {})
    read(long, ["x"] * 200 + ids, 10)
    listing.ended(long)
    assert not listing.is_worth_it(waiting=100, due=29, now=0)
    assert listing.is_worth_it(waiting=100, due=30, now=0)


@pytest.mark.parametrize(
    ("submitted", "since"),
    [
        pytest.param([NOW], "20261121165800", id="UTC+8, clocks may differ"),
        pytest.param([NOW, NOW - timedelta(hours=1)], "20261121155800", id="the oldest"),
        pytest.param([NOW, None], None, id="one is not known"),
        pytest.param([NOW - timedelta(hours=24)], None, id="the list does not go that far back"),
        pytest.param([], "20261121165800", id="none"),
    ],
)
def test_bound(submitted: list[datetime | None], since: str | None) -> None:
    assert begun(Listing(above=1, page_size=7), *submitted).get("start_time") == since


def test_refusals_lead_to_humbler_wishes_and_then_to_a_rest() -> None:
    listing = Listing(above=1, page_size=100)
    wishes: list[tuple[str, bool]] = []
    while listing.is_worth_it(waiting=99, due=99, now=5.0):
        query = begun(listing, NOW)
        wishes.append((query["page_size"], "start_time" in query))
        listing.refused(5.0)
    assert wishes == [
        ("100", True),
        ("50", True),
        ("25", True),
        ("12", True),
        ("10", True),
        ("10", False),
    ]
    assert not listing.is_worth_it(waiting=99, due=99, now=4.9 + REFUSED_S)
    assert listing.is_worth_it(waiting=99, due=99, now=5.0 + REFUSED_S)
    assert begun(listing)["page_size"] == "100"


def test_faults_in_a_row_lead_to_a_short_rest() -> None:
    listing = Listing(above=1, page_size=100)
    for _ in range(3):
        assert [listing.failed(5.0) for _ in range(TRIES - 1)] == [False] * (TRIES - 1)
        listing.answered()
    assert [listing.failed(5.0) for _ in range(TRIES)][-1]
    assert not listing.is_worth_it(waiting=99, due=99, now=4.9 + FAILED_S)
    assert listing.is_worth_it(waiting=99, due=99, now=5.0 + FAILED_S)
