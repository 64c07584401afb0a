"""The whole way: from whatever was handed over to a video, and not a fen paid for nothing."""

import asyncio
import io
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

import anyio
import anyio.lowlevel
import av
import pytest
from PIL import Image

from dashscope_aa import AnimateAnyone, Animation, Client, Engine, TemplateId, WanAnimate
from dashscope_aa._prices import total
from dashscope_aa.emulator import (
    AnswerLost,
    Emulator,
    Fault,
    ImageRejected,
    RequestLost,
    ServerFault,
    SlowHeaders,
    TaskFails,
    TaskStalls,
)
from dashscope_aa.errors import (
    ConfigurationError,
    DashScopeError,
    ImageRejectedError,
    InputError,
    InvalidRequestError,
    PreflightError,
    RegionError,
    SourceError,
    SubmitOutcomeUnknownError,
    TaskFailedError,
    TaskTimeoutError,
    UploadError,
)
from dashscope_aa.events import (
    Detected,
    Event,
    Finished,
    Mended,
    Progressed,
    Submitted,
    TemplateReady,
    Uploaded,
    Uploading,
)
from dashscope_aa.models import TaskStatus, TemplateOutput, VideoOutput

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick_retries")]

WAN = WanAnimate(mode="wan-std")
DETECT = "animate-anyone-detect-gen2"
TEMPLATE = "animate-anyone-template-gen2"
SYNTHESIS = "animate-anyone-gen2"


def paid(emulator: Emulator) -> list[str]:
    """Name the paid tasks that were asked for, in order."""
    submits = emulator.requests.of("template", "synthesis", "move", "mix")
    return [request.operation for request in submits]


# ── from anything to a video ─────────────────────────────────────────────────────────────


@dataclass
class Hand:
    """Hands things over in every way there is."""

    emulator: Emulator
    client: Client
    stack: ExitStack

    def path(self, path: Path) -> Any:
        return path

    def text(self, path: Path) -> Any:
        return str(path)

    def content(self, path: Path) -> Any:
        return path.read_bytes()

    def file(self, path: Path) -> Any:
        return self.stack.enter_context(path.open("rb"))

    def file_at_its_end(self, path: Path) -> Any:
        file = self.stack.enter_context(path.open("rb"))
        file.seek(0, os.SEEK_END)
        return file

    def spooled(self, path: Path) -> Any:
        file = self.stack.enter_context(tempfile.SpooledTemporaryFile(1000))  # noqa: SIM115 - the stack closes it
        file.write(path.read_bytes())
        return cast("BinaryIO", file)

    def stream(self, path: Path) -> Any:
        class Stream(io.BytesIO):
            def seekable(self) -> bool:
                return False

            def seek(self, *_: Any) -> int:
                raise io.UnsupportedOperation

        return Stream(path.read_bytes())

    def picture(self, path: Path) -> Any:
        return self.stack.enter_context(Image.open(path))

    def url(self, path: Path) -> Any:
        return self.emulator.host_file(path)


@pytest.fixture
def hand(emulator: Emulator, client: Client) -> Iterator[Hand]:
    with ExitStack() as stack:
        yield Hand(emulator, client, stack)


def check_film(path: Path) -> None:
    """See whether there is a film to be seen."""
    with av.open(str(path)) as film:
        (stream,) = film.streams.video
        assert stream.codec_context.name == "h264"
        frames = sum(1 for _ in film.decode(stream))
        assert frames / float(stream.average_rate or 1) == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
    ("image", "clip_as", "engine"),
    [
        pytest.param(Hand.text, Hand.path, AnimateAnyone(), id="string and path"),
        pytest.param(Hand.picture, Hand.spooled, AnimateAnyone(), id="PIL image and spooled file"),
        pytest.param(Hand.url, Hand.url, AnimateAnyone(), id="URLs"),
        pytest.param(Hand.path, Hand.content, WAN, id="path and bytes"),
        pytest.param(Hand.content, Hand.file_at_its_end, WAN, id="bytes and file at its end"),
        pytest.param(Hand.file, Hand.stream, WAN, id="file and stream"),
    ],
)
async def test_from_anything_to_a_video(
    *,
    image: Callable[[Hand, Path], Any],
    clip_as: Callable[[Hand, Path], Any],
    engine: Engine,
    hand: Hand,
    client: Client,
    emulator: Emulator,
    portrait: Path,
    clip: Path,
    tmp_path: Path,
) -> None:
    animation = await client.animate(image(hand, portrait), clip_as(hand, clip), engine=engine)
    check_film(await client.download(animation, tmp_path / "film.mp4"))
    assert paid(emulator) == (["move"] if engine is WAN else ["template", "synthesis"])
    assert emulator.leaks == []


