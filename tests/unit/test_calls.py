"""Single calls: what is sent, what comes back, and what is refused before anything is sent."""

import io
from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from dashscope_aa import Client, TemplateId
from dashscope_aa.emulator import Emulator, ImageRejected, Received, Retired, RetiredAnswer
from dashscope_aa.errors import (
    ConfigurationError,
    InputError,
    MediaError,
    MediaUnreachableError,
    ModelUnavailableError,
    RegionError,
    SourceError,
    TaskFailedError,
)
from dashscope_aa.models import TaskStatus, TemplateOutput, VideoOutput

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick_retries")]

PICTURE = "http://127.0.0.1:9/a.jpg"
CLIP = "http://127.0.0.1:9/a.mp4"
TEMPLATE = TemplateId("AACT.x.y-z.1")

Call = Callable[[Client], Awaitable[Any]]


def posted(emulator: Emulator) -> Received:
    """Give the last request that was sent to a model."""
    return next(it for it in reversed(emulator.requests) if "/services/" in it.path)


# ── detect ───────────────────────────────────────────────────────────────────────────────


async def test_detect(client: Client, emulator: Emulator, portrait: Path) -> None:
    detection = await client.detect(portrait)
    assert detection.check_pass
    assert detection.bodystyle in {"full", "half"}
    assert detection.request_id
    assert detection.usage is not None
    assert detection.usage.image_count == 1
    request = posted(emulator)
    assert request.body["model"] == "animate-anyone-detect-gen2"
    assert request.body["input"]["image_url"].startswith("oss://")
    assert request.headers["x-dashscope-ossresourceresolve"] == "enable"
    assert "x-dashscope-async" not in request.headers
    assert request.path.endswith("/aa-detect")


@pytest.mark.parametrize("as_400", [False, True], ids=["as 200", "as 400"])
async def test_picture_refused_for_what_it_shows_is_an_answer(
    *,
    as_400: bool,
    client: Client,
    emulator: Emulator,
    portrait: Path,
) -> None:
    emulator.faults.add(ImageRejected(as_400=as_400))
    detection = await client.detect(portrait)
    assert not detection.check_pass
    assert "no human body" in (detection.reason or "")
    assert detection.request_id
    assert detection.code == ("InvalidFile.NoHuman" if as_400 else None)


def tiny() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((100, 100), 90).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("source", "error", "code"),
    [
        pytest.param(tiny(), MediaError, "InvalidFile.Resolution", id="too small"),
        pytest.param(b"no picture at all", MediaError, "InvalidFile.Openerror", id="no picture"),
        pytest.param(
            PICTURE, MediaUnreachableError, "InvalidURL.ConnectionRefused", id="out of reach"
        ),
    ],
)
async def test_picture_refused_for_what_it_is_raises(
    source: Any, error: type[MediaError], code: str, client: Client
) -> None:
    with pytest.raises(error) as raised:
        await client.detect(source)
    assert raised.value.code == code
    assert raised.value.http_status == 400
    assert raised.value.request_id


# ── tasks ────────────────────────────────────────────────────────────────────────────────


async def test_clip_found_wanting(client: Client, emulator: Emulator, portrait: Path) -> None:
    task = await client.create_template(portrait)
    with pytest.raises(TaskFailedError) as raised:
        await task
    assert isinstance(raised.value.reason, MediaError)


