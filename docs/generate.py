"""Write the reference pages that come from tables in the code, so that nobody writes them twice.

Without arguments the pages are written. With --check nothing is, and a page that is not what it
should be is an error.
"""

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, groupby, starmap
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import openapi
import schemas
import typer
from typer.models import ArgumentInfo, CommandInfo, OptionInfo

from dashscope_aa import AnimateAnyone, errors
from dashscope_aa._endpoints import ENDPOINTS, REGIONS, RETIREMENTS
from dashscope_aa.cli import app
from dashscope_aa.cli._options import HOW_PANEL, Options, Paid, Voice
from dashscope_aa.cli._run import EXIT_CODES, INTERRUPTED
from dashscope_aa.codes import CODES, Code
from dashscope_aa.media import ImageFacts, Rule, VideoFacts
from dashscope_aa.media._facts import Content, FirstFrame
from dashscope_aa.media._judging.findings import Advice, Setting
from dashscope_aa.media._judging.rules import IMAGE_TABLES, VIDEO_TABLES
from dashscope_aa.media._judging.rules_content import FIRST_FRAME_RULES, content_findings
from dashscope_aa.media._judging.table import Table

REFERENCE = Path(__file__).with_name("reference")
NOTE = "<!-- Written by scripts/generate from {table}. Change the table, not this page. -->"


# ── Markdown ─────────────────────────────────────────────────────────────────────────────


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Give the lines of a table."""
    titles = list(head)
    yield from ("| " + " | ".join(cells) + " |" for cells in (titles, ["---"] * len(titles), *rows))


def words(text: str) -> str:
    """Make a text safe to stand in a cell."""
    return text.replace("|", r"\|").replace("<", r"\<").replace("*", r"\*")


def code(text: str) -> str:
    """Make a text stand in a cell letter by letter."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text.replace('|', chr(92) + '|')}{fence}" if text else "–"


# ── pages ────────────────────────────────────────────────────────────────────────────────


def codes_page() -> Iterator[str]:
    """Give the page of error codes."""
    yield NOTE.format(table="dashscope_aa.codes.CODES")
    yield "# Error codes\n"
    yield "Every code that the service's documents print, by the exception it becomes."
    yield "A code that is not listed is taken for its dotted prefix, then for its HTTP status."
    yield "*HTTP* is the status of the answer; a task that fails says its code in an answer 200."
    yield "*Again* says whether the same request may be sent again.\n"
    order = list(errors.__all__)
    rows = sorted(CODES.values(), key=lambda row: order.index(row.error.__name__))
    for name, group in groupby(rows, key=lambda row: row.error.__name__):
        yield f"## {name}\n"
        yield f"{(inspect.getdoc(getattr(errors, name)) or '').splitlines()[0]}\n"
        cells = (line for row in group for line in code_rows(row))
        yield from table(("Code", "HTTP", "What it means", "What to do", "Again"), cells)
        yield ""
    yield "## In the service's own words\n"
    texts = (
        (code(row.name), "<br>".join(map(code, row.messages)), ", ".join(row.scopes), row.source)
        for row in CODES.values()
    )
    yield from table(("Code", "Messages", "Printed for", "Source"), texts)


def code_rows(row: Code) -> Iterator[tuple[str, ...]]:
    """Give the cells of one code: the careful reading first, then what some messages change."""
    status = "–" if row.http_status is None else str(row.http_status)
    names = ", ".join(map(code, (row.name, *row.aliases)))
    yield names, status, words(row.meaning), words(row.action), row.retry
    for other in row.refinements:
        error = f"`{other.error.__name__}`: " if other.error else ""
        said = " or ".join(f"“{words(text)}”" for text in other.says)
        meaning = error + words(other.meaning or row.meaning)
        action = words(other.action or row.action)
        yield f"– if it says {said}", status, meaning, action, other.retry or row.retry


def endpoints_page() -> Iterator[str]:
    """Give the page of endpoints, models and gateways."""
    yield NOTE.format(table="dashscope_aa._endpoints")
    yield "# Endpoints, models and gateways\n"
    yield "Paths follow the base URL, which ends in `/api/v1`. A call that starts a task is sent"
    yield "with `X-DashScope-Async: enable`. Source keys: [](../explanation/sources.md).\n"
    calls = (
        (
            row.name,
            code(f"{row.method} {row.path}"),
            code(row.model),
            "yes" if row.asynchronous else "no",
            "yes" if row.paid else "no",
            row.source,
        )
        for row in ENDPOINTS
    )
    yield from table(("Call", "Request", "Model", "Starts a task", "Paid", "Source"), calls)
    yield "\n## Models listed for retirement\n"
    going = ((code(model), f"{row.on}", row.successor) for model, row in RETIREMENTS.items())
    yield from table(("Model", "Inference stops (00:00, UTC+8)", "What does its work"), going)
    yield "\n## Gateways\n"
    gateways = (
        (
            row.name,
            code(row.shared_host or ""),
            code(f"{{workspace}}{row.workspace_suffix}" if row.workspace_suffix else ""),
            ", ".join(sorted(row.families)) or "–",
        )
        for row in REGIONS
    )
    yield from table(("Region", "Shared host", "Host of a workspace", "Families"), gateways)


