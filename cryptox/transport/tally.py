"""How the requests of the last minutes went. Pure: times are arguments, monotonic seconds."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["WINDOW_S", "Figures", "Tally"]

WINDOW_S = 300.0
SLOT_S = 10.0  # so exact the window is


class Figures(NamedTuple):
    """Requests of the last five minutes, how many failed, how many in a row by now, and when one went well last."""

    requests: int
    errors: int
    last_success_at: float | None
    in_a_row: int = 0


@dataclass(slots=True)
class _Slot:
    number: int
    requests: int = 0
    errors: int = 0


class Tally:
    """One per address; may be shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: deque[_Slot] = deque()
        self._last_success_at: float | None = None
        self._in_a_row = 0
        self._reached = False

    def note(self, now: float, *, ok: bool, reached: bool = True) -> None:
        """A try has ended: answered well, also with a refusal of what was asked, or not, as by a firewall.

        ``reached`` says whether there was a connection at least.
        """
        with self._lock:
            self._reached = self._reached or reached
            number = int(now // SLOT_S)
            if not self._slots or self._slots[-1].number < number:
                self._slots.append(_Slot(number))
            slot = self._slots[-1]
            slot.requests += 1
            self._in_a_row = 0 if ok else self._in_a_row + 1
            if ok:
                self._last_success_at = now
            else:
                slot.errors += 1
            self._forget(now)

    @property
    def silent(self) -> bool:
        """Whether no connection was ever made; a bad answer, or none, is of somebody who was reached."""
        return not self._reached

    def figures(self, now: float) -> Figures:
        """As of now."""
        with self._lock:
            self._forget(now)
            requests = sum(slot.requests for slot in self._slots)
            errors = sum(slot.errors for slot in self._slots)
            return Figures(requests, errors, self._last_success_at, self._in_a_row)

    def _forget(self, now: float) -> None:
        while self._slots and (self._slots[0].number + 1) * SLOT_S <= now - WINDOW_S:
            self._slots.popleft()
