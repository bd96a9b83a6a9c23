"""All live streams of the exchange: what each of them has to say at a moment of market time.

Pure but for memory: time is an argument. Lives where the market is touched, on the desk's worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from cryptox.paper.market import Levels, Listing, Market
from cryptox.venues.binance.channels import Feed, Stream, read_sbe_stream, read_stream

from .bars import KlineSource
from .books import BestSource, DepthSource, PartialSource
from .executed import AggregateSource, TradeSource
from .look import Event, Look, Source, Span
from .messages import Name, SbeName, plain
from .windows import AverageSource, TickerArraySource, TickerSource

__all__ = ["Sources", "is_served"]

# Nothing ever comes of the others: there are no block trades here, and no symbol has a reference price.
_SOURCES: dict[Feed, Callable[[Stream, Listing, Look], Source]] = {
    Feed.TRADE: TradeSource,
    Feed.AGGREGATE: AggregateSource,
    Feed.KLINE: KlineSource,
    Feed.MINI_TICKER: TickerSource,
    Feed.TICKER: TickerSource,
    Feed.WINDOW_TICKER: TickerSource,
    Feed.BEST: BestSource,
    Feed.AVERAGE_PRICE: AverageSource,
    Feed.PARTIAL_DEPTH: PartialSource,
    Feed.DEPTH: DepthSource,
}
Jumps = Callable[[int, int], Sequence[Span]]
AnyName = TypeVar("AnyName", bound=Name)


def is_served(name: Name, market: Market) -> bool:
    """Whether anything can ever come on a stream of that name."""
    stream = read_sbe_stream(name.text) if isinstance(name, SbeName) else read_stream(name)
    if stream is None or stream.channel.feed not in _SOURCES:
        return False
    return stream.channel.is_array or stream.symbol in market.listings


class Sources:
    """The streams that somebody wants."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._live: dict[Any, tuple[int, Source]] = {}
        self._books: dict[str, list[DepthSource]] = {}  # those of each symbol
        self._since_us = 0
        self._looking = False

    def collect(
        self, now_us: int, wanted: Mapping[AnyName, int], *, still: bool = False, jumps: Jumps = lambda *_: ()
    ) -> list[tuple[AnyName, Event]]:
        """Events since the last pass by stream, oldest first within each.

        Parameters
        ----------
        now_us
            Market time in microseconds; it never falls.
        wanted
            Names of served streams, each with a number; under another number than before a stream begins anew, and
            what is missing ends. A stream that begins says nothing yet: its events tell what happens from now on.
        still
            Market time does not run; it is also taken to stand where it has not moved since the pass before.
        jumps
            The spans between two moments of market time whose single trades are not told.
        """
        since_us = self._since_us
        look = Look(self._market, now_us, since_us, still=still or now_us <= since_us, jumps=jumps(since_us, now_us))
        self._since_us = now_us
        self._live = {name: one for name, one in self._live.items() if wanted.get(name) == one[0]}
        self._looking = True
        try:
            told = [(name, event) for name, (_, source) in self._live.items() for event in source.collect(look)]
            for name in wanted:
                if name not in self._live:
                    self._live[name] = wanted[name], self._begin(name, look)
        finally:
            self._looking = False
        self._books.clear()
        for name, (_, source) in self._live.items():
            if isinstance(source, DepthSource):
                self._books.setdefault(plain(name).partition("@")[0].upper(), []).append(source)
        return told

    def clear(self) -> None:
        """Forget all streams, and the books that were shown: nobody wants anything."""
        self._live.clear()
        self._books.clear()

    def __len__(self) -> int:
        """Number of streams that are remembered."""
        return len(self._live)

    def note(self, symbol: str, limit: int, book: Levels) -> None:
        """Somebody is shown a book: the next changes must fit it, too. For ``Market.watchers``."""
        if not self._looking:
            for source in self._books.get(symbol, ()):
                source.note(limit, book)

    def _begin(self, name: Name, look: Look) -> Source:
        stream = read_sbe_stream(name.text, look.now_ms) if isinstance(name, SbeName) else read_stream(name)
        assert stream is not None, "only served streams are wanted"
        if stream.channel.is_array:
            return TickerArraySource(stream, look)
        return _SOURCES[stream.channel.feed](stream, self._market.listings[stream.symbol], look)
