"""The real service, with a key and a cap on cost. What is seen here settles open questions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from dashscope_aa import Client, errors
from dashscope_aa.models import TaskStatus

pytestmark = [pytest.mark.live, pytest.mark.anyio]

PORTRAIT = Path(__file__).parents[2] / "examples" / "portrait.jpg"
Settles = Callable[[int, str], None]


async def test_upload_gives_an_oss_url(client: Client, recorder: Any, settles: Settles) -> None:
    url = await client.upload(PORTRAIT, model="wan2.2-animate-move")

    assert url.startswith("oss://")
    policy = next(body["data"] for what, _, body in recorder.answers if what.endswith("/uploads"))
    kinds = {
        name: type(policy[name]).__name__ for name in ("expire_in_seconds", "max_file_size_mb")
    }
    settles(28, f"getPolicy numbers came as {kinds}: {policy['max_file_size_mb']} MB")


async def test_detect_tells_whether_animate_anyone_is_still_served(
    client: Client, settles: Settles
) -> None:
    try:
        detection = await client.detect(PORTRAIT)
    except errors.ModelUnavailableError as gone:
        settles(1, f"AnimateAnyone is gone: HTTP {gone.http_status} {gone.code}")
    else:
        assert detection.check_pass in {True, False}
        settles(1, f"AnimateAnyone detect still answers (check_pass {detection.check_pass})")
        settles(26, "detect takes oss:// URLs")


async def test_move_runs_while_a_second_one_is_listed_and_cancelled(
    client: Client, recorder: Any, settles: Settles, clip: Path, tmp_path: Path
) -> None:
    first = await client.animate_move(PORTRAIT, clip, mode="wan-std")
    second = await client.animate_move(PORTRAIT, clip, mode="wan-std")
    took = await second.cancel()
    settles(30, f"a second task was {'PENDING and cancelled' if took else 'no longer PENDING'}")

    pages = [page async for page in client.list_tasks(model_name="wan2.2-animate-move")]
    listed = {row.task_id: row.status for page in pages for row in page.data}
    assert first.id in listed

    output = await first.result(timeout_s=1800)
    body = recorder.answers[-1][2]
    settles(13, f"the URL is in {'results' if 'results' in body['output'] else 'output'}")
    settles(15, f"video_duration came as {body['usage']['video_duration']!r}")
    settles(
        32, f"Retry-After seen: {any('retry-after' in r.headers for _, r, _ in recorder.answers)}"
    )
    settles(38, f"submit_time came as {body['output'].get('submit_time')!r}")

    film = await client.download(output, tmp_path / "film.mp4")
    with av.open(film) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        settles(36, f"the film has {float(container.duration or 0) / 1e6:.2f} s")
    if not took:
        assert await second.cancel() is False
        assert (await second.refresh()).output.task_status != TaskStatus.UNKNOWN
