"""JupyterLab on loopback and a browser on its pages: what the browser tests, screenshots and measurements stand on."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cryptox.show.lab import QUIET, quiet_page

__all__ = ["Lab", "Notebook", "Window", "browser_path", "chromium"]

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # What is not on this machine ends at a proxy that nobody runs.
    "--proxy-server=http://127.0.0.1:9",
    "--proxy-bypass-list=127.0.0.1;localhost",
)
HERE = re.compile(r"(?:(?:https?|wss?)://(?:127\.0\.0\.1|localhost)[:/]|blob:|data:|about:)")
START_S = 90.0
WITHIN_MS = 60_000

# Into every Python of the server and its kernels: who is asked for or called that is not this machine.
WATCH = """
import os, socket, sys

def note(event, arguments):
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host and host != "localhost" and host != "::1" and not host.startswith("127."):
        with open(os.environ["CALLED_ELSEWHERE"], "a", encoding="utf-8") as file:
            file.write(f"{event} {host}\\n")

sys.addaudithook(note)
"""


def browser_path() -> str | None:
    """Path of a Chromium on this machine; None without one."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, BROWSERS)), None)


class Lab:
    """JupyterLab in a process of its own, with its own settings, on a folder of its own; the kernel is this Python."""

    def __init__(self, home: Path, *, watched: bool = True, app: str = "jupyterlab") -> None:
        self.root, self.elsewhere = home / "notebooks", home / "elsewhere"
        self._log, self._home = home / "server.log", home
        self.root.mkdir(parents=True)
        self.elsewhere.touch()
        path = [str(ROOT)]
        if watched:
            (home / "watch").mkdir()
            (home / "watch" / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
            path.insert(0, str(home / "watch"))
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", app, *self._options()],
                env=self._environment(path),
                cwd=self.root,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        self.url = self._address()

    def _options(self) -> list[str]:
        return [
            "--no-browser",
            "--expose-app-in-browser",
            "--port=0",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.root_dir={self.root}",
            "--ServerApp.allow_root=True",
            "--IdentityProvider.token=",
            *QUIET,
        ]

    def _environment(self, path: list[str]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BINANCE_", "JUPYTER"))}
        own = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
            "CALLED_ELSEWHERE": "elsewhere",
        }
        own = {name: str(self._home / folder) for name, folder in own.items()}
        return {
            **kept,
            **own,
            **quiet_page(self._home / "quiet"),
            "PYTHONPATH": os.pathsep.join(path),
            "CRYPTOX_VENUE": "paper",
        }

    def _address(self) -> str:
        end = time.monotonic() + START_S
        while time.monotonic() < end and self._process.poll() is None:
            found = re.search(r"http://127\.0\.0\.1:\d+", self.said())
            if found and _answers(found[0]):
                return found[0]
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"the server did not start: {self.said()[-2000:]}")

    def said(self) -> str:
        """The server's log."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def called(self) -> list[str]:
        """What the server and its kernels asked for or called that is not this machine."""
        return self.elsewhere.read_text(encoding="utf-8").splitlines()

    def stop(self) -> None:
        """End the server; it ends its kernels."""
        self._process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._process.kill()
        self._process.wait()


def _answers(address: str) -> bool:
    """Whether somebody listens there: the server tells its address a moment before."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), 5):
        return True
    return False


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless Chromium, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Window:
    """One page of a browser on a lab, and everything that went wrong in it."""

    def __init__(self, browser: Any, lab: Lab, **options: Any) -> None:
        self.lab = lab
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.opened: list[Notebook] = []
        self.context = browser.new_context(viewport={"width": 1280, "height": 1600}, **options)
        self.context.set_default_timeout(WITHIN_MS)
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.context.on("console", self._console)
        self.context.on("weberror", lambda error: self.errors.append(f"uncaught {error.error}"))
        self.page = self.context.new_page()
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))
        self.page.on("dialog", self._dialog)

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(f"console {message.text}")

    def _dialog(self, dialog: Any) -> None:
        if dialog.type == "beforeunload":  # of a notebook that another test has left unsaved
            dialog.accept()
            return
        self.errors.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def elsewhere(self) -> list[str]:
        """What the page asked of other machines."""
        return [url for url in self.requests if not HERE.match(url)]

    def forget(self) -> None:
        """Begin to count anew."""
        self.errors.clear()
        self.requests.clear()

    def written(self, *cells: str, name: str = "notebook") -> Notebook:
        """A new notebook with these cells, not opened."""
        import nbformat

        taken = {path.stem for path in self.lab.root.glob("*.ipynb")}
        name = next(one for one in (name, *(f"{name}-{k}" for k in range(1, 1000))) if one not in taken)
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = self.lab.root / f"{name}.ipynb"
        nbformat.write(book, path)
        return Notebook(self, path)

    def open(self, *cells: str, name: str = "notebook") -> Notebook:
        """A new notebook with these cells, shown, its kernel ready."""
        notebook = self.written(*cells, name=name)
        self.opened.append(notebook)
        if "/doc/" in self.page.url:
            self.page.evaluate("path => jupyterapp.commands.execute('docmanager:open', {path})", notebook.path.name)
        else:
            self.page.goto(f"{self.lab.url}/doc/tree/{notebook.path.name}")
        notebook.ready()
        return notebook

    def clear(self, keep: Collection[Notebook] = ()) -> None:
        """Close its notebooks."""
        for notebook in [one for one in self.opened if one not in keep]:
            notebook.close()

    def close(self) -> None:
        """Close the page."""
        self.context.close()


