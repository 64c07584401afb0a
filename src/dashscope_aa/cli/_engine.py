"""An engine from a name and options, as the command line and the rows of a batch give them."""

from dataclasses import fields, replace
from typing import Any, Final

from dashscope_aa._engines import Engine, WanAnimate, engine_named
from dashscope_aa.errors import InputError

_FLAGS: Final = {
    "check_image": "--no-check-image",
    "use_ref_img_bg": "--use-ref-img-bg",
    "video_ratio": "--video-ratio",
}


def engine_of(name: str, *, detect: bool, **options: Any) -> Engine:  # noqa: ANN401 - the engine checks them
    """Give the engine with its options; refuse those that mean nothing to it.

    Raises:
        InputError: an option is none of this engine's.
    """
    engine = engine_named(name)
    given = {option: value for option, value in options.items() if value is not None}
    known = {field.name for field in fields(engine)}
    misfits = [_FLAGS.get(option, f"--{option}") for option in given if option not in known]
    if not detect and isinstance(engine, WanAnimate):
        misfits.append("--skip-detect")
    if misfits:
        msg = f"{', '.join(misfits)} cannot be used with the engine {name}"
        raise InputError(msg, hint="`dashscope-aa animate --help` says what fits which engine.")
    return replace(engine, **given)
