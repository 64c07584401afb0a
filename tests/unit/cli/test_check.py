"""Files are judged from the command line, in each of its voices, without a key or a request."""

import json
import re
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.video.frame import VideoFrame
from PIL import Image

from dashscope_aa.emulator import Emulator

pytestmark = pytest.mark.usefixtures("_keyless")


FPS = 24
CUT_S = 2.5


@pytest.fixture(scope="session")
def wide(media_folder: Path) -> Path:
    """A picture of a format that is not taken, and too wide, which is not mended unasked."""
    path = media_folder / "wide.webp"
    Image.effect_noise((2000, 400), 90).convert("RGB").save(path)
    return path


@pytest.fixture(scope="session")
def webp(media_folder: Path) -> Path:
    """A picture of a format that AnimateAnyone does not take, and wan does."""
    path = media_folder / "portrait.webp"
    Image.effect_noise((240, 320), 90).convert("RGBA").save(path)
    return path


@pytest.fixture(scope="session")
def cut(media_folder: Path) -> Path:
    """A clip of two takes of 2.5 s."""
    path = media_folder / "cut.mp4"
    takes = [Image.effect_noise((240, 320), sigma).convert("RGB") for sigma in (40, 110)]
    with av.open(str(path), "w") as film:
        seen = film.add_stream("libx264", Fraction(FPS), {"preset": "ultrafast"})
        seen.width, seen.height = takes[0].size
        seen.pix_fmt = "yuv420p"
        for take in takes:
            for _ in range(int(CUT_S * FPS)):
                picture = VideoFrame.from_image(take)  # type: ignore[no-untyped-call] # untyped in PyAV
                film.mux(seen.encode(picture))
        film.mux(seen.encode(None))
    return path


# ── what is said ─────────────────────────────────────────────────────────────────────────


def test_a_line_a_file_and_a_line_a_finding(
    cli: Any, portrait: Path, webp: Path, emulator: Emulator
) -> None:
    done = cli("check", portrait, webp)
    assert done.exit_code == 1
    assert done.stderr == ""
    good, bad, why, *_, way_on = done.stdout.splitlines()
    assert good == f"{portrait} as animate-anyone image: fine"
    assert bad == f"{webp} as animate-anyone image: would be refused"
    assert why == (
        "  error I101 (InvalidFile.Format): format must be jpeg, png or bmp, but is webp. "
        "convert mends it."
    )
    assert way_on == f"  mend it with: dashscope-aa convert {webp} --for animate-anyone"
    assert len(emulator.requests) == 0


def test_hints_name_options_and_the_command_that_has_them(cli: Any, wide: Path) -> None:
    done = cli("check", wide, "--for", "wan-pro")
    assert done.exit_code == 1
    assert "--fit pad or --fit crop" in done.stdout
    assert done.stdout.splitlines()[-1] == (
        f"  the options are those of: dashscope-aa convert {wide} --for wan-pro"
    )


def test_warnings_and_advice_are_no_failure(cli: Any, clip: Path) -> None:
    done = cli("check", clip)
    assert done.exit_code == 0
    assert done.stdout.startswith(f"{clip} as template video: would be accepted\n  advice V131: ")
    assert "leave it away: --sound drop." in done.stdout


def test_content_names_the_parts_between_cuts(cli: Any, cut: Path) -> None:
    assert "C101" not in cli("check", cut).stdout
    done = cli("check", cut, "--content")
    assert done.exit_code == 0
    assert "warning C101: the clip should be one continuous take, but is cut at 2.50 s." in (
        done.stdout
    )
    parts = re.findall(r"--trim (\S+)", done.stdout.partition(" C101")[2].splitlines()[0])
    assert parts == ["0.00-2.50", "2.50-5.00."]
    taken = cli("convert", cut, "-o", "take.mp4", "--trim", parts[0])
    assert taken.exit_code == 0
    assert "C101" not in cli("check", "take.mp4", "--content").stdout


def test_json_is_one_object_a_file(cli: Any, portrait: Path, webp: Path) -> None:
    done = cli("check", portrait, webp, "--json")
    assert done.exit_code == 1
    assert done.stderr == ""
    good, bad = map(json.loads, done.stdout.splitlines())
    assert (good["event"], good["name"], good["ok"]) == ("result", str(portrait), True)
    assert (good["facts"]["width_px"], good["findings"]) == (240, [])
    assert (bad["kind"], bad["role"], bad["ok"]) == ("image", "animate-anyone image", False)
    assert bad["findings"][0]["service_code"] == "InvalidFile.Format"
    assert bad["findings"][0]["measured"] == "webp"
    assert bad["way_on"].endswith(f"convert {webp} --for animate-anyone")


def test_quiet_gives_the_verdicts_alone(cli: Any, portrait: Path, webp: Path) -> None:
    done = cli("check", portrait, webp, "-q")
    assert (done.exit_code, done.stderr) == (1, "")
    assert done.stdout == f"{portrait}: ok\n{webp}: refused\n"


# ── what it is for ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "engine", "code"),
    [
        pytest.param([], None, 1, id="AnimateAnyone unless told"),
        pytest.param(["--for", "animate-anyone"], "wan-std", 1, id="told"),
        pytest.param(["--for", "wan"], None, 0, id="the family"),
        pytest.param(["--for", "wan-std"], None, 0, id="an engine of the family"),
        pytest.param([], "wan-pro", 0, id="from the environment"),
        pytest.param([], "", 1, id="an empty word in the environment"),
        pytest.param([], "sora", 2, id="an unknown word in the environment"),
        pytest.param(["--for", "sora"], None, 2, id="an unknown word"),
    ],
)
def test_engines(
    cli: Any,
    webp: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    engine: str | None,
    code: int,
) -> None:
    if engine is not None:
        monkeypatch.setenv("DASHSCOPE_AA_ENGINE", engine)
    assert cli("check", webp, *words).exit_code == code


