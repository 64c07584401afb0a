"""What has to be done to a picture."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Final, Literal, TypeAlias

from dashscope_aa.errors import InputError
from dashscope_aa.media._facts import ImageFacts
from dashscope_aa.media._judging.findings import Severity
from dashscope_aa.media._judging.plan import ImageRecipe, Options, Plan, Step, refusals
from dashscope_aa.media._judging.shape import Shape, reshape
from dashscope_aa.media._judging.table import Table

__all__ = ["plan_image"]

ImagePlan: TypeAlias = Plan[ImageFacts, ImageRecipe]

ASKED: Final = "asked for"
ASKED_BY_NAME: Final = "the target's name asks for it"
_SIDES: Final = ("shorter side", "longer side")


def plan_image(facts: ImageFacts, table: Table[ImageFacts], options: Options) -> ImagePlan:
    """Decide what mends a picture. What it lacks is mended even where that would not block.

    Raises:
        InputError: an option makes no sense for a picture.
    """
    if options.trim:
        raise InputError("trim=(start_s, end_s) is for clips, but this is a picture")
    broken = table.broken_by(facts, down_to=Severity.WARNING)
    wrong = {rule.quantity: rule.finding(facts).message for rule in broken}
    size = (facts.width_px, facts.height_px)
    frame = table.frame(size)
    shape = reshape(
        size,
        frame,
        fit=options.fit,
        crop_to=_ratio(options.crop_to) if options.crop_to else None,
    )
    target = _format(facts, wrong, options)
    steps = tuple(_steps(facts, wrong, shape, target, options))
    after = facts
    if steps:
        after = replace(
            facts,
            format=target,
            size_bytes=table.most_bytes,
            width_px=shape.size[0],
            height_px=shape.size[1],
            alpha=False,
            frames=1,
            mode="RGB",
            orientation=1,
            suffix={"jpeg": ".jpg", "png": ".png"}[target],
        )
    return Plan(
        steps=steps,
        refusals=refusals(table, before=facts, after=after),
        recipe=ImageRecipe(format=target, shape=shape, most_bytes=table.most_bytes, frame=frame),
        before=facts,
        after=after,
    )


def _format(facts: ImageFacts, wrong: dict[str, str], options: Options) -> Literal["jpeg", "png"]:
    """Take the format asked for; keep png unless it is too large."""
    if options.target_format in {"jpeg", "png"}:
        return "png" if options.target_format == "png" else "jpeg"
    return "png" if facts.format == "png" and "file size" not in wrong else "jpeg"


def _steps(
    facts: ImageFacts,
    wrong: dict[str, str],
    shape: Shape,
    target: str,
    options: Options,
) -> Iterator[Step]:
    """Say what is done. Any step stores the picture anew, as opaque RGB without EXIF."""
    steps = list(_picture_steps(wrong, shape, options))
    if options.crop_to and shape.crops:
        steps.append(Step(f"crop it to {options.crop_to}", ASKED))
    if shape.size != (facts.width_px, facts.height_px):
        steps.extend(_size_steps(wrong, shape, options))
    if "format" in wrong or "file size" in wrong:
        why = wrong.get("format") or wrong["file size"]
        steps.append(Step(f"store it as {target}", why))
    elif facts.format != target and (steps or options.target_format):
        natural = steps and target == _format(facts, wrong, replace(options, target_format=None))
        why = "a changed picture is stored as jpeg or png" if natural else ASKED_BY_NAME
        steps.append(Step(f"store it as {target}", why))
    if steps and facts.alpha:
        steps.append(Step("put transparent parts on white", "so that no reader has to guess"))
    yield from steps


def _picture_steps(wrong: dict[str, str], shape: Shape, options: Options) -> Iterator[Step]:
    if why := wrong.get("number of frames"):
        yield Step("take the first frame", why)
    if why := wrong.get("orientation"):
        yield Step("turn it upright", why)
    if why := wrong.get("colour mode"):
        yield Step("convert it to RGB", why)
    if (why := wrong.get("aspect ratio")) and options.fit == "crop" and shape.crops:
        yield Step("cut its edges off", f"{why}; {ASKED}")
    if (why := wrong.get("aspect ratio")) and shape.pads:
        yield Step("add bars", f"{why}; {ASKED}")


def _size_steps(wrong: dict[str, str], shape: Shape, options: Options) -> Iterator[Step]:
    why = next((wrong[side] for side in _SIDES if side in wrong), None)
    if why or not (options.crop_to or options.fit):
        width, height = shape.size
        yield Step(f"scale it to {width} × {height} px", why or "the limits of its sides")


def _ratio(text: str) -> Fraction:
    try:
        width, height = (int(part) for part in text.split(":"))
        ratio = Fraction(width, height)
    except (ValueError, ZeroDivisionError):
        ratio = Fraction(0)
    if ratio <= 0:
        msg = f"crop_to must be a ratio such as '9:16' or '3:4', but is {text!r}"
        raise InputError(msg)
    return ratio
