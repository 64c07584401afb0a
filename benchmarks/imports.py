"""Family 1: what an import costs, against peers and against the libraries it is built on."""

from functools import partial
from typing import Final

from benchmarks import peers
from benchmarks.pairs import Subject, paired
from benchmarks.results import Chart, Column, Result, bars, missing, table

OURS: Final = "dashscope_aa"
BARE: Final = "httpx, anyio, BaseModel"
MODEL: Final = "httpx, anyio, one model"
STATEMENTS: Final = {
    OURS: (peers.OURS, "import dashscope_aa"),
    BARE: ("floor", "import httpx, anyio; from pydantic import BaseModel"),
    MODEL: (
        "floor",
        """
import httpx, anyio
from pydantic import BaseModel
class Model(BaseModel, defer_build=True):
    field: int = 0
""",
    ),
    "dashscope": ("dashscope", "from dashscope import VideoSynthesis"),
    "dashscope 1.26.2": ("dashscope 1.26.2", "from dashscope import VideoSynthesis"),
    "fal-client": ("fal-client", "from fal_client import AsyncClient"),
    "runwayml": ("runwayml", "from runwayml import AsyncRunwayML"),
    "replicate": ("replicate", "from replicate import Client"),
    "openai": ("openai", "from openai import AsyncOpenAI"),
    "google-genai": ("google-genai", "from google import genai"),
}
CODE: Final = """
import resource, sys, time
def resident_bytes():
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
memory, modules = resident_bytes(), len(sys.modules)
began, used = time.perf_counter(), time.process_time()
{}
wall_s, cpu_s = time.perf_counter() - began, time.process_time() - used
added, modules = resident_bytes() - memory, len(sys.modules) - modules
from benchmarks.subjects.meter import tell
tell(dict(wall_s=wall_s, cpu_s=cpu_s, added_bytes=added, modules=modules))
"""
"""Nothing is loaded before that the packages load themselves."""


def measure(*, quick: bool) -> Result:
    """Import in fresh interpreters whose compiled files are there."""
    subjects = [
        Subject(name, partial(_imported, peer, statement), ours=name == OURS)
        for name, (peer, statement) in STATEMENTS.items()
    ]
    paired(subjects, 1)  # writes the compiled files
    rounds = paired(subjects, 2 if quick else 11)
    columns = [
        Column("time ÷ libraries", "wall_s", BARE),
        Column("time ÷ libraries and a model", "wall_s", MODEL),
        Column("CPU ÷ libraries", "cpu_s", BARE),
        Column("CPU ÷ libraries and a model", "cpu_s", MODEL),
        Column("memory ÷ libraries", "added_bytes", BARE),
        Column("modules", "modules", digits=0),
    ]
    return Result(
        title="Import",
        question="A fresh interpreter imports the package, compiled files at hand. pydantic and "
        "anyio load most of themselves on first use, so the libraries are counted twice: with "
        "`BaseModel` taken out of pydantic, and with one empty model class.",
        tables=[table("One import", rounds, columns)],
        charts=[
            Chart("import", "Time of an import", "× its libraries", bars(rounds, BARE, "wall_s"))
        ],
        notes=missing(rounds),
    )


def _imported(peer: str, statement: str) -> dict[str, float]:
    return peers.ran([peers.python(peer), "-c", CODE.format(statement)])
