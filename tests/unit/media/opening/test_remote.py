"""Pictures and clips at URLs: little is read, and nobody is led astray."""

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import av
import pytest

from dashscope_aa._engines import AnimateAnyone
from dashscope_aa._protocol import Reply
from dashscope_aa.errors import NotSentError, SourceError
from dashscope_aa.media import VideoFacts, check, probe
from dashscope_aa.media._opening import remote
from dashscope_aa.media._opening.remote import locate, shown_url
from dashscope_aa.media._probing import ends

pytestmark = pytest.mark.anyio

MEBIBYTE = 1024 * 1024
EVERY_KIND = ["h264.mp4", "index_first.mp4", "fragmented.mp4", "h264.avi", "browser.webm"]
EVERY_KIND += ["old.wmv", "live.flv", "h264.ts", "photo.jpg", "turned.webp", "phone.heic"]


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in EVERY_KIND])
async def test_facts_are_those_of_the_file(corpus: Path, server: Any, name: str) -> None:
    if not (corpus / name).exists():
        pytest.skip("made by pillow-heif, which is not installed")
    assert await probe(f"{server.url}/{name}", allow_private=True) == await probe(corpus / name)


@pytest.fixture
def large(corpus: Path, server: Any, tmp_path: Path) -> Path:
    """Give a folder of files that are mostly filling, and let the server serve it."""
    server.root = tmp_path
    clip = (corpus / "silent.mp4").read_bytes()
    filling = (20 * MEBIBYTE + 8).to_bytes(4) + b"free" + bytes(20 * MEBIBYTE)
    (tmp_path / "first.mp4").write_bytes(clip + filling)
    # The tables point into the data, which therefore stay in front.
    index = clip.index(b"moov") - 4
    (tmp_path / "last.mp4").write_bytes(clip[:index] + filling + clip[index:])
    return tmp_path


@pytest.mark.parametrize("name", ["first.mp4", "last.mp4"])
async def test_little_is_read_of_a_large_clip(large: Path, server: Any, name: str) -> None:
    found = await probe(f"{server.url}/{name}", allow_private=True, kind="video")
    assert (found.frames, found.size_bytes) == (75, (large / name).stat().st_size)
    assert server.sent_bytes < MEBIBYTE // 2
    assert len(server.asked) <= 6


