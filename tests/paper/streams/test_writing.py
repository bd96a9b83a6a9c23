from __future__ import annotations

import json

from cryptox.paper.streams.messages import Recorded, Told
from cryptox.paper.streams.writing import in_envelope, written
from cryptox.venues.binance.wire.streams import BookTickerEvent, KlineBar, KlineEvent, MiniTickerEvent, TradeEvent

TRADE = TradeEvent(
    "trade", 1_767_225_600_200_456, "BTCUSDT", 28_457, "94500.00000000", "0.1", 1_767_225_600_123_999, True
)


def test_times_are_in_the_unit_of_the_connection() -> None:
    assert written(TRADE, microseconds=False) == (
        b'{"e":"trade","E":1767225600200,"s":"BTCUSDT","t":28457,"p":"94500.00000000","q":"0.1","T":1767225600123,'
        b'"m":true,"M":true}'
    )
    assert written(TRADE, microseconds=True) == (
        b'{"e":"trade","E":1767225600200456,"s":"BTCUSDT","t":28457,"p":"94500.00000000","q":"0.1",'
        b'"T":1767225600123999,"m":true,"M":true}'
    )


def test_the_bar_within_an_event_has_its_times_changed_too() -> None:
    bar = KlineBar(
        60_000_000, 119_999_999, "A", "1m", -1, -1, "1", "1", "1", "1", "0", 0, False, "0", "0", "0"
    )  # fmt: skip
    event = KlineEvent("kline", 62_000_500, "A", bar)
    told = json.loads(written(event, microseconds=False))
    assert (told["E"], told["k"]["t"], told["k"]["T"]) == (62_000, 60_000, 119_999)
    told = json.loads(written(event, microseconds=True))
    assert (told["E"], told["k"]["t"], told["k"]["T"]) == (62_000_500, 60_000_000, 119_999_999)


def test_lists_and_events_without_times() -> None:
    mini = MiniTickerEvent("24hrMiniTicker", 5_000, "A", "1", "1", "1", "1", "0", "0")
    assert [one["E"] for one in json.loads(written([mini, mini], microseconds=False))] == [5, 5]
    best = BookTickerEvent(1, "A", "1", "2", "3", "4")
    assert written(best, microseconds=False) == b'{"u":1,"s":"A","b":"1","B":"2","a":"3","A":"4"}'


def test_the_envelope_names_the_stream() -> None:
    assert in_envelope("这是@trade", b"{}") == '{"stream":"这是@trade","data":{}}'.encode()


def test_a_message_is_made_once_in_each_form() -> None:
    message = Told("btcusdt@trade", TRADE)
    raw = message.payload((False, False))
    assert message.payload((False, False)) is raw
    assert message.payload((True, False)) == b'{"stream":"btcusdt@trade","data":' + raw + b"}"
    assert json.loads(message.payload((True, True)))["data"]["T"] == 1_767_225_600_123_999
    assert message.frame((False, False)) == b"\x81" + bytes([len(raw)]) + raw
    assert message.frame((False, False)) is message.frame((False, False))


def test_a_recorded_message_stays_what_it_was() -> None:
    message = Recorded("a", b"{ }", b'{"stream":"a","data":{ }}')
    for microseconds in (False, True):
        assert message.payload((False, microseconds)) == b"{ }"
        assert message.frame((True, microseconds)) == b'\x81\x19{"stream":"a","data":{ }}'