class Notebook:
    """An open notebook: its cells run as if by hand, its outputs are elements of the page."""

    # The panel of this notebook among all that are open.
    PANEL = "[...jupyterapp.shell.widgets('main')].find(one => one.context?.path === path)"

    def __init__(self, window: Window, path: Path) -> None:
        self.window, self.page, self.path = window, window.page, path

    def js(self, body: str, **given: Any) -> Any:
        """What a function of the page returns; ``panel`` is the notebook's, ``path`` its file's name."""
        late = f"new Promise((_, no) => setTimeout(() => no(new Error('late')), {2 * WITHIN_MS}))"
        work = f"(async () => {{ const panel = {self.PANEL}; {body} }})()"
        function = f"({{path, given}}) => Promise.race([{work}, {late}])"
        return self.page.evaluate(function, {"path": self.path.name, "given": given})

    def ready(self) -> None:
        """Wait until the notebook is shown and its kernel idle."""
        idle = f"path => ({self.PANEL})?.context.sessionContext.session?.kernel?.status === 'idle'"
        self.page.wait_for_function(f"path => window.jupyterapp && ({idle})(path)", arg=self.path.name)
        self.js("await panel.revealed; jupyterapp.shell.activateById(panel.id)")

    def run(self, index: int, *, wait: bool = True) -> None:
        """Run a cell, and wait until it has ended."""
        run = """
            const book = panel.content;
            book.activeCellIndex = given.index;
            book.deselectAll();
            const running = jupyterapp.commands.execute("notebook:run-cell");
            if (given.wait) await running;
        """
        self.js(run, index=index, wait=wait)

    def busy(self) -> bool:
        """Whether the kernel is at work, as the page knows it."""
        return bool(self.js("return panel.context.sessionContext.session.kernel.status === 'busy'"))

    def interrupt(self) -> None:
        """Stop the cell that runs, and wait until it has stopped."""
        self.js("await panel.context.sessionContext.session.kernel.interrupt()")
        self.until(lambda: not self.busy(), "the cell stopped")

    def write(self, index: int, source: str) -> None:
        """Change the text of a cell."""
        self.js(
            "panel.content.widgets[given.index].model.sharedModel.setSource(given.source)", index=index, source=source
        )

    def output(self, index: int) -> Any:
        """A cell's outputs, as a locator of the page."""
        return self.page.locator(".jp-Notebook:visible .jp-Cell").nth(index).locator(".jp-OutputArea").first

    def ask(self, code: str) -> str:
        """What code prints in the kernel, run beside the cells."""
        ask = """
            const kernel = panel.context.sessionContext.session.kernel;
            const future = kernel.requestExecute({code: given.code, store_history: false});
            let said = "";
            future.onIOPub = message => {
                const {content, header} = message;
                if (header.msg_type === "stream") said += content.text;
                if (header.msg_type === "error") said += content.ename + ": " + content.evalue;
            };
            await future.done;
            return said.trim();
        """
        return str(self.js(ask, code=code))

    def until(self, true: Callable[[], Any], what: str, *, within_s: float = WITHIN_MS / 1000) -> Any:
        """Wait until it is so; its value."""
        end = time.monotonic() + within_s
        while not (found := true()):
            assert time.monotonic() < end, f"not within {within_s:.0f} s: {what}"
            self.page.wait_for_timeout(50)
        return found

    def save(self) -> str:
        """Save with Ctrl+S; the text of the file."""
        self.page.locator(".jp-Notebook:visible").press("Control+s")
        self.until(lambda: not self.js("return panel.context.model.dirty"), "saved")
        return self.path.read_text(encoding="utf-8")

    def reload(self) -> None:
        """Load the page anew."""
        self.page.reload()
        self.ready()

    def close(self) -> None:
        """Close it, and end its kernel."""
        if self in self.window.opened:
            self.window.opened.remove(self)
        close = """
            const sessions = jupyterapp.serviceManager.sessions;
            const session = await sessions.findByPath(path);
            if (session) await sessions.shutdown(session.id);
            if (!panel) return;  // the page was loaded anew, with another notebook
            panel.context.model.dirty = false;
            panel.dispose();
        """
        self.js(close)
