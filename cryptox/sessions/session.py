"""The session: one user at one venue, asynchronous. The blocking one is generated from it."""

from __future__ import annotations

import functools
import os
import weakref
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cryptox._boundary import public
from cryptox._display import Displayed
from cryptox.errors import ConfigurationError
from cryptox.model.names import check_flag, normalise_symbol
from cryptox.sessions.account import AccountCalls
from cryptox.sessions.book import BookCalls
from cryptox.sessions.healthcalls import HealthCalls
from cryptox.sessions.keys import Given, KeyHolder, keys_for
from cryptox.sessions.klines import KlineCalls
from cryptox.sessions.live.feed import AsyncFeed
from cryptox.sessions.live.live import AsyncLive
from cryptox.sessions.preview import PreviewCalls
from cryptox.sessions.symbols import SymbolCalls
from cryptox.sessions.tickers import TickerCalls
from cryptox.sessions.trades import TradeCalls
from cryptox.sessions.users import book
from cryptox.settings import BACKENDS, VENUE_VARIABLE, Settings
from cryptox.transport.private import require_private
from cryptox.venues.port import Venue
from cryptox.venues.registry import DEFAULT_VENUE, check_name, open_venue

if TYPE_CHECKING:  # a program that has no use for them does without
    from cryptox.sessions.live.dashboard import AsyncDashboard
    from cryptox.sessions.live.record import AsyncRecording
    from cryptox.sessions.live.replay import AsyncReplay

__all__ = ["AsyncSession", "open_default", "open_session"]


class AsyncSession(
    KlineCalls, TradeCalls, BookCalls, TickerCalls, SymbolCalls, PreviewCalls, AccountCalls, HealthCalls, Displayed
):
    """A session with one exchange, for use with ``await``.

    Made by ``cx.aio.connect``. Nothing is sent before the first call. An async context manager.
    """

    _live: AsyncLive | None = None

    @functools.cached_property
    def _recordings(self) -> weakref.WeakSet[AsyncRecording | AsyncReplay]:
        """Those that end with the session."""
        return weakref.WeakSet()

    @property
    def live(self) -> AsyncLive:
        """Live feeds, as ``session.live.trades("BTCUSDT")``."""
        if self._live is None:
            self._live = AsyncLive(self)
        return self._live

    @public
    async def unsubscribe(self, symbol: str) -> int:
        """End all live feeds of a symbol; how many there were.

        Raises
        ------
        BadSymbol
            Not a symbol.

        Examples
        --------
        >>> feed = cx.live.trades("BTCUSDT")
        >>> await cx.unsubscribe("BTCUSDT")
        1
        """
        return await self.live.unsubscribe(normalise_symbol(symbol))

    async def record(self, path: str | os.PathLike[str], *feeds: AsyncFeed) -> AsyncRecording:
        """A recording of live feeds, which has begun: their messages as they came, in a file.

        Parameters
        ----------
        path
            A file that is not there yet; a name that ends in ``.gz`` is zipped. It can be read at any moment.
        feeds
            Of one venue; those that do not run yet are started.

        Raises
        ------
        FileExistsError, OSError
            There is such a file already, or it cannot be written.
        BadSymbol
            The exchange does not know a symbol.
        ValidationError
            No feeds, or feeds of several venues.

        Examples
        --------
        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "quotes.gz")
        >>> quotes = cx.live.book_ticker("BTCUSDT")
        >>> recording = await cx.record(path, quotes)
        >>> recording.is_running
        True
        >>> await recording.stop()
        >>> await quotes.stop()
        """
        from cryptox.sessions.live.record import AsyncRecording

        recording = AsyncRecording(path, feeds)
        self._recordings.add(recording)
        return await recording.start()

    def replay(self, path: str | os.PathLike[str], speed: float | None = 1) -> AsyncReplay:
        """A recording to be played again, with feeds of its own: ``replay.live.trades("BTCUSDT")``. No network.

        Parameters
        ----------
        path
            A recording of ``record``, or one in the format of hftbacktest's collector, of this session's kind of venue.
        speed
            1 is as it was, 10 ten times as fast; None (or 0) as fast as its readers read.

        Raises
        ------
        FileNotFoundError, OSError
            There is no such file.
        ValidationError
            Not a speed.

        Examples
        --------
        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "quotes.txt")
        >>> with open(path, "w") as file:
        ...     written = file.write(
        ...         '1723161254087891268 {"stream":"btcusdt@bookTicker","data":{"u":50093239212,"s":"BTCUSDT",'
        ...         '"b":"61837.63000000","B":"3.78826000","a":"61837.64000000","A":"1.54698000"}}'
        ...     )
        >>> replay = cx.replay(path, speed=None)
        >>> quotes = replay.live.book_ticker("BTCUSDT")
        >>> counts = await replay.wait()
        >>> quotes.latest.bid
        61837.63
        """
        if self._closed is not None:
            raise self._ended()
        from cryptox.sessions.live.replay import AsyncReplay

        replay = AsyncReplay(self, path, speed)
        self._recordings.add(replay)
        return replay

    @public
    async def dashboard(self, symbol: str, interval: str = "1m") -> AsyncDashboard:
        """Candles, book, trades and ticker of one symbol: in a notebook one live widget.

        Parameters
        ----------
        symbol
            One symbol in any spelling.
        interval
            Of the candles: ``"1m"``, ``"1h"``, ... (``1m`` is a minute, ``1M`` a month).

        Returns
        -------
        Dashboard
            Running, with ``stop()``, ``status``, ``feeds`` and ``figure()``. It ends when nobody holds it, and when the
            notebook's cell that made it is run again. A context manager.

        Raises
        ------
        BadSymbol, BadInterval
            The exchange does not know the symbol; there is no such interval.

        Examples
        --------
        >>> dashboard = await cx.dashboard("BTCUSDT")
        >>> len(dashboard.feeds["klines"].frame())
        300
        >>> await dashboard.stop()
        """
        from cryptox.sessions.live.dashboard import AsyncDashboard

        return await AsyncDashboard(self.live, symbol, interval).start()

    async def close(self, reason: str = "This session is closed.") -> None:
        """End the session: feeds and connections are closed, calls raise ``ConfigurationError`` from now on."""
        self._closed = self._closed or reason
        for recording in list(self._recordings):
            await recording.stop()
        if self._live is not None:
            await self._live.close()
        await self._leave_acts()
        await super().close(reason)

    def retire(self, reason: str) -> None:
        """End the session at once, from any thread; its use then raises ``ConfigurationError`` with the reason."""
        self._closed = self._closed or reason  # first: tasks that end by this are not begun again
        for recording in list(self._recordings):
            recording.end()
        if self._live is not None:
            self._live.retire()
        self._drop_acts()
        super().retire(reason)

    def __repr__(self) -> str:
        """One line: who, where."""
        user = "" if self.user is None else f", user {self.user!r}"
        closed = "" if self._closed is None else ", closed"
        return f"<AsyncSession {self.venue.name} at {self.venue.hosts.rest}{user}, {self._does}{closed}>"

    @property
    def _does(self) -> str:
        return "trades" if self.trading and self._keys.filled else "reads only"

    def _facts(self) -> dict[str, Any]:
        """What its card says: never a key."""
        user = {} if self.user is None else {"user": self.user}
        closed = {} if self._closed is None else {"closed": self._closed}
        return {"venue": self.venue.name, "address": self.venue.hosts.rest, **user, "may": self._does, **closed}

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
    keys: Given | KeyHolder | None = None,
    trading: bool | None = None,
    frame: str = "pandas",
    exact: bool = False,
    environment: Mapping[str, str] | None = None,
    **settings: Any,
) -> AsyncSession:
    """A new session; sends nothing, checks its arguments.

    Keys are in ``keys``, or by name among the settings; of a session that goes on with another's they are a holder.

    Raises
    ------
    ConfigurationError
        Unknown venue, setting or backend; addresses that do not fit; keys that cannot be used, or too few of them.
    """
    given = Given.taken_from(settings)
    if user is not None and (not isinstance(user, str) or not user.strip()):
        raise ConfigurationError(f"user must be a name, not {user!r}.")
    if not isinstance(frame, str) or frame not in BACKENDS:
        raise ConfigurationError(
            f"frame must be one of {', '.join(BACKENDS)}, not {frame!r}.", suggested={"frame": "pandas"}
        )
    surroundings = os.environ if environment is None else environment
    chosen = _of_environment(surroundings) if venue is None else venue
    chosen_settings = Settings.of(settings)
    exact = check_flag(exact, name="exact")
    place = _venue(chosen, chosen_settings, surroundings)
    if not isinstance(keys, KeyHolder):
        given = keys if keys and not given else given
        if given:
            require_private(place.hosts.rest)
        keys = keys_for(place, user, given, surroundings)
    able = _trades(trading, place, keys)
    session = AsyncSession(place, chosen_settings, user=user, frame=frame, exact=exact, keys=keys, trading=able)
    book.note(session)
    return session


