"""The command line itself, and how a command becomes part of it.

A command is an async function in a module of its own: its first parameter is the `Session`, the
others are its arguments and options. `command` adds the options every command has, and runs it;
`paid_command` adds those of paying, too. `bare_command` is for what makes a client by itself,
`local_command` for what asks nothing of the service.
"""

import inspect
import re
from collections.abc import Callable, Coroutine
from dataclasses import fields
from functools import partial, wraps
from typing import Annotated, Any, Concatenate, Final, ParamSpec

import typer
from typer.core import TyperCommand, TyperGroup

from dashscope_aa._version import __version__
from dashscope_aa.cli._options import Options, Paid, Voice
from dashscope_aa.cli._run import Bare, Session, run, run_bare, run_here
from dashscope_aa.cli._show import Lines

P = ParamSpec("P")
Work = Callable[Concatenate[Session, P], Coroutine[Any, Any, None]]
BareWork = Callable[Concatenate[Bare, P], Coroutine[Any, Any, None]]
LocalWork = Callable[Concatenate[Lines, P], Coroutine[Any, Any, None]]

MEDIA: Final = "Pictures and clips, without a key"
STEPS: Final = "Single steps"
TASKS: Final = "Tasks and files"
TOOLS: Final = "Trying out"


def _without_types(params: list[Any]) -> list[Any]:
    """Show flags without a type, as they take no value."""
    for each in params:
        if getattr(each, "is_flag", False):
            each.metavar = ""
    return params


class Group(TyperGroup):
    """Commands under one name."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - typer keeps its type to itself
        """Give all options, ``--help`` among them."""
        return _without_types(super().get_params(ctx))


class Command(TyperCommand):
    """One command."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - the same
        """Give all arguments and options, ``--help`` among them."""
        return _without_types(super().get_params(ctx))


app: Final = typer.Typer(
    cls=Group,
    name="dashscope-aa",
    help="A photo of a person and a motion in, a video of that person moving out.\n\n"
    "The key is read from DASHSCOPE_API_KEY or the files where it is usually kept.",
    epilog="Example: dashscope-aa animate portrait.jpg dance.mp4 -o result.mp4 --engine wan-std",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    # Errors that nobody expected keep Python's own traceback, which shows no values.
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        typer.echo(f"dashscope-aa {__version__}")
        raise typer.Exit


@app.callback()
def _whole(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version, and stop."
        ),
    ] = False,
) -> None:
    pass


def command(
    example: str,
    *,
    panel: str | None = None,
    group: typer.Typer = app,
    name: str | None = None,
    shared: type[Options] = Options,
) -> Callable[[Work[P]], Work[P]]:
    """Make an async function a command of *group*, with the options of *shared* added.

    Args:
        example: A command line to show in the help, without the program's name.
        panel: The heading it stands under in the help of the whole.
        group: What it is a command of.
        name: Its name, if not that of the function.
        shared: The options that it takes besides its own.
    """

    def register(work: Work[P]) -> Work[P]:
        _add(work, example, runner=run, shared=shared, panel=panel, group=group, name=name)
        return work

    return register


paid_command: Final = partial(command, shared=Paid)
"""The same for what pays for something."""


def bare_command(
    example: str,
    *,
    panel: str | None = None,
    name: str | None = None,
    shared: type[Options] = Options,
) -> Callable[[BareWork[P]], BareWork[P]]:
    """Make an async function a command that makes its own client. The rest is as above."""

    def register(work: BareWork[P]) -> BareWork[P]:
        _add(work, example, runner=run_bare, shared=shared, panel=panel, group=app, name=name)
        return work

    return register


def local_command(
    example: str, *, panel: str | None = None, name: str | None = None
) -> Callable[[LocalWork[P]], LocalWork[P]]:
    """Make an async function a command that needs neither the service nor a key.

    Its first parameter is not a `Session` but what says what happens. The rest is as above.
    """

    def register(work: LocalWork[P]) -> LocalWork[P]:
        _add(work, example, runner=run_here, shared=Voice, panel=panel, group=app, name=name)
        return work

    return register


def _add(  # noqa: PLR0913 - one argument a fact about the command
    work: Callable[..., Coroutine[Any, Any, None]],
    example: str,
    *,
    runner: Callable[..., None],
    shared: type[Voice],
    panel: str | None,
    group: typer.Typer,
    name: str | None,
) -> None:
    """Add a command that takes the options of *shared* besides its own, and is run by *runner*."""

    @wraps(work)
    def command(**given: Any) -> None:  # noqa: ANN401 - typer has checked them
        common = {field.name: given.pop(field.name) for field in fields(shared)}
        runner(partial(work, **given), shared(**common))

    signature = _with_options(inspect.signature(work, eval_str=True), shared)
    vars(command)["__signature__"] = signature
    command.__annotations__ = {
        parameter.name: parameter.annotation for parameter in signature.parameters.values()
    }
    group.command(
        name,
        cls=Command,
        help=prose(work),
        epilog=f"Example: dashscope-aa {example}",
        rich_help_panel=panel,
    )(command)


def prose(function: Callable[..., object]) -> str:
    """Give a docstring without its line ends, so that it can be wrapped to any width."""
    return re.sub(r"(?<!\n)\n(?!\n)", " ", inspect.getdoc(function) or "")


def _with_options(signature: inspect.Signature, shared: type[Voice]) -> inspect.Signature:
    """Put the shared options in the place of the first parameter."""
    _first, *own = signature.parameters.values()
    common = inspect.signature(shared, eval_str=True).parameters.values()
    keywords = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*own, *common)]
    return inspect.Signature(keywords)
