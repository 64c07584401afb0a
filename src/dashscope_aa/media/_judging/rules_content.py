"""What is said about what a clip shows. These are warnings: they never block.

The documents ask for one continuous take with a clear person in the first frame; what can be
told without knowing people is judged here. The thresholds were measured, no document has any.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from dashscope_aa.media._facts import Content, FirstFrame, VideoFacts
from dashscope_aa.media._judging.findings import Finding, Rule, Severity
from dashscope_aa.media._judging.limits import AtLeast, Limit

__all__ = ["FIRST_FRAME_RULES", "content_findings"]


_UNCLEAR: Final = "InvalidFile.Content"
_HINT: Final = "Begin where the person is seen clearly: trim=(start_s, end_s)."
_SHARP: Final = 4.0
_SOURCE: Final = "S1 (a clear person in the first frame); threshold measured"

FIRST_FRAME_RULES: Final[tuple[Rule[FirstFrame], ...]] = (
    Rule(
        code="C102",
        quantity="brightness of the first frame",
        measure=lambda first: first.brightness,
        limit=AtLeast(50),
        severity=Severity.WARNING,
        service_code=_UNCLEAR,
        hint=_HINT,
        source=_SOURCE,
    ),
    Rule(
        code="C103",
        quantity="contrast of the first frame",
        measure=lambda first: first.contrast,
        limit=AtLeast(10),
        severity=Severity.WARNING,
        service_code=_UNCLEAR,
        hint=_HINT,
        source=_SOURCE,
    ),
    Rule(
        code="C104",
        quantity="sharpness of the first frame",
        measure=lambda first: first.sharpness,
        limit=AtLeast(_SHARP),
        severity=Severity.WARNING,
        service_code=_UNCLEAR,
        hint=_HINT,
        source=_SOURCE,
    ),
)


def content_findings(
    content: Content, facts: VideoFacts, *, duration: Limit | None
) -> Iterator[Finding]:
    """Say what a look at a clip found.

    Args:
        content: What was seen.
        facts: What is known about the clip.
        duration: How long a clip may be, for the parts that are proposed.
    """
    if content.cuts_s:
        yield _cut_finding(content.cuts_s, facts.duration_s, duration)
    # Each of these makes the next one meaningless, so only the first is said.
    broken = (rule for rule in FIRST_FRAME_RULES if not rule.keeps(content.first))
    if rule := next(broken, None):
        yield rule.finding(content.first)


def _cut_finding(cuts_s: Sequence[float], duration_s: float, duration: Limit | None) -> Finding:
    times = [f"{time_s:.2f}" for time_s in cuts_s]
    said = f"{', '.join(times[:-1])} and {times[-1]}" if len(times) > 1 else times[0]
    return Finding(
        code="C101",
        severity=Severity.WARNING,
        subject="video",
        quantity="number of takes",
        message=f"the clip should be one continuous take, but is cut at {said} s",
        hint=_takes(cuts_s, duration_s, duration),
        measured=len(cuts_s) + 1,
        limit="one",
        times_s=tuple(cuts_s),
        source="S1; Ztpl-26",
    )


def _takes(cuts_s: Sequence[float], duration_s: float, duration: Limit | None) -> str:
    """Propose the parts between the cuts that are long enough."""
    parts = [
        f"trim=({start_s:.2f}, {end_s:.2f})"
        for start_s, end_s in pairwise((0.0, *cuts_s, round(duration_s, 2)))
        if duration is None or duration.allows(end_s - start_s)
    ]
    if not parts:
        return "No take in it is long enough: use another clip."
    return f"Use one take: {' or '.join(parts)}."
