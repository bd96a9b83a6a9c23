"""Keys of users, kept in the operating system's keyring: ``cx.keys``. Nothing here shows one.

A session made with ``cx.connect(venue, user=...)`` and no key takes what is kept for that name. Sessions that exist
already keep theirs.
"""

from __future__ import annotations

import os
import warnings

from cryptox._boundary import boundary
from cryptox.errors import ConfigurationError
from cryptox.sessions import keyring
from cryptox.sessions.keys import Given
from cryptox.settings import API_KEY_VARIABLE, SECRET_KEY_VARIABLE, VENUE_VARIABLE
from cryptox.venues import registry

__all__ = ["ask", "forget", "store"]

OWN_ACCOUNTS = frozenset({"paper"})  # venues that read no keyring
PATH_SIGNS = ("/", "\\", ".pem")


def store(
    user: str,
    *,
    api_key: str | None = None,
    secret_key: str | None = None,
    private_key: str | os.PathLike[str] | None = None,
    private_key_password: str | None = None,
    venue: str | None = None,
) -> None:
    """Keep a user's key in the keyring; one that was there is replaced.

    Better is :func:`ask`: what is typed as an argument stays in the notebook and in the shell's history.

    Parameters
    ----------
    user
        The name that ``cx.connect(user=...)`` will find it by.
    api_key, secret_key
        An HMAC key.
    private_key, private_key_password
        An Ed25519 or RSA key in place of ``secret_key``: the path of a PEM file, which is kept as a path, or its text.
    venue
        Where the key belongs; default from the environment (``CRYPTOX_VENUE``), else ``"binance"``.

    Raises
    ------
    ConfigurationError
        No such venue, or one that needs no key; the key cannot be used; there is no keyring, or it keeps plain text.
    """
    with boundary():
        given = Given(
            api_key=api_key,
            secret_key=secret_key,
            private_key=private_key,
            private_key_password=private_key_password,
        )
        del api_key, secret_key, private_key, private_key_password
        _store(_place(venue), _name(user), given)


def forget(user: str, venue: str | None = None) -> bool:
    """Delete what is kept for a user; whether there was anything. Sessions that exist keep their key.

    Parameters
    ----------
    user, venue
        As in :func:`store`.

    Raises
    ------
    ConfigurationError
        No such venue; or the system's keyring refused.

    Examples
    --------
    >>> cx.keys.forget("nobody", venue="binance-testnet")
    False
    """
    with boundary():
        return keyring.forget(_place(venue), _name(user))


def ask(user: str, venue: str | None = None) -> str:
    """Ask for a user's key without showing it, and keep it; says where.

    It goes to the keyring; where there is none that can be trusted, it is kept until this process ends.

    Parameters
    ----------
    user, venue
        As in :func:`store`.

    Raises
    ------
    ConfigurationError
        No such venue, or one that needs no key; the key cannot be used; nobody can be asked, or not without showing
        what is typed.
    """
    with boundary():
        return _ask(_place(venue), _name(user))


def _store(venue: str, user: str, given: Given) -> None:
    keyring.store(venue, user, given.stored())


def _ask(venue: str, user: str) -> str:
    api_key = _prompt(f"API key of {user} on {venue}: ")
    secret = _prompt("Secret key, or path of the private key's PEM file: ").strip()
    if any(sign in secret for sign in PATH_SIGNS) and "-----" not in secret:
        given = Given(api_key=api_key, private_key=secret)
        if given.is_encrypted():
            password = _prompt("Password of the private key: ")
            given = Given(api_key=api_key, private_key=secret, private_key_password=password)
    else:
        given = Given(api_key=api_key, secret_key=secret)
    trouble = keyring.keep(venue, user, given.stored())
    if trouble is None:
        return f"The key of {user!r} on {venue} is in the keyring."
    return f"The key of {user!r} on {venue} is kept until this process ends. {trouble}"


def _prompt(text: str) -> str:
    """What is typed, unseen."""
    import getpass

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # it would be shown
            return getpass.getpass(text)
    except (getpass.GetPassWarning, EOFError, NotImplementedError, OSError) as error:
        reason = type(error).__name__
    raise ConfigurationError(
        f"Nobody can be asked for a key here without showing it ({reason}).",
        recovery_suggestions=[
            "Ask in a terminal or a live notebook.",
            f"Or set {API_KEY_VARIABLE} and {SECRET_KEY_VARIABLE} in the environment of this program.",
        ],
    )


def _place(venue: str | None) -> str:
    """The name of a venue that takes keys."""
    place = os.environ.get(VENUE_VARIABLE) or registry.DEFAULT_VENUE if venue is None else venue
    registry.check_name(place)
    if place in OWN_ACCOUNTS:
        raise ConfigurationError(
            f"{place} needs no key: whoever connects there has an account, and a user always the same one.",
            recovery_suggestions=["Name the venue that the key is for: venue='binance'."],
            suggested={"venue": registry.DEFAULT_VENUE},
        )
    return place


def _name(user: str) -> str:
    if not isinstance(user, str) or not user.strip():
        raise ConfigurationError("user must be a name.", recovery_suggestions=["Keys are kept by user: 'ann'."])
    return user
