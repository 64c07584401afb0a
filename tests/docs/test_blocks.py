"""The programs in the documentation run as they are printed there, and print what it says.

Blocks of a page marked ``<!-- run: NAME -->`` make up the program NAME, together if there are
several; ``await`` may stand outside of functions, as in a notebook. What ``<!-- prints: NAME -->``
marks is all it prints. A NAME that ends in ``.sh`` is what is typed after each ``$``.
"""

import ast
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from dashscope_aa import MediaFile, errors
from dashscope_aa.emulator import Emulator
from dashscope_aa.errors import UploadError

DOCS = Path(__file__).parents[2] / "docs"
BARE = {"keys.py", "regions.py"}
"""Programs that show what a client makes of its surroundings; they send nothing."""
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if "_build" not in page.parts]
MARKED = re.compile(r"<!-- (run|prints): (\S+) -->\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Program:
    """A program of a page."""

    page: Path
    name: str
    code: str
    prints: str

    def compiled(self) -> CodeType:
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code: CodeType = compile(self.code, self.page, "exec", flags=flags, dont_inherit=True)
        return code

    @property
    def kind(self) -> str:
        """What it takes to run it."""
        if self.name.startswith("test_"):
            return "tests"
        if self.name.endswith(".sh"):
            return "commands"
        if "from dashscope import" in self.code:
            return "official"  # tests/official runs it, with the package that it needs
        if self.name in BARE:
            return "bare"
        awaits = self.compiled().co_flags & inspect.CO_COROUTINE
        return "awaits" if awaits else "plain"


def programs_of(page: Path) -> Iterator[Program]:
    """Give the programs of a page, each line where it stands in the page."""
    text = page.read_text(encoding="utf-8")
    blocks = list(MARKED.finditer(text))
    for name in dict.fromkeys(block[2] for block in blocks):
        code, prints = "", ""
        for block in blocks:
            if block[2] == name and block[1] == "run":
                code += "\n" * (text.count("\n", 0, block.start(3)) - code.count("\n")) + block[3]
            elif block[2] == name:
                prints += block[3]
        yield Program(page, name, code, prints)


PROGRAMS = [program for page in PAGES for program in programs_of(page)]


def programs(kind: str) -> pytest.MarkDecorator:
    """Have a test run every program of a kind."""
    chosen = [pytest.param(each, id=each.name) for each in PROGRAMS if each.kind == kind]
    return pytest.mark.parametrize("program", chosen)


async def run(program: Program) -> None:
    """Run a program that awaits."""
    await eval(program.compiled(), {"__name__": "__main__"})  # noqa: S307 - it stands in the documentation


def check_output(program: Program, said: str) -> None:
    """Compare what a program said with what its page says."""
    if program.prints:
        assert said == program.prints


@pytest.mark.anyio
@pytest.mark.usefixtures("surroundings", "bucket")
@programs("awaits")
async def test_program(
    program: Program, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    await run(program)
    check_output(program, capsys.readouterr().out)
    assert emulator.leaks == []


@pytest.mark.usefixtures("surroundings")
@programs("plain")
def test_whole_program(
    program: Program, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(program.compiled(), {"__name__": "__main__"})  # noqa: S102 - it stands in the documentation
    check_output(program, capsys.readouterr().out)
    assert emulator.leaks == []


@pytest.mark.anyio
@pytest.mark.usefixtures("bare")
@programs("bare")
async def test_program_that_sends_nothing(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = eval(program.compiled(), {"__name__": "__main__"})  # noqa: S307 - it stands in the documentation
    if inspect.isawaitable(ran):
        await ran
    check_output(program, capsys.readouterr().out)


@pytest.mark.usefixtures("surroundings")
@programs("commands")
def test_commands(program: Program, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = re.findall(r"^\$ ((?:.*\\\n)*.*)$", program.code, re.MULTILINE)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    command = ["bash", "-e", "-c", "\n".join(typed)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    check_output(program, ran.stdout)
    assert typed
    assert emulator.leaks == []


@programs("tests")
def test_tests(program: Program, folder: Path) -> None:
    (folder / program.name).write_text(program.code)
    command = [sys.executable, "-m", "pytest", "-W", "error"]
    command += ["-p", "no:cacheprovider", "-p", "no:asyncio"]  # with nothing but anyio's plugin
    ran = subprocess.run([*command, program.name], check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
    assert f"{program.code.count('def test_')} passed" in ran.stdout


# ── what single pages promise ────────────────────────────────────────────────────────────


def program_named(name: str) -> Program:
    return next(program for program in PROGRAMS if program.name == name)


def defined(program: Program) -> dict[str, Any]:
    """Give what a program imports and defines, and do nothing else of it."""
    tree = ast.parse(program.code)
    kept = ast.Import | ast.ImportFrom | ast.ClassDef | ast.AsyncFunctionDef
    tree.body = [node for node in tree.body if isinstance(node, kept)]
    namespace: dict[str, Any] = {}
    exec(compile(tree, program.page, "exec"), namespace)  # noqa: S102 - as above
    return namespace


@pytest.mark.anyio
@pytest.mark.usefixtures("surroundings")
async def test_recipe_of_a_bucket(bucket: Any, folder: Path) -> None:
    await run(program_named("uploads.py"))
    files = {(folder / name).read_bytes() for name in ("portrait.jpg", "dance.mp4")}
    assert set(bucket.objects.values()) == files
    assert {Path(key).suffix for key in bucket.objects} == {".jpg", ".mp4"}


@pytest.mark.anyio
@pytest.mark.usefixtures("surroundings")
@pytest.mark.parametrize(
    ("status", "says"),
    [
        pytest.param(403, "the bucket refused the file", id="the bucket says no"),
        pytest.param(None, "the bucket did not answer: ConnectError", id="nobody is there"),
    ],
)
async def test_recipe_tells_no_secret(
    bucket: Any, folder: Path, status: int | None, says: str
) -> None:
    recipe = defined(program_named("uploads.py"))["Bucket"]
    url = bucket.sign("GET" if status else "PUT", "dashscope/file.jpg")  # GET: may not be written
    at_home = url if status else "http://127.0.0.1:9/dashscope/file.jpg?Signature=" + url[-64:]
    uploader = recipe(lambda _method, _key: at_home)
    picture = folder / "portrait.jpg"
    with pytest.raises(UploadError) as caught:
        await uploader(MediaFile(picture, ".jpg", picture.stat().st_size), model="any")
    await uploader.aclose()
    assert (caught.value.message, caught.value.http_status) == (says, status)
    assert "Signature" not in str(caught.value)


def test_tree_of_errors() -> None:
    page = (DOCS / "guides" / "errors.md").read_text(encoding="utf-8")
    tree = re.search(
        r"^DashScopeError\n.*?(?=\n\n)", inspect.getdoc(errors) or "", re.MULTILINE | re.DOTALL
    )
    assert tree is not None
    assert f"```text\n{tree[0]}\n```" in page


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in PAGES])
def test_every_program_is_run(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    marks = len(re.findall(r"^<!-- run: \S+ -->\n```python$", text, re.MULTILINE))
    assert text.count("```python") == marks
