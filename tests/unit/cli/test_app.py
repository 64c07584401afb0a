"""The command line as a whole: help a newcomer understands, versions, completion, no key."""

import os
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from dashscope_aa import __version__
from dashscope_aa.cli import app

COMMANDS = {
    "add-sound",
    "animate",
    "batch",
    "check",
    "convert",
    "detect",
    "doctor",
    "download",
    "emulator",
    "ledger",
    "mix",
    "move",
    "synthesize",
    "tasks",
}
LOCAL = {"add-sound", "check", "convert"}
"""What needs no key, and so has no use for a region."""

WHOLE: Any = typer.main.get_command(app)


def commands(group: Any = WHOLE, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give every command with its full name."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{name} ")
        else:
            yield f"{prefix}{name}", command


ALL = [pytest.param(name, command, id=name) for name, command in commands()]


def test_version(cli: Any) -> None:
    done = cli("--version")
    assert (done.exit_code, done.stdout) == (0, f"dashscope-aa {__version__}\n")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        pytest.param("dashscope-aa an", ["animate"], id="a command"),
        pytest.param("dashscope-aa tasks w", ["wait"], id="a command of a group"),
        pytest.param("dashscope-aa animate --eng", ["--engine"], id="an option"),
        pytest.param("dashscope-aa animate --engine wan", ["wan-std", "wan-pro"], id="a word"),
    ],
)
def test_the_shell_completes(shell: Any, typed: str, offered: list[str]) -> None:
    words = typed.split()
    typing = {"COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1)}
    asked = os.environ | typing | {"_DASHSCOPE_AA_COMPLETE": "complete_bash"}
    assert shell.run(env=asked).stdout.split() == offered


def test_help_names_every_command(cli: Any) -> None:
    done = cli("--help")
    assert done.exit_code == 0
    assert [name for name in COMMANDS if f" {name} " not in done.stdout] == []
    assert "--install-completion" in done.stdout


@pytest.mark.parametrize(("name", "command"), ALL)
def test_help(cli: Any, name: str, command: Any) -> None:
    done = cli(*name.split(), "-h")
    assert done.exit_code == 0
    assert f"Example: dashscope-aa {name}" in done.stdout
    assert "\x1b" not in done.stdout
    assert command.help
    assert all(parameter.help for parameter in command.params)


@pytest.mark.parametrize(("name", "command"), ALL)
def test_examples_are_understood(name: str, command: Any) -> None:
    example = command.epilog.removeprefix(f"Example: dashscope-aa {name}")
    command.make_context(name, shlex.split(example))


@pytest.mark.parametrize(("name", "command"), ALL)
def test_no_option_takes_a_key(name: str, command: Any) -> None:
    options = [word for parameter in command.params for word in parameter.opts]
    assert [word for word in options if "key" in word or "secret" in word] == []


@pytest.mark.parametrize(("name", "command"), ALL)
def test_all_that_ask_the_service_have_the_same_options(name: str, command: Any) -> None:
    options = {word for parameter in command.params for word in parameter.opts}
    where = options & {"--region", "--workspace", "--base-url"}
    assert len(where) == (0 if name in LOCAL | {"emulator"} else 3)
    assert name == "emulator" or options >= {"--json", "--quiet"}
