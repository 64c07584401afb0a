"""Every limit on a picture, one row each: two tables, one for each family of models.

Rows of a table stand with the hard ones first; a softer row about the same quantity speaks only
if the harder one is silent. Source keys are those of ``docs/explanation/sources.md``.
"""

from fractions import Fraction
from typing import Final

from dashscope_aa._engines import AnimateAnyone
from dashscope_aa.media._facts import ImageFacts
from dashscope_aa.media._judging.edges import (
    MB,
    MIB,
    SUFFIX_HINT,
    longer,
    ratio,
    shorter,
    suffix_unknown,
)
from dashscope_aa.media._judging.findings import Advice, Rule, Setting, Severity
from dashscope_aa.media._judging.limits import AtLeast, AtMost, LessThan, MoreThan, Near, OneOf
from dashscope_aa.media._judging.table import Table

__all__ = ["ANIMATE_ANYONE_IMAGE", "WAN_IMAGE"]

RATIO_SHARE: Final = 0.1
"""How far a picture may be from the ratio of the video before a change of its shape shows."""

# ── what is measured ─────────────────────────────────────────────────────────────────────

_TURNS: Final = {
    1: "upright",
    2: "mirrored",
    3: "turned by 180°",
    4: "mirrored and turned by 180°",
    5: "mirrored and turned by 270°",
    6: "turned by 90°",
    7: "mirrored and turned by 90°",
    8: "turned by 270°",
}


def _turn(image: ImageFacts) -> str:
    return _TURNS.get(image.orientation, "upright")


def _ending(image: ImageFacts) -> str:
    return "cut off" if image.truncated else "whole"


# ── notices ──────────────────────────────────────────────────────────────────────────────


def _shape_differs(image: ImageFacts, setting: Setting) -> str | None:
    engine = setting.engine
    if not isinstance(engine, AnimateAnyone) or not engine.use_ref_img_bg:
        return None
    asked = engine.video_ratio or "9:16"
    width, height = (int(part) for part in asked.split(":"))
    if Near(Fraction(width, height), RATIO_SHARE).allows(Fraction(image.width_px, image.height_px)):
        return None
    return (
        f"the picture is {image.width_px} × {image.height_px} px, far from the {asked} of the "
        "video, which distorts it"
    )


def _ratio_ignored(image: ImageFacts, setting: Setting) -> str | None:  # noqa: ARG001 - the engine alone decides
    engine = setting.engine
    if not isinstance(engine, AnimateAnyone) or engine.use_ref_img_bg or not engine.video_ratio:
        return None
    return f"video_ratio={engine.video_ratio!r} has no effect without use_ref_img_bg=True"


def _half_body(image: ImageFacts, setting: Setting) -> str | None:  # noqa: ARG001 - the detection decides
    engine = setting.engine
    if not isinstance(engine, AnimateAnyone) or engine.use_ref_img_bg:
        return None
    if setting.bodystyle != "half":
        return None
    return "the picture shows half a body, and with the clip's background its legs are invented"


# ── rows of both tables ──────────────────────────────────────────────────────────────────

_UPRIGHT: Final = "Convert it: whether the service reads the turn stored beside the pixels is open."


def _picture_habits(number: int, *, open_code: str) -> tuple[Rule[ImageFacts], ...]:
    """Give the soft rows about pictures that no document names."""
    return (
        Rule(
            code=f"I{number + 21}",
            quantity="orientation",
            measure=_turn,
            limit=OneOf("upright"),
            severity=Severity.WARNING,
            hint=_UPRIGHT,
            source="judgement",
        ),
        Rule(
            code=f"I{number + 22}",
            quantity="number of frames",
            measure=lambda image: image.frames,
            limit=AtMost(1),
            severity=Severity.WARNING,
            hint="Convert it: the first frame is taken.",
            source="judgement",
        ),
        Rule(
            code=f"I{number + 23}",
            quantity="colour mode",
            measure=lambda image: image.mode,
            limit=OneOf("RGB", "RGBA", "L", "LA", "P", "1"),
            severity=Severity.WARNING,
            hint="Convert it to plain RGB.",
            source="judgement",
        ),
        Rule(
            code=f"I{number + 24}",
            quantity="file",
            measure=_ending,
            limit=OneOf("whole"),
            service_code=open_code,
            hint="Fetch or copy the picture again: its end is missing.",
            source="judgement",
        ),
    )


# ── AnimateAnyone: the picture ───────────────────────────────────────────────────────────

