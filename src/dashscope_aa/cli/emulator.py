"""``dashscope-aa emulator``: the service on a port, without a key and for nothing."""

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from dashscope_aa.cli._app import TOOLS, Command, app, prose
from dashscope_aa.cli._options import Options
from dashscope_aa.cli._run import interruptible, reported
from dashscope_aa.cli._show import Lines, say
from dashscope_aa.cli._trail import Trail
from dashscope_aa.errors import ConfigurationError

if TYPE_CHECKING:
    from dashscope_aa.emulator import Emulator

_EXTRA: Final = frozenset({"multipart", "python_multipart", "starlette", "uvicorn"})
_A_WHILE_S: Final = 3600.0
_HOW_TO: Final = """
In another terminal:
  export DASHSCOPE_HTTP_BASE_URL={} DASHSCOPE_API_KEY=sk-emulated
  dashscope-aa animate portrait.jpg dance.mp4
Watch it in a browser, and let things go wrong: {}/
Ctrl-C ends it."""

RetiredAnswer = Literal[
    "AccessDenied", "Endpoint.AccessDenied", "ModelNotFound", "InvalidParameter"
]


def emulator(  # noqa: PLR0913 - one parameter an option
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 0,
    queue_seconds: Annotated[
        float, typer.Option(min=0, help="How long tasks are queued at least.")
    ] = 0.0,
    run_seconds: Annotated[float, typer.Option(min=0, help="How long tasks run at least.")] = 0.05,
    sound: Annotated[
        bool, typer.Option("--sound", help="Give AnimateAnyone's videos the sound of the clip.")
    ] = False,
    retired: Annotated[
        RetiredAnswer | None, typer.Option(help="Refuse AnimateAnyone's models with this answer.")
    ] = None,
) -> None:
    """Play the service: try everything without a key, a network or a bill.

    It checks what it is sent, keeps the service's limits and makes real videos, marked as
    emulated. Any key that begins with sk- will do. Ctrl-C ends it, and it leaves nothing behind.
    """
    with reported(Lines(), Trail(Options())):
        service = _emulator()(
            host=host,
            port=port,
            queue_s=queue_seconds,
            run_s=run_seconds,
            sound=sound,
            retired=retired,
        )
        with suppress(KeyboardInterrupt), interruptible():
            _serve(service)


app.command(
    cls=Command,
    help=prose(emulator),
    epilog="Example: dashscope-aa emulator --port 8000",
    rich_help_panel=TOOLS,
)(emulator)


def _emulator() -> "type[Emulator]":
    """Import the emulator, whose extra may be missing."""
    try:
        from dashscope_aa.emulator import Emulator  # noqa: PLC0415 - as said above
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package not in _EXTRA:
            raise
        msg = f"the emulator needs {package}, which is not installed"
        raise ConfigurationError(msg, hint="pip install 'dashscope-aa[emulator]'") from None
    return Emulator


def _serve(emulator: "Emulator") -> None:
    """Serve until interrupted."""
    try:
        emulator.start()
    except OSError as error:
        msg = f"cannot listen on {emulator.host}, port {emulator.port}: {error.strerror or error}"
        raise ConfigurationError(msg, hint="--port 0 takes a free port.") from None
    try:
        say(f"Listening on {emulator.base_url}")
        if sys.stdout.isatty():
            say(_HOW_TO.format(emulator.base_url, emulator.root_url), file=sys.stderr)
        while True:
            time.sleep(_A_WHILE_S)
    finally:
        emulator.stop()
