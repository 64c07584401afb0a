"""The command line: `app`, and one module a command.

A new command is a new module with a function marked by `_app.command`, and a line below.
Exit codes are a table in `_run`; what is said, and in which form, is decided in `_show`.
"""

from dashscope_aa.cli import (
    animate,
    batch,
    check,
    convert,
    detect,
    doctor,
    download,
    emulator,
    ledger,
    sound,
    synthesize,
    tasks,
    template,
    upload,
    wan,
)
from dashscope_aa.cli._app import app

__all__ = [
    "animate",
    "app",
    "batch",
    "check",
    "convert",
    "detect",
    "doctor",
    "download",
    "emulator",
    "ledger",
    "sound",
    "synthesize",
    "tasks",
    "template",
    "upload",
    "wan",
]
