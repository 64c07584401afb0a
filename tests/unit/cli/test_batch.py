"""``dashscope-aa batch``: looked at first, paid once, safe to stop and start again."""

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dashscope_aa import WanAnimate
from dashscope_aa.cli._jobs import read_rows
from dashscope_aa.emulator import AnswerLost, Emulator, ImageRejected, TaskFails

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, portrait: Path, clip: Path) -> Write:
    """Writes a list of jobs beside a picture and a clip."""
    (tmp_path / "jane.jpg").write_bytes(portrait.read_bytes())
    (tmp_path / "joe.jpg").write_bytes(portrait.read_bytes() + b"another")
    (tmp_path / "dance.mp4").write_bytes(clip.read_bytes())

    def write(*rows: str, name: str = "jobs.csv", head: str = "image,motion,engine") -> Path:
        lines = rows if name.endswith(".jsonl") else (head, *rows)
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        return tmp_path / name

    return write


def results(out: Path, name: str = "results.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / name).read_text().splitlines()]


THREE = ("jane.jpg,dance.mp4,wan-std", "joe.jpg,dance.mp4,", "jane.jpg,dance.mp4,animate-anyone")


def test_rows_share_what_they_can(
    cli: Any, write: Write, tmp_path: Path, emulator: Emulator
) -> None:
    jobs = write(f"{THREE[0]},a", *(f"{row},b{i}.mp4" for i, row in enumerate(THREE[1:])),
                 head="image,motion,engine,output")  # fmt: skip
    out = tmp_path / "out"
    done = cli("batch", jobs, "--out", out)
    assert done.exit_code == 0
    said = "3 rows: 0 done before, 0 refused, 3 to do for about 1.288 CNY "
    assert said + "(move 0.8, detect 0.008, template 0.16, synthesis 0.32)" in done.stderr
    assert "3 of 3 rows done, 1.288 CNY paid now" in done.stderr
    assert sorted(path.name for path in out.glob("*.mp4")) == ["a.mp4", "b0.mp4", "b1.mp4"]
    assert emulator.paid_submits("animate-anyone-template-gen2") == 1
    facts = results(out)
    assert sorted(it["row"] for it in facts) == [1, 2, 3]
    assert all(it["ok"] and it["task_ids"] for it in facts)
    assert (out / "ledger.sqlite").stat().st_mode & 0o777 == 0o600
    assert (out / "results.jsonl").stat().st_mode & 0o777 == 0o600


def test_what_is_done_is_not_done_again(
    cli: Any, write: Write, tmp_path: Path, emulator: Emulator
) -> None:
    jobs, out = write(THREE[0]), tmp_path / "out"
    assert cli("batch", jobs, "--out", out).exit_code == 0
    with (out / "results.jsonl").open("a") as file:
        file.write('{"key": "cut o')
    emulator.requests.clear()
    again = cli("batch", jobs, "--out", out)
    assert again.exit_code == 0
    assert "1 done before" in again.stderr
    assert len(emulator.requests) == 0
    more = write("joe.jpg,dance.mp4,wan-std", *THREE[:1])  # another order, and one more
    assert cli("batch", more, "--out", out).exit_code == 0
    assert emulator.paid_submits() == 1
    assert len(results_that_parse(out)) == 2


def results_that_parse(out: Path) -> list[str]:
    lines = (out / "results.jsonl").read_text().splitlines()
    return [line for line in lines if line.endswith("}")]


def test_rows_that_are_the_same_are_paid_once(
    cli: Any, write: Write, tmp_path: Path, emulator: Emulator
) -> None:
    jobs = write(f"{THREE[0]},a", f"{THREE[0]},b", head="image,motion,engine,output")
    done = cli("batch", jobs, "--out", "out")
    assert done.exit_code == 0
    assert "2 to do for about 0.8 CNY" in done.stderr
    assert "2 of 2 rows done, 0.8 CNY paid now" in done.stderr
    assert sorted(path.name for path in (tmp_path / "out").glob("*.mp4")) == ["a.mp4", "b.mp4"]
    assert emulator.paid_submits() == 1


def test_a_video_that_is_gone_is_written_again_for_nothing(
    cli: Any, write: Write, tmp_path: Path, emulator: Emulator
) -> None:
    jobs, out = write(THREE[0]), tmp_path / "out"
    cli("batch", jobs, "--out", out)
    (video,) = out.glob("*.mp4")
    video.unlink()
    assert cli("batch", jobs, "--out", out).exit_code == 0
    assert video.is_file()
    assert emulator.paid_submits() == 1


def test_json_lines_tell_everything(cli: Any, write: Write, tmp_path: Path) -> None:
    row = {"image": "jane.jpg", "motion": "dance.mp4", "engine": "wan-pro", "kind": "mix"}
    jobs = write(json.dumps({**row, "watermark": True, "output": "x"}), name="jobs.jsonl")
    done = cli("batch", jobs, "--out", tmp_path / "out", "--json")
    assert done.exit_code == 0
    told = [json.loads(line) for line in done.stdout.splitlines()]
    names = [it["event"] for it in told]
    assert names.index("surveyed") < names.index("progress") < names.index("result")
    assert names[-1] == "finished"
    assert told[names.index("result")]["output"] == "x.mp4"
    assert told[-1]["done"] == 1


def test_quiet_gives_the_paths_alone(cli: Any, write: Write, tmp_path: Path) -> None:
    done = cli("batch", write(THREE[0]), "--out", "out", "-q")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "out/jane--dance.mp4\n"


def test_findings_stop_it_before_anything_is_sent(
    cli: Any, write: Write, tmp_path: Path, emulator: Emulator
) -> None:
    (tmp_path / "joe.jpg").write_bytes(b"no picture at all")
    jobs = write(*THREE[:2])
    done = cli("batch", jobs, "--out", "out")
    assert done.exit_code == 1
    (line,) = [line for line in done.stdout.splitlines() if "refused" in line]
    assert line.startswith("2 ")
    assert "joe.jpg" in line
    assert "nothing was sent" in done.stderr
    assert len(emulator.requests) == 0

    rest = cli("batch", jobs, "--out", "out", "--skip-refused")
    assert rest.exit_code == 1
    assert "1 of 2 rows done" in rest.stderr
    (failed,) = results(tmp_path / "out", "failed.jsonl")
    assert (failed["row"], failed["error"]["type"]) == (2, "PreflightError")


def test_a_dry_run_sends_nothing(
    cli: Any, write: Write, tmp_path: Path, emulator: Emulator
) -> None:
    done = cli("batch", write(*THREE[:2]), "--out", "out", "--dry-run")
    assert done.exit_code == 0
    assert "2 to do for about 1.124 CNY" in done.stderr
    assert len(emulator.requests) == 0


def test_what_is_too_dear_is_not_begun(cli: Any, write: Write, emulator: Emulator) -> None:
    done = cli("batch", write(*THREE[:2]), "--out", "out", "--max-cost", "1")
    assert done.exit_code == 2
    assert "it would cost about 1.124 CNY, more than 1" in done.stderr
    assert len(emulator.requests) == 0


def test_one_failure_stops_no_other(
    cli: Any, write: Write, tmp_path: Path, emulator: Emulator
) -> None:
    emulator.faults.add(TaskFails(on="move"))
    emulator.faults.add(ImageRejected())
    out = tmp_path / "out"
    (tmp_path / "jim.jpg").write_bytes((tmp_path / "jane.jpg").read_bytes())
    jobs = write(*THREE[:2], "jim.jpg,dance.mp4,wan-pro")
    done = cli("batch", jobs, "--out", out)
    assert done.exit_code == 4
    assert "the move task failed" in done.stderr
    assert "the image check refused the picture" in done.stderr
    assert "1 of 3 rows done" in done.stderr
    codes = {it["error"]["type"]: it["exit_code"] for it in results(out, "failed.jsonl")}
    assert codes == {"TaskFailedError": 4, "ImageRejectedError": 1}
    emulator.faults.clear()
    assert cli("batch", jobs, "--out", out).exit_code == 1  # a verdict stays one
    assert [it["row"] for it in results(out, "failed.jsonl")] == [2]


def test_a_lost_answer_is_the_gravest(
    cli: Any, write: Write, tmp_path: Path, emulator: Emulator
) -> None:
    emulator.faults.add(AnswerLost(on="move"))
    jobs = write(*THREE[:2])
    assert cli("batch", jobs, "--out", "out").exit_code == 5
    assert cli("batch", jobs, "--out", "out").exit_code == 5
    assert emulator.paid_submits("wan2.2-animate-move") == 1
    settled = cli("batch", jobs, "--out", "out", "--exclusive-account")
    assert settled.exit_code == 0, settled.stderr
    assert emulator.paid_submits("wan2.2-animate-move") == 1
    assert not (tmp_path / "out" / "failed.jsonl").exists()


def test_a_key_that_is_refused_ends_it(
    cli: Any, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "not-one-of-theirs")
    rows = [f"jane.jpg,dance.mp4,wan-std,{number}.mp4" for number in range(20)]
    done = cli("batch", write(*rows, head="image,motion,engine,output"), "--out", "out",
               "--parallel", 1)  # fmt: skip
    assert done.exit_code == 3
    assert len(results(tmp_path / "out")) == 1
    assert "not-one-of-theirs" not in done.output


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, id="Ctrl-C"), pytest.param(signal.SIGKILL, id="kill -9")]
)
def test_stopped_and_started_again(
    shell: Any, write: Write, tmp_path: Path, emulator: Emulator, number: int
) -> None:
    emulator.run_s = 600.0
    jobs = write(*THREE[:2])
    process = shell.start("batch", jobs, "--out", "out", "--json")
    shell.read_until(process.stdout, '"queued": 2')
    _, err = shell.interrupt(process, number)
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "run the same again to go on: out/ledger.sqlite knows" in err
    paid = emulator.paid_submits()
    emulator.clock.advance(600.0)
    emulator.run_s = 0.0
    again = shell.run("batch", jobs, "--out", "out")
    assert again.returncode == 0, again.stderr
    assert len(list((tmp_path / "out").glob("*.mp4"))) == 2
    assert paid == 2  # the template and the move; the synthesis only now
    assert emulator.paid_submits() == 3


