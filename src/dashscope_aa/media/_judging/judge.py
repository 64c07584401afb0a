"""From facts to findings: what the rules, the plan and the look at the content say together."""

from collections.abc import Iterator
from typing import Final, overload

from dashscope_aa._engines import Engine
from dashscope_aa.media._facts import Content, Facts, ImageFacts, Kind, Unreadable, VideoFacts
from dashscope_aa.media._judging.findings import Finding, Setting, Severity, role_of
from dashscope_aa.media._judging.plan import Options
from dashscope_aa.media._judging.plan_image import ImagePlan, plan_image
from dashscope_aa.media._judging.plan_video import VideoPlan, plan_video
from dashscope_aa.media._judging.rules import IMAGE_TABLES, VIDEO_TABLES
from dashscope_aa.media._judging.rules_content import content_findings
from dashscope_aa.media._judging.table import check

__all__ = ["judge", "plan_for"]

_DEFAULTS: Final = Options()


@overload
def plan_for(facts: ImageFacts, engine: Engine, options: Options = ...) -> ImagePlan: ...
@overload
def plan_for(facts: VideoFacts, engine: Engine, options: Options = ...) -> VideoPlan: ...
@overload
def plan_for(facts: Facts, engine: Engine, options: Options = ...) -> ImagePlan | VideoPlan: ...
def plan_for(facts: Facts, engine: Engine, options: Options = _DEFAULTS) -> ImagePlan | VideoPlan:
    """Decide what mends a picture or a clip for an engine.

    Raises:
        InputError: an option makes no sense for it.
    """
    role = role_of(engine, facts.kind)
    if isinstance(facts, ImageFacts):
        return plan_image(facts, IMAGE_TABLES[role], options)
    return plan_video(facts, VIDEO_TABLES[role], options)


def judge(
    facts: Facts | Unreadable,
    kind: Kind,
    *,
    setting: Setting,
    content: Content | None = None,
) -> tuple[Finding, ...]:
    """Give everything there is to say about a picture or a clip, what weighs most first."""
    found = list(_findings(facts, kind, setting, content))
    return tuple(sorted(found, key=lambda finding: -finding.severity.weight))


def _findings(
    facts: Facts | Unreadable, kind: Kind, setting: Setting, content: Content | None
) -> Iterator[Finding]:
    role = role_of(setting.engine, kind)
    match facts:
        case Unreadable():
            yield _unreadable(facts, kind, setting)
        case ImageFacts():
            table = IMAGE_TABLES[role]
            mended = plan_for(facts, setting.engine).after
            yield from check(facts, table, mended=mended)
            yield from table.notices(facts, setting)
        case VideoFacts():
            clips = VIDEO_TABLES[role]
            after = plan_for(facts, setting.engine).after
            yield from check(facts, clips, mended=after)
            yield from clips.notices(facts, setting)
            if content is not None:
                yield from content_findings(content, facts, duration=clips.limit("duration"))


def _unreadable(facts: Unreadable, kind: Kind, setting: Setting) -> Finding:
    role = role_of(setting.engine, kind)
    table = IMAGE_TABLES[role] if kind == "image" else VIDEO_TABLES[role]
    code = table.code_of_unreadable(facts)
    return Finding(
        code=table.unreadable,
        severity=Severity.ERROR,
        subject=kind,
        quantity="file",
        message=facts.message,
        hint=facts.hint,
        service_code=code,
        measured=facts.reason,
        limit="readable",
        source="ERR",
    )
