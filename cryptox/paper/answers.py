"""From a request to a finished answer: limits, negotiation, parameters, the market, the bytes. No I/O.

Market time and real time come in as arguments. One loop owns an ``Answers``; only ``work`` may run elsewhere, one at a
time, because the first look at years of a market takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

from cryptox.venues.binance import endpoints as ep
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.headers import API_KEY, SBE_DEPRECATED
from cryptox.venues.binance.wire.account import CountedLimit
from cryptox.venues.binance.wire.general import RateLimit

from .accounts import Accounts
from .averages import Averages
from .encodings import JSON_TYPE, SBE_TYPE, ZIP_FROM, Wanted, negotiate, write
from .gate import API_KEY_PARAMETER, SIGNING, Gate, Pass
from .market import Market
from .order_counts import OrderCount, OrderCounts
from .pages import Page, Pages
from .parameters import read_parameters
from .question import Question, Rows, Told, Trader
from .refusals import Refused
from .replies import Done, Reply, refusal_reply, squeezed
from .routes import ROUTES, Route
from .signatures import text_of
from .trading.accounts import KeyKind
from .trading.engine import Engine
from .weights import Meter, Others, Window, announced

__all__ = ["Answers", "Asked", "Done", "Reply"]

KEPT_BYTES = 256 * 2**20
PLAIN_TYPE = "text/plain"  # of an empty body: clients read one that says it is JSON, and stumble
FORM_TYPE = "application/x-www-form-urlencoded"
OF_CALLS = SIGNING | {API_KEY_PARAMETER, "returnRateLimits"}  # what every call of the WebSocket API may carry
PATHS = frozenset(path for _, path in ROUTES)

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    query: str = field(repr=False)  # raw
    accept: str
    wanted: Wanted
    address: str
    weight: int
    found: tuple[ep.Endpoint, Route] | None
    page: Page | None
    said: Pairs = field(default=(), repr=False)  # of a signed request: query, and body where that adds to it
    passed: Pass | Refused | None = None  # of a signed request: what the gate said when it arrived

    @property
    def is_light(self) -> bool:
        """Whether the answer is at hand: nothing is asked of the market."""
        return self.passed is None and self.found is not None and not self.found[1].parameters

    @property
    def charge(self) -> int:
        """What it costs before it is known whether it succeeds."""
        return 0 if self.found is not None and self.found[0].free else self.weight


class Answers:
    """The exchange's desk.

    Parameters
    ----------
    market
        What trades.
    windows
        Limits of an address.
    others
        Weight that somebody else on the same address uses in a span of real time.
    ban_after, ban_seconds
        When going on after a 429 brings a ban, and how long the first one is.
    sbe
        Whether binary answers are on offer.
    kept_bytes
        How much of finished pages is kept.
    accounts, engine
        Whose requests are answered on signed endpoints, and what works on their orders.
    judged
        Whether market time runs at real speed now, so that timestamps are judged.
    server_us
        What the exchange takes for the time when it looks at a timestamp for the last time, in microseconds; None for
        the market's, which stands still while a clock that was set back catches up.

    Attributes
    ----------
    gate : Gate
    counts : OrderCounts
        Its ``note`` listens to the engine's reports.
    """

    def __init__(
        self,
        market: Market,
        windows: Iterable[Window],
        *,
        others: Others = lambda _start, _now: 0,
        ban_after: int = 10,
        ban_seconds: float = 120.0,
        sbe: bool = True,
        kept_bytes: int = KEPT_BYTES,
        accounts: Accounts | None = None,
        engine: Engine | None = None,
        judged: Callable[[], bool] = lambda: True,
        server_us: Callable[[], int] | None = None,
    ) -> None:
        self.market = market
        self._windows = tuple(windows)
        self.gate = Gate(accounts if accounts is not None else Accounts(), judged)
        self.counts = OrderCounts(self._windows)
        self._engine = engine
        self._averages = Averages(market)
        self._limits = tuple(announced(self._windows))
        self._others = others
        self._ban_after, self._ban_seconds = ban_after, ban_seconds
        self._sbe = sbe
        self._server_us = server_us
        self._banned_until = 0.0  # everybody, in real seconds
        self._meters: dict[str, Meter] = {}
        self._pages = Pages(kept_bytes)

    def admit_sbe(self, api_key: str | None) -> None:
        """Let a connection to the SBE streams come in: nothing is signed, and the key needs no permission.

        Raises
        ------
        Refused : 400 where SBE is switched off; 401, -2015 for a key that is not Ed25519 (both own).
        """
        if not self._sbe:
            raise Refused(Code.SBE_DISABLED)
        if self.gate.key(api_key).kind is not KeyKind.ED25519:
            raise Refused(Code.REJECTED_MBX_KEY, status=401)

    def receive(
        self,
        method: str,
        path: str,
        query: str,
        headers: Mapping[str, str],
        address: str,
        body: bytes = b"",
        now_us: int = 0,
    ) -> Asked:
        """What a request is about and what it weighs; signed ones are checked as of ``now_us``, market time."""
        found = ROUTES.get((method, path))
        accept = headers.get("Accept", "")
        if found is None or found[0].security is ep.Security.NONE:
            wanted = negotiate(headers, sbe_enabled=self._sbe)
            page = self._pages.find(_key(path, query, wanted)) if found else None
            weight = 0
            if page is not None:
                weight = page.weight
            elif found is not None:
                weight = found[0].cost(dict(_pairs(query)))
            return Asked(method, path, query, accept, wanted, address, weight, found, page)
        endpoint = found[0]
        wanted = negotiate(headers, json_only=True)
        is_form = headers.get("Content-Type", FORM_TYPE).lower().startswith(FORM_TYPE)
        sent = query.encode("utf-8", "surrogateescape"), body if is_form and method != "GET" else b""
        said = _merged(*sent)
        params = dict(reversed(said))  # of doubled names the first counts
        passed: Pass | Refused
        try:
            passed = self.gate.request(endpoint.security, headers.get(API_KEY), params, sent, now_us)
        except Refused as refused:
            passed = refused
        weight = endpoint.cost(params)
        return Asked(method, path, query, accept, wanted, address, weight, found, None, said, passed)

    def admit(self, asked: Asked, real_now: float) -> tuple[Reply | None, dict[str, str]]:
        """Count a request, whatever becomes of it: its answer where that needs no work, and the headers of use."""
        meter = self.meter(asked.address)
        reply: Reply | None = None
        try:
            meter.charge(asked.charge, real_now, self._others)
            if asked.found is None:
                reply = _nothing_there(asked)
            elif asked.wanted.refusal is not None:
                raise asked.wanted.refusal
            elif isinstance(asked.passed, Refused):
                raise asked.passed
            elif asked.page is not None:
                reply = self.finish(asked, asked.page)
        except Refused as refused:
            meter.add(asked.weight - asked.charge, real_now)
            reply = refusal_reply(refused, asked.wanted)
        return reply, meter.headers(real_now, self._others)

    def work(self, asked: Asked, now_us: int, real_now: float = 0.0) -> Page | Done | Refused:
        """Ask market or engine and write the answer; touches nothing that other requests share but these.

        ``now_us`` is market time, ``real_now`` real seconds since the epoch.
        """
        assert asked.found is not None
        wanted, (endpoint, route) = asked.wanted, asked.found
        if isinstance(asked.passed, Pass):
            question = Question(self.market, {}, now_us, wanted.microseconds, self._limits)
            return self._signed(endpoint, asked.said, asked.passed, question, real_now)
        try:
            values = read_parameters(route.parameters, _pairs(asked.query))
            told = route.answer(Question(self.market, values, now_us, wanted.microseconds, self._limits))
        except Refused as refused:
            return refused
        stable = isinstance(told, Rows) and told.stable
        return Page(write(told, sbe=wanted.sbe), asked.weight, stable=stable)

    def call(
        self,
        endpoint: ep.Endpoint,
        params: Mapping[str, Any],
        now_us: int,
        real_now: float,
        passed: Pass | None = None,
        *,
        microseconds: bool = False,
        limits: tuple[RateLimit, ...] | None = None,
    ) -> Done | Refused:
        """What a call of the WebSocket API leads to: the same as the REST endpoint's, as JSON bytes.

        ``passed`` is what ``gate.call`` gave, None for public endpoints; ``limits`` what the exchange information
        announces in the place of REST's. To be called where ``work`` is; weights are
        the caller's: ``meter(address).charge(...)`` before (nothing for a free endpoint), ``settle`` after.
        """
        said = [(name, text_of(value)) for name, value in params.items() if value is not None]
        question = Question(self.market, {}, now_us, microseconds, self._limits if limits is None else limits)
        if passed is not None:
            return self._signed(endpoint, said, passed, question, real_now, OF_CALLS)
        route = ROUTES[endpoint.method, endpoint.path][1]
        try:
            told = route.answer(replace(question, params=read_parameters(route.parameters, said, OF_CALLS)))
        except Refused as refused:
            return refused
        return Done(write(told, sbe=False), {}, endpoint.cost(dict(said)))

    def _signed(
        self,
        endpoint: ep.Endpoint,
        said: Pairs,
        passed: Pass,
        question: Question,
        real_now: float,
        also: frozenset[str] = SIGNING,
    ) -> Done | Refused:
        """Parameters, order limit, the last look at the clock, and what the engine makes of it."""
        route = ROUTES[endpoint.method, endpoint.path][1]
        count = OrderCount(self.counts, passed.account.uid, real_now)
        orders = 0 if endpoint is ep.CANCEL_REPLACE else endpoint.orders  # that one counts by itself
        try:
            values = read_parameters(route.parameters, said, also)
            if orders:
                count.check(orders)
            if passed.timing is not None:
                now_us = question.now_us if self._server_us is None else self._server_us()
                _last_look(passed, now_us, count, endpoint.orders)
            assert self._engine is not None, "an exchange that knows accounts has an engine"
            trader = Trader(passed.account, passed.key, self._engine, count, self._averages)
            told = route.answer(replace(question, params=values, trader=trader))
        except Refused as refused:
            return refused
        if orders:
            count.add(orders)
        costs = told.costs if isinstance(told, Told) else None
        if costs is None:
            costs = 0 if endpoint.free else endpoint.cost(dict(said))
        return Done(write(told, sbe=False), count.headers() if endpoint.orders else {}, costs)

    def settle(self, address: str, endpoint: ep.Endpoint, weight: int, made: Page | Done | Refused, now: float) -> int:
        """Charge an address what a request has cost beyond (or short of) what it was admitted with; returns its cost.

        ``weight`` is what the endpoint weighs with the request's parameters, ``now`` real seconds.
        """
        told = None if isinstance(made, Page) else made.costs
        costs = weight if told is None else told
        self.meter(address).add(costs - (0 if endpoint.free else weight), now)
        return costs

    def charge(self, address: str, weight: int, now: float) -> None:
        """Count a call of the WebSocket API, or the opening of a connection to it.

        Raises
        ------
        Refused : 429 over a limit, 418 while banned.
        """
        self.meter(address).charge(weight, now, self._others, raw=False)

    @property
    def limits(self) -> tuple[RateLimit, ...]:
        """The limits as REST's exchange information announces them."""
        return self._limits

    def usage(self, address: str, now: float, account: int | None = None) -> list[CountedLimit]:
        """Limits and their counts as calls of the WebSocket API tell them: weights, and an account's orders."""
        found = self.meter(address).limits(now, self._others)
        return found if account is None else self.counts.limits(account, now) + found

    def used(self, address: str, now: float) -> dict[str, str]:
        """The headers of use as they stand now."""
        return self.meter(address).headers(now, self._others)

    def meter(self, address: str) -> Meter:
        """What counts the requests of an address."""
        meter = self._meters.get(address)
        if meter is None:
            meter = Meter(self._windows, ban_after=self._ban_after, ban_seconds=self._ban_seconds)
            meter.banned_until = self._banned_until
            self._meters[address] = meter
        return meter

    def ban(self, until: float, address: str | None = None) -> None:
        """Ban an address, or all, until a moment of real time; one that has passed lifts the ban."""
        if address is None:
            self._banned_until = until
        for meter in self._meters.values() if address is None else [self.meter(address)]:
            meter.banned_until = until

    def punish(self, address: str, now: float) -> float:
        """Ban an address for what it does elsewhere, longer each time; returns until when, in real seconds."""
        return self.meter(address).punish(now)

    def finish(self, asked: Asked, made: Page | Done | Refused) -> Reply:
        """What ``work`` has made, as an answer; a page that will never change is kept."""
        wanted, key = asked.wanted, _key(asked.path, asked.query, asked.wanted)
        if isinstance(made, Refused):
            return refusal_reply(made, wanted)
        if isinstance(made, Done):
            return squeezed(Reply(200, made.body, headers=dict(made.headers)), wanted)
        if made.stable and asked.page is None:
            self._pages.keep(key, made)
        reply = Reply(200, made.body, SBE_TYPE if wanted.sbe else JSON_TYPE)
        if wanted.gzip and len(made.body) > ZIP_FROM:
            reply.body = self._pages.pack(key, made)
            reply.headers["Content-Encoding"] = "gzip"
        if wanted.deprecated:
            reply.headers[SBE_DEPRECATED] = "true"
        return reply


