"""How this service behaves: every switch the emulator has, with the default of each.

Defaults follow the judgement on each open question (``docs/explanation/open-questions.md``).
Switches may be turned while the emulator runs; each request looks at them anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from dashscope_aa.emulator._accounts import Keys
from dashscope_aa.emulator._faults import RetiredAnswer
from dashscope_aa.emulator._limits import (
    IMAGE_FETCH_S,
    POLICIES_PER_S,
    QUERIES_PER_S,
    RUNNING_PER_MODEL,
    SUBMITS_PER_S,
    VIDEO_FETCH_S,
)

WanOperation = Literal["move", "mix"]


@dataclass(kw_only=True, eq=False)
class Switches:
    """The behaviour of the service."""

    api_keys: Keys | None = field(default=None, repr=False)
    """Keys it accepts, or a mapping of key to account; None accepts every ``sk-…``."""

    queue_s: float = 0.0
    """Seconds on the clock a task is PENDING at least."""
    run_s: float = 0.05
    """Seconds on the clock a task runs at least; it is never over before its film is made."""
    running_per_model: int = RUNNING_PER_MODEL
    """Tasks of one model that run at once; counted from an account's first task of it on."""

    queries_per_s: float | None = QUERIES_PER_S
    """Queries, lists and cancels a second for an account; None lifts the limit."""
    submits_per_s: float | None = SUBMITS_PER_S
    """Submits a second for an account and model; None lifts the limit."""
    policies_per_s: float | None = POLICIES_PER_S
    """Upload certificates a second for an account and model; None lifts the limit."""

    sound: bool = False
    """Whether an AnimateAnyone result has the sound of the clip; the pages disagree."""
    retired: RetiredAnswer | None = None
    """The answer of the AnimateAnyone models once they are retired; None serves them."""
    successors: Mapping[str, WanOperation] = field(default_factory=dict[str, WanOperation])
    """Names of later models, and which of today's they behave like."""
    late_field_errors: bool = False
    """Accept a submit with a missing field and let its task fail."""
    detect_rejects_as_400: bool = False
    """Answer a refused picture with HTTP 400 instead of 200 and ``check_pass`` false."""
    upload_model_check: bool = True
    """Hold an ``oss://`` URL to the model it was uploaded for."""
    wan_suffix_check: bool = True
    """Let wan2.2-animate refuse URLs whose path does not end like a file of the right kind."""
    page_size_max: int | None = None
    """Most tasks a page of a list has; None gives as many as asked for."""

    image_fetch_s: float = IMAGE_FETCH_S
    """Real seconds to download an image."""
    video_fetch_s: float = VIDEO_FETCH_S
    """Real seconds to download a video."""
