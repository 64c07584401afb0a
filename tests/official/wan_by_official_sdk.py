"""A client that knows nothing of this project: the official SDK uploads, submits, waits, lists
and cancels. It prints what it saw as one JSON object.

Run by a Python that has the official ``dashscope`` package, with ``DASHSCOPE_HTTP_BASE_URL``
and ``DASHSCOPE_API_KEY`` set: ``python wan_by_official_sdk.py PICTURE CLIP``.
"""

import json
import sys
from http import HTTPStatus
from typing import Any

from dashscope import VideoSynthesis
from dashscope.utils.oss_utils import OssUtils

MODEL = "wan2.2-animate-move"
RESOLVE = {"X-DashScope-OssResourceResolve": "enable"}


def upload(path: str) -> str:
    """Put a file into temporary storage."""
    url, _ = OssUtils.upload(model=MODEL, file_path=path)
    return str(url)


def submit(image_url: str, video_url: str) -> Any:
    """Submit a move; the SDK has no class for it, so the generic one is told the task."""
    answer = VideoSynthesis.async_call(
        model=MODEL,
        task="image2video",
        extra_input={"image_url": image_url, "video_url": video_url, "watermark": False},
        headers=RESOLVE,
        mode="wan-std",
        check_image=True,
    )
    assert answer.status_code == HTTPStatus.OK, answer
    return answer


def main() -> None:
    """Go the whole way twice: once to the end, and once to a cancel."""
    image_url, video_url = upload(sys.argv[1]), upload(sys.argv[2])
    first = submit(image_url, video_url)
    second = submit(image_url, video_url)
    cancelled = VideoSynthesis.cancel(second)
    done = VideoSynthesis.wait(first)
    listed = VideoSynthesis.list(page_size=10)
    refused = VideoSynthesis.cancel(first)
    print(
        json.dumps(
            {
                "image_url": image_url,
                "submitted": [first.output.task_id, second.output.task_id],
                "status": done.output.task_status,
                "video_url": dict(done.output).get("results", {}).get("video_url"),
                "duration": done.usage.video_duration,
                "cancelled": cancelled.status_code,
                "cancel_of_done": [refused.status_code, refused.code],
                "listed": {
                    row["task_id"]: row["status"] for row in (listed.output or {}).get("data", [])
                },
            }
        )
    )


main()
