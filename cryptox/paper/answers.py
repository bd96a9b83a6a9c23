"""From a request to a finished answer: limits, negotiation, parameters, the market, the bytes. No I/O.

Market time and real time come in as arguments. One loop owns an ``Answers``; only ``work`` may run elsewhere, one at a
time, because the first look at years of a market takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from cryptox.venues.binance import endpoints as ep
from cryptox.venues.binance.headers import SBE_DEPRECATED

from .encodings import JSON_TYPE, SBE_TYPE, ZIP_FROM, Wanted, negotiate, refusal_body, write, zipped
from .market import Market
from .pages import Page, Pages
from .parameters import read_parameters
from .question import Question, Rows
from .refusals import Refused
from .routes import ROUTES, Route
from .weights import Meter, Others, Window, announced

__all__ = ["Answers", "Asked", "Reply"]

KEPT_BYTES = 256 * 2**20
PLAIN_TYPE = "text/plain"  # of an empty body: clients read one that says it is JSON, and stumble
PATHS = frozenset(path for _, path in ROUTES)


@dataclass(slots=True)
class Reply:
    """One answer, ready to be sent."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    query: str  # raw
    accept: str
    wanted: Wanted
    address: str
    weight: int
    found: tuple[ep.Endpoint, Route] | None
    page: Page | None

    @property
    def is_light(self) -> bool:
        """Whether the answer is at hand: nothing is asked of the market."""
        return self.found is not None and not self.found[1].parameters


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
    ) -> None:
        self.market = market
        self._windows = tuple(windows)
        self._limits = tuple(announced(self._windows))
        self._others = others
        self._ban_after, self._ban_seconds = ban_after, ban_seconds
        self._sbe = sbe
        self._meters: dict[str, Meter] = {}
        self._pages = Pages(kept_bytes)

    def receive(self, method: str, path: str, query: str, headers: Mapping[str, str], address: str) -> Asked:
        """What a request is about and what it weighs, before anything is decided."""
        found = ROUTES.get((method, path))
        wanted = negotiate(headers, sbe_enabled=self._sbe)
        page = self._pages.find(_key(path, query, wanted)) if found else None
        weight = 0
        if page is not None:
            weight = page.weight
        elif found is not None:
            weight = found[0].cost(dict(_pairs(query)))
        accept = headers.get("Accept", "")
        return Asked(method, path, query, accept, wanted, address, weight, found, page)

    def admit(self, asked: Asked, real_now: float) -> tuple[Reply | None, dict[str, str]]:
        """Count a request, whatever becomes of it: its answer where that needs no work, and the headers of use."""
        meter = self._meters.get(asked.address)
        if meter is None:
            meter = Meter(self._windows, ban_after=self._ban_after, ban_seconds=self._ban_seconds)
            self._meters[asked.address] = meter
        reply: Reply | None = None
        try:
            meter.charge(asked.weight, real_now, self._others)
            if asked.found is None:
                reply = _nothing_there(asked)
            elif asked.wanted.refusal is not None:
                raise asked.wanted.refusal
            elif asked.page is not None:
                reply = self.finish(asked, asked.page)
        except Refused as refused:
            reply = _refusal(refused, asked.wanted)
        return reply, meter.headers(real_now, self._others)

    def work(self, asked: Asked, now_us: int) -> Page | Refused:
        """Ask the market and write the answer; touches nothing that other requests share but the market."""
        assert asked.found is not None
        wanted, (_, route) = asked.wanted, asked.found
        try:
            values = read_parameters(route.parameters, _pairs(asked.query))
            told = route.answer(Question(self.market, values, now_us, wanted.microseconds, self._limits))
        except Refused as refused:
            return refused
        stable = isinstance(told, Rows) and told.stable
        return Page(write(told, sbe=wanted.sbe), asked.weight, stable=stable)

    def finish(self, asked: Asked, made: Page | Refused) -> Reply:
        """What ``work`` has made, as an answer; a page that will never change is kept."""
        wanted, key = asked.wanted, _key(asked.path, asked.query, asked.wanted)
        if isinstance(made, Refused):
            return _refusal(made, wanted)
        if made.stable and asked.page is None:
            self._pages.keep(key, made)
        reply = Reply(200, made.body, SBE_TYPE if wanted.sbe else JSON_TYPE)
        if wanted.gzip and len(made.body) > ZIP_FROM:
            reply.body = self._pages.pack(key, made)
            reply.headers["Content-Encoding"] = "gzip"
        if wanted.deprecated:
            reply.headers[SBE_DEPRECATED] = "true"
        return reply


def _pairs(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True, errors="replace") if query else []


def _key(path: str, query: str, wanted: Wanted) -> tuple[str, str, bool, bool]:
    return path, query, wanted.sbe, wanted.microseconds


def _refusal(refused: Refused, wanted: Wanted) -> Reply:
    body = refusal_body(refused, sbe=wanted.sbe)
    reply = Reply(refused.status, body, SBE_TYPE if wanted.sbe else JSON_TYPE)
    if refused.retry_after is not None:
        reply.headers["Retry-After"] = str(refused.retry_after)
    if wanted.gzip and len(body) > ZIP_FROM:
        reply.body = zipped(body)
        reply.headers["Content-Encoding"] = "gzip"
    return reply


def _nothing_there(asked: Asked) -> Reply:
    """A path that nobody serves, or a method that this path does not take."""
    if asked.path in PATHS:
        methods = sorted(method for method, path in ROUTES if path == asked.path)
        return Reply(405, b"", PLAIN_TYPE, {"Allow": ", ".join(methods)})
    if "text/html" in asked.accept.lower():
        return Reply(404, b"<html><body><h1>404 Not Found</h1></body></html>\n", "text/html;charset=UTF-8")
    return Reply(404, b"", PLAIN_TYPE)
