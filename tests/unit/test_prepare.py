"""`animate` looks at its files, mends what can be mended, and sends nothing that is not fit."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import av
import pytest
from PIL import Image

from dashscope_aa import AnimateAnyone, Client, WanAnimate, media
from dashscope_aa.emulator import Emulator, TaskFails
from dashscope_aa.errors import InputError, PreflightError, SourceError, TaskFailedError
from dashscope_aa.events import Event, Mended, Preflighted, Submitted, Watched

pytestmark = pytest.mark.anyio

ENGINES = [
    pytest.param(AnimateAnyone(), id="AnimateAnyone"),
    pytest.param(WanAnimate(mode="wan-std"), id="wan"),
]


@pytest.fixture(scope="session")
def webp(media_folder: Path, portrait: Path) -> Path:
    """A picture that wan2.2-animate takes and AnimateAnyone does not."""
    path = media_folder / "portrait.webp"
    Image.open(portrait).convert("RGBA").save(path)
    return path


@pytest.fixture(scope="session")
def mkv(media_folder: Path, clip: Path) -> Path:
    """A clip in a container that no model takes; nothing else is wrong with it."""
    path = media_folder / "dance.mkv"
    with av.open(str(clip)) as source, av.open(str(path), "w") as target:
        picture = source.streams.video[0]
        copy = target.add_stream_from_template(picture)
        for packet in source.demux(picture):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    return path


@pytest.fixture(scope="session")
def short(media_folder: Path, mkv: Path) -> Path:
    """A clip too short for every model: nothing mends that."""
    path = media_folder / "short.mp4"
    with av.open(str(mkv)) as source, av.open(str(path), "w") as target:
        picture = source.streams.video[0]
        copy = target.add_stream_from_template(picture)
        for packet in source.demux(picture):
            if packet.pts is not None and packet.pts * (picture.time_base or 0) < 1:
                packet.stream = copy
                target.mux(packet)
    return path


@pytest.mark.parametrize("engine", ENGINES)
async def test_raw_files_are_mended_on_the_way(
    client: Client,
    webp: Path,
    mkv: Path,
    engine: AnimateAnyone | WanAnimate,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    heard: list[Event] = []
    bytes_before = (webp.read_bytes(), mkv.read_bytes())
    animation = await client.animate(webp, mkv, engine=engine, on_event=heard.append)

    assert animation.video_url.startswith("http://127.0.0.1:")
    mended = {event.role: " ".join(event.steps) for event in heard if isinstance(event, Mended)}
    assert "mp4" in mended["video"]
    assert ("image" in mended) is isinstance(engine, AnimateAnyone)  # wan takes webp
    assert isinstance(heard[0], Preflighted)
    assert not heard[0].report.ok
    assert (webp.read_bytes(), mkv.read_bytes()) == bytes_before
    assert not [path for path in tmp_path.iterdir() if "emulator" not in path.name]


async def test_check_refuses_with_all_findings_and_no_request(
    client: Client, emulator: Emulator, webp: Path, short: Path
) -> None:
    with pytest.raises(PreflightError) as caught:
        await client.animate(webp, short, engine=AnimateAnyone(), preflight="check")

    report = caught.value.report
    assert isinstance(report, media.Report)
    blocking = {str(finding.service_code) for finding in report.findings if finding.blocks}
    assert blocking == {"InvalidFile.Format", "InvalidFile.Duration"}
    assert all(code in str(caught.value) for code in blocking)
    assert len(emulator.requests) == 0


async def test_what_cannot_be_mended_stops_everything_before_the_first_request(
    client: Client, emulator: Emulator, webp: Path, short: Path
) -> None:
    with pytest.raises(PreflightError, match="duration"):
        await client.animate(webp, short, engine=AnimateAnyone())
    assert len(emulator.requests) == 0


async def test_off_sends_what_it_is_given(client: Client, portrait: Path, short: Path) -> None:
    with pytest.raises(TaskFailedError) as caught:
        await client.animate(portrait, short, engine=AnimateAnyone(), preflight="off")
    assert caught.value.code == "InvalidFile.Duration"


async def test_a_picture_turned_by_a_mark_is_turned_for_good(
    client: Client, media_folder: Path, portrait: Path, clip: Path
) -> None:
    turned = media_folder / "turned.jpg"
    exif = Image.Exif()
    exif[274] = 6
    Image.open(portrait).save(turned, exif=exif)
    heard: list[Event] = []
    await client.animate(turned, clip, engine=AnimateAnyone(), on_event=heard.append)
    assert [event.role for event in heard if isinstance(event, Mended)] == ["image"]


async def test_a_picture_keeps_its_format_where_it_is_allowed(
    client: Client, media_folder: Path, portrait: Path, clip: Path
) -> None:
    turned = media_folder / "turned.png"
    exif = Image.Exif()
    exif[274] = 6
    Image.open(portrait).save(turned, exif=exif)
    heard: list[Event] = []
    await client.animate(turned, clip, engine=AnimateAnyone(), on_event=heard.append)
    (mended,) = (event for event in heard if isinstance(event, Mended))
    assert [step.partition(" (")[0] for step in mended.steps] == ["turn it upright"]


async def test_fit_files_are_sent_as_they_are(client: Client, portrait: Path, clip: Path) -> None:
    heard: list[Event] = []
    await client.animate(portrait, clip, engine=AnimateAnyone(), on_event=heard.append)
    assert [event for event in heard if isinstance(event, Mended)] == []
    assert [type(event).__name__ for event in heard].count("Watched") == 1


async def test_a_known_template_needs_no_mending_of_its_clip(
    client: Client, portrait: Path, mkv: Path
) -> None:
    first = await client.animate(portrait, mkv, engine=AnimateAnyone())
    heard: list[Event] = []
    again = await client.animate(portrait, mkv, engine=AnimateAnyone(), on_event=heard.append)
    assert again.template_id == first.template_id
    assert [event for event in heard if isinstance(event, Mended | Watched)] == []


@pytest.mark.parametrize("preflight", ["fix", "check"])
async def test_a_url_out_of_reach_is_left_to_the_service(
    client: Client, emulator: Emulator, portrait: Path, clip: Path, preflight: Any
) -> None:
    """The emulator's own URLs lead to loopback, where a preflight does not look."""
    animation = await client.animate(
        emulator.host_file(portrait),
        emulator.host_file(clip),
        engine=AnimateAnyone(),
        preflight=preflight,
    )
    assert animation.template_id


