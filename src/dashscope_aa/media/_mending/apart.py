"""Mend a large picture in a child process, which can be stopped at any moment.

To decode is one step, which nobody can interrupt, and for a large picture one of seconds; Pillow
holds the interpreter in parts of it. So a large picture is mended next door: whoever gives up kills
the child, and the event loop is never held. The child gets the file as its standard input and the
work as an argument, and answers with a line of JSON, for what a captured child says must not be
unpickled. It has no environment that holds a key.
"""

import base64
import json
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, Any, Final

from dashscope_aa.errors import ConfigurationError
from dashscope_aa.media._facts import ImageFacts
from dashscope_aa.media._judging.plan import ImageRecipe
from dashscope_aa.media._mending.image import convert_image
from dashscope_aa.media._opening.safety import NotReadable, Subject
from dashscope_aa.media._opening.sniff import Format
from dashscope_aa.media._probing.isolate import child_environment
from dashscope_aa.media._target import WriteError

__all__ = ["mend_picture"]

LARGE_PIXELS: Final = 4_000_000
"""From here on a picture is mended next door: to start a child takes as long as to decode these."""
_CHILD: Final = "dashscope_aa.media._mending.apart"
_LOOK_AGAIN_S: Final = 0.02
_PLACES: Final = threading.BoundedSemaphore(cpu_count() or 1)
"""More children at a time than there are processors would only take memory."""
_SAVE_ANEW: Final = "Open it in a viewer and save it anew."


@dataclass(frozen=True, slots=True)
class _Work:
    """What the child is asked to do."""

    name: str
    size_bytes: int
    found: Format
    part: Path
    recipe: ImageRecipe


def mend_picture(
    subject: Subject, found: Format, part: Path, *, before: ImageFacts, recipe: ImageRecipe
) -> None:
    """Write to *part* what the recipe says; next door if the picture is large.

    Raises:
        NotReadable: the pixels cannot be decoded.
        WriteError: the result cannot be written.
        ConfigurationError: it is HEIC, and the extra that reads it is missing.
    """
    large = before.width_px * before.height_px >= LARGE_PIXELS
    answer = None
    if large and not getattr(sys, "frozen", False):  # a frozen program is no interpreter
        work = _Work(subject.name, subject.size_bytes, found, part.absolute(), recipe)
        with suppress(OSError), _place(subject.checkpoint), _file_of(subject) as file:
            answer = _answer(work, file, subject.checkpoint)
    if answer is None:  # it is small, or there is no room for a child
        convert_image(subject, found, part, recipe=recipe)
    else:
        _raise_fault(*answer)


@contextmanager
def _place(checkpoint: Callable[[], None]) -> Generator[None]:
    """Wait until there is a place for one more child."""
    while not _PLACES.acquire(timeout=_LOOK_AGAIN_S):
        checkpoint()
    try:
        yield
    finally:
        _PLACES.release()


@contextmanager
def _file_of(subject: Subject) -> Generator[IO[bytes]]:
    """Give the subject as a file that a child can inherit, at its beginning."""
    lies_here = subject.path is not None
    with nullcontext(subject.file) if lies_here else TemporaryFile() as file:
        subject.file.seek(0)
        if not lies_here:
            copyfileobj(subject.file, file)
            file.seek(0)
        yield file


def _answer(work: _Work, file: IO[bytes], checkpoint: Callable[[], None]) -> tuple[bytes, str]:
    """Give what the child says, and what it dies of; kill it if the caller gives up."""
    command = [sys.executable, "-m", _CHILD, base64.b64encode(pickle.dumps(work)).decode()]
    with subprocess.Popen(  # noqa: S603 - our own interpreter, and a module of ours
        command,
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=child_environment(),
        start_new_session=True,  # so that Ctrl-C reaches it by way of us alone
    ) as child:
        try:
            while True:
                checkpoint()
                with suppress(subprocess.TimeoutExpired):
                    said, failed = child.communicate(timeout=_LOOK_AGAIN_S)
                    return said, failed.decode(errors="replace")
        finally:
            child.kill()  # does nothing to one that has ended


def _raise_fault(said: bytes, failed: str) -> None:
    """Raise in the parent what was raised in the child."""
    try:
        answer: object = json.loads(said)
    except ValueError:
        answer = None
    match answer:
        case {"done": True}:
            return
        case {"unreadable": [str(message), str(hint)]}:
            raise NotReadable("damaged", message, hint=hint)
        case {"unwritten": [str(message), str(hint)]}:
            raise WriteError(message, hint=hint)
        case {"missing": [str(message), str(hint)]}:
            raise ConfigurationError(message, hint=hint)
        case _:
            last = failed.strip().rpartition("\n")[2] or "it said nothing"
            message = f"the process that decoded it ended early: {last[:200]}"
            raise NotReadable("damaged", message, hint=_SAVE_ANEW)


# ── in the child ─────────────────────────────────────────────────────────────────────────


def _main() -> None:
    work: _Work = pickle.loads(base64.b64decode(sys.argv[1]))  # noqa: S301 - from our parent
    with open(0, "rb", closefd=False) as file:
        subject = Subject(work.name, file, work.size_bytes)
        sys.stdout.write(json.dumps(_outcome(subject, work)))


def _outcome(subject: Subject, work: _Work) -> dict[str, Any]:
    try:
        convert_image(subject, work.found, work.part, recipe=work.recipe)
    except NotReadable as error:
        return {"unreadable": [str(error), error.hint]}
    except WriteError as error:
        return {"unwritten": [str(error), error.hint]}
    except ConfigurationError as error:
        return {"missing": [error.message, error.hint]}
    return {"done": True}


if __name__ == "__main__":
    _main()
