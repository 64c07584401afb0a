"""Files are mended from the command line; nothing is replaced unasked, nothing half done left."""

import json
import re
import signal
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.video.frame import VideoFrame
from PIL import Image

pytestmark = pytest.mark.usefixtures("_keyless")

FPS = 30
LONG_S = 40


@pytest.fixture(scope="session")
def long_clip(media_folder: Path) -> Path:
    """A clip that takes some seconds to encode: always the same picture."""
    path = media_folder / "long.mp4"
    picture = VideoFrame.from_image(  # type: ignore[no-untyped-call] # untyped in PyAV
        Image.effect_noise((480, 640), 60).convert("RGB")
    )
    with av.open(str(path), "w") as film:
        seen = film.add_stream("libx264", Fraction(FPS), {"preset": "ultrafast"})
        seen.width, seen.height = 480, 640
        seen.pix_fmt = "yuv420p"
        for number in range(LONG_S * FPS):
            picture.pts = number
            film.mux(seen.encode(picture))
        film.mux(seen.encode(None))
    return path


@pytest.fixture(scope="session")
def small(media_folder: Path) -> Path:
    """A clip of 3 s, quick to encode."""
    path = media_folder / "small.mp4"
    with av.open(str(path), "w") as film:
        seen = film.add_stream("libx264", Fraction(FPS), {"preset": "ultrafast"})
        seen.width, seen.height = 240, 240
        seen.pix_fmt = "yuv420p"
        for shade in range(3 * FPS):
            still = Image.new("RGB", (240, 240), (shade, 120, 200 - shade))
            picture = VideoFrame.from_image(still)  # type: ignore[no-untyped-call] # untyped in PyAV
            film.mux(seen.encode(picture))
        film.mux(seen.encode(None))
    return path


@pytest.fixture
def mkv(clip: Path, tmp_path: Path) -> Path:
    """A clip in a container that has to be changed, in the user's own folder."""
    path = tmp_path / "dance.mkv"
    with av.open(str(clip)) as film, av.open(str(path), "w") as other:
        streams = {
            stream.index: other.add_stream_from_template(stream)
            for stream in (*film.streams.video, *film.streams.audio)
        }
        for packet in film.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                other.mux(packet)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def seconds(path: Path) -> float:
    with av.open(str(path)) as film:
        return float(film.duration or 0) / av.time_base


# ── what is done ─────────────────────────────────────────────────────────────────────────


def test_a_name_beside_the_source(cli: Any, mkv: Path, tmp_path: Path) -> None:
    done = cli("convert", mkv)
    assert (done.exit_code, done.stderr) == (0, "")
    wrote, *steps = done.stdout.splitlines()
    assert wrote == f"wrote {tmp_path / 'dance.fit.mp4'}:"
    assert steps == [
        "  copy the picture into mp4 (container must be mp4, avi or mov, but is mkv)",
    ]
    assert cli("check", "dance.fit.mp4").exit_code == 0
    again = cli("convert", mkv, "-q")
    assert again.stdout == f"{tmp_path / 'dance.fit-2.mp4'}\n"
    assert names(tmp_path) == ["dance.fit-2.mp4", "dance.fit.mp4", "dance.mkv"]


def test_json_tells_the_plan_and_what_came_of_it(cli: Any, mkv: Path, tmp_path: Path) -> None:
    done = cli("convert", mkv, "-o", "out.mp4", "--trim", "0.5:1.75", "--json", "--for", "wan")
    assert done.exit_code == 1, "shorter than two seconds"
    done = cli("convert", mkv, "-o", "out.mp4", "--json", "--sound", "drop")
    assert done.exit_code == 0
    *parts, result = map(json.loads, done.stdout.splitlines())
    assert {part["event"] for part in parts} == {"working"}
    assert (parts[-1]["step"], parts[-1]["file"], parts[-1]["part"]) == ("convert", str(mkv), 1)
    assert (result["event"], result["path"]) == ("result", "out.mp4")
    assert [step["what"] for step in result["plan"]["steps"]] == [
        "copy the picture into mp4",
        "leave the sound away",
    ]
    assert (result["facts"]["container"], result["facts"]["audio_codec"]) == ("mp4", None)
    assert names(tmp_path) == ["dance.mkv", "out.mp4"]


