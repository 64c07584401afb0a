"""``--output-dir``: what is left on disk of a run, for whom, and what never is."""

import json
from pathlib import Path
from typing import Any

import pytest

from dashscope_aa.emulator import AnswerLost, Emulator, TaskFails


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_evidence_of_a_run(
    cli: Any, portrait: Path, clip: Path, tmp_path: Path, key: str, emulator: Emulator
) -> None:
    done = cli("animate", portrait, clip, "--output-dir", "run")
    assert done.exit_code == 0
    assert done.stdout.startswith("wrote run/result.mp4")
    folder = tmp_path / "run"
    assert folder.stat().st_mode & 0o777 == 0o700
    files = {path.name: path for path in folder.iterdir() if path.suffix != ".mp4"}
    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o600}
    assert not any(key in path.read_text() for path in files.values())

    run = read(files.pop("run.json"))
    assert run["asked"]["engine"]["family"] == "animate-anyone"
    assert run["base_url"] == emulator.base_url
    assert run["result"]["video_url"].startswith("http")
    assert set(run["result"]["request_ids"]) == {"detect", "template", "synthesis"}
    assert read(files.pop("report.json"))["ok"] is True
    events = [json.loads(line) for line in files.pop("events.jsonl").read_text().splitlines()]
    assert {"preflighted", "uploaded", "detected", "submitted", "template_ready"} <= {
        event["event"] for event in events
    }
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    tasks = {task["step"]: task for task in map(read, files.values())}
    assert {f"{task['task_id']}.json" for task in tasks.values()} == set(files)
    assert set(tasks) == {"template", "synthesis"}
    for task in tasks.values():
        assert task["statuses"][-1]["status"] == "SUCCEEDED"
        assert json.loads(task["token"])["task_id"] == task["task_id"]


def test_signatures_of_what_was_handed_over_are_left_out(
    cli: Any, portrait: Path, clip: Path, emulator: Emulator, tmp_path: Path
) -> None:
    image = f"{emulator.host_file(portrait)}?Signature=very-secret"
    done = cli("animate", image, clip, "--engine", "wan-std", "--output-dir", "run", "-o", "x.mp4")
    assert done.exit_code == 0
    assert (tmp_path / "x.mp4").is_file()
    told = "".join(path.read_text() for path in (tmp_path / "run").iterdir())
    assert image.partition("?")[0] in told
    assert "very-secret" not in told


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        pytest.param(TaskFails(on="move"), "TaskFailedError", 4, id="a failed task"),
        pytest.param(AnswerLost(on="move"), "SubmitOutcomeUnknownError", 5, id="a lost answer"),
    ],
)
def test_evidence_of_a_failure(
    cli: Any,
    portrait: Path,
    clip: Path,
    emulator: Emulator,
    tmp_path: Path,
    fault: Any,
    kind: str,
    code: int,
) -> None:
    emulator.faults.add(fault)
    done = cli("animate", portrait, clip, "--engine", "wan-std", "--output-dir", "run")
    assert done.exit_code == code
    run = read(tmp_path / "run" / "run.json")
    assert run["error"]["type"] == kind
    assert "result" not in run


def test_a_folder_that_cannot_be_made(
    cli: Any, portrait: Path, clip: Path, emulator: Emulator
) -> None:
    done = cli("animate", portrait, clip, "--output-dir", "no/such/folder")
    assert done.exit_code == 2
    assert "cannot write to 'no/such/folder'" in done.stderr
    assert len(emulator.requests) == 0