ANIMATE_ANYONE_IMAGE: Final[Table[ImageFacts]] = Table(
    role="animate-anyone image",
    unreadable="I100",
    rules=(
        Rule(
            code="I101",
            quantity="format",
            measure=lambda image: image.format,
            limit=OneOf("jpeg", "png", "bmp"),
            service_code="InvalidFile.Format",
            source="S2; Zgen-26; OA",
        ),
        Rule(
            code="I102",
            quantity="file size",
            unit="bytes",
            measure=lambda image: image.size_bytes,
            limit=LessThan(5 * MIB),
            service_code="InvalidFile.Size",
            source="S2; ERR",
        ),
        Rule(
            code="I103",
            quantity="shorter side",
            unit="px",
            measure=shorter,
            limit=MoreThan(224),
            service_code="InvalidFile.Resolution",
            source="S2 (error text); ERR",
        ),
        Rule(
            code="I104",
            quantity="longer side",
            unit="px",
            measure=longer,
            limit=AtMost(4096),
            service_code="InvalidFile.Resolution",
            source="S2; ERR (InvalidFile.ImageSize)",
        ),
        Rule(
            code="I105",
            quantity="aspect ratio",
            unit=":1",
            measure=ratio,
            limit=AtMost(2),
            service_code="InvalidFile.AspectRatio",
            hint='Crop it, or let convert do so: fit="pad" or fit="crop".',
            source="S2; ERR",
        ),
        Rule(
            code="I111",
            quantity="file size",
            unit="bytes",
            measure=lambda image: image.size_bytes,
            limit=LessThan(5 * MB),
            severity=Severity.WARNING,
            service_code="InvalidFile.Size",
            hint="It passes if the service counts 1024² bytes to a megabyte.",
            source="S2; ERR",
        ),
        Rule(
            code="I112",
            quantity="longer side",
            unit="px",
            measure=longer,
            limit=LessThan(4096),
            severity=Severity.ADVICE,
            service_code="InvalidFile.Resolution",
            hint="It passes by the prose of the documents, but not by their error text.",
            source="S2 (error text)",
        ),
        *_picture_habits(100, open_code="InvalidFile.Openerror"),
    ),
    advice=(
        Advice(
            code="I131",
            quantity="picture and video ratio",
            notice=_shape_differs,
            hint='Crop the picture to the ratio asked for: crop_to="9:16" or crop_to="3:4".',
            severity=Severity.WARNING,
            source="S2",
        ),
        Advice(code="I132", quantity="video_ratio", notice=_ratio_ignored, source="S2; OA"),
        Advice(
            code="I133",
            quantity="body",
            notice=_half_body,
            hint="Use a picture from head to toe, or use_ref_img_bg=True.",
            severity=Severity.WARNING,
            source="S2",
        ),
        Advice(
            code="I134",
            quantity="URL",
            notice=suffix_unknown,
            hint=SUFFIX_HINT,
            severity=Severity.WARNING,
            source="Zmove; live clients",
        ),
    ),
)

# ── wan2.2-animate: the picture ──────────────────────────────────────────────────────────

WAN_IMAGE: Final[Table[ImageFacts]] = Table(
    role="wan image",
    unreadable="I200",
    open_code="InvalidImage.FileFormat",
    rules=(
        Rule(
            code="I201",
            quantity="format",
            measure=lambda image: image.format,
            limit=OneOf("jpeg", "png", "bmp", "webp"),
            service_code="InvalidImage.FileFormat",
            source="Zmove; Zmix; ERR",
        ),
        Rule(
            code="I202",
            quantity="file size",
            unit="bytes",
            measure=lambda image: image.size_bytes,
            limit=AtMost(5 * MIB),
            service_code="InvalidFile.Size",
            source="Zmove; Zmix",
        ),
        Rule(
            code="I203",
            quantity="shorter side",
            unit="px",
            measure=shorter,
            limit=AtLeast(200),
            service_code="InvalidImage.Resolution",
            source="Zmove; Zmix",
        ),
        Rule(
            code="I204",
            quantity="longer side",
            unit="px",
            measure=longer,
            limit=AtMost(4096),
            service_code="InvalidImage.Resolution",
            source="Zmove; Zmix",
        ),
        Rule(
            code="I205",
            quantity="aspect ratio",
            unit=":1",
            measure=ratio,
            limit=AtMost(3),
            service_code="InvalidImage.Resolution",
            hint='Crop it, or let convert do so: fit="pad" or fit="crop".',
            source="Zmove; Zmix (the limit; no document names the code)",
        ),
        Rule(
            code="I211",
            quantity="file size",
            unit="bytes",
            measure=lambda image: image.size_bytes,
            limit=AtMost(5 * MB),
            severity=Severity.WARNING,
            service_code="InvalidFile.Size",
            hint="It passes if the service counts 1024² bytes to a megabyte.",
            source="Zmove; Zmix",
        ),
        *_picture_habits(200, open_code="InvalidImage.FileFormat"),
    ),
    advice=(
        Advice(
            code="I234",
            quantity="URL",
            notice=suffix_unknown,
            hint=SUFFIX_HINT,
            severity=Severity.WARNING,
            source="Zmove; live clients",
        ),
    ),
)
