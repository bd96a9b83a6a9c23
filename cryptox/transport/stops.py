"""Stop until T, shared by all processes of a user: one small file per address, never locked, never relied upon."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from .proxies import is_loopback

__all__ = ["Stop", "Stops", "cache_folder"]

LOOK_EVERY_S = 0.05
LONGEST_S = 3 * 86400.0  # the exchange's longest ban; a broken clock must not lock anyone out for longer


class Stop(NamedTuple):
    """Nothing may be sent until ``until_s`` (epoch seconds)."""

    until_s: float
    banned: bool


class Stops:
    """The stop of one address, as all processes of this user see it.

    Parameters
    ----------
    address
        Base URL of the exchange, ``https://host``. For a loopback address nothing is shared.
    folder
        Where the files are; None for the user's cache folder.
    wall, monotonic
        Clocks in seconds.
    """

    def __init__(
        self,
        address: str,
        *,
        folder: Path | None = None,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        parts = urlsplit(address)
        self._wall = wall
        self._monotonic = monotonic
        self._path: Path | None = None
        if not is_loopback(parts.hostname or ""):
            name = hashlib.sha256(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower().encode()).hexdigest()
            self._path = (folder or cache_folder()) / f"stop-{name[:24]}.json"
        self._looked_at = -1e9
        self._seen: Stop | None = None

    @property
    def path(self) -> Path | None:
        """The file, or None where nothing is shared."""
        return self._path

    def current(self) -> Stop | None:
        """The stop in force now, or None. Reads the file at most every 50 ms; a broken one counts as absent."""
        if self._path is None:
            return None
        now = self._monotonic()
        if now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = now
            self._seen = self._read()
        stop = self._seen
        if stop is None:
            return None
        left_s = stop.until_s - self._wall()
        return stop if 0 < left_s <= LONGEST_S + 3600 else None

    def left_s(self, stop: Stop) -> float:
        """Seconds until a stop ends."""
        return max(0.0, stop.until_s - self._wall())

    def forbid(self, wait_s: float, *, banned: bool) -> None:
        """Tell all processes to send nothing for ``wait_s`` seconds; a longer stop in force stays."""
        if self._path is None:
            return
        until_s = self._wall() + min(max(wait_s, 0.0), LONGEST_S)
        self._looked_at = -1e9
        now = self.current()
        if now is not None and now.until_s >= until_s and now.banned >= banned:
            return
        if now is not None:
            until_s, banned = max(until_s, now.until_s), banned or now.banned
        self._write(Stop(until_s, banned))
        self._looked_at = -1e9

    def _read(self) -> Stop | None:
        assert self._path is not None
        try:
            with self._path.open("rb") as file:
                said = json.loads(file.read(4096))
            until_s, banned = said["until"], said["banned"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        if isinstance(until_s, bool) or not isinstance(until_s, int | float) or not isinstance(banned, bool):
            return None
        return Stop(float(until_s), banned) if abs(until_s) < 1e15 else None

    def _write(self, stop: Stop) -> None:
        assert self._path is not None
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=".stop-", dir=self._path.parent)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump({"until": stop.until_s, "banned": stop.banned}, file)
                os.replace(name, self._path)  # atomic: a reader sees the old or the new file, never half of one
            except OSError:
                with suppress(OSError):
                    os.unlink(name)


def cache_folder() -> Path:
    """The user's cache folder for cryptox: CRYPTOX_CACHE, else the system's usual place."""
    named = os.environ.get("CRYPTOX_CACHE")
    if named:
        return Path(named)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~/AppData/Local")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "cryptox"