async def test_from_uploads(client: Client, portrait: Path, clip: Path) -> None:
    model = "wan2.2-animate-mix"
    image = await client.upload(portrait, model=model)
    video = await client.upload(clip, model=model)
    engine = WanAnimate(mode="wan-pro", kind="mix", watermark=True, check_image=False)
    animation = await client.animate(image, video, engine=engine)
    assert animation.engine == engine
    assert animation.usage is not None
    assert animation.usage.video_ratio == "pro"
    assert list(animation.task_ids) == ["mix"]


@pytest.mark.parametrize("as_output", [False, True], ids=["by its id", "as it was given"])
async def test_from_a_template(
    *,
    as_output: bool,
    client: Client,
    emulator: Emulator,
    portrait: Path,
    clip: Path,
) -> None:
    output = await (await client.create_template(clip))
    source: Any = output if as_output else output.template_id
    emulator.requests.clear()
    emulator.faults.add(TaskFails(on="synthesis"))  # a film more is no news
    events: list[Event] = []
    with pytest.raises(TaskFailedError):
        await client.animate(portrait, source, on_event=events.append)
    assert paid(emulator) == ["synthesis"]
    assert emulator.requests.of("synthesis")[0].body["input"]["template_id"] == output.template_id
    assert TemplateReady(template_id=output.template_id, reused=True) in events


# ── what is told ─────────────────────────────────────────────────────────────────────────


