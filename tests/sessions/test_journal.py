"""What was about to be sent, on disk."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cryptox.sessions.journal import KEPT_DAYS, Entry, Journal, state_folder

ENTRY = Entry("cx-1", "place_order", "BTCUSDT", 1_700_000_000_000, 1_700_000_012_000, {"given": True})


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal("paper", "abc123", tmp_path)


def files(folder: Path) -> list[Path]:
    return sorted((folder / "orders").iterdir())


def test_what_was_begun_is_open_until_it_ends(journal: Journal, tmp_path: Path) -> None:
    journal.begin(ENTRY)
    assert Journal("paper", "abc123", tmp_path).open_entries() == [ENTRY]
    journal.end("cx-1", "done", 42)
    assert Journal("paper", "abc123", tmp_path).open_entries() == []


def test_other_keys_and_venues_have_files_of_their_own(journal: Journal, tmp_path: Path) -> None:
    journal.begin(ENTRY)
    assert Journal("paper", "other1", tmp_path).open_entries() == []
    assert Journal("binance", "abc123", tmp_path).open_entries() == []
    assert Journal("binance:../x", "abc123", tmp_path).open_entries() == []


@pytest.mark.skipif(os.name == "nt", reason="no such permissions there")
def test_nobody_else_may_read_it(journal: Journal, tmp_path: Path) -> None:
    journal.begin(ENTRY)
    (path,) = files(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_cut_line_harms_nothing(journal: Journal, tmp_path: Path) -> None:
    journal.begin(ENTRY)
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes() + b'{"begin":"cx-2","opera')
    other = Journal("paper", "abc123", tmp_path)
    other.begin(Entry("cx-3", "cancel_order", "ETHUSDT", 1, 2))
    assert [entry.client_order_id for entry in other.open_entries()] == ["cx-1", "cx-3"]


def test_rubbish_harms_nothing(journal: Journal, tmp_path: Path) -> None:
    journal.begin(ENTRY)
    (path,) = files(tmp_path)
    path.write_bytes(
        b'\xff\xfe\n[1]\n{"begin":"x"}\n{"begin":"y","operation":"o","symbol":"s","sent":"?","until":1}\n'
        + path.read_bytes()
    )
    assert journal.open_entries() == [ENTRY]


def test_a_folder_that_cannot_be_written_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "orders").write_text("a file")
    journal = Journal("paper", "abc123", tmp_path)
    with caplog.at_level("WARNING", logger="cryptox"):
        journal.begin(ENTRY)
        journal.end("cx-1", "done")
    assert [record.message.split()[0] for record in caplog.records] == ["journal.unwritable"]
    assert journal.open_entries() == []


def test_lines_of_several_processes_never_mix(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from cryptox.sessions.journal import Entry, Journal\n"
        "journal = Journal('paper', 'abc123', Path(sys.argv[1]))\n"
        "for n in range(300): journal.begin(Entry(f'{sys.argv[2]}-{n}', 'place_order', 'B' * 300, n, n))\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path), name]) for name in "abc"]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    found = {entry.client_order_id for entry in Journal("paper", "abc123", tmp_path).open_entries()}
    assert found == {f"{name}-{n}" for name in "abc" for n in range(300)}


def test_old_files_go_when_nothing_is_open(journal: Journal, tmp_path: Path) -> None:
    journal.begin(ENTRY)
    (path,) = files(tmp_path)
    old = path.with_name("paper-abc123-2020-01-01.jsonl")
    old.write_text(json.dumps({"end": "cx-0", "outcome": "done"}) + "\n")
    journal.tidy()
    assert old.exists()
    journal.end("cx-1", "done")
    journal.tidy()
    assert not old.exists()
    assert path.exists()


def test_the_folder_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CRYPTOX_STATE", str(tmp_path))
    assert state_folder() == tmp_path
    monkeypatch.delenv("CRYPTOX_STATE")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "s"))
    if sys.platform == "linux":
        assert state_folder() == tmp_path / "s" / "cryptox"


def test_it_tells_which_order_last_had_an_id_that_the_user_gave(journal: Journal, tmp_path: Path) -> None:
    for number in (7, 42):
        journal.begin(ENTRY)
        journal.end("cx-1", "done", number)
    journal.begin(Entry("cx-2", "place_order", "BTCUSDT", 1, 2))  # one of ours, which never comes again
    journal.end("cx-2", "done", 43)
    journal.begin(ENTRY)
    journal.end("cx-1", "not_done")
    assert Journal("paper", "abc123", tmp_path).read() == ([], {"cx-1": 42})


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("win32", "LOCALAPPDATA", "named/cryptox"),
        ("win32", None, "home/AppData/Local/cryptox"),
        ("darwin", None, "home/Library/Application Support/cryptox"),
        ("linux", "XDG_STATE_HOME", "named/cryptox"),
        ("linux", None, "home/.local/state/cryptox"),
    ],
)
def test_the_usual_folder_of_each_system(
    platform: str, variable: str | None, expected: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("CRYPTOX_STATE", "LOCALAPPDATA", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    if variable is not None:
        monkeypatch.setenv(variable, str(tmp_path / "named"))
    monkeypatch.setattr("cryptox.sessions.journal.sys.platform", platform)
    assert state_folder() == tmp_path / expected


def test_a_file_that_cannot_be_read_hides_none_of_the_others(journal: Journal, tmp_path: Path) -> None:
    journal.begin(ENTRY)
    (tmp_path / "orders" / f"{journal.stem}-2020-01-01.jsonl").mkdir()
    assert [one.client_order_id for one in journal.open_entries()] == [ENTRY.client_order_id]


def test_what_another_process_wrote_is_read_as_it_was(journal: Journal) -> None:
    theirs = Entry("cx-9", "cancel_all", "BTCUSDT", 5, 7, {"last": 3}, process=2**31 - 1)
    journal.begin(theirs)
    assert journal.open_entries() == [theirs]


def test_a_line_with_a_process_that_cannot_be_is_none(journal: Journal, tmp_path: Path) -> None:
    """A signal to it would be an OverflowError."""
    journal.begin(ENTRY)
    (path,) = files(tmp_path)
    line = {"begin": "cx-2", "operation": "o", "symbol": "s", "sent": 1, "until": 2, "process": 2**31}
    path.write_text(path.read_text() + json.dumps(line) + "\n")
    assert journal.open_entries() == [ENTRY]


def test_ids_are_told_by_their_last_use(journal: Journal) -> None:
    """Of more than are remembered the oldest go."""
    for name, number in (("a", 1), ("b", 2), ("a", 3)):
        journal.begin(Entry(name, "place_order", "BTCUSDT", 1, 2, {"given": True}))
        journal.end(name, "done", number)
    assert list(journal.read()[1].items()) == [("b", 2), ("a", 3)]


def test_a_file_is_kept_for_ninety_days(journal: Journal, tmp_path: Path) -> None:
    journal.begin(ENTRY)
    journal.end("cx-1", "done")
    (path,) = files(tmp_path)
    day_s = time.mktime(time.strptime(path.stem[-10:], "%Y-%m-%d")) - time.timezone
    journal.tidy(day_s + KEPT_DAYS * 86_400)
    assert path.exists()
    journal.tidy(day_s + (KEPT_DAYS + 1) * 86_400)
    assert not path.exists()


def test_a_kernel_that_runs_over_midnight_begins_a_file(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for moment_s in (1_767_225_599.0, 1_767_225_601.0):
        monkeypatch.setattr("cryptox.sessions.journal.time.time", lambda moment_s=moment_s: moment_s)
        journal.begin(ENTRY)
    assert [path.stem[-10:] for path in files(tmp_path)] == ["2025-12-31", "2026-01-01"]


def test_a_line_that_the_disk_took_half_of_spoils_no_other(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, text: write(handle, text[:-30]))
    journal.begin(ENTRY)
    monkeypatch.setattr(os, "write", write)
    other = Entry("cx-2", "cancel_order", "ETHUSDT", 1, 2)
    journal.begin(other)
    assert journal.open_entries() == [other]
