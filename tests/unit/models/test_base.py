"""What all models share: URLs, times, numbers, and a sentence under every field."""

import ast
import inspect
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from dashscope_aa import models
from dashscope_aa.models import MediaUrl
from dashscope_aa.models._base import (
    SERVICE_TIME,
    Count,
    EpochMs,
    EpochSeconds,
    Id,
    Seconds,
    ServiceTime,
    Text,
    media_url,
)

UTC8: Final = timezone(timedelta(hours=8))


def read(kind: Any, value: Any) -> Any:
    return TypeAdapter(kind).validate_python(value)


def read_json(kind: Any, value: str) -> Any:
    return TypeAdapter(kind).validate_json(value)


# ── URLs ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://host/1.mp4", id="http"),
        pytest.param("https://host/1.mp4", id="https"),
        pytest.param("oss://dashscope-instant/a/2026-08-11/b/model.jpg", id="temporary storage"),
        pytest.param("https://host:8443/1.mp4", id="port"),
        pytest.param("https://user:pass@host/1.mp4", id="user and password"),
        pytest.param("https://[2001:db8::1]:80/1.mp4", id="IPv6"),
        pytest.param("https://host/1.mp4?Expires=1&Signature=a%2Bb%3D&x=/", id="signed"),
        pytest.param("https://host/%E4%BD%A0%20%e5%a5%bd.mp4", id="encoded already"),
        pytest.param("https://host/100%.mp4", id="percent that encodes nothing"),
        pytest.param("https://xn--bcher-kva.example/1.mp4", id="punycode"),
        pytest.param("https://host", id="no path"),
        pytest.param("https://host/a;b=c,d(e)'f'!*$&~/[x].mp4#t=1", id="every mark of a URL"),
    ],
)
def test_plain_url_stays(url: str) -> None:
    assert media_url(url) == url


@pytest.mark.parametrize(
    ("url", "encoded"),
    [
        pytest.param("HTTPS://Host/A.MP4", "https://Host/A.MP4", id="scheme in capitals"),
        pytest.param("OSS://a/b.jpg", "oss://a/b.jpg", id="oss in capitals"),
        pytest.param("https://h/你.mp4", "https://h/%E4%BD%A0.mp4", id="path"),
        pytest.param("https://h/a?n=é&m=%C3%A9", "https://h/a?n=%C3%A9&m=%C3%A9", id="query"),
        pytest.param("https://h/%20é.mp4", "https://h/%20%C3%A9.mp4", id="half encoded"),
        pytest.param("https://h/é#é", "https://h/%C3%A9#%C3%A9", id="fragment"),
        pytest.param("https://bücher.example/x", "https://xn--bcher-kva.example/x", id="host"),
        pytest.param("http://пример.рф:8080/x", "http://xn--e1afmkfd.xn--p1ai:8080/x", id="port"),
        pytest.param("https://é:ü@h/x", "https://%C3%A9:%C3%BC@h/x", id="user and password"),
        pytest.param(
            "https://é@[2001:db8::1]:80/x", "https://%C3%A9@[2001:db8::1]:80/x", id="user at IPv6"
        ),
        pytest.param(
            "https://u@bücher.example/x", "https://u@xn--bcher-kva.example/x", id="user at host"
        ),
        pytest.param("https://例え。jp/x", "https://xn--r8jz45g.jp/x", id="ideographic full stop"),
        pytest.param("oss://a/你.jpg", "oss://a/%E4%BD%A0.jpg", id="oss"),
    ],
)
def test_url_is_encoded(url: str, encoded: str) -> None:
    assert media_url(url) == encoded
    assert media_url(encoded) == encoded
    assert read(MediaUrl, url) == encoded


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("", id="empty"),
        pytest.param("portrait.jpg", id="file name"),
        pytest.param("/srv/portrait.jpg", id="path"),
        pytest.param("C:\\portrait.jpg", id="drive"),
        pytest.param("ftp://host/1.jpg", id="ftp"),
        pytest.param("file:///srv/1.jpg", id="file"),
        pytest.param("data:image/png;base64,AAAA", id="data"),
        pytest.param("javascript:alert(1)", id="javascript"),
        pytest.param("//host/1.jpg", id="no scheme"),
        pytest.param("https:host/1.jpg", id="no slashes"),
        pytest.param("https:/host/1.jpg", id="one slash"),
        pytest.param("https:///1.jpg", id="no host"),
        pytest.param("https://:80/1.jpg", id="only a port"),
        pytest.param("https://user@/1.jpg", id="only a user"),
        pytest.param("oss://bucket", id="oss without a key"),
        pytest.param("oss://bucket/", id="oss with an empty key"),
        pytest.param("oss:///key", id="oss without a bucket"),
        pytest.param("https://host/a b.jpg", id="space"),
        pytest.param(" https://host/1.jpg", id="space before"),
        pytest.param("https://host/1.jpg\n", id="line break after"),
        pytest.param("https://ho\tst/1.jpg", id="tab in the host"),
        pytest.param("https://host/\x00.jpg", id="null"),
        pytest.param("https://host/\u00a0.jpg", id="space that does not break"),
        pytest.param("https://host/\u200b.jpg", id="space of no width"),
        pytest.param("https://host/\u202egpj.exe", id="text turned round"),
        pytest.param("https://host/\ud800.jpg", id="half a character"),
        pytest.param("https://host:abc/1.jpg", id="port is a word"),
        pytest.param("https://host:99999/1.jpg", id="port is too large"),
        pytest.param("https://[::1/1.jpg", id="IPv6 left open"),
        pytest.param("https://a\u2100b/1.jpg", id="host that becomes a path"),
        pytest.param("https://a..ü/1.jpg", id="empty label"),
        pytest.param("https://\u00b4/1.jpg", id="accent alone, which is a space and an accent"),
        pytest.param("https://[fe80::1%25é]/1.jpg", id="IPv6 not ASCII"),
        pytest.param(f"https://{'ü' * 70}.de/1.jpg", id="label too long"),
    ],
)
def test_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        media_url(url)
    with pytest.raises(ValidationError):
        read(MediaUrl, url)


