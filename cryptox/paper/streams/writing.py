"""Events as bytes: raw or in an envelope, with times in milliseconds or microseconds."""

from __future__ import annotations

from functools import lru_cache

import msgspec
from msgspec import Struct

from cryptox.venues.binance.wire.streams import (
    AggTradeEvent,
    AveragePriceEvent,
    DepthEvent,
    KlineBar,
    KlineEvent,
    MiniTickerEvent,
    ReferencePriceEvent,
    ServerShutdown,
    TickerEvent,
    TradeEvent,
    WindowTickerEvent,
)

from .look import Event

__all__ = ["in_envelope", "written"]

_TIMES: dict[type[Struct], tuple[str, ...]] = {
    AggTradeEvent: ("event_time", "time"),
    AveragePriceEvent: ("event_time", "last_time"),
    DepthEvent: ("event_time",),
    KlineBar: ("open_time", "close_time"),
    KlineEvent: ("event_time",),
    MiniTickerEvent: ("event_time",),
    ReferencePriceEvent: ("time",),
    ServerShutdown: ("event_time",),
    TickerEvent: ("event_time", "open_time", "close_time"),
    TradeEvent: ("event_time", "time"),
    WindowTickerEvent: ("event_time", "open_time", "close_time"),
}
_encode = msgspec.json.Encoder().encode


def written(event: Event, *, microseconds: bool) -> bytes:
    """An event as JSON; its times are microseconds before."""
    return _encode(event if microseconds else _in_milliseconds(event))


def in_envelope(stream: str, data: bytes) -> bytes:
    """A raw event in the combined form."""
    return _envelope(stream) + data + b"}"


@lru_cache(4_096)
def _envelope(stream: str) -> bytes:
    return b'{"stream":' + _encode(stream) + b',"data":'


def _in_milliseconds(event: Event) -> Event:
    if isinstance(event, list):
        return [_whole(one) for one in event]
    return _whole(event)


def _whole(event: Struct) -> Struct:
    names = _TIMES.get(type(event), ())
    if not names:
        return event
    changed = {name: getattr(event, name) // 1_000 for name in names}
    if isinstance(event, KlineEvent):
        changed["bar"] = _whole(event.bar)
    return msgspec.structs.replace(event, **changed)
