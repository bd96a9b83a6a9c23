"""Binance's streams in the words of the port: names, control messages, and what arrives."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from cryptox.errors import ConfigurationError
from cryptox.settings import Settings
from cryptox.venues.binance.venue import BinanceVenue, open_venue
from cryptox.venues.port import Subject


@pytest.fixture
def venue() -> BinanceVenue:
    return open_venue("binance", Settings(), {})


@pytest.fixture(scope="module")
def recorded(shared: Path) -> list[bytes]:
    """Messages of Binance, 2024-08-08, as hftbacktest recorded them (shared/data/README.md)."""
    with gzip.open(shared / "data/hftbacktest/btcusdt_20240808.gz", "rb") as file:
        return [line.split(b" ", 1)[1].strip() for _, line in zip(range(3_000), file, strict=False)]


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        (Subject("trades", "BTCUSDT"), "btcusdt@trade"),
        (Subject("agg_trades", "BTCUSDT"), "btcusdt@aggTrade"),
        (Subject("klines", "ETHUSDT", "1m"), "ethusdt@kline_1m"),
        (Subject("klines", "ETHUSDT", "1M"), "ethusdt@kline_1M"),
        (Subject("ticker", "1INCHUSDT"), "1inchusdt@ticker"),
        (Subject("book_ticker", "BTCUSDT"), "btcusdt@bookTicker"),
        (Subject("depth", "BTCUSDT", levels=5), "btcusdt@depth5@100ms"),
        (Subject("depth", "BTCUSDT", levels=20), "btcusdt@depth20@100ms"),
        (Subject("book", "BTCUSDT"), "btcusdt@depth@100ms"),
    ],
)
def test_names_are_the_documented_ones(venue: BinanceVenue, subject: Subject, name: str) -> None:
    assert venue.stream_of(subject) == name


def test_control_messages_are_the_documented_ones(venue: BinanceVenue) -> None:
    begin = json.loads(venue.control(1, ["a@trade", "b@depth"], subscribe=True))
    assert begin == {"method": "SUBSCRIBE", "params": ["a@trade", "b@depth"], "id": 1}
    assert json.loads(venue.control(2, ["a@trade"], subscribe=False))["method"] == "UNSUBSCRIBE"


def test_streams_come_in_the_combined_form_or_not_at_all(venue: BinanceVenue) -> None:
    assert venue.streams_url() == "wss://stream.binance.com:9443/stream"
    alone = open_venue("binance", Settings(rest_url="http://127.0.0.1:1"), {})
    with pytest.raises(ConfigurationError, match="streams is not known"):
        alone.streams_url()


def test_recorded_messages_are_parted_by_stream_and_keep_their_order(
    venue: BinanceVenue, recorded: list[bytes]
) -> None:
    arrived = venue.inbox().read([line for line in recorded if line.startswith(b'{"stream"')], 5)
    told = dict(arrived.told)
    assert set(told) == {"btcusdt@trade", "btcusdt@bookTicker", "btcusdt@depth@100ms"}
    trades = told["btcusdt@trade"]
    messages = [json.loads(line)["data"] for line in recorded if b"@trade" in line]
    assert trades.keys() == [message["t"] for message in messages]
    assert [event.price for event in trades.events()] == [float(message["p"]) for message in messages]  # type: ignore[attr-defined]
    assert trades.newest() == trades.events()[-1]
    assert (len(trades), trades.received_ns, trades.event_time_ms) == (len(messages), 5, messages[-1]["E"])
    assert trades.pack(trades.rows)["id"].tolist() == trades.keys()
    quotes = told["btcusdt@bookTicker"]
    assert quotes.event_time_ms is None
    assert quotes.keys() == sorted(quotes.keys())


def test_answers_refusals_and_shutdowns_are_told_apart(venue: BinanceVenue) -> None:
    frames = [
        b'{"result":null,"id":3}',
        b'{"code":2,"msg":"Invalid request: too many parameters","id":4}',
        b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1767225600000}}',
        b"nonsense",
    ]
    arrived = venue.inbox().read(frames, 0)
    assert list(arrived.accepted) == [3]
    assert arrived.refused == [(4, "2: Invalid request: too many parameters")]
    assert arrived.closing
    assert len(arrived.unreadable) == 1
    assert arrived.told == []


def test_repairs_ask_for_what_they_need(venue: BinanceVenue) -> None:
    trades = venue.trades_from("BTCUSDT", from_id=7, limit=10, exact=False)
    assert (trades.path.rsplit("/", 1)[1], dict(trades.params), trades.weight) == (
        "historicalTrades",
        {"symbol": "BTCUSDT", "fromId": "7", "limit": "10"},
        25,
    )
    book = venue.snapshot("BTCUSDT")
    assert (book.path.rsplit("/", 1)[1], dict(book.params), book.weight, book.binary) == (
        "depth",
        {"symbol": "BTCUSDT", "limit": "5000"},
        250,
        False,
    )
