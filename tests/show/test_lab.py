"""``cryptox lab``: copies of the examples that stay the user's, and a server with the paper venue and without keys."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from cryptox.cli import main
from cryptox.errors import ConfigurationError
from cryptox.show import lab

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from labs import WATCH

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
# In the place of JupyterLab: says what it was given; ends with 7, at once or when it is asked to.
SERVER = """
import json, os, signal, sys, time
from pathlib import Path
said = Path(os.environ["SAID"])
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append("SIGTERM"))
signal.signal(signal.SIGINT, lambda *_: asked.append("SIGINT"))
about = {"options": sys.argv[1:], "folder": os.getcwd(), "environment": dict(os.environ)}
said.with_suffix(".part").write_text(json.dumps(about))
said.with_suffix(".part").replace(said)
while "WAITS" in os.environ and "SIGTERM" not in asked:
    said.with_suffix(".signals").write_text(" ".join(asked))
    time.sleep(0.01)
sys.exit(7)
"""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package ``jupyterlab`` that stands in for the server; the file in which it says what it was given."""
    package = tmp_path / "packages" / "jupyterlab"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(SERVER, encoding="utf-8")
    monkeypatch.syspath_prepend(package.parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(package.parent), str(ROOT)]))
    monkeypatch.setenv("SAID", str(tmp_path / "said"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "said"


def test_the_examples_are_those_of_the_checkout() -> None:
    assert [path.name for path in lab.examples()] == NAMES
    assert len(NAMES) >= 4


def test_the_server_gets_the_folder_the_paper_venue_and_no_keys(
    server: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("BINANCE_API_KEY", "BINANCE_SECRET_KEY", "BINANCE_PRIVATE_KEY", "BINANCE_PRIVATE_KEY_PASSWORD"):
        monkeypatch.setenv(name, "sentinel0123456789abcdef")
    monkeypatch.setenv("CRYPTOX_VENUE", "binance")
    assert main(["lab"]) == 7
    said = json.loads(server.read_text())
    folder = server.parent / "cryptox-notebooks"
    assert said["folder"] == str(folder)
    assert sorted(path.name for path in folder.iterdir()) == NAMES
    assert said["options"] == [
        *lab.QUIET,
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/workspaces/cryptox/tree/{NAMES[0]}",
    ]
    assert said["environment"]["CRYPTOX_VENUE"] == "paper"
    assert "sentinel" not in json.dumps(said)
    assert capsys.readouterr() == ("", f"{len(NAMES)} example notebooks copied into cryptox-notebooks\n")


def test_options_of_the_command_and_of_jupyterlab(server: Path) -> None:
    command = ["lab", "--dir", "a/b", "--port", "9123", "--no-browser", "--", "--allow-root", "--ServerApp.ip=::1"]
    assert main(command) == 7
    said = json.loads(server.read_text())
    assert said["folder"] == str(server.parent / "a" / "b")
    assert said["options"][-4:] == [
        "--ServerApp.port=9123",
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=::1",
    ]


def test_what_the_user_changed_stays(server: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = server.parent / "mine"
    assert lab.copy_examples(folder) == (NAMES, [])
    (folder / NAMES[0]).write_text("changed")
    (folder / NAMES[1]).unlink()
    (folder / "notes.txt").write_text("mine")
    assert main(["lab", "--dir", "mine"]) == 7
    assert capsys.readouterr().err == (
        f"1 example notebooks copied into mine\nkept as you changed them: {NAMES[0]} (another --dir gives fresh ones)\n"
    )
    assert (folder / NAMES[0]).read_text() == "changed"
    assert (folder / NAMES[1]).read_bytes() == (ROOT / "notebooks" / NAMES[1]).read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == [*NAMES, "notes.txt"]
    assert lab.copy_examples(folder) == ([], [NAMES[0]])


def test_without_jupyterlab_it_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    assert main(["lab"]) == 2
    said = capsys.readouterr().err
    assert "JupyterLab is not installed here." in said
    assert "pip install 'cryptox[lab]'" in said
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_none_is_a_card(server: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (server.parent / "file").touch()
    assert main(["lab", "--dir", "file"]) == 2
    assert "file cannot be used for the notebooks." in capsys.readouterr().err
    assert not server.exists()


def test_an_installation_without_examples_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "__file__", str(tmp_path / "cryptox" / "show" / "lab.py"))
    with pytest.raises(ConfigurationError, match="no example notebooks"):
        lab.examples()
    inside = tmp_path / "cryptox" / "notebooks" / "01_one.ipynb"
    inside.parent.mkdir(parents=True)
    inside.touch()
    assert lab.examples() == [inside]


def until(true: Callable[[], Any], within_s: float = 60.0) -> Any:
    end = time.monotonic() + within_s
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def answers(address: str) -> bool:
    """Whether somebody listens there: the server tells its address a moment before."""
    with suppress(OSError):
        urllib.request.urlopen(address, timeout=60).close()
        return True
    return False


def lab_process(*options: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cryptox", "lab", *options],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
def test_ctrl_c_is_the_servers_and_sigterm_ends_both(server: Path) -> None:
    signals = server.with_suffix(".signals")
    process = lab_process("--no-browser", WAITS="1")
    try:
        until(signals.exists)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        until(lambda: signals.read_text() == "SIGINT")
        assert process.poll() is None
        process.terminate()
        assert process.wait(30) == 7
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
def test_jupyterlab_serves_the_examples_and_asks_nobody_else(tmp_path: Path) -> None:
    pytest.importorskip("jupyterlab")
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    (tmp_path / "elsewhere").touch()
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR")
    process = lab_process(
        *(
            "--dir",
            str(tmp_path / "mine"),
            "--port",
            "0",
            "--no-browser",
            "--",
            "--allow-root",
            "--ServerApp.ip=127.0.0.1",
        ),
        **{place: str(tmp_path / "home" / place) for place in places},
        JUPYTERLAB_WORKSPACES_DIR=str(tmp_path / "workspaces"),
        PYTHONPATH=os.pathsep.join([str(tmp_path / "watch"), str(ROOT)]),
        CALLED_ELSEWHERE=str(tmp_path / "elsewhere"),
    )
    said = ""
    try:
        assert process.stderr is not None
        found = None
        while found is None:
            line = process.stderr.readline()
            assert line, said
            said += line
            found = re.search(r"(http://127\.0\.0\.1:\d+)\S*\?token=(\w+)", said)
        address, token = found.groups()

        def ask(path: str) -> Any:
            request = urllib.request.Request(address + path, headers={"Authorization": f"token {token}"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read().decode()

        until(lambda: answers(address))
        listed = {entry["name"] for entry in json.loads(ask("/api/contents"))["content"]}
        assert listed == {*NAMES}
        page = ask("/lab")
        assert '"news": {"disabled": true}' in page
        assert '"disabledExtensions": ["@jupyterlab/apputils-extension:announcements"]' in page
        assert json.loads(ask("/lab/api/update")) == {"notification": None}
        assert (tmp_path / "elsewhere").read_text() == ""
        process.terminate()
        process.communicate(timeout=60)
        assert process.returncode == 0
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
