"""A form post, read while it arrives: fields into memory, the file to disk.

The file comes last; whatever follows it is not looked at. A post that is refused is read to
its end all the same, so that the one who sends it hears the answer.

Source: OSS PostObject reference.
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from dashscope_aa._concurrency import in_thread
from dashscope_aa.emulator._answers import (
    OSS_BAD_ARGUMENT,
    OSS_BAD_FORM,
    OSS_TOO_LARGE,
    Answer,
    Refused,
)

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks  # exists for type checkers only

BATCH_BYTES: Final = 1024 * 1024
"""How much is gathered before it is written: fewer trips to a thread."""
FIELDS_BYTES: Final = 256 * 1024
"""Most bytes of a field; a policy has about 700."""
BOUNDARY_BYTES: Final = 70
"""The longest boundary there is. Source: RFC 2046, section 5.1.1."""
NO_FILE: Final = OSS_BAD_ARGUMENT.filled("POST requires exactly one file upload per request.")


class Form:
    """One form post.

    *admit* is called with the fields when the file begins and refuses it by raising
    `Refused`; the file goes to *target* while it is admitted and not larger than *max_bytes*.
    """

    def __init__(
        self, *, admit: Callable[[dict[str, str]], None], target: Path, max_bytes: int
    ) -> None:
        self.fields: dict[str, str] = {}
        self.size_bytes = 0
        self.refusal: Answer | None = None
        self._admit = admit
        self._target = target
        self._max_bytes = max_bytes
        self._header = bytearray()
        self._value = bytearray()
        self._disposition = b""
        self._name: str | None = None
        self._data = bytearray()
        self._in_file = False
        self._file: BinaryIO | None = None
        self._seen_file = False
        self._over = False

    async def read(self, chunks: AsyncIterator[bytes], *, content_type: str) -> None:
        """Read the post to its end; `refusal` tells what was wrong with it."""
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        proper = kind == b"multipart/form-data" and 0 < len(boundary) <= BOUNDARY_BYTES
        parser = MultipartParser(boundary if proper else b"-", self._callbacks())
        if not proper:
            self.refusal = OSS_BAD_FORM
        try:
            async for chunk in chunks:
                self._feed(parser, chunk)
                if len(self._data) >= BATCH_BYTES and self._file is not None:
                    await in_thread(self._write)
            await in_thread(self._write)
        finally:
            if self._file is not None:
                self._file.close()
        if self.refusal is None:
            self.refusal = self._fault()

    def _fault(self) -> Answer | None:
        if not self._over:
            return OSS_BAD_FORM
        return None if self._seen_file else NO_FILE

    def _feed(self, parser: MultipartParser, chunk: bytes) -> None:
        if self.refusal is not None:
            return
        try:
            parser.write(chunk)
        except FormParserError:
            self.refusal = OSS_BAD_FORM

    def _write(self) -> None:
        if self._file is not None:
            self._file.write(self._data)
            self._data = bytearray()

    # ── what the parser finds ────────────────────────────────────────────────────────────

    def _callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._part_begins,
            "on_header_field": self._header_name_comes,
            "on_header_value": self._header_value_comes,
            "on_header_end": self._header_ends,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._part_comes,
            "on_part_end": self._part_ends,
            "on_end": self._form_ends,
        }

    def _part_begins(self) -> None:
        self._disposition = b""

    def _header_name_comes(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value_comes(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._in_file = self._name == "file" and not self._seen_file
        if self._in_file:
            self._seen_file = True
            self._open()

    def _open(self) -> None:
        try:
            self._admit(self.fields)
        except Refused as refused:
            self.refusal = refused.answer
        else:
            self._file = self._target.open("wb")

    def _part_comes(self, data: bytes, start: int, end: int) -> None:
        if self.refusal is not None:
            return
        if self._in_file:
            self.size_bytes += end - start
            self._data += data[start:end]
            if self.size_bytes > self._max_bytes:
                self.refusal = OSS_TOO_LARGE
        elif not self._seen_file:
            self._data += data[start:end]
            if len(self._data) > FIELDS_BYTES:
                self.refusal = OSS_BAD_FORM

    def _part_ends(self) -> None:
        if not self._in_file and not self._seen_file and self._name:
            self.fields[self._name] = self._data.decode("utf-8", "replace")
            self._data.clear()
        self._in_file = False

    def _form_ends(self) -> None:
        self._over = True
