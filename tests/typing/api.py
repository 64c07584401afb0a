"""What users see of the types: checked by mypy and pyright, never run."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Literal, assert_type

from PIL import Image

from dashscope_aa import (
    AnimateAnyone,
    Animation,
    Client,
    DashScopeError,
    Engine,
    Entry,
    Event,
    MediaFile,
    Schedule,
    Task,
    TaskState,
    TaskToken,
    TemplateId,
    Url,
    WanAnimate,
    codes,
    errors,
    models,
)
from dashscope_aa.models import (
    Detection,
    TaskListItem,
    TaskListResponse,
    TaskResponse,
    TaskStatus,
    TaskUsage,
    TemplateOutput,
    TokenResponse,
    VideoOutput,
)


async def templates(client: Client) -> None:
    task = await client.create_template("dance.mp4")
    assert_type(task, Task[TemplateOutput])
    assert_type(await task, TemplateOutput)
    assert_type(await task.result(timeout_s=60, on_cancel="cancel_remote"), TemplateOutput)
    assert_type((await task).template_id, str)
    assert_type(task.token, TaskToken[TemplateOutput])
    assert_type(client.resume(task.token), Task[TemplateOutput])
    assert_type(await client.resume(task.token), TemplateOutput)


async def rows(client: Client) -> None:
    assert_type(await client.ledger_rows(), list[Entry])
    (row,) = await client.ledger_rows()
    assert_type(row.billed_cny, float | None)
    assert_type(await client.adopt(row, "0385dc79-5ff8-4d82-bcb6-000000000000"), Task[Any])
    await client.write_off(row)
    await client.download("https://host/video.mp4", "out.mp4", on_bytes=print)


async def videos(client: Client, template: TemplateOutput) -> None:
    synthesis = await client.synthesize("portrait.jpg", template, use_ref_img_bg=True)
    assert_type(synthesis, Task[VideoOutput])
    by_id = await client.synthesize("portrait.jpg", TemplateId("AACT.x"), video_ratio="3:4")
    assert_type(by_id, Task[VideoOutput])
    move = await client.animate_move("portrait.jpg", "dance.mp4", mode="wan-std")
    assert_type(move, Task[VideoOutput])
    mix = await client.animate_mix("portrait.jpg", "dance.mp4", mode="wan-pro", watermark=True)
    assert_type(mix, Task[VideoOutput])
    assert_type(await mix, VideoOutput)
    assert_type((await mix).video_url, str)
    assert_type(mix.token, TaskToken[VideoOutput])


async def the_whole_way(client: Client, engine: Engine) -> None:
    animation = await client.animate("portrait.jpg", "dance.mp4", engine=engine)
    assert_type(animation, Animation)
    assert_type(animation.video_url, str)
    assert_type(animation.cost_cny, float | None)
    assert_type(animation.usage, TaskUsage | None)
    assert_type(animation.detection, Detection | None)
    assert_type(await client.download(animation, "result.mp4"), Path)
    assert_type(await client.download(animation.output, Path("result.mp4")), Path)
    assert_type(await client.download(animation.video_url, "result.mp4"), Path)


async def one_call_each(client: Client) -> None:
    detection = await client.detect("portrait.jpg")
    assert_type(detection, Detection)
    assert_type(detection.check_pass, bool)
    assert_type(await client.upload("portrait.jpg", model="animate-anyone-gen2"), str)
    assert_type(await client.create_token(expire_in_s=60), TokenResponse)
    assert_type(await client.get_task("id"), TaskResponse)
    assert_type(await client.cancel_task("id"), bool)
    assert_type(client.base_url, str)
    assert_type(client.workspace, str | None)


async def tasks(client: Client, stored: str) -> None:
    assert_type(client.resume("id", output=VideoOutput), Task[VideoOutput])
    assert_type(client.resume("id", output=TemplateOutput), Task[TemplateOutput])
    assert_type(client.resume(stored), Task[Any])
    task = client.resume("id", output=VideoOutput)
    async for state in task.states(timeout_s=60):
        assert_type(state, TaskState)
        assert_type(state.status, TaskStatus | str)
        assert_type(state.seen_at, datetime)
        assert_type(state.response, TaskResponse)
    assert_type(task.id, str)
    assert_type(task.status, TaskStatus | str)
    assert_type(task.done, bool)
    assert_type(task.usage, TaskUsage | None)
    assert_type(task.request_id, str | None)
    assert_type(task.submitted_at, datetime | None)
    assert_type(task.history, tuple[TaskState, ...])
    assert_type(task.response, dict[str, Any])
    assert_type(await task.refresh(), TaskResponse)
    assert_type(await task.cancel(), bool)
    assert_type(await Task.any_ended([task, client.resume("id", output=TemplateOutput)]), None)
    assert_type(client.notify(stored), bool)
    assert_type(client.notify({"id": "…"}), bool)


async def lists(client: Client) -> None:
    async for page in client.list_tasks(status="RUNNING", start_time=datetime.now(UTC)):
        assert_type(page, TaskListResponse)
        assert_type(page.data, tuple[TaskListItem, ...])
        assert_type([row.task_id for row in page.data], list[str])
        assert_type([row.gmt_create for row in page.data], list[datetime | None])


async def sources(client: Client, file: BinaryIO) -> None:
    """Show every kind of picture, clip and template that is taken."""
    await client.detect(file)
    await client.detect(Path("portrait.jpg"))
    await client.detect(b"...")
    await client.detect(BytesIO())
    await client.detect(Url("https://host/portrait.jpg"))
    await client.detect(Image.new("RGB", (512, 512)))
    await client.create_template(Path("dance.mp4"))
    await client.create_template(MediaFile(Path("dance.mp4"), ".mp4", 1))
    await client.animate(b"...", TemplateId("AACT.x"))
    await client.animate(b"...", b"...")
    await client.animate(b"...", await (await client.create_template("dance.mp4")))


class OwnStorage:
    """An uploader as users write it."""

    async def __call__(self, source: MediaFile, /, *, model: str) -> str:
        """Put it there."""
        return f"https://bucket.example/{model}/{await source.sha256()}{source.suffix}"


async def told(event: Event) -> None:
    """Receive events, asynchronously."""
    print(event)


async def clients() -> None:
    schedule = Schedule(first_s=0.1, timeout_s=None, queries_per_s=5, list_above=50, page_size=20)
    async with Client() as client:
        assert_type(client, Client)
    client = Client(
        "sk-…",
        base_url="http://127.0.0.1:8080",
        region="cn-beijing",
        workspace="llm-1",
        engine=WanAnimate(mode="wan-std"),
        uploader=OwnStorage(),
        schedule=schedule,
        local_paths=False,
        paths={"animate-anyone-gen2": "/services/aigc/image2video/video-synthesis"},
    )
    await client.animate("a.jpg", "b.mp4", engine=AnimateAnyone(), on_event=told)
    await client.animate("a.jpg", "b.mp4", on_event=print)
    await client.aclose()


def caught(error: DashScopeError) -> None:
    assert_type(error.code, str | None)
    assert_type(error.http_status, int | None)
    assert_type(error.hint, str)
    if isinstance(error, errors.TaskError):
        assert_type(error.history, tuple[Any, ...])
    if isinstance(error, errors.TaskFailedError):
        assert_type(error.reason, errors.ServiceError)
        assert_type(error.token, str)
    if isinstance(error, errors.SubmitOutcomeUnknownError):
        assert_type(error.sent_at, datetime)
    if isinstance(error, errors.ServiceError):
        assert_type(error.retry_after_s, float | None)
    assert_type(codes.lookup(error.code), codes.Code)
    assert_type(codes.lookup(None, http_status=429).retry, codes.Retry)


def validated() -> None:
    request = models.SynthesisRequest.model_validate({})
    assert_type(request.parameters.video_ratio, Literal["9:16", "3:4"] | None)
    parameters = models.WanAnimateParameters(mode="wan-pro")
    assert_type(parameters.mode, Literal["wan-std", "wan-pro"])


# ── what must not pass ───────────────────────────────────────────────────────────────────
# mypy says so itself when an "ignore" is no longer needed.


async def refused(client: Client, task: Task[TemplateOutput]) -> None:
    WanAnimate()  # type: ignore[call-arg] # the price tier has no default
    WanAnimate(mode="std")  # type: ignore[arg-type] # no such tier
    AnimateAnyone(video_ratio="16:9")  # type: ignore[arg-type] # no such ratio
    await client.animate_move("a.jpg", "b.mp4")  # type: ignore[call-arg] # no tier
    await client.animate_mix("a.jpg", "b.mp4", "wan-std")  # type: ignore[call-arg] # not named
    await client.create_template(Image.new("RGB", (1, 1)))  # type: ignore[arg-type] # no clip
    await client.animate("a.jpg", "b.mp4", engine="wan-std")  # type: ignore[arg-type] # no engine
    await client.detect(1)  # type: ignore[arg-type] # no picture
    Client("sk-…", "https://host")  # type: ignore[call-arg] # only the key goes without a name
    (await task).video_url  # type: ignore[attr-defined] # a template is no video
    task.id = "other"  # type: ignore[misc] # tasks are read
    client.resume("id", output=str)  # type: ignore[type-var] # no output
