"""One sheet that shows a report: frames to look at, and a bar for each limit."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from PIL import Image, ImageDraw, ImageFont

from dashscope_aa.media._facts import ImageFacts, Unreadable, VideoFacts
from dashscope_aa.media._judging.findings import FactsT, Finding, Rule, Severity
from dashscope_aa.media._judging.limits import Measured, Number, say
from dashscope_aa.media._judging.rules import IMAGE_TABLES, VIDEO_TABLES
from dashscope_aa.media._reporting.checked import Checked
from dashscope_aa.media._reporting.shots import Shot, shots
from dashscope_aa.media._target import WriteError, end_of, replacing
from dashscope_aa.media._worker import Checkpoint

__all__ = ["draw"]

Colour: TypeAlias = tuple[int, int, int]

_WIDTH: Final = 1080
_MARGIN: Final = 24
_LINE: Final = 26
_BAR_LEFT: Final = 330
_BAR_WIDTH: Final = 420
_VALUE_LEFT: Final = _BAR_LEFT + _BAR_WIDTH + 20
_INK: Final = (30, 30, 30)
_GREY: Final = (225, 225, 225)
_GOOD: Final = (39, 140, 84)
_ALLOWED: Final = (190, 228, 205)
_COLOURS: Final[dict[Severity, Colour]] = {
    Severity.ERROR: (192, 57, 43),
    Severity.WARNING: (185, 119, 14),
    Severity.ADVICE: (110, 110, 110),
}
_END: Final = b"IEND\xaeB`\x82"
"""What every whole PNG ends with."""
_ROOM: Final = 1.3
"""How far a bar goes beyond what it has to show."""


def draw(checked: Iterable[Checked], path: Path, *, checkpoint: Checkpoint) -> Path:
    """Write the sheet to *path*.

    Raises:
        InputError: *path* cannot be written to.
        TransferError: the disk is full.
    """
    strips = [strip for one in checked for strip in _strips(one, checkpoint)]
    height = sum(strip.height for strip in strips) + 2 * _MARGIN
    sheet = Image.new("RGB", (_WIDTH, height), "white")
    top = _MARGIN
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    with replacing(path, checkpoint) as part:
        _save(sheet, part)
    return path


def _save(sheet: Image.Image, part: Path) -> None:
    try:
        sheet.save(part, format="PNG")
    except OSError as error:
        raise WriteError(error.strerror or str(error)) from error
    end_of(part, expected=_END)


def _strips(one: Checked, checkpoint: Checkpoint) -> Iterator[Image.Image]:
    """Give what is drawn about one picture or clip, from top to bottom."""
    verdict = _GOOD if one.ok else _COLOURS[Severity.ERROR]
    yield _text(f"{one.name} as {one.role}", colour=verdict, size=24)
    if pictures := list(shots(one, checkpoint)):
        yield from (_row(row) for row in _rows_of(pictures))
    yield from _bars(one)
    yield _text("")
    if one.findings:
        for finding in one.findings:
            yield from _words(finding)
        yield _text("")


def _text(text: str, *, colour: Colour = _INK, size: int = 16) -> Image.Image:
    strip = Image.new("RGB", (_WIDTH, round(size * 1.6)), "white")
    ImageDraw.Draw(strip).text((_MARGIN, 0), text, fill=colour, font=_font(size))
    return strip


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def _words(finding: Finding) -> Iterator[Image.Image]:
    colour = _COLOURS[finding.severity]
    # The font has no sign for times.
    said = f"{finding.code}: {finding.message}. {finding.hint}".replace("×", "x")
    for line in _wrapped(said):
        yield _text(line, colour=colour)


def _wrapped(text: str) -> Iterator[str]:
    """Break text where a line is full."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and _font(16).getlength(longer) > _WIDTH - 2 * _MARGIN:
            yield line
            longer = f"    {word}"
        line = longer
    yield line


