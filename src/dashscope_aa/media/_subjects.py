"""What users hand over as a picture or a clip, opened for reading; and the look into it.

URLs become subjects in `_probe_url`, PIL images are judged as they are.
"""

import io
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from dashscope_aa.errors import SourceError
from dashscope_aa.media._facts import Facts, Kind, Unreadable
from dashscope_aa.media._safety import NotReadable, Subject, open_path, recognise, suffix_of

__all__ = ["look", "subject_of"]

_SMALLER: Final = "Make a smaller copy of it."


@contextmanager
def subject_of(source: object, *, checkpoint: Callable[[], None]) -> Generator[Subject]:
    """Open a path, bytes or a file object, which is given back where it stood.

    Raises:
        SourceError: it is missing, or of no kind that can be read.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(cast("str | os.PathLike[str]", source))
        with open_path(path) as file:
            yield _subject(path.name, file, suffix_of(path.name), path, checkpoint)
    elif isinstance(source, bytes | bytearray | memoryview):
        data = io.BytesIO(cast("bytes", source))
        yield _subject("the bytes given", data, None, None, checkpoint)
    else:
        file, name = _file_object(source), getattr(source, "name", None)
        stands_at = file.tell()
        try:
            name = name if isinstance(name, str) else ""
            shown = Path(name).name or "the file given"
            yield _subject(shown, file, suffix_of(name), None, checkpoint)
        finally:
            file.seek(stands_at)


def look(subject: Subject, kind: Kind | None) -> Facts | Unreadable:
    """Tell what the subject is and find its facts. Waits for disk and codec: use a thread."""
    try:
        found = recognise(subject, kind)
        # Pillow and PyAV are loaded when a file of theirs is looked at, not before.
        if found.family == "image":
            from dashscope_aa.media._probe_image import probe_image  # noqa: PLC0415 - as said above

            return probe_image(subject, found)
        from dashscope_aa.media._probe_video import probe_video  # noqa: PLC0415 - as said above

        return probe_video(subject, found)
    except NotReadable as error:
        return error.unreadable(subject=subject, kind=kind)
    except MemoryError:
        too_large = NotReadable("too_large", "it takes more memory than there is", hint=_SMALLER)
        return too_large.unreadable(subject=subject, kind=kind)


def _subject(
    name: str,
    file: BinaryIO,
    suffix: str | None,
    path: Path | None,
    checkpoint: Callable[[], None],
) -> Subject:
    size_bytes = file.seek(0, io.SEEK_END)
    return Subject(name, file, size_bytes, suffix, path, checkpoint)


def _file_object(source: object) -> BinaryIO:
    readable = all(callable(getattr(source, name, None)) for name in ("read", "seek", "tell"))
    if isinstance(source, io.TextIOBase) or not readable:
        msg = f"expected a path, bytes, a binary file or a URL, but got {type(source).__name__}"
        raise SourceError(msg, hint="Open a file in binary mode: open(path, 'rb').")
    file = cast("BinaryIO", source)  # it has what we use of one
    if callable(getattr(file, "seekable", None)) and not file.seekable():
        msg = "the file object given cannot be read from anywhere but where it stands"
        raise SourceError(msg, hint="Put its contents into a file or into bytes first.")
    return file
