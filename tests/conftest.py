"""Fixtures for all tests."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from cryptox.sessions import address, tending, users

ROOT = Path(__file__).resolve().parent.parent

# How long an example takes is a matter of what else the machine does.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_configure(config: pytest.Config) -> None:
    """Files go to the workers as they are found: by the number of their tests the few long ones would come last."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_finish() -> None:
    """Modules and tests stay until the end: no collection of what a test leaves looks through them again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With ``--dist loadfile`` one worker has all browser tests, as if they were one file: they share a JupyterLab."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class OneLab(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return "tests/browser" if file.startswith("tests/browser/") else file

    return OneLab(config, log)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded data and protocol facts beside the checkout; skips where it is not there."""
    path = Path(os.environ.get("CRYPTOX_SHARED", ROOT.parent / "shared"))
    if not (path / "data").is_dir():
        pytest.skip("no recorded data: the folder shared/ is not beside the checkout")
    return path


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Journals of the tests' orders are not the user's."""
    os.environ["CRYPTOX_STATE"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """A shell starts what runs in its background deaf to Ctrl-C, and so would be all that the tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def new_addresses() -> Iterator[None]:
    """Ports are used again: a session that a test left behind must not lend what it knew to a later exchange.

    Nor may it be ill for a later test.
    """
    yield
    address._book._local.clear()
    users.book._made.clear()
    tending._ended.clear()


class MemoryKeyring:
    """A keyring's backend that keeps what it is given in this process."""

    priority = 1

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class KeyringPackage(types.ModuleType):
    """What cryptox asks of the package ``keyring``: which backend there is."""

    def __init__(self, backend: object) -> None:
        super().__init__("keyring")
        self.backend = backend

    def get_keyring(self) -> object:
        return self.backend


@pytest.fixture
def keyring_package(monkeypatch: pytest.MonkeyPatch) -> KeyringPackage:
    """The package ``keyring`` with a backend in memory, whether it is installed or not; the test may change it."""
    package = KeyringPackage(MemoryKeyring())
    monkeypatch.setitem(sys.modules, "keyring", package)
    return package
