"""Records of live events."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta

import pytest

from cryptox.model import columns
from cryptox.model.book import BookUpdate, Depth
from cryptox.model.events import AggTrade, BookTicker, Event, Gap, Kline, Ticker, Trade

SENT, RECEIVED = 1_723_161_255_343, 1_723_161_255_360_123_456
TRADE = Trade("BTCUSDT", SENT, RECEIVED, SENT - 1, 3735683259, 61837.63, 0.02, 1236.7526, "sell", True)
AGG = AggTrade("BTCUSDT", SENT, RECEIVED, SENT - 1, 9, 61837.63, 0.02, 1, 2, "buy", True)
KLINE = Kline("BTCUSDT", SENT, RECEIVED, "1m", 0, 1.0, 4.0, 0.5, 2.0, 10.0, 59_999, 20.0, 3, 5.0, 11.0, False)
TICKER = Ticker("BTCUSDT", SENT, RECEIVED, -1.5, -0.1, *[float(n) for n in range(13)], 0, 60_000, 1, 2, 2)
BEST = BookTicker("BTCUSDT", None, RECEIVED, 7, 1.0, 2.0, 3.0, 4.0)
GAP = Gap("BTCUSDT", SENT, RECEIVED, SENT - 5_000, SENT, 10, 19, "the repair was refused")
DEPTH = Depth("BTCUSDT", None, RECEIVED, 5, [("1.0", "2.0")], [("3.0", "4.0")])
BOOK = BookUpdate("BTCUSDT", SENT, RECEIVED, 5, [], [], False)
ALL = [TRADE, AGG, KLINE, TICKER, BEST, GAP, DEPTH, BOOK]
TABLES = {
    "trade": columns.TRADES,
    "agg_trade": columns.AGG_TRADES,
    "kline": columns.KLINES,
    "ticker": columns.TICKER,
    "book_ticker": columns.BOOK_TICKER,
    "depth": columns.DEPTH,
    "book": columns.DEPTH,
}


@pytest.mark.parametrize("event", ALL, ids=lambda event: event.kind)
def test_every_event_has_what_all_have_and_the_columns_of_its_table(event: Event) -> None:
    assert event.symbol == "BTCUSDT"
    for moment in (event.event_time, event.received_at):
        assert isinstance(moment, datetime)
        assert moment.tzinfo is UTC
    if event.kind != "gap":
        for column in TABLES[event.kind].columns:
            value = getattr(event, column.name)
            if column.kind is columns.Kind.TIME:
                assert value.tzinfo is UTC
    text = repr(event)
    assert text.startswith(f"{type(event).__name__}(BTCUSDT 2024-08-08T23:54:15.3")
    assert "\n" not in text
    assert len(text) < 160
    assert event._repr_mimebundle_()["text/plain"] == text
    with pytest.raises(AttributeError):
        event.symbol = "ETHUSDT"
    assert not hasattr(event, "__dict__")
    assert pickle.loads(pickle.dumps(event)) == event


def test_kinds_are_distinct() -> None:
    assert len({event.kind for event in ALL}) == len(ALL)


def test_times_are_utc_and_kept_to_the_last_digit() -> None:
    assert TRADE.event_time == datetime(2024, 8, 8, 23, 54, 15, 343_000, UTC)
    assert TRADE.received_at == datetime(2024, 8, 8, 23, 54, 15, 360_123, UTC)
    assert TRADE.time == TRADE.event_time - timedelta(milliseconds=1)
    assert KLINE.close_time - KLINE.open_time == timedelta(milliseconds=59_999)
    assert GAP.end - GAP.start == timedelta(seconds=5)
    assert (TICKER.open_time.timestamp(), TICKER.close_time.timestamp()) == (0, 60)


def test_where_the_exchange_tells_no_time_the_receipt_stands_for_it() -> None:
    assert BEST.event_time_ms is None
    assert BEST.event_time == BEST.received_at


def test_texts_say_what_matters() -> None:
    assert repr(TRADE) == "Trade(BTCUSDT 2024-08-08T23:54:15.343Z sell 0.02 @ 61837.63, id 3735683259)"
    assert repr(KLINE).endswith("1m from 1970-01-01T00:00:00Z 1 4 0.5 2, forming)")
    assert repr(GAP).endswith(
        "2024-08-08T23:54:10.343Z to 2024-08-08T23:54:15.343Z, ids 10 to 19: the repair was refused)"
    )
    assert TICKER.price == TICKER.last == 2.0
