"""Evidence of a run as JSON files: what was asked for, each event with its time, each task.

Written as it happens, so that a crash loses none of it. The files are readable by their owner
only: result URLs and task tokens are in them. The key never is, nor what is signed in URLs that
were handed over.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dashscope_aa._bookkeeper import without_queries
from dashscope_aa._version import __version__
from dashscope_aa.cli._json import as_line, facts_of, facts_of_error, name_of
from dashscope_aa.cli._run import Session
from dashscope_aa.errors import InputError
from dashscope_aa.events import (
    Event,
    Finished,
    Preflighted,
    Progressed,
    Submitted,
    Uploaded,
    Uploading,
)


@contextmanager
def evidence_in(
    folder: Path | None, session: Session, asked: Mapping[str, object]
) -> Generator[Callable[[Event], None]]:
    """Give what takes the events of a run: they are shown, and written down if that is wanted.

    Raises:
        InputError: nothing can be written to *folder*.
    """
    if folder is None:
        yield session.tell
        return
    evidence = Evidence(folder)
    evidence.begin(session, asked)

    def note(event: Event) -> None:
        session.tell(event)
        evidence.note(event)

    try:
        yield note
    except BaseException as error:
        evidence.failed(error)
        raise


class Evidence:
    """The files of one run in a folder of its own.

    ``run.json`` says what was asked for and what came of it, ``events.jsonl`` what happened,
    ``report.json`` what was found in the media, and ``TASK_ID.json`` each status of a task.

    Args:
        folder: Where they go; made when it is not there. Another run's are replaced.

    Raises:
        InputError: nothing can be written there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tasks: dict[str, dict[str, Any]] = {}
        self._run: dict[str, object] = {}
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            self._write("events.jsonl", "")
        except OSError as error:
            msg = f"cannot write to {str(folder)[:200]!r}: {error.strerror or error}"
            hint = "--output-dir names a folder, or one to be made in a folder that is there."
            raise InputError(msg, hint=hint) from None

    def begin(self, session: Session, asked: Mapping[str, object]) -> None:
        """Write down what was asked for, and where."""
        self._run = {
            "version": __version__,
            "base_url": session.client.base_url,
            "region": session.client.region,
            "workspace": session.client.workspace,
            "began_at": _now(),
            "asked": without_queries(dict(asked)),
        }
        self._keep("run.json", self._run)

    def note(self, event: Event) -> None:
        """Write down what happened."""
        if isinstance(event, Uploading):
            return
        if isinstance(event, Finished):
            self._end({"result": facts_of(event.animation)})
            return
        if isinstance(event, Preflighted):
            self._keep("report.json", event.report.to_dict())
        if isinstance(event, Uploaded):
            event = replace(event, url=without_queries(event.url))
        if isinstance(event, Submitted | Progressed):
            self._note_task(event)
        line = as_line({"event": name_of(event), "at": _now(), **facts_of(event)})
        with (self._folder / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def _note_task(self, event: Submitted | Progressed) -> None:
        task = self._tasks.setdefault(event.task_id, {"task_id": event.task_id, "step": event.step})
        if isinstance(event, Submitted):
            task |= {"model": event.model, "token": event.token, "statuses": []}
        else:
            task["statuses"].append({"status": str(event.status), "at": _now()})
        self._keep(f"{event.task_id}.json", task)

    def failed(self, error: BaseException) -> None:
        """Write down what went wrong."""
        self._end({"error": facts_of_error(error)})

    def _end(self, outcome: Mapping[str, object]) -> None:
        self._keep("run.json", {**self._run, "ended_at": _now(), **outcome})

    def _keep(self, name: str, facts: Mapping[str, object]) -> None:
        """Write a file whole or not at all."""
        self._write(f"{name}.new", f"{as_line(facts)}\n")
        (self._folder / f"{name}.new").replace(self._folder / name)

    def _write(self, name: str, text: str) -> None:
        path = self._folder / name
        path.touch(mode=0o600)
        path.chmod(0o600)  # another run's may be there
        path.write_text(text, encoding="utf-8")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
