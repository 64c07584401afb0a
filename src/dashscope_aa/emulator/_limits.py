"""The service's own numbers, apart from those about media, which `_judge` keeps.

They are written here a second time on purpose: if the client's table is wrong, the emulator
disagrees with it. Source keys are those of ``docs/explanation/sources.md``.
"""

from typing import Final

HOUR_S: Final = 3600.0

QUERIES_PER_S: Final = 20
"""Queries, lists and cancels together, for a whole account. Source: TASK."""
SUBMITS_PER_S: Final = 5
"""Submits, for each account and model. Source: RATE."""
POLICIES_PER_S: Final = 100
"""Upload certificates, for each account and model. Source: UPL."""
RUNNING_PER_MODEL: Final = 1
"""Tasks that run at once; the rest wait as PENDING. Source: RATE."""

TASK_TIMEOUT_S: Final = 3 * HOUR_S
"""A task without a result dies after this (``InternalError.Timeout``). Source: ERR."""
TASK_KEPT_S: Final = 24 * HOUR_S
"""How long an ended task can be asked for; then it is UNKNOWN. Source: TASK."""
RESULT_KEPT_S: Final = 24 * HOUR_S
"""How long the URL of a result works. Source: S2, Zmove."""
LIST_SPAN_S: Final = 24 * HOUR_S
"""Longest span of a task list. Source: TASK."""
PAGE_SIZE: Final = 10
"""Tasks a page unless asked otherwise. Source: TASK."""

UPLOAD_KEPT_S: Final = 48 * HOUR_S
"""How long an ``oss://`` URL works. Source: UPL."""
CERTIFICATE_SAID_S: Final = 300
"""What a certificate says it lasts (``expire_in_seconds``). Source: UPL; CAP."""
CERTIFICATE_REAL_S: Final = 1380.0
"""What its policy really allows: about 23 minutes. Source: CAP."""
UPLOAD_MB: Final = 1024
"""Largest upload in MB (the page prints 100). Source: CAP."""
CAPACITY_MB: Final = 999_999_999
"""Room for uploads in MB. Source: UPL; CAP."""

TOKEN_DEFAULT_S: Final = 60
TOKEN_MOST_S: Final = 1800
"""Life of a temporary key: 1 to 1800 s, 60 unless asked otherwise. Source: public notes."""

IMAGE_FETCH_S: Final = 10.0
"""Time the service gives an image to be downloaded. Source: S2."""
VIDEO_FETCH_S: Final = 60.0
"""Time the service gives a video to be downloaded. Source: S1."""
IMAGE_FETCH_BYTES: Final = 32 * 1024 * 1024
VIDEO_FETCH_BYTES: Final = 256 * 1024 * 1024
"""Where a download is broken off: far above what is accepted, so that the size is judged."""
FETCH_REDIRECTS: Final = 5
"""Redirects followed for one file. A guess: no page says."""

BODY_BYTES: Final = 6 * 1024 * 1024
"""Largest JSON body. A guess: requests that carry URLs are tiny."""