@given(
    st.text() | st.from_regex(r"(https?|oss)://([^/]*@)?[^/@]+(:[0-9]{1,5})?/.*", fullmatch=True)
)
def test_any_text_is_refused_or_becomes_a_plain_url(text: str) -> None:
    try:
        url = media_url(text)
    except ValueError:
        return
    assert url.isascii()
    assert url.isprintable()
    assert " " not in url
    assert media_url(url) == url
    assert urlsplit(url).port == urlsplit(text).port


@given(st.from_regex(r"[^\s?#%]+", fullmatch=True).filter(str.isprintable))
def test_encoding_a_path_loses_nothing(path: str) -> None:
    assert unquote(urlsplit(media_url(f"https://host/{path}")).path) == f"/{path}"


# ── times ────────────────────────────────────────────────────────────────────────────────

MOMENT: Final = datetime(2025, 9, 18, 15, 32, tzinfo=UTC8)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("2025-09-18 15:32:00", MOMENT, id="no milliseconds"),
        pytest.param(
            "2025-09-18 15:32:00.105", MOMENT + timedelta(milliseconds=105), id="milliseconds"
        ),
        pytest.param("2025-09-18 15:32:00.1", MOMENT + timedelta(milliseconds=100), id="tenths"),
        pytest.param("2025-09-18T15:32:00", MOMENT, id="letter T"),
        pytest.param("2025-09-18T07:32:00Z", MOMENT, id="zone is UTC"),
        pytest.param("2025-09-18 15:32:00+08:00", MOMENT, id="zone is named"),
        pytest.param(" 2025-09-18 15:32:00 ", MOMENT, id="spaces around"),
        pytest.param(MOMENT, MOMENT, id="a time already"),
        pytest.param(1758180720000, MOMENT, id="milliseconds since 1970"),
        pytest.param("1758180720000", MOMENT, id="the same as text"),
        pytest.param("", None, id="empty"),
        pytest.param("soon", None, id="a word"),
        pytest.param("2025-13-45 99:99:99", None, id="no such time"),
        pytest.param(None, None, id="null"),
        pytest.param([], None, id="list"),
        pytest.param({}, None, id="object"),
        pytest.param(float("nan"), None, id="not a number"),
        pytest.param(float("inf"), None, id="infinity"),
        pytest.param(10**400, None, id="beyond every calendar"),
    ],
)
def test_service_time(text: Any, moment: datetime | None) -> None:
    assert read(ServiceTime, text) == moment


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        pytest.param(1745568428109, datetime(2025, 4, 25, 8, 7, 8, 109000, UTC), id="integer"),
        pytest.param(1745568428109.0, datetime(2025, 4, 25, 8, 7, 8, 109000, UTC), id="float"),
        pytest.param("1745568428109", datetime(2025, 4, 25, 8, 7, 8, 109000, UTC), id="text"),
        pytest.param("2025-09-18 15:32:00", MOMENT, id="printed"),
        pytest.param("2025-09-18T15:32:00+08:00", MOMENT, id="what we wrote"),
        pytest.param(0, datetime(1970, 1, 1, tzinfo=UTC), id="zero"),
        pytest.param("soon", None, id="a word"),
        pytest.param(None, None, id="null"),
        pytest.param(float("nan"), None, id="not a number"),
        pytest.param("nan", None, id="not a number, as text"),
        pytest.param(1e300, None, id="beyond every calendar"),
        pytest.param(10**400, None, id="beyond every float"),
        pytest.param({"ms": 1}, None, id="object"),
    ],
)
def test_epoch_ms(value: Any, moment: datetime | None) -> None:
    assert read(EpochMs, value) == moment


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(1744080369, id="integer"),
        pytest.param(1744080369.0, id="float"),
        pytest.param("1744080369", id="text"),
        pytest.param("2025-04-08T02:46:09Z", id="what we wrote"),
        pytest.param(1744080369000, id="milliseconds"),
    ],
)
def test_epoch_seconds(value: Any) -> None:
    assert read(EpochSeconds, value) == datetime(2025, 4, 8, 2, 46, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param("soon", id="a word"),
        pytest.param({}, id="object"),
        pytest.param(float("nan"), id="not a number"),
        pytest.param(float("inf"), id="infinity"),
    ],
)
def test_the_end_of_a_key_must_make_sense(value: Any) -> None:
    with pytest.raises(ValidationError):
        read(EpochSeconds, value)


