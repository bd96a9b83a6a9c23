"""Stop until T, through a file that nobody may rely upon."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cryptox.transport.stops import Stop, Stops, cache_folder

HOST = "https://api.exchange.invalid"


class Clock:
    def __init__(self) -> None:
        self.wall_s = 1_767_225_600.0

    def wall(self) -> float:
        return self.wall_s

    def monotonic(self) -> float:
        return self.wall_s - 1e9


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make(folder: Path, clock: Clock, address: str = HOST) -> Stops:
    return Stops(address, folder=folder, wall=clock.wall, monotonic=clock.monotonic)


def test_a_stop_reaches_other_processes_and_ends(tmp_path, clock) -> None:
    mine, theirs = make(tmp_path / "deep" / "er", clock), make(tmp_path / "deep" / "er", clock)
    assert theirs.current() is None
    mine.forbid(30.0, banned=False)
    clock.wall_s += 0.1  # a look is remembered for 50 ms
    stop = theirs.current()
    assert stop == Stop(clock.wall_s - 0.1 + 30.0, False)
    assert theirs.left_s(stop) == pytest.approx(29.9)
    clock.wall_s += 29.95
    assert theirs.current() is None
    assert [path.name for path in (tmp_path / "deep" / "er").iterdir()] == [mine.path.name]


def test_addresses_have_files_of_their_own(tmp_path, clock) -> None:
    make(tmp_path, clock).forbid(30.0, banned=False)
    assert make(tmp_path, clock, "https://other.invalid").current() is None
    assert make(tmp_path, clock, HOST.upper().replace("HTTPS", "https") + "/api").current() is not None


def test_a_longer_stop_and_a_ban_stay(tmp_path, clock) -> None:
    stops = make(tmp_path, clock)
    stops.forbid(100.0, banned=True)
    stops.forbid(5.0, banned=False)
    assert stops.current() == Stop(clock.wall_s + 100.0, True)
    stops.forbid(200.0, banned=False)
    assert stops.current() == Stop(clock.wall_s + 200.0, True)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9000", "http://localhost:1", "http://[::1]:8"])
def test_loopback_shares_nothing(tmp_path, clock, address) -> None:
    stops = make(tmp_path, clock, address)
    stops.forbid(30.0, banned=True)
    assert stops.current() is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"until": "soon", "banned": false}', '{"until": true, "banned": false}',
     '{"until": 1e999, "banned": false}', '{"until": NaN, "banned": true}', "\x00\xff", "[" * 4000],
)  # fmt: skip
def test_a_broken_file_counts_as_absent(tmp_path, clock, text) -> None:
    stops = make(tmp_path, clock)
    stops.path.write_text(text, encoding="latin-1")
    assert stops.current() is None
    stops.forbid(30.0, banned=False)
    assert stops.current() == Stop(clock.wall_s + 30.0, False)


def test_nobody_is_locked_out_for_more_than_three_days(tmp_path, clock) -> None:
    stops = make(tmp_path, clock)
    stops.path.write_text(json.dumps({"until": clock.wall_s + 10 * 86400, "banned": True}))
    assert stops.current() is None
    stops.forbid(10 * 86400.0, banned=True)
    assert stops.current() == Stop(clock.wall_s + 3 * 86400, True)


def test_an_unusable_folder_is_ignored(tmp_path, clock) -> None:
    (tmp_path / "file").write_text("in the way")
    stops = make(tmp_path / "file", clock)
    stops.forbid(30.0, banned=False)
    assert stops.current() is None


def test_a_file_that_cannot_be_replaced_is_ignored_and_leaves_no_rubbish(tmp_path, clock) -> None:
    stops = make(tmp_path, clock)
    os.mkdir(stops.path)
    stops.forbid(30.0, banned=False)
    assert stops.current() is None
    assert [path.name for path in tmp_path.iterdir()] == [stops.path.name]


def test_the_folder_follows_the_environment(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("CRYPTOX_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    monkeypatch.delenv("CRYPTOX_CACHE")
    for platform, name in [("linux", "XDG_CACHE_HOME"), ("win32", "LOCALAPPDATA")]:
        monkeypatch.setattr("sys.platform", platform)
        monkeypatch.setenv(name, str(tmp_path / platform))
        assert cache_folder() == tmp_path / platform / "cryptox"
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache_folder().parts[-3:] == ("Library", "Caches", "cryptox")