# ── the page of media rules ──────────────────────────────────────────────────────────────

PICTURE = ImageFacts(format="jpeg", size_bytes=1, width_px=900, height_px=900)
CLIP = VideoFacts(
    size_bytes=1,
    width_px=900,
    height_px=900,
    fps=24,
    duration_s=9,
    frames=216,
    coded_width_px=900,
    coded_height_px=900,
    audio_codec="aac",
)
CUT = Content(cuts_s=(4,), first=FirstFrame(brightness=255, contrast=99, sharpness=99))
SETTINGS = tuple(
    Setting(engine=engine, bodystyle="half", from_url=True)
    for engine in (AnimateAnyone(use_ref_img_bg=True), AnimateAnyone(video_ratio="3:4"))
)
"""With these facts and settings, every row of advice has something to say."""

RULES_HEAD = ("Rule", "Severity", "What is asked", "Service's code", "What to do", "Source")
RULES_WORDS = """\
What `media.preflight` and `animate()` look for, one table for each use of a picture or clip. An
*error* breaks a documented limit: the service would refuse the file, and nothing is sent. A
*warning* or *advice* never blocks. Of several rows about one quantity only the hardest speaks.

"`convert` mends it" means that `media.convert` and `animate()` do so without being asked; the rest
is done on request, or not at all. In pictures they mend what only deserves a warning, too.
[](../guides/mending.md) says more. Source keys: [](../explanation/sources.md).
"""


def rules_page() -> Iterator[str]:
    """Give the page of media rules."""
    yield NOTE.format(table="the tables of dashscope_aa.media")
    yield "# Rules for pictures and clips\n"
    yield RULES_WORDS
    for pictures in IMAGE_TABLES.values():
        yield from rules_section(pictures, PICTURE)
    for clips in VIDEO_TABLES.values():
        yield from rules_section(clips, CLIP)
    yield "## What a clip shows\n"
    yield "Looked for by `check_content`, and by `preflight` with `content=True`, in clips for"
    yield "AnimateAnyone. Of the rows about the first frame only the first that is broken speaks.\n"
    yield from table(RULES_HEAD, content_rows())


def rules_section(rules: Table[Any], facts: ImageFacts | VideoFacts) -> Iterator[str]:
    """Give the table of one use: what cannot be read, the rules, the advice."""
    yield f"## {rules.role[0].upper()}{rules.role[1:]}\n"
    asked = "file must be readable"
    unreadable = (rules.unreadable, "error", asked, code(rules.open_code), "–", "ERR")
    advice = (advice_row(row, facts) for row in rules.advice)
    yield from table(RULES_HEAD, chain([unreadable], map(rule_row, rules.rules), advice))
    yield ""


def rule_row(row: Rule[Any]) -> tuple[str, ...]:
    """Give the cells of a rule with a limit."""
    asked, service = words(row.requirement), code(row.service_code or "")
    action = words(row.hint) or "`convert` mends it."
    if row.hint_below:
        action = f"If above: {action} If below: {words(row.hint_below)}"
    return row.code, row.severity.value, asked, service, action, row.source


def advice_row(row: Advice[Any], facts: ImageFacts | VideoFacts) -> tuple[str, ...]:
    """Give the cells of a rule that depends on more, with an example of what it says."""
    said = next(filter(None, (row.notice(facts, setting) for setting in SETTINGS)))
    asked = f"{row.quantity}, such as: {words(said)}"
    return row.code, row.severity.value, asked, "–", words(row.hint) or "–", row.source


def content_rows() -> Iterator[tuple[str, ...]]:
    """Give the rows about what a clip shows; that about cuts comes from an example."""
    for found in content_findings(CUT, CLIP, duration=None):
        asked = f"{found.quantity} should be {found.limit}"
        yield found.code, found.severity.value, asked, "–", words(found.hint), found.source
    yield from map(rule_row, FIRST_FRAME_RULES)


# ── the page of the command line ─────────────────────────────────────────────────────────

CLI_WORDS = """\
Needs `pip install 'dashscope-aa[cli]'`. `dashscope-aa COMMAND --help` says the same as this page.
The key is read from the environment or from files, never from the command line, which every user of
a machine can read. `dashscope-aa --install-completion` has your shell complete commands and
options.
"""
OPTION_HEAD = ("Option", "What it does", "If left out")
VALUES = {str: "TEXT", int: "NUMBER", float: "NUMBER", Path: "PATH", bool: ""}


def cli_page() -> Iterator[str]:
    """Give the page of the command line."""
    yield NOTE.format(table="dashscope_aa.cli")
    yield "# Command line\n"
    yield CLI_WORDS
    yield from chain.from_iterable(starmap(command_section, commands(app)))
    voice, service, paid = (inspect.signature(it, eval_str=True).parameters for it in SHARED)
    yield "## Options of all commands\n\nBut not of `emulator`:\n"
    yield from table(OPTION_HEAD, map(option_row, voice.values()))
    yield "\nCommands that ask something of the service take these as well:\n"
    more = (option_row(service[name]) for name in service if name not in voice)
    yield from table(OPTION_HEAD, more)
    yield "\nCommands that pay for something take this, too:\n"
    last = (option_row(paid[name]) for name in paid if name not in service)
    yield from table(OPTION_HEAD, last)
    yield "\n## Exit codes\n"
    yield from table(("Exit code", "After"), exit_rows())


