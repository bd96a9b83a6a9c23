"""The asynchronous face: ``async with cx.aio.connect("paper") as session: await session.klines("BTCUSDT")``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, overload

from cryptox._boundary import boundary
from cryptox.sessions.keys import Given
from cryptox.sessions.live.feed import AsyncFeed
from cryptox.sessions.session import AsyncSession, open_session
from cryptox.sessions.users import book

if TYPE_CHECKING:
    from cryptox.model.health import Component, Health

__all__ = ["AsyncFeed", "AsyncSession", "connect", "health"]


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
) -> AsyncSession:
    """A new asynchronous session; sends nothing.

    Parameters and errors are those of :func:`cryptox.connect`. The result is an async context manager, and can be
    awaited as well.
    """
    with boundary():
        keys = Given.taken_from(
            settings,
            api_key=api_key,
            secret_key=secret_key,
            private_key=private_key,
            private_key_password=private_key_password,
        )
        # What shows the variables of this frame, when something is wrong below, shows no key.
        del api_key, secret_key, private_key, private_key_password
        session = open_session(venue, user=user, keys=keys, trading=trading, frame=frame, exact=exact, **settings)
        if user is not None:
            book.enter(session.venue.name, user, session, session)
        return session


@overload
async def health(component: None = None) -> Health: ...
@overload
async def health(component: str) -> Component: ...
async def health(component: str | None = None) -> Health | Component:
    """How everything is doing: all sessions of this process, looked at from the running loop.

    Parameters, result, errors and cost are those of :func:`cryptox.health`.
    """
    from cryptox.sessions.health import look

    with boundary():
        return await look(book.everyone(), component, whole=True)
