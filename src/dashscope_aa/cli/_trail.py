"""What a run has left on the server, and how to go on with it: said when it breaks off."""

import shlex
from pathlib import Path
from typing import Final

from dashscope_aa._token import OPERATIONS
from dashscope_aa.cli._options import Options
from dashscope_aa.cli._show import Told
from dashscope_aa.errors import (
    DashScopeError,
    ResultExpiredError,
    SubmitOutcomeUnknownError,
    TaskCanceledError,
    TaskFailedError,
    TaskNotFoundError,
)
from dashscope_aa.events import Submitted, TemplateReady

_NOTHING_LEFT: Final = (
    TaskFailedError,
    TaskCanceledError,
    TaskNotFoundError,
    ResultExpiredError,
)
"""After these there is nothing on the server to go on with."""


class Trail:
    """What a run has left on the server so far, and how to go on with it."""

    def __init__(self, options: Options) -> None:
        self.began = False
        self.output: Path | None = None
        self.token: str | None = None
        self.again = False
        self.lost_rows: tuple[int, ...] = ()
        self.ledger = options.ledger
        self._where = options.where()
        self._step: str | None = None
        self._template: str | None = None

    def note(self, event: Told) -> None:
        """Remember the template that was made, or the task that is under way."""
        match event:
            case Submitted(step=step, token=token):
                self.follow(token, step)
            case TemplateReady(template_id=template, reused=reused):
                self.token, self._template = None, None if reused else template
            case _:
                pass

    def follow(self, token: str, step: str) -> None:
        """Remember the task that is under way."""
        self.token, self._step = token, step

    def way_on(self, error: DashScopeError | None = None) -> str:
        """Say how to go on; empty if there is nothing to go on with."""
        if isinstance(error, SubmitOutcomeUnknownError):
            return self._settle(error) if self.lost_rows else self._candidates(error)
        if self.token and not isinstance(error, _NOTHING_LEFT):
            return f"{self._run_again()}go on with: {self._wait(self.token)}"
        if self.again and self.ledger and error is None:
            return self._run_again().strip()
        lines: list[str] = []
        if self._template:
            lines.append(f"the template can be given in the place of the clip: {self._template}")
        if self.began and error is None:
            lines.append(f"if a task was just being submitted, it is among these: {self._list()}")
        return "\n".join(lines)

    def _run_again(self) -> str:
        """Say that the same may be run again, where that pays nothing twice."""
        if not (self.again and self.ledger):
            return ""
        return f"run the same again to go on: {self.ledger} knows what is paid for\n"

    def _list(self) -> str:
        return shlex.join(["dashscope-aa", "tasks", "list", *self._where])

    def _wait(self, task: str) -> str:
        output = ["-o", str(self.output)] if self.output and self._step != "template" else []
        return shlex.join(["dashscope-aa", "tasks", "wait", task, *output, *self._where])

    def _candidates(self, error: SubmitOutcomeUnknownError) -> str:
        """Name the tasks that may be the lost one; no task can come of an image check."""
        if error.operation not in OPERATIONS:
            return "At most one image check was billed; it may be run again."
        lines = [
            "Do not simply run it again: the task may be running, and will be billed.",
            *(f"it may be ({row.status}): {self._wait(row.task_id)}" for row in error.candidates),
            f"all tasks: {self._list()}",
        ]
        return "\n".join(lines)

    def _settle(self, error: SubmitOutcomeUnknownError) -> str:
        """Say how a lost submit is settled that the ledger knows; its row is the last."""
        *_, row = self.lost_rows
        settle = ["dashscope-aa", "ledger"]
        lines = [
            f"row {row} of the ledger: the task may be running, and will be billed. Look for it:",
            self._list(),
            *(
                f"if it is this one ({it.status}): "
                + shlex.join([*settle, "adopt", str(row), it.task_id, *self._where])
                for it in error.candidates
            ),
            "if it is none, also later: "
            + shlex.join([*settle, "write-off", str(row), *self._where]),
            "then run the same again",
        ]
        return "\n".join(lines if error.operation in OPERATIONS else lines[-2:])
