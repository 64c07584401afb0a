"""Duration and frame rate from the times of frames."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashscope_aa.media._probing.timeline import Pace, pace_of_runs, pace_of_times, runs_of_times

MILLISECOND = Fraction(1, 1000)
NTSC = Fraction(1000, 1001)
NOTHING = Fraction(0)
RATES = [Fraction(rate) for rate in (10, 15, 24, 25, 30, 48, 50, 60)]
RATES += [24 * NTSC, 30 * NTSC, 60 * NTSC]


def rounded(fps: Fraction, frames: int, tick_s: Fraction = MILLISECOND) -> list[int]:
    return [round(Fraction(number) / fps / tick_s) for number in range(frames)]


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        pytest.param([(90, 1)], Pace(90, 3.0, 30.0, variable=False), id="one pace"),
        pytest.param([(60, 1), (15, 2)], Pace(75, 3.0, 25.0, variable=True), id="two paces"),
        pytest.param(
            [(89, 1), (1, 60)], Pace(90, 149 / 30, 30.0, variable=False), id="last one long"
        ),
        pytest.param([(1, 0)], Pace(1, 0.0, 0.0, variable=False), id="a frame of no time"),
        pytest.param([], Pace(0, 0.0, 0.0, variable=False), id="no frame"),
    ],
)
def test_pace_of_runs(runs: list[tuple[int, int]], expected: Pace) -> None:
    assert pace_of_runs(runs, tick_s=Fraction(1, 30), stated=NOTHING) == expected


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        pytest.param([0, 40, 80, 120], [(3, 40), (1, 40)], id="in order"),
        pytest.param([80, 0, 120, 40], [(3, 40), (1, 40)], id="in the order of decoding"),
        pytest.param([0, 33, 67, 100], [(1, 33), (1, 34), (1, 33), (1, 33)], id="rounded"),
        pytest.param([7], [(1, 0)], id="one frame"),
        pytest.param([], [], id="none"),
    ],
)
def test_runs_of_times(times: list[int], expected: list[tuple[int, int]]) -> None:
    assert runs_of_times(times, last=0) == expected


def test_the_last_frame_lasts_as_long_as_it_says() -> None:
    assert runs_of_times([0, 40, 80], last=100) == [(2, 40), (1, 100)]


@given(fps=st.sampled_from(RATES), frames=st.integers(48, 2000), start=st.integers(0, 10**9))
def test_a_clock_of_milliseconds_does_not_blur_the_rate(
    fps: Fraction, frames: int, start: int
) -> None:
    times = [start + time for time in rounded(fps, frames)]
    pace = pace_of_times(times, tick_s=MILLISECOND, last=0, stated=fps)
    assert (pace.frames, pace.fps, pace.variable) == (frames, float(fps), False)
    assert pace.duration_s == pytest.approx(float(frames / fps), abs=0.0021)


@given(fps=st.sampled_from(RATES), frames=st.integers(130, 2000))
def test_the_rate_is_found_without_being_stated(fps: Fraction, frames: int) -> None:
    tick_s = Fraction(1, 90000)
    pace = pace_of_times(rounded(fps, frames, tick_s), tick_s=tick_s, last=0, stated=NOTHING)
    assert pace.fps == float(fps)


@given(frames=st.integers(30, 500), lost=st.integers(1, 20))
def test_a_lost_frame_is_an_uneven_pace(frames: int, lost: int) -> None:
    times = rounded(Fraction(30), frames)
    del times[lost]
    assert pace_of_times(times, tick_s=MILLISECOND, last=0, stated=NOTHING).variable


def test_frames_lost_at_the_end_of_a_cut_file_say_nothing() -> None:
    times = rounded(Fraction(30), 60)
    del times[-3:-1]
    pace = pace_of_times(times, tick_s=MILLISECOND, last=33, stated=Fraction(30))
    assert (pace.frames, pace.fps, pace.variable) == (58, 30.0, False)


def test_jitter_of_a_phone_is_one_pace() -> None:
    jitter = [0, 1, -2, 2, -1] * 20
    times = [3000 * number + 50 * off for number, off in enumerate(jitter)]
    pace = pace_of_times(times, tick_s=Fraction(1, 90000), last=0, stated=NOTHING)
    assert not pace.variable
    assert pace.fps == pytest.approx(30, rel=0.001)


def test_a_stated_rate_that_is_wrong_is_not_believed() -> None:
    pace = pace_of_times(
        rounded(Fraction(30), 300), tick_s=MILLISECOND, last=0, stated=Fraction(25)
    )
    assert pace.fps == 30.0


def test_the_stated_rate_decides_what_a_short_clip_cannot() -> None:
    times = rounded(Fraction(48), 49)
    pace = pace_of_times(times, tick_s=MILLISECOND, last=0, stated=Fraction(48))
    assert pace.fps == 48.0
