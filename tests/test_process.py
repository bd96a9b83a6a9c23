"""What this process says of itself."""

from __future__ import annotations

import sys
import time
import types
from pathlib import Path

import pytest

from cryptox import _process


def test_it_was_loaded_before_now() -> None:
    assert 0 < _process.LOADED_AT < time.monotonic()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only where the system says so")
def test_memory_grows_with_what_is_held() -> None:
    before = _process.memory_mb()
    held = bytearray(b"x") * (64 * 2**20)
    after = _process.memory_mb()
    assert before is not None
    assert after is not None
    assert len(held) == 64 * 2**20
    assert 40 < after - before < 200


def test_memory_by_psutil_where_the_system_does_not_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    psutil = types.ModuleType("psutil")
    used = types.SimpleNamespace(rss=3 * 2**20)
    psutil.Process = lambda: types.SimpleNamespace(memory_info=lambda: used)  # type: ignore[attr-defined]
    psutil.__spec__ = types.SimpleNamespace()  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, "psutil", psutil)
    assert _process.memory_mb(tmp_path / "none") == 3.0


def test_memory_is_not_known_without_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_process.importlib.util, "find_spec", lambda _: None)
    assert _process.memory_mb(tmp_path / "none") is None
