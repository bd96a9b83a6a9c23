"""The operating system's store of keys, behind the optional package ``keyring``; and keys kept for this process only.

An entry is JSON of the arguments of ``connect``, under the service ``cryptox:<venue>`` and the user's name.
"""

from __future__ import annotations

import json
import threading
from logging import WARNING
from typing import Any

from cryptox import logs
from cryptox.errors import ConfigurationError

__all__ = ["NAMES", "Memory", "find", "forget", "keep", "memory", "store"]

log = logs.logger("sessions")

NAMES = ("api_key", "secret_key", "private_key", "private_key_password")
ADVICE = "See the page on keys in the documentation: on a machine without a keyring, use the environment."
INSTALL = "pip install 'cryptox[keyring]'"
# Backends that keep nothing, and those that keep it where anybody who reads the disk can read it.
EMPTY = frozenset({"keyring.backends.fail", "keyring.backends.null"})
PLAIN = ("Plaintext", "Uncrypted", "Unencrypted")
CHAIN = "keyring.backends.chainer"


class Memory:
    """Keys of this process, which go with it. Its ``repr`` says how many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], _Hidden] = {}

    def put(self, venue: str, user: str, keys: dict[str, str]) -> None:
        """Keep the keys of a user at a venue."""
        with self._lock:
            self._kept[venue, user] = _Hidden(keys)

    def get(self, venue: str, user: str) -> dict[str, str] | None:
        """The keys of a user at a venue."""
        with self._lock:
            found = self._kept.get((venue, user))
        return None if found is None else found.tell()

    def drop(self, venue: str, user: str) -> bool:
        """Forget them; whether there were any."""
        with self._lock:
            return self._kept.pop((venue, user), None) is not None

    def __repr__(self) -> str:
        """How many."""
        return f"<keys of {len(self._kept)} users>"


class _Hidden:
    """Keys in a closure."""

    __slots__ = ("tell",)

    def __init__(self, keys: dict[str, str]) -> None:
        def tell() -> dict[str, str]:
            """The keys."""
            return dict(keys)

        self.tell = tell


memory = Memory()


def find(venue: str, user: str) -> dict[str, str] | None:
    """The keys kept for a user at a venue; None where there are none, or no keyring that can be trusted.

    Raises
    ------
    ConfigurationError
        There is an entry that is none of ours.
    """
    kept = memory.get(venue, user)
    if kept is not None:
        return kept
    backend, _ = _trusted()
    if backend is None:
        return None
    try:
        entry = backend.get_password(_service(venue), user)
    except Exception as error:  # noqa: BLE001  # a store that is locked or gone: each backend has errors of its own
        logs.event(log, "keyring.unread", level=WARNING, venue=venue, user=user, reason=type(error).__name__)
        return None
    return None if entry is None else _read(entry, venue, user)


def store(venue: str, user: str, keys: dict[str, str]) -> None:
    """Keep keys in the keyring.

    Raises
    ------
    ConfigurationError
        The extra is not installed, its backend keeps plain text or nothing, or the system's store refused.
    """
    backend, trouble = _trusted()
    if trouble is not None:
        raise trouble
    try:
        backend.set_password(_service(venue), user, json.dumps(keys))
    except Exception as error:  # noqa: BLE001  # as above; its frames hold what was to be kept
        kind = type(error).__name__
    else:
        memory.drop(venue, user)
        return
    raise _refused("take the keys", kind)


def keep(venue: str, user: str, keys: dict[str, str]) -> ConfigurationError | None:
    """Keep keys in the keyring; where there is none to trust, or it refuses, for this process only, and say why."""
    try:
        store(venue, user, keys)
    except ConfigurationError as error:
        memory.put(venue, user, keys)
        return error.with_traceback(None)
    return None


def forget(venue: str, user: str) -> bool:
    """Delete what is kept for a user at a venue, in the keyring and in this process; whether there was anything.

    Raises
    ------
    ConfigurationError
        The system's store refused.
    """
    dropped = memory.drop(venue, user)
    backend, _ = _trusted()
    if backend is None:
        return dropped
    try:
        if backend.get_password(_service(venue), user) is None:
            return dropped
        backend.delete_password(_service(venue), user)
    except Exception as error:  # noqa: BLE001  # as above
        kind = type(error).__name__
    else:
        return True
    raise _refused("delete the keys", kind)


def _trusted() -> tuple[Any, ConfigurationError | None]:
    """The backend to use; or None, and why there is none."""
    try:
        import keyring
    except ImportError:
        return None, ConfigurationError(
            "Keys are kept by the package keyring, which is not installed.", recovery_suggestions=[INSTALL, ADVICE]
        )
    try:
        backends = _links(keyring.get_keyring())
    except Exception as error:  # noqa: BLE001  # whatever its own configuration names and loads
        return None, _refused("open", type(error).__name__)
    plain = [backend for backend in backends if type(backend).__name__.startswith(PLAIN)]
    kept = [backend for backend in backends if backend not in plain and type(backend).__module__ not in EMPTY]
    if kept:
        return kept[0], None
    if plain:
        name = f"{type(plain[0]).__module__}.{type(plain[0]).__name__}"
        return None, ConfigurationError(
            f"The keyring of this machine ({name}) keeps passwords as plain text, so no key goes into it.",
            recovery_suggestions=["Remove keyrings.alt, or choose another backend (keyring --list-backends).", ADVICE],
        )
    return None, ConfigurationError("This machine has no keyring that keeps anything.", recovery_suggestions=[ADVICE])


def _links(backend: Any) -> list[Any]:
    """The backends of a chain, best first; one that is no chain alone."""
    return list(backend.backends) if type(backend).__module__ == CHAIN else [backend]


def _service(venue: str) -> str:
    return f"cryptox:{venue}"


def _read(entry: str, venue: str, user: str) -> dict[str, str]:
    try:
        keys = json.loads(entry)
    except (ValueError, RecursionError):
        keys = None
    if isinstance(keys, dict) and all(name in NAMES and isinstance(text, str) for name, text in keys.items()):
        return keys
    raise ConfigurationError(
        f"The keyring's entry for {user!r} on {venue} cannot be read.",
        recovery_suggestions=[f"Store the keys again: cx.keys.ask({user!r}, venue={venue!r})."],
    )


def _refused(what: str, kind: str) -> ConfigurationError:
    return ConfigurationError(
        f"The keyring of this machine did not {what} ({kind}).",
        recovery_suggestions=["Unlock it, or log in to the desktop that it belongs to, and try again.", ADVICE],
    )
