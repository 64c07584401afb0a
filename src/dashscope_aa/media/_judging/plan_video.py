"""What has to be done to a clip."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import floor, isclose
from typing import Final, TypeAlias

from dashscope_aa.errors import InputError
from dashscope_aa.media._facts import VideoFacts
from dashscope_aa.media._judging.plan import (
    Container,
    Options,
    Plan,
    SoundTreatment,
    Step,
    VideoRecipe,
    refusals,
)
from dashscope_aa.media._judging.shape import WHOLE, Shape, reshape
from dashscope_aa.media._judging.table import Table

__all__ = ["plan_video"]

VideoPlan: TypeAlias = Plan[VideoFacts, VideoRecipe]

ASKED: Final = "asked for"
NEW: Final = "a picture that is changed is encoded anew"
SOUNDS: Final = ("aac", "mp3")
"""Codecs of sound that are copied into the result; others become AAC."""
SOUND_BPS: Final = 128_000
"""Bit rate of sound that is encoded."""
_COPIED_FROM: Final = ("mp4", "mov", "mkv", "flv", "ts", "3gp")
"""Containers whose packets say when they are shown, so that they can be copied."""
_COPIED: Final = ("h264", "hevc")
"""Codecs of pictures that are copied into another container."""
_PACES_FPS: Final = (24, 25, 30, 50, 60)
_SLACK_S: Final = 0.05
_ROUNDING: Final = 1e-6
"""What a product of rate and time may miss a whole number of frames by."""
_HEADROOM: Final = 0.95
"""Part of the allowed bytes that is planned with: rate control is not exact."""
_LEAST_BPS: Final = 100_000
_NEEDS_ENCODING: Final = ("codec", "frame rate", "file size", "shorter side", "longer side")


def plan_video(facts: VideoFacts, table: Table[VideoFacts], options: Options) -> VideoPlan:
    """Decide what mends a clip. What does not block is left alone, for encoding is slow.

    Raises:
        InputError: an option makes no sense for this clip.
    """
    if options.crop_to:
        raise InputError("crop_to is for pictures; a clip's ratio is mended by fit")
    draft = _Draft(facts, table, options)
    steps = tuple(draft.steps())
    after = draft.after() if steps else facts
    return Plan(
        steps=steps,
        refusals=refusals(table, before=facts, after=after),
        recipe=draft.recipe(),
        before=facts,
        after=after,
    )


@dataclass(frozen=True)
class _Draft:
    """A plan in the making: each property is one decision."""

    facts: VideoFacts
    table: Table[VideoFacts]
    options: Options

    @cached_property
    def wrong(self) -> dict[str, str]:
        """What blocks: the message of each broken rule, by quantity."""
        broken = self.table.broken_by(self.facts)
        return {rule.quantity: rule.finding(self.facts).message for rule in broken}

    @cached_property
    def part(self) -> tuple[float, float]:
        """Start and length in seconds of what is kept."""
        whole_s = self.facts.duration_s
        if self.options.trim is None:
            return 0.0, whole_s
        start_s, end_s = self.options.trim
        if not 0 <= start_s < end_s <= whole_s + _SLACK_S:
            msg = (
                f"trim must be (start_s, end_s) within the {whole_s:.2f} s of the clip, "
                f"but is ({start_s:g}, {end_s:g})"
            )
            raise InputError(msg)
        length_s = min(end_s, whole_s) - start_s
        return self._on_a_frame(start_s, whole_s - length_s), length_s

    def _on_a_frame(self, start_s: float, latest_s: float) -> float:
        """Move a start to the nearest frame: between two of them, which one is shown would be luck.

        Frames of the result are then those of the clip, each shown once if the rate stays.
        """
        rate = self.facts.fps
        if self.facts.variable_rate or rate <= 0:
            return start_s
        return min(floor(start_s * rate + 0.5), floor(latest_s * rate + _ROUNDING)) / rate

    @cached_property
    def encodes(self) -> bool:
        """Whether the picture must be encoded anew."""
        if self.options.trim or any(quantity in self.wrong for quantity in _NEEDS_ENCODING):
            return True
        if "aspect ratio" in self.wrong and self.options.fit:
            return True
        return self.rewraps and not self.copyable

    @cached_property
    def copyable(self) -> bool:
        """Whether the packets of the picture can go into another container as they are."""
        return self.facts.codec in _COPIED and self.facts.container in _COPIED_FROM

    @cached_property
    def rewraps(self) -> bool:
        """Whether another container is needed, for whatever reason."""
        asked = self.options.target_format
        return "container" in self.wrong or bool(
            self.sound == "drop" or (asked and asked != self.facts.container)
        )

    @cached_property
    def sound(self) -> SoundTreatment:
        """What happens to the sound."""
        if self.facts.audio_codec is None:
            return "none"
        if self.options.sound == "drop":
            return "drop"
        return "copy" if self.facts.audio_codec in SOUNDS else "encode"

    @cached_property
    def shape(self) -> Shape:
        """Width and height; encoders want even ones."""
        size = (self.facts.width_px, self.facts.height_px)
        if not self.encodes:
            return Shape(WHOLE, size, size)
        return reshape(size, self.table.frame(size, step_px=2), fit=self.options.fit)

    @cached_property
    def fps(self) -> float:
        """Frame rate: an uneven one becomes even, the next usual one above."""
        rate, limit = self.facts.fps, self.table.limit("frame rate")
        if limit and not limit.allows(rate):
            return float(limit.bounds[0] or rate)
        if rate > 0 and not self.facts.variable_rate:
            return rate
        return next((usual for usual in _PACES_FPS if usual >= rate - 0.01), round(rate))

    @cached_property
    def container(self) -> Container:
        """How it is stored."""
        return "mov" if self.options.target_format == "mov" else "mp4"

    @cached_property
    def sound_bps(self) -> int:
        """Bit rate of the sound in the result."""
        if self.sound == "encode":
            return SOUND_BPS
        if self.sound != "copy" or not self.facts.audio_bytes:
            return 0
        return round(self.facts.audio_bytes * 8 / (self.facts.audio_duration_s or 1))

    # ── in words ───────────────────────────────────────────────────────────────────────

    def steps(self) -> Iterator[Step]:
        """Say what is done."""
        start_s, length_s = self.part
        if self.options.trim:
            kept = f"{round(start_s, 3):g} to {round(start_s + length_s, 3):g} s"
            yield Step(f"keep {kept}", ASKED)
        if self.encodes:
            yield from self._picture_steps()
            why = self.wrong.get("codec") or self.wrong.get("file size") or self._uncopied
            yield Step(f"encode the picture as {'HEVC' if self._hevc else 'H.264'}", why)
        elif self.rewraps:
            why = self.wrong.get("container", f"the target is {self.container}")
            yield Step(
                f"copy the picture into {self.container}", ASKED if self.sound == "drop" else why
            )
        if self.encodes or self.rewraps:
            yield from self._sound_steps()

    @property
    def _uncopied(self) -> str:
        if self.rewraps and not self.copyable:
            return self.wrong.get("container", f"the target is {self.container}")
        return NEW

    def _picture_steps(self) -> Iterator[Step]:
        facts, shape = self.facts, self.shape
        if facts.interlaced:
            yield Step("make whole frames of its fields", NEW)
        if facts.rotation or facts.mirrored:
            yield Step("turn the picture upright", NEW)
        if facts.sample_aspect_ratio != 1:
            yield Step("make the pixels square", NEW)
        if shape.crops:
            yield Step("cut the edges off", f"{self.wrong['aspect ratio']}; {ASKED}")
        if sides := self.wrong.get("shorter side") or self.wrong.get("longer side"):
            width, height = shape.inner
            yield Step(f"scale it to {width} × {height} px", sides)
        if shape.pads:
            yield Step("add bars", f"{self.wrong['aspect ratio']}; {ASKED}")
        if facts.variable_rate or not isclose(self.fps, facts.fps):
            why = self.wrong.get("frame rate", "an even pace keeps the sound in step")
            yield Step(f"set the frame rate to {self.fps:g} fps", why)

    def _sound_steps(self) -> Iterator[Step]:
        facts = self.facts
        if self.sound == "drop":
            yield Step("leave the sound away", ASKED)
        elif self.sound == "encode":
            yield Step("encode the sound as AAC", f"{facts.audio_codec} is uncommon in mp4")
        if self.sound in {"copy", "encode"}:
            start_s, end_s = self._heard
            if start_s < -_SLACK_S:
                yield Step("cut the sound where the picture begins", "it begins earlier")
            if end_s > facts.duration_s + _SLACK_S:
                yield Step("cut the sound at the end of the picture", "it is longer")

    @property
    def _heard(self) -> tuple[float, float]:
        """When the sound begins and ends, in seconds from the first frame."""
        start_s = self.facts.audio_start_s or 0.0
        return start_s, start_s + (self.facts.audio_duration_s or 0.0)

    # ── in numbers ─────────────────────────────────────────────────────────────────────

    def recipe(self) -> VideoRecipe:
        """Give the decisions as numbers."""
        start_s, length_s = self.part
        bits = self.table.most_bytes * 8 * _HEADROOM / max(length_s, 0.1)
        return VideoRecipe(
            container=self.container,
            encode=self.encodes,
            sound=self.sound,
            shape=self.shape,
            fps=self.fps,
            start_s=start_s,
            duration_s=length_s,
            most_bps=max(_LEAST_BPS, round(bits) - self.sound_bps),
            most_bytes=self.table.most_bytes,
            encoder=self.options.encoder,
        )

    def after(self) -> VideoFacts:
        """Give what the result will be like."""
        facts = self.facts
        heard_s, until_s = (min(max(0.0, at - self.part[0]), self.part[1]) for at in self._heard)
        if self.sound == "encode":
            heard_s = 0.0  # gaps are filled with silence
        sound_s = until_s - heard_s
        kept = self.sound in {"copy", "encode"} and until_s > 0
        common = replace(
            facts,
            container=self.container,
            suffix=f".{self.container}",
            audio_codec=self._sound_codec if kept else None,
            audio_start_s=heard_s if kept else None,
            audio_duration_s=sound_s if kept else None,
            audio_bytes=round(self.sound_bps * sound_s / 8) if kept else None,
            video_streams=1,
            attached_picture=False,
            truncated=False,
        )
        return self._encoded(common) if self.encodes else common

    @property
    def _hevc(self) -> bool:
        """Whether the encoder asked for makes HEVC, by FFmpeg's way of naming them."""
        return any(name in self.options.encoder for name in ("hevc", "265", "kvazaar"))

    @property
    def _sound_codec(self) -> str | None:
        return "aac" if self.sound == "encode" else self.facts.audio_codec

    def _encoded(self, facts: VideoFacts) -> VideoFacts:
        frames = max(1, round(self.part[1] * self.fps))
        width, height = self.shape.size
        return replace(
            facts,
            size_bytes=self.table.most_bytes,
            width_px=width,
            height_px=height,
            coded_width_px=width,
            coded_height_px=height,
            codec="hevc" if self._hevc else "h264",
            codec_tag="hvc1" if self._hevc else "avc1",
            profile=None,
            pixel_format="yuv420p",
            bit_depth=8,
            fps=self.fps,
            variable_rate=False,
            frames=frames,
            duration_s=frames / self.fps,
            rotation=0,
            mirrored=False,
            interlaced=False,
            sample_aspect_ratio=Fraction(1),
        )
