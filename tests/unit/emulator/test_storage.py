"""Temporary storage: certificates, form posts in every shape, and who may read what."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashscope_aa.emulator import _form, _storage

MODEL = "wan2.2-animate-move"


def post(desk: Any, form: dict[str, str], content: bytes = b"bytes", **more: Any) -> httpx.Response:
    """Post a form whose file comes last."""
    url = f"{desk.emulator.root_url}/oss"
    return httpx.post(url, data=form, files={"file": ("a.jpg", content)}, **more)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/xml"
    return answer.status_code, answer.text.partition("<Code>")[2].partition("</Code>")[0]


# ── certificates ─────────────────────────────────────────────────────────────────────────


def test_a_certificate_looks_as_it_was_captured(desk: Any) -> None:
    certificate = desk.certificate()
    numbers = {name: value for name, value in certificate.items() if isinstance(value, int)}
    assert numbers == {
        "expire_in_seconds": 300,
        "max_file_size_mb": 1024,
        "capacity_limit_mb": 999_999_999,
    }
    assert certificate["upload_dir"].startswith("dashscope-instant/")
    assert certificate["upload_host"] == f"{desk.emulator.root_url}/oss"
    assert certificate["x_oss_object_acl"] == "private"
    assert certificate["x_oss_forbid_overwrite"] == "true"
    policy = json.loads(base64.b64decode(certificate["policy"]))
    assert policy["expiration"].endswith("Z")
    assert ["content-length-range", 0, 1_073_741_824] in policy["conditions"]
    assert ["starts-with", "$key", certificate["upload_dir"]] in policy["conditions"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        pytest.param({"model": MODEL}, "Required parameter(action) missing", id="no action"),
        pytest.param({"action": "getPolicy"}, "Required parameter(model) missing", id="no model"),
        pytest.param({"action": "getPolicy", "model": "x"}, "Model not exist.", id="no such model"),
    ],
)
def test_certificates_that_are_refused(desk: Any, query: dict[str, str], message: str) -> None:
    answer = desk.get("/uploads", **query)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert answer.json()["message"].startswith(message)


# ── form posts ───────────────────────────────────────────────────────────────────────────


def test_a_file_arrives(desk: Any, portrait: Path) -> None:
    url = desk.upload(portrait)
    (upload,) = desk.emulator.uploads
    assert (upload.url, upload.model) == (url, MODEL)
    assert upload.size_bytes == portrait.stat().st_size
    assert upload.path.read_bytes() == portrait.read_bytes()


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        pytest.param({"success_action_status": "200"}, 200, id="200"),
        pytest.param({"success_action_status": "201"}, 201, id="201"),
        pytest.param({"success_action_status": "204"}, 204, id="204"),
        pytest.param({"success_action_status": "299"}, 204, id="nonsense"),
    ],
)
def test_success_is_what_was_asked_for(desk: Any, asked: dict[str, str], status: int) -> None:
    form = desk.form(desk.certificate(), "a.jpg", **asked)
    answer = post(desk, form)
    assert answer.status_code == status
    assert ("<Key>" in answer.text) is (status == 201)


def test_success_is_204_by_default(desk: Any) -> None:
    form = desk.form(desk.certificate(), "a.jpg")
    del form["success_action_status"]
    assert post(desk, form).status_code == 204


def test_one_certificate_serves_several_files(desk: Any) -> None:
    certificate = desk.certificate()
    names = ("a.jpg", "b.jpg", "名前.jpg")
    answers = [post(desk, desk.form(certificate, name)).status_code for name in names]
    assert answers == [200, 200, 200]
    assert desk.emulator.uploads[-1].key.endswith("/名前.jpg")


def test_the_same_name_twice_is_refused(desk: Any) -> None:
    form = desk.form(desk.certificate(), "a.jpg")
    answers = [post(desk, form, b"one"), post(desk, form, b"two")]
    assert answers[0].status_code == 200
    assert refusal(answers[1]) == (409, "FileAlreadyExists")
    assert desk.emulator.uploads[0].path.read_bytes() == b"one"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"key": ""}, (400, "InvalidArgument"), id="no key"),
        pytest.param({"OSSAccessKeyId": "LTAI1"}, (403, "InvalidAccessKeyId"), id="another key id"),
        pytest.param({"Signature": "AAAA"}, (403, "SignatureDoesNotMatch"), id="wrong signature"),
        pytest.param({"policy": "e30="}, (403, "SignatureDoesNotMatch"), id="another policy"),
        pytest.param({"key": "elsewhere/a.jpg"}, (403, "AccessDenied"), id="another folder"),
        pytest.param({"x-oss-object-acl": "public-read"}, (403, "AccessDenied"), id="public"),
        pytest.param({"x-oss-forbid-overwrite": "false"}, (403, "AccessDenied"), id="overwrite"),
    ],
)
def test_forms_that_are_refused(
    desk: Any, change: dict[str, str], expected: tuple[int, str]
) -> None:
    form = {**desk.form(desk.certificate(), "a.jpg"), **change}
    assert refusal(post(desk, form, b"x" * 3_000_000)) == expected
    assert desk.emulator.uploads == ()
    assert not list(desk.emulator._service.folder.iterdir())


def test_a_certificate_is_good_for_23_minutes(still_desk: Any) -> None:
    certificate = still_desk.certificate()
    still_desk.emulator.clock.advance(minutes=22)
    assert post(still_desk, still_desk.form(certificate, "a.jpg")).status_code == 200
    still_desk.emulator.clock.advance(minutes=1)
    late = post(still_desk, still_desk.form(certificate, "b.jpg"))
    assert refusal(late) == (403, "AccessDenied")
    assert "Invalid according to Policy: Policy expired." in late.text


def test_the_file_has_to_come_last(desk: Any) -> None:
    form = desk.form(desk.certificate(), "a.jpg")
    files: dict[str, Any] = {"file": ("a.jpg", b"bytes")}
    files |= {name: (None, value) for name, value in form.items()}
    answer = httpx.post(f"{desk.emulator.root_url}/oss", files=files)
    assert refusal(answer) == (400, "InvalidArgument")


def test_fields_after_the_file_are_not_looked_at(desk: Any) -> None:
    form = desk.form(desk.certificate(), "a.jpg")
    files: list[Any] = [(name, (None, value)) for name, value in form.items()]
    files += [("file", ("a.jpg", b"bytes")), ("success_action_status", (None, "201"))]
    files += [("file", ("b.jpg", b"another"))]
    assert httpx.post(f"{desk.emulator.root_url}/oss", files=files).status_code == 200
    assert desk.emulator.uploads[0].size_bytes == 5


def test_too_large_a_file_is_refused(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashscope_aa.emulator._app.MAX_BYTES", 2_000_000)
    certificate = desk.certificate()
    assert post(desk, desk.form(certificate, "a.jpg"), b"x" * 2_000_000).status_code == 200
    answer = post(desk, desk.form(certificate, "b.jpg"), b"x" * 2_000_001)
    assert refusal(answer) == (400, "EntityTooLarge")
    assert len(desk.emulator.uploads) == 1


BROKEN = b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nvalue\r\n'


@pytest.mark.parametrize(
    ("kind", "content", "code"),
    [
        pytest.param("application/json", b"{}", "MalformedPOSTRequest", id="no form"),
        pytest.param("multipart/form-data", b"x", "MalformedPOSTRequest", id="no boundary"),
        pytest.param("multipart/form-data; boundary=b", b"--c", "MalformedPOSTRequest", id="other"),
        pytest.param("multipart/form-data; boundary=b", BROKEN, "MalformedPOSTRequest", id="half"),
        pytest.param(
            "multipart/form-data; boundary=b", BROKEN + b"--b--", "InvalidArgument", id="no file"
        ),
        pytest.param(
            "multipart/form-data; boundary=b",
            BROKEN.replace(b"value", b"v" * (_form.FIELDS_BYTES + 1)) + b"--b--",
            "MalformedPOSTRequest",
            id="endless field",
        ),
    ],
)
def test_posts_that_are_no_form(desk: Any, kind: str, content: bytes, code: str) -> None:
    url = f"{desk.emulator.root_url}/oss"
    answer = httpx.post(url, content=content, headers={"Content-Type": kind})
    assert refusal(answer) == (400, code)


def test_an_upload_that_breaks_off_leaves_nothing(desk: Any) -> None:
    form = desk.form(desk.certificate(), "a.jpg")
    fields = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in form.items()
    )
    head = 'Content-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'

    def half() -> Iterator[bytes]:
        yield f"{fields}--b\r\n{head}".encode()
        yield b"x" * 3_000_000
        raise ConnectionAbortedError

    url = f"{desk.emulator.root_url}/oss"
    with pytest.raises(ConnectionAbortedError):
        httpx.post(url, content=half(), headers={"Content-Type": "multipart/form-data; boundary=b"})
    desk.emulator.stop()
    assert desk.emulator.uploads == ()
    assert not desk.emulator._service.folder.exists()


def test_a_key_does_not_belong_here(desk: Any) -> None:
    form = desk.form(desk.certificate(), "a.jpg")
    answer = post(desk, form, headers={"Authorization": "Bearer sk-secret"})
    assert refusal(answer) == (400, "InvalidArgument")
    assert [leak.operation for leak in desk.emulator.leaks] == ["upload"]


# ── reading ──────────────────────────────────────────────────────────────────────────────


def test_an_upload_is_read_with_its_model_by_its_account(
    desk: Any, second_desk: Any, portrait: Path
) -> None:
    url = desk.upload(portrait, model="animate-anyone-detect-gen2")
    assert desk.detect(url).json()["output"]["check_pass"] is True
    stranger = second_desk.detect(url)
    assert (stranger.status_code, stranger.json()["message"]) == (400, "OSS download error.")
    unknown = desk.detect("oss://dashscope-instant/nobody/knows.jpg")
    assert unknown.json()["message"] == "OSS download error."


def test_an_upload_is_bound_to_its_model_unless_switched(desk: Any, portrait: Path) -> None:
    url = desk.upload(portrait, model="animate-anyone-gen2")
    assert desk.detect(url).status_code == 400
    desk.emulator.upload_model_check = False
    assert desk.detect(url).status_code == 200


def test_an_upload_lives_for_two_days(desk: Any, portrait: Path) -> None:
    url = desk.upload(portrait, model="animate-anyone-detect-gen2")
    desk.emulator.clock.advance(hours=47.9)
    assert desk.detect(url).status_code == 200
    desk.emulator.clock.advance(hours=0.2)
    assert desk.detect(url).status_code == 400
    assert desk.emulator.uploads == ()
    path = next(desk.emulator._service.folder.glob("upload-*"))
    desk.emulator._service.sweep()
    assert not path.exists()


def test_the_policy_allows_a_gibibyte() -> None:
    assert _storage.MAX_BYTES == 1 << 30
