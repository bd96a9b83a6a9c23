"""The session: one user at one venue, asynchronous. The blocking one is generated from it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from cryptox._display import Displayed
from cryptox.errors import ConfigurationError
from cryptox.model.names import check_flag
from cryptox.sessions.book import BookCalls
from cryptox.sessions.klines import KlineCalls
from cryptox.sessions.symbols import SymbolCalls
from cryptox.sessions.tickers import TickerCalls
from cryptox.sessions.trades import TradeCalls
from cryptox.settings import BACKENDS, VENUE_VARIABLE, Settings
from cryptox.venues.port import Venue
from cryptox.venues.registry import DEFAULT_VENUE, open_venue

__all__ = ["AsyncSession", "open_default", "open_session"]


class AsyncSession(KlineCalls, TradeCalls, BookCalls, TickerCalls, SymbolCalls, Displayed):
    """A session with one exchange, for use with ``await``.

    Made by ``cx.aio.connect``. Nothing is sent before the first call. An async context manager.
    """

    def __repr__(self) -> str:
        """One line: who, where."""
        user = "" if self.user is None else f", user {self.user!r}"
        closed = "" if self._closed is None else ", closed"
        return f"<AsyncSession {self.venue.name} at {self.venue.hosts.rest}{user}, reads only{closed}>"

    def __await__(self) -> Any:
        """Itself: ``session = await cx.aio.connect(...)`` reads as naturally as without ``await``."""
        return self._itself().__await__()

    async def _itself(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        """Close it."""
        await self.close()


def open_session(
    venue: Any = None,
    *,
    user: str | None = None,
    api_key: str | None = None,
    secret_key: str | None = None,
    private_key: str | None = None,
    trading: bool | None = None,
    frame: str = "pandas",
    exact: bool = False,
    environment: Mapping[str, str] | None = None,
    **settings: Any,
) -> AsyncSession:
    """A new session; sends nothing, checks its arguments.

    Raises
    ------
    ConfigurationError
        Unknown venue, setting or backend; addresses that do not fit; keys, which this version has no use for.
    """
    if (trading is not None and trading is not False) or any(
        key is not None for key in (api_key, secret_key, private_key)
    ):
        raise ConfigurationError(
            "This version of cryptox reads public market data only: it takes no keys and does not trade.",
            recovery_suggestions=["Leave out api_key, secret_key, private_key and trading; public data needs no key."],
        )
    if user is not None and (not isinstance(user, str) or not user.strip()):
        raise ConfigurationError(f"user must be a name, not {user!r}.")
    if not isinstance(frame, str) or frame not in BACKENDS:
        raise ConfigurationError(
            f"frame must be one of {', '.join(BACKENDS)}, not {frame!r}.", suggested={"frame": "pandas"}
        )
    surroundings = os.environ if environment is None else environment
    chosen = (surroundings.get(VENUE_VARIABLE) or DEFAULT_VENUE) if venue is None else venue
    given = Settings.of(settings)
    return AsyncSession(
        _venue(chosen, given, surroundings), given, user=user, frame=frame, exact=check_flag(exact, name="exact")
    )


def open_default(
    venue: Any, former: Any, *, frame: str | None = None, exact: bool | None = None, **settings: Any
) -> AsyncSession:
    """A new default session; what is not given stays as in the ``former`` one (of either face), if there is one."""
    if former is None:
        return open_session(
            venue, frame="pandas" if frame is None else frame, exact=False if exact is None else exact, **settings
        )
    kept_frame, kept_exact = former.form
    return open_session(
        former.venue if not any(name.endswith("_url") for name in settings) else None,
        frame=kept_frame if frame is None else frame,
        exact=kept_exact if exact is None else exact,
        **settings,
    )


def _venue(venue: Any, settings: Settings, environment: Mapping[str, str]) -> Venue:
    """The venue of a name, or of a thing that knows itself how to be one (a paper exchange)."""
    if isinstance(venue, str):
        return open_venue(venue, settings, environment)
    if not isinstance(venue, type) and hasattr(venue, "outgoing"):
        return venue  # type: ignore[no-any-return]  # a venue already, by the port's own method
    opener = getattr(venue, "open_venue", None)
    if opener is None or isinstance(venue, type):
        given = f"the class {venue.__name__}" if isinstance(venue, type) else type(venue).__name__
        raise ConfigurationError(
            f"venue must be a name or a PaperExchange, not {given}.",
            recovery_suggestions=['Pass "paper", "binance" or the exchange itself: cx.connect(cx.PaperExchange()).'],
            suggested={"call": "connect", "venue": "paper"},
        )
    return opener(settings)  # type: ignore[no-any-return]  # the port of registry.open_venue, by duck typing
