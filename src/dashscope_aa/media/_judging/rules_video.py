"""Every limit on a clip, one row each: two tables, one for each family of models.

Rows of a table stand with the hard ones first; a softer row about the same quantity speaks only
if the harder one is silent. Source keys are those of ``docs/explanation/sources.md``.
"""

from typing import Final

from dashscope_aa.media._facts import VideoFacts
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
from dashscope_aa.media._judging.limits import AtLeast, AtMost, Between, LessThan, OneOf
from dashscope_aa.media._judging.table import Table

__all__ = ["TEMPLATE_VIDEO", "WAN_VIDEO"]

RATE_SLACK_FPS: Final = 0.01
"""24 fps in a container that counts milliseconds reads 23.9999; 23.976 is still told apart."""
TIME_SLACK_S: Final = 0.05
"""One frame at 24 fps, by which containers and encoders round a length."""

# ── what is measured ─────────────────────────────────────────────────────────────────────


def _rotation(video: VideoFacts) -> str:
    turn = f"turned by {video.rotation}°" if video.rotation else ""
    return " and ".join(filter(None, ("mirrored" * video.mirrored, turn))) or "upright"


def _pixel_shape(video: VideoFacts) -> str:
    shape = video.sample_aspect_ratio
    return "square" if shape == 1 else f"{shape.numerator}:{shape.denominator}"


def _sound_beyond(video: VideoFacts) -> float | None:
    """Give how much of the sound is heard before the picture and after it."""
    if video.audio_duration_s is None:
        return None
    start_s = video.audio_start_s or 0.0
    after_s = start_s + video.audio_duration_s - video.duration_s
    return max(0.0, -start_s) + max(0.0, after_s)


def _scan(video: VideoFacts) -> str:
    return "interlaced" if video.interlaced else "progressive"


def _ending(video: VideoFacts) -> str:
    return "cut off" if video.truncated else "whole"


def _sound_kept(video: VideoFacts, setting: Setting) -> str | None:  # noqa: ARG001 - every template
    return video.audio_codec and "the sound of the clip is carried into the template"


# ── rows of both tables ──────────────────────────────────────────────────────────────────


def _clip_habits(number: int) -> tuple[Rule[VideoFacts], ...]:
    """Give the soft rows about clips that no document names."""
    return (
        Rule(
            code=f"V{number + 22}",
            quantity="pixel format",
            measure=lambda video: video.pixel_format,
            limit=OneOf("yuv420p", "yuvj420p", "yuv420p10le"),
            severity=Severity.WARNING,
            hint="Encode it as yuv420p, which every decoder reads.",
            source="judgement",
        ),
        Rule(
            code=f"V{number + 23}",
            quantity="file",
            measure=_ending,
            limit=OneOf("whole"),
            severity=Severity.WARNING,
            service_code="InvalidFile.Openerror",
            hint="Fetch or copy the clip again: its end is missing. convert keeps what is there.",
            lost=True,
            source="judgement",
        ),
        Rule(
            code=f"V{number + 24}",
            quantity="sound beyond the picture",
            unit="s",
            measure=_sound_beyond,
            limit=AtMost(0.5),
            severity=Severity.WARNING,
            hint="Cut the sound: the service may take its length for that of the clip.",
            source="judgement",
        ),
        Rule(
            code=f"V{number + 25}",
            quantity="shape of the pixels",
            measure=_pixel_shape,
            limit=OneOf("square"),
            severity=Severity.ADVICE,
            hint="If the result looks stretched, encode the clip with square pixels.",
            source="judgement",
        ),
        Rule(
            code=f"V{number + 26}",
            quantity="picture",
            measure=_rotation,
            limit=OneOf("upright"),
            severity=Severity.ADVICE,
            hint="If the person lies in the result, encode the clip upright.",
            source="judgement",
        ),
        Rule(
            code=f"V{number + 27}",
            quantity="scan",
            measure=_scan,
            limit=OneOf("progressive"),
            severity=Severity.ADVICE,
            hint="If what moves has combs in the result, encode the clip with whole frames.",
            source="judgement",
        ),
    )


# ── AnimateAnyone: the clip a template is made from ──────────────────────────────────────

