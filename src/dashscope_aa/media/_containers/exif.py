"""Read the one thing of EXIF data that changes what is seen: which way up the picture is.

What cannot be read is passed over, as every viewer does: a picture is not worse for damaged notes.

Source: EXIF 2.3, 4.6.4, tag 274 (Orientation); TIFF 6.0, section 2.
"""

import struct
from typing import Final

__all__ = ["orientation"]

_UPRIGHT: Final = 1
_ORDERS: Final = {b"II*\0": "<", b"MM\0*": ">"}
_TAG: Final = 274
_KINDS: Final = {1: "B", 3: "H", 4: "I"}
"""How a whole number is stored, by the type the entry names."""


def orientation(exif: bytes | None) -> int:
    """Give the orientation, 1 to 8; 1 where none is stored or can be read."""
    data = (exif or b"").removeprefix(b"Exif\0\0")
    order = _ORDERS.get(data[:4])
    if order is None:
        return _UPRIGHT
    try:
        return _of_first_picture(data, order)
    except struct.error:
        return _UPRIGHT  # it ends before it says


def _of_first_picture(data: bytes, order: str) -> int:
    (at,) = struct.unpack_from(f"{order}I", data, 4)
    (entries,) = struct.unpack_from(f"{order}H", data, at)
    for number in range(entries):
        start = at + 2 + 12 * number
        tag, kind, count = struct.unpack_from(f"{order}HHI", data, start)
        if tag == _TAG and kind in _KINDS and count == 1:
            (found,) = struct.unpack_from(order + _KINDS[kind], data, start + 8)
            return found if found in range(1, 9) else _UPRIGHT
    return _UPRIGHT
