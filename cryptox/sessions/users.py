"""Named sessions of this process, by venue and user. One without a name is only its owner's business."""

from __future__ import annotations

import itertools
import json
import threading
import weakref
from typing import Any, Protocol

from cryptox.errors import ConfigurationError

__all__ = ["UserBook", "book"]


class Named(Protocol):
    """A session of either face."""

    def retire(self, reason: str) -> None:
        """End it at once, from any thread; its use then raises ``ConfigurationError`` with the reason."""


class UserBook:
    """Who is connected."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[tuple[str, str], Named] = {}
        self._cores: dict[tuple[str, str], object] = {}
        self._made: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self._numbers = itertools.count()

    def note(self, core: Any) -> None:
        """An asynchronous session was made, named or not; it is not held."""
        with self._lock:
            self._made[next(self._numbers)] = core

    def everyone(self) -> list[Any]:
        """All asynchronous sessions of the process that have not ended, in the order in which they were made."""
        with self._lock:
            return [core for core in self._made.values() if core._closed is None]

    def enter(self, venue: str, user: str, session: Named, core: object) -> None:
        """Register a session, and the asynchronous one behind it; the former one of that name is ended."""
        with self._lock:
            former = self._sessions.get((venue, user))
            self._sessions[venue, user] = session
            self._cores[venue, user] = core
        if former is not None:
            former.retire(f"{user!r} was connected again on {venue}; this session is the former one.")

    def names(self) -> list[str]:
        """Names of connected users, sorted."""
        with self._lock:
            return sorted({user for _, user in self._sessions})

    def find(self, user: str, venue: str | None) -> Named:
        """The session of a user.

        Raises
        ------
        ConfigurationError
            Not connected, or connected on several venues and none named.
        """
        with self._lock:
            return self._sessions[self._key(user, venue)]

    def called(self, venue: str, user: str, core: object) -> str | None:
        """The call that finds an asynchronous session, or the blocking one of it; None where another has its name."""
        with self._lock:
            if self._cores.get((venue, user)) is not core:
                return None
            is_alone = sum(name == user for _, name in self._sessions) == 1
        return f"cx.session({json.dumps(user)}{'' if is_alone else f', {json.dumps(venue)}'})"

    def leave(self, user: str, venue: str | None) -> None:
        """End a user's session; raises as ``find``."""
        with self._lock:
            key = self._key(user, venue)
            session = self._sessions.pop(key)
            del self._cores[key]
        session.retire(f"{user!r} was disconnected.")

    def forget(self, venue: str, user: str, core: object) -> None:
        """A session has been closed by its owner: its name is free, unless another one has it already."""
        with self._lock:
            if self._cores.get((venue, user)) is core:
                del self._sessions[venue, user], self._cores[venue, user]

    def _key(self, user: str, venue: str | None) -> tuple[str, str]:
        found = [key for key in self._sessions if key[1] == user and venue in (None, key[0])]
        if len(found) == 1:
            return found[0]
        if not found:
            where = "" if venue is None else f" on {venue}"
            known = ", ".join(sorted({name for _, name in self._sessions}))
            connected = f"Connected are: {known}." if known else "No user is connected."
            raise ConfigurationError(
                f"{user!r} is not connected{where}.",
                recovery_suggestions=[f"{connected} cx.connect(..., user={user!r}) connects one."],
            )
        raise ConfigurationError(
            f"{user!r} is connected on several venues: {', '.join(name for name, _ in found)}.",
            recovery_suggestions=["Say which with venue=."],
            suggested={"user": user, "venue": found[0][0]},
        )


book = UserBook()