TIMELIKE: Final = st.from_regex(r"[0-9TZW :.,+_-]{0,30}", fullmatch=True)


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | TIMELIKE)
@pytest.mark.parametrize(
    "kind",
    [pytest.param(ServiceTime, id="printed"), pytest.param(EpochMs, id="milliseconds")],
)
def test_any_time_is_none_or_has_a_zone(kind: Any, value: Any) -> None:
    moment = read(kind, value)
    assert moment is None or moment.tzinfo is not None
    assert read(kind, TypeAdapter(kind).dump_python(moment, mode="json")) == moment


def test_service_prints_times_in_utc_8() -> None:
    assert SERVICE_TIME.utcoffset(None) == timedelta(hours=8)


# ── numbers and texts ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("5.2", 5.2, id="float"),
        pytest.param("4", 4.0, id="integer"),
        pytest.param('"10.23"', 10.23, id="numeric text"),
        pytest.param("0", 0.0, id="zero"),
        pytest.param("null", None, id="null"),
        pytest.param('"long"', None, id="a word"),
        pytest.param("-1", None, id="less than nothing"),
        pytest.param("NaN", None, id="not a number"),
        pytest.param("Infinity", None, id="infinity"),
        pytest.param("1e999", None, id="beyond every float"),
        pytest.param("[]", None, id="list"),
    ],
)
def test_seconds(text: str, seconds: float | None) -> None:
    assert read_json(Seconds, text) == seconds


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param("300", 300, id="integer"),
        pytest.param("300.0", 300, id="whole float"),
        pytest.param('"300"', 300, id="numeric text"),
        pytest.param("1.5", None, id="no count"),
        pytest.param("null", None, id="null"),
        pytest.param('"many"', None, id="a word"),
        pytest.param("{}", None, id="object"),
        pytest.param("NaN", None, id="not a number"),
    ],
)
def test_count(text: str, count: int | None) -> None:
    assert read_json(Count, text) == count


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("word", "word", id="text"),
        pytest.param("", "", id="empty"),
        pytest.param(None, None, id="null"),
        pytest.param({"a": 1}, None, id="object"),
        pytest.param([1], None, id="list"),
        pytest.param(True, None, id="truth"),
    ],
)
def test_text_only_informs(value: Any, text: str | None) -> None:
    assert read(Text, value) == text


def test_numbers_are_texts_in_answers() -> None:
    error = models.ErrorResponse.model_validate_json('{"code": 404, "message": 1.5}')
    assert (error.code, error.message) == ("404", "1.5")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param(None, id="null"),
        pytest.param({}, id="object"),
        pytest.param([], id="list"),
    ],
)
def test_an_id_must_be_there(value: Any) -> None:
    with pytest.raises(ValidationError):
        read(Id, value)


# ── what is written about the fields ─────────────────────────────────────────────────────

MODULES: Final = sorted(Path(inspect.getfile(models)).parent.glob("*.py"))


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in MODULES])
def test_a_sentence_under_every_field(path: Path) -> None:
    bare = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.ClassDef) or node.name == "TaskStatus":
            continue
        assert ast.get_docstring(node), node.name
        for field, below in zip(node.body, [*node.body[1:], None], strict=True):
            if isinstance(field, ast.AnnAssign) and not (
                isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
                and isinstance(below.value.value, str)
            ):
                bare.append(f"{node.name}.{ast.unparse(field.target)}")
    assert bare == []


def test_schema_can_be_made() -> None:
    schema = json.dumps(models.SynthesisRequest.model_json_schema())
    assert '"9:16"' in schema
    assert '"3:4"' in schema


# ── built when first used ────────────────────────────────────────────────────────────────


def test_import_builds_no_model() -> None:
    code = "from dashscope_aa import models\n"
    code += "print(models.TaskResponse.__pydantic_complete__)"
    command = [sys.executable, "-W", "error", "-c", code]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    assert ran.stdout == "False\n"


def test_what_is_made_of_a_model_is_built_at_once() -> None:
    class Own(models.WanAnimateRequest):
        """A class of someone else's."""

    assert Own.__pydantic_complete__
    adapter = TypeAdapter(Annotated[models.TaskFinishedEvent, "of a web framework"])
    assert adapter.pydantic_complete
