"""Each comparator: which values keep it, and how it reads."""

from fractions import Fraction

import pytest

from dashscope_aa.media._judging.limits import (
    AtLeast,
    AtMost,
    Between,
    LessThan,
    Limit,
    Measured,
    MoreThan,
    Near,
    OneOf,
    say,
)

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("limit", "value", "kept"),
    [
        pytest.param(AtLeast(24), 24, True, id="the lower bound itself"),
        pytest.param(AtLeast(24), 23.999, False, id="just below it"),
        pytest.param(AtLeast(24, 0.01), 23.995, True, id="within the slack below"),
        pytest.param(AtLeast(24, 0.01), 23.976, False, id="film rate is no rounding"),
        pytest.param(AtMost(4096), 4096, True, id="the upper bound itself"),
        pytest.param(AtMost(4096), 4097, False, id="one above it"),
        pytest.param(AtMost(3), Fraction(3), True, id="an exact ratio"),
        pytest.param(AtMost(3), Fraction(602, 200), False, id="a ratio a hair above"),
        pytest.param(AtMost(60, 0.05), 60.04, True, id="within the slack above"),
        pytest.param(MoreThan(224), 224, False, id="an exclusive lower bound"),
        pytest.param(MoreThan(224), 225, True, id="one above an exclusive lower bound"),
        pytest.param(LessThan(5 * MIB), 5 * MIB, False, id="an exclusive upper bound"),
        pytest.param(LessThan(5 * MIB), 5 * MIB - 1, True, id="a byte below it"),
        pytest.param(Between(2, 60), 2, True, id="the low end"),
        pytest.param(Between(2, 60), 60, True, id="the high end"),
        pytest.param(Between(2, 60), 1.99, False, id="below the low end"),
        pytest.param(Between(2, 60, 0.05), 60.06, False, id="above the high end and its slack"),
        pytest.param(Near(Fraction(9, 16), 0.1), Fraction(1, 2), False, id="a ratio too narrow"),
        pytest.param(Near(Fraction(9, 16), 0.1), 0.6, True, id="a ratio near enough"),
        pytest.param(Near(Fraction(9, 16), 0.1), Fraction(1), False, id="a square is not 9:16"),
        pytest.param(OneOf("jpeg", "png"), "png", True, id="a word of the list"),
        pytest.param(OneOf("jpeg", "png"), "webp", False, id="a word that is not listed"),
    ],
)
def test_allows(limit: Limit, value: Measured, *, kept: bool) -> None:
    assert limit.allows(value) is kept


@pytest.mark.parametrize(
    ("limit", "unit", "wording"),
    [
        pytest.param(AtLeast(24), "fps", "at least 24 fps", id="at least"),
        pytest.param(AtMost(4096), "px", "at most 4096 px", id="at most"),
        pytest.param(MoreThan(224), "px", "more than 224 px", id="more than"),
        pytest.param(LessThan(5 * MIB), "bytes", "less than 5 MiB (5,242,880 bytes)", id="MiB"),
        pytest.param(LessThan(5_000_000), "bytes", "less than 5.0 MB (5,000,000 bytes)", id="MB"),
        pytest.param(Between(2, 60), "s", "between 2 and 60 s", id="between"),
        pytest.param(AtMost(3), ":1", "at most 3:1", id="a ratio"),
        pytest.param(Near(Fraction(9, 16), 0.1), "", "near 9:16", id="near"),
        pytest.param(OneOf("upright"), "", "upright", id="one word"),
        pytest.param(OneOf("mp4", "avi", "mov"), "", "mp4, avi or mov", id="several words"),
    ],
)
def test_wording(limit: Limit, unit: str, wording: str) -> None:
    assert limit.wording(unit) == wording


@pytest.mark.parametrize(
    ("value", "bound", "said"),
    [
        pytest.param(23.976024, 24, "23.98 fps", id="two decimals do"),
        pytest.param(60.0004, 60, "60.0004 fps", id="as many as tell it from the bound"),
        pytest.param(30, 24, "30 fps", id="none where none are needed"),
        pytest.param(24, 24, "24 fps", id="the bound itself"),
    ],
)
def test_say_tells_a_value_from_the_bound(value: float, bound: float, said: str) -> None:
    assert say(value, "fps", beside=(bound, None)) == said


def test_a_word_is_no_number() -> None:
    with pytest.raises(TypeError, match="a number was to be measured"):
        AtLeast(24).allows("fast")
