"""Faults on request: what the network, the exchange's front or another client can do to answers and events.

``exchange.faults.add("status", code=502, path="klines", times=3)``. Kinds and their settings:

=========== =====================================================================================================
latency     ``seconds``, ``jitter`` (uniform, added): the answer comes later
drop        taken, never answered; ``accepted``
reset       ``at="start"`` before any byte of the answer, or ``"body"`` in the middle of it: the connection is reset;
            ``accepted``
status      ``code``; ``body`` is json, html, empty or the text itself (default: what usually comes with that
            status); ``error_code`` and ``message`` of a JSON body; ``location`` of a redirect; ``retry_after``;
            ``accepted``. Without ``code`` the status follows from ``error_code``: 504 for -1007, 503 for -1008,
            500 for -1000, -1001 and -1006, else 400 (own: it is not documented)
limit       ``code`` 429 or 418, ``retry_after`` in whole seconds: a limit that the counters do not explain
truncate    ``how="length"``: fewer bytes than announced; ``"body"``: a cut body of the right length
body        ``how`` html (with 200), empty, gzip (broken), huge (``size`` bytes) or bomb (``size`` bytes zipped)
repeat      the request arrives twice, as from a proxy that sends it again: it is worked on twice, and the second answer
            is the one that goes out
weight      ``amount`` used by another client now; with ``every`` seconds again and again; or ``rate`` per second
skew        ``seconds`` added to what ``/time`` says
frame       ``how`` drop, duplicate, reorder (goes out after the next message of its stream; ``seconds``: or when
            so much time has passed) or delay (by ``seconds``; what follows overtakes it): a message of a stream
            or of user data
skip_depth  a depth update of a stream is left out
freeze      the connection falls silent for ``seconds`` when a message is due on it: nothing goes out, pings and
            pongs neither, and nothing is read; the socket stays open, and afterwards all that waited is sent
=========== =====================================================================================================

``accepted`` says whether the request is worked on all the same (an order placed); the default is True for drop and
reset, and for a status what its code means: worked on where the outcome is unknown (-1006, -1007, 5xx but 503). What
``limit`` refuses is never worked on. Weight is charged in any case.

Every kind takes ``times`` (so many are hit), ``after`` (not the first so many), ``seconds_long`` (for so long),
``probability`` (by ``seed``) and ``when`` (a predicate of the request or message). Faults of requests take ``path`` (an
endpoint, the end of its path, or a method of the WebSocket API such as ``"order.place"``) and ``method``
(``"POST"``). They hit requests of the WebSocket API as well, by the path and method of the REST endpoint that does the
same, except for truncate, body and repeat, which are HTTP's. Faults of messages take ``stream`` and ``event``,
patterns such as ``stream="btcusdt@depth*"`` and ``event="executionReport"``; the stream of user data is called
``userData``. They count each message once for each client that it goes to. Answers, pings and ``serverShutdown`` are no
messages.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import count
from typing import Any, Protocol

from cryptox.errors import ConfigurationError

from .fault_kinds import DEPTH_EVENT, FRAMES, KINDS, REQUESTS, check_reach, checked
from .requests import is_path

__all__ = ["KINDS", "Actions", "Fault", "Faults", "Seen", "SeenFrame"]


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as a fault's predicate sees it. ``call`` is its method's name at the WebSocket API, empty for HTTP."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    call: str = ""

    def is_within(self, fault: Fault) -> bool:
        """Whether the fault is about such requests."""
        if fault.method is not None and fault.method != self.method:
            return False
        return fault.path is None or fault.path == self.call or is_path(self.path, fault.path)


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """A message to a client as a fault's predicate sees it; ``event`` is empty where it names none."""

    stream: str
    event: str
    payload: bytes

    def is_within(self, fault: Fault) -> bool:
        """Whether the fault is about such messages."""
        if fault.stream is not None and not fnmatchcase(self.stream, fault.stream):
            return False
        return fault.event is None or fnmatchcase(self.event, fault.event)


