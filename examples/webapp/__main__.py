"""Start the app: ``python -m webapp --emulator``, or with a key of the service without it."""

import argparse
import signal
import sqlite3
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

import uvicorn

from dashscope_aa import Client
from dashscope_aa.emulator import Emulator
from dashscope_aa.errors import ConfigurationError

from .app import OWN_HOSTS, create_app
from .jobs import Jobs


class Server(uvicorn.Server):
    """A server that lets go of those who wait for news when it is told to stop."""

    def __init__(self, config: uvicorn.Config, jobs: Jobs) -> None:
        super().__init__(config)
        self._jobs = jobs

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop."""
        self._jobs.dismiss()
        super().handle_exit(sig, frame)


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="webapp", description=__doc__)
    parser.add_argument(
        "--emulator", action="store_true", help="play the service here: no key, no cost"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on")
    parser.add_argument(
        "--exclusive-account",
        action="store_true",
        help="your word that nothing else submits with this account",
    )
    parser.add_argument(
        "--name", action="append", default=[], help="a host name that leads here; repeat for more"
    )
    parser.add_argument(
        "--data", type=Path, default=Path("webapp-data"), help="folder for jobs and their files"
    )
    return parser.parse_args()


def main() -> None:
    """Serve until interrupted."""
    asked = options()
    with ExitStack() as stack:
        try:
            jobs = stack.enter_context(Jobs.opened(asked.data))
            key, base_url = None, None  # they come from DASHSCOPE_API_KEY and its like
            if asked.emulator:
                emulator = stack.enter_context(Emulator(queue_s=1, run_s=5))
                print(f"The emulator shows what it is asked for: {emulator.root_url}/")
                key, base_url = "sk-emulated", emulator.base_url
            client = Client(
                key,
                base_url=base_url,
                ledger=asked.data / "ledger.sqlite",
                exclusive_account=asked.exclusive_account,
            )
        except ConfigurationError as error:
            sys.exit(str(error))
        except sqlite3.OperationalError as error:
            sys.exit(f"{asked.data} cannot be opened, perhaps another server has it: {error}")
        app = create_app(jobs, client, hosts=(*OWN_HOSTS, *asked.name))
        # No access log: the ids of jobs would be in it, and whoever knows one may see the job.
        config = uvicorn.Config(app, host=asked.host, port=asked.port, access_log=False)
        # Uvicorn hands on the signal that ended it; by default SIGTERM would then end all at once.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            Server(config, jobs).run()


if __name__ == "__main__":
    main()