SHARED = (Voice, Options, Paid)


def commands(group: typer.Typer, prefix: str = "") -> Iterator[tuple[str, CommandInfo]]:
    """Give every command with its full name."""
    for info in group.registered_commands:
        function = getattr(info.callback, "__name__", "")
        yield f"{prefix}{info.name or function.replace('_', '-')}", info
    for added in group.registered_groups:
        if added.typer_instance is not None:
            yield from commands(added.typer_instance, f"{prefix}{added.name} ")


def command_section(name: str, info: CommandInfo) -> Iterator[str]:
    """Give what there is to say about one command."""
    signature = inspect.signature(info.callback or print, eval_str=True)
    own = [
        each for each in signature.parameters.values() if about(each).rich_help_panel != HOW_PANEL
    ]
    arguments = [each for each in own if isinstance(about(each), ArgumentInfo)]
    options = [each for each in own if isinstance(about(each), OptionInfo)]
    usage = " ".join([name, *(str(about(each).metavar) for each in arguments), "[OPTIONS]"])
    example = str(info.epilog).removeprefix("Example: ")
    yield f"## {name}\n\n{info.help}\n"
    yield f"```console\n$ dashscope-aa {usage}\n$ {example}\n```\n"
    if arguments:
        rows = ((code(str(about(each).metavar)), meaning(each)) for each in arguments)
        yield from table(("Argument", "What it is"), rows)
        yield ""
    if options:
        yield from table(OPTION_HEAD, map(option_row, options))
        yield ""


def about(parameter: inspect.Parameter) -> ArgumentInfo | OptionInfo:
    """Give what the command line knows about a parameter."""
    info: ArgumentInfo | OptionInfo = get_args(parameter.annotation)[1]
    return info


def meaning(parameter: inspect.Parameter) -> str:
    """Say what a parameter is for."""
    return words(about(parameter).help or "")


def option_row(parameter: inspect.Parameter) -> tuple[str, str, str]:
    """Give the cells of one option."""
    info = about(parameter)
    said = [name for name in (info.default, *(info.param_decls or ())) if isinstance(name, str)]
    flags = ", ".join(map(code, said or [f"--{parameter.name.replace('_', '-')}"]))
    value = info.metavar or values(get_args(parameter.annotation)[0])
    return f"{flags} {value}".strip(), meaning(parameter), fallback(parameter)


def values(kind: Any) -> str:  # noqa: ANN401 - an annotation is anything
    """Say what may follow an option: its words, or what kind of thing it is."""
    parts = [part for part in get_args(kind) if part is not NoneType]
    if get_origin(kind) is Literal:
        return " or ".join(map(code, parts))
    return VALUES[kind] if kind in VALUES else values(parts[0])


def fallback(parameter: inspect.Parameter) -> str:
    """Say what counts where an option is left out."""
    if parameter.default is parameter.empty:
        return "required"
    silent = parameter.default is None or parameter.default is False
    default = "–" if silent else code(str(parameter.default))
    variable = about(parameter).envvar
    return f"`{variable}`, else {default}" if variable else default


def exit_rows() -> Iterator[tuple[str, str]]:
    """Give the cells of the exit codes."""
    yield "0", "everything is done"
    for number in sorted({number for _, number in EXIT_CODES}):
        kinds = (kind.__name__ for kind, its_number in EXIT_CODES if its_number == number)
        yield str(number), ", ".join(map(code, kinds))
    yield str(INTERRUPTED), "an interruption by Ctrl-C"


def schema_page() -> Iterator[str]:
    """Give the page of schemas."""
    yield NOTE.format(table="dashscope_aa.models")
    yield from schemas.page()


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "cli.md": cli_page,
    "codes.md": codes_page,
    "endpoints.md": endpoints_page,
    "rules.md": rules_page,
    "schema.md": schema_page,
}


def fresh_files() -> dict[Path, str]:
    """Give what every generated file should hold."""
    pages = {name: "\n".join(page()) + "\n" for name, page in PAGES.items()}
    described = {**schemas.schema_files(), "openapi.json": schemas.written(openapi.document())}
    return {REFERENCE / name: text for name, text in {**pages, **described}.items()}


def main() -> int:
    """Write the files, or with --check name those that are stale."""
    fresh = fresh_files()
    stale = [
        path for path, text in fresh.items() if not path.exists() or path.read_text("utf-8") != text
    ]
    left = [path for path in REFERENCE.glob("schema/*") if path not in fresh]  # of former models
    if "--check" in sys.argv[1:]:
        for path in (*stale, *left):
            print(f"{path} is stale: run scripts/generate")
        return 1 if stale or left else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(fresh[path], encoding="utf-8")
        print(f"wrote {path}")
    for path in left:
        path.unlink()
        print(f"removed {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
