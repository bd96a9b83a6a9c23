"""Sessions for people: connect, the default session, and several users side by side."""

from __future__ import annotations

import os
from typing import Any, cast

from cryptox.sessions.keys import Given
from cryptox.sessions.session import open_default, open_session
from cryptox.sessions.users import book
from cryptox.sync import door
from cryptox.sync.face import Session

__all__ = ["connect", "disconnect", "session", "use", "users"]


def connect(
    venue: Any = None,
    *,
    user: str | None = None,
    api_key: str | None = None,
    secret_key: str | None = None,
    private_key: str | os.PathLike[str] | None = None,
    private_key_password: str | None = None,
    trading: bool | None = None,
    frame: str = "pandas",
    exact: bool = False,
    **settings: Any,
) -> Session:
    """A new session; sends nothing, checks its arguments.

    Parameters
    ----------
    venue
        ``"binance"`` (default), ``"binance-testnet"``, ``"binance-demo"``, ``"binance-us"``, ``"paper"`` (the embedded
        exchange: no account, no network), or a ``PaperExchange``. Default from the environment: ``CRYPTOX_VENUE``.
    user
        A name to find the session by. Connecting it again closes the former session of that name.
    api_key, secret_key
        An HMAC key of the account. Without keys a session without ``user``, on the venue of ``CRYPTOX_VENUE`` (or
        ``binance``), takes those of the environment: ``BINANCE_API_KEY`` with ``BINANCE_SECRET_KEY`` or
        ``BINANCE_PRIVATE_KEY``; one with ``user`` those that ``cx.keys`` keeps for that name. On ``paper`` a session
        without keys gets a funded account of its own, and a ``user`` the same one again.
    private_key, private_key_password
        An Ed25519 or RSA key in place of ``secret_key``: path of a PEM file, or its text; and its password, where it
        is encrypted.
    trading
        Whether the session may place and cancel orders. Where money is real only with True; elsewhere unless False.
    frame
        ``"pandas"``, ``"polars"`` or ``"arrow"``: what calls give unless they say otherwise.
    exact
        Decimals instead of floats, unless calls say otherwise.
    **settings
        ``rest_url, stream_url, ws_api_url, timeout=10, max_in_flight=16, weight_share=1.0, encoding="auto", proxy``
        and the others of ``cryptox.settings.Settings`` (seconds; windows in ms).

    Returns
    -------
    Session
        A context manager; one that is collected closes itself.

    Raises
    ------
    ConfigurationError
        Unknown venue, setting or backend; addresses that do not fit; keys that cannot be used. Nothing of the keys is
        in the error.

    Examples
    --------
    >>> with cx.connect("paper") as session:
    ...     len(session.klines("BTCUSDT", "1d", 7))
    7
    """
    with door.boundary():
        keys = Given.taken_from(
            settings,
            api_key=api_key,
            secret_key=secret_key,
            private_key=private_key,
            private_key_password=private_key_password,
        )
        # What shows the variables of this frame, when something is wrong below, shows no key.
        del api_key, secret_key, private_key, private_key_password
        core = open_session(
            venue,
            user=user,
            keys=keys,
            trading=trading,
            frame=frame,
            exact=exact,
            **settings,
        )
        made = Session(core)
        if user is not None:
            book.enter(made.venue.name, user, made, core)
        return made


def use(venue: Any = None, *, frame: str | None = None, exact: bool | None = None, **settings: Any) -> Session:
    """Set the default session, the one behind the functions of the module, and return it.

    Parameters are those of :func:`connect`. Without a venue the former default session's is kept, so that
    ``cx.use(frame="polars")`` never moves anything from the paper exchange to a real one; the same holds for keys,
    ``trading``, ``frame`` and ``exact``. The former session closes itself when nobody holds it any more.

    Examples
    --------
    >>> cx.use("paper").venue.name
    'paper'
    """
    with door.boundary():
        keys = Given.taken_from(settings)
        former = door.current_session() if venue is None else None
        return door.use_session(Session(open_default(venue, former, keys, frame=frame, exact=exact, **settings)))


def users() -> list[str]:
    """Names of connected users, sorted.

    Examples
    --------
    >>> bob, ann = cx.connect("paper", user="bob"), cx.connect("paper", user="ann")
    >>> cx.users()
    ['ann', 'bob']
    """
    return book.names()


def session(user: str, venue: str | None = None) -> Session:
    """The session of a connected user.

    Raises
    ------
    ConfigurationError
        Not connected, or connected on several venues and none named.

    Examples
    --------
    >>> ann = cx.connect("paper", user="ann")
    >>> cx.session("ann") is ann
    True
    """
    with door.boundary():
        return cast(Session, book.find(user, venue))


def disconnect(user: str, venue: str | None = None) -> None:
    """End a user's session: its connections are closed, and using it raises ``ConfigurationError``.

    Raises
    ------
    ConfigurationError
        Not connected, or connected on several venues and none named.

    Examples
    --------
    >>> ann = cx.connect("paper", user="ann")
    >>> cx.disconnect("ann")
    >>> cx.users()
    []
    """
    with door.boundary():
        book.leave(user, venue)


door.register_default(lambda: Session(open_session()))