TEMPLATE_VIDEO: Final[Table[VideoFacts]] = Table(
    role="template video",
    unreadable="V100",
    rules=(
        Rule(
            code="V101",
            quantity="container",
            measure=lambda video: video.container,
            limit=OneOf("mp4", "avi", "mov"),
            service_code="InvalidFile.Format",
            source="S1; Ztpl-26",
        ),
        Rule(
            code="V102",
            quantity="frame rate",
            unit="fps",
            measure=lambda video: video.fps,
            limit=AtLeast(24, RATE_SLACK_FPS),
            service_code="InvalidFile.FPS",
            source="S1; Ztpl-26 (the limit; no document names the code for this model)",
        ),
        Rule(
            code="V103",
            quantity="codec",
            measure=lambda video: video.codec,
            limit=OneOf("h264", "hevc"),
            service_code="InvalidFile.Openerror",
            source="S1; Ztpl-26 (the limit; no document names the code)",
        ),
        Rule(
            code="V104",
            quantity="file size",
            unit="bytes",
            measure=lambda video: video.size_bytes,
            limit=LessThan(200 * MIB),
            service_code="InvalidFile.Size",
            source="S1; ERR",
        ),
        Rule(
            code="V105",
            quantity="duration",
            unit="s",
            measure=lambda video: video.duration_s,
            limit=Between(2, 60, TIME_SLACK_S),
            service_code="InvalidFile.Duration",
            hint="Keep a part of it: trim=(start_s, end_s).",
            hint_below="Use a longer clip, or part of one: nothing makes it longer.",
            source="S1; Ztpl-26",
        ),
        Rule(
            code="V106",
            quantity="shorter side",
            unit="px",
            measure=shorter,
            limit=AtLeast(200),
            service_code="InvalidFile.Resolution",
            source="S1; ERR",
        ),
        Rule(
            code="V107",
            quantity="longer side",
            unit="px",
            measure=longer,
            limit=AtMost(2048),
            service_code="InvalidFile.Resolution",
            source="S1; ERR",
        ),
        Rule(
            code="V108",
            quantity="aspect ratio",
            unit=":1",
            measure=ratio,
            limit=AtMost(3),
            service_code="InvalidFile.AspectRatio",
            hint='Crop it, or let convert do so: fit="pad" or fit="crop".',
            source="S1; ERR",
        ),
        Rule(
            code="V111",
            quantity="file size",
            unit="bytes",
            measure=lambda video: video.size_bytes,
            limit=LessThan(200 * MB),
            severity=Severity.WARNING,
            service_code="InvalidFile.Size",
            hint="It passes if the service counts 1024² bytes to a megabyte.",
            source="S1; ERR",
        ),
        Rule(
            code="V112",
            quantity="size of the sound",
            unit="bytes",
            measure=lambda video: video.audio_bytes,
            limit=LessThan(15 * MB),
            severity=Severity.WARNING,
            service_code="InvalidFile.Size",
            hint='Leave the sound away: sound="drop".',
            source="S1 (error text)",
        ),
        *_clip_habits(100),
    ),
    advice=(
        Advice(
            code="V131",
            quantity="sound",
            notice=_sound_kept,
            hint='Have a licence for it, or leave it away: sound="drop".',
            source="S1; S2",
        ),
        Advice(
            code="V134",
            quantity="URL",
            notice=suffix_unknown,
            hint=SUFFIX_HINT,
            severity=Severity.WARNING,
            source="Zmove; live clients",
        ),
    ),
)

# ── wan2.2-animate: the clip ─────────────────────────────────────────────────────────────

WAN_VIDEO: Final[Table[VideoFacts]] = Table(
    role="wan video",
    unreadable="V200",
    rules=(
        Rule(
            code="V201",
            quantity="container",
            measure=lambda video: video.container,
            limit=OneOf("mp4", "avi", "mov"),
            service_code="InvalidFile.Format",
            source="Zmove; Zmix",
        ),
        Rule(
            code="V204",
            quantity="file size",
            unit="bytes",
            measure=lambda video: video.size_bytes,
            limit=AtMost(200 * MIB),
            service_code="InvalidFile.Size",
            source="Zmove; Zmix",
        ),
        Rule(
            code="V205",
            quantity="duration",
            unit="s",
            measure=lambda video: video.duration_s,
            limit=Between(2, 30, TIME_SLACK_S),
            service_code="InvalidVideo.Duration",
            hint="Keep a part of it: trim=(start_s, end_s).",
            hint_below="Use a longer clip, or part of one: nothing makes it longer.",
            source="Zmove; Zmix",
        ),
        Rule(
            code="V206",
            quantity="shorter side",
            unit="px",
            measure=shorter,
            limit=AtLeast(200),
            service_code="InvalidVideo.Resolution",
            source="Zmove; Zmix",
        ),
        Rule(
            code="V207",
            quantity="longer side",
            unit="px",
            measure=longer,
            limit=AtMost(2048),
            service_code="InvalidVideo.Resolution",
            source="Zmove; Zmix",
        ),
        Rule(
            code="V208",
            quantity="aspect ratio",
            unit=":1",
            measure=ratio,
            limit=AtMost(3),
            service_code="InvalidVideo.Resolution",
            hint='Crop it, or let convert do so: fit="pad" or fit="crop".',
            source="Zmove; Zmix (the limit; no document names the code)",
        ),
        Rule(
            code="V211",
            quantity="file size",
            unit="bytes",
            measure=lambda video: video.size_bytes,
            limit=AtMost(200 * MB),
            severity=Severity.WARNING,
            service_code="InvalidFile.Size",
            hint="It passes if the service counts 1024² bytes to a megabyte.",
            source="Zmove; Zmix",
        ),
        Rule(
            code="V213",
            quantity="codec",
            measure=lambda video: video.codec,
            limit=OneOf("h264", "hevc"),
            severity=Severity.ADVICE,
            hint="No document names a codec for this model; these two are known to work elsewhere.",
            source="judgement",
        ),
        *_clip_habits(200),
    ),
    advice=(
        Advice(
            code="V234",
            quantity="URL",
            notice=suffix_unknown,
            hint=SUFFIX_HINT,
            severity=Severity.WARNING,
            source="Zmove; live clients",
        ),
    ),
)
