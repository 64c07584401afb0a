"""What users hand over as a picture, a clip or a template, and how it becomes a file or a URL.

Strings are sugar: ``http(s)://`` and ``oss://`` mean a URL, ``AACT.…`` in the template's place
an id, anything else a path. Bytes, file objects and PIL images are put into a temporary file,
so that from here on there are files and URLs only, read in chunks, however large they are.
"""

import hashlib
import inspect
import io
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Self, TypeGuard, cast

import anyio

from dashscope_aa._concurrency import CHUNK_BYTES, apart, in_thread
from dashscope_aa.errors import SourceError
from dashscope_aa.models import TemplateOutput
from dashscope_aa.models._base import media_url

if TYPE_CHECKING:
    from PIL.Image import Image

_PNG_MODES: Final = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})
_TEMPLATE_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,256}")


class Url(str):
    """Says plainly that a string is a URL: http, https or oss.

    Raises:
        SourceError: it is not one the service could read.
    """

    __slots__ = ()

    def __new__(cls, value: str) -> Self:
        """Check the URL and percent-encode what is not ASCII in it."""
        try:
            return super().__new__(cls, media_url(value))
        except ValueError as error:
            raise SourceError(str(error)) from None


class TemplateId(str):
    """Says plainly that a string is the id of a motion template.

    Raises:
        SourceError: it is not shaped like one (letters, digits, dot, hyphen, underscore).
    """

    __slots__ = ()

    def __new__(cls, value: object) -> Self:
        """Check the id's shape."""
        if not isinstance(value, str) or not _TEMPLATE_ID.fullmatch(value):
            msg = f"a template id looks like AACT.xxx.xxx-xxx.xxx, but this is {value!r:.80}"
            raise SourceError(msg)
        return super().__new__(cls, value)


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A local picture or clip, ready to be read."""

    path: Path
    """Where it lies; a temporary file if it was handed over as bytes."""
    suffix: str
    """Suffix that fits its content, such as ``.mp4``: the service judges by it."""
    size_bytes: int
    """How long it is."""
    _digests: list[str] = field(default_factory=list[str], compare=False, repr=False)

    async def sha256(self) -> str:
        """Give the SHA-256 of its bytes, in hexadecimal; they are read for it once."""
        if not self._digests:
            self._digests.append(await in_thread(_sha256, self.path))
        return self._digests[0]

    def confirm(self, sha256: str) -> bool:
        """Take over the hash of its bytes, read just now; false if it was another before.

        Then it is forgotten, too, and `sha256` reads the file anew.
        """
        changed = bool(self._digests) and self._digests[0] != sha256
        self._digests[:] = [] if changed else [sha256]
        return not changed


VideoSource = str | os.PathLike[str] | bytes | BinaryIO | MediaFile
"""A clip: path, bytes, binary file object, or URL."""

if TYPE_CHECKING:
    ImageSource = VideoSource | Image
    """A picture: as a clip, or a PIL image."""
else:
    ImageSource = VideoSource

TemplateSource = VideoSource | TemplateId | TemplateOutput
"""A clip to make a template from, or a template there is already."""


Media = MediaFile | Url
"""A source once it has been looked at."""


async def identity(media: Media) -> str:
    """Say what a file or a URL is, so that the same is known again: its hash, or the URL.

    Raises:
        SourceError: the file can no longer be read.
    """
    return f"sha256:{await media.sha256()}" if isinstance(media, MediaFile) else str(media)


def is_url(source: object) -> bool:
    """True if *source* is a string that means a URL."""
    return isinstance(source, Url) or (
        isinstance(source, str) and source.lower().startswith(("http://", "https://", "oss://"))
    )


def template_id(source: object) -> TemplateId | None:
    """Give the template id that *source* is or holds; None if it is a clip."""
    if isinstance(source, TemplateOutput):
        return TemplateId(source.template_id)
    if isinstance(source, TemplateId) or (isinstance(source, str) and source.startswith("AACT.")):
        return TemplateId(source)
    return None


@asynccontextmanager
async def opened(
    source: ImageSource, *, role: str, local_paths: bool = True
) -> AsyncGenerator[Media, None]:
    """Turn a source into a checked file or URL; temporary files go when the block ends.

    Args:
        source: What the user handed over.
        role: What it is, for messages: ``image`` or ``video``.
        local_paths: False refuses paths, for servers that pass on what strangers typed.

    Raises:
        SourceError: it is missing, empty, a directory, unreadable, or of no kind we know.
    """
    if isinstance(source, MediaFile):
        yield source
        return
    if is_url(source):
        yield _url(cast("str", source), role)
        return
    if isinstance(source, str | os.PathLike):
        yield await in_thread(_checked, _path(source, role, allowed=local_paths), role)
        return
    async with temporary_folder() as folder:
        yield await apart(lambda: in_thread(_kept, source, folder / role, role))


@asynccontextmanager
async def temporary_folder() -> AsyncGenerator[Path, None]:
    """Give a folder that goes, with all that is in it, when the block ends."""
    folder = tempfile.mkdtemp(prefix="dashscope-aa-")  # no thread: a cancellation would lose it
    try:
        yield Path(folder)
    finally:
        with anyio.CancelScope(shield=True):
            await in_thread(shutil.rmtree, folder, ignore_errors=True)


@asynccontextmanager
async def opened_all(
    sources: Mapping[str, ImageSource], *, local_paths: bool = True
) -> AsyncGenerator[dict[str, Media], None]:
    """Open several sources, named by their roles, and say all that is wrong with them at once.

    Raises:
        SourceError: at least one cannot be used; the message names every one.
    """
    media: dict[str, Media] = {}
    faults: list[SourceError] = []
    async with AsyncExitStack() as stack:
        for role, source in sources.items():
            try:
                media[role] = await stack.enter_async_context(
                    opened(source, role=role, local_paths=local_paths)
                )
            except SourceError as error:
                faults.append(error)
        if len(faults) > 1:
            hint = " ".join(filter(None, (fault.hint for fault in faults)))
            raise SourceError("; ".join(fault.message for fault in faults), hint=hint)
        for fault in faults:
            raise fault
        yield media


def _url(source: str, role: str) -> Url:
    try:
        return Url(source)
    except SourceError as fault:
        raise SourceError(f"the {role}: {fault.message}") from None


def _path(source: "str | os.PathLike[str]", role: str, *, allowed: bool) -> Path:
    if not allowed:
        msg = f"the {role} is given as a path, and this client takes none (local_paths=False)"
        raise SourceError(msg, hint="Hand over bytes, a file object or a URL.")
    if isinstance(source, str) and "://" in source:
        scheme = source.split("://", 1)[0]
        msg = f"the {role} is given as a {scheme[:20]}:// URL; http, https and oss are known"
        raise SourceError(msg, hint="Give a file's plain path, without a scheme.")
    if not os.fspath(source):
        raise SourceError(f"the {role} is an empty text, not a path or a URL")
    return Path(os.fsdecode(source))


def _checked(path: Path, role: str) -> MediaFile:
    """Look at the file before anything is sent."""
    named = f"the {role} {str(path)[:200]!r}"
    try:
        facts, head = _looked_at(path)
    except FileNotFoundError:
        raise SourceError(f"{named} does not exist") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SourceError(f"{named} cannot be read: {reason}") from None
    if stat.S_ISDIR(facts.st_mode):
        raise SourceError(f"{named} is a directory, not a file")
    if not stat.S_ISREG(facts.st_mode):
        raise SourceError(f"{named} is not a regular file")
    if facts.st_size == 0:
        raise SourceError(f"{named} is empty")
    return MediaFile(path, suffix_of(head) or path.suffix.lower(), facts.st_size)


def _looked_at(path: Path) -> tuple[os.stat_result, bytes]:
    """Give a file's facts and its first bytes, if it is one."""
    # Non-blocking, so that opening a named pipe does not wait for a writer.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        facts = os.fstat(descriptor)
        return facts, os.read(descriptor, 32) if stat.S_ISREG(facts.st_mode) else b""
    finally:
        os.close(descriptor)


