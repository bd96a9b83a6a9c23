"""What belongs to a REST address, and so to all sessions of the process that talk to it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from cryptox import _telemetry
from cryptox.transport.breaker import Breaker
from cryptox.transport.clock import ExchangeClock
from cryptox.transport.limiter import Limiter
from cryptox.transport.proxies import is_loopback
from cryptox.transport.spare import Spare
from cryptox.transport.stops import Stops
from cryptox.transport.tally import Tally

if TYPE_CHECKING:
    from cryptox.transport.messages import Limit
    from cryptox.venues.port import Rules

__all__ = ["Address", "address_of"]

NAMES_LIVE_S = 3600.0
VAGUE = 0.03  # of the shortest window: a clock less sure than that is read again
RULES_AGAIN_S = 30.0  # after limits that could not be read, until they are asked for again
BETTER_TIMES = 3  # so often at most: on a slow way no reading is a good one


class Address:
    """Limiter, clock, breaker, stops, tally, spare of one address, and facts that do not change from call to call."""

    def __init__(self, url: str, limits: tuple[Limit, ...]) -> None:
        self.url = url
        self.limiter = Limiter(limits, assumed=True)
        self.clock = ExchangeClock()
        self.breaker = Breaker()
        self.stops = Stops(url)
        self.tally = Tally()
        self.spare = Spare()
        self.first_open: dict[tuple[str, str], int] = {}  # (symbol, interval) -> open time of its first candle
        self.symbols_known: set[str] = set()  # those the exchange has told anything about
        self.rules_known = False
        self.rules_wanted = False  # the next call reads the limits first
        self.rules_of: str | None = None  # a symbol by which to ask for them
        self._names: tuple[float, list[str]] | None = None
        self._better_times = BETTER_TIMES
        self._rules_at = -math.inf  # when they are to be asked for again

    def learn(self, rules: Rules) -> None:
        """Take the limits that the exchange announces."""
        self.learn_limits(rules.limits)
        if len(rules.symbols) > 1:
            self.learn_names([symbol.symbol for symbol in rules.symbols])

    def learn_limits(self, limits: tuple[Limit, ...]) -> None:
        """As ``learn``, of limits that came with something else."""
        if limits:
            self.limiter.replace(limits)
            self.rules_known = True
            self.rules_wanted = False

    def lacks_rules(self) -> bool:
        """Whether the limits are to be read: not again right after that failed, as each call would wait for it."""
        return not self.rules_known and time.monotonic() >= self._rules_at

    def put_off_rules(self) -> None:
        """The limits could not be read."""
        self._rules_at = time.monotonic() + RULES_AGAIN_S

    def wants_better_time(self) -> bool:
        """Whether the clock is too vague beside the shortest window of a limit, and a better reading may still come.

        A clock that is ahead lets requests into the window before the one that they are meant for.
        """
        shortest_ms = min((limit.window_ms for limit in self.limiter.limits), default=0)
        if self._better_times == 0 or not self.clock.known or not self.clock.steady:
            return False
        if self.clock.uncertainty_ms(time.monotonic()) <= VAGUE * shortest_ms:
            return False
        self._better_times -= 1
        return True

    def learn_names(self, names: list[str]) -> None:
        """Remember which symbols there are, to suggest near ones."""
        self._names = (time.monotonic(), names)

    @property
    def names(self) -> list[str] | None:
        """Symbols known within the last hour; None when nobody asked."""
        if self._names is None or time.monotonic() - self._names[0] > NAMES_LIVE_S:
            return None
        return self._names[1]


class _Book:
    """All addresses of the process. Those on this machine go with their last session: ports are used again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._local: WeakValueDictionary[str, Address] = WeakValueDictionary()
        self._remote: dict[str, Address] = {}

    def get(self, url: str, make: Callable[[], Address]) -> Address:
        known = self._local if is_loopback(urlsplit(url).hostname or "") else self._remote
        with self._lock:
            address = known.get(url)
            if address is None:
                address = known[url] = make()
            return address

    def all(self) -> list[Address]:
        """Every one of them."""
        with self._lock:
            return [*self._local.values(), *self._remote.values()]


_book = _Book()


def _used() -> Iterator[tuple[float, dict[str, Any]]]:
    """What is used of each limit in its present window, others' use included."""
    for address in _book.all():
        server = urlsplit(address.url).netloc.rpartition("@")[2]
        for state in address.limiter.states(address.clock.moment(time.monotonic(), time.time())):
            about = {"server": server, "limit": state.limit.kind, "window_s": state.limit.window_ms / 1000}
            yield float(state.used), {**about, "allowed": state.limit.amount}


_telemetry.gauge("cryptox.limit.used", "{weight}", "Used of a limit in its present window, with others' use", _used)


def address_of(url: str, limits: tuple[Limit, ...]) -> Address:
    """The one ``Address`` of that URL in this process."""
    return _book.get(url, lambda: Address(url, limits))
