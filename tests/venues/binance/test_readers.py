"""Messages to rows, columns and events: recorded ones, the documentation's, and broken ones."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest

from cryptox.errors import ExchangeError
from cryptox.model import columns
from cryptox.model.book import Depth
from cryptox.model.events import Kline, Ticker
from cryptox.table.batch import dtype_of
from cryptox.venues.binance import columns as rest
from cryptox.venues.binance.channels import CHANNELS, Feed
from cryptox.venues.binance.readers import READERS

# Examples of the documentation: web-socket-streams, July 2026.
KLINE = b"""{"e":"kline","E":1767225602000,"s":"BTCUSDT","k":{"t":1767225600000,"T":1767225659999,"s":"BTCUSDT",
 "i":"1m","f":28457,"L":28700,"o":"94500.00000000","c":"94550.00000000","h":"94610.00000000","l":"94450.50000000",
 "v":"12.34567890","n":308,"x":false,"q":"1167283.94037000","V":"6.17283945","Q":"583641.97018500","B":"0"}}"""
TICKER = b"""{"e":"24hrTicker","E":1767225601000,"s":"BTCUSDT","p":"-123.45000000","P":"-0.130","w":"94520.00000000",
 "x":"94623.45000000","c":"94500.00000000","Q":"0.10000000","b":"94500.00000000","B":"1.50000000","a":"94500.01000000",
 "A":"0.70000000","o":"94623.45000000","h":"95000.00000000","l":"94000.00000000","v":"1234.56789012",
 "q":"116691356.97414240","O":1767139201000,"C":1767225601000,"F":1000,"L":2000,"n":1001}"""
TRADE = b"""{"e":"trade","E":1767225600200,"s":"BTCUSDT","t":28457,"p":"94500.00000000","q":"0.10000000",
 "T":1767225600123,"m":true,"M":true}"""
DIFF = b"""{"e":"depthUpdate","E":1767225600200,"s":"BTCUSDT","U":157,"u":160,"b":[["94500.00000000","1.50000000"]],
 "a":[["94500.01000000","0.00000000"]]}"""
PARTIAL = b"""{"lastUpdateId":160,"bids":[["94500.00000000","1.50000000"]],"asks":[["94500.01000000","0.70000000"]]}"""
COMBINED = b'{"stream":"btcusdt@any","data":%b}'


def recorded(shared: Path) -> list[bytes]:
    with gzip.open(shared / "data/hftbacktest/btcusdt_20240808.gz") as file:
        lines = [line.split(b" ", 1)[1].strip() for line in file if line.strip()]
    return [line for line in lines if line.startswith(b'{"stream":"btcusdt@trade')]


def test_recorded_trades_become_the_columns_of_the_table(shared: Path) -> None:
    frames, reader = recorded(shared), READERS[Feed.TRADE]
    rows, errors = reader.rows(frames)
    batch = reader.pack(rows)
    plain = [json.loads(frame)["data"] for frame in frames]
    assert errors == []
    assert len(rows) == 9_757
    assert set(batch) == set(columns.TRADES.names)
    for name, letter in (("id", "t"), ("time", "T")):
        assert batch[name].tolist() == [one[letter] for one in plain]
    for name, letter in (("price", "p"), ("quantity", "q")):
        assert batch[name].tolist() == [float(one[letter]) for one in plain]
    assert batch["side"].tolist() == [1 if one["m"] else 0 for one in plain]
    assert batch["quote_quantity"].tolist() == [float(Decimal(one["p"]) * Decimal(one["q"])) for one in plain]
    for column in columns.TRADES.columns:
        assert batch[column.name].dtype == dtype_of(column.kind, exact=False)


def test_an_event_equals_its_row_of_columns(shared: Path) -> None:
    reader = READERS[Feed.TRADE]
    rows, _ = reader.rows(recorded(shared)[:300])
    batch = reader.pack(rows)
    for place, row in enumerate(rows):
        event = reader.event(row, "BTCUSDT", 5)
        for column in columns.TRADES.columns:
            value = batch[column.name][place]
            match column.kind:
                case columns.Kind.TIME:
                    assert event.time.timestamp() * 1000 == pytest.approx(value, abs=0.01)
                case columns.Kind.SIDE:
                    assert event.side == columns.CATEGORIES[column.kind][value]
                case _:
                    assert getattr(event, column.name) == value
        assert event.event_time_ms == row.event_time


def test_quote_quantities_are_those_of_rest(shared: Path) -> None:
    body = (shared / "data/nautilus/http_responses/http_spot_market_trades.json").read_bytes()
    wanted = rest.trades(body)["quote_quantity"].tolist()
    frames = [
        json.dumps(
            {"e": "trade", "E": 1, "s": "X", "t": one["id"], "p": one["price"], "q": one["qty"], "T": 1, "m": True}
        ).encode()
        for one in json.loads(body)
    ]
    rows, _ = READERS[Feed.TRADE].rows(frames)
    assert READERS[Feed.TRADE].pack(rows)["quote_quantity"].tolist() == wanted


def test_large_products_are_exact_too() -> None:
    frames = [
        TRADE.replace(b"94500.00000000", price).replace(b"0.10000000", quantity)
        for price, quantity in ((b"1653000123.00000000", b"0.12345670"), (b"0.00001234", b"98765432109.00000000"))
    ]
    rows, _ = READERS[Feed.TRADE].rows(frames)
    wanted = [float(Decimal(1653000123) * Decimal("0.1234567")), float(Decimal("0.00001234") * 98765432109)]
    assert READERS[Feed.TRADE].pack(rows)["quote_quantity"].tolist() == wanted
    assert [READERS[Feed.TRADE].event(row, "X", 1).quote_quantity for row in rows] == wanted


@pytest.mark.parametrize("feed", list(READERS))
def test_the_combined_and_the_raw_form_are_one(feed: Feed) -> None:
    example = {
        Feed.KLINE: KLINE,
        Feed.TICKER: TICKER,
        Feed.TRADE: TRADE,
        Feed.BLOCK_TRADE: TRADE.replace(b',"M":true', b""),
        Feed.AGGREGATE: TRADE.replace(b'"t":28457', b'"a":26129,"f":28457,"l":28459'),
        Feed.BEST: b'{"u":4,"s":"BTCUSDT","b":"94500.0","B":"1.5","a":"94500.01","A":"0.7","new":[1]}',
        Feed.DEPTH: DIFF,
        Feed.PARTIAL_DEPTH: PARTIAL,
    }[feed]
    reader = READERS[feed]
    rows, errors = reader.rows([example, COMBINED % example])
    assert errors == []
    assert rows[0] == rows[1]
    broken = [b"", b"[]", b"{}", b'{"stream":"a","data":{}}', example[:-2], b"\xff" + example]
    rows, errors = reader.rows([example, *broken, COMBINED % example])
    assert len(rows) == 2
    assert len(errors) == len(broken)
    assert all(isinstance(one, ExchangeError) and "cannot be read" in str(one) for one in errors)


def test_a_candle() -> None:
    reader = READERS[Feed.KLINE]
    row = reader.row(KLINE)
    event = reader.event(row, "BTCUSDT", 1_767_225_602_050_000_000)
    assert isinstance(event, Kline)
    assert (event.interval, event.is_closed, event.trades) == ("1m", False, 308)
    assert (event.open, event.high, event.low, event.close) == (94500.0, 94610.0, 94450.5, 94550.0)
    assert (event.volume, event.quote_volume) == (12.3456789, 1167283.94037)
    assert (event.taker_buy_volume, event.taker_buy_quote_volume) == (6.17283945, 583641.970185)
    assert event.close_time.isoformat() == "2026-01-01T00:00:59.999000+00:00"
    batch = reader.pack([row])
    for column in columns.KLINES.columns:
        value = batch[column.name][0]
        if column.kind is columns.Kind.TIME:
            assert getattr(event, f"{column.name}_ms") == value
        else:
            assert getattr(event, column.name) == value


def test_a_ticker() -> None:
    event = READERS[Feed.TICKER].event(READERS[Feed.TICKER].row(TICKER), "BTCUSDT", 1)
    assert isinstance(event, Ticker)
    assert (event.price, event.last, event.price_change, event.price_change_percent) == (
        94500.0,
        94500.0,
        -123.45,
        -0.13,
    )
    assert (event.bid, event.ask_quantity, event.first_id, event.trades) == (94500.0, 0.7, 1000, 1001)
    assert event.open_time.isoformat() == "2025-12-31T00:00:01+00:00"
    assert set(READERS[Feed.TICKER].pack([READERS[Feed.TICKER].row(TICKER)])) == set(columns.TICKER.names)


def test_microseconds_are_cut() -> None:
    frame = TRADE.replace(b"1767225600200", b"1767225600200999").replace(b"1767225600123", b"1767225600123999")
    row = READERS[Feed.TRADE].row(frame)
    event = READERS[Feed.TRADE].event(row, "BTCUSDT", 1)
    assert (event.event_time_ms, event.time_ms) == (1767225600200, 1767225600123)
    assert READERS[Feed.TRADE].pack([row])["time"].tolist() == [1767225600123]


def test_a_partial_book_keeps_the_texts() -> None:
    reader = READERS[Feed.PARTIAL_DEPTH]
    event = reader.event(reader.row(PARTIAL), "BTCUSDT", 7)
    assert isinstance(event, Depth)
    assert event.exact_asks[0] == (Decimal("94500.01"), Decimal("0.7"))
    assert (event.kind, event.last_update_id, event.event_time) == ("depth", 160, event.received_at)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-inf", "1e400", "", " 1", "1_0", "x", "0x1"])
@pytest.mark.parametrize("feed", [Feed.TRADE, Feed.KLINE, Feed.TICKER, Feed.DEPTH, Feed.PARTIAL_DEPTH])
def test_a_number_that_is_none_is_an_error(feed: Feed, number: str) -> None:
    examples = {
        Feed.TRADE: TRADE,
        Feed.KLINE: KLINE,
        Feed.TICKER: TICKER,
        Feed.DEPTH: DIFF,
        Feed.PARTIAL_DEPTH: PARTIAL,
    }
    frame = examples[feed].replace(b"94500.00000000", number.encode())
    assert frame != examples[feed]
    rows, errors = READERS[feed].rows([frame])
    assert (rows, len(errors)) == ([], 1)


def test_levels_written_otherwise_are_read_the_slow_way() -> None:
    frame = DIFF.replace(b'["94500.00000000","1.50000000"]', b'[ "94500.0" , "1.5" ]')
    assert READERS[Feed.DEPTH].row(frame).bids == [("94500.0", "1.5")]
    with pytest.raises(ExchangeError):
        READERS[Feed.DEPTH].row(DIFF.replace(b"1.50000000", b"1.5x"))


@pytest.mark.parametrize("text", [b"1.5.000000", b"1.2.00000000"])
def test_a_level_with_a_number_of_two_points_is_an_error(text: bytes) -> None:
    with pytest.raises(ExchangeError):
        READERS[Feed.DEPTH].row(DIFF.replace(b"1.50000000", text))


def test_every_feed_with_a_table_packs_its_dtypes() -> None:
    for feed, reader in READERS.items():
        assert any(channel.feed is feed for channel in CHANNELS.values())
        if reader.table is not None:
            empty = reader.pack([])
            for column in reader.table.columns:
                assert empty[column.name].dtype == dtype_of(column.kind, exact=False)
                assert empty[column.name].shape == (0,)
