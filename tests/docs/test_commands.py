"""What the documentation says to type is understood, and its list of jobs can be read."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from dashscope_aa.cli import app
from dashscope_aa.cli._jobs import COLUMNS, read_rows

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guides").glob("*.md"))]
COMMAND = re.compile(r"^\$ dashscope-aa ((?:.*\\\n)*.*)$", re.MULTILINE)
TYPED = [
    pytest.param(line, id=f"{page.stem}: {line.splitlines()[0]}")
    for page in PAGES
    for line in COMMAND.findall(page.read_text(encoding="utf-8"))
]
GUIDE = ROOT / "docs" / "guides" / "batch.md"


@pytest.mark.parametrize("line", TYPED)
def test_a_command_is_understood(line: str) -> None:
    words = shlex.split(line.replace("\\\n", " "))
    if words == ["--help"]:
        return
    whole: Any = typer.main.get_command(app)
    context = whole.make_context("dashscope-aa", words)
    name, command, rest = whole.resolve_command(context, words)
    while hasattr(command, "commands"):
        inner = command.make_context(name, rest, parent=context)
        name, command, rest = command.resolve_command(inner, [*inner._protected_args, *inner.args])
    command.make_context(name, rest, parent=context)


def test_the_list_of_the_guide(tmp_path: Path) -> None:
    (listed,) = re.findall(r"(?ms)^```text\n(image,.*?)^```", GUIDE.read_text("utf-8"))
    (tmp_path / "jobs.csv").write_text(listed)
    rows = read_rows(tmp_path / "jobs.csv", engine="animate-anyone")
    assert [row.output for row in rows] == ["anna.mp4", "bert.mp4", "anna-walks.mp4"]
    assert rows[0].image == str(tmp_path / "anna.jpg")


def test_the_guide_names_every_column() -> None:
    named = re.findall(r"`(\w+)`", GUIDE.read_text("utf-8"))
    assert [column for column in COLUMNS if column not in named] == []
