"""Results: signed URLs, ranges, expiry, and keys that must not come along."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashscope_aa.emulator import Emulator, UrlExpired


@pytest.fixture(scope="module")
def shop(client_of: Callable[..., Any]) -> Iterator[Any]:
    """A client of an emulator that all these tests share; making a film takes a while."""
    with Emulator(queries_per_s=None) as emulator:
        desk = client_of(emulator)
        yield desk
        desk.http.close()


def make_film(desk: Any, clip: Path, portrait: Path) -> str:
    host = desk.emulator.host_file
    url: str = desk.wait(desk.wan(host(portrait), host(clip)))["output"]["results"]["video_url"]
    return url


@pytest.fixture(scope="module")
def film(shop: Any, clip: Path, portrait: Path) -> str:
    """The URL of a finished film."""
    return make_film(shop, clip, portrait)


def test_a_result_can_be_downloaded(film: str) -> None:
    answer = httpx.get(film)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["server"] == "AliyunOSS"
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.content[4:8] == b"ftyp"


def test_a_download_can_go_on_where_it_stopped(film: str) -> None:
    whole = httpx.get(film)
    rest = httpx.get(film, headers={"Range": "bytes=1000-", "If-Range": whole.headers["etag"]})
    assert rest.status_code == 206
    size = len(whole.content)
    assert rest.headers["content-range"] == f"bytes 1000-{size - 1}/{size}"
    assert rest.content == whole.content[1000:]
    part = httpx.get(film, headers={"Range": "bytes=10-19"})
    assert part.content == whole.content[10:20]


def test_another_file_is_sent_whole(film: str) -> None:
    answer = httpx.get(film, headers={"Range": "bytes=1000-", "If-Range": '"another"'})
    assert answer.status_code == 200


def test_a_range_beyond_the_end_is_refused(film: str) -> None:
    size = len(httpx.get(film).content)
    answer = httpx.get(film, headers={"Range": f"bytes={size}-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{size}")


def test_its_head_can_be_asked_for(film: str) -> None:
    answer = httpx.head(film)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 1000


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        pytest.param(lambda url: url.partition("?")[0], 403, "SignatureDoesNotMatch", id="bare"),
        pytest.param(
            lambda url: url.replace("Expires=1", "Expires=2"),
            403,
            "SignatureDoesNotMatch",
            id="expiry forged",
        ),
        pytest.param(
            lambda url: url.replace("/results/", "/results/x"),
            403,
            "SignatureDoesNotMatch",
            id="another name",
        ),
    ],
)
def test_urls_that_are_refused(
    film: str, change: Callable[[str], str], status: int, code: str
) -> None:
    answer = httpx.get(change(film))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/xml"
    assert f"<Code>{code}</Code>" in answer.text


def test_a_url_runs_out_after_a_day(desk: Any, clip: Path, portrait: Path) -> None:
    url = make_film(desk, clip, portrait)
    folder = desk.emulator._service.folder
    desk.emulator.clock.advance(hours=23.9)
    assert httpx.get(url).status_code == 200
    desk.emulator.clock.advance(hours=0.2)
    late = httpx.get(url)
    assert late.status_code == 403
    assert "<Message>Request has expired.</Message>" in late.text
    assert len(list(folder.glob("*.mp4"))) == 1
    desk.emulator.clock.advance(hours=1)
    desk.template(desk.emulator.host_file(clip))
    assert not list(folder.glob("*.mp4")), "the disk is freed in time"


def test_a_url_may_run_out_early(shop: Any, film: str) -> None:
    shop.emulator.faults.add(UrlExpired())
    assert [httpx.get(film).status_code for _ in range(2)] == [403, 200]


def test_a_key_does_not_belong_here(shop: Any, film: str) -> None:
    answer = httpx.get(film, headers={"Authorization": "Bearer sk-secret"})
    assert (answer.status_code, "InvalidArgument" in answer.text) == (400, True)
    (leak,) = shop.emulator.leaks
    assert leak.operation == "download"
    assert leak.headers["authorization"] == "Bearer ***"


def test_results_are_only_read(film: str) -> None:
    assert httpx.post(film).status_code == 405


def test_hosted_files_can_be_read_too(desk: Any, clip: Path) -> None:
    url = desk.emulator.host_file(clip)
    assert url.endswith("/clip.mp4")
    assert httpx.get(url, headers={"Range": "bytes=4-7"}).content == b"ftyp"
    assert httpx.get(url.replace("/hosted/", "/hosted/x")).status_code == 404
