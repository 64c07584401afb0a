"""Where a result goes: under a name that is free, so that no file of the user is replaced."""

import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from dashscope_aa._download import check_target, real_name
from dashscope_aa.errors import InputError

__all__ = ["check_apart", "check_free", "free_beside", "held_beside", "make_folder"]


def check_free(target: Path, *, force: bool) -> None:
    """Refuse a target that cannot be written, or would replace a file unasked.

    Raises:
        InputError: it is such a one.
    """
    check_target(target)
    if os.path.lexists(target) and not force:
        raise InputError(f"{str(target)!r} exists", hint="Name another file, or give --force.")


def check_apart(targets: Iterable[Path], sources: Iterable[str]) -> None:
    """Refuse a target that is one of the files to be read.

    Raises:
        InputError: it would replace what it is made of.
    """
    read = {real_name(source) for source in sources}
    for target in targets:
        if real_name(target) in read:
            msg = f"{str(target)!r} would be replaced, but is to be read"
            raise InputError(msg, hint="Name another file to write.")


def make_folder(folder: Path) -> None:
    """Make a folder that is not there yet.

    Raises:
        InputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"the folder {str(folder)!r} cannot be made: {error.strerror or error}"
        raise InputError(msg) from None


def free_beside(source: Path, suffix: str) -> Path:
    """Give the first name beside *source* that nothing has now."""
    return next(name for name in _names(source, suffix) if not os.path.lexists(name))


@contextmanager
def held_beside(source: Path, suffix: str) -> Generator[Path]:
    """Hold such a name by an empty file, which goes away again if the work breaks off.

    Raises:
        InputError: nothing can be written there.
    """
    name = next(filter(_take, _names(source, suffix)))
    try:
        yield name
    except BaseException:
        name.unlink(missing_ok=True)
        raise


def _names(source: Path, suffix: str) -> Iterator[Path]:
    """Give ``dance.fit.mp4``, ``dance.fit-2.mp4`` and so on."""
    for number in count(1):
        word = "fit" if number == 1 else f"fit-{number}"
        yield source.with_name(f"{source.stem}.{word}{suffix}")


def _take(name: Path) -> bool:
    check_target(name)
    try:
        name.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
