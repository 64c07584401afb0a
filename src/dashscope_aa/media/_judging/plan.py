"""What has to be done to a picture or a clip, decided from its facts alone. Nothing is touched.

A plan is a value: steps in words for people, a recipe in numbers for `convert`, and what the
facts will be afterwards. What would change the meaning is refused unless it was asked for.
"""

from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

from dashscope_aa.errors import InputError
from dashscope_aa.media._facts import Facts, ImageFacts, VideoFacts, facts_json
from dashscope_aa.media._judging.shape import Fit, Frame, Shape
from dashscope_aa.media._judging.table import Table

FactsT = TypeVar("FactsT", ImageFacts, VideoFacts)

__all__ = [
    "Container",
    "ImageRecipe",
    "Options",
    "Plan",
    "Refusal",
    "SoundTreatment",
    "Step",
    "VideoRecipe",
    "refusals",
    "target_format",
]

Container: TypeAlias = Literal["mp4", "mov"]
"""How a clip is stored."""
SoundTreatment: TypeAlias = Literal["none", "copy", "encode", "drop"]
"""What happens to the sound: there is none, it is copied, encoded anew, or left away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a user asks of a conversion beyond the least that mends."""

    trim: tuple[float, float] | None = None
    """Part of the clip to keep: start and end in seconds."""
    fit: Fit | None = None
    """What to do about a ratio that is not allowed: ``pad`` adds bars, ``crop`` cuts edges off."""
    crop_to: str | None = None
    """Ratio to crop a picture to, such as ``9:16``."""
    sound: Literal["keep", "drop"] = "keep"
    """``drop`` leaves the sound away."""
    encoder: str = "libx264"
    """FFmpeg's name of the encoder to use, for H.264 or HEVC."""
    target_format: str | None = None
    """Format the target's name asks for; None takes what is least work."""

    def __post_init__(self) -> None:
        """Refuse words that would be ignored.

        Raises:
            InputError: one is not known.
        """
        _check_word("fit", self.fit, (None, "pad", "crop"))
        _check_word("sound", self.sound, ("keep", "drop"))
        trim: object = self.trim
        match trim:
            case None | (int() | float(), int() | float()):
                return
            case _:
                msg = f"trim must be (start_s, end_s), two numbers of seconds, but is {trim!r}"
                raise InputError(msg)


def _check_word(name: str, given: object, known: tuple[object, ...]) -> None:
    if given not in known:
        msg = f"{name} must be {' or '.join(map(repr, known))}, but is {given!r}"
        raise InputError(msg)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is done, and why."""

    what: str
    """Such as ``set the frame rate to 24 fps``."""
    why: str
    """Such as ``frame rate must be at least 24 fps, but is 15``."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that is not done unasked."""

    code: str
    """Code of the rule that stays broken."""
    message: str
    """What is wrong."""
    hint: str
    """The option that allows it, or what else to do."""


def refusals(table: Table[FactsT], *, before: FactsT, after: FactsT) -> tuple[Refusal, ...]:
    """Say what stays wrong, with the values of the file where these are wrong already."""
    found = (
        rule.finding(after if rule.keeps(before) else before) for rule in table.broken_by(after)
    )
    return tuple(Refusal(one.code, one.message, one.hint) for one in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecipe:
    """What is done to a picture, in numbers."""

    format: Literal["jpeg", "png"]
    """How it is stored."""
    shape: Shape
    """Its new width and height."""
    most_bytes: int
    """How large the file may become."""
    frame: Frame
    """What width and height must keep to if it has to be made smaller for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRecipe:
    """What is done to a clip, in numbers."""

    container: Container
    """How it is stored."""
    encode: bool
    """True if the picture is encoded anew; false if its packets are copied."""
    sound: SoundTreatment
    """What happens to the sound."""
    shape: Shape
    """Its new width and height, once upright and with square pixels."""
    fps: float
    """Frames a second, if encoded."""
    start_s: float
    """Where the kept part begins, counted from the first frame shown."""
    duration_s: float
    """How long the kept part is."""
    most_bps: int
    """Highest bit rate of the picture that keeps the file within its limit."""
    most_bytes: int
    """How large the file may become, if encoded."""
    encoder: str = "libx264"
    """FFmpeg's name of the encoder."""


RecipeT = TypeVar("RecipeT", ImageRecipe, VideoRecipe)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Generic[FactsT, RecipeT]):
    """What `convert` will do: the least that mends."""

    steps: tuple[Step, ...]
    """What is done, in order; nothing if nothing is wrong and nothing was asked for."""
    refusals: tuple[Refusal, ...]
    """What is wrong and not mended unasked."""
    recipe: RecipeT
    """The same in numbers."""
    before: FactsT
    """What was found."""
    after: FactsT
    """What the result will be like; the size is the most it can be."""

    @property
    def empty(self) -> bool:
        """True if there is nothing to do."""
        return not self.steps

    def describe(self) -> list[str]:
        """Give the plan in lines a person can read."""
        lines = [f"{step.what} ({step.why})" for step in self.steps]
        lines += [f"not done: {refusal.message}. {refusal.hint}" for refusal in self.refusals]
        return lines or ["nothing to do"]

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain JSON values."""
        return {
            "steps": [{"what": step.what, "why": step.why} for step in self.steps],
            "refusals": [
                {"code": each.code, "message": each.message, "hint": each.hint}
                for each in self.refusals
            ],
            "before": facts_json(self.before),
            "after": facts_json(self.after),
        }


_FORMATS: Final = {
    "image": {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png"},
    "video": {".mp4": "mp4", ".mov": "mov"},
}


def target_format(target: PurePath, facts: Facts) -> str:
    """Tell the format from the target's name.

    Raises:
        InputError: it names a format that is not written here.
    """
    known = _FORMATS[facts.kind]
    if found := known.get(target.suffix.lower()):
        return found
    msg = (
        f"the target of {facts.kind} conversion must end in {' or '.join(known)}, "
        f"but is {target.name!r}"
    )
    raise InputError(msg)
