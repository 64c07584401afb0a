"""Run the main job with both engines against the emulator: no key, no cost, real files.

Leaves demo.mp4 and demo-wan.mp4 in the working directory. Best run by scripts/demo.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import av

HERE: Final = Path(__file__).parent
COMMAND: Final = (sys.executable, "-m", "dashscope_aa")
FILMS: Final = {"demo.mp4": "animate-anyone", "demo-wan.mp4": "wan-std"}
READY: Final = "Listening on "
MOST_LINES: Final = 8  # of what each command says; the whole demo keeps to 20


@contextmanager
def emulator() -> Iterator[str]:
    """Start the emulator on a free port, give its base URL, and stop it at the end."""
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            [*COMMAND, "emulator", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        ) as process,
    ):
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith(READY):
                process.wait(10)
                complaints.seek(0)
                sys.exit(f"the emulator did not start: {line}{complaints.read()}")
            yield line.removeprefix(READY).strip()
        finally:
            process.terminate()


def animate(output: str, engine: str, environment: dict[str, str]) -> None:
    """Run the command a user would run, and show what it says."""
    files = [str(HERE / "portrait.jpg"), str(HERE / "dance.mp4")]
    began_s = time.monotonic()
    ran = subprocess.run(
        [*COMMAND, "animate", *files, "-o", output, "--engine", engine],
        check=False,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = [line for line in ran.stdout.splitlines() if line.strip()]
    if ran.returncode:
        sys.exit("\n".join(said))
    hidden = len(said) - MOST_LINES
    if hidden > 0:
        said[MOST_LINES // 2 : MOST_LINES // 2 + hidden + 1] = [f"... ({hidden + 1} more lines)"]
    print(f"{engine}: {time.monotonic() - began_s:.1f} s")
    print(*(f"  {line}" for line in said), sep="\n")


def describe(path: str) -> str:
    """Say what is in a film."""
    with av.open(path) as film:
        video, sound = film.streams.video[0], film.streams.best("audio")
        seconds = (film.duration or 0) / av.time_base
        shape = f"{video.codec.name} {video.width} x {video.height}, {video.average_rate} fps"
        heard = f"sound {sound.codec_context.name}" if sound else "no sound"
    return f"{path}: {shape}, {seconds:.2f} s, {heard}"


def main() -> None:
    """Make both films, then say what they are."""
    with emulator() as base_url:
        print(f"the emulator serves {base_url}")
        environment = os.environ | {
            "DASHSCOPE_API_KEY": "sk-emulated",
            "DASHSCOPE_HTTP_BASE_URL": base_url,
            "NO_PROXY": "127.0.0.1",
        }
        for output, engine in FILMS.items():
            Path(output).unlink(missing_ok=True)
            animate(output, engine, environment)
    for output in FILMS:
        print(describe(output))


if __name__ == "__main__":
    main()
