"""What a run needs around it: a picture, a clip, the service, and clients in programs of their own.

The service is the emulator on its socket; only the films it would make are copies of the clip.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.video.frame import VideoFrame
from PIL import Image

from dashscope_aa import AnimateAnyone, Engine, WanAnimate
from dashscope_aa.emulator import Emulator, Operation
from dashscope_aa.emulator._checks import Order
from dashscope_aa.emulator._work import Studio

ROOT = Path(__file__).parents[2]
SIZE_PX = (240, 320)
ENGINES: dict[Operation, Engine] = {
    "synthesis": AnimateAnyone(),
    "move": WanAnimate(mode="wan-std"),
    "mix": WanAnimate(mode="wan-std", kind="mix"),
}
"""What makes the video, by the call that does it."""


def make_picture(path: Path, *, number: int = 0) -> Path:
    """Make a picture that every model takes; another number gives another."""
    noise = Image.effect_noise(SIZE_PX, 90).convert("RGB")
    noise.putpixel((0, 0), (number % 256, number // 256, 0))
    noise.save(path)
    return path


def make_clip(path: Path, *, number: int = 0) -> Path:
    """Film 2 s of a picture that stands still; another number gives another."""
    still = Image.effect_noise(SIZE_PX, 60).convert("RGB")
    still.paste((40 * number % 256, 90, 160), (0, 0, 40, 40))
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", Fraction(24), {"preset": "ultrafast"})
        stream.width, stream.height = SIZE_PX
        stream.pix_fmt = "yuv420p"
        for _ in range(48):
            frame = VideoFrame.from_image(still)  # type: ignore[no-untyped-call] # untyped in PyAV
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    return path


@contextmanager
def service(**switches: Any) -> Iterator[Emulator]:
    """Run the emulator, without limits on how often, and without making films."""
    render = Studio._render  # which may be replaced already
    Studio._render = _copied  # type: ignore[method-assign] # for as long as it runs
    try:
        limits = {"queries_per_s": None, "submits_per_s": None, "policies_per_s": None}
        with Emulator(**{**limits, **switches}) as emulator:
            yield emulator
    finally:
        Studio._render = render  # type: ignore[method-assign] # as it was


def _copied(self: Studio, order: Order, image: Path, clip: Path, target: Path) -> float:
    """Stand in for the making of a film, which takes the most time and is no matter here."""
    shutil.copyfile(clip, target)
    return 2.0


# ── programs that can be killed ──────────────────────────────────────────────────────────


class Nursery:
    """Starts clients in processes of their own: forked, since an import takes half a second.

    ``with Nursery() as start: child = start(job, target=…)``
    """

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.faults.child"]
        self._parent = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._parent.communicate(timeout=60)

    def start(self, job: str, **facts: Any) -> int:
        """Start a job of `child`; give its process id."""
        assert self._parent.stdin is not None
        self._parent.stdin.write(json.dumps({"job": job, **facts}) + "\n")
        self._parent.stdin.flush()
        return int(self._line())

    def ended(self) -> int:
        """Wait for its end; give what `os.waitstatus_to_exitcode` says: −9 for a kill."""
        return int(self._line())

    def run(self, job: str, **facts: Any) -> int:
        """Start a job and wait for its end."""
        self.start(job, **facts)
        return self.ended()

    def _line(self) -> str:
        assert self._parent.stdout is not None
        return self._parent.stdout.readline()


def paid(emulator: Emulator, operation: Operation, *, since: int = 0) -> int:
    """Count what was accepted and will be billed; *since* is a number of requests to leave out."""
    if operation == "detect":
        asked: Sequence[Any] = emulator.requests[since:]
        return sum(it.operation == "detect" and it.status == 200 for it in asked)
    return sum(task.operation == operation for task in emulator.tasks)
