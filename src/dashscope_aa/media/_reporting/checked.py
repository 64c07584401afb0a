"""One picture or clip that was looked at, and what was found."""

import os
from dataclasses import dataclass, field
from typing import Any

from dashscope_aa.media._facts import Facts, Kind, Unreadable, facts_json
from dashscope_aa.media._judging.findings import Finding, Role, Severity

__all__ = ["Checked"]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One picture or clip that was looked at."""

    kind: Kind
    """What it is."""
    role: Role
    """What it is for; decides the rules."""
    name: str
    """What to call it: a file's name, or what was handed over."""
    facts: Facts | Unreadable
    """What it is like, or why that cannot be told."""
    findings: tuple[Finding, ...]
    """What the rules say, what weighs most first."""
    source: Any = field(default=None, repr=False, compare=False)
    """What was handed over, to look at it again for `Report.picture`; left behind by pickle
    unless it is a path."""

    @property
    def ok(self) -> bool:
        """True if nothing blocks."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)

    def __getstate__(self) -> dict[str, Any]:
        """Leave behind what cannot or should not travel."""
        travels = isinstance(self.source, str | os.PathLike)
        return self.__dict__ if travels else {**self.__dict__, "source": None}

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain JSON values."""
        return {
            "kind": self.kind,
            "role": self.role,
            "name": self.name,
            "ok": self.ok,
            "facts": facts_json(self.facts),
            "findings": [finding.to_dict() for finding in self.findings],
        }
