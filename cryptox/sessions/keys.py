"""Where a session's keys come from: arguments, the environment, the keyring, or an exchange that gives its own.

A key is read here and becomes a ``Signer`` at once; nothing else keeps it. Nothing here prompts.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from cryptox._secrets import is_secret
from cryptox.errors import ConfigurationError
from cryptox.sessions import keyring
from cryptox.sessions.keyring import NAMES
from cryptox.settings import (
    API_KEY_VARIABLE,
    PASSWORD_VARIABLE,
    PRIVATE_KEY_VARIABLE,
    SECRET_KEY_VARIABLE,
    VENUE_VARIABLE,
)
from cryptox.transport.crypto import Signer, hmac_signer, pem_signer
from cryptox.venues.port import OwnKeys, Venue
from cryptox.venues.registry import DEFAULT_VENUE

__all__ = ["Given", "KeyHolder", "keyless", "keys_for"]

PEM_MARK = "-----BEGIN"
LONGEST_PEM = 65_536  # bytes; a file that is larger is something else


class Given:
    """Keys as they were given, out of sight: no attribute, ``repr``, pickle or frame's variable shows them."""

    __slots__ = ("_strange", "_tell")

    def __init__(self, **keys: Any) -> None:
        self._strange: str | None = None
        self._tell: Callable[[], dict[str, Any]] = lambda: {name: keys.get(name) for name in NAMES}

    @classmethod
    def taken_from(cls, arguments: dict[str, Any], **keys: Any) -> Given:
        """These keys, and those among other arguments, which lose them.

        They lose what is a key by its name too, though not by a name of ours: ``signer`` refuses it.
        """
        found = {**keys, **{name: arguments.pop(name) for name in NAMES if name in arguments}}
        strange = [name for name in arguments if is_secret(name)]
        for name in strange:
            del arguments[name]
        given = cls(**found)
        given._strange = strange[0] if strange else None
        return given

    def __bool__(self) -> bool:
        """Whether there are any."""
        return self._strange is not None or any(value is not None for value in self._tell().values())

    def is_encrypted(self) -> bool:
        """Whether the private key wants a password; raises as ``signer``."""
        return b"ENCRYPTED" in _read_pem(self._tell()["private_key"], "private_key")

    def stored(self) -> dict[str, str]:
        """What a keyring keeps of them; a private key given as a path stays in its file.

        Raises
        ------
        ConfigurationError
            As ``signer``.
        """
        self.signer()
        told = {name: value for name, value in self._tell().items() if value is not None}
        path = told.get("private_key")
        if path is not None and not _is_pem(path):
            told["private_key"] = os.path.abspath(os.path.expanduser(os.fspath(path)))
        return {name: value if name == "private_key_password" else value.strip() for name, value in told.items()}

    def signer(self, names: Mapping[str, str] | None = None) -> Signer:
        """The key that signs; ``names`` are what to call the parts in errors.

        Raises
        ------
        ConfigurationError
            A part is missing, or one too many; a part is not what it should be; the file or the password is wrong.
            Nothing of the keys is in the message.
        """
        if self._strange is not None:
            from difflib import get_close_matches

            near = get_close_matches(self._strange, NAMES, n=1, cutoff=0.0)[0]
            raise _refusal(
                f"There is no setting {self._strange!r}. Did you mean {near!r}?",
                f"Keys are given as {', '.join(NAMES)}.",
            )
        told = self._tell()
        called = {name: (names or {}).get(name, name) for name in NAMES}
        _check_whole(told, called)
        name = _word(told["api_key"], called["api_key"])
        if told["private_key"] is None:
            return hmac_signer(name, _word(told["secret_key"], called["secret_key"], private=called["private_key"]))
        password = told["private_key_password"]
        if password is not None and not isinstance(password, str):
            raise _refusal(f"{called['private_key_password']} must be text, not {_kind(password)}.")
        return pem_signer(name, _read_pem(told["private_key"], called["private_key"]), password or None)

    def __repr__(self) -> str:
        """Whether there are keys, nothing more."""
        return f"<keys: {'given' if self else 'none'}>"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        """Refuse to be pickled or copied."""
        raise TypeError("keys cannot be pickled or copied")


class KeyHolder:
    """A session's key: made when it is first needed, gone when the session ends.

    Parameters
    ----------
    make
        Gives the key; None where there is none.
    """

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[], Signer] | None = None) -> None:
        self._make = None if make is None else _once(make)

    @property
    def filled(self) -> bool:
        """Whether there is a key, made or not."""
        return self._make is not None

    def signer(self) -> Signer | None:
        """The key; None where there is none, or no longer."""
        make = self._make
        return None if make is None else make()

    def copy(self) -> KeyHolder:
        """The same key for another session, which may outlive this one."""
        return KeyHolder(self._make)

    def clear(self) -> None:
        """Forget the key."""
        self._make = None

    def __repr__(self) -> str:
        """Whether there is a key, nothing more."""
        return f"<key: {'one' if self.filled else 'none'}>"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        """Refuse to be pickled or copied."""
        raise TypeError("a key cannot be pickled or copied")


