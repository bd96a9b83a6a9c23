"""What was about to be sent, on disk: one line before, one line at the end.

The next session of the same key settles what a dead kernel left.

An append-only file a day, a venue and a key, in the user's state folder, mode 0600. Nothing in it is secret: ids,
symbols, times, and a fingerprint of the key in the file's name. A line is written with one call, so lines of several
processes never mix. Survives the death of the process; a power cut may take the last lines.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from logging import WARNING
from pathlib import Path
from typing import Any

from cryptox import logs

__all__ = ["Entry", "Journal", "state_folder"]

log = logs.logger("sessions.journal")

KEPT_DAYS = 90  # a settled file is deleted after so long
VARIABLE = "CRYPTOX_STATE"
APPENDED = os.O_WRONLY | os.O_APPEND | os.O_CREAT
_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
_DAY_S = 86_400
_written = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Entry:
    """One act, as it was before it was sent.

    Attributes
    ----------
    client_order_id
        The id that it was sent with; of a cancel the cancel's own.
    operation
        The call: ``place_order``.
    symbol
        Its symbol.
    accepted_until_ms
        The last moment of exchange time at which the exchange may have accepted it.
    sent_ms
        Exchange time just before.
    about
        What its question needs beyond that: ids of other orders.
    process
        Which process wrote it.
    """

    client_order_id: str
    operation: str
    symbol: str
    sent_ms: int
    accepted_until_ms: int
    about: Mapping[str, Any] = field(default_factory=dict)
    process: int = field(default_factory=os.getpid)


class Journal:
    """The journal of one key at one venue.

    Parameters
    ----------
    venue, fingerprint
        Name the file.
    folder
        Where; None for ``state_folder()``.

    Attributes
    ----------
    stem : str
        The beginning of its files' names: one venue and one key.
    """

    def __init__(self, venue: str, fingerprint: str, folder: Path | None = None) -> None:
        self.stem = f"{_NAME.sub('_', venue)}-{fingerprint}"
        self._folder = (folder or state_folder()) / "orders"
        self._told = False
        self._today = "", self._folder
        self._begun = ""  # a newline before the first line: the last one of a dead process may have been cut

    def begin(self, entry: Entry) -> None:
        """Note an act that is about to be sent. Never raises: an order must not fail for want of a journal."""
        about = {"about": dict(entry.about)} if entry.about else {}
        self._write(
            {
                "begin": entry.client_order_id,
                "operation": entry.operation,
                "symbol": entry.symbol,
                "sent": entry.sent_ms,
                "until": entry.accepted_until_ms,
                "process": entry.process,
                **about,
            }
        )

    def end(self, client_order_id: str, outcome: str, order_id: int | None = None) -> None:
        """Note how it ended."""
        found = {} if order_id is None else {"order_id": order_id}
        self._write({"end": client_order_id, "outcome": outcome, **found})

    def open_entries(self) -> list[Entry]:
        """Acts without an end, oldest first: of processes that died, or still run."""
        return self.read()[0]

    def read(self) -> tuple[list[Entry], dict[str, int]]:
        """Acts without an end, oldest first; and by client order id that a user gave the last order that had it."""
        found: dict[str, Entry] = {}
        given: dict[str, int] = {}
        for path in self._files():
            for line in _lines(path):
                with suppress(KeyError, TypeError, ValueError, OverflowError):
                    if "begin" in line:
                        found[line["begin"]] = _entry(line)
                        continue
                    ended = found.pop(line["end"], None)
                    if ended is not None and ended.about.get("given") and "order_id" in line:
                        given.pop(ended.client_order_id, None)
                        given[ended.client_order_id] = _whole(line["order_id"])
        return list(found.values()), given

    def tidy(self, now_s: float | None = None) -> None:
        """Delete old files, where nothing in any file is open."""
        if self.open_entries():
            return
        oldest = _day((time.time() if now_s is None else now_s) - KEPT_DAYS * _DAY_S)
        for path in self._files():
            if path.stem[-10:] < oldest:
                with suppress(OSError):
                    path.unlink()

    def _files(self) -> list[Path]:
        with suppress(OSError):
            return sorted(self._folder.glob(f"{self.stem}-????-??-??.jsonl"))
        return []

    def _write(self, line: Mapping[str, Any]) -> None:
        day = _day(time.time())
        if day != self._today[0]:
            self._today = day, self._folder / f"{self.stem}-{day}.jsonl"
        path = self._today[1]
        text = ("" if self._begun == path.name else "\n") + _written(line) + "\n"
        try:
            try:
                handle = os.open(path, APPENDED, 0o600)
            except FileNotFoundError:  # the first line of all; looking for the folder at each order costs more
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                handle = os.open(path, APPENDED, 0o600)
            try:
                whole = text.encode()
                self._begun = path.name if os.write(handle, whole) == len(whole) else ""
            finally:
                os.close(handle)
        except OSError as error:
            if not self._told:
                self._told = True
                told = error.strerror or type(error).__name__
                logs.event(log, "journal.unwritable", level=WARNING, folder=str(self._folder), error=told)


def state_folder() -> Path:
    """The user's state folder for cryptox: CRYPTOX_STATE, else the system's usual place."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~/AppData/Local")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Application Support")
    else:
        base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(base) / "cryptox"


def _day(moment_s: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(moment_s))


def _entry(line: Mapping[str, Any]) -> Entry:
    return Entry(
        str(line["begin"]),
        str(line["operation"]),
        str(line["symbol"]),
        _whole(line["sent"]),
        _whole(line["until"]),
        dict(line.get("about", {})),
        _whole(line.get("process", 0), 2**31),
    )


def _whole(value: Any, end: int = 2**63) -> int:
    """A number of a line; ValueError for one that nobody wrote: signals to processes and times are made of them."""
    number = int(value)
    if not 0 <= number < end:
        raise ValueError(number)
    return number


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines that can be read: the last one of a process that was killed may be cut."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return
    for line in text.splitlines():
        with suppress(ValueError, RecursionError):
            said = json.loads(line)
            if isinstance(said, dict):
                yield said