@dataclass(slots=True)
class Fault:
    """One fault, in force until it is used up, its time is over, or it is removed."""

    kind: str
    settings: Mapping[str, Any]
    path: str | None = None
    times: int | None = None
    after: int = 0
    probability: float = 1.0
    when: Callable[[Any], bool] | None = None
    since: float = 0.0  # real seconds since the epoch
    until: float = float("inf")
    method: str | None = None
    stream: str | None = None
    event: str | None = None
    id: int = 0
    hits: int = 0  # how often it has struck
    _passed: int = 0
    chance: random.Random = field(default_factory=random.Random, repr=False)

    @property
    def accepts(self) -> bool:
        """Whether a request that it hits is worked on."""
        return self.kind != "limit" and bool(self.settings.get("accepted", True))

    def is_over(self, now: float) -> bool:
        """Whether it will never strike again."""
        return now >= self.until or (self.times is not None and self.hits >= self.times)

    def strikes(self, seen: Seen | SeenFrame, now: float) -> bool:
        """Whether this request or message is hit; counts it if so."""
        if now < self.since or self.is_over(now) or not seen.is_within(self):
            return False
        if self.when is not None and not self.when(seen):
            return False
        if self._passed < self.after:
            self._passed += 1
            return False
        if self.probability < 1 and self.chance.random() >= self.probability:
            return False
        self.hits += 1
        return True

    def delay(self) -> float:
        """Seconds that a latency fault adds to one answer."""
        return float(self.settings["seconds"]) + self.chance.random() * float(self.settings["jitter"])

    def used(self, start: float, now: float) -> int:
        """Weight that the other client of a weight fault used in [start, now]."""
        begin, end = max(start, self.since), min(now, self.until)
        if end < begin:
            return 0
        steady = float(self.settings["rate"]) * (end - begin)
        amount, every = int(self.settings["amount"]), self.settings["every"]
        if every is None:
            moments = 1 if start <= self.since else 0
        else:
            first = -(-(begin - self.since) // every)
            moments = int((end - self.since) // every - first) + 1
        return int(steady) + amount * max(0, moments)


class Actions(Protocol):
    """What can be done to a running server at once, from any thread; ``actions.ServerActions`` does it."""

    def tamper(self, *, active: bool) -> None:
        """Begin or cease to look at every message that goes out."""

    def cut(self, *, rest: bool = False, spared: Any = None) -> int:
        """Reset all WebSocket connections, with ``rest`` those of HTTP too but for one transport; how many."""

    def freeze(self, seconds: float) -> int:
        """Let all WebSocket connections fall silent; how many there were."""

    def end_user_streams(self, account: int | None = None) -> int:
        """End subscriptions to user data; how many there were."""

    def shut_down(self, seconds: float = 0.0) -> int:
        """Announce a shutdown on all WebSocket connections, and close them; how many there were."""

    def ban(self, seconds: float, address: str | None = None) -> None:
        """Ban an address or all."""

    def step_clock(self, seconds: float) -> None:
        """Let market time jump."""

    def most_weight(self) -> int:
        """The largest limit of request weight."""


class Faults:
    """The faults in force, and what can be done to the running server at once. Safe between threads."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._weights: tuple[Fault, ...] = ()
        self._ids = count(1)
        self._actions: Actions | None = None
        self.frames: tuple[Fault, ...] = ()  # those that hit messages

    def add(
        self,
        kind: str,
        *,
        path: str | None = None,
        method: str | None = None,
        stream: str | None = None,
        event: str | None = None,
        times: int | None = None,
        after: int = 0,
        seconds_long: float | None = None,
        probability: float = 1.0,
        when: Callable[[Any], bool] | None = None,
        seed: int = 0,
        **settings: Any,
    ) -> Fault:
        """Put a fault in force, and return it (``.hits`` counts, ``remove`` takes it away).

        Parameters
        ----------
        kind, settings
            See the head of this module.
        path, method
            Only requests to this endpoint: ``"klines"``, ``"ticker/price"``, a whole path, or ``"order.place"``; only
            those with this HTTP method.
        stream, event
            Only messages of streams that match this pattern, and of events that do.
        times
            Only so many are hit.
        after
            The first so many that would be hit are spared.
        seconds_long
            In force for so many real seconds.
        probability, seed
            Hits by chance, always the same chances for the same seed.
        when
            Only where this is true of a ``Seen`` or ``SeenFrame``.

        Raises
        ------
        ValidationError : no such kind, setting or endpoint, or a value out of range.
        """
        whole = checked(kind, settings)
        check_reach(
            kind,
            path=path,
            method=method,
            stream=stream,
            event=event,
            times=times,
            after=after,
            seconds_long=seconds_long,
            probability=probability,
            seed=seed,
        )
        method = None if method is None else method.upper()
        now = self._clock()
        until = float("inf") if seconds_long is None else now + seconds_long
        fault = Fault(kind, whole, path, times, after, probability, when, now, until, method, stream, event)
        if kind == "skip_depth":
            fault.event = DEPTH_EVENT
        fault.chance.seed(seed)
        with self._lock:
            fault.id = next(self._ids)
            self._faults.append(fault)
            self._sort()
        return fault

    def remove(self, fault: Fault | int) -> None:
        """Take one fault away, by itself or its ``id``; nothing happens if it is gone already."""
        with self._lock:
            self._faults = [one for one in self._faults if one is not fault and one.id != fault]
            self._sort()

    def clear(self) -> None:
        """Take all faults away."""
        with self._lock:
            self._faults = []
            self._sort()

    def struck(self, seen: Seen, now: float, kinds: frozenset[str] = REQUESTS) -> list[Fault]:
        """The faults of these kinds that hit this request, in the order in which they were added."""
        if not self._faults:
            return []
        with self._lock:
            return [fault for fault in self._faults if fault.kind in kinds and fault.strikes(seen, now)]

    def others(self, start: float, now: float) -> int:
        """Weight used by other clients in [start, now], in real seconds."""
        return sum(fault.used(start, now) for fault in self._weights)

    def rest(self, now: float) -> None:
        """Look at messages no longer if no fault will ever strike one."""
        with self._lock:
            if self._actions is not None and all(fault.is_over(now) for fault in self.frames):
                self._actions.tamper(active=False)

    def bind(self, actions: Actions | None) -> None:
        """Act on this server from now on; None when it has stopped."""
        with self._lock:
            self._actions = actions
            self._sort()

    def _forked(self) -> None:
        """In a forked child: there is no server to act on, and nobody holds its lock."""
        self._lock, self._actions = threading.Lock(), None

    def cut(self, *, rest: bool = False, spared: Any = None) -> int:
        """Reset every connection of streams and WebSocket API (RST), with ``rest`` also those of HTTP; how many.

        ``spared`` is the transport of a connection that stays open all the same.

        Raises
        ------
        ConfigurationError : the exchange does not run; so it is with everything below.
        """
        return self._bound().cut(rest=rest, spared=spared)

    def freeze(self, seconds: float) -> int:
        """Let every connection of streams and WebSocket API fall silent for so long; how many. See the kind freeze."""
        return self._bound().freeze(seconds)

    def end_user_streams(self, account: int | None = None) -> int:
        """End the subscriptions to user data of an account, or all, with eventStreamTerminated; how many."""
        return self._bound().end_user_streams(account)

    def shut_down(self, seconds: float = 0.0) -> int:
        """Send serverShutdown on every WebSocket connection and close it so many seconds later; how many.

        The exchange goes on: who connects again is served.
        """
        return self._bound().shut_down(seconds)

    def ban(self, seconds: float, address: str | None = None) -> None:
        """Ban an address, or all, for so many real seconds, as after too many requests; 0 lifts the ban.

        Requests get 418, and connections of the WebSocket API are closed; those of streams go on.
        """
        self._bound().ban(seconds, address)

    def step_clock(self, seconds: float) -> None:
        """Let what the exchange takes for server time jump by so much, back where it is below zero.

        ``/time`` and the judgement of timestamps of signed requests move at once, either way. Forward, the market and
        the times of events go along: what happened meanwhile has happened. Backward, the market never does: it stands
        still, and events carry the moment where it does, until server time has come there again. Limits, bans, pings
        and lives of connections run in real seconds and do not move.
        """
        self._bound().step_clock(seconds)

    def trip_limit(self) -> Fault:
        """Use up the request weight of the current windows, as another client would: requests get 429 until they end.

        Returns the ``weight`` fault, which can be removed.
        """
        return self.add("weight", amount=self._bound().most_weight())

    def _bound(self) -> Actions:
        if self._actions is None:
            raise ConfigurationError(
                "The paper exchange is not running.",
                recovery_suggestions=["Use it in a with block, or call start() first."],
            )
        return self._actions

    def _sort(self) -> None:
        self._weights = tuple(fault for fault in self._faults if fault.kind == "weight")
        self.frames = tuple(fault for fault in self._faults if fault.kind in FRAMES)
        if self._actions is not None:
            self._actions.tamper(active=bool(self.frames))

    def __iter__(self) -> Iterator[Fault]:
        """The faults in force."""
        with self._lock:
            return iter(tuple(self._faults))

    def __len__(self) -> int:
        """Number of faults in force."""
        return len(self._faults)