def test_a_picture(cli: Any, tmp_path: Path) -> None:
    Image.new("RGBA", (600, 600), (0, 0, 0, 0)).save(tmp_path / "me.webp")
    done = cli("convert", "me.webp", "--crop-to", "3:4")
    assert done.exit_code == 0
    assert done.stdout.startswith("wrote me.fit.jpg:\n")
    with Image.open(tmp_path / "me.fit.jpg") as picture:
        assert (picture.format, picture.size) == ("JPEG", (450, 600))
        assert picture.getpixel((9, 9)) == (255, 255, 255)


@pytest.mark.parametrize(
    "trim", [pytest.param("0.5-2.75", id="with a dash"), pytest.param("0.5:2.75", id="a colon")]
)
def test_trim(cli: Any, small: Path, tmp_path: Path, trim: str) -> None:
    done = cli("convert", small, "-o", "part.mp4", "--trim", trim)
    assert done.exit_code == 0
    assert "  keep 0.5 to 2.75 s (asked for)\n" in done.stdout
    assert seconds(tmp_path / "part.mp4") == pytest.approx(2.25, abs=1 / FPS)


@pytest.mark.parametrize(
    ("fit", "said"),
    [pytest.param("pad", "add bars", id="bars"), pytest.param("crop", "cut its edges", id="cut")],
)
def test_fit(cli: Any, tmp_path: Path, fit: str, said: str) -> None:
    Image.effect_noise((300, 1000), 90).convert("RGB").save(tmp_path / "tall.jpg")
    refused = cli("convert", "tall.jpg")
    assert refused.exit_code == 1
    assert "--fit pad or --fit crop" in refused.stderr
    done = cli("convert", "tall.jpg", "--fit", fit)
    assert done.exit_code == 0
    assert said in done.stdout
    assert cli("check", "tall.fit.jpg").exit_code == 0


def test_what_is_fine_is_left_alone(cli: Any, portrait: Path, tmp_path: Path) -> None:
    done = cli("convert", portrait)
    assert (done.exit_code, names(tmp_path)) == (0, [])
    assert done.stdout == f"{portrait} is fine as it is: there is nothing to write\n"
    assert cli("convert", portrait, "-q").stdout == f"{portrait}\n"
    copied = cli("convert", portrait, "-o", "copy.jpg")
    assert copied.stdout == "wrote copy.jpg:\n  a copy: nothing had to be done\n"
    assert (tmp_path / "copy.jpg").read_bytes() == portrait.read_bytes()


# ── what is not done ─────────────────────────────────────────────────────────────────────


def test_dry_run(cli: Any, mkv: Path, tmp_path: Path) -> None:
    done = cli("convert", mkv, "--dry-run", "--sound", "drop")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        f"would write {tmp_path / 'dance.fit.mp4'}:",
        "  copy the picture into mp4 (asked for)",
        "  leave the sound away (asked for)",
    ]
    facts = json.loads(cli("convert", mkv, "--dry-run", "--json", "-o", "out.mov").stdout)
    assert facts["path"] == "out.mov"
    assert facts["plan"]["after"]["container"] == "mov"
    assert cli("convert", mkv, "--dry-run", "-q").stdout == f"{tmp_path / 'dance.fit.mp4'}\n"
    assert names(tmp_path) == ["dance.mkv"]


def test_dry_run_of_what_would_be_refused(cli: Any, long_clip: Path, tmp_path: Path) -> None:
    done = cli("convert", long_clip, "--dry-run", "--for", "wan")
    assert done.exit_code == 1
    assert done.stdout == (
        "would write nothing:\n"
        "  not done: duration must be between 2 and 30 s, but is 40. Keep a part of it: "
        "--trim START-END.\n"
    )
    facts = json.loads(cli("convert", long_clip, "--dry-run", "--for", "wan", "--json").stdout)
    assert facts["path"] is None
    assert [refusal["code"] for refusal in facts["plan"]["refusals"]] == ["V205"]
    assert names(tmp_path) == []


def test_refusals_come_all_at_once(cli: Any, tmp_path: Path) -> None:
    Image.effect_noise((50, 500), 90).convert("RGB").save(tmp_path / "a.webp")
    done = cli("convert", "a.webp", "--json")
    assert (done.exit_code, done.stdout) == (1, "")
    error = json.loads(done.stderr)
    assert (error["type"], error["exit_code"]) == ("PreflightError", 1)
    codes = {finding["code"] for finding in error["report"]["image"]["findings"]}
    assert {"I101", "I105"} <= codes
    assert names(tmp_path) == ["a.webp"]