def names(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


async def test_events_and_result_of_animate_anyone(
    client: Client, emulator: Emulator, portrait: Path, clip: Path
) -> None:
    events: list[Event] = []

    async def note(event: Event) -> None:
        await anyio.lowlevel.checkpoint()
        events.append(event)

    before = datetime.fromtimestamp(emulator.clock.now(), UTC)
    engine = AnimateAnyone(use_ref_img_bg=True, video_ratio="3:4")
    animation = await client.animate(portrait, clip, engine=engine, on_event=note)

    order = names(events)
    assert order[0] == "Preflighted"
    assert order.count("Watched") == 1
    assert order.index("Uploaded") < order.index("Detected") < order.index("Submitted")
    assert order.index("Submitted") < order.index("Progressed") < order.index("TemplateReady")
    assert [event.step for event in events if isinstance(event, Submitted)] == [
        "template",
        "synthesis",
    ]
    assert sorted(event.model for event in events if isinstance(event, Uploaded)) == sorted(
        [DETECT, TEMPLATE, SYNTHESIS]
    )
    for step in ("template", "synthesis"):
        told = [it.status for it in events if isinstance(it, Progressed) and it.step == step]
        assert (told[0], told[-1]) == ("PENDING", "SUCCEEDED")
        assert len(told) == len(set(told))
    assert events[-1] == Finished(animation=animation)

    assert isinstance(animation, Animation)
    assert animation.engine == engine
    assert animation.video_url == animation.output.video_url
    assert animation.detection is not None
    assert animation.detection.check_pass
    assert set(animation.task_ids) == {"template", "synthesis"}
    assert set(animation.request_ids) == {"detect", "template", "synthesis"}
    (ready,) = [event for event in events if isinstance(event, TemplateReady)]
    assert animation.template_id == ready.template_id
    assert not ready.reused
    assert animation.cost_cny == pytest.approx(0.004 + 2 * 2.0 * 0.08, abs=0.02)
    assert abs(animation.expires_at - before - timedelta(hours=24)) < timedelta(minutes=1)
    body = emulator.requests.of("synthesis")[0].body
    assert body["parameters"] == {"use_ref_img_bg": True, "video_ratio": "3:4"}


async def test_large_files_tell_how_far_they_are(
    client: Client, portrait: Path, clip: Path, tmp_path: Path
) -> None:
    large = tmp_path / "large.jpg"
    large.write_bytes(portrait.read_bytes() + bytes(2_200_000))
    events: list[Event] = []
    await client.animate(large, clip, engine=WAN, preflight="off", on_event=events.append)
    told = [event for event in events if isinstance(event, Uploading)]
    assert [event.sent_bytes for event in told] == [1024 * 1024, 2 * 1024 * 1024]
    assert {(it.role, it.size_bytes) for it in told} == {("image", large.stat().st_size)}


async def test_events_and_result_of_wan(client: Client, portrait: Path, clip: Path) -> None:
    events: list[Event] = []
    animation = await client.animate(portrait, clip, engine=WAN, on_event=events.append)
    assert names(events[:4]) == ["Preflighted", "Uploaded", "Uploaded", "Submitted"]
    assert {event.role for event in events[:3] if isinstance(event, Uploaded)} == {"image", "video"}
    assert names(events[-1:]) == ["Finished"]
    (submitted,) = [event for event in events if isinstance(event, Submitted)]
    again = client.resume(submitted.token)
    assert isinstance(await again, VideoOutput)
    assert animation.template_id is None
    assert animation.detection is None
    assert animation.cost_cny == pytest.approx(2.0 * 0.4, abs=0.05)


@pytest.mark.parametrize("as_coroutine", [False, True], ids=["function", "coroutine"])
async def test_broken_receiver_costs_nothing(
    *,
    as_coroutine: bool,
    client: Client,
    emulator: Emulator,
    portrait: Path,
    clip: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR, "dashscope_aa")

    def fail(_event: Event) -> None:
        raise ZeroDivisionError

    async def fail_later(event: Event) -> None:
        await anyio.lowlevel.checkpoint()
        fail(event)

    receiver = fail_later if as_coroutine else fail
    animation = await client.animate(portrait, clip, engine=WAN, on_event=receiver)
    assert animation.video_url
    assert paid(emulator) == ["move"]
    assert "on_event failed for Finished" in caplog.text


@pytest.mark.parametrize(
    ("costs", "sum_cny"),
    [
        pytest.param([0.1, 0.2], 0.3, id="known"),
        pytest.param([0.1, None], None, id="one unknown"),
        pytest.param([], 0.0, id="nothing"),
    ],
)
def test_total(costs: list[float | None], sum_cny: float | None) -> None:
    assert total(costs) == sum_cny


# ── looked at before anything is sent ────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def mendable(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Path:
    """A clip in a container no model takes."""
    path = tmp_path_factory.mktemp("mendable") / "dance.mkv"
    with av.open(str(clip)) as source, av.open(str(path), "w") as target:
        (stream,) = source.streams.video
        copied = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.stream = copied
                target.mux(packet)
    return path


@pytest.fixture(scope="module")
def hopeless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture no model takes and nobody can mend."""
    path = tmp_path_factory.mktemp("hopeless") / "photo.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0 and then nothing")
    return path


async def test_clip_is_mended_and_its_template_known_by_what_was_handed_over(
    *,
    client: Client,
    emulator: Emulator,
    portrait: Path,
    mendable: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    emulator.faults.add(TaskFails(on="synthesis", times=9))
    before = mendable.read_bytes()
    events = await animate(client, portrait, mendable)
    (mended,) = [event for event in events if isinstance(event, Mended)]
    assert mended.role == "video"
    assert mended.steps
    assert reused(await animate(client, portrait, mendable.read_bytes()))
    assert paid(emulator) == ["template", "synthesis", "synthesis"]
    assert mendable.read_bytes() == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("engine", [AnimateAnyone(), WAN], ids=["AnimateAnyone", "wan"])
async def test_check_refuses_what_fix_would_mend(
    engine: Engine, client: Client, emulator: Emulator, portrait: Path, mendable: Path
) -> None:
    events: list[Event] = []
    with pytest.raises(PreflightError) as raised:
        await client.animate(
            portrait, mendable, engine=engine, preflight="check", on_event=events.append
        )
    assert raised.value.report.findings
    assert events == []
    assert len(emulator.requests) == 0


@pytest.mark.parametrize("preflight", ["fix", "check"])
async def test_what_cannot_be_mended_is_refused(
    preflight: Literal["fix", "check"],
    client: Client,
    emulator: Emulator,
    hopeless: Path,
    mendable: Path,
) -> None:
    with pytest.raises((PreflightError, SourceError)):
        await client.animate(hopeless, mendable, engine=WAN, preflight=preflight)
    assert len(emulator.requests) == 0


async def test_without_a_look_the_service_decides(
    client: Client, emulator: Emulator, portrait: Path, mendable: Path
) -> None:
    with pytest.raises(TaskFailedError):
        await client.animate(portrait, mendable, engine=WAN, preflight="off")
    assert paid(emulator) == ["move"]


# ── templates are made once ──────────────────────────────────────────────────────────────


@pytest.fixture
def no_films(emulator: Emulator) -> None:
    """Let every synthesis fail: for tests that look at templates, films would take long."""
    emulator.faults.add(TaskFails(on="synthesis", times=99))


async def animate(client: Client, *sources: Any, **options: Any) -> list[Event]:
    """Animate as far as to the synthesis, which fails; give what was told."""
    events: list[Event] = []
    with pytest.raises(TaskFailedError, match="Inference"):
        await client.animate(*sources, on_event=events.append, **options)
    return events


def reused(events: list[Event]) -> bool:
    (ready,) = [event for event in events if isinstance(event, TemplateReady)]
    return ready.reused


@pytest.mark.usefixtures("no_films")
async def test_template_of_the_same_bytes_is_used_again(
    *,
    client: Client,
    make_client: Callable[..., Client],
    emulator: Emulator,
    portrait: Path,
    clip: Path,
    other_clip: Path,
    tmp_path: Path,
) -> None:
    twin = tmp_path / "other name.mp4"
    twin.write_bytes(clip.read_bytes())
    assert not reused(await animate(client, portrait, clip))
    assert reused(await animate(client, portrait, twin))
    assert reused(await animate(client, portrait, clip.read_bytes()))
    assert emulator.requests.paid_submits(TEMPLATE) == 1
    assert not reused(await animate(client, portrait, other_clip))
    assert not reused(await animate(make_client(), portrait, clip))
    assert emulator.requests.paid_submits(TEMPLATE) == 3


@pytest.mark.usefixtures("no_films")
async def test_clips_at_once_make_one_template(
    client: Client, emulator: Emulator, portrait: Path, clip: Path
) -> None:
    emulator.running_per_model = 9
    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(animate, client, portrait, clip)
    assert emulator.requests.paid_submits(TEMPLATE) == 1
    assert emulator.requests.paid_submits(SYNTHESIS) == 5
    assert len(emulator.requests.of("upload")) == 3


@pytest.mark.usefixtures("no_films")
async def test_template_whose_making_failed_is_made_anew(
    client: Client, emulator: Emulator, portrait: Path, clip: Path
) -> None:
    emulator.faults.add(TaskFails(on="template", message="No."))
    with pytest.raises(TaskFailedError, match="No"):
        await client.animate(portrait, clip)
    await animate(client, portrait, clip)
    assert paid(emulator) == ["template", "template", "synthesis"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param(
            TaskFails(on="synthesis", code="InvalidFile.Template.Content"),
            TaskFailedError,
            id="by the task",
        ),
        pytest.param(
            ServerFault(on="synthesis", status=400, code="InvalidFile.Template.Content"),
            DashScopeError,
            id="by the submit",
        ),
    ],
)
async def test_template_the_service_refuses_is_forgotten(
    *,
    fault: Fault,
    error: type[Exception],
    client: Client,
    emulator: Emulator,
    portrait: Path,
    clip: Path,
) -> None:
    emulator.faults.add(fault, TaskFails(on="synthesis", times=9))
    with pytest.raises(error):
        await client.animate(portrait, clip)
    assert not reused(await animate(client, portrait, clip))
    assert emulator.requests.paid_submits(TEMPLATE) == 2


@pytest.mark.usefixtures("no_films")
async def test_template_that_was_given_up_on_is_not_paid_again(
    client: Client, emulator: Emulator, portrait: Path, clip: Path
) -> None:
    emulator.queue_s = 3600
    with pytest.raises(TaskTimeoutError):
        await client.animate(portrait, clip, timeout_s=0.1)
    with anyio.move_on_after(0.2):
        await client.animate(portrait, clip)
    assert paid(emulator) == ["template"]
    emulator.queue_s = 0
    emulator.clock.advance(3601)
    await animate(client, portrait, clip)
    assert reused(await animate(client, portrait, clip))
    assert paid(emulator) == ["template", "synthesis", "synthesis"]


@pytest.mark.usefixtures("no_films")
async def test_what_may_fail_for_free_comes_before_what_is_paid(
    client: Client, emulator: Emulator, portrait: Path, clip: Path
) -> None:
    refused = ServerFault(on="policy", model=SYNTHESIS, status=400, code="InvalidParameter")
    emulator.faults.add(refused)
    with pytest.raises(InvalidRequestError):
        await client.animate(portrait, clip)
    assert paid(emulator) == []
    await animate(client, portrait, clip)
    assert paid(emulator) == ["template", "synthesis"]


async def test_file_that_is_changed_on_the_way_is_not_paid_for(
    client: Client, emulator: Emulator, portrait: Path, clip: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "portrait.jpg"
    picture.write_bytes(portrait.read_bytes())

    def change(event: Event) -> None:
        if isinstance(event, Detected):
            picture.write_bytes(portrait.read_bytes()[:-9] + b"123456789")

    with pytest.raises(UploadError, match="was changed"):
        await client.animate(picture, clip, on_event=change)
    assert paid(emulator) == []


@pytest.mark.usefixtures("no_films")
async def test_the_picture_is_there_before_a_clip_that_takes_its_time(
    client: Client, portrait: Path, clip: Path
) -> None:
    picture_there = anyio.Event()

    async def hold_up_the_clip(event: Event) -> None:
        if isinstance(event, Uploaded) and event.model == SYNTHESIS:
            picture_there.set()
        if isinstance(event, Uploaded) and event.role == "video":
            await picture_there.wait()

    with anyio.fail_after(30), pytest.raises(TaskFailedError, match="Inference"):
        await client.animate(portrait, clip, on_event=hold_up_the_clip)


# ── nothing is paid for nothing ──────────────────────────────────────────────────────────


@pytest.mark.parametrize("as_400", [False, True], ids=["as 200", "as 400"])
async def test_refused_picture_stops_everything(
    *,
    as_400: bool,
    client: Client,
    emulator: Emulator,
    portrait: Path,
    clip: Path,
) -> None:
    emulator.faults.add(
        ImageRejected(as_400=as_400), SlowHeaders(on="policy", model=TEMPLATE, delay_s=20)
    )
    events: list[Event] = []
    with anyio.fail_after(30), pytest.raises(ImageRejectedError, match="no human body") as raised:
        await client.animate(portrait, clip, on_event=events.append)
    assert not raised.value.detection.check_pass
    assert raised.value.request_id
    assert [name for name in names(events) if name != "Watched"] == [
        "Preflighted",
        "Uploaded",
        "Detected",
    ]
    assert emulator.requests.paid_submits() == 0
    assert len(emulator.requests.of("upload")) == 1


@pytest.mark.usefixtures("no_films")
async def test_without_a_check(
    client: Client, emulator: Emulator, portrait: Path, clip: Path
) -> None:
    emulator.faults.add(ImageRejected())
    events = await animate(client, portrait, clip, detect=False)
    assert "Detected" not in names(events)
    assert emulator.requests.of("detect") == []


@pytest.mark.parametrize(
    ("fault", "engine", "submits"),
    [
        pytest.param(AnswerLost(on="detect"), AnimateAnyone(), [], id="check"),
        pytest.param(AnswerLost(on="template"), AnimateAnyone(), ["template"], id="template"),
        pytest.param(
            RequestLost(on="synthesis"), AnimateAnyone(), ["template", "synthesis"], id="synthesis"
        ),
        pytest.param(ServerFault(on="move"), WAN, ["move"], id="move"),
    ],
)
async def test_lost_answer_ends_the_way(
    *,
    fault: Fault,
    engine: Engine,
    submits: list[str],
    client: Client,
    emulator: Emulator,
    portrait: Path,
    clip: Path,
) -> None:
    emulator.faults.add(fault)
    with pytest.raises(SubmitOutcomeUnknownError):
        await client.animate(portrait, clip, engine=engine)
    assert paid(emulator) == submits


MISSING = "no such file"


@pytest.mark.parametrize(
    ("image", "template", "options", "error"),
    [
        pytest.param(MISSING, None, {}, SourceError, id="missing picture"),
        pytest.param(None, MISSING, {}, SourceError, id="missing clip"),
        pytest.param(None, ".", {}, SourceError, id="directory"),
        pytest.param(None, b"", {}, SourceError, id="no bytes"),
        pytest.param("https://host/a b.jpg", None, {}, SourceError, id="URL with spaces"),
        pytest.param(None, "ftp://host/a.mp4", {}, SourceError, id="scheme nobody knows"),
        pytest.param(io.StringIO("text"), None, {}, SourceError, id="text"),
        pytest.param(None, 3, {}, SourceError, id="number"),
        pytest.param(None, "AACT.no id", {}, SourceError, id="id with a space"),
        pytest.param(None, "AACT.x", {"engine": WAN}, InputError, id="template id with wan"),
        pytest.param(None, TemplateId("x"), {"engine": WAN}, InputError, id="said plainly"),
        pytest.param(
            None,
            TemplateOutput(task_id="t", task_status=TaskStatus.SUCCEEDED, template_id="AACT.x"),
            {"engine": WAN},
            InputError,
            id="template of a task with wan",
        ),
        pytest.param(None, None, {"engine": "wan-std"}, InputError, id="name of an engine"),
        pytest.param(None, None, {"engine": WanAnimate}, InputError, id="class of an engine"),
    ],
)
async def test_refused_before_anything_is_sent(
    *,
    image: Any,
    template: Any,
    options: dict[str, Any],
    error: type[Exception],
    client: Client,
    emulator: Emulator,
    portrait: Path,
    clip: Path,
) -> None:
    with pytest.raises(error):
        await client.animate(
            portrait if image is None else image, clip if template is None else template, **options
        )
    assert len(emulator.requests) == 0


async def test_every_fault_is_named(client: Client, emulator: Emulator) -> None:
    with pytest.raises(SourceError) as raised:
        await client.animate("ftp://host/a.jpg", "no-clip.mp4", engine=WAN)
    assert "the image is given as a ftp:// URL" in raised.value.message
    assert "the video 'no-clip.mp4' does not exist" in raised.value.message
    assert len(emulator.requests) == 0


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: WanAnimate(mode="wan-max"), id="mode"),  # type: ignore[arg-type] # wrong on purpose
        pytest.param(lambda: WanAnimate(mode="wan-std", kind="dance"), id="kind"),  # type: ignore[arg-type] # wrong on purpose
        pytest.param(lambda: WanAnimate(mode="wan-std", watermark=1), id="number for a flag"),  # type: ignore[arg-type] # wrong on purpose
        pytest.param(lambda: AnimateAnyone(video_ratio="16:9"), id="ratio"),  # type: ignore[arg-type] # wrong on purpose
        pytest.param(lambda: AnimateAnyone(use_ref_img_bg=1), id="number for a background"),  # type: ignore[arg-type] # wrong on purpose
    ],
)
def test_option_no_engine_knows(make: Callable[[], Engine]) -> None:
    with pytest.raises(InputError):
        make()


async def test_region_that_does_not_serve_the_engine(
    make_client: Callable[..., Client], emulator: Emulator, portrait: Path, clip: Path
) -> None:
    client = make_client(region="ap-southeast-1")
    with pytest.raises(RegionError, match="AnimateAnyone"):
        await client.animate(portrait, clip)
    with pytest.raises(RegionError):
        await make_client(region="us-east-1").animate(portrait, clip, engine=WAN)
    assert len(emulator.requests) == 0


async def test_engine_is_the_clients_by_default(
    make_client: Callable[..., Client],
    emulator: Emulator,
    portrait: Path,
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    emulator.faults.add(TaskFails(times=9))
    for client in (make_client(engine=WAN),):
        with pytest.raises(TaskFailedError):
            await client.animate(portrait, clip)
    monkeypatch.setenv("DASHSCOPE_AA_ENGINE", "wan-pro")
    with pytest.raises(TaskFailedError):
        await make_client().animate(portrait, clip)
    modes = [request.body["parameters"]["mode"] for request in emulator.requests.of("move")]
    assert modes == ["wan-std", "wan-pro"]
    monkeypatch.setenv("DASHSCOPE_AA_ENGINE", "wan-max")
    with pytest.raises(ConfigurationError):
        make_client()


# ── trouble beside the way ───────────────────────────────────────────────────────────────


async def test_error_comes_plain_though_two_jobs_run(
    client: Client, emulator: Emulator, portrait: Path, clip: Path
) -> None:
    refused = ServerFault(on="policy", model=TEMPLATE, status=400, code="InvalidParameter")
    emulator.faults.add(refused, SlowHeaders(on="detect", delay_s=20))
    with anyio.fail_after(30), pytest.raises(InvalidRequestError):
        await client.animate(portrait, clip)
    assert emulator.requests.paid_submits() == 0


async def test_cancelling_may_cancel_the_task(
    client: Client, emulator: Emulator, portrait: Path, clip: Path
) -> None:
    emulator.queue_s = 3600
    submitted = anyio.Event()

    def note(event: Event) -> None:
        if isinstance(event, Progressed):
            submitted.set()

    async def run() -> None:
        await client.animate(portrait, clip, engine=WAN, on_cancel="cancel_remote", on_event=note)

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await submitted.wait()
        group.cancel_scope.cancel()
    assert emulator.tasks[-1].status == "CANCELED"


async def test_template_cancelled_by_its_first_run_is_made_anew(
    client: Client, emulator: Emulator, portrait: Path, clip: Path
) -> None:
    emulator.queue_s = 3600
    with anyio.CancelScope() as scope:

        def stop(event: Event) -> None:
            if isinstance(event, Progressed):
                scope.cancel()

        await client.animate(portrait, clip, on_cancel="cancel_remote", on_event=stop)
    assert emulator.tasks[-1].status == "CANCELED"
    emulator.queue_s = 0
    emulator.faults.add(TaskFails(on="synthesis"))
    await animate(client, portrait, clip)
    assert emulator.requests.paid_submits(TEMPLATE) == 2


@pytest.mark.parametrize("native", [False, True], ids=["scope", "native"])
async def test_nothing_stays_behind(
    *,
    native: bool,
    anyio_backend: str,
    client: Client,
    emulator: Emulator,
    portrait: Path,
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if native and anyio_backend != "asyncio":
        pytest.skip("tasks of asyncio's own")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    emulator.faults.add(TaskStalls(times=99))
    image, video = portrait.read_bytes(), clip.read_bytes()
    for limit_s in (0.001, 0.005, 0.01, 0.03, 0.06, 0.1):
        if native:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(limit_s):
                    await client.animate(image, video, engine=WAN)
        else:
            with anyio.move_on_after(limit_s):
                await client.animate(image, video, engine=WAN)
        assert list(tmp_path.iterdir()) == []
