"""Task tokens: a task as a string that another process can go on with. No secret is in it."""

import json
from datetime import UTC, datetime
from sys import intern
from typing import Any, Final, Generic, NamedTuple

from dashscope_aa._config import Settings
from dashscope_aa._endpoints import TASK_ENDPOINTS, OutputT
from dashscope_aa._protocol import checked_task_id
from dashscope_aa.errors import InputError
from dashscope_aa.models import TaskOutput, TemplateOutput, VideoOutput

_VERSION: Final = 1
_LONGEST: Final = 4096

OPERATIONS: Final[dict[str, type[TaskOutput]]] = {
    **{endpoint.name: endpoint.output for endpoint in TASK_ENDPOINTS},
    # Tasks that were taken up by their id alone:
    "video": VideoOutput,
    "any": TaskOutput,
}
"""What a token may say its task does, and what such a task ends in."""


class TaskToken(str, Generic[OutputT]):
    """A task as a string, to be stored and taken up again with ``client.resume``."""

    __slots__ = ()


class TokenFacts(NamedTuple):
    """What a token says."""

    task_id: str
    """Id of the task."""
    operation: str
    """What it does: a key of `OPERATIONS`."""
    base_url: str
    """Where it was submitted."""
    region: str
    """Region of that gateway."""
    workspace: str | None
    """Workspace it was submitted in."""
    model: str
    """Model it was submitted to; empty if unknown."""
    submitted_at: datetime | None
    """When it was submitted, if known."""

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        task_id: str,
        operation: str,
        model: str = "",
        submitted_at: datetime | None = None,
    ) -> "TokenFacts":
        """Say it of a task that belongs to where the client points."""
        return cls(
            task_id=checked_task_id(task_id),
            operation=operation,
            base_url=settings.base_url,
            region=settings.region,
            workspace=settings.workspace,
            model=model,
            submitted_at=submitted_at,
        )

    def token(self) -> str:
        """Write it down."""
        submitted = self.submitted_at and self.submitted_at.isoformat()
        facts = {"v": _VERSION, **self._asdict(), "submitted_at": submitted}
        return json.dumps(facts, separators=(",", ":"))


def operation_of(output: type[TaskOutput]) -> str:
    """Name what a task that ends in *output* does."""
    if issubclass(output, TemplateOutput):
        return "template"
    return "video" if issubclass(output, VideoOutput) else "any"


def read_token(token: str, settings: Settings) -> TokenFacts:
    """Read a token and check that it belongs to where the client points.

    Raises:
        InputError: it is no token, or of another base URL, region or workspace.
    """
    facts = _parsed(token)
    for name, ours in (
        ("base_url", settings.base_url),
        ("region", settings.region),
        ("workspace", settings.workspace),
    ):
        theirs = getattr(facts, name)
        if theirs != ours:
            msg = f"the token belongs to {name} {theirs!r}, but the client's is {ours!r}"
            raise InputError(msg, hint=f"Make a Client with the {name} the token names.")
    # What all tasks of a client have in common is kept once.
    return facts._replace(
        base_url=settings.base_url,
        region=settings.region,
        workspace=settings.workspace,
        operation=intern(facts.operation),
        model=intern(facts.model),
    )


def _parsed(token: str) -> TokenFacts:
    try:
        said: Any = json.loads(token) if len(token) <= _LONGEST else None
        if said.pop("v") != _VERSION:
            msg = "the task token is of a newer version than this library knows"
            raise InputError(msg, hint="Upgrade dashscope-aa.")
        submitted = said.pop("submitted_at")
        facts = TokenFacts(**said, submitted_at=None if submitted is None else _time(submitted))
        texts: tuple[Any, ...] = (facts.base_url, facts.region, facts.model, facts.workspace or "")
        if not all(isinstance(text, str) for text in texts) or facts.operation not in OPERATIONS:
            raise TypeError  # noqa: TRY301 - all that is malformed ends the same way
        checked_task_id(facts.task_id)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        msg = "this is no task token: expected the string that task.token gave"
        raise InputError(msg) from None
    return facts


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