def test_what_is_no_media(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "dance.mp4").write_text("not found")
    done = cli("convert", "dance.mp4")
    assert done.exit_code == 1
    assert "error V100 (InvalidFile.Openerror)" in done.stderr
    assert names(tmp_path) == ["dance.mp4"]


def test_the_file_itself_stays_as_it_is(cli: Any, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "dance.mp4").write_bytes(clip.read_bytes())
    done = cli("convert", "dance.mp4", "-o", "./dance.mp4", "--trim", "0-1", "--force")
    assert done.exit_code == 2
    assert "'dance.mp4' would be replaced, but is to be read" in done.stderr
    assert (tmp_path / "dance.mp4").read_bytes() == clip.read_bytes()


def test_an_existing_file_is_replaced_by_force_only(
    cli: Any, portrait: Path, tmp_path: Path
) -> None:
    (tmp_path / "out.jpg").write_text("precious")
    done = cli("convert", portrait, "-o", "out.jpg")
    assert done.exit_code == 2
    assert done.stderr == "error: 'out.jpg' exists\nName another file, or give --force.\n"
    assert (tmp_path / "out.jpg").read_text() == "precious"
    assert cli("convert", portrait, "-o", "out.jpg", "--force").exit_code == 0
    assert (tmp_path / "out.jpg").read_bytes() == portrait.read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["none.mp4"], "'none.mp4' cannot be read", id="a missing file"),
        pytest.param(["https://host/a.mp4"], "Download it first.", id="a URL"),
        pytest.param(["{clip}", "-o", "out.webm"], "must end in .mp4 or .mov", id="a suffix"),
        pytest.param(["{clip}", "-o", "no/out.mp4"], "is not a directory", id="a missing folder"),
        pytest.param(["{clip}", "--trim", "1.5"], "--trim must be START-END", id="half a part"),
        pytest.param(["{clip}", "--trim", "a-b"], "--trim must be START-END", id="no numbers"),
        pytest.param(["{clip}", "--trim", "-1-2"], "--trim must be START-END", id="negative"),
        pytest.param(["{clip}", "--trim", "1-9"], "within the 2.00 s of the clip", id="too long"),
        pytest.param(["{clip}", "--crop-to", "9:16"], "--crop-to is for pictures", id="a shape"),
        pytest.param(["{clip}", "--fit", "stretch"], "Invalid value for '--fit'", id="a fit"),
        pytest.param(
            ["{clip}", "--trim", "0-2", "--encoder", "crayon"],
            "encoder must be one that PyAV has",
            id="an encoder",
        ),
    ],
)
def test_usage(cli: Any, clip: Path, tmp_path: Path, words: list[str], said: str) -> None:
    done = cli("convert", *(word.format(clip=clip) for word in words))
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.output
    assert names(tmp_path) == []


# ── under way ────────────────────────────────────────────────────────────────────────────

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="they are sent otherwise there")


@needs_signals
@pytest.mark.parametrize(
    ("number", "words"),
    [
        pytest.param(signal.SIGINT, ["-o", "out.mp4"], id="Ctrl-C"),
        pytest.param(signal.SIGTERM, [], id="SIGTERM, under a derived name"),
    ],
)
def test_interrupted(
    shell: Any, long_clip: Path, tmp_path: Path, number: int, words: list[str]
) -> None:
    (tmp_path / "long.mp4").symlink_to(long_clip)
    command = ("convert", "long.mp4", "--trim", "0-39", "--json", *words)
    process = shell.start(*command)
    shell.read_until(process.stdout, '"part"')
    out, err = shell.interrupt(process, number)
    assert process.returncode == 130
    assert '"result"' not in out
    assert json.loads(err)["event"] == "interrupted"
    assert names(tmp_path) == ["long.mp4"]


@needs_signals
def test_a_bar_on_a_terminal(shell: Any, screen: Any, small: Path, tmp_path: Path) -> None:
    code, seen = screen(shell, "convert", small, "--trim", "0-2.5", "-o", "out.mp4")
    assert code == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
    assert re.search(r"convert small.mp4 ━+ 100%", text)
    assert "wrote out.mp4:\r\n  keep 0 to 2.5 s (asked for)\r\n" in text
    assert names(tmp_path) == ["out.mp4"]


def test_as_a_process(shell: Any, mkv: Path, tmp_path: Path) -> None:
    done = shell.run("convert", mkv, "-o", "out.mp4", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "out.mp4\n", "")
