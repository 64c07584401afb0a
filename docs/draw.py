"""Draw what the pages show of real runs: two commands on a terminal, and a preflight sheet.

The commands run on a terminal of their own against the emulator; what stands on it in the end
becomes an SVG. Run by scripts/pictures where a command, a rule or an example has changed: times
and ids differ each time, so the pictures are looked at and not compared.
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from io import StringIO
from itertools import groupby, islice
from pathlib import Path
from shlex import join
from typing import Final

import anyio
import av
import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

from dashscope_aa import AnimateAnyone, media
from dashscope_aa.emulator import Emulator

PICTURES: Final = Path(__file__).with_name("pictures")
EXAMPLES: Final = Path(__file__).parents[1] / "examples"
COLUMNS, ROWS = 76, 40
RECORDINGS: Final[Mapping[str, Sequence[str]]] = {
    "animate": ("animate", "portrait.jpg", "dance.mp4", "-o", "result.mp4"),
    "check": ("check", "portrait.jpg", "walk.mkv"),
}
"""What is typed, after the name of the command, by the name of the picture."""


def main() -> None:
    """Draw all pictures into a folder."""
    asked = ArgumentParser(description=__doc__)
    asked.add_argument("--to", type=Path, default=PICTURES, help="the folder")
    asked.add_argument("--port", type=int, default=8765, help="that of the emulator")
    asked.add_argument("--task-s", type=float, default=3, help="how long its tasks run")
    draw(**vars(asked.parse_args()))


def draw(to: Path, *, port: int, task_s: float) -> None:
    """Draw all pictures."""
    with tempfile.TemporaryDirectory() as name, Emulator(port=port, run_s=task_s) as emulator:
        desk = Path(name)
        lay_out(desk)
        for picture, command in RECORDINGS.items():
            drawn = drawing(command, desk, base_url=emulator.base_url)
            (to / f"recording-{picture}.svg").write_text(drawn, encoding="utf-8")
        anyio.run(draw_sheet, desk / "walk.mkv", to / "sheet.png")


def lay_out(desk: Path) -> None:
    """Put the example files where the commands run, and a clip that would be refused."""
    for name in ("portrait.jpg", "dance.mp4"):
        (desk / name).symlink_to(EXAMPLES / name)
    with av.open(str(desk / "dance.mp4")) as clip, av.open(str(desk / "walk.mkv"), "w") as film:
        seen = film.add_stream("libx264", 15, options={"preset": "fast"})
        seen.width, seen.height, seen.pix_fmt = 270, 480, "yuv420p"
        for number, frame in enumerate(islice(clip.decode(video=0), 0, 90, 2)):
            small = frame.reformat(270, 480, "yuv420p")
            small.pts, small.time_base = number, Fraction(1, 15)
            film.mux(seen.encode(small))
        film.mux(seen.encode(None))


async def draw_sheet(clip: Path, target: Path) -> None:
    """Draw what is found out about a clip."""
    report = await media.preflight(video=clip, engine=AnimateAnyone())
    await report.picture(target)


# ── a terminal ───────────────────────────────────────────────────────────────────────────


def drawing(command: Sequence[str], desk: Path, *, base_url: str) -> str:
    """Run a command, and give its terminal as an SVG."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), legacy_windows=False)
    console.print(Text.assemble(("$ ", "green"), join(["dashscope-aa", *command])))
    console.print(Text("\n").join(lines(screen_after(command, desk, base_url=base_url))))
    svg = console.export_svg(title=f"dashscope-aa {command[0]}", unique_id=command[0])
    return re.sub(r"@font-face \{.*?\}\n", "", svg, flags=re.DOTALL)  # pages load nothing from afar


def screen_after(command: Sequence[str], desk: Path, *, base_url: str) -> pyte.Screen:
    """Run a command on a terminal of its own, and give what stands there when it has ended."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    running = subprocess.Popen(  # noqa: S603 - the commands are written above
        [sys.executable, "-m", "dashscope_aa", *command],
        cwd=desk,
        env=environment(base_url),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    for piece in pieces(ours):
        stream.feed(piece)
    os.close(ours)
    running.wait()
    return screen


def environment(base_url: str) -> dict[str, str]:
    """Give the surroundings of a user on a terminal with colours."""
    ours = ("DASHSCOPE_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {
        "DASHSCOPE_HTTP_BASE_URL": base_url,
        "DASHSCOPE_API_KEY": "sk-emulated",
        "DASHSCOPE_AA_ENGINE": "animate-anyone",
        "NO_PROXY": "127.0.0.1",
        "TERM": "xterm-256color",
    }


def pieces(terminal: int) -> Iterator[bytes]:
    """Read what is said on a terminal, until nobody is left to say anything."""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # how Linux says that the other end is closed
            return
        if not piece:
            return
        yield piece


def lines(screen: pyte.Screen) -> list[Text]:
    """Give the lines of a screen with their colours, without the empty ones at the end."""
    used = len("\n".join(screen.display).rstrip().splitlines())
    return [line(screen, number) for number in range(used)]


def line(screen: pyte.Screen, number: int) -> Text:
    """Give one line, in as few pieces as there are changes of style."""
    text = Text()
    signs = (screen.buffer[number][column] for column in range(screen.columns))
    for style, same in groupby(signs, lambda sign: (sign.fg, sign.bold, sign.italics)):
        name, bold, italic = style
        words = "".join(sign.data for sign in same)
        text.append(words, Style(color=colour(name), bold=bold, italic=italic))
    text.rstrip()
    return text


def colour(name: str) -> str:
    """Turn pyte's name of a colour into rich's."""
    if re.fullmatch(r"[0-9a-f]{6}", name):
        return f"#{name}"
    return name.replace("brown", "yellow").replace("bright", "bright_")


if __name__ == "__main__":
    main()
