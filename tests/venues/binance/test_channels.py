from __future__ import annotations

import re
from pathlib import Path

import pytest

from cryptox.venues.binance.channels import ARRAYS, CHANNELS, Feed, read_stream

HOUR_MS = 3_600_000


def test_every_form_of_the_fact_sheet_is_there_with_its_speed(shared: Path) -> None:
    """Section 4 of the fact sheet, row by row."""
    sheet = (shared / "binance" / "streams.md").read_text(encoding="utf-8").split("## 4. Streams")[1].split("## 5.")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in sheet.splitlines() if "`" in line]
    speeds = {row[0]: row[1] for row in rows if len(row) > 1}
    assert len(speeds) == 17  # the head among them
    for suffix in ("aggTrade", "trade", "blockTrade", "bookTicker"):
        assert CHANNELS[suffix].every_ms is None
        assert speeds[f"`<s>@{suffix}`"] == "real time"
    for suffix in ("miniTicker", "ticker", "avgPrice", "referencePrice"):
        assert CHANNELS[suffix].every_ms == 1_000
        assert speeds[f"`<s>@{suffix}`"] == "1000 ms"
    events = {row[0]: row[2] for row in rows if len(row) > 2}
    assert events["`<s>@miniTicker`"] == CHANNELS["miniTicker"].event
    assert events["`<s>@ticker_1h`, `_4h`, `_1d`"] == ", ".join(
        CHANNELS[f"ticker_{window}"].event or "" for window in ("1h", "4h", "1d")
    )
    assert events["`<s>@depth`, `<s>@depth@100ms`"] == CHANNELS["depth"].event == CHANNELS["depth@100ms"].event
    intervals = re.findall(r"^Intervals: `(.+)`", sheet, re.MULTILINE)[0].split()
    assert [suffix for suffix in CHANNELS if suffix.startswith("kline") and ":" not in suffix] == [
        f"kline_{interval}" for interval in intervals
    ]


@pytest.mark.parametrize(
    ("name", "feed", "symbol", "every_ms"),
    [
        ("btcusdt@aggTrade", Feed.AGGREGATE, "BTCUSDT", None),
        ("btcusdt@kline_1s", Feed.KLINE, "BTCUSDT", 1_000),
        ("btcusdt@kline_1M", Feed.KLINE, "BTCUSDT", 2_000),
        ("1inchusdt@depth10", Feed.PARTIAL_DEPTH, "1INCHUSDT", 1_000),
        ("btcusdt@depth20@100ms", Feed.PARTIAL_DEPTH, "BTCUSDT", 100),
        ("btcusdt@depth", Feed.DEPTH, "BTCUSDT", 1_000),
        ("btcusdt@depth@100ms", Feed.DEPTH, "BTCUSDT", 100),
        ("这是测试币456usdt@trade", Feed.TRADE, "这是测试币456USDT", None),
        ("!miniTicker@arr", Feed.MINI_TICKER, "", 1_000),
        ("!ticker_4h@arr", Feed.WINDOW_TICKER, "", 1_000),
    ],
)
def test_names_are_read(name: str, feed: Feed, symbol: str, every_ms: int | None) -> None:
    stream = read_stream(name)
    assert stream is not None
    assert (stream.channel.feed, stream.symbol, stream.channel.every_ms) == (feed, symbol, every_ms)
    assert stream.channel.name(symbol) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "0",
        "BTCUSDT@trade",
        "btcusdt@TRADE",
        "btcusdt@aggtrade",
        "btcusdt@kline_1H",
        "btcusdt@kline_1mo",
        "btcusdt@depth15",
        "btcusdt@depth@250ms",
        "@trade",
        "btcusdt",
        "btcusdt@miniTicker@arr",
        "!bookTicker",
        "!ticker@arr",
        "!miniTicker",
    ],
)
def test_what_is_no_stream_is_none(name: str) -> None:
    assert read_stream(name) is None


def test_bars_of_utc_plus_8_are_moved_by_eight_hours() -> None:
    stream = read_stream("btcusdt@kline_1d@+08:00")
    assert stream is not None
    assert (stream.channel.shift_ms, stream.channel.interval) == (8 * HOUR_MS, "1d")


def test_no_form_stands_twice() -> None:
    assert not CHANNELS.keys() & ARRAYS.keys()
    assert len(CHANNELS) == 3 + 32 + 1 + 1 + 3 + 1 + 1 + 1 + 6 + 2
