"""The child process of the fuzzer: makes cases from seeds, looks into each, says how it went."""

import sys
import time
import traceback
from pathlib import Path
from typing import Final

import av  # noqa: F401 - so that its memory is in the baseline
import PIL.Image  # noqa: F401 - the same
from tests.fuzz.damage import case

from dashscope_aa.media._opening.subjects import subject_of
from dashscope_aa.media._probing import image, video  # noqa: F401 - the same
from dashscope_aa.media._probing.look import look

SETTLING: Final = 300
"""Looks after which the memory in use should have settled."""


def memory_bytes(name: str) -> int:
    """Give a number of Linux's: ``VmRSS``, the memory in use, or ``VmHWM``, the most of it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


def forget_peak() -> None:
    """Let ``VmHWM`` start anew."""
    Path("/proc/self/clear_refs").write_text("5")


def main(folder: Path, scratch: Path, seed: int) -> None:
    """Look into one case after the other, from *seed* on, until killed."""
    settled, number = 0, seed
    while True:
        name, data = case(number, folder)
        target = scratch / f"case{Path(name).suffix}"
        target.write_bytes(data)
        forget_peak()
        before = memory_bytes("VmRSS")
        print(f"seed {number} {name}", flush=True)
        began = time.perf_counter()
        try:
            # Every other look goes through a file object, as one at a URL does.
            with subject_of(target if number % 2 else data, checkpoint=lambda: None) as subject:
                found = look(subject, None)
        except Exception:  # noqa: BLE001 - that is what is looked for
            *_, last, what = traceback.format_exc().strip().splitlines()
            print("fault", last.strip(), what, flush=True)
            found = None
        took_s = time.perf_counter() - began
        word = getattr(found, "reason", None) or getattr(found, "kind", "nothing")
        if number == seed + SETTLING:
            settled = memory_bytes("VmRSS")
        grown = memory_bytes("VmRSS") - settled if settled else 0
        taken = memory_bytes("VmHWM") - before
        print(f"done {took_s:.3f} {taken} {grown} {word}", flush=True)
        number += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
