"""The structs of stream events against recorded messages, and against the examples of the documentation."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cryptox.venues.binance.channels import read_stream
from cryptox.venues.binance.wire import streams as wire

KINDS: dict[str, Any] = {
    "aggTrade": wire.AggTradeEvent[str],
    "trade": wire.TradeEvent[str],
    "kline_1m": wire.KlineEvent[str],
    "bookTicker": wire.BookTickerEvent[str],
    "depth@100ms": wire.DepthEvent[str],
}


def same(stream: str, data: bytes) -> None:
    """A recorded event read and written again is the same text, and has the word of its channel."""
    found = read_stream(stream)
    assert found is not None
    event = msgspec.json.decode(data, type=KINDS[found.channel.suffix])
    assert msgspec.json.encode(event) == data
    assert event.symbol == found.symbol
    assert getattr(event, "event", None) == found.channel.event


def test_recorded_traffic_of_2024_is_written_as_it_was_read(shared: Path) -> None:
    seen: dict[str, int] = {}
    with gzip.open(shared / "data" / "hftbacktest" / "btcusdt_20240808.gz") as lines:
        for line in lines:
            text = line.strip().partition(b" ")[2]
            if b'"stream"' not in text:
                continue
            stream = text[11 : text.index(b'"', 11)].decode()
            seen[stream] = seen.get(stream, 0) + 1
            if seen[stream] <= 300:
                same(stream, text[text.index(b'"data":') + 7 : -1])
    assert seen == {"btcusdt@depth@100ms": 3_451, "btcusdt@bookTicker": 28_040, "btcusdt@trade": 9_757}


def test_recorded_traffic_of_2021_is_written_as_it_was_read(shared: Path) -> None:
    seen = set()
    with (shared / "data" / "cryptofeed" / "BINANCE.ws.1.0").open("rb") as lines:
        for line in lines:
            text = line.strip().partition(b": ")[2]
            if not text.startswith(b'{"stream"'):
                continue
            stream = text[11 : text.index(b'"', 11)].decode()
            seen.add(stream.partition("@")[2])
            same(stream, text[text.index(b'"data":') + 7 : -1])
    assert seen == {"depth@100ms", "bookTicker", "aggTrade", "kline_1m"}


def test_fields_that_came_later_or_went_do_no_harm(shared: Path) -> None:
    folder = shared / "data" / "nautilus" / "ws_messages"
    trade = msgspec.json.decode((folder / "ws_spot_trade.json").read_bytes())["data"]
    assert trade["b"] == 7038593583  # order ids, removed in June 2024
    event = msgspec.convert(trade, wire.TradeEvent[Decimal], strict=False)
    assert (event.id, event.price, event.time, event.buyer_is_maker) == (
        705291099,
        Decimal("4149.74"),
        1639351062243,
        True,
    )
    agg = msgspec.json.decode((folder / "ws_spot_agg_trade.json").read_bytes())["data"]
    assert msgspec.convert(agg, wire.AggTradeEvent[str]).first_id == 228423


# No recording has these: from https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams and, where
# the numbers are rounder, from ../shared/binance/streams.md (July 2026).
EXAMPLES = [
    (
        wire.MiniTickerEvent[str],
        '{"e":"24hrMiniTicker","E":1672515782136,"s":"BNBBTC","c":"0.0025","o":"0.0010","h":"0.0025","l":"0.0010",'
        '"v":"10000","q":"18"}',
        {"last": "0.0025", "open": "0.0010", "quote_volume": "18"},
    ),
    (
        wire.TickerEvent[str],
        '{"e":"24hrTicker","E":1767225601000,"s":"BTCUSDT","p":"-123.45000000","P":"-0.130","w":"94520.00000000",'
        '"x":"94623.45000000","c":"94500.00000000","Q":"0.10000000","b":"94500.00000000","B":"1.50000000",'
        '"a":"94500.01000000","A":"0.70000000","o":"94623.45000000","h":"95000.00000000","l":"94000.00000000",'
        '"v":"1234.56789012","q":"116691356.97414240","O":1767139201000,"C":1767225601000,"F":1000,"L":2000,"n":1001}',
        {"prev_close": "94623.45000000", "bid_quantity": "1.50000000", "ask": "94500.01000000", "first_id": 1000},
    ),
    (
        wire.WindowTickerEvent[str],
        '{"e":"1hTicker","E":1672515782136,"s":"BNBBTC","p":"0.0015","P":"250.00","o":"0.0010","h":"0.0025",'
        '"l":"0.0010","c":"0.0025","w":"0.0018","v":"10000","q":"18","O":0,"C":1675216573749,"F":0,"L":18150,"n":18151}',
        {"event": "1hTicker", "weighted_avg_price": "0.0018", "close_time": 1675216573749, "trades": 18151},
    ),
    (
        wire.AveragePriceEvent[str],
        '{"e":"avgPrice","E":1693907033000,"s":"BTCUSDT","i":"5m","w":"25776.86000000","T":1693907032213}',
        {"window": "5m", "price": "25776.86000000", "last_time": 1693907032213},
    ),
    (
        wire.ReferencePriceEvent[str],
        '{"e":"referencePrice","s":"BTCUSDT","r":null,"t":1767225600123}',
        {"price": None, "time": 1767225600123},
    ),
    (
        wire.PartialDepth[str],
        '{"lastUpdateId":160,"bids":[["94500.00000000","1.50000000"]],"asks":[["94500.01000000","0.70000000"]]}',
        {"last_update_id": 160, "bids": [("94500.00000000", "1.50000000")]},
    ),
    (
        wire.KlineEvent[str],
        '{"e":"kline","E":1767225602000,"s":"BTCUSDT","k":{"t":1767225600000,"T":1767225659999,"s":"BTCUSDT","i":"1m",'
        '"f":28457,"L":28700,"o":"94500.00000000","c":"94550.00000000","h":"94610.00000000","l":"94450.50000000",'
        '"v":"12.34567890","n":308,"x":false,"q":"1167283.94037000","V":"6.17283945","Q":"583641.97018500","B":"0"}}',
        {"event_time": 1767225602000, "symbol": "BTCUSDT"},
    ),
    (wire.ServerShutdown, '{"e":"serverShutdown","E":1767225600000}', {"event_time": 1767225600000}),
]


@pytest.mark.parametrize(("kind", "text", "fields"), EXAMPLES, ids=lambda value: getattr(value, "__name__", ""))
def test_documented_examples_are_written_as_they_were_read(kind: Any, text: str, fields: dict[str, Any]) -> None:
    event = msgspec.json.decode(text, type=kind)
    assert msgspec.json.encode(event).decode() == text
    for name, value in fields.items():
        assert getattr(event, name) == value


def test_numbers_come_as_floats_where_frames_want_them() -> None:
    text = json.dumps({"u": 1, "s": "A", "b": "1.5", "B": "2", "a": "1.6", "A": "3"})
    event = msgspec.json.decode(text, type=wire.BookTickerEvent[float], strict=False)
    assert (event.bid, event.ask_quantity) == (1.5, 3.0)
