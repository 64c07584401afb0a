"""``dashscope-aa doctor``: what it finds, what it never says, and its exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest

from dashscope_aa.emulator import AnswerLost, Emulator


def checks(done: Any) -> dict[str, dict[str, Any]]:
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {it["check"]: it for it in told if it["event"] == "result"}


def test_all_is_well(cli: Any, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_AA_ENGINE", "wan-std")
    done = cli("doctor")
    assert done.exit_code == 0
    assert key not in done.output
    lines = {line.split(maxsplit=1)[1].strip(): line for line in done.stdout.splitlines()[1:]}
    assert {line.split()[0] for line in lines.values()} == {"ok"}
    assert "sk-… from DASHSCOPE_API_KEY" in done.stdout
    assert "takes the key, answered in" in done.stdout
    for name in ("httpx", "pydantic", "av", "pillow", "libavcodec", "starlette", "pillow-heif"):
        assert name in done.stdout


def test_as_json(cli: Any, key: str) -> None:
    done = cli("doctor", "--json")
    found = checks(done)
    assert {"key", "region", "gateway", "ledger", "limits", "libraries", "engine"} <= set(found)
    assert found["gateway"]["state"] == "ok"
    assert found["engine"]["state"] == "warning"
    assert key not in done.output


@pytest.mark.parametrize(
    ("setting", "value", "code", "check"),
    [
        pytest.param("DASHSCOPE_API_KEY", None, 2, "settings", id="no key"),
        pytest.param("DASHSCOPE_API_KEY", "sk-a b", 2, "settings", id="no key at all"),
        pytest.param("DASHSCOPE_HTTP_BASE_URL", "ftp://x", 2, "settings", id="no base URL"),
        pytest.param("DASHSCOPE_API_KEY", "refused", 3, "gateway", id="a key that is refused"),
        pytest.param(
            "DASHSCOPE_HTTP_BASE_URL", "http://127.0.0.1:9", 3, "gateway", id="nobody answers"
        ),
    ],
)
def test_what_is_amiss(
    cli: Any,
    monkeypatch: pytest.MonkeyPatch,
    quick_retries: None,
    setting: str,
    value: str | None,
    code: int,
    check: str,
) -> None:
    monkeypatch.delenv(setting)
    if value is not None:
        monkeypatch.setenv(setting, value)
    done = cli("doctor", "--json")
    assert done.exit_code == code
    assert checks(done)[check]["state"] == "error"
    assert "a b" not in done.output.replace("a base", "")


def test_the_ledger(
    cli: Any, portrait: Path, clip: Path, emulator: Emulator, tmp_path: Path
) -> None:
    book = ("--ledger", "jobs.sqlite")
    assert "not there yet" in cli("doctor", *book).stdout
    assert not (tmp_path / "jobs.sqlite").exists()
    emulator.faults.add(AnswerLost(on="move"))
    assert cli("animate", portrait, clip, "--engine", "wan-std", *book).exit_code == 5
    found = checks(cli("doctor", *book, "--json"))["ledger"]
    assert found["state"] == "warning"
    assert "1 submits of this account, 0 open, 1 lost" in found["said"]
    (tmp_path / "bad.sqlite").write_text("no ledger " * 100)
    assert cli("doctor", "--ledger", "bad.sqlite").exit_code == 2
