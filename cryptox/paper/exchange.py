"""The paper exchange: a Binance on this machine, for demos, tests, teaching and fault drills."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cryptox._display import Displayed
from cryptox.errors import ConfigurationError, ValidationError
from cryptox.model.names import check_flag

from .addresses import Addresses, idle
from .arguments import read_balances, read_market, read_path, seconds, text, whole
from .clock import MarketClock
from .control import Control, read_control
from .faults import Faults
from .forks import watch
from .front import Front
from .keys import PaperKeys
from .market import Market
from .requests import RequestLog
from .server import Server
from .sockets import Rules
from .state import Opening, State, identity_of
from .trading.orders import NONE
from .weights import read_limits

if TYPE_CHECKING:
    from .streams.recording import Replayed
    from .trading.accounts import Key
    from .venue import PaperVenue

__all__ = ["PaperExchange", "PaperKeys"]


class PaperExchange(Addresses, Displayed):
    """A real server on loopback that speaks Binance Spot's protocol, with a market and accounts of its own.

    The market is a function of the seed: the same seed and moment give the same candles, trades and books on every
    machine. Limits, bans and ``latency`` run in real seconds whatever market time does.

    Parameters
    ----------
    seed
        Of the market, a whole number from 0 on.
    symbols
        Only these symbols; None for all that the market has.
    balances
        What an account starts with, amounts by asset; None for 100,000 USDT, 1 BTC, 10 ETH and 10 BNB.
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
        Seconds between pings, and until a stream or WebSocket API connection is closed (``serverShutdown`` before).
    path
        A file (SQLite) that keeps accounts, orders and trades between runs; None forgets them.
    market
        Any other market in the place of the seeded one.
    host, port
        Where to listen; port 0 takes any free one. Anything but loopback lets others in.
    ban_after, ban_seconds
        So many requests after the first 429 of a window bring a ban of so many seconds, doubled each time.
    sbe
        Whether binary answers and streams are on offer.
    control
        Whether programs can order faults, accounts and time over HTTP (see ``cryptox.paper.control``): True for a
        random token, or the token itself.

    Attributes
    ----------
    clock : MarketClock
    control_token : str or None
        What the control endpoint wants in its header; None where there is none.
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
        control: bool | str = False,
    ) -> None:
        seed = whole("seed", seed, 0, 2**64)
        self._rules = Rules(seconds("ping_every", ping_every), seconds("connection_life", connection_life))
        self._latency = seconds("latency", latency, zero=True)
        self._host, port = text("host", host), whole("port", port, 0, 65_536)
        if market is not None and not hasattr(market, "listings"):
            raise ValidationError(f"market={market!r} is no market.", recovery_suggestions=["Leave market out."])
        own = market if market is not None else read_market(seed, symbols, history)
        self.clock = MarketClock(own.end_ms if clock is None else clock, wall=time.time, monotonic=time.monotonic)
        self.control_token = read_control(control)
        self.faults = Faults()
        self.requests = RequestLog()
        kept = None if path is None else read_path(path)
        self._opening = Opening(
            own,
            {} if kept is None else identity_of(own, seed, replayed=history is not None),
            self.clock,
            balances=read_balances(balances),
            path=kept,
            windows=read_limits(limits),
            others=self.faults.others,
            ban_after=whole("ban_after", ban_after, 0, 2**31),
            ban_seconds=seconds("ban_seconds", ban_seconds),
            sbe=check_flag(sbe, name="sbe"),
        )
        self._opened: State | None = None
        self._users: dict[str, PaperKeys] = {}  # accounts of sessions that came with a name and no keys
        self._naming = threading.Lock()
        self._front: Front | None = None
        self._server = Server(self._make_front, self._host, port)

    @property
    def _state(self) -> State:
        if self._opened is None:
            self._opened = self._opening.open()
            watch(self, PaperExchange._forked)
        return self._opened

    @property
    def market(self) -> Market:
        """The market that everybody sees, users' trades in it."""
        return self._state.desk.market

    def _make_front(self) -> Front:
        token = self.control_token
        self._front = Front(
            self._state,
            self.faults,
            self.requests,
            self._rules,
            self._latency,
            transports=self._server.transports,
            control=None if token is None else Control(token, self._host, self.faults, self._state),
        )
        return self._front

    def start(self) -> Self:
        """Listen, and return the exchange; nothing happens if it listens already.

        Raises
        ------
        ConfigurationError : the address cannot be bound.
        """
        if not self._server.running:
            _ = self._state  # a file that cannot be used is told here, not in the server's thread
            try:
                self._server.start()
            except ConfigurationError:
                self._front = None
                raise
            atexit.register(self.stop)
        return self

    def stop(self) -> None:
        """Stop listening and close all connections; nothing happens if it does not listen."""
        self._server.stop()
        self._front = None
        if self._opened is not None and self._opened.close():
            self._opened = None
        atexit.unregister(self.stop)

    def _forked(self) -> None:
        """In a forked child: sockets, accounts and file are the parent's; here the exchange is as if never started."""
        atexit.unregister(self.stop)
        opened, self._opened, self._front = self._opened, None, None
        if opened is not None:
            opened.forked()
        self._server.forked()
        for shared in (self.clock, self.faults, self.requests):
            shared._forked()

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

    def create_account(
        self, balances: Mapping[str, Any] | None = None, *, takes_discount: bool = False, group: int | None = None
    ) -> PaperKeys:
        """A new account, as a named tuple ``(api_key, secret_key)`` of an HMAC key that may trade.

        Parameters
        ----------
        balances
            Amounts by asset; None for what the exchange was given.
        takes_discount
            Whether commission is taken from BNB, a quarter off, as long as there is enough of it.
        group
            Trade group, a number from zero on: self-trade prevention keeps its accounts from trading with each other.

        Raises
        ------
        ValidationError : an amount that cannot be.
        ConfigurationError : its file (``path``) cannot be written.
        """
        amounts = None if balances is None else read_balances(balances)
        key = self._state.create_account(
            amounts,
            takes_discount=check_flag(takes_discount, name="takes_discount"),
            group=NONE if group is None else whole("group", group, 0, 2**31),
        )
        return PaperKeys(key.api_key, key.secret)

    def first_account(self) -> PaperKeys:
        """The HMAC keys of the first account that there is; created with the standard balances where there is none."""
        key = self._state.first_key()
        return self.create_account() if key is None else PaperKeys(key.api_key, key.secret)

    def keys_of(self, user: str) -> PaperKeys:
        """The HMAC keys of a user's account, created with the standard balances at the first time.

        Raises
        ------
        ConfigurationError : its file (``path``) cannot be written.
        """
        with self._naming:
            keys = self._users.get(user)
            if keys is None or self._state.accounts.by_api_key(keys.api_key) is None:
                keys = self._users[user] = self.create_account()
            return keys

    def add_key(self, api_key: str, public_key: str | None = None, *, can_trade: bool = True) -> PaperKeys:
        """One more key of the account that ``api_key`` opens.

        Parameters
        ----------
        api_key
            Any key of the account.
        public_key
            Ed25519 or RSA, as PEM text; ``secret_key`` of the result is empty then. None for an HMAC key.
        can_trade
            Whether the key may place and cancel orders, or only read.

        Raises
        ------
        ValidationError : no such key, or not a public key.
        """
        if public_key is not None:
            text("public_key", public_key)
        key = self._state.add_key(
            self._known(api_key).account, public_key, can_trade=check_flag(can_trade, name="can_trade")
        )
        return PaperKeys(key.api_key, key.secret if public_key is None else "")

    def deposit(self, api_key: str, asset: str, amount: Any) -> None:
        """Put money into the account that ``api_key`` opens; an amount below zero takes it out.

        Raises
        ------
        ValidationError : no such key, not an amount, or more than is free.
        """
        self._state.deposit(self._known(api_key).account, asset, amount)

    def lock(self, api_key: str, asset: str, amount: Any) -> None:
        """Lock free money of the account that ``api_key`` opens, as a system outside of spot trading would do it.

        No order can use it until it is released, with an amount below zero; user data tells both
        (``externalLockUpdate``).

        Raises
        ------
        ValidationError : no such key, not an amount, more than is free, or more than is locked in this way.
        """
        self._state.lock(self._known(api_key).account, asset, amount)

    def _known(self, api_key: str) -> Key:
        key = self._state.accounts.by_api_key(text("api_key", api_key))
        if key is None:
            raise ValidationError("No account of this exchange has that key.")
        return key

    def replay(self, path: str | os.PathLike[str], *, speed: float | None = 1.0) -> Replayed:
        """Send a recording of raw stream messages to whoever has subscribed to its streams, byte for byte.

        Parameters
        ----------
        path
            Gzipped lines of receive time (ns) and message, as hftbacktest records them.
        speed
            How many times as fast as it was recorded; None for as fast as the readers take it.

        Returns
        -------
        What was sent, once all of it was; meanwhile the exchange's own market sends nothing.

        Raises
        ------
        ConfigurationError : the exchange does not run.
        """
        from .streams.recording import replay

        front = self._front
        if front is None:
            raise idle()
        return self._server.call(lambda: replay(front.hub, path, speed=speed))

    def open_venue(self, settings: object) -> PaperVenue:  # noqa: ARG002 - the registry's form
        """Itself as a venue, for ``cx.connect(exchange)``; it is started if it does not listen yet."""
        from .venue import venue_of

        return venue_of(self.start())

    def __repr__(self) -> str:
        """Where it listens, and its market time."""
        where = self.rest_url if self._server.running else "not running"
        return f"PaperExchange({where}, {len(self._opening.market.listings)} symbols, {self.clock!r})"

    def _facts(self) -> dict[str, Any]:
        """What its card says."""
        where = self.rest_url if self._server.running else "not running"
        return {"address": where, "symbols": len(self._opening.market.listings), "clock": self.clock}
