"""From the times of frames to duration and frame rate. No I/O happens here.

Headers lie about both, so they are computed from the frames themselves; a stated rate only
decides between values that the container's clock cannot tell apart (29.9999 and 30).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final, TypeAlias

__all__ = ["Pace", "Runs", "pace_of_runs", "pace_of_times", "runs_of_times"]

Runs: TypeAlias = Sequence[tuple[int, int]]
"""Frames that follow each other at one pace: how many, and the ticks each lasts."""

_RATES: Final = tuple(
    rate
    for whole in (*range(1, 31), 48, 50, 60, 72, 90, 100, 120, 144, 240)
    for rate in (Fraction(whole), Fraction(whole * 1000, 1001))
)
_UNEVEN: Final = 0.1
"""A frame that lasts this much longer or shorter than usual, as a part, breaks the pace."""
_FINE: Final = 0.25
"""A clock is fine if its tick is this part of a frame at most; its rounding is then forgiven."""
_ROUNDED_TICKS: Final = 2
"""How far rounding to ticks can move the duration: one at the start, one at the end."""
_BLUR: Final = 0.01
"""How far a rate may be moved to the stated one at most, as a part."""
_SLACK: Final = 0.0005
"""How far to a usual one that nobody states: half of what lies between 24 and 23.976."""
_TAIL: Final = 4
"""Frames at the end that do not decide on the pace: where a file was cut or an edit ends, those
that are shown between later ones may be missing, and the last one's length is often made up."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How the frames of one stream follow each other."""

    frames: int
    """How many there are."""
    duration_s: float
    """From the start of the first to the end of the last, in seconds."""
    fps: float
    """Frames a second, on average; 0 if there is no duration."""
    variable: bool
    """True if they do not follow each other at one pace."""


def pace_of_times(times: Iterable[int], *, tick_s: Fraction, last: int, stated: Fraction) -> Pace:
    """Judge frames by the times they start at, in any order.

    Args:
        times: When each frame is shown, in ticks.
        tick_s: Length of a tick in seconds.
        last: Ticks the last frame lasts; 0 if not known, and it is taken to last as usual.
        stated: Frame rate the header states; 0 if it states none.
    """
    return pace_of_runs(runs_of_times(times, last=last), tick_s=tick_s, stated=stated)


def runs_of_times(times: Iterable[int], *, last: int) -> Runs:
    """Turn start times into runs."""
    ordered = sorted(times)
    runs: list[tuple[int, int]] = []
    for before, after in pairwise(ordered):
        ticks = after - before
        if runs and runs[-1][1] == ticks:
            runs[-1] = (runs[-1][0] + 1, ticks)
        else:
            runs.append((1, ticks))
    # A length far below the usual is none: FFmpeg's guess where the file does not say.
    usual = _usual(runs)
    return [*runs, (1, last if last * 2 >= usual else usual)] if ordered else []


def pace_of_runs(runs: Runs, *, tick_s: Fraction, stated: Fraction) -> Pace:
    """Judge frames by how long each lasts; see `pace_of_times`."""
    steps = _without_tail(runs)
    variable = _is_variable(steps)
    frames, ticks = _sums(runs)
    # At one pace, frames missing at the end say nothing about the rate.
    counted, taken = _sums(runs if variable else steps)
    if taken <= 0 or tick_s <= 0:
        return Pace(frames, 0.0, 0.0, variable)
    fps = counted / (taken * tick_s)
    if not variable:
        fps = _settled(fps, stated, blur=min(_BLUR, _ROUNDED_TICKS / taken))
    return Pace(frames, float(ticks * tick_s), float(fps), variable)


def _sums(runs: Runs) -> tuple[int, int]:
    return sum(count for count, _ in runs), sum(count * each for count, each in runs)


def _without_tail(runs: Runs) -> Runs:
    """Leave out the last frames, where enough are left."""
    left = sum(count for count, _ in runs) - _TAIL
    if left < _TAIL:
        return runs
    kept: list[tuple[int, int]] = []
    for count, ticks in runs:
        if (taken := min(count, left)) > 0:
            kept.append((taken, ticks))
            left -= taken
    return kept


def _usual(runs: Runs) -> int:
    """Give the median of what a frame lasts, in ticks; 0 if there is none."""
    middle = sum(count for count, _ in runs) // 2
    for count, ticks in sorted(runs, key=lambda run: run[1]):
        middle -= count
        if middle < 0:
            return ticks
    return 0


def _is_variable(steps: Runs) -> bool:
    """Compare what each frame lasts with what is usual."""
    usual = _usual(steps)
    slack = max(usual * _UNEVEN, 1 if usual * _FINE >= 1 else 0)
    return any(abs(ticks - usual) > slack for _, ticks in steps)


def _settled(fps: Fraction, stated: Fraction, *, blur: float) -> Fraction:
    """Give the stated or the nearest usual rate if the clock cannot tell it from *fps*."""
    if abs(stated - fps) <= fps * Fraction(blur):
        return stated
    usual = min(_RATES, key=lambda rate: abs(rate - fps))
    return usual if abs(usual - fps) <= fps * Fraction(min(blur, _SLACK)) else fps