@pytest.mark.parametrize(
    "name", ["length_60s.mkv", "length_60s.flv", "length_60s.ts", "live.mkv", "live.flv"]
)
async def test_both_ends_tell_of_a_clip_without_an_index(
    corpus: Path,
    server: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    remux(corpus / "length_60s.mp4", tmp_path / name)
    server.root = tmp_path
    monkeypatch.setattr(ends, "_READ_WHOLE", {True: 0, False: 2**30})
    monkeypatch.setattr(ends, "_BEGINNING", 150_000)
    monkeypatch.setattr(ends, "_ENDINGS", (100_000, 500_000))
    here = await probe(tmp_path / name, kind="video")
    there = await probe(f"{server.url}/{name}", allow_private=True, kind="video")
    assert there.duration_s == pytest.approx(here.duration_s, abs=0.05)
    assert there.frames == pytest.approx(here.frames, abs=2)
    assert "reckoned for the rest" in there.notes[0]
    assert replace(there, frames=0, duration_s=0, bit_rate_bps=0, notes=()) == replace(
        here, frames=0, duration_s=0, bit_rate_bps=0
    )
    assert server.sent_bytes < here.size_bytes


async def test_a_tag_tells_of_the_picture_where_the_end_is_too_far(
    corpus: Path, server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One cluster, so that no frame is found behind a hole; the header speaks of the sound.
    options = {"cluster_size_limit": "20000000", "cluster_time_limit": "100000"}
    with (
        av.open(str(corpus / "sound_longer.mp4")) as clip,
        av.open(str(tmp_path / "x.mkv"), "w", options=options) as copy,
    ):
        streams = [copy.add_stream_from_template(stream) for stream in clip.streams]
        for packet in clip.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                copy.mux(packet)
    server.root = tmp_path
    monkeypatch.setattr(ends, "_READ_WHOLE", {True: 0, False: 2**30})
    monkeypatch.setattr(ends, "_BEGINNING", 40_000)
    monkeypatch.setattr(ends, "_ENDINGS", (10_000, 20_000))
    found = await probe(f"{server.url}/x.mkv", allow_private=True, kind="video")
    assert (found.duration_s, found.frames, found.header_duration_s) == (2.5, 75, 4.021)


async def test_an_end_that_tells_nothing(
    corpus: Path, server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "live.mkv"
    remux(corpus / "length_60s.mp4", path)
    path.write_bytes(path.read_bytes()[:-200_000] + bytes(200_000))
    server.root = tmp_path
    monkeypatch.setattr(ends, "_READ_WHOLE", {True: 0, False: 2**30})
    monkeypatch.setattr(ends, "_BEGINNING", 150_000)
    monkeypatch.setattr(ends, "_ENDINGS", (100_000, 150_000))
    with pytest.raises(SourceError, match="no frame was found near its end"):
        await probe(f"{server.url}/live.mkv", allow_private=True)


def remux(source: Path, target: Path) -> None:
    live = {".mkv": {"live": "1"}, ".flv": {"flvflags": "no_duration_filesize+no_metadata"}}
    options = live[target.suffix] if target.stem == "live" else {}
    with av.open(str(source)) as clip, av.open(str(target), "w", options=options) as copy:
        stream = copy.add_stream_from_template(clip.streams.video[0])
        for packet in clip.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)


@pytest.fixture(params=[pytest.param(True, id="length stated"), pytest.param(False, id="not")])
def simple_server(server: Any, request: pytest.FixtureRequest) -> Any:
    """A server that ignores Range headers."""
    server.has_ranges, server.states_length = False, request.param
    return server


async def test_a_server_without_ranges_is_read_whole_and_named(
    corpus: Path, simple_server: Any
) -> None:
    found = await probe(f"{simple_server.url}/h264.mp4", allow_private=True)
    assert "answers no Range requests" in found.notes[0]
    assert replace(found, notes=()) == await probe(corpus / "h264.mp4")


async def test_a_large_file_is_not_read_whole(
    simple_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "WHOLE_BYTES", 100_000)
    with pytest.raises(SourceError, match="larger than 100000 bytes") as caught:
        await probe(f"{simple_server.url}/h264.mp4", allow_private=True)
    assert "Download it" in caught.value.hint


async def test_no_more_is_read_than_allowed(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "READ_BYTES", 80_000)
    with pytest.raises(SourceError, match="more than 80000 bytes"):
        await probe(f"{server.url}/h264.ts", allow_private=True)


async def test_the_own_network_is_refused(server: Any) -> None:
    with pytest.raises(SourceError, match=r"^127\.0\.0\.1 is not on the public internet"):
        await probe(f"{server.url}/h264.mp4")
    assert server.asked == []


async def test_a_redirect_is_followed(corpus: Path, server: Any) -> None:
    found = await probe(f"{server.url}/to/{server.url}/h264.mp4", allow_private=True)
    assert found == await probe(corpus / "h264.mp4")


async def test_redirects_in_circles(server: Any) -> None:
    with pytest.raises(SourceError, match="redirected more than 5 times"):
        await probe(f"{server.url}/round", allow_private=True)


async def test_every_hop_of_a_redirect_is_checked() -> None:
    hops: list[tuple[str, str | None]] = []

    async def fetch(url: str, *, start: int, stop: int, address: str | None = None) -> Reply:
        hops.append((url, address))
        return Reply(302, {"location": "http://169.254.169.254/latest/meta-data"}, b"")

    with pytest.raises(SourceError, match=r"169\.254\.169\.254"):
        await locate("https://8.8.8.8/x.mp4", fetch, allow_private=False)
    assert hops == [("https://8.8.8.8/x.mp4", "8.8.8.8")]


@pytest.mark.parametrize(
    ("location", "said"),
    [
        pytest.param("file:///etc/passwd", "http or https", id="to a file"),
        pytest.param("ftp://8.8.8.8/x", "http or https", id="to another protocol"),
        pytest.param("http:///x", "and a host", id="to no host"),
    ],
)
@pytest.mark.parametrize("allow_private", [True, False])
async def test_a_redirect_away_from_the_web(
    location: str, said: str, *, allow_private: bool
) -> None:
    async def fetch(url: str, *, start: int, stop: int, address: str | None = None) -> Reply:
        return Reply(301, {"location": location}, b"")

    with pytest.raises(SourceError, match=said):
        await locate("https://8.8.8.8/x.mp4", fetch, allow_private=allow_private)


async def test_a_missing_file_is_said_without_its_secret(server: Any) -> None:
    with pytest.raises(SourceError, match="HTTP 404") as caught:
        await probe(f"{server.url}/missing.mp4?Signature=secret", allow_private=True)
    assert "secret" not in str(caught.value)


async def test_an_empty_file(server: Any) -> None:
    with pytest.raises(SourceError, match="it is empty"):
        await probe(f"{server.url}/empty.mp4", allow_private=True)


async def test_a_server_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NotSentError):
        await probe(f"http://127.0.0.1:{port}/x.mp4", allow_private=True)


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"content-range": "bytes 0-9/*"}, id="of unknown size"),
        pytest.param({"content-range": "bytes 5-14/10"}, id="other bytes"),
        pytest.param({"content-range": "bytes=0-9/10"}, id="in other words"),
        pytest.param({}, id="nothing"),
    ],
)
async def test_a_server_that_does_not_say_what_it_sends(told: dict[str, str]) -> None:
    async def fetch(url: str, *, start: int, stop: int, address: str | None = None) -> Reply:
        return Reply(206, told, bytes(10))

    with pytest.raises(SourceError, match=r"^http://8.8.8.8/x.mp4: .* without saying which bytes"):
        await locate("http://8.8.8.8/x.mp4?secret", fetch, allow_private=False)


