"""Choose what is read of a large clip whose format has no index: its two ends.

At a URL every byte takes time; of a file here, this is for what is far larger than any model takes,
and for those who make gigabytes of nothing.

The beginning tells codec and pace, the end tells when the last frame is shown. FFmpeg finds its way
again behind the hole by itself in mkv, webm, wmv and ts; flv tags are only found by counting.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Final, cast

from dashscope_aa.media._opening.range_file import Ends
from dashscope_aa.media._opening.safety import WITH_INDEX, Subject
from dashscope_aa.media._opening.sniff import Format

__all__ = ["is_large", "views"]

_MIB: Final = 1024 * 1024
_READ_WHOLE: Final = {True: 4 * _MIB, False: 512 * _MIB}
"""Up to which size a clip is read whole: far away, and here."""
_BEGINNING: Final = _MIB
_ENDINGS: Final = (_MIB // 2, 6 * _MIB)
"""How much is read of the end, and how much if no frame was found in that."""


def views(subject: Subject, found: Format) -> Iterator[Subject]:
    """Give the subject as it is to be read: whole, or both ends of it, then more of them."""
    if found.opened_by in WITH_INDEX or not is_large(subject):
        yield subject
        return
    for ending in _ENDINGS:
        hole = range(_BEGINNING, max(_BEGINNING, subject.size_bytes - ending))
        if found.name == "flv":
            hole = range(_tags_end(subject, hole.start), _tags_start(subject, hole.stop))
        ends = Ends(subject.file, subject.size_bytes, hole=hole)
        yield replace(subject, file=cast("BinaryIO", ends), omitted=hole)


def is_large(subject: Subject) -> bool:
    """True if not all of it is read."""
    return subject.size_bytes > _READ_WHOLE[subject.far]


def _tags_end(subject: Subject, limit: int) -> int:
    """Give where the last whole tag ends before *limit*. Source: Adobe FLV 10.1, E.3, E.4."""
    at = end = 9 + 4  # behind the header, and the size of the tag before the first
    while end <= limit:
        at = end
        subject.file.seek(at + 1)
        end = at + 11 + int.from_bytes(subject.file.read(3)) + 4
    return at


def _tags_start(subject: Subject, limit: int) -> int:
    """Give where the first whole tag starts behind *limit*, counting back from the end."""
    at = start = subject.size_bytes
    while start >= limit:
        at = start
        subject.file.seek(at - 4)
        length = int.from_bytes(subject.file.read(4))
        if length == 0:
            break
        start = at - length - 4
    return at