# ── lists that cannot be used ────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        pytest.param("jobs.csv", "image,motion\n", "holds no rows", id="no rows"),
        pytest.param("jobs.txt", "", "read from .csv or .jsonl", id="another format"),
        pytest.param("none.csv", None, "No such file", id="not there"),
        pytest.param("jobs.csv", "image,clip\na,b\n", "no column 'clip'", id="unknown column"),
        pytest.param("jobs.csv", "image,motion\na\n", "got none", id="no motion"),
        pytest.param("jobs.csv", "image,motion\na,b,c\n", "more cells than", id="a cell too many"),
        pytest.param("jobs.csv", "image,image\na,b\n", "2 columns 'image'", id="a column twice"),
        pytest.param("jobs.csv", 'image,motion\n"a,b\n', "quote is not closed", id="an open quote"),
        pytest.param("jobs.csv", "image,motion\nÄ,b\n", "it is not UTF-8", id="Latin 1"),
        pytest.param(
            "jobs.csv", "image,motion,template\na,b,AACT.1\n", "got both", id="two motions"
        ),
        pytest.param("jobs.csv", "image,motion\n,b\n", "there is no image", id="no image"),
        pytest.param(
            "jobs.csv", "image,motion,engine\na,b,sora\n", "the engine must be", id="engine"
        ),
        pytest.param(
            "jobs.csv", "image,motion,kind\na,b,mix\n", "--kind cannot be used", id="misfit"
        ),
        pytest.param(
            "jobs.csv", "image,motion,watermark\na,b,maybe\n", "true or false", id="no flag"
        ),
        pytest.param(
            "jobs.csv", "image,motion,output\na,b,../c.mp4\n", "without a folder", id="a way out"
        ),
        pytest.param("jobs.csv", "image,motion\na,b\na,b\n", "as row 1 does", id="same file"),
        pytest.param("jobs.jsonl", "[1]\n", "row 1: expected a JSON object", id="no object"),
        pytest.param("jobs.jsonl", "[]\n{\n", "row 2: expected a JSON object", id="no JSON"),
        pytest.param(
            "jobs.jsonl", '{"image": ["a"], "motion": "b"}\n', "a text in image", id="a list"
        ),
        pytest.param("jobs.csv", "image,motion\nno.jpg,no.mp4\n", "row 1: the image", id="missing"),
    ],
)
def test_a_list_that_cannot_be_used(
    cli: Any, tmp_path: Path, emulator: Emulator, name: str, text: str | None, said: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="latin-1")
    done = cli("batch", name, "--out", "out")
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.output
    assert len(emulator.requests) == 0


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            '\ufeffimage, motion,engine,\r\n\r\n"a, ä.jpg", "b ""c"".mp4",wan-std,\r\n,,,\r\n',
            id="commas, a mark of order, empty rows and cells",
        ),
        pytest.param('image;motion;engine\n"a, ä.jpg";"b ""c"".mp4";wan-std\n', id="semicolons"),
        pytest.param('image\tmotion\tengine\na, ä.jpg\t"b ""c"".mp4"\twan-std\n', id="tabs"),
    ],
)
def test_lists_as_spreadsheets_write_them(tmp_path: Path, text: str) -> None:
    (tmp_path / "jobs.csv").write_text(text, encoding="utf-8", newline="")
    (row,) = read_rows(tmp_path / "jobs.csv", engine="wan-pro")
    assert (row.image, row.motion) == (str(tmp_path / "a, ä.jpg"), str(tmp_path / 'b "c".mp4'))
    assert row.engine == WanAnimate(mode="wan-std")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        pytest.param("dance.mp4", (), id="a clip"),
        pytest.param("jobs.csv", (), id="the list"),
        pytest.param("results.jsonl", (), id="the results"),
        pytest.param("book.sqlite", ("--ledger", "book.sqlite"), id="the ledger"),
    ],
)
def test_nothing_is_replaced_that_is_read(
    cli: Any, write: Write, tmp_path: Path, output: str, words: tuple[str, ...]
) -> None:
    jobs = write(f"{THREE[0]},{output}", head="image,motion,engine,output")
    done = cli("batch", jobs, "--out", ".", *words)
    assert done.exit_code == 2
    assert f"{output}' would be replaced, but is to be read" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("dance.mp4", "jane.jpg", "jobs.csv", "joe.jpg"),
    ]


def test_all_faults_at_once(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "jobs.csv").write_text("image,motion\n" + ",b\n" * 25)
    done = cli("batch", "jobs.csv", "--out", "out")
    assert "row 1: there is no image" in done.stderr
    assert "row 20: there is no image" in done.stderr
    assert "and 5 more" in done.stderr