def _kept(source: object, path: Path, role: str) -> MediaFile:
    """Put what is no file into one."""
    if isinstance(source, bytes | bytearray):
        path.write_bytes(source)
    elif _is_pil_image(source):
        _draw(source, path, role)
    elif inspect.iscoroutinefunction(getattr(source, "read", None)):
        msg = f"the {role} is of type {type(source).__name__}, which is read asynchronously"
        raise SourceError(msg, hint="Hand over the file in it (upload.file), or what it reads.")
    elif callable(getattr(source, "read", None)):
        _copy(cast("BinaryIO", source), path, role)
    else:
        msg = f"the {role} is of type {type(source).__name__}, which cannot be read"
        raise SourceError(msg, hint="Give a path, bytes, a binary file object or a URL.")
    return _renamed(path, role)


def _is_pil_image(source: object) -> "TypeGuard[Image]":
    """True for a PIL image; whoever has one has imported PIL, and nobody else needs it."""
    pil = sys.modules.get("PIL.Image")
    return pil is not None and isinstance(source, pil.Image)


def _draw(image: "Image", path: Path, role: str) -> None:
    """Save a PIL image, turned as its own mark says, which PNG would lose."""
    from PIL import ImageOps  # noqa: PLC0415 - who hands over a PIL image has loaded it

    exif = b""
    try:
        image = ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001 - whatever damaged notes make Pillow raise, warnings included
        exif = image.info.get("exif", b"")  # kept: which way up it is may be read from it yet
    try:
        if image.mode not in _PNG_MODES:
            image = image.convert("RGB")
        image.save(path, format="PNG", exif=exif)
    except (OSError, ValueError, SyntaxError, SystemError) as error:  # whatever a decoder raises
        raise SourceError(f"the {role} cannot be read from a PIL image: {error}") from error


