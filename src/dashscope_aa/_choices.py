"""What one run of `animate` was asked for, checked before anything is taken for something else."""

from dataclasses import dataclass
from typing import get_args

from dashscope_aa._engines import Engine, one_of
from dashscope_aa._prepare import Preflight
from dashscope_aa._task import OnCancel, checked_timeout_s
from dashscope_aa.errors import InputError
from dashscope_aa.events import OnEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What one run of `animate` was asked for.

    Raises:
        InputError: an option has a value that means nothing.
    """

    engine: Engine
    preflight: Preflight = "fix"
    detect: bool = True
    on_event: OnEvent | None = None
    timeout_s: float | None = None
    on_cancel: OnCancel = "leave"
    max_cost_cny: float | None = None
    fresh: bool = False

    def __post_init__(self) -> None:
        """Refuse a word that means nothing, before it is taken for another."""
        one_of("preflight", self.preflight, get_args(Preflight))
        one_of("on_cancel", self.on_cancel, get_args(OnCancel))
        one_of("detect", self.detect, (True, False))
        one_of("fresh", self.fresh, (True, False))
        checked_timeout_s(self.timeout_s)
        _checked_limit(self.max_cost_cny)
        if self.on_event is not None and not callable(self.on_event):
            raise InputError(f"on_event must be callable, but is {self.on_event!r}")


def _checked_limit(limit: object) -> None:
    if limit is None or (isinstance(limit, int | float) and limit >= 0):  # NaN is not either
        return
    raise InputError(f"max_cost_cny must be a number of CNY from 0, but is {limit!r}")
