"""The local order book: real sessions against the exchange's own best prices, and random streams against the truth."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptox.errors import ExchangeError
from cryptox.venues.binance import levels
from cryptox.venues.binance.channels import Feed
from cryptox.venues.binance.events import Inbox
from cryptox.venues.binance.readers import READERS
from cryptox.venues.binance.sequence import LocalBook
from cryptox.venues.binance.wire.market import Depth
from cryptox.venues.binance.wire.streams import BookTickerEvent, DepthEvent

Event = DepthEvent[str]
Levels = list[tuple[str, str]]


def text(number: int) -> str:
    return f"{Decimal(number).scaleb(-8):.8f}"


def diff(first: int, last: int, bids: Levels | None = None, asks: Levels | None = None, time: int = 1_000) -> Event:
    return DepthEvent("depthUpdate", time, "BTCUSDT", first, last, bids or [], asks or [])


def snapshot(last: int, bids: Levels, asks: Levels) -> Depth[str]:
    return Depth(last, bids, asks)


BIDS = [("100.00000000", "1.00000000"), ("99.50000000", "2.00000000"), ("98.00000000", "3.00000000")]
ASKS = [("100.50000000", "1.50000000"), ("101.00000000", "2.50000000")]


def started() -> LocalBook:
    book = LocalBook("BTCUSDT")
    assert book.snapshot(snapshot(10, BIDS, ASKS), limit=5000)
    return book


def test_it_waits_for_the_snapshot_and_then_has_both() -> None:
    book = LocalBook("BTCUSDT")
    assert not book.synced
    assert book.needs_snapshot
    assert book.diff(diff(8, 9, [("99.50000000", "7.00000000")])) is None  # step 4: u <= lastUpdateId, dropped
    assert book.diff(diff(10, 12, [("99.50000000", "5.00000000")], [("100.50000000", "0.00000000")])) is None
    assert (book.waiting, book.synced) == (2, False)
    assert book.snapshot(snapshot(10, BIDS, ASKS), limit=5000)
    assert book.last_update_id == 12
    assert book.waiting == 0
    update = book.top()
    assert update.bid_texts == [BIDS[0], ("99.50000000", "5.00000000"), BIDS[2]]
    assert update.ask_texts == [ASKS[1]]
    assert (update.synced, update.last_update_id, book.needs_snapshot) == (True, 12, False)


def test_a_snapshot_older_than_the_first_diff_is_asked_for_again() -> None:
    book = LocalBook("BTCUSDT")
    book.diff(diff(12, 13))
    assert not book.snapshot(snapshot(10, BIDS, ASKS), limit=5000)  # 11 is missing
    assert (book.synced, book.needs_snapshot, book.last_update_id) == (False, True, None)
    assert book.snapshot(snapshot(11, BIDS, ASKS), limit=5000)  # U == lastUpdateId + 1 is in step
    assert book.last_update_id == 13


def test_the_rules_of_one_event() -> None:
    book = started()
    assert book.diff(diff(5, 10, [("100.00000000", "9.00000000")])) is None  # old
    assert book.best() == (BIDS[0], ASKS[0])
    assert book.diff(diff(9, 11, [("100.00000000", "9.00000000"), ("97.12000000", "0.00000000")])) is None  # overlaps
    assert book.best()[0] == ("100.00000000", "9.00000000")
    assert book.diff(diff(12, 12, [("100.00000000", "0.00000000")])) is None
    assert book.best()[0] == BIDS[1]
    assert book.diff(diff(13, 13, [("100.00000000", "0.50000000")])) is None  # it comes back
    assert book.best()[0] == ("100.00000000", "0.50000000")


def test_a_gap_is_told_once_with_its_ids_and_times() -> None:
    book = started()
    book.diff(diff(11, 11, time=2_000), 7)
    gap = book.diff(diff(15, 16, [("100.10000000", "1.00000000")], time=3_000), 9_000_000)
    assert gap is not None
    assert (gap.first_id, gap.last_id, gap.start_ms, gap.end_ms, gap.received_ns) == (12, 14, 2_000, 3_000, 9_000_000)
    assert (gap.kind, gap.symbol, gap.reason) == ("gap", "BTCUSDT", "diffs are missing")
    assert (book.synced, book.needs_snapshot, book.top().synced) == (False, True, False)
    assert book.diff(diff(17, 17)) is None
    second = book.diff(diff(19, 19))
    assert second is not None
    assert (second.first_id, second.last_id) == (18, 18)
    assert not book.snapshot(snapshot(14, BIDS, ASKS), limit=5000)  # 18 is still missing
    assert book.snapshot(snapshot(18, BIDS, ASKS), limit=5000)
    assert book.last_update_id == 19


def test_times_in_microseconds_are_told_in_milliseconds() -> None:
    book, now_us = started(), 1_700_000_000_000_000
    assert book.diff(diff(11, 11, time=now_us)) is None
    assert book.top().event_time_ms == now_us // 1_000
    gap = book.diff(diff(15, 16, time=now_us + 5_000))
    assert gap is not None
    assert (gap.start_ms, gap.end_ms) == (now_us // 1_000, now_us // 1_000 + 5)


def test_late_diffs_close_a_gap() -> None:
    book = started()
    assert book.diff(diff(13, 13, [("99.50000000", "4.00000000")])) is not None
    assert book.diff(diff(14, 14)) is None
    assert book.diff(diff(11, 12, [("99.50000000", "3.00000000")])) is None
    assert (book.synced, book.last_update_id, book.waiting) == (True, 14, 0)
    assert book.top(2).bid_texts[1] == ("99.50000000", "4.00000000")


def test_what_waits_in_the_wrong_order_is_applied_in_the_right_one() -> None:
    book = LocalBook("BTCUSDT")
    for number in (13, 11, 14, 12):
        book.diff(diff(number, number, [("99.50000000", f"{number}.00000000")]))
    assert book.snapshot(snapshot(11, BIDS, ASKS), limit=5000)
    assert book.top(2).bid_texts[1] == ("99.50000000", "14.00000000")


def test_a_cut_stream_is_out_of_step_until_a_diff_follows() -> None:
    book = started()
    book.interrupt()
    assert not book.synced
    assert book.diff(diff(9, 10)) is None  # proves nothing
    assert not book.synced
    assert book.diff(diff(11, 11)) is None
    assert book.synced


def test_what_waits_is_bounded() -> None:
    book = LocalBook("BTCUSDT", most_waiting=3)
    for number in range(1, 11):
        book.diff(diff(number, number))
    assert (book.waiting, book.dropped) == (3, 7)
    assert not book.snapshot(snapshot(5, BIDS, ASKS), limit=5000)
    assert book.snapshot(snapshot(7, BIDS, ASKS), limit=5000)
    assert book.last_update_id == 10


def test_a_crossed_book_is_no_book() -> None:
    book = started()
    gap = book.diff(diff(11, 11, [("100.50000000", "1.00000000")]))
    assert gap is not None
    assert gap.reason == "the book is crossed"
    assert (book.synced, book.needs_snapshot, book.top().bid_texts, book.last_update_id) == (False, True, [], None)
    assert not book.snapshot(snapshot(12, [("100.50000000", "1.00000000")], ASKS), limit=5000)


def test_beyond_the_snapshot_nothing_is_certain() -> None:
    book = LocalBook("BTCUSDT", levels=2)
    assert book.snapshot(snapshot(10, BIDS, ASKS), limit=3)  # three bids: there may be more below 98
    book.diff(diff(11, 11, [("97.00000000", "1.00000000")]))
    assert book.top().bid_texts == BIDS  # 97.00 is there, but 97.50 may be too
    assert not book.needs_snapshot
    book.diff(diff(12, 12, [("100.00000000", "0.00000000"), ("99.50000000", "0.00000000")]))
    assert (book.synced, book.needs_snapshot) == (True, True)
    book.diff(diff(13, 13, [("98.00000000", "0.00000000")]))
    assert (book.synced, book.top().bid_texts) == (False, [])
    book.diff(diff(14, 14, [("98.50000000", "1.00000000")]))
    assert (book.synced, book.top().bid_texts) == (True, [("98.50000000", "1.00000000")])
    assert book.snapshot(snapshot(15, BIDS, ASKS), limit=3)
    assert not book.needs_snapshot


def test_prices_of_other_lengths_and_forms_are_the_numbers_they_are() -> None:
    book = LocalBook("BTCUSDT")
    asks = [("99999.90000000", "1.00000000"), ("100000.00000000", "2.00000000"), ("100000.10000000", "3.00000000")]
    book.snapshot(snapshot(10, [("9999.90000000", "1.00000000"), ("0.00000001", "2.00000000")], asks), limit=5000)
    assert book.top().ask_texts == asks
    assert book.top().bid_texts == [("9999.90000000", "1.00000000"), ("0.00000001", "2.00000000")]
    book.diff(diff(11, 11, [("10000.5", "1.0"), ("9999.9", "0")], [("99999.90", "0.00"), ("100000", "5")]))
    assert book.top().bid_texts == [("10000.50000000", "1.0"), ("0.00000001", "2.00000000")]
    assert book.top().ask_texts == [("100000.00000000", "5"), asks[2]]


@pytest.mark.parametrize("price", ["", ".5", "1.2.3", "nan", "-1.0", "1e5", "1_0.0", "1.000000001", "٣.0"])
def test_a_price_that_is_no_plain_decimal_is_an_error(price: str) -> None:
    book = started()
    with pytest.raises(ExchangeError):
        book.diff(diff(11, 11, [(price, "1.00000000")]))
    assert not book.synced
    with pytest.raises(ExchangeError):
        LocalBook("BTCUSDT").snapshot(snapshot(1, [(price, "1.00000000")], []), limit=5000)


@pytest.mark.parametrize("price", ["100.5", "0100.50", "00100.500000000", "100.50000000"])
def test_normal_prices(price: str) -> None:
    assert levels.normal(price) == "100.50000000"
    assert levels.normal("000.1") == "0.10000000"


def test_ids_the_wrong_way_round_are_an_error() -> None:
    book = started()
    with pytest.raises(ExchangeError, match="ends at id 11 before it begins at 12"):
        book.diff(diff(12, 11))
    assert not book.synced


def frames(shared: Path) -> list[bytes]:
    with gzip.open(shared / "data/hftbacktest/btcusdt_20240808.gz") as file:
        return [line.split(b" ", 1)[1].strip() for line in file if line.strip()]


def test_five_real_minutes_agree_with_every_best_price_the_exchange_told(shared: Path) -> None:
    lines = frames(shared)
    streams = {stream.channel.feed: some for stream, some in Inbox().sort(lines).streams.items()}
    tickers = msgspec.json.Decoder(list[BookTickerEvent[str]])
    told = tickers.decode(b"[" + b",".join(frame.split(b'"data":')[1][:-1] for frame in streams[Feed.BEST]) + b"]")
    best = {one.update_id: ((one.bid, one.bid_quantity), (one.ask, one.ask_quantity)) for one in told}
    book, compared, in_step = LocalBook("BTCUSDT"), 0, 0
    for frame in lines:
        if frame.startswith(b'{"stream":"btcusdt@depth'):
            assert book.diff(READERS[Feed.DEPTH].row(frame)) is None
        elif frame.startswith(b'{"lastUpdateId"'):
            assert book.waiting == 3
            assert book.snapshot(msgspec.json.decode(frame, type=Depth[str]), limit=1000)
        in_step += book.synced
        if book.last_update_id in best:  # by ids in step throughout, and right even where the snapshot had ended
            compared += 1
            assert book.best() == best.pop(book.last_update_id)
    assert compared > 500
    assert book.synced
    assert in_step > 3_000


@pytest.mark.parametrize("together", [2, 64, 500])
def test_five_real_minutes_are_the_same_one_by_one_and_together(shared: Path, together: int) -> None:
    lines = frames(shared)
    answer = next(line for line in lines if line.startswith(b'{"lastUpdateId"'))
    read = READERS[Feed.DEPTH].row
    events = [read(line) for line in lines if line.startswith(b'{"stream":"btcusdt@depth')]
    one, other = LocalBook("BTCUSDT"), LocalBook("BTCUSDT")
    for book in (one, other):
        book.snapshot(msgspec.json.decode(answer, type=Depth[str]), limit=1000)
    for start in range(0, len(events), together):
        some = events[start : start + together]
        for event in some:
            one.diff(event, start)
        other.diffs(some, start)
        assert other.top(50) == one.top(50)
    assert one.synced
    assert other.top() == one.top()


def test_of_events_that_come_together_those_before_a_bad_one_are_taken() -> None:
    book = started()
    good = [diff(n, n, [("99.50000000", f"{n}.00000000")]) for n in range(11, 15)]
    with pytest.raises(ExchangeError):
        book.diffs([*good, diff(16, 15)])
    assert (book.synced, book.last_update_id, book.best()[0]) == (False, 14, BIDS[0])
    assert book.top(2).bid_texts[1] == ("99.50000000", "14.00000000")
    with pytest.raises(ExchangeError):
        book.diffs([diff(15, 15), diff(16, 16, [("99.5x", "1.00000000")])])
    assert book.last_update_id is None


def test_of_events_that_come_together_prices_of_other_forms_are_the_numbers_they_are() -> None:
    book = started()
    book.diffs([diff(11, 11, [("99.5", "7.00000000")]), diff(12, 12, [("99.50000000", "8.00000000"), ("98", "0")])])
    assert book.top().bid_texts == [BIDS[0], ("99.50000000", "8.00000000")]
    book.diffs([diff(13, 13, [("99.5", "9.00000000")], [("101", "0")]), diff(14, 14, [("98.00000000", "3.00000000")])])
    assert book.top().bid_texts == [BIDS[0], ("99.50000000", "9.00000000"), BIDS[2]]
    assert book.top().ask_texts == [ASKS[0]]


def test_a_book_that_is_crossed_after_events_that_come_together_is_forgotten() -> None:
    book = started()
    book.diffs([diff(11, 11), diff(12, 12, [("100.50000000", "1.00000000")])])
    assert (book.last_update_id, book.synced) == (None, False)


def test_four_real_books_from_their_first_diffs(shared: Path) -> None:
    books = dict[str, LocalBook]()
    for line in filter(None, (shared / "data/cryptofeed/BINANCE.http.0.0").read_text().splitlines()):
        symbol = line.partition("symbol=")[2].partition("&")[0]
        books[symbol] = LocalBook(symbol)
        assert books[symbol].snapshot(msgspec.json.decode(line.partition(": ")[2], type=Depth[str]), limit=1000)
    lines = (shared / "data/cryptofeed/BINANCE.ws.1.0").read_bytes().splitlines()[1:]
    found = Inbox().sort([line.partition(b": ")[2] for line in lines if line])
    assert (found.unknown, found.errors) == ((), ())
    told = [
        json.loads(frame)["data"]
        for stream, some in found.streams.items()
        if stream.channel.feed is Feed.BEST
        for frame in some
    ]
    best = {(one["s"], one["u"]): ((one["b"], one["B"]), (one["a"], one["A"])) for one in told}
    applied = compared = 0
    for stream, some in found.streams.items():
        if stream.channel.feed is Feed.DEPTH:
            book = books[stream.symbol]
            for event in map(READERS[Feed.DEPTH].row, some):
                assert book.diff(event) is None
                assert book.synced
                applied += event.last_update_id == book.last_update_id
                if (place := (stream.symbol, book.last_update_id)) in best:
                    compared += 1
                    assert book.best() == best[place]
    assert applied > 100
    assert compared > 10


prices = st.integers(90, 110)


@st.composite
def markets(draw: st.DrawFn) -> tuple[list[Event], dict[int, tuple[dict[str, str], dict[str, str]]]]:
    """A chain of diffs, and the true book after each id."""
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    truth = {0: (dict[str, str](), dict[str, str]())}
    events, last = [], 0
    unit = draw(st.sampled_from([10**4, 10**8, 10**10]))  # 0.0100 to 110: lengths differ within one book
    for _ in range(draw(st.integers(1, 25))):
        first, changes = last + 1, ([], [])
        for _ in range(draw(st.integers(1, 4))):
            last += 1
            price, quantity = draw(prices), draw(st.integers(0, 3))
            is_bid = price < 100 if price != 100 else draw(st.booleans())
            mine, other = (bids, asks) if is_bid else (asks, bids)
            if price == 100 and quantity and other.get(100):
                quantity = 0
            mine[price] = quantity
            changes[0 if is_bid else 1].append((text(price * unit), text(quantity * 10**7)))
            truth[last] = tuple(
                {text(p * unit): text(q * 10**7) for p, q in side.items() if q} for side in (bids, asks)
            )
        events.append(diff(first, last, *[list({p: (p, q) for p, q in side}.values()) for side in changes]))
    return events, truth


def happenings(draw: st.DrawFn, events: list[Event]) -> Iterator[Event]:
    """The diffs as a bad line would bring them."""
    spoiled = list(events)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(spoiled) - 1)) if spoiled else 0
        match draw(st.sampled_from(["drop", "again", "swap", "late"])):
            case "drop" if spoiled:
                del spoiled[at]
            case "again" if spoiled:
                spoiled.insert(draw(st.integers(0, len(spoiled))), spoiled[at])
            case "swap" if at + 1 < len(spoiled):
                spoiled[at], spoiled[at + 1] = spoiled[at + 1], spoiled[at]
            case "late" if spoiled:
                spoiled.append(spoiled.pop(at))
    yield from spoiled


@pytest.mark.slow
@pytest.mark.parametrize("many", [1, levels._MANY])  # new prices that are put in order by sorting
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_in_step_means_equal_to_the_truth(many: int, data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(levels, "_MANY", many)
        in_step_means_equal_to_the_truth(data)


def in_step_means_equal_to_the_truth(data: st.DataObject) -> None:
    events, truth = data.draw(markets())
    book = LocalBook("BTCUSDT", most_waiting=data.draw(st.integers(1, 8)))
    limit = data.draw(st.sampled_from([3, 5000]))
    reached = 0
    told = data.draw(st.composite(lambda draw: list(happenings(draw, events)))())
    most = data.draw(st.sampled_from([1, 4, 25]))  # that come together
    while told:
        some, told = told[:most], told[most:]
        reached = max([reached, *[event.last_update_id for event in some]])
        if most > 1:
            book.diffs(some)
        elif (gap := book.diff(some[0])) is not None:
            assert gap.first_id <= gap.last_id < some[0].first_update_id
        if book.needs_snapshot and data.draw(st.booleans()):
            at = data.draw(st.integers(max(0, reached - 6), reached))
            bids, asks = (sorted(side.items(), key=lambda one: Decimal(one[0])) for side in truth[at])
            book.snapshot(snapshot(at, bids[::-1][:limit], asks[:limit]), limit=limit)
        if book.synced:
            assert book.last_update_id in truth
            bids, asks = (sorted(side.items(), key=lambda one: Decimal(one[0])) for side in truth[book.last_update_id])
            update = book.top()
            assert update.bid_texts == bids[::-1][: len(update.bid_texts)]
            assert update.ask_texts == asks[: len(update.ask_texts)]
            assert book.best() == (bids[-1] if bids else None, asks[0] if asks else None)
            if limit == 5000:
                assert (len(update.bid_texts), len(update.ask_texts)) == (len(bids), len(asks))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_without_faults_it_is_in_step_from_the_first_snapshot_on(data: st.DataObject) -> None:
    events, truth = data.draw(markets())
    book, at = LocalBook("BTCUSDT"), data.draw(st.integers(0, len(events) - 1))
    for event in events[: at + 1]:
        assert book.diff(event) is None
    last = data.draw(st.integers(0, events[at].last_update_id))
    assert book.snapshot(snapshot(last, *[list(side.items()) for side in truth[last]]), limit=5000)
    for event in events[at + 1 :]:
        assert book.diff(event) is None
        assert book.synced
    assert book.last_update_id == events[-1].last_update_id
