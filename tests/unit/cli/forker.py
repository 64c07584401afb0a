"""Starts commands on terminals that it is handed: the program is loaded once, then forked.

``python forker.py DESCRIPTOR``: over that socket come a terminal and, as JSON, the words, the
environment and the folder of a command; its process id goes back, then its exit code.
"""

import fcntl
import json
import os
import socket
import sys
import termios
from functools import partial
from typing import Any

import av  # noqa: F401 - loaded once for all
import PIL.Image  # noqa: F401 - the same

from dashscope_aa import Client, Schedule
from dashscope_aa.__main__ import main
from dashscope_aa.cli import _run

# Asks sooner than anybody would wait.
vars(_run)["Client"] = partial(Client, schedule=Schedule(first_s=0.02, cap_s=0.1))


def serve(link: socket.socket) -> None:
    """Start one command after the other until nobody asks any more."""
    while True:
        message, terminals, _, _ = socket.recv_fds(link, 65536, 1)
        if not message:
            return
        child = os.fork()
        if child == 0:
            os._exit(become(json.loads(message), terminals[0]))
        os.close(terminals[0])
        link.send(str(child).encode())
        _, status = os.waitpid(child, 0)
        link.send(str(os.waitstatus_to_exitcode(status)).encode())


def become(job: dict[str, Any], terminal: int) -> int:
    """Be the command, with the terminal as its own; give its exit code."""
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for standard in range(3):
        os.dup2(terminal, standard)
    os.environ.clear()
    os.environ.update(job["environment"])
    os.chdir(job["folder"])
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", 1, encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding="utf-8", closefd=False)
    sys.argv = ["dashscope-aa", *job["words"]]
    try:
        main()
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
