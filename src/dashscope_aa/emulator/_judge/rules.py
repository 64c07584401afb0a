"""What a limit is made of: something measured, a bound, and the answer to a breach."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar

from dashscope_aa.emulator._reading.measures import Clip, Picture

DURATION_SLACK_S: Final = 0.05
"""Containers round times; a little more than a frame at 24 fps is forgiven."""

FPS_SLACK: Final = 0.015
"""Times in milliseconds make 24 fps read 23.988; 23.976 is another rate and too slow."""

BLANK: Final = 3.0
"""Standard deviation of grey values below which there is nothing in a picture, so nobody."""

MediaT = TypeVar("MediaT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What the service says to a picture or a clip that it does not take."""

    code: str
    """The service's error code, such as ``InvalidFile.Size``."""

    message: str
    """The text that comes with it."""

    human: bool = False
    """True if the person is at fault, not the file: what image detection answers with 200."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Generic[MediaT]):
    """One limit."""

    allows: Callable[[MediaT], bool]
    refusal: Refusal
    source: str


Test: TypeAlias = Callable[[Picture | Clip], bool]


def called(*suffixes: str) -> Test:
    """The name ends so; a file without a name may be anything."""
    return lambda media: not media.name or media.suffix in suffixes


def of(*formats: str) -> Test:
    """It is of one of these formats, whatever it is called."""
    return lambda media: media.format in formats


def up_to(most_bytes: int) -> Test:
    """The file has no more bytes."""
    return lambda media: media.size_bytes <= most_bytes


def edges(shortest_px: int, longest_px: int) -> Test:
    """Neither edge is shorter or longer."""
    return lambda media: shortest_px <= min(media.edges_px) and max(media.edges_px) <= longest_px


def ratio_up_to(most: int) -> Test:
    """The longer edge is at most so many times the shorter: the same both ways round."""
    return lambda media: max(media.edges_px) <= most * min(media.edges_px)


def with_detail(media: Picture | Clip) -> bool:
    """There is something in it."""
    return media.detail >= BLANK


def lasting(least_s: float, most_s: float) -> Callable[[Clip], bool]:
    """It is neither shorter nor longer, save for rounding."""
    return lambda clip: least_s - DURATION_SLACK_S <= clip.duration_s <= most_s + DURATION_SLACK_S


def paced_from(least_fps: float) -> Callable[[Clip], bool]:
    """It has at least so many frames a second, save for rounding."""
    return lambda clip: clip.fps >= least_fps - FPS_SLACK


def coded_as(*codecs: str) -> Callable[[Clip], bool]:
    """The codec of its picture is one of these."""
    return lambda clip: clip.codec in codecs
