"""Files for FFmpeg and Pillow: fetched in ranges when they are read, or read only while wanted."""

import io
from collections.abc import Callable
from typing import BinaryIO, Final, TypeAlias

__all__ = ["Ends", "RangeFile", "ReadRange", "WantedFile"]

ReadRange: TypeAlias = Callable[[int, int], bytes]
"""Give the bytes from one offset up to another; may wait."""

_BLOCK_BYTES: Final = 32 * 1024
_BLOCKS_AT_ONCE: Final = 32
_BLOCKS_AHEAD: Final = 8


class _Seekable(io.RawIOBase):
    """What every file here has in common: a size, and a place where it stands."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__()
        self._size_bytes = size_bytes
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size_bytes}[whence]
        self._at = max(0, start + offset)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Read that many bytes, fewer only at the end, whatever it takes."""
        left = max(0, self._size_bytes - self._at)
        length = left if size is None or size < 0 else min(size, left)
        data = self._get(self._at, self._at + length) if length else b""
        self._at += len(data)
        return data

    def _get(self, start: int, stop: int) -> bytes:
        raise NotImplementedError


class RangeFile(_Seekable):
    """A file whose blocks are fetched when they are read, and kept.

    Reading on where the last fetch ended fetches twice as much each time.
    """

    def __init__(self, fetch: ReadRange, size_bytes: int, *, head: bytes = b"") -> None:
        super().__init__(size_bytes)
        self._fetch = fetch
        self._blocks: dict[int, bytes] = {}
        self._keep(0, head)
        self._ahead, self._expected = 1, len(self._blocks)
        self.fault: BaseException | None = None
        """What fetching raised. FFmpeg takes OSErrors only, so its reader gets one of those."""

    def _get(self, start: int, stop: int) -> bytes:
        first, last = start // _BLOCK_BYTES, (stop - 1) // _BLOCK_BYTES
        for number in range(first, last + 1):
            if number not in self._blocks:
                self._fill(number, last)
        data = b"".join(self._blocks[number] for number in range(first, last + 1))
        return data[start - first * _BLOCK_BYTES : stop - first * _BLOCK_BYTES]

    def _fill(self, number: int, last: int) -> None:
        """Fetch the missing blocks from *number* to *last*, and some ahead of a steady reader."""
        steady = number == self._expected
        self._ahead = min(self._ahead * 2, _BLOCKS_AHEAD) if steady else 1
        wanted = min(max(last - number + 1, self._ahead), _BLOCKS_AT_ONCE)
        count = next((n for n in range(1, wanted) if number + n in self._blocks), wanted)
        start = number * _BLOCK_BYTES
        stop = min(start + count * _BLOCK_BYTES, self._size_bytes)
        self._expected = number + count
        self._keep(number, self._fetched(start, stop))

    def _fetched(self, start: int, stop: int) -> bytes:
        if self.fault is None:
            try:
                data = self._fetch(start, stop)
            except BaseException as error:  # noqa: BLE001 - a cancellation must not go through FFmpeg
                self.fault = error
            else:
                if len(data) == stop - start:
                    return data
        msg = f"bytes {start} to {stop} could not be fetched"
        raise OSError(msg) from self.fault

    def _keep(self, number: int, data: bytes) -> None:
        for at in range(0, len(data), _BLOCK_BYTES):
            block = data[at : at + _BLOCK_BYTES]
            start = number * _BLOCK_BYTES + at
            if len(block) == min(_BLOCK_BYTES, self._size_bytes - start):
                self._blocks[start // _BLOCK_BYTES] = block


class Ends(_Seekable):
    """The beginning and the end of a file, without what lies between."""

    def __init__(self, file: BinaryIO, size_bytes: int, *, hole: range) -> None:
        super().__init__(size_bytes - len(hole))
        self._file = file
        self._hole = hole

    def _get(self, start: int, stop: int) -> bytes:
        if start >= self._hole.start:
            return self._part(start + len(self._hole), stop + len(self._hole))
        if stop <= self._hole.start:
            return self._part(start, stop)
        return self._part(start, self._hole.start) + self._get(self._hole.start, stop)

    def _part(self, start: int, stop: int) -> bytes:
        self._file.seek(start)
        return self._file.read(stop - start)


class WantedFile(_Seekable):
    """A file that ends where its reader gives up: FFmpeg may read gigabytes to find a packet.

    It keeps its own place, so that another may read the same file meanwhile.
    """

    def __init__(self, file: BinaryIO, size_bytes: int, checkpoint: Callable[[], None]) -> None:
        super().__init__(size_bytes)
        self._file = file
        self._checkpoint = checkpoint
        self.fault: BaseException | None = None
        """What the checkpoint raised: nothing of that kind must go through FFmpeg."""
        self.left_bytes: int | None = None
        """How much more may be read before it seems to end; None for all there is."""

    def _get(self, start: int, stop: int) -> bytes:
        if self.fault is None:
            try:
                self._checkpoint()
            except BaseException as error:  # noqa: BLE001 - it is raised when FFmpeg has returned
                self.fault = error
        if self.fault is not None or self.left_bytes == 0:
            return b""
        if self.left_bytes is not None:
            self.left_bytes = max(0, self.left_bytes - (stop - start))
        self._file.seek(start)
        return self._file.read(stop - start)
