"""The two families of models, as values that say how a video shall be made."""

from dataclasses import dataclass
from typing import ClassVar, Final, Literal, get_args

from dashscope_aa.errors import ConfigurationError, InputError
from dashscope_aa.models import VideoRatio, WanMode

Family = Literal["animate-anyone", "wan"]
WanKind = Literal["move", "mix"]


def one_of(name: str, value: object, allowed: tuple[object, ...]) -> None:
    """Refuse a value that is not among the allowed ones.

    Raises:
        InputError: it names the option and what it may be.
    """
    # By type too, as 1 equals True: what the request refuses is refused before any upload.
    if not any(value == word and isinstance(value, type(word)) for word in allowed):
        words = " or ".join(repr(word) for word in allowed)
        msg = f"{name} must be {words}, but is {value!r}"
        raise InputError(msg)


def _names(**models: object) -> None:
    for option, name in models.items():
        if name is not None and not (isinstance(name, str) and name):
            raise InputError(f"{option} must be the name of a model, but is {name!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class AnimateAnyone:
    """AnimateAnyone gen2: detect, template, synthesis. Beijing only; up to 60 s, 15 fps.

    The service lists these models for retirement on 2026-10-10.

    Raises:
        InputError: an option has a value the service does not know.
    """

    family: ClassVar[Family] = "animate-anyone"

    use_ref_img_bg: bool = False
    """True: the picture's background; false: that of the clip."""
    video_ratio: VideoRatio | None = None
    """``9:16`` or ``3:4``; has an effect only with `use_ref_img_bg`."""
    model: str | None = None
    """Synthesis model, if not ``animate-anyone-gen2``."""
    template_model: str | None = None
    """Template model, if not ``animate-anyone-template-gen2``."""
    detect_model: str | None = None
    """Detection model, if not ``animate-anyone-detect-gen2``."""

    def __post_init__(self) -> None:
        """Refuse what the service would refuse."""
        one_of("use_ref_img_bg", self.use_ref_img_bg, (True, False))
        one_of("video_ratio", self.video_ratio, (*get_args(VideoRatio), None))
        _names(model=self.model, template_model=self.template_model, detect_model=self.detect_model)


@dataclass(frozen=True, kw_only=True, slots=True)
class WanAnimate:
    """wan2.2-animate: one paid task. Beijing and Singapore; 2 to 30 s, 15 or 25 fps.

    Raises:
        InputError: an option has a value the service does not know.
    """

    family: ClassVar[Family] = "wan"

    mode: WanMode
    """``wan-std`` or ``wan-pro``: the price tier, so there is no default."""
    kind: WanKind = "move"
    """``move``: the picture's background; ``mix``: that of the clip."""
    check_image: bool = True
    """False skips the service's check of the picture, for drawn characters."""
    watermark: bool = False
    """True adds the service's mark to the video."""
    model: str | None = None
    """Model, if not ``wan2.2-animate-move`` or ``-mix``."""

    def __post_init__(self) -> None:
        """Refuse what the service would refuse."""
        one_of("mode", self.mode, get_args(WanMode))
        one_of("kind", self.kind, get_args(WanKind))
        one_of("check_image", self.check_image, (True, False))
        one_of("watermark", self.watermark, (True, False))
        _names(model=self.model)


Engine = AnimateAnyone | WanAnimate

ENGINE_NAMES: Final = ("animate-anyone", *get_args(WanMode))
"""The words ``DASHSCOPE_AA_ENGINE`` and the command line know."""


def checked_engine(engine: object) -> Engine:
    """Give *engine* back if it is one.

    Raises:
        InputError: it is something else, such as the name of an engine.
    """
    if isinstance(engine, AnimateAnyone | WanAnimate):
        return engine
    msg = f"the engine must be AnimateAnyone(…) or WanAnimate(mode=…), but is {engine!r}"
    raise InputError(msg)


def engine_named(name: str) -> Engine:
    """Give the engine that *name* stands for, with its default options.

    Raises:
        ConfigurationError: no engine has that name.
    """
    for mode in get_args(WanMode):
        if name == mode:
            return WanAnimate(mode=mode)
    if name == "animate-anyone":
        return AnimateAnyone()
    msg = f"the engine must be one of {', '.join(ENGINE_NAMES)}, but is {name!r}"
    raise ConfigurationError(msg)