@pytest.mark.parametrize(
    ("call", "body"),
    [
        pytest.param(
            lambda client: client.create_template(CLIP),
            {
                "model": "animate-anyone-template-gen2",
                "input": {"video_url": CLIP},
                "parameters": {},
            },
            id="template",
        ),
        pytest.param(
            lambda client: client.synthesize(PICTURE, TEMPLATE, video_ratio="9:16"),
            {
                "model": "animate-anyone-gen2",
                "input": {"image_url": PICTURE, "template_id": TEMPLATE},
                "parameters": {"use_ref_img_bg": False},
            },
            id="synthesis on the clip's background, where no ratio is chosen",
        ),
        pytest.param(
            lambda client: client.synthesize(
                PICTURE, str(TEMPLATE), use_ref_img_bg=True, video_ratio="3:4"
            ),
            {
                "model": "animate-anyone-gen2",
                "input": {"image_url": PICTURE, "template_id": TEMPLATE},
                "parameters": {"use_ref_img_bg": True, "video_ratio": "3:4"},
            },
            id="synthesis on the picture's background",
        ),
        pytest.param(
            lambda client: client.synthesize(
                PICTURE,
                TemplateOutput(task_id="t", task_status=TaskStatus.SUCCEEDED, template_id="AACT.1"),
            ),
            {
                "model": "animate-anyone-gen2",
                "input": {"image_url": PICTURE, "template_id": "AACT.1"},
                "parameters": {"use_ref_img_bg": False},
            },
            id="synthesis from what a template task gave",
        ),
        pytest.param(
            lambda client: client.animate_move(PICTURE, CLIP, mode="wan-std"),
            {
                "model": "wan2.2-animate-move",
                "input": {"image_url": PICTURE, "video_url": CLIP, "watermark": False},
                "parameters": {"mode": "wan-std", "check_image": True},
            },
            id="move",
        ),
        pytest.param(
            lambda client: client.animate_mix(
                PICTURE, CLIP, mode="wan-pro", check_image=False, watermark=True
            ),
            {
                "model": "wan2.2-animate-mix",
                "input": {"image_url": PICTURE, "video_url": CLIP, "watermark": True},
                "parameters": {"mode": "wan-pro", "check_image": False},
            },
            id="mix",
        ),
    ],
)
async def test_body_of_a_submit(
    call: Call, body: dict[str, Any], client: Client, emulator: Emulator
) -> None:
    emulator.queue_s = 3600
    await call(client)
    request = posted(emulator)
    assert request.body == body
    assert request.headers["x-dashscope-async"] == "enable"
    assert "x-dashscope-ossresourceresolve" not in request.headers


async def test_successor(client: Client, emulator: Emulator) -> None:
    emulator.queue_s = 3600
    emulator.successors = {"wan3-animate": "mix"}
    task = await client.animate_mix(PICTURE, CLIP, mode="wan-std", model="wan3-animate")
    assert task.model == "wan3-animate"
    assert posted(emulator).body["model"] == "wan3-animate"


async def test_path_of_a_model_may_be_another(
    make_client: Callable[..., Client], emulator: Emulator
) -> None:
    emulator.queue_s = 3600
    path = "/services/aigc/image2video/aa-template-generation/"
    client = make_client(paths={"animate-anyone-template-gen2": path})
    await client.create_template(CLIP)
    assert posted(emulator).path.endswith(path)


async def test_workspace_is_named(make_client: Callable[..., Client], emulator: Emulator) -> None:
    client = make_client(workspace="ws-123")
    await client.get_task("t")
    assert emulator.requests[0].headers["x-dashscope-workspace"] == "ws-123"


@pytest.mark.parametrize(
    "answer", ["AccessDenied", "Endpoint.AccessDenied", "ModelNotFound", "InvalidParameter"]
)
async def test_retired_model(answer: RetiredAnswer, client: Client, emulator: Emulator) -> None:
    emulator.faults.add(Retired(code=answer))
    with pytest.raises(ModelUnavailableError, match="2026-10-10") as raised:
        await client.synthesize(PICTURE, TEMPLATE)
    assert "WanAnimate" in raised.value.hint


# ── refused before anything is sent ──────────────────────────────────────────────────────


def calls(picture: Any, clip: Any) -> dict[str, Call]:
    return {
        "detect": lambda client: client.detect(picture),
        "template": lambda client: client.create_template(clip),
        "synthesis": lambda client: client.synthesize(picture, TEMPLATE),
        "move": lambda client: client.animate_move(picture, clip, mode="wan-std"),
        "mix": lambda client: client.animate_mix(picture, clip, mode="wan-std"),
        "upload": lambda client: client.upload(picture, model="wan2.2-animate-move"),
    }


@pytest.mark.parametrize("call", calls("", ""))
@pytest.mark.parametrize(
    "source",
    [
        pytest.param("nothing.bin", id="missing file"),
        pytest.param(".", id="directory"),
        pytest.param(b"", id="no bytes"),
        pytest.param("https://host/a b", id="URL with spaces"),
        pytest.param("ftp://host/a", id="scheme nobody knows"),
        pytest.param(io.StringIO("text"), id="text"),
        pytest.param(None, id="nothing"),
        pytest.param(7, id="number"),
    ],
)
async def test_source_that_cannot_be_used(
    source: Any, call: str, client: Client, emulator: Emulator
) -> None:
    with pytest.raises(SourceError):
        await calls(source, source)[call](client)
    assert len(emulator.requests) == 0


@pytest.mark.parametrize("call", ["move", "mix"])
async def test_both_faults_are_named(call: str, client: Client, emulator: Emulator) -> None:
    with pytest.raises(SourceError) as raised:
        await calls("no-picture", b"")[call](client)
    assert "the image 'no-picture' does not exist" in raised.value.message
    assert "the video is empty" in raised.value.message
    assert len(emulator.requests) == 0