def _copy(source: BinaryIO, path: Path, role: str) -> None:
    """Copy a file object from its beginning, wherever it stands."""
    try:
        if hasattr(source, "seek") and (not hasattr(source, "seekable") or source.seekable()):
            source.seek(0)
        with path.open("wb") as target:
            shutil.copyfileobj(source, target, CHUNK_BYTES)
    except (OSError, ValueError, TypeError, io.UnsupportedOperation) as error:
        msg = f"the {role} cannot be read from {type(source).__name__}: {error}"
        raise SourceError(msg, hint="Give a binary file object (open(path, 'rb')).") from error


def _renamed(path: Path, role: str) -> MediaFile:
    """Give the file the suffix that fits its content."""
    if path.stat().st_size == 0:
        msg = f"the {role} is empty"
        raise SourceError(msg)
    media = _checked(path, role)
    named = path.with_suffix(media.suffix)
    path.rename(named)
    return MediaFile(named, media.suffix, media.size_bytes)


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        msg = f"{str(path)[:200]!r} can no longer be read: {error.strerror or error}"
        raise SourceError(msg) from error


def suffix_of(head: bytes) -> str:
    """Give the suffix that fits the first bytes of a file; empty if they tell nothing."""
    for offset, magic, suffix in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return suffix
    return ".mp4" if head[4:8] == b"ftyp" else ""


# Formats that users hold in their hands; what the service takes is none of this table's business.
_MAGIC: Final = (
    (0, b"\xff\xd8\xff", ".jpg"),
    (0, b"\x89PNG\r\n\x1a\n", ".png"),
    (0, b"BM", ".bmp"),
    (0, b"GIF8", ".gif"),
    (0, b"II*\x00", ".tiff"),
    (0, b"MM\x00*", ".tiff"),
    (8, b"WEBP", ".webp"),
    (8, b"AVI ", ".avi"),
    (8, b"qt  ", ".mov"),
    (8, b"heic", ".heic"),
    (8, b"avif", ".avif"),
    (0, b"\x1aE\xdf\xa3", ".mkv"),
    (0, b"FLV\x01", ".flv"),
    (0, b"0&\xb2u", ".wmv"),
)