def _rows_of(pictures: Iterable[Shot]) -> Iterator[list[Shot]]:
    """Break pictures into rows where one is full."""
    row: list[Shot] = []
    right = _MARGIN
    for words, picture in pictures:
        right += picture.width
        if row and right > _WIDTH - _MARGIN:
            yield row
            row, right = [], _MARGIN + picture.width
        row.append((words, picture))
        right += _MARGIN // 2
    yield row


def _row(pictures: list[Shot]) -> Image.Image:
    """Put pictures beside each other, each with its words below."""
    height = max(picture.height for _, picture in pictures)
    strip = Image.new("RGB", (_WIDTH, height + 2 * _LINE), "white")
    pen, left = ImageDraw.Draw(strip), _MARGIN
    for words, picture in pictures:
        strip.paste(picture, (left, 0))
        pen.text((left, height + 4), words, fill=_INK, font=_font(14))
        left += picture.width + _MARGIN // 2
    return strip


# ── bars ─────────────────────────────────────────────────────────────────────────────────


def _bars(one: Checked) -> Iterator[Image.Image]:
    match one.facts:
        case ImageFacts() as picture:
            rows = IMAGE_TABLES[one.role].rules
            yield from _rows(rows, picture)
        case VideoFacts() as clip:
            yield from _rows(VIDEO_TABLES[one.role].rules, clip)
        case Unreadable():
            return


def _rows(rules: Iterable[Rule[FactsT]], facts: FactsT) -> Iterator[Image.Image]:
    """Draw each quantity once, with the hardest rule about it."""
    drawn: set[str] = set()
    for rule in rules:
        measured = rule.measure(facts)
        if measured is not None and rule.quantity not in drawn:
            drawn.add(rule.quantity)
            yield _bar(rule, measured, kept=rule.keeps(facts))


def _bar(rule: Rule[FactsT], measured: Measured, *, kept: bool) -> Image.Image:
    strip = Image.new("RGB", (_WIDTH, _LINE), "white")
    pen = ImageDraw.Draw(strip)
    colour = _GOOD if kept else _COLOURS[rule.severity]
    pen.text((_MARGIN, 4), f"{rule.code}  {rule.quantity}", fill=_INK, font=_font(14))
    said = say(measured, rule.unit, beside=rule.limit.bounds)
    if isinstance(measured, str):
        if not kept:
            said = f"{said}: {rule.verb} be {rule.limit.wording(rule.unit)}"
        pen.text((_BAR_LEFT, 4), said, fill=colour, font=_font(14))
        return strip
    scale = _Scale.of(rule.limit.bounds, measured)
    allowed = scale.span(*rule.limit.bounds)
    pen.rectangle((_BAR_LEFT, 6, _BAR_LEFT + _BAR_WIDTH, _LINE - 6), fill=_GREY)
    pen.rectangle((allowed[0], 6, allowed[1], _LINE - 6), fill=_ALLOWED)
    place = scale.place(measured)
    pen.rectangle((place - 3, 2, place + 3, _LINE - 2), fill=colour)
    pen.text((_VALUE_LEFT, 4), said, fill=colour, font=_font(14))
    return strip


@dataclass(frozen=True)
class _Scale:
    """From values to places on a bar that begins at 0."""

    most: float

    @classmethod
    def of(cls, bounds: tuple[Number | None, Number | None], measured: Number) -> "_Scale":
        """Make room for the bounds and the value."""
        shown = [float(value) for value in (*bounds, measured) if value is not None]
        return cls(max(shown) * _ROOM or 1.0)

    def place(self, value: Number) -> float:
        """Give the place of a value in pixels."""
        return _BAR_LEFT + _BAR_WIDTH * min(1.0, max(0.0, float(value) / self.most))

    def span(self, low: Number | None, high: Number | None) -> tuple[float, float]:
        """Give where the allowed part begins and ends."""
        return self.place(low or 0), self.place(self.most if high is None else high)
