"""The service's own opinion of the bytes it was given.

A judgement never raises and never hangs on hostile bytes: what cannot be measured is refused as
a file that cannot be opened. What a person looks like is beyond an emulator, so the only human
verdict is on a picture, or a first frame, with next to nothing in it: nobody is there.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

from dashscope_aa.emulator._judge.limits import (
    CLIP_RULES,
    PICTURE_RULES,
    UNREADABLE_CLIP,
    UNREADABLE_PICTURE,
    Family,
)
from dashscope_aa.emulator._judge.rules import MediaT, Refusal, Rule
from dashscope_aa.emulator._reading.measures import Clip, Picture

__all__ = ["Family", "Refusal", "bodystyle", "judge_image", "judge_video"]

FULL_BODY_RATIO: Final = 1.5
"""Height over width from which a picture counts as one from head to toe."""


def judge_image(path: Path, *, family: Family, name: str) -> Refusal | None:
    """Judge a picture; None if it is taken.

    Args:
        path: The file that was downloaded.
        family: Whose limits apply.
        name: The last part of the URL's path, whose suffix tells wan2.2-animate the kind of
            file. Empty: the suffix is not judged.
    """
    picture = Picture(path, name=name)
    return _judge(picture, PICTURE_RULES[family], unreadable=UNREADABLE_PICTURE[family])


def judge_video(path: Path, *, family: Family, name: str) -> Refusal | None:
    """Judge a clip; None if it is taken. The arguments are those of `judge_image`."""
    clip = Clip(path, name=name)
    return _judge(clip, CLIP_RULES[family], unreadable=UNREADABLE_CLIP[family])


def bodystyle(path: Path) -> Literal["full", "half"]:
    """Tell how much of the body is seen, by the shape of the picture alone.

    A tall picture is taken for a person from head to toe, any other for one from the waist up.
    The service looks at the person instead.
    """
    width_px, height_px = Picture(path).shown_px
    return "full" if height_px >= FULL_BODY_RATIO * width_px else "half"


def _judge(media: MediaT, rules: Iterable[Rule[MediaT]], *, unreadable: Refusal) -> Refusal | None:
    try:
        return next((rule.refusal for rule in rules if not rule.allows(media)), None)
    except Exception:  # noqa: BLE001 - a decoder may raise anything over a stranger's bytes
        return unreadable
