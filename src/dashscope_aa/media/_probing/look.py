"""The look into a subject, whatever it is: what it is, and its facts."""

from typing import Final

from dashscope_aa.media._facts import Facts, Kind, Unreadable
from dashscope_aa.media._opening.safety import NotReadable, Subject, recognise
from dashscope_aa.media._opening.sniff import Format

__all__ = ["look"]

_SMALLER: Final = "Make a smaller copy of it."


def look(subject: Subject, kind: Kind | None) -> Facts | Unreadable:
    """Tell what the subject is and find its facts. Waits for disk and codec: use a thread."""
    try:
        found = recognise(subject, kind)
    except NotReadable as error:
        return error.unreadable(subject=subject, kind=kind)
    kind = "image" if found.family == "image" else "video"
    try:
        return _probe(subject, found)
    except NotReadable as error:
        return error.unreadable(subject=subject, kind=kind, format_=found.name)
    except MemoryError:
        too_large = NotReadable("too_large", "it takes more memory than there is", hint=_SMALLER)
        return too_large.unreadable(subject=subject, kind=kind, format_=found.name)


def _probe(subject: Subject, found: Format) -> Facts:
    # Pillow and PyAV are loaded when a file of theirs is looked at, not before.
    if found.family == "image":
        from dashscope_aa.media._probing.image import probe_image  # noqa: PLC0415 - as said above

        return probe_image(subject, found)
    from dashscope_aa.media._probing.video import probe_video  # noqa: PLC0415 - as said above

    return probe_video(subject, found)