def _pairs(query: str) -> Pairs:
    return parse_qsl(query, keep_blank_values=True, errors="replace") if query else []


def _merged(query: bytes, body: bytes) -> Pairs:
    """Parameters of both; the query wins where a name stands in both."""
    first, second = _pairs(query.decode("utf-8", "replace")), _pairs(body.decode("utf-8", "replace"))
    named = {name for name, _ in first}
    return [*first, *(pair for pair in second if pair[0] not in named)]


def _key(path: str, query: str, wanted: Wanted) -> tuple[str, str, bool, bool]:
    return path, query, wanted.sbe, wanted.microseconds


def _last_look(passed: Pass, now_us: int, count: OrderCount, orders: int) -> None:
    """Whether the request still stands just before the engine; one that does not counts as an order all the same."""
    assert passed.timing is not None
    try:
        passed.timing.check(now_us)
    except Refused:
        count.add(orders)
        raise


def _nothing_there(asked: Asked) -> Reply:
    """A path that nobody serves, or a method that this path does not take."""
    if asked.path in PATHS:
        methods = sorted(method for method, path in ROUTES if path == asked.path)
        return Reply(405, b"", PLAIN_TYPE, {"Allow": ", ".join(methods)})
    if "text/html" in asked.accept.lower():
        return Reply(404, b"<html><body><h1>404 Not Found</h1></body></html>\n", "text/html;charset=UTF-8")
    return Reply(404, b"", PLAIN_TYPE)