async def test_a_server_that_sends_less_than_it_says(corpus: Path) -> None:
    data = (corpus / "h264.ts").read_bytes()

    async def fetch(url: str, *, start: int, stop: int, address: str | None = None) -> Reply:
        told = {"content-range": f"bytes {start}-{stop - 1}/{len(data)}"}
        return Reply(206, told, data[start:stop][:100])

    with pytest.raises(SourceError, match="the server gave 100 of the 65536 bytes from 0 on"):
        await probe("http://8.8.8.8/x.ts", fetch=fetch)


async def test_a_server_that_sends_drop_by_drop(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fetch(url: str, *, start: int, stop: int, address: str | None = None) -> Reply:
        await anyio.sleep_forever()
        raise AssertionError

    monkeypatch.setattr(remote, "TIME_S", 0.01)
    with pytest.raises(SourceError, match=r"did not come within 0.01 s"), anyio.fail_after(30):
        await probe("http://8.8.8.8/x.ts", fetch=fetch)


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        pytest.param(404, "it may have expired", id="missing"),
        pytest.param(403, "it may have expired", id="forbidden"),
        pytest.param(429, "Try again later", id="too many requests"),
        pytest.param(500, "Try again later", id="an error of the server"),
        pytest.param(503, "Try again later", id="out of order"),
    ],
)
async def test_answers_without_a_file(status: int, hint: str) -> None:
    async def fetch(url: str, *, start: int, stop: int, address: str | None = None) -> Reply:
        return Reply(status, {}, b"")

    with pytest.raises(SourceError, match=f"the server answered HTTP {status}") as caught:
        await locate("http://8.8.8.8/x.mp4", fetch, allow_private=False)
    assert hint in caught.value.hint


@pytest.mark.parametrize("allow_private", [True, False])
@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("http://127.0.0.1:99999/x", "host and port that", id="a port beyond all"),
        pytest.param("http://me:secret/word@8.8.8.8/x", "host and port that", id="no port"),
        pytest.param("http://[::1/x", "host and port that", id="no address"),
        pytest.param("http:///x", "http or https and a host", id="no host"),
    ],
)
async def test_what_is_no_url(url: str, said: str, *, allow_private: bool) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        await check(url, engine=AnimateAnyone(), allow_private=allow_private)
    assert "secret" not in str(caught.value)


async def test_a_file_that_changes_while_it_is_read(corpus: Path) -> None:
    data = (corpus / "h264.ts").read_bytes()

    async def fetch(url: str, *, start: int, stop: int, address: str | None = None) -> Reply:
        size = len(data) + bool(start)
        return Reply(206, {"content-range": f"bytes {start}-{stop}/{size}"}, data[start:stop])

    with pytest.raises(SourceError, match="changed while it was read"):
        await probe("http://8.8.8.8/x.ts", fetch=fetch)


async def test_a_look_can_be_given_up(corpus: Path) -> None:
    data, calls = (corpus / "h264.ts").read_bytes(), 0

    async def fetch(url: str, *, start: int, stop: int, address: str | None = None) -> Reply:
        nonlocal calls
        calls += 1
        if calls > 1:
            scope.cancel()
        found = data[start:stop]
        end = start + len(found) - 1
        return Reply(206, {"content-range": f"bytes {start}-{end}/{len(data)}"}, found)

    with anyio.CancelScope() as scope:
        await probe("http://8.8.8.8/x.ts", fetch=fetch)
    assert scope.cancelled_caught
    assert calls == 2


async def test_an_isolated_look_reads_ranges_too(corpus: Path, server: Any) -> None:
    found = await probe(f"{server.url}/h264.mp4", allow_private=True, isolate=True)
    assert found == await probe(corpus / "h264.mp4")


async def test_the_suffix_is_that_of_the_url_given(server: Any) -> None:
    found = await probe(f"{server.url}/to/{server.url}/no_suffix?x=.avi", allow_private=True)
    assert isinstance(found, VideoFacts)
    assert found.suffix is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param(
            "https://a.example/b.mp4?Signature=s#f", "https://a.example/b.mp4", id="query"
        ),
        pytest.param("https://user:word@a.example/b", "https://a.example/b", id="user"),
    ],
)
def test_shown_url(url: str, shown: str) -> None:
    assert shown_url(url) == shown
