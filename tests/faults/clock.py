"""A clock that is turned whenever nobody does anything, so that minutes of waiting take no time.

Both event loops ask it how long to sleep. While a request is under way, a thread works or the
service makes something, that is real time; else the clock jumps to the next moment for which
somebody waits. Nothing depends on how fast the machine is.
"""

import asyncio
import selectors
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import anyio
import anyio.to_thread
import trio.abc

from dashscope_aa import Client
from dashscope_aa.emulator import Emulator

ResultT = TypeVar("ResultT")

LOOK_AGAIN_S: Final = 0.005
"""How long to wait for what is under way before looking whether it still is."""


class TurnedClock:
    """Real time plus what it was turned by; the service's clock is turned with it."""

    def __init__(self, emulator: Emulator) -> None:
        self.turned_s = 0.0
        self._emulator = emulator
        self._gates: list[tuple[anyio.Semaphore, int]] = []
        self._threads: anyio.CapacityLimiter | None = None

    def watch(self, client: Client) -> None:
        """Count a client's requests as something under way."""
        http = client._http
        lanes = (http._calls, http._submits, http._transfers)
        self._gates += [(lane.gate, lane.gate.value) for lane in lanes]

    def watch_threads(self) -> None:
        """Count the worker threads of the running event loop as something under way."""
        self._threads = anyio.to_thread.current_default_thread_limiter()

    @property
    def busy(self) -> bool:
        """True while something is under way that takes real time."""
        return (
            any(gate.value < free for gate, free in self._gates)
            or (self._threads is not None and self._threads.borrowed_tokens > 0)
            or bool(self._emulator._service._jobs)
        )

    def pause_s(self, wanted_s: float) -> float:
        """Say how long really to sleep of *wanted_s*, and turn the clock by the rest."""
        if wanted_s <= 0 or self._threads is None:
            return wanted_s
        if self.busy:
            return min(wanted_s, LOOK_AGAIN_S)
        self.turned_s += wanted_s
        self._emulator.clock.advance(wanted_s)
        return 0.0

    def run(self, main: Callable[[], Awaitable[ResultT]], *, backend: str) -> ResultT:
        """Run *main* by this clock on an event loop of its own."""

        async def watched() -> ResultT:
            self.watch_threads()
            try:
                return await main()
            finally:
                self._threads = None

        options: dict[str, Any] = {
            "asyncio": {"loop_factory": lambda: _Loop(self)},
            "trio": {"clock": _TrioClock(self)},
        }
        return anyio.run(watched, backend=backend, backend_options=options[backend])


class _Selector(selectors.DefaultSelector):
    """Waits as long as the clock says."""

    def __init__(self, clock: TurnedClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        if not timeout or timeout < 0:
            return super().select(timeout)
        return super().select(0) or super().select(self._clock.pause_s(timeout))


class _Loop(asyncio.SelectorEventLoop):
    """asyncio's loop by the turned clock."""

    def __init__(self, clock: TurnedClock) -> None:
        self._turned = clock
        super().__init__(_Selector(clock))

    def time(self) -> float:
        return super().time() + self._turned.turned_s


class _TrioClock(trio.abc.Clock):
    """trio's clock, turned."""

    def __init__(self, clock: TurnedClock) -> None:
        self._turned = clock

    def start_clock(self) -> None:
        """It runs already."""

    def current_time(self) -> float:
        return time.perf_counter() + self._turned.turned_s

    def deadline_to_sleep_time(self, deadline: float) -> float:
        with suppress(OverflowError):  # trio waits for ever when nobody has a deadline
            return self._turned.pause_s(deadline - self.current_time())
        return float("inf")