def keys_for(venue: Venue, user: str | None, given: Given, environment: Mapping[str, str]) -> KeyHolder:
    """The key of a new session: as given; else of the environment, the keyring, or the exchange itself.

    An exchange that gives keys of its own (the paper exchange) is asked when the first call needs one, and neither
    environment nor keyring is read for it.

    Raises
    ------
    ConfigurationError
        The keys given, or those of the environment or keyring, cannot be used.
    """
    signer = None
    if given:
        signer = given.signer()
    elif isinstance(venue, OwnKeys):
        return KeyHolder(lambda: hmac_signer(*venue.own_keys(user)))
    elif user is not None:
        found = keyring.find(venue.name, user)
        signer = None if found is None else Given(**found).signer()
    elif venue.name == (environment.get(VENUE_VARIABLE) or DEFAULT_VENUE):
        signer = _of_environment(environment)
    return KeyHolder() if signer is None else KeyHolder(lambda: signer)


def keyless(venue: str, user: str | None) -> ConfigurationError:
    """The error of a call that needs a key, in a session that has none."""
    who = "This session has" if user is None else f"{user!r} has"
    own = [f"Keep keys for that name: cx.keys.ask({user!r}, venue={venue!r}), then connect again."] if user else []
    return ConfigurationError(
        f"{who} no key on {venue}, and this call needs one; nothing was sent.",
        recovery_suggestions=[
            *own,
            "Connect with api_key and secret_key (HMAC), or with api_key and private_key (Ed25519, RSA).",
            f"Or set {API_KEY_VARIABLE} with {SECRET_KEY_VARIABLE} or {PRIVATE_KEY_VARIABLE} in the environment, and "
            f"connect without a user on the venue of {VENUE_VARIABLE}.",
        ],
        context={"venue": venue, **({} if user is None else {"user": user})},
    )


def _once(make: Callable[[], Signer]) -> Callable[[], Signer]:
    """The same key at each call, whichever threads call."""
    lock = threading.Lock()
    made: list[Signer] = []

    def get() -> Signer:
        """The key, made at the first call."""
        with lock:
            if not made:
                made.append(make())
            return made[0]

    return get


def _of_environment(environment: Mapping[str, str]) -> Signer | None:
    variables = {
        "api_key": API_KEY_VARIABLE,
        "secret_key": SECRET_KEY_VARIABLE,
        "private_key": PRIVATE_KEY_VARIABLE,
        "private_key_password": PASSWORD_VARIABLE,
    }
    found = {name: environment.get(variable) or None for name, variable in variables.items()}
    if found["private_key"] is None:
        found["private_key_password"] = None  # of a key that is not here
    given = Given(**found)
    del found
    return given.signer(variables) if given else None


def _check_whole(told: Mapping[str, Any], called: Mapping[str, str]) -> None:
    """Refuse a key that lacks a part, or has one too many."""
    secret, private = told["secret_key"], told["private_key"]
    if secret is not None and private is not None:
        raise _refusal(
            f"{called['secret_key']} and {called['private_key']} are two keys; a session has one.",
            f"Leave out {called['secret_key']} for an Ed25519 or RSA key, {called['private_key']} for an HMAC key.",
        )
    if told["api_key"] is None:
        raise _refusal(
            f"{called['api_key']} is missing: the exchange knows a key by it.",
            f"Give {called['api_key']}, as the exchange shows it beside the key.",
        )
    if secret is None and private is None:
        raise _refusal(
            f"{called['api_key']} is given, but nothing to sign with.",
            f"Give {called['secret_key']} (HMAC), or {called['private_key']} (Ed25519, RSA) as well.",
        )
    if private is None and told["private_key_password"] is not None:
        raise _refusal(f"{called['private_key_password']} belongs to a private key; a secret key has none.")


def _word(value: Any, name: str, private: str | None = None) -> str:
    """A key as one word of ASCII, without the white space around it."""
    if not isinstance(value, str):
        raise _refusal(f"{name} must be text, not {_kind(value)}.")
    if private is not None and PEM_MARK in value:
        raise _refusal(f"{name} looks like a private key in PEM, which is no HMAC secret.", f"Give it as {private}.")
    word: str = value.strip()
    if not word:
        raise _refusal(f"{name} is empty.", f"Give {name} as the exchange showed it, or leave it out.")
    if not word.isascii() or not word.isprintable() or any(letter.isspace() for letter in word):
        raise _refusal(
            f"{name} has a character in it that no key has: white space, or a letter beyond ASCII.",
            "Copy it again, in one piece.",
        )
    return word


def _read_pem(value: Any, name: str) -> bytes:
    """The PEM of a private key given as text, or as the path of a file."""
    if not isinstance(value, str | os.PathLike):
        raise _refusal(f"{name} must be a path or PEM text, not {_kind(value)}.")
    pem = value.encode("utf-8", "replace") if isinstance(value, str) and _is_pem(value) else _file(value, name)
    if b"PUBLIC KEY" in pem:
        raise _refusal(
            f"{name} is the public half of a key.", "Give the private half; the exchange has the public one."
        )
    if PEM_MARK.encode() not in pem:
        raise _refusal(
            f"{name} is not a private key in PEM.", f"Such a file begins with {PEM_MARK} PRIVATE KEY or the like."
        )
    return pem


def _file(path: Any, name: str) -> bytes:
    """The bytes of a key's file; the path stays out of the message, as it may be a secret put in the wrong place."""
    try:
        with open(os.path.expanduser(path), "rb") as file:
            return file.read(LONGEST_PEM)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such path can be"
    raise _refusal(
        f"{name} is neither PEM text nor the path of a file that can be read: {reason}.",
        f"Give {name} as the path of a PEM file, or as its text.",
    )


def _is_pem(value: Any) -> bool:
    return isinstance(value, str) and PEM_MARK in value


def _kind(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _refusal(what: str, advice: str | None = None) -> ConfigurationError:
    return ConfigurationError(what, recovery_suggestions=[advice or "See the page on keys in the documentation."])
