"""The emulator itself: the service on a port, for a test, a demo or an afternoon."""

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import anyio
import httpx
from starlette.types import ASGIApp

from dashscope_aa._concurrency import in_thread
from dashscope_aa.emulator._app import API_PATH, App
from dashscope_aa.emulator._clock import Clock
from dashscope_aa.emulator._inprocess import InProcess
from dashscope_aa.emulator._journal import Received, Requests
from dashscope_aa.emulator._names import Names
from dashscope_aa.emulator._server import Server
from dashscope_aa.emulator._service import Service
from dashscope_aa.emulator._storage import Upload
from dashscope_aa.emulator._strikes import Faults
from dashscope_aa.emulator._switches import Switches
from dashscope_aa.emulator._tasks import TaskView

_ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - told apart, not bound to


@dataclass(kw_only=True, eq=False)
class Emulator(Switches):
    """The service, small enough to run inside a test.

    ```python
    async with Emulator() as emulator:  # or plainly: with Emulator() as emulator
        async with Client("sk-any", base_url=emulator.base_url) as client: ...
    ```

    It listens on a free port of the loopback interface, in a thread of its own. Every switch
    of `Switches` is a keyword here, and may be turned while it runs.
    """

    host: str = "127.0.0.1"
    """Where to listen."""
    port: int = 0
    """The port; 0 takes a free one."""
    seed: int | None = None
    """Makes the same ids in the same order again."""
    clock: Clock = field(default_factory=Clock)
    """The time everything with a lifetime goes by: `emulator.clock.advance(hours=25)`."""

    faults: Faults = field(init=False)
    """What is going to go wrong."""
    requests: Requests = field(init=False)
    """What came in."""
    app: ASGIApp = field(init=False, repr=False)
    """The service as an ASGI app."""

    def __post_init__(self) -> None:
        self.faults = Faults(self.clock)
        self.requests = Requests()
        self._service = Service(
            switches=self, clock=self.clock, faults=self.faults, names=Names(self.seed)
        )
        self.app = App(self._service, self.requests)
        self._server: Server | None = None
        self._folder: TemporaryDirectory[str] | None = None

    # ── opening hours ────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Listen. Better: ``with Emulator() as emulator``."""
        if self._server is not None:
            raise RuntimeError("this emulator has been started before: make another one")
        self._server = Server(self.app, host=self.host, port=self.port)
        self._folder = TemporaryDirectory(prefix="dashscope-aa-emulator-")
        try:
            # URLs name the port, so it has to be known before the first request is served.
            self.port = self._server.bind()
            self._service.open(folder=Path(self._folder.name), root_url=self.root_url)
            self._server.start()
        except BaseException:
            self._folder.cleanup()
            raise

    def stop(self) -> None:
        """Stop: nothing stays behind, neither a socket nor a thread nor a file."""
        if self._server is not None and self._folder is not None:
            self._service.close()
            self._server.stop()
            self._folder.cleanup()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await in_thread(self.start)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with anyio.CancelScope(shield=True):
            await in_thread(self.stop)

    # ── where it is ──────────────────────────────────────────────────────────────────────

    @property
    def root_url(self) -> str:
        """Scheme, host and port."""
        if not self.port:
            raise RuntimeError("the emulator has no port yet: start it first")
        host = _ANY_HOST.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def base_url(self) -> str:
        """What a client takes as its base URL."""
        return self.root_url + API_PATH

    def transport(self) -> httpx.AsyncBaseTransport:
        """Make an httpx transport that reaches the service without a socket."""
        return InProcess(self.app)

    # ── what happened ────────────────────────────────────────────────────────────────────

    @property
    def tasks(self) -> tuple[TaskView, ...]:
        """Every task that was accepted, oldest first, as it stands now."""
        return self._service.tasks()

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """The uploads that can still be read, oldest first."""
        return self._service.uploads()

    @property
    def leaks(self) -> list[Received]:
        """Requests that brought an API key to where none belongs; there should be none."""
        return self.requests.leaks()

    def paid_submits(self, model: str | None = None) -> int:
        """Count the POSTs that asked for a paid task, whatever became of them."""
        return self.requests.paid_submits(model)

    def host_file(self, path: str | Path) -> str:
        """Put a local file up for download; give its URL, for requests that want one."""
        return self._service.host(Path(path).absolute())