def open_default(
    venue: Any,
    former: Any,
    keys: Given | KeyHolder,
    *,
    frame: str | None = None,
    exact: bool | None = None,
    **settings: Any,
) -> AsyncSession:
    """A new default session; what is not given stays as in the ``former`` one (of either face), if there is one."""
    if former is None:
        return open_session(
            venue,
            keys=keys,
            frame="pandas" if frame is None else frame,
            exact=False if exact is None else exact,
            **settings,
        )
    former = getattr(former, "_session", former)
    moved = any(name.endswith("_url") for name in settings)
    if not keys and not moved and former._keys.filled:
        keys = former._keys.copy()
        settings.setdefault("trading", former.trading)
    kept_frame, kept_exact = former.form
    return open_session(
        None if moved else former.venue,
        keys=keys,
        frame=kept_frame if frame is None else frame,
        exact=kept_exact if exact is None else exact,
        **settings,
    )


def _trades(trading: bool | None, venue: Venue, keys: KeyHolder) -> bool:
    """Whether a session may place and cancel orders: where money is real only if it was said."""
    if trading is None:
        return not venue.capabilities.real_money
    wanted = check_flag(trading, name="trading")
    if wanted and not keys.filled:
        raise ConfigurationError(
            f"trading=True wants a key, and there is none for {venue.name}.",
            recovery_suggestions=[
                "Give api_key and secret_key (HMAC) or private_key (Ed25519, RSA), or keep them: cx.keys.ask(user)."
            ],
        )
    return wanted


def _of_environment(environment: Mapping[str, str]) -> str:
    """The venue where none is named."""
    name = environment.get(VENUE_VARIABLE) or DEFAULT_VENUE
    try:
        check_name(name)
    except ConfigurationError as error:
        error.recovery_suggestions.insert(0, f"{VENUE_VARIABLE} in the environment says so; correct it there.")
        raise
    return name


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
