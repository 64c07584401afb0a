"""The arguments and options that several commands share, each told once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from dashscope_aa._engines import Engine, engine_named
from dashscope_aa.models import VideoRatio, WanMode

HOW_PANEL: Final = "Where and how"

Purpose = Literal["animate-anyone", "wan", "wan-std", "wan-pro"]
"""What media are for: a family of models, or one of the names of engines."""

Image = Annotated[
    str,
    typer.Argument(
        metavar="IMAGE", help="A picture of one person: a file, or an http, https or oss URL."
    ),
]
Video = Annotated[
    str,
    typer.Argument(
        metavar="VIDEO", help="A clip of one person moving: a file, or an http, https or oss URL."
    ),
]
Output = Annotated[
    Path,
    typer.Option("--output", "-o", help="The video to write; a file of that name is replaced."),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        min=0,
        metavar="SECONDS",
        help="How long to wait for each task; 4 hours unless told. The task itself goes on.",
    ),
]
NoWait = Annotated[
    bool,
    typer.Option(
        "--no-wait",
        help="Stop once the task is accepted, and print its token for `tasks wait`.",
    ),
]
UseRefImgBg = Annotated[
    bool,
    typer.Option(
        "--use-ref-img-bg", help="Keep the picture's background, not the clip's (animate-anyone)."
    ),
]
Ratio = Annotated[
    VideoRatio | None,
    typer.Option(
        "--video-ratio", help="Shape of the video, with --use-ref-img-bg only (animate-anyone)."
    ),
]
Mode = Annotated[WanMode, typer.Option(help="Quality and price.")]
NoCheckImage = Annotated[
    bool,
    typer.Option(
        "--no-check-image", help="Skip the service's check: for drawn characters (wan engines)."
    ),
]
Watermark = Annotated[
    bool,
    typer.Option("--watermark", help="Have the service's mark put on the video (wan engines)."),
]
For = Annotated[
    Purpose,
    typer.Option(
        "--for",
        envvar="DASHSCOPE_AA_ENGINE",
        help="What it is for; all wan engines have the same limits.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace a file of that name.")]
MaxCost = Annotated[
    float | None,
    typer.Option(
        "--max-cost",
        min=0,
        metavar="CNY",
        help="Refuse to begin if it is expected to cost more, or nobody can say.",
    ),
]
EngineName = Literal["animate-anyone", "wan-std", "wan-pro"]


def engine_for(purpose: Purpose) -> Engine:
    """Give the engine whose limits count."""
    return engine_named("wan-std" if purpose == "wan" else purpose)


@dataclass(frozen=True, kw_only=True)
class Voice:
    """What every command takes: how it says what happens."""

    json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print one JSON object a line, for programs.", rich_help_panel=HOW_PANEL
        ),
    ] = False
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", help="Print what came of it, and no more.", rich_help_panel=HOW_PANEL
        ),
    ] = False


@dataclass(frozen=True, kw_only=True)
class Options(Voice):
    """What every command that talks to the service takes, besides what is its own.

    There is no option for the API key: command lines can be read by every user of a machine.
    """

    region: Annotated[
        str,
        typer.Option(
            help="Region of the key: cn-beijing or ap-southeast-1.", rich_help_panel=HOW_PANEL
        ),
    ] = "cn-beijing"
    workspace: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Workspace to work in.", rich_help_panel=HOW_PANEL),
    ] = None
    base_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where the service is; else DASHSCOPE_HTTP_BASE_URL, else the region's gateway.",
            rich_help_panel=HOW_PANEL,
        ),
    ] = None

    ledger: Annotated[
        Path | None,
        typer.Option(
            envvar="DASHSCOPE_AA_LEDGER",
            help="An SQLite file that holds what was paid for; made when it is not there. With it "
            "nothing is lost or paid twice, whatever happens.",
            rich_help_panel=HOW_PANEL,
        ),
    ] = None

    def where(self) -> list[str]:
        """Give the options that say where the service and the ledger are, as they were given."""
        return [
            word
            for name in ("region", "workspace", "base_url", "ledger")
            if (value := getattr(self, name)) != getattr(Options, name)
            for word in (f"--{name.replace('_', '-')}", str(value))
        ]

    def place(self) -> dict[str, Any]:
        """Give the arguments that say where the service is."""
        return {name: getattr(self, name) for name in ("region", "workspace", "base_url")}

    def settings(self) -> dict[str, Any]:
        """Give the arguments of `Client`."""
        return {**self.place(), "ledger": self.ledger}


@dataclass(frozen=True, kw_only=True)
class Paid(Options):
    """What every command that pays for something takes, besides what is its own."""

    exclusive_account: Annotated[
        bool,
        typer.Option(
            "--exclusive-account",
            help="Your word that nothing else submits to these models with this account: then a "
            "paid request whose answer was lost is settled by itself.",
            rich_help_panel=HOW_PANEL,
        ),
    ] = False

    def settings(self) -> dict[str, Any]:
        """Give the arguments of `Client`."""
        return {**super().settings(), "exclusive_account": self.exclusive_account}
