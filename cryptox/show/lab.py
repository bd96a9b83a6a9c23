"""``cryptox lab``: JupyterLab on copies of the example notebooks, with the paper venue."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from cryptox.errors import ConfigurationError
from cryptox.settings import (
    API_KEY_VARIABLE,
    PASSWORD_VARIABLE,
    PRIVATE_KEY_VARIABLE,
    SECRET_KEY_VARIABLE,
    VENUE_VARIABLE,
)

__all__ = ["FOLDER", "copy_examples", "examples", "open_lab", "quiet_page"]

FOLDER = Path("cryptox-notebooks")
INSTALL = "pip install 'cryptox[lab]'"
KEY_VARIABLES = (API_KEY_VARIABLE, SECRET_KEY_VARIABLE, PRIVATE_KEY_VARIABLE, PASSWORD_VARIABLE)
# Nothing of JupyterLab's own asks the internet: no news, no newer versions, no list of extensions.
QUIET = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
)
# Without it the page would ask the user whether it may; only a file can say so.
PAGE = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}


def open_lab(folder: Path, *, port: int | None = None, browser: bool = True, more: Sequence[str] = ()) -> int:
    """Serve the folder with the examples in it until JupyterLab is told to end; its exit status.

    Parameters
    ----------
    folder
        Where the user's copies are; made where it is not there yet.
    port
        Port on loopback, or the next that is free; None takes JupyterLab's own, 8888.
    browser
        Whether JupyterLab opens the user's browser.
    more
        Further options of JupyterLab.

    Raises
    ------
    ConfigurationError
        JupyterLab is not installed, or the folder cannot be written.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise ConfigurationError("JupyterLab is not installed here.", recovery_suggestions=[INSTALL])
    copied, kept = copy_examples(folder)
    _say(f"{len(copied)} example notebooks copied into {folder}" if copied else f"example notebooks in {folder}")
    if kept:
        _say(f"kept as you changed them: {', '.join(kept)} (another --dir gives fresh ones)")
    first = next(iter(examples())).name
    command = [sys.executable, "-m", "jupyterlab", *QUIET, f"--ServerApp.root_dir={folder.absolute()}"]
    # A workspace of its own: the tabs of the user's other folders are not of this one.
    command.append(f"--LabApp.default_url=/lab/workspaces/cryptox/tree/{first}")
    command += [] if port is None else [f"--ServerApp.port={port}"]
    command += [*([] if browser else ["--no-browser"]), *more]
    with tempfile.TemporaryDirectory(prefix="cryptox-lab-") as settings:
        environment = _environment(os.environ) | quiet_page(Path(settings))
        server = subprocess.Popen(command, cwd=folder, env=environment)  # noqa: S603 - this interpreter
        with _passed_on(server):
            while True:
                # Ctrl-C reaches the server as well, which asks whether it is meant.
                with suppress(KeyboardInterrupt):
                    return server.wait()


def quiet_page(settings: Path) -> dict[str, str]:
    """Write the settings of a page that does not ask for news into a folder; the environment that names it."""
    (settings / "labconfig").mkdir(parents=True)
    (settings / "labconfig" / "page_config.json").write_text(json.dumps(PAGE), encoding="utf-8")
    more = os.environ.get("JUPYTER_CONFIG_PATH")
    return {"JUPYTER_CONFIG_PATH": os.pathsep.join([str(settings), *([more] if more else [])])}


def examples() -> list[Path]:
    """The example notebooks: inside an installed package, beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "notebooks", package.parent / "notebooks"):
        found = sorted(folder.glob("[0-9]*.ipynb"))
        if found:
            return found
    raise ConfigurationError("This installation has no example notebooks.", recovery_suggestions=[INSTALL])


def copy_examples(folder: Path) -> tuple[list[str], list[str]]:
    """Names of the examples that were copied into the folder, and of those there that differ and were left alone."""
    copied, kept = [], []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for example in examples():
            own = folder / example.name
            if not own.exists():
                part = own.with_name(f"{own.name}.part")
                shutil.copyfile(example, part)
                part.replace(own)  # a notebook under its name is a whole one
                copied.append(own.name)
            elif own.read_bytes() != example.read_bytes():
                kept.append(own.name)
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be used for the notebooks.",
            technical_details=str(error),
            recovery_suggestions=["Name a folder of your own: cryptox lab --dir FOLDER"],
        ) from error
    return copied, kept


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The user's, with the paper venue and without keys: examples have no use for real ones."""
    kept = {name: value for name, value in environment.items() if name not in KEY_VARIABLES}
    return {**kept, VENUE_VARIABLE: "paper", "JUPYTER_PREFER_ENV_PATH": "1"}


@contextmanager
def _passed_on(server: subprocess.Popen[bytes]) -> Iterator[None]:
    """Meanwhile what asks this process to terminate asks the server, which ends its kernels."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        server.terminate()

    before = signal.signal(signal.SIGTERM, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
