"""What the web server answers: the few endpoints that the clients need, each in its own words."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

RUNWAY_MODEL: Final = "2024-11-06T00:00:00.000Z"
SUBMITTED_MS: Final = int(time.time() * 1000)


class Plan:
    """Tasks that were submitted at once: most go on for ever, some finish at even distances."""

    def __init__(self, *, tasks: int = 1, finishing: int = 0, within_s: float = 1.0) -> None:
        self.names = [f"task-{number:06d}" for number in range(tasks)]
        began = time.monotonic()
        step = max(1, tasks // max(1, finishing))
        self.ends = {
            name: began + within_s * (1 + number) / finishing
            for number, name in enumerate(self.names[::step][:finishing])
        }

    def done(self, name: str) -> bool:
        """Tell whether a task has finished by now."""
        return self.ends.get(name, float("inf")) <= time.monotonic()


class Seen:
    """What was asked since the last look."""

    def __init__(self) -> None:
        self.requests = 0
        self.sent_bytes = 0
        self.received_bytes = 0
        self.by_second: Counter[int] = Counter()

    def note(self) -> None:
        """Count one request."""
        self.requests += 1
        self.by_second[int(time.monotonic())] += 1

    def told(self) -> dict[str, Any]:
        """Give the counts."""
        return {
            "requests": self.requests,
            "sent_bytes": self.sent_bytes,
            "received_bytes": self.received_bytes,
            "most_a_second": max(self.by_second.values(), default=0),
        }


class Site:
    """All that the answers are made from."""

    def __init__(self) -> None:
        self.url = ""
        self.plan = Plan()
        self.seen = Seen()


Fields = dict[str, str]
Played = tuple[Any, dict[str, str]]
"""A JSON body, and more headers."""


def dashscope_task(site: Site, path: str, query: Fields, headers: Fields) -> Played:
    """Tell of one task, or list a page of them."""
    name = path.rstrip("/").rpartition("/")[2]
    if name == "tasks":
        return _page(site, query), {}
    done = site.plan.done(name)
    output = {
        "task_id": name,
        "task_status": "SUCCEEDED" if done else "RUNNING",
        "submit_time": "2026-11-20 10:00:00.100",
        "scheduled_time": "2026-11-20 10:00:00.200",
    }
    if done:
        output |= {"end_time": "2026-11-20 10:01:00.000", "video_url": f"{site.url}/files/none"}
    told = {"request_id": "b3c1c1e0-0000-4000-8000-000000000000", "output": output}
    if done:
        told["usage"] = {"video_duration": 5.2, "video_ratio": "standard"}
    return told, {}


def _page(site: Site, query: dict[str, str]) -> dict[str, Any]:
    names = site.plan.names[::-1]
    number, size = int(query.get("page_no", 1)), min(100, int(query.get("page_size", 10)))
    rows = [
        {
            "task_id": name,
            "status": "SUCCEEDED" if site.plan.done(name) else "RUNNING",
            "gmt_create": SUBMITTED_MS,
            "start_time": SUBMITTED_MS,
            "model_name": "animate-anyone-gen2",
            "region": "cn-beijing",
        }
        for name in names[(number - 1) * size : number * size]
    ]
    return {
        "request_id": "b3c1c1e0-0000-4000-8000-000000000000",
        "data": rows,
        "total": len(names),
        "total_page": -(-len(names) // size),
        "page_no": number,
        "page_size": size,
    }


def dashscope_detect(site: Site, path: str, query: Fields, headers: Fields) -> Played:
    """Let every picture pass."""
    return {
        "output": {"check_pass": True, "bodystyle": "full"},
        "usage": {"image_count": 1},
        "request_id": "b3c1c1e0-0000-4000-8000-000000000000",
    }, {}


def dashscope_policy(site: Site, path: str, query: Fields, headers: Fields) -> Played:
    """Give an upload certificate."""
    policy = {
        "policy": "eyJ9",
        "signature": "c2ln",
        "upload_dir": "dashscope-instant/bench",
        "upload_host": f"{site.url}/sink",
        "expire_in_seconds": 300,
        "max_file_size_mb": 2048,
        "capacity_limit_mb": 999999999,
        "oss_access_key_id": "id",
        "x_oss_object_acl": "private",
        "x_oss_forbid_overwrite": "true",
    }
    return {"data": policy, "request_id": "b3c1c1e0-0000-4000-8000-000000000000"}, {}


def runway_task(site: Site, path: str, query: Fields, headers: Fields) -> Played:
    """Tell of one task in Runway's words."""
    name = path.rpartition("/")[2]
    told: dict[str, Any] = {"id": name, "createdAt": RUNWAY_MODEL}
    if site.plan.done(name):
        return {**told, "status": "SUCCEEDED", "output": [f"{site.url}/files/none"]}, {}
    return {**told, "status": "RUNNING", "progress": 0.5}, {}


def runway_upload(site: Site, path: str, query: Fields, headers: Fields) -> Played:
    """Say where to post a form."""
    return {
        "uploadUrl": f"{site.url}/sink",
        "fields": {"key": "bench"},
        "runwayUri": "runway://x",
    }, {}


def plain_file(site: Site, path: str, query: Fields, headers: Fields) -> Played:
    """Take a file as OpenAI and Replicate do."""
    return {
        "id": "file-bench",
        "object": "file",
        "bytes": 1,
        "created_at": 1,
        "filename": "clip.mp4",
        "purpose": "user_data",
        "status": "processed",
        "name": "clip.mp4",
        "content_type": "video/mp4",
        "size": 1,
        "etag": "x",
        "checksums": {"sha256": "x", "md5": "x"},
        "metadata": {},
        "expires_at": "2026-12-01T00:00:00Z",
        "urls": {"get": f"{site.url}/v1/files/file-bench"},
    }, {}


def google_upload(site: Site, path: str, query: Fields, headers: Fields) -> Played:
    """Take a resumable upload: first say where, then take the pieces."""
    if "upload_id" in query:
        if "finalize" not in headers.get("x-goog-upload-command", ""):
            return {}, {"X-Goog-Upload-Status": "active"}
        file = {"file": {"name": "files/x", "uri": f"{site.url}/files/x", "state": "ACTIVE"}}
        return file, {"X-Goog-Upload-Status": "final"}
    where = f"{site.url}{path}?upload_id=1"
    return {}, {"X-Goog-Upload-URL": where, "X-Goog-Upload-Status": "active"}


PLAYS: Final[tuple[tuple[str, Callable[..., Played]], ...]] = (
    ("/api/v1/tasks", dashscope_task),
    ("/api/v1/uploads", dashscope_policy),
    ("/api/v1/services/", dashscope_detect),
    ("/v1/tasks/", runway_task),
    ("/v1/uploads", runway_upload),
    ("/v1/files", plain_file),
    ("/upload/", google_upload),
)
