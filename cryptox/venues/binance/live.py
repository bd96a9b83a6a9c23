"""Binance's streams as a venue's: names, control messages, and what arrives, in the words of the port.

Source: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams (July 2026).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from cryptox.errors import ConfigurationError
from cryptox.model.events import Event
from cryptox.table.batch import Array
from cryptox.venues.port import Arrived, Hosts, Snapshot, StreamLimits, Subject

from .channels import CHANNELS, FAST_MS, Channel, Feed
from .events import Inbox, Refusal, Reply
from .limits import STREAM_LIMITS
from .readers import READERS, Reader
from .sequence import LocalBook
from .wire.market import Depth

__all__ = ["BinanceStreams"]

_FEEDS = {
    "trades": Feed.TRADE,
    "agg_trades": Feed.AGGREGATE,
    "klines": Feed.KLINE,
    "ticker": Feed.TICKER,
    "book_ticker": Feed.BEST,
    "depth": Feed.PARTIAL_DEPTH,
    "book": Feed.DEPTH,
}
_KEYS: dict[Feed, Callable[[Any], int]] = {
    Feed.TRADE: attrgetter("id"),
    Feed.AGGREGATE: attrgetter("id"),
    Feed.KLINE: attrgetter("bar.open_time"),
    Feed.TICKER: attrgetter("event_time"),
    Feed.BEST: attrgetter("update_id"),
    Feed.PARTIAL_DEPTH: attrgetter("last_update_id"),
    Feed.DEPTH: attrgetter("last_update_id"),
}
_TIMELESS = frozenset({Feed.BEST, Feed.PARTIAL_DEPTH})
_COMBINED = "/stream"
_OPENING = b'{"stream":"'  # as the exchange prints it
_MICROSECONDS = 10**14  # times from here on are microseconds


class _Named(msgspec.Struct):
    stream: str = ""


_named = msgspec.json.Decoder(_Named).decode
_read_snapshot = msgspec.json.Decoder(Depth[str]).decode


class BinanceStreams:
    """The part of the venue that is about streams."""

    name: str
    hosts: Hosts
    stream_limits: StreamLimits = STREAM_LIMITS

    def streams_url(self) -> str:
        """Where to connect: messages come in the combined form."""
        if self.hosts.stream is None:
            raise ConfigurationError(
                f"The address of {self.name}'s streams is not known: only other addresses were given.",
                recovery_suggestions=["Give stream_url (or BINANCE_WS_URL) as well."],
            )
        return self.hosts.stream + _COMBINED

    def stream_of(self, subject: Subject) -> str:
        """The name of its stream, of the faster speed where there are two."""
        return _channel(subject).name(subject.symbol)

    def control(self, number: int, streams: Sequence[str], *, subscribe: bool) -> bytes:
        """SUBSCRIBE or UNSUBSCRIBE."""
        method = "SUBSCRIBE" if subscribe else "UNSUBSCRIBE"
        return msgspec.json.encode({"method": method, "params": list(streams), "id": number})

    def stream_in(self, frame: bytes) -> str | None:
        """The stream that a message of the combined form names."""
        if frame.startswith(_OPENING):
            return frame[len(_OPENING) : frame.find(b'"', len(_OPENING))].decode("utf-8", "replace")
        try:
            return _named(frame).stream or None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None

    def snapshot_in(self, message: bytes) -> Snapshot | None:
        """The answer of ``/api/v3/depth``. It does not say how many levels were asked for: no more than there are."""
        try:
            answer = _read_snapshot(message)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return Snapshot(answer, answer.last_update_id, min(len(answer.bids), len(answer.asks)))

    def inbox(self) -> StreamInbox:
        """For a new connection."""
        return StreamInbox()

    def local_book(self, symbol: str, *, levels: int) -> LocalBook:
        """An empty one."""
        return LocalBook(symbol, levels=levels)


class StreamInbox:
    """Reads the messages of a combined connection."""

    def __init__(self) -> None:
        self._inbox = Inbox()

    def read(self, frames: list[bytes], received_ns: int) -> Arrived:
        """What they are."""
        found = self._inbox.sort(frames)
        arrived = Arrived([], closing=found.shutdown_ms is not None)
        problems = [*found.unknown, *map(str, found.errors)] if found.unknown or found.errors else []
        for stream, some in found.streams.items():
            reader = READERS.get(stream.channel.feed)
            if reader is None:
                continue
            rows, errors = reader.rows(some)
            if errors:
                problems += map(str, errors)
            if rows:
                told = StreamTold(reader, stream.channel.feed, stream.symbol, rows, received_ns)
                arrived.told.append((stream.name, told))
        if found.answers:
            arrived.accepted = [one.id for one in found.answers if isinstance(one, Reply) and isinstance(one.id, int)]
            arrived.refused = [
                (one.id if isinstance(one.id, int) else None, f"{one.code}: {one.message}")
                for one in found.answers
                if isinstance(one, Refusal)
            ]
        arrived.unreadable = problems
        return arrived


class StreamTold:
    """Messages of one stream, decoded; records are made when somebody wants them."""

    __slots__ = ("_events", "_feed", "_reader", "_symbol", "received_ns", "rows")

    def __init__(self, reader: Reader[Any], feed: Feed, symbol: str, rows: list[Any], received_ns: int) -> None:
        self._reader = reader
        self._feed = feed
        self._symbol = symbol
        self._events: list[Event] | None = None
        self.rows = rows
        self.received_ns = received_ns

    def __len__(self) -> int:
        """How many."""
        return len(self.rows)

    @property
    def event_time_ms(self) -> int | None:
        """When the exchange sent the last of them."""
        if self._feed in _TIMELESS:
            return None
        time = int(self.rows[-1].event_time)
        return time if time < _MICROSECONDS else time // 1000

    def keys(self) -> list[int]:
        """Ids, update ids or times."""
        return list(map(_KEYS[self._feed], self.rows))

    def pack(self, rows: Sequence[Any]) -> Mapping[str, Array]:
        """Rows as columns."""
        return self._reader.pack(rows)

    def events(self) -> Sequence[Event]:
        """As records."""
        if self._events is None:
            make, symbol, received_ns = self._reader.event, self._symbol, self.received_ns
            assert make is not None, "diffs are a book's"
            self._events = [make(row, symbol, received_ns) for row in self.rows]
        return self._events

    def newest(self) -> Event:
        """The last of them."""
        if self._events is not None:
            return self._events[-1]
        assert self._reader.event is not None, "diffs are a book's"
        return self._reader.event(self.rows[-1], self._symbol, self.received_ns)


def _channel(subject: Subject) -> Channel:
    feed = _FEEDS[subject.kind]
    found = [
        channel
        for channel in CHANNELS.values()
        if channel.feed is feed
        and channel.shift_ms == 0
        and (feed is not Feed.KLINE or channel.interval == subject.interval)
        and (feed is not Feed.PARTIAL_DEPTH or channel.levels == subject.levels)
    ]
    return next((channel for channel in found if channel.every_ms == FAST_MS), found[0])
