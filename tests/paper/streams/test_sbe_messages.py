"""SBE messages of the streams: byte for byte the worked examples, and the same news as the JSON streams."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cryptox.paper.market import Levels
from cryptox.paper.seeded import SeededMarket
from cryptox.paper.streams.binary import bodies, messages
from cryptox.paper.streams.messages import SbeName
from cryptox.paper.streams.sources import Sources, is_served
from cryptox.venues.binance.channels import SBE_FASTER_FROM_MS
from cryptox.venues.binance.sbe.codec import decode_raw
from cryptox.venues.binance.sbe.schema import STREAMS, load
from cryptox.venues.binance.wire.streams import AveragePriceEvent, BookTickerEvent, DepthEvent, PartialDepth, TradeEvent

START_MS = 1_717_243_200_000
BID, NEXT, ASK = ("94500.00000000", "1.50000000"), ("94499.99000000", "0.00000000"), ("94500.01000000", "0.70000000")
UPDATE = 400_900_217


def event_of(kind: str, now_us: int, moment_us: int) -> list[Any]:
    """What the worked example of that message says, as the events of the JSON streams."""
    match kind:
        case "TradesStreamEvent":
            said = [(28457, BID[0], "0.10000000"), (28458, ASK[0], "0.20000000")]
            return [TradeEvent("trade", now_us, "BTCUSDT", *one, moment_us, True) for one in said]
        case "BestBidAskStreamEvent":
            return [BookTickerEvent(UPDATE, "BTCUSDT", *BID, *ASK)]
        case "DepthSnapshotStreamEvent":
            return [PartialDepth(UPDATE, [BID], [ASK])]
        case "DepthDiffStreamEvent":
            return [DepthEvent("depthUpdate", now_us, "BTCUSDT", 400_900_210, UPDATE, [BID, NEXT], [])]
    raise AssertionError(kind)


def test_the_worked_examples_byte_for_byte(shared: Path) -> None:
    vectors = json.loads((shared / "binance/vectors.json").read_text())["sbe"]
    examples = [one for one in vectors if one["schema"] == "stream_1_0"]
    assert len(examples) == 4
    for one in examples:
        now_us = one["decoded"]["eventTime"]
        events = event_of(one["name"], now_us, one["decoded"].get("transactTime", 0))
        assert [body.hex() for body in bodies(events, "BTCUSDT", now_us)] == [one["hex"]], one["name"]


def test_the_packaged_schema_is_binances_own_file(shared: Path) -> None:
    assert (load(STREAMS).id, load(STREAMS).version, len(load(STREAMS).by_id)) == (1, 0, 4)
    packaged = resources.files("cryptox.venues.binance.sbe").joinpath(STREAMS).read_bytes()
    assert packaged == (shared / "binance/sbe/stream_1_0.xml").read_bytes()


def test_trades_of_one_moment_share_a_message_and_others_do_not() -> None:
    rows = [(1, 50), (2, 50), (3, 51), (4, 50)]
    events = [TradeEvent("trade", 10**15, "A", number, ASK[0], ASK[1], 10**15 + us, False) for number, us in rows]
    found = [decode_raw(body, schema=load(STREAMS)) for body in bodies(events, "A", 10**15)]
    assert [[trade["id"] for trade in one["trades"]] for one in found] == [[1, 2], [3], [4]]
    assert [one["transactTime"] - 10**15 for one in found] == [50, 51, 50]


def test_what_the_schema_has_no_message_for_is_an_error() -> None:
    with pytest.raises(TypeError, match="AveragePriceEvent"):
        bodies([AveragePriceEvent("avgPrice", 1, "A", "5m", "1", 1)], "A", 1)


@pytest.mark.parametrize(
    ("name", "served"),
    [
        ("btcusdt@trade", True),
        ("btcusdt@bestBidAsk", True),
        ("btcusdt@depth20", True),
        ("btcusdt@depth", True),
        ("btcusdt@depth@100ms", False),
        ("btcusdt@bookTicker", False),
        ("btcusdt@aggTrade", False),
        ("!miniTicker@arr", False),
        ("BTCUSDT@trade", False),
        ("nonesuch@trade", False),
    ],
)
def test_the_four_streams_and_no_others(market: SeededMarket, name: str, served: bool) -> None:
    assert is_served(SbeName(name), market) is served
    assert not is_served("btcusdt@bestBidAsk", market)


def text(mantissa: int, exponent: int) -> str:
    assert exponent == -8
    return f"{mantissa // 10**8}.{mantissa % 10**8:08d}"


def sides(one: dict[str, Any]) -> list[list[list[str]]]:
    exponents = one["priceExponent"], one["qtyExponent"]
    return [
        [[text(row["price"], exponents[0]), text(row["qty"], exponents[1])] for row in one[side]]
        for side in ("bids", "asks")
    ]


PAIRS = {"trade": "trade", "bookTicker": "bestBidAsk", "depth20@100ms": "depth20", "depth@100ms": "depth"}


def test_they_tell_what_the_json_streams_tell(market: SeededMarket) -> None:
    sources = Sources(market)
    wanted: dict[str | SbeName, int] = {f"btcusdt@{name}": 1 for name in PAIRS}
    wanted |= {SbeName(f"btcusdt@{name}"): 1 for name in PAIRS.values()}
    told: dict[str | SbeName, list[Any]] = {name: [] for name in wanted}
    now: dict[str, list[int]] = {"bookTicker": [], "depth20@100ms": []}
    for step in range(120):
        now_us = (START_MS + 100 * step) * 1_000 + 300
        for message in messages(sources.collect(now_us, wanted), now_us):
            body = message.payload((False, True))
            is_sbe = isinstance(message.stream, SbeName)
            told[message.stream].append(decode_raw(body, schema=load(STREAMS)) if is_sbe else json.loads(body))
            if not is_sbe and (short := str(message.stream).partition("@")[2]) in now:
                now[short].append(now_us)
    plain = {name: told[f"btcusdt@{name}"] for name in PAIRS}
    binary = {name: told[SbeName(f"btcusdt@{other}")] for name, other in PAIRS.items()}
    assert min(len(one) for one in plain.values()) > 20
    assert all(one["symbol"] == "BTCUSDT" for told in binary.values() for one in told)

    moments = [list(group) for _, group in groupby(plain["trade"], lambda one: (one["E"], one["T"]))]
    assert [(one["eventTime"], one["transactTime"]) for one in binary["trade"]] == [
        (g[0]["E"], g[0]["T"]) for g in moments
    ]
    assert [
        [(t["id"], text(t["price"], -8), text(t["qty"], -8), t["isBuyerMaker"] == "True") for t in one["trades"]]
        for one in binary["trade"]
    ] == [[(t["t"], t["p"], t["q"], t["m"]) for t in group] for group in moments]

    names = ("bidPrice", "bidQty", "askPrice", "askQty")
    best = [(one["bookUpdateId"], *(text(one[name], -8) for name in names)) for one in binary["bookTicker"]]
    assert best == [(one["u"], one["b"], one["B"], one["a"], one["A"]) for one in plain["bookTicker"]]
    assert [one["eventTime"] for one in binary["bookTicker"]] == now["bookTicker"]

    top = [(one["bookUpdateId"], *sides(one)) for one in binary["depth20@100ms"]]
    assert top == [(one["lastUpdateId"], one["bids"], one["asks"]) for one in plain["depth20@100ms"]]
    assert [one["eventTime"] for one in binary["depth20@100ms"]] == now["depth20@100ms"]

    spans = [
        (one["eventTime"], one["firstBookUpdateId"], one["lastBookUpdateId"], *sides(one))
        for one in binary["depth@100ms"]
    ]
    assert spans == [(one["E"], one["U"], one["u"], one["b"], one["a"]) for one in plain["depth@100ms"]]


class Restless:
    """A market whose book changes every millisecond."""

    def __init__(self, market: SeededMarket) -> None:
        self._market, self.listings = market, market.listings

    def levels(self, symbol: str, now_ms: int, limit: int) -> Levels:
        book = self._market.levels(symbol, START_MS, limit)
        quantity = book.bid_quantity.copy()
        quantity[:1] = np.int64(1 + now_ms % 1_000_000)
        return replace(book, last_update_id=now_ms, bid_quantity=quantity)


@pytest.mark.parametrize(
    ("name", "begin_ms", "every_ms"),
    [
        ("btcusdt@depth20", START_MS, 50),
        ("btcusdt@depth", START_MS, 25),
        ("btcusdt@depth", SBE_FASTER_FROM_MS - 1_000, 25),
        ("btcusdt@depth", SBE_FASTER_FROM_MS, 20),
        ("btcusdt@bestBidAsk", START_MS, 5),
    ],
)
def test_each_at_its_speed(market: SeededMarket, name: str, begin_ms: int, every_ms: int) -> None:
    sources: Any = Sources(Restless(market))  # type: ignore[arg-type]
    stream = SbeName(name)
    times = []
    for passed_ms in range(0, 1_000, 5):
        now_us = (begin_ms + passed_ms) * 1_000
        times += [passed_ms for _ in messages(sources.collect(now_us, {stream: 1}), now_us)]
    assert times == list(range(every_ms, 1_000, every_ms))


class Flickering(Restless):
    """A market whose best bid is another for a moment."""

    def levels(self, symbol: str, now_ms: int, limit: int) -> Levels:
        book = super().levels(symbol, now_ms, limit)
        quantity = book.bid_quantity.copy()
        quantity[:1] = 7 if now_ms == START_MS + 10 else 5
        return replace(book, bid_quantity=quantity)


def test_changes_fit_a_book_that_somebody_was_shown_in_between(market: SeededMarket) -> None:
    flickering: Any = Flickering(market)
    sources, wanted = Sources(flickering), {SbeName("btcusdt@depth"): 1}
    sources.collect(START_MS * 1_000, wanted)
    shown = flickering.levels("BTCUSDT", START_MS + 10, 100)
    sources.note("BTCUSDT", 100, shown)
    now_us = (START_MS + 30) * 1_000
    [message] = messages(sources.collect(now_us, wanted), now_us)
    event = decode_raw(message.payload((False, False)), schema=load(STREAMS))
    listing = market.listings["BTCUSDT"]
    scale = [10 ** (8 + listing.price_exponent), 10 ** (8 + listing.quantity_exponent)]
    assert event["bids"] == [{"price": int(shown.bid_price[0]) * scale[0], "qty": 5 * scale[1]}]
    assert event["asks"] == []


HUGE, SMALL = ("0.00000231", "276701161104.00000000"), ("0.00000232", "36061033.50000000")


@pytest.mark.parametrize(
    "event",
    [
        BookTickerEvent(UPDATE, "PEPEUSDT", *HUGE, *SMALL),
        PartialDepth(UPDATE, [HUGE], [SMALL]),
        DepthEvent("depthUpdate", 1, "PEPEUSDT", 1, UPDATE, [HUGE, ("0.00000230", "0.00000000")], [SMALL]),
    ],
)
def test_a_quantity_beyond_64_bits_of_eight_decimals_has_fewer(event: Any) -> None:
    """As several orders of a cheap coin at one price come to."""
    (body,) = bodies([event], "PEPEUSDT", 1)
    told = decode_raw(body, schema=load(STREAMS))
    assert (told["priceExponent"], told["qtyExponent"], told["symbol"]) == (-8, -1, "PEPEUSDT")
    if isinstance(event, BookTickerEvent):
        assert (told["bidPrice"], told["bidQty"], told["askQty"]) == (231, 2_767_011_611_040, 360_610_335)
    else:
        assert told["bids"][0]["qty"] == 2_767_011_611_040
        assert [tuple(row.values()) for row in told["asks"]] == [(232, 360_610_335)]