@pytest.mark.parametrize("call", calls("", ""))
async def test_client_for_servers_takes_no_paths(
    call: str, make_client: Callable[..., Client], emulator: Emulator, portrait: Path
) -> None:
    client = make_client(local_paths=False)
    for source in (portrait, str(portrait)):
        with pytest.raises(SourceError, match="local_paths"):
            await calls(source, source)[call](client)
    assert len(emulator.requests) == 0


OPTIONS: dict[str, Callable[[Client, Path, Path], Awaitable[Any]]] = {
    "ratio": lambda client, picture, _: client.synthesize(
        picture,
        TEMPLATE,
        use_ref_img_bg=True,
        video_ratio="16:9",  # type: ignore[arg-type] # wrong on purpose
    ),
    "background": lambda client, picture, _: client.synthesize(
        picture,
        TEMPLATE,
        use_ref_img_bg=1,  # type: ignore[arg-type] # wrong on purpose
    ),
    "mode": lambda client, picture, clip: client.animate_move(
        picture,
        clip,
        mode="wan-max",  # type: ignore[arg-type] # wrong on purpose
    ),
    "no mode": lambda client, picture, clip: client.animate_mix(
        picture,
        clip,
        mode=None,  # type: ignore[arg-type] # wrong on purpose
    ),
    "check": lambda client, picture, clip: client.animate_move(
        picture,
        clip,
        mode="wan-std",
        check_image="no",  # type: ignore[arg-type] # wrong on purpose
    ),
    "watermark": lambda client, picture, clip: client.animate_mix(
        picture,
        clip,
        mode="wan-std",
        watermark=1,  # type: ignore[arg-type] # wrong on purpose
    ),
    "model": lambda client, picture, _: client.detect(picture, model=3),  # type: ignore[arg-type] # wrong on purpose
    "template with a space": lambda client, picture, _: client.synthesize(picture, "AACT.a b"),
    "no template": lambda client, picture, _: client.synthesize(picture, ""),
    "template that is a path": lambda client, picture, clip: client.synthesize(
        picture,
        Path(clip.name),  # type: ignore[arg-type] # wrong on purpose
    ),
    "template that is nothing": lambda client, picture, _: client.synthesize(
        picture,
        None,  # type: ignore[arg-type] # wrong on purpose
    ),
    "life of a token": lambda client, *_: client.create_token(expire_in_s=1801),
}


@pytest.mark.parametrize("option", OPTIONS)
async def test_option_the_service_does_not_know(
    option: str, client: Client, emulator: Emulator, portrait: Path, clip: Path
) -> None:
    with pytest.raises(InputError):
        await OPTIONS[option](client, portrait, clip)
    assert len(emulator.requests) == 0


@pytest.mark.parametrize("call", ["detect", "template", "synthesis"])
@pytest.mark.parametrize("region", ["ap-southeast-1", "us-east-1"])
async def test_region_that_does_not_serve_the_model(
    region: str, call: str, make_client: Callable[..., Client], emulator: Emulator
) -> None:
    client = make_client(region=region)
    with pytest.raises(RegionError, match="cn-beijing"):
        await calls(PICTURE, CLIP)[call](client)
    assert len(emulator.requests) == 0


async def test_region_that_does(make_client: Callable[..., Client], emulator: Emulator) -> None:
    emulator.queue_s = 3600
    await calls(PICTURE, CLIP)["move"](make_client(region="ap-southeast-1"))
    with pytest.raises(RegionError):
        await calls(PICTURE, CLIP)["move"](make_client(region="us-east-1"))
    with pytest.raises(ConfigurationError):
        make_client(region="atlantis")


# ── the rest ─────────────────────────────────────────────────────────────────────────────


async def test_temporary_key(make_client: Callable[..., Client], emulator: Emulator) -> None:
    made = await make_client().create_token(expire_in_s=90)
    assert made.token.startswith("st-")
    assert made.token not in repr(made)
    left_s = made.expires_at.timestamp() - emulator.clock.now()
    assert 80 < left_s <= 91
    assert made.expires_at.tzinfo == UTC
    assert emulator.requests[0].query == {"expire_in_seconds": "90"}
    other = make_client(api_key=made.token)
    assert (await other.get_task("t")).output.task_status == "UNKNOWN"


async def test_whole_way_by_single_calls(client: Client, portrait: Path, clip: Path) -> None:
    template = await (await client.create_template(clip))
    task = await client.synthesize(portrait, template)
    output = await task
    assert isinstance(output, VideoOutput)
    assert httpx.URL(output.video_url).path.endswith(".mp4")
    assert output.end_time is not None
    assert output.end_time.utcoffset() == timedelta(hours=8)