async def test_a_template_id_leaves_only_the_picture_to_look_at(
    make_client: Callable[..., Client], portrait: Path, clip: Path
) -> None:
    client = make_client()
    made = await client.animate(portrait, clip, engine=AnimateAnyone())
    heard: list[Event] = []
    await client.animate(
        portrait, str(made.template_id), engine=AnimateAnyone(), on_event=heard.append
    )
    report = next(event.report for event in heard if isinstance(event, Preflighted))
    assert (report.image is not None, report.video) == (True, None)


@pytest.mark.parametrize("option", ["preflight", "on_cancel"])
async def test_a_word_that_means_nothing_is_refused(
    client: Client, emulator: Emulator, portrait: Path, clip: Path, option: str
) -> None:
    options: dict[str, Any] = {option: "typo"}
    with pytest.raises(InputError, match=f"{option} must be .* but is 'typo'"):
        await client.animate(portrait, clip, **options)
    assert len(emulator.requests) == 0


async def test_a_clip_that_cannot_be_watched_stops_nothing(
    client: Client, portrait: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: object) -> None:
        raise SourceError("gone")

    monkeypatch.setattr(media, "check_content", fail)
    heard: list[Event] = []
    await client.animate(portrait, clip, engine=AnimateAnyone(), on_event=heard.append)
    assert [event for event in heard if isinstance(event, Watched)] == []


# ── nothing that is paid for is lost ─────────────────────────────────────────────────────


async def test_a_paid_template_is_named_when_the_synthesis_fails(
    client: Client, emulator: Emulator, portrait: Path, clip: Path
) -> None:
    emulator.faults.add(TaskFails(on="synthesis", code="InternalError", message="x"))
    with pytest.raises(TaskFailedError) as caught:
        await client.animate(portrait, emulator.host_file(clip), engine=AnimateAnyone())
    (note,) = [note for note in caught.value.__notes__ if "AACT." in note]
    template = next(word for word in note.split() if word.startswith("AACT."))

    animation = await client.animate(portrait, template, engine=AnimateAnyone())
    assert animation.template_id == template
    assert emulator.paid_submits("animate-anyone-template-gen2") == 1


async def test_cancel_remote_also_counts_while_the_submit_is_told(
    client: Client, emulator: Emulator, portrait: Path, clip: Path
) -> None:
    emulator.queue_s = 3600

    async def leave(event: Event) -> None:
        if isinstance(event, Submitted):
            scope.cancel()
            await anyio.lowlevel.checkpoint()

    with anyio.CancelScope() as scope:
        await client.animate(
            portrait,
            clip,
            engine=WanAnimate(mode="wan-std"),
            on_event=leave,
            on_cancel="cancel_remote",
        )
    assert emulator.tasks[-1].status == "CANCELED"


async def test_an_upload_that_is_gone_is_sent_again(
    client: Client, emulator: Emulator, portrait: Path, clip: Path
) -> None:
    engine = WanAnimate(mode="wan-std")
    gone = TaskFails(on="move", code="InvalidURL.Timeout", message="Download x timeout")
    await client.animate(portrait, clip, engine=engine)
    await client.animate(portrait, clip, engine=engine)
    assert len(emulator.requests.of("upload")) == 2
    emulator.faults.add(gone)
    with pytest.raises(TaskFailedError):
        await client.animate(portrait, clip, engine=engine)
    await client.animate(portrait, clip, engine=engine)
    assert len(emulator.requests.of("upload")) == 4


@pytest.mark.parametrize("options", [{"timeout_s": "5"}, {"timeout_s": -1}, {"on_event": 5}])
async def test_what_would_spoil_the_wait_is_refused_before_it(
    client: Client, emulator: Emulator, portrait: Path, clip: Path, options: Any
) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        await client.animate(portrait, clip, engine=AnimateAnyone(), **options)
    assert len(emulator.requests) == 0


async def test_a_name_of_a_file_is_no_template(client: Client, portrait: Path) -> None:
    with pytest.raises(SourceError, match=r"begins with AACT\."):
        await client.synthesize(portrait, "dance.mp4")
