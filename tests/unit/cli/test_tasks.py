"""Tasks by their tokens and ids: list, show, wait, cancel."""

import json
from pathlib import Path
from typing import Any

import pytest

from dashscope_aa.emulator import Emulator, TaskFails

NOBODYS = "0385dc79-5ff8-4d82-bcb6-000000000000"


@pytest.fixture
def submitted(cli: Any, portrait: Path, clip: Path) -> dict[str, Any]:
    """Facts about a task that was just submitted."""
    done = cli("move", portrait, clip, "--mode", "wan-std", "--no-wait", "--json")
    facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return facts


def test_list(cli: Any, submitted: dict[str, Any], portrait: Path, clip: Path) -> None:
    cli("template", clip)
    newest, oldest = cli("tasks", "list").stdout.splitlines()
    assert "animate-anyone-template-gen2" in newest
    assert submitted["task_id"] in oldest
    assert cli("tasks", "list", "--limit", "1").stdout.splitlines() == [newest]
    assert cli("tasks", "list", "--model", submitted["model"]).stdout.splitlines() == [oldest]
    assert cli("tasks", "list", "--status", "CANCELED").stdout == ""
    assert cli("tasks", "list", "-q").stdout.split()[-1] == submitted["task_id"]
    rows = [json.loads(line) for line in cli("tasks", "list", "--json").stdout.splitlines()]
    assert [row["model_name"] for row in rows] == [
        "animate-anyone-template-gen2",
        submitted["model"],
    ]


def test_list_goes_on_to_further_pages(
    cli: Any, submitted: dict[str, Any], portrait: Path, clip: Path, emulator: Emulator
) -> None:
    cli("template", clip)
    emulator.page_size_max = 1
    assert len(cli("tasks", "list").stdout.splitlines()) == 2


@pytest.mark.parametrize("by", ["task_id", "token"])
def test_show(cli: Any, submitted: dict[str, Any], by: str) -> None:
    shown = cli("tasks", "show", submitted[by])
    assert shown.exit_code == 0
    assert json.loads(shown.stdout)["output"]["task_id"] == submitted["task_id"]
    assert json.loads(cli("tasks", "show", submitted[by], "--json").stdout)["event"] == "result"


@pytest.mark.parametrize("by", ["task_id", "token"])
def test_wait_writes_the_video(
    cli: Any, submitted: dict[str, Any], tmp_path: Path, by: str
) -> None:
    done = cli("tasks", "wait", submitted[by], "-o", "out.mp4")
    assert done.exit_code == 0
    assert done.stdout.startswith("wrote out.mp4: 2 s")
    assert (tmp_path / "out.mp4").stat().st_size > 0


def test_wait_prints_the_url_without_a_file(cli: Any, submitted: dict[str, Any]) -> None:
    assert cli("tasks", "wait", submitted["token"], "-q").stdout.startswith("http://127.0.0.1:")
    assert ": 2 s for 0.8 CNY by " in cli("tasks", "wait", submitted["token"]).stdout


@pytest.mark.parametrize("by", ["task_id", "token"])
def test_wait_prints_the_template(cli: Any, clip: Path, by: str) -> None:
    facts = json.loads(cli("template", clip, "--no-wait", "--json").stdout.splitlines()[-1])
    done = cli("tasks", "wait", facts[by], "-q")
    assert (done.exit_code, done.stdout[:5]) == (0, "AACT.")


@pytest.mark.parametrize(
    ("task", "code", "said"),
    [
        pytest.param(NOBODYS, 4, "the service does not know the task", id="unknown"),
        pytest.param("../../etc", 2, "task id", id="no id"),
        pytest.param('{"v":1}', 2, "no task token", id="no token"),
        pytest.param('{"v":99}', 2, "newer version", id="a later version's token"),
    ],
)
def test_wait_for_nothing(cli: Any, task: str, code: int, said: str) -> None:
    done = cli("tasks", "wait", task)
    assert done.exit_code == code
    assert said in done.stderr


def test_wait_refuses_a_token_of_another_place(
    cli: Any, submitted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = cli("tasks", "wait", submitted["token"], "--base-url", "http://127.0.0.1:9")
    assert done.exit_code == 2
    assert "the token belongs to base_url" in done.stderr


def test_wait_for_a_failed_task(cli: Any, portrait: Path, clip: Path, emulator: Emulator) -> None:
    emulator.faults.add(TaskFails(on="move"))
    words = ("move", portrait, clip, "--mode", "wan-std", "--no-wait", "-q")
    done = cli("tasks", "wait", cli(*words).stdout.strip())
    assert done.exit_code == 4
    assert "Inference internal error." in done.stderr


def test_cancel_while_queued(cli: Any, portrait: Path, clip: Path, emulator: Emulator) -> None:
    emulator.queue_s = 600
    token = cli("mix", portrait, clip, "--mode", "wan-std", "--no-wait", "-q").stdout.strip()
    done = cli("tasks", "cancel", token)
    assert (done.exit_code, done.stdout) == (0, "cancelled\n")
    assert cli("tasks", "wait", token).exit_code == 4


def test_cancel_too_late(cli: Any, submitted: dict[str, Any]) -> None:
    cli("tasks", "wait", submitted["task_id"])
    done = cli("tasks", "cancel", submitted["task_id"])
    assert done.exit_code == 3
    assert done.stdout.startswith("not cancelled: ")
    assert cli("tasks", "cancel", submitted["task_id"], "-q").stdout == "not cancelled\n"
