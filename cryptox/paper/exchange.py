"""The paper exchange: a Binance on this machine, for demos, tests, teaching and fault drills."""

from __future__ import annotations

import atexit
import math
import os
import time
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cryptox._display import Displayed
from cryptox.errors import ConfigurationError, ValidationError
from cryptox.model.names import check_flag

from .answers import Answers
from .clock import MarketClock
from .faults import Faults
from .market import Market
from .requests import RequestLog
from .server import Handler, Server
from .weights import read_limits

if TYPE_CHECKING:
    from cryptox.venues.binance.venue import BinanceVenue

__all__ = ["PaperExchange"]

_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - how to reach what listens on every address


class PaperExchange(Displayed):
    """A real HTTP server on loopback that answers as Binance Spot does, with a market of its own.

    The market is a function of the seed: the same seed and moment give the same candles, trades and books on every
    machine. Limits, bans and ``latency`` run in real seconds whatever market time does.

    Parameters
    ----------
    seed
        Of the market, a whole number from 0 on.
    symbols
        Only these symbols; None for all that the market has.
    balances
        What an account starts with, amounts by asset. Checked now; used once accounts can be created.
    clock
        Market time. None: now. ``"2024-06-01 12:00"``: frozen there, ``exchange.clock.advance("1h")`` moves it.
        ``("2024-06-01", 60)``: starts there, 60 times as fast. With ``history`` None is the end of the file, and
        ``"now"`` stands for real time.
    history
        Serve this instead of the seeded market: a file of OHLCV (parquet, feather, CSV), a mapping or a frame.
    limits
        Changes of the exchange's limits: ``{"REQUEST_WEIGHT": (200, "1s")}``; announced in the exchange information.
    latency
        Seconds from a request's arrival to its answer.
    ping_every, connection_life
        Seconds between pings and until a stream connection is closed. Checked now; used once streams are served.
    path
        A file that keeps accounts between runs. Checked now; used once accounts can be created.
    market
        Any other market in the place of the seeded one.
    host, port
        Where to listen; port 0 takes any free one. Anything but loopback lets others in.
    ban_after, ban_seconds
        So many requests after the first 429 of a window bring a ban of so many seconds, doubled each time.
    sbe
        Whether binary answers are on offer.

    Attributes
    ----------
    clock : MarketClock
    faults : Faults
    requests : RequestLog

    Raises
    ------
    ValidationError : an argument is not what it must be.

    Examples
    --------
    >>> import cryptox as cx
    >>> with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
    ...     exchange.rest_url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(
        self,
        seed: int = 7,
        *,
        symbols: Iterable[str] | None = None,
        balances: Mapping[str, Any] | None = None,
        clock: Any = None,
        history: Any = None,
        limits: Mapping[str, Any] | None = None,
        latency: float = 0.0,
        ping_every: float = 20,
        connection_life: float = 86_400,
        path: str | os.PathLike[str] | None = None,
        market: Market | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        ban_after: int = 10,
        ban_seconds: float = 120.0,
        sbe: bool = True,
    ) -> None:
        self._seed = _whole("seed", seed, 0, 2**64)
        self._latency = _seconds("latency", latency, zero=True)
        self._ping_every = _seconds("ping_every", ping_every)
        self._connection_life = _seconds("connection_life", connection_life)
        self._balances = _read_balances(balances)
        self._path = None if path is None else _path(path)
        self._host, self._port = _text("host", host), _whole("port", port, 0, 65_536)
        if market is not None and not hasattr(market, "listings"):
            raise ValidationError(f"market={market!r} is no market.", recovery_suggestions=["Leave market out."])
        self.market = market if market is not None else _market(self._seed, symbols, history)
        if clock is None:
            clock = self.market.end_ms
        self.clock = MarketClock(clock, wall=time.time, monotonic=time.monotonic)
        self.faults = Faults()
        self.requests = RequestLog()
        self._answers = Answers(
            self.market,
            read_limits(limits),
            others=self.faults.others,
            ban_after=_whole("ban_after", ban_after, 0, 2**31),
            ban_seconds=_seconds("ban_seconds", ban_seconds),
            sbe=check_flag(sbe, name="sbe"),
        )
        self._server = Server(self._handler, self._host, self._port)

    def _handler(self) -> Handler:
        return Handler(self._answers, self.clock, self.faults, self.requests, latency=self._latency)

    def start(self) -> Self:
        """Listen, and return the exchange; nothing happens if it listens already.

        Raises
        ------
        ConfigurationError : the address cannot be bound.
        """
        if not self._server.running:
            self._server.start()
            atexit.register(self.stop)
        return self

    def stop(self) -> None:
        """Stop listening and close all connections; nothing happens if it does not listen."""
        self._server.stop()
        atexit.unregister(self.stop)

    def __enter__(self) -> Self:
        """Listen."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        self.stop()

    @property
    def is_running(self) -> bool:
        """Whether it listens."""
        return self._server.running

    def open_venue(self, settings: object) -> BinanceVenue:  # noqa: ARG002 - the registry's form
        """Itself as a venue, for ``cx.connect(exchange)``; it is started if it does not listen yet."""
        from .venue import venue_of

        return venue_of(self.start())

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises
        ------
        ConfigurationError : it does not listen.
        """
        if not self._server.running:
            raise ConfigurationError(
                "The paper exchange is not running.",
                recovery_suggestions=["Use it in a with block, or call start() first."],
            )
        return self._server.port

    @property
    def rest_url(self) -> str:
        """Base of the REST API, without a slash at its end."""
        return f"http://{self._netloc}"

    @property
    def stream_url(self) -> str:
        """Base of the market streams; an upgrade is refused with 501 until they are served."""
        return f"ws://{self._netloc}"

    @property
    def ws_api_url(self) -> str:
        """Address of the websocket API; an upgrade is refused with 501 until it is served."""
        return f"ws://{self._netloc}/ws-api/v3"

    @property
    def _netloc(self) -> str:
        host = _HERE.get(self._host, self._host)
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    def __repr__(self) -> str:
        """Where it listens, and its market time."""
        where = self.rest_url if self._server.running else "not running"
        return f"PaperExchange({where}, {len(self.market.listings)} symbols, {self.clock!r})"


def _market(seed: int, symbols: Iterable[str] | None, history: Any) -> Market:
    names = _names(symbols)
    if history is not None:
        from .history import HistoryMarket

        return HistoryMarket(*_sources(history, names), seed=seed)
    from .seeded import SeededMarket

    return SeededMarket(seed, symbols=names)


def _names(symbols: Any) -> list[str] | None:
    if symbols is None:
        return None
    names = [symbols] if isinstance(symbols, str) else list(symbols) if isinstance(symbols, Iterable) else []
    if not names:
        raise ValidationError(
            f"symbols={symbols!r} is no list of symbols.",
            recovery_suggestions=['Give names such as ["BTCUSDT", "ETHUSDT"], or leave symbols out for all.'],
        )
    return names


def _sources(history: Any, names: list[str] | None) -> tuple[Any, str | None]:
    """What to read, and the symbol of a single source."""
    if names is None:
        return history, None
    if isinstance(history, Mapping):
        missing = [name for name in names if name not in history]
        if missing:
            there = ", ".join(map(str, history))
            raise ValidationError(f"symbols: {missing[0]!r} is not in history, which has {there}.")
        return {name: history[name] for name in names}, None
    if len(names) != 1:
        raise ValidationError(
            f"symbols={names!r} does not fit a single history.",
            recovery_suggestions=["Name its one symbol, or give a mapping of symbols to files."],
        )
    return history, names[0]


def _whole(name: str, value: Any, least: int, beyond: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < beyond:
        raise ValidationError(f"{name}={value!r} is not a whole number from {least} to {beyond - 1}.")
    return value


def _seconds(name: str, value: Any, *, zero: bool = False) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or value < 0 or (value == 0 and not zero):
        raise ValidationError(f"{name}={value!r} is not a number of seconds {'from' if zero else 'above'} zero.")
    return float(value)


def _read_balances(balances: Any) -> dict[str, Decimal]:
    if balances is None:
        return {}
    if not isinstance(balances, Mapping):
        raise ValidationError(f'balances={balances!r} is not a mapping such as {{"USDT": 10_000}}.')
    found: dict[str, Decimal] = {}
    for asset, amount in balances.items():
        try:
            number = Decimal(repr(amount) if isinstance(amount, float) else amount)
        except (InvalidOperation, TypeError, ValueError) as error:
            raise ValidationError(f"balances: {asset}={amount!r} is not an amount.") from error
        if not number.is_finite() or number < 0 or isinstance(amount, bool) or not isinstance(asset, str):
            raise ValidationError(f"balances: {asset}={amount!r} is not an amount from zero on.")
        found[asset] = number
    return found


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValidationError(f"{name}={value!r} is not a text.")
    return value


def _path(path: Any) -> str:
    try:
        return str(os.fspath(path))
    except TypeError as error:
        raise ValidationError(f"path={path!r} is not a path.") from error
