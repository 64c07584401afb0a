"""Where the command line begins: ``dashscope-aa``, or ``python -m dashscope_aa``."""

import io
import sys
from typing import Final

_EXTRA: Final = frozenset({"rich", "typer"})
"""What the ``[cli]`` extra brings along."""


def main() -> None:
    """Run the command line; without its extra, say how to get it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file's name may be no text
    try:
        from dashscope_aa.cli import app  # noqa: PLC0415 - typer and rich may be missing
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in _EXTRA:
            raise
        print("The command line needs: pip install 'dashscope-aa[cli]'", file=sys.stderr)  # noqa: T201 - nothing else is there to say it with
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    app(prog_name="dashscope-aa")


if __name__ == "__main__":
    main()
