"""What tells messages apart: streams, control answers, the end of a connection, the unknown."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cryptox.errors import ExchangeError
from cryptox.venues.binance.channels import Feed
from cryptox.venues.binance.events import Inbox, Refusal, Reply, reader_of


def recorded(shared: Path) -> list[bytes]:
    with gzip.open(shared / "data/hftbacktest/btcusdt_20240808.gz") as file:
        return [line.split(b" ", 1)[1].strip() for line in file if line.strip()]


def test_a_real_session_falls_into_its_streams(shared: Path) -> None:
    frames, inbox = recorded(shared), Inbox()
    found: dict[str, list[bytes]] = {}
    for start in range(0, len(frames), 700):
        part = inbox.sort(frames[start : start + 700])
        assert part.errors == ()
        for stream, some in part.streams.items():
            found.setdefault(stream.name, []).extend(some)
            assert stream.symbol == "BTCUSDT"
    assert {name: len(some) for name, some in found.items()} == {
        "btcusdt@depth@100ms": 3_451,
        "btcusdt@bookTicker": 28_040,
        "btcusdt@trade": 9_757,
    }
    for name, some in found.items():
        opening = b'{"stream":"%b"' % name.encode()
        assert some == [frame for frame in frames if frame.startswith(opening)]


def test_a_name_that_begins_like_another_is_another() -> None:
    frames = [b'{"stream":"btcusdt@depth","data":{}}', b'{"stream":"btcusdt@depth5","data":{}}']
    found = Inbox().sort(frames * 3).streams
    assert {stream.channel.feed: some for stream, some in found.items()} == {
        Feed.DEPTH: frames[:1] * 3,
        Feed.PARTIAL_DEPTH: frames[1:] * 3,
    }


def test_spaces_and_order_do_not_matter() -> None:
    frames = [b'{"data":{"t":1},"stream":"btcusdt@trade"}', b' { "stream" : "btcusdt@trade", "data" : {} }']
    frames.append('{"stream":"币安usdt@trade","data":{}}'.encode())
    found = Inbox().sort(frames)
    assert {stream.name: some for stream, some in found.streams.items()} == {
        "btcusdt@trade": frames[:2],
        "币安usdt@trade": frames[2:],
    }
    assert (found.errors, found.unknown) == ((), ())


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        (b'{"result":null,"id":1}', Reply(1, None)),
        (b'{"result":["btcusdt@aggTrade"],"id":3}', Reply(3, ["btcusdt@aggTrade"])),
        (b'{"result":true,"id":"abc"}', Reply("abc", True)),
        (b'{"result":null,"id":null}', Reply(None, None)),
        (b'{"code":0,"msg":"Unknown property","id":7}', Refusal(7, 0, "Unknown property")),
        (b'{"code":3,"msg":"Invalid JSON: expected value"}', Refusal(None, 3, "Invalid JSON: expected value")),
        (b'{"error":{"code":2,"msg":"too many"},"id":9}', Refusal(9, 2, "too many")),
    ],
)
def test_control_answers(frame: bytes, answer: Reply | Refusal) -> None:
    found = Inbox().sort([b'{"stream":"btcusdt@trade","data":{}}', frame])
    assert found.answers == (answer,)
    assert len(found.streams) == 1
    assert (found.errors, found.unknown) == ((), ())
    assert Inbox("btcusdt@trade").sort([frame]).answers == (answer,)


@pytest.mark.parametrize(
    "frame",
    [
        b'{"e":"serverShutdown","E":1767225600200}',
        b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1767225600200}}',
    ],
)
def test_the_end_is_announced(frame: bytes) -> None:
    assert Inbox().sort([frame]).shutdown_ms == 1767225600200
    assert Inbox("btcusdt@trade").sort([frame]).shutdown_ms == 1767225600200
    assert Inbox().sort([]).shutdown_ms is None


def test_the_unknown_is_told_once() -> None:
    inbox = Inbox()
    frames = [b'{"e":"newThing","E":1}', b'{"stream":"btcusdt@newThing","data":{}}', b"{}"]
    assert inbox.sort(frames * 2).unknown == ("newThing", "btcusdt@newThing", "'{}'")
    assert inbox.sort(frames).unknown == ()
    assert inbox.sort([b'{"e":"other"}']).unknown == ("other",)


@pytest.mark.parametrize("frame", [b"", b"x", b"\xff", b"[]", b'{"stream":"btcusdt@trade","data":', b"[" * 5_000])
def test_what_cannot_be_read_is_an_error_and_costs_nothing_else(frame: bytes) -> None:
    good = b'{"stream":"btcusdt@trade","data":{}}'
    found = Inbox().sort([frame, good, good])
    assert list(found.streams.values()) == [[good, good]]
    assert len(found.errors) == 1
    assert isinstance(found.errors[0], ExchangeError)


def test_a_raw_connection_has_one_stream() -> None:
    frame = b'{"e":"trade","E":1}'
    found = Inbox("btcusdt@trade").sort([frame, frame])
    assert {stream.name: some for stream, some in found.streams.items()} == {"btcusdt@trade": [frame, frame]}


def test_readers_are_there_for_what_has_records() -> None:
    assert reader_of(Feed.TRADE) is not None
    assert reader_of(Feed.MINI_TICKER) is None
