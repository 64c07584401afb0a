"""What users hand over as a picture or a clip, opened for reading.

What is at a URL is opened by `remote`, and PIL images are judged as they are.
"""

import io
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from dashscope_aa.errors import SourceError
from dashscope_aa.media._opening.safety import NotReadable, Subject, open_path, suffix_of

__all__ = ["steady", "subject_of"]


@contextmanager
def subject_of(source: object, *, checkpoint: Callable[[], None]) -> Generator[Subject]:
    """Open a path, bytes or a file object, which is given back where it stood.

    Raises:
        SourceError: it is missing, or of no kind that can be read.
    """
    if source == "":
        raise SourceError("expected a path, but got an empty text", hint="Name a file.")
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


@contextmanager
def steady(subject: Subject) -> Generator[None]:
    """Make sure that a file stays what it was: FFmpeg takes one that shrinks for one that ends.

    Raises:
        NotReadable: it is another one now.
    """
    before = _stamp(subject)
    yield
    if _stamp(subject) != before or subject.file.seek(0, io.SEEK_END) != subject.size_bytes:
        message = "it was changed while it was read"
        raise NotReadable("damaged", message, hint="Try again when nobody writes to it any more.")


def _stamp(subject: Subject) -> tuple[int, ...]:
    """Give what tells one state of a file from another; of what is no file there is but one."""
    if subject.path is None:
        return ()
    try:
        found = subject.path.stat()
    except OSError:
        return (0,)  # it is gone
    return found.st_ino, found.st_size, found.st_mtime_ns


def _subject(
    name: str,
    file: BinaryIO,
    suffix: str | None,
    path: Path | None,
    checkpoint: Callable[[], None],
) -> Subject:
    try:
        size_bytes = file.seek(0, io.SEEK_END)
    except OSError as error:
        msg = f"{name} cannot be read: {error.strerror or error}"
        raise SourceError(msg, hint="Give a file that says how long it is.") from error
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
