"""The pictures of the corpus; see `make`."""

import struct
import zlib
from pathlib import Path

from PIL import Image, ImageDraw

ORIENTATION = 0x0112
"""The EXIF tag that says how a picture is to be turned."""


def photo(size: tuple[int, int] = (300, 400), mode: str = "RGB") -> Image.Image:
    """Draw something with edges in it."""
    image = Image.new("RGB", size, (200, 210, 230))
    draw = ImageDraw.Draw(image)
    width, height = size
    draw.ellipse((width // 4, height // 8, width * 3 // 4, height // 2), fill=(190, 140, 110))
    draw.rectangle((width // 3, height // 2, width * 2 // 3, height - 4), fill=(60, 70, 120))
    return image.convert(mode)


def turned(orientation: int) -> Image.Exif:
    """Give EXIF data with an orientation."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


def see_through() -> Image.Image:
    """Draw a picture with an alpha channel that is used."""
    image = photo(mode="RGBA")
    image.putalpha(photo().convert("L"))
    return image


def _chunk(kind: bytes, body: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + check


def png_bomb(edge_px: int) -> bytes:
    """Claim a square of black pixels; its data are a few bytes."""
    header = struct.pack(">IIBBBBB", edge_px, edge_px, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(10_000))
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def make_pictures(folder: Path) -> None:
    """Write every picture of the corpus into *folder*."""
    plain, clear = photo(), see_through()
    more = [photo().rotate(90), photo().rotate(180)]
    plain.save(folder / "photo.jpg", quality=80)
    plain.save(folder / "photo.jpeg", quality=80)
    plain.save(folder / "photo.png")
    plain.save(folder / "photo.bmp")
    plain.save(folder / "photo.webp")
    plain.save(folder / "photo.gif")
    plain.save(folder / "photo.avif", speed=10)
    plain.save(folder / "turned.jpg", exif=turned(6))
    plain.save(folder / "turned.webp", exif=turned(8))
    plain.save(folder / "turned.png", exif=turned(3))
    plain.save(folder / "stereo.jpg", format="MPO", save_all=True, append_images=more)
    photo(mode="L").save(folder / "grey.jpg")
    photo(mode="CMYK").save(folder / "print.jpg")
    photo(mode="I;16").save(folder / "deep.png")
    clear.save(folder / "clear.png")
    clear.save(folder / "clear.webp")
    clear.save(folder / "clear.avif", speed=10)
    photo(mode="P").save(folder / "palette.png", transparency=0)
    plain.save(folder / "dance.gif", save_all=True, append_images=more)
    plain.save(folder / "dance.webp", save_all=True, append_images=more)
    plain.save(folder / "dance.avif", save_all=True, append_images=more, speed=10)
    # An image that was saved as JPEG cannot be saved as TIFF, so these are drawn anew.
    photo().save(folder / "photo.tiff")
    photo().save(folder / "turned.tiff", exif=turned(6))
    pages = [photo(), photo().rotate(90), photo().rotate(180)]
    pages[0].save(folder / "pages.tiff", save_all=True, append_images=pages[1:])
    for width, height in ((224, 300), (225, 300), (200, 300), (199, 300)):
        photo((width, height)).save(folder / f"edge_{width}.jpg")
    for width, height in ((2048, 4096), (2049, 4097)):
        photo((width, height)).save(folder / f"edge_{height}.jpg")
    photo((300, 602)).save(folder / "ratio_over_2.jpg")
    photo((300, 902)).save(folder / "ratio_over_3.jpg")
    photo((1330, 1330)).save(folder / "heavy.bmp")
    (folder / "bomb.png").write_bytes(png_bomb(60_000))
    make_heic(folder)


def make_heic(folder: Path) -> None:
    """Write the phone pictures, if pillow-heif is there to encode them."""
    try:
        import pillow_heif  # noqa: PLC0415 - an extra of the library, not needed for the rest
    except ImportError:
        return
    pillow_heif.register_heif_opener()
    photo().save(folder / "phone.heic", format="HEIF", quality=50)
    photo().save(folder / "turned.heic", format="HEIF", quality=50, exif=turned(6))
    see_through().save(folder / "clear.heic", format="HEIF", quality=50)