# ── files that are missing, and no files at all ──────────────────────────────────────────


def test_every_file_is_judged_and_the_worst_counts(cli: Any, webp: Path, portrait: Path) -> None:
    done = cli("check", webp, "none.jpg", portrait)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: 'none.jpg' cannot be read: ")
    verdicts = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert verdicts == [
        f"{webp} as animate-anyone image: would be refused",
        f"{portrait} as animate-anyone image: fine",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "it is empty", id="empty"),
        pytest.param(b"<!DOCTYPE html><html></html>", "web page", id="a web page"),
        pytest.param(b"#EXTM3U\n/etc/passwd\n", "it is an HLS playlist", id="a playlist"),
    ],
)
@pytest.mark.parametrize(
    "isolate", [pytest.param([], id="here"), pytest.param(["--isolate"], id="apart")]
)
def test_what_is_no_media_is_found_wanting(
    cli: Any, tmp_path: Path, content: bytes, said: str, isolate: list[str]
) -> None:
    (tmp_path / "dance.mp4").write_bytes(content)
    done = cli("check", "dance.mp4", *isolate)
    assert done.exit_code == 1
    assert done.stdout.startswith("dance.mp4 as template video: would be refused\n  error V100 ")
    assert said in done.stdout
    assert "convert" not in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param([], "Missing argument", id="no file"),
        pytest.param(["."], "it is a directory", id="a directory"),
        pytest.param(["oss://bucket/dance.mp4"], "by the service only", id="a URL of the service"),
        pytest.param(["ftp://host/dance.mp4"], "ftp://", id="a URL of another kind"),
        pytest.param(["concat:a.mp4|b.mp4"], "error: ", id="a word for FFmpeg"),
        pytest.param(["x.jpg", "--region", "cn-beijing"], "No such option", id="a region"),
    ],
)
def test_usage(cli: Any, words: list[str], said: str) -> None:
    done = cli("check", *words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.output


# ── URLs ─────────────────────────────────────────────────────────────────────────────────


def test_a_url_on_the_own_machine_has_to_be_allowed(
    cli: Any, clip: Path, emulator: Emulator
) -> None:
    url = emulator.host_file(clip)
    refused = cli("check", url)
    assert refused.exit_code == 2
    assert "--allow-private" in refused.stderr
    secret = f"{url}?Signature=secret"
    done = cli("check", secret, "--allow-private", "--for", "wan")
    assert done.exit_code == 0
    assert "/dance%20of%20Jane%20Doe.mp4 as wan video: fine\n" in done.stdout
    assert "secret" not in done.output


def test_the_content_of_a_clip_at_a_url(cli: Any, cut: Path, emulator: Emulator) -> None:
    done = cli("check", emulator.host_file(cut), "--allow-private", "--content")
    assert done.exit_code == 0
    assert "C101" in done.stdout


# ── pictures of it ───────────────────────────────────────────────────────────────────────


def test_one_sheet_a_file(cli: Any, cut: Path, portrait: Path, tmp_path: Path) -> None:
    done = cli("check", cut, "none.jpg", portrait, "--picture", "sheet.png", "--content")
    assert done.exit_code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sheet-3.png", "sheet.png"]
    assert "\n  drawn in sheet.png\n" in done.stdout
    assert done.stdout.endswith("\n  drawn in sheet-3.png\n")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG"
        assert len(sheet.convert("RGB").getcolors(1 << 20) or []) > 50
    result = json.loads(cli("check", portrait, "--picture", "sheet.png", "--json").stdout)
    assert result["picture"] == "sheet.png"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["--picture", "clip.mp4"], "must end in .png", id="not a PNG"),
        pytest.param(["--picture", "none/sheet.png"], "is not a directory", id="no such folder"),
        pytest.param(["--picture", "a.png"], "would be replaced", id="the first itself"),
        pytest.param(["--picture", "./a.png"], "would be replaced", id="by another name"),
        pytest.param(["b.jpg", "a-3.png", "--picture", "a.png"], "'a.png'", id="one of several"),
    ],
)
def test_no_file_is_drawn_over(cli: Any, tmp_path: Path, words: list[str], said: str) -> None:
    Image.new("RGB", (300, 300)).save(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    done = cli("check", "a.png", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == before


# ── on a terminal ────────────────────────────────────────────────────────────────────────

needs_terminals = pytest.mark.skipif(sys.platform == "win32", reason="there are none")


@needs_terminals
def test_a_table_on_a_terminal(shell: Any, screen: Any, webp: Path, portrait: Path) -> None:
    code, seen = screen(shell, "check", webp, portrait, COLUMNS="140")
    assert code == 1
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
    assert "\x1b[31m" in seen
    assert re.search(r"error +│ I101 +│ InvalidFile.Format +│ format must be jpeg", text)
    assert f"mend it with: dashscope-aa convert {webp} --for animate-anyone" in text
    assert f"{portrait} as animate-anyone image: fine" in text


@needs_terminals
def test_no_colour_if_it_is_not_wanted(shell: Any, screen: Any, webp: Path) -> None:
    code, seen = screen(shell, "check", webp, NO_COLOR="1")
    assert code == 1
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", seen)


def test_as_a_process(shell: Any, portrait: Path) -> None:
    done = shell.run("check", portrait)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{portrait} as animate-anyone image: fine\n"
