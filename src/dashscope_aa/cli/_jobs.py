"""The rows of a batch: read from CSV or JSON lines, every fault named at once."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dashscope_aa._engines import Engine
from dashscope_aa._sources import is_url, template_id
from dashscope_aa.cli._engine import engine_of
from dashscope_aa.errors import DashScopeError, InputError

_YES: Final = frozenset({"true", "yes", "1"})
_NO: Final = frozenset({"false", "no", "0"})
_FLAGS: Final = ("use_ref_img_bg", "watermark", "no_check_image", "skip_detect")
COLUMNS: Final = (
    *("image", "motion", "template", "output", "engine", "kind", "video_ratio"),
    *_FLAGS,
)
"""What a row may say. An empty cell is as good as none."""
_MOST_FAULTS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    """One job of a batch."""

    number: int
    """Number of the row, from 1, the head not counted."""
    image: str
    """The picture: a path or a URL."""
    motion: str
    """The clip, a path or a URL, or the id of a template."""
    engine: Engine
    """What makes the video."""
    detect: bool
    """False skips the check of the picture."""
    output: str
    """Name of the file for the video."""


def read_rows(path: Path, *, engine: str) -> list[BatchRow]:
    """Read the rows of a batch. Relative paths start at the folder of the file.

    Args:
        path: A ``.csv`` with a head, or a ``.jsonl`` with an object a line.
        engine: What makes the videos of the rows that name none.

    Raises:
        InputError: it cannot be read, or rows are malformed; the message names every one.
    """
    rows: list[BatchRow] = []
    faults: list[str] = []
    for number, cells in enumerate(_cells(path), 1):
        try:
            rows.append(_row(number, cells, folder=path.parent, engine=engine))
        except DashScopeError as fault:
            faults.append(f"row {number}: {fault.message}")
    faults += _clashes(rows)
    if faults:
        more = len(faults) - _MOST_FAULTS
        said = [*faults[:_MOST_FAULTS], *([f"and {more} more"] if more > 0 else [])]
        msg = f"{str(path)!r} cannot be used:\n  " + "\n  ".join(said)
        raise InputError(msg, hint=f"Columns are {', '.join(COLUMNS)}.")
    if not rows:
        raise InputError(f"{str(path)!r} holds no rows")
    return rows


def _cells(path: Path) -> list[Mapping[str, Any]]:
    kinds: Mapping[str, Callable[[str], Iterator[Any]]] = {".csv": _of_csv, ".jsonl": _of_json}
    read = kinds.get(path.suffix.lower())
    if read is None:
        raise InputError(f"the jobs are read from .csv or .jsonl, but this is {str(path)!r}")
    said = f"{str(path)!r} cannot be read"
    try:
        return list(read(path.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise InputError(f"{said}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        hint = "Save it as UTF-8; spreadsheets call that CSV UTF-8."
        raise InputError(f"{said}: it is not UTF-8", hint=hint) from None
    except csv.Error as error:
        hint = 'See whether a quote is not closed; a quote within quotes is written "".'
        raise InputError(f"{said}: {error}", hint=hint) from None


def _of_csv(text: str) -> Iterator[Any]:
    """Read a table, with the comma that the spreadsheet took, without the rows it left empty."""
    head = text.partition("\n")[0]
    comma = next((mark for mark in ",;\t" if mark in head), ",")
    lines = io.StringIO(text, newline="")
    reader = csv.DictReader(lines, delimiter=comma, skipinitialspace=True, strict=True)
    for name, times in Counter(reader.fieldnames or ()).items():
        if name and times > 1:
            raise InputError(f"there are {times} columns {name!r}")
    for cells in reader:
        if any("".join(cell or ()) for cell in cells.values()):
            yield cells


def _of_json(text: str) -> Iterator[Any]:
    for line in filter(str.strip, text.split("\n")):
        try:
            yield json.loads(line)
        except ValueError:
            yield line  # is refused as no object, like others and with them


def _row(number: int, cells: object, *, folder: Path, engine: str) -> BatchRow:
    given = _given(cells)
    image, motion = given.get("image"), _motion(given)
    if not image:
        raise InputError("there is no image")
    flags = {name: _flag(name, given.get(name)) for name in _FLAGS}
    detect = not flags["skip_detect"]
    chosen = engine_of(
        str(given.get("engine", engine)),
        detect=detect,
        kind=given.get("kind"),
        video_ratio=given.get("video_ratio"),
        use_ref_img_bg=flags["use_ref_img_bg"],
        watermark=flags["watermark"],
        check_image=False if flags["no_check_image"] else None,
    )
    return BatchRow(
        number=number,
        image=_placed(str(image), folder),
        motion=_placed(motion, folder),
        engine=chosen,
        detect=detect,
        output=_named(given.get("output"), str(image), motion),
    )


def _given(cells: object) -> dict[str, Any]:
    """Leave out what is empty; refuse what nobody knows."""
    if not isinstance(cells, dict):
        raise InputError(f"expected a JSON object, but got {str(cells)[:80]!r}")
    table: dict[Any, Any] = dict(cells)  # pyright: ignore[reportUnknownArgumentType] - any JSON
    if any(table.pop(None, ())):
        raise InputError("there are more cells than columns: put what holds a comma into quotes")
    unknown = [name for name, value in table.items() if name not in COLUMNS and (name or value)]
    if unknown:
        raise InputError(f"there is no column {', '.join(map(repr, unknown))}")
    given = {name: value for name, value in table.items() if value is not None and value != ""}
    nested = [name for name, value in given.items() if isinstance(value, dict | list)]
    if nested:
        raise InputError(f"expected a text in {', '.join(nested)}, but got a list or an object")
    return given


def _motion(given: Mapping[str, Any]) -> str:
    said = [str(given[name]) for name in ("motion", "template") if name in given]
    if len(said) != 1:
        raise InputError("expected a motion or a template, but got " + ("both" if said else "none"))
    return said[0]


def _flag(name: str, value: object) -> bool | None:
    if value is None:
        return None
    word = str(value).lower()
    if word not in _YES | _NO:
        raise InputError(f"{name} must be true or false, but is {word[:40]!r}")
    return True if word in _YES else None


def _placed(source: str, folder: Path) -> str:
    return source if is_url(source) or template_id(source) else str(folder / source)


def _named(given: object, image: str, motion: str) -> str:
    """Name the video after both, unless a name is given; it stays the same wherever the row is."""
    if given is None:
        return f"{_stem(image)}--{_stem(motion)}.mp4"
    name = str(given)
    if Path(name).name != name or name in {"", ".", ".."} or "\\" in name:
        raise InputError(f"output must be the name of a file, without a folder, but is {name!r}")
    return name if Path(name).suffix else f"{name}.mp4"


def _stem(source: str) -> str:
    return Path(source.partition("?")[0]).stem[:80]


def _clashes(rows: Sequence[BatchRow]) -> Iterator[str]:
    """Name the rows that would write the same file."""
    seen: dict[str, int] = {}
    for row in rows:
        first = seen.setdefault(row.output.casefold(), row.number)
        if first != row.number:
            yield f"row {row.number}: writes {row.output!r}, as row {first} does; give it an output"
