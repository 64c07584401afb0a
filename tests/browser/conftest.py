"""A real browser, the emulator, and the example app on a port: what a person would use.

Screenshots are kept where the environment variable SHOTS says, for people to look at.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from dashscope_aa.emulator import Emulator

EXAMPLES = Path(__file__).parents[2] / "examples"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PATIENCE_MS = 60_000

CUT_OFF = """() => {
  const told = [];
  const name = (it) => `${it.tagName} "${(it.innerText || it.value || "").slice(0, 40)}"`;
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > room) told.push("the page is wider than its window");
  const within = document.querySelector("dialog[open]") ?? document.body;
  const seen = [...within.querySelectorAll("*")].filter((it) => it.checkVisibility(
    { checkOpacity: true, checkVisibilityCSS: true }) && it.getClientRects().length);
  for (const it of seen) {
    const box = it.getBoundingClientRect();
    if (box.left < -1 || box.right > room + 1) told.push(`${name(it)} is beside the window`);
    const scrolls = getComputedStyle(it).overflowX !== "visible" || it.matches("input, select");
    if (!scrolls && it.scrollWidth > it.clientWidth + 1 && it.clientWidth) {
      told.push(`${name(it)} holds more than it shows`);
    }
  }
  const leaves = seen.filter((it) => it.children.length === 0 && !it.matches("option, br") &&
    (it.textContent.trim() || it.matches("input, select, img, video, button")));
  const boxes = leaves.flatMap((it) => {
    const range = document.createRange();
    range.selectNodeContents(it);
    const written = [...range.getClientRects()];
    const rects = it.textContent.trim() ? written : [it.getBoundingClientRect()];
    return rects.map((rect) => [it, shown(it, rect)]).filter(([, rect]) => rect);
  });
  function shown(it, rect) {  // what is left of it in all that scrolls around it
    let { left, right, top, bottom } = rect;
    for (let around = it.parentElement; around; around = around.parentElement) {
      if (getComputedStyle(around).overflowY === "visible") continue;
      const box = around.getBoundingClientRect();
      [left, right] = [Math.max(left, box.left), Math.min(right, box.right)];
      [top, bottom] = [Math.max(top, box.top), Math.min(bottom, box.bottom)];
    }
    return right - left > 1 && bottom - top > 1 ? { left, right, top, bottom } : null;
  }
  boxes.forEach(([one, a], index) => boxes.slice(index + 1).forEach(([other, b]) => {
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (one !== other && across > 2 && down > 4) told.push(`${name(one)} is over ${name(other)}`);
  }));
  return told;
}"""
"""Says what is cut off, or lies over something else, on the page as it stands."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's own browser, started once."""
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("there is no chromium here: scripts/test-browser installs it where it can")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Open a window of a width; what goes wrong in it fails the test."""
    faults: list[str] = []
    with ExitStack() as stack:

        def open_page(url: str, *, width_px: int = 1280, dark: bool = False) -> Page:
            page = chromium.new_page(
                viewport={"width": width_px, "height": 900},
                color_scheme="dark" if dark else "light",
                reduced_motion="reduce",
            )
            stack.callback(page.close)
            page.set_default_timeout(PATIENCE_MS)
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda message: _note(message, faults))
            page.goto(url)
            return page

        yield open_page
    assert faults == []


def _note(message: ConsoleMessage, faults: list[str]) -> None:
    """Take note of an error, but not of an answer that the page shows to its user itself."""
    if message.type == "error" and not message.text.startswith("Failed to load resource"):
        faults.append(message.text)


@pytest.fixture
def look(tmp_path: Path) -> Callable[[Page, str], None]:
    """Check that nothing is cut off or covered, and keep a picture of it."""
    folder = Path(os.environ.get("SHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)

    def look(page: Page, name: str) -> None:
        whole = page.locator("dialog[open]").count() == 0
        page.screenshot(path=folder / f"{name}.png", full_page=whole)
        assert page.evaluate(CUT_OFF) == []

    return look


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """The service, whose tasks run for an hour unless its clock is turned."""
    with Emulator(run_s=3600, queries_per_s=None) as emulator:
        yield emulator


# ── the example app ──────────────────────────────────────────────────────────────────────

KEY = "sk-known-to-nobody"


class App:
    """The example app as its user starts it, and as it may end."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self._environment = {
            **os.environ,
            "DASHSCOPE_API_KEY": KEY,
            "DASHSCOPE_HTTP_BASE_URL": emulator.base_url,
        }
        self._log = folder / "log"
        self._data = folder / "data"
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._port: int = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def files(self) -> list[Path]:
        """Every file it keeps."""
        return [path for path in self._data.rglob("*") if path.is_file()]

    def files_of(self, job: str) -> dict[str, Path]:
        """Every file of one job, by name."""
        return {path.name: path for path in (self._data / job.rpartition("/")[2]).iterdir()}

    @property
    def log(self) -> str:
        """All that it has said, whichever of its servers."""
        return self._log.read_text(encoding="utf-8")

    def spawn(self, *options: str) -> "subprocess.Popen[bytes]":
        """Start a server, on the same port and with the same data each time."""
        command = [sys.executable, "-W", "error", "-m", "examples.webapp"]
        command += ["--port", str(self._port), "--data", str(self._data), *options]
        with self._log.open("ab") as log:
            return subprocess.Popen(
                command, cwd=EXAMPLES.parent, env=self._environment, stdout=log, stderr=log
            )

    def start(self) -> None:
        """Start a server, and wait until it serves."""
        begun = len(self.log) if self._log.exists() else 0
        self._running = self.spawn()
        while "running on" not in self.log[begun:]:
            assert self._running.poll() is None, self.log
            time.sleep(0.02)

    def end(self, how: signal.Signals) -> int:
        """End the server by a signal; give its exit code."""
        if self._running is None:
            return 0
        self._running.send_signal(how)
        code = self._running.wait(30)
        self._running = None
        return code


@contextmanager
def serving(emulator: Emulator, folder: Path) -> Iterator[App]:
    """Serve the example app, and see in the end that it said and kept nothing it should not."""
    app = App(emulator, folder)
    app.start()
    try:
        yield app
    finally:
        code = app.end(signal.SIGTERM)
    assert code == 0
    assert "Traceback" not in app.log
    assert KEY not in app.log
    assert not any(KEY.encode() in path.read_bytes() for path in app.files)
    assert emulator.leaks == []


@pytest.fixture
def app(emulator: Emulator, tmp_path: Path) -> Iterator[App]:
    """The example app with the emulator for its service."""
    with serving(emulator, tmp_path) as app:
        yield app


@pytest.fixture(scope="module")
def lasting_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The example app for all tests of a module, none of which gets to the service's films."""
    with Emulator(run_s=3600) as emulator, serving(emulator, tmp_path_factory.mktemp("app")) as app:
        yield app
