"""What every venue must answer: the market data contract, with nothing known of the exchange but its symbols and time.

It is asked of the paper exchange (Binance's adapter) and of Coinbox, the worked example of docs/ADAPTERS.md. Add a row
to ``subjects.py`` to ask it of another.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from subjects import SUBJECTS, Subject

import cryptox as cx
from cryptox.model import columns
from cryptox.model.columns import DECIMAL_PRECISION, Kind, Table

MINUTE = 60_000
HOUR = 60 * MINUTE


@pytest.fixture(params=list(SUBJECTS), scope="module")
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    with SUBJECTS[request.param]() as one:
        yield one


@pytest.fixture(scope="module")
def session(subject: Subject) -> Iterator[cx.Session]:
    with subject.connect() as one:
        yield one


def stamps(frame: pd.DataFrame) -> list[int]:
    """Opening times in ms."""
    return [round(stamp.timestamp() * 1000) for stamp in frame.index]


def grid(start_ms: int, end_ms: int) -> list[int]:
    """Minutes that open in [start, end)."""
    return list(range(-(-start_ms // MINUTE) * MINUTE, end_ms, MINUTE))


def newest(subject: Subject, rows: int) -> list[int]:
    """The newest minutes that are over."""
    end = subject.now_ms // MINUTE * MINUTE
    return grid(end - rows * MINUTE, end)


def has_the_form_of(frame: pd.DataFrame, table: Table) -> bool:
    """Columns, order and dtypes of the table, whatever its values are."""
    plain = {Kind.INTEGER: "int64", Kind.FLAG: "bool", Kind.SIDE: "category", Kind.BOOK_SIDE: "category"}
    plain |= dict.fromkeys(DECIMAL_PRECISION, "float64")
    whole = frame if table.index is None else frame.reset_index()
    assert whole.columns.tolist() == list(table.names)
    told = {column.name: str(whole[column.name].dtype) for column in table.columns}
    for column in table.columns:
        if column.kind is Kind.TIME:
            assert told[column.name] == "datetime64[ms, UTC]"
        elif column.kind is not Kind.WORD:
            assert told[column.name] == plain[column.kind], column.name
    return True


# Candles.


def test_candles_have_the_form_of_their_table_and_end_with_a_finished_one(
    session: cx.Session, subject: Subject
) -> None:
    frame = session.klines(subject.symbols[0], "1m", 50)
    assert has_the_form_of(frame, columns.KLINES)
    assert stamps(frame) == newest(subject, 50)
    assert frame.attrs["symbol"] == subject.symbols[0]
    assert pd.Timestamp(frame.attrs["as_of"]).timestamp() * 1000 <= subject.now_ms
    assert (frame.high >= frame[["open", "close"]].max(axis=1)).all()
    assert (frame.low <= frame[["open", "close"]].min(axis=1)).all()
    assert ((frame.close_time - frame.index) == pd.Timedelta(MINUTE - 1, "ms")).all()


def test_the_forming_candle_comes_when_it_is_asked_for(session: cx.Session, subject: Subject) -> None:
    frame = session.klines(subject.symbols[0], "1h", 3, include_unfinished=True)
    now = subject.now_ms // HOUR * HOUR
    assert stamps(frame)[-1] == now


def test_ranges_are_half_open(session: cx.Session, subject: Subject) -> None:
    start, end = subject.now_ms // HOUR * HOUR - 3 * HOUR, subject.now_ms // HOUR * HOUR - HOUR
    name = subject.symbols[0]
    whole = session.klines(name, "1m", start=start, end=end)
    middle = start + 47 * MINUTE
    parts = session.klines(name, "1m", start=start, end=middle), session.klines(name, "1m", start=middle, end=end)
    assert stamps(whole) == grid(start, end)
    pd.testing.assert_frame_equal(pd.concat(parts), whole, check_flags=False)
    assert stamps(session.klines(name, "1m", 7, start=start)) == grid(start, end)[:7]
    assert stamps(session.klines(name, "1m", 7, end=end)) == grid(start, end)[-7:]
    assert session.klines(name, "1m", start=start, end=start).empty


def test_bulk_is_the_same_candles_over_many_pages(session: cx.Session, subject: Subject) -> None:
    name, rows = subject.symbols[0], 2_150
    many = session.klines_bulk(name, "1m", rows)
    assert stamps(many) == newest(subject, rows)
    assert many.attrs["missing"] == [] == many.attrs["gaps"]
    few = session.klines(name, "1m", 20)
    pd.testing.assert_frame_equal(many.tail(20), few, check_flags=False)


def test_longer_candles_are_made_of_shorter_ones(session: cx.Session, subject: Subject) -> None:
    minutes = session.klines_bulk(subject.symbols[0], "1m", 660)
    made = minutes.cx.resample("1h")
    assert len(made) == 11
    told = session.klines(subject.symbols[0], "1h", 20).loc[made.index]
    pd.testing.assert_frame_equal(made, told, check_flags=False)


def test_several_symbols_are_one_long_frame(session: cx.Session, subject: Subject) -> None:
    frame = session.klines_bulk(list(subject.symbols), "1h", 5)
    assert frame.index.names == ["symbol", "open_time"]
    for name in subject.symbols:
        one = session.klines(name, "1h", 5)
        pd.testing.assert_frame_equal(frame.loc[name], one, check_flags=False)


def test_backends_and_exact_numbers_say_the_same(session: cx.Session, subject: Subject) -> None:
    name = subject.symbols[1]
    floats = session.klines(name, "1h", 20)
    other = session.klines(name, "1h", 20, frame="polars")
    exact = session.klines(name, "1h", 20, frame="polars", exact=True)
    for column in columns.KLINES.columns[1:]:
        values = floats[column.name].tolist()
        if column.kind is not Kind.TIME:
            assert other[column.name].to_list() == values
        if column.kind in DECIMAL_PRECISION:
            assert exact.schema[column.name] == pl.Decimal(DECIMAL_PRECISION[column.kind], 8)
            assert [float(one) for one in exact[column.name]] == values
            assert all(isinstance(one, Decimal) for one in exact[column.name])


def test_more_than_a_page_is_refused_with_the_bulk_call(session: cx.Session, subject: Subject) -> None:
    with pytest.raises(cx.errors.ValidationError) as told:
        session.klines(subject.symbols[0], "1m", 100_000)
    assert told.value.suggested is not None
    assert told.value.suggested["call"] == "klines_bulk"


# Trades and books.


def test_trades_are_contiguous_and_oldest_first(session: cx.Session, subject: Subject) -> None:
    frame = session.trades(subject.symbols[0], 60)
    assert has_the_form_of(frame, columns.TRADES)
    ids = frame.id.tolist()
    assert ids == list(range(ids[0], ids[0] + 60))
    assert frame.index.is_monotonic_increasing
    assert stamps(frame)[-1] <= subject.now_ms
    assert set(frame.side) == {"buy", "sell"}
    exact = session.trades(subject.symbols[0], 60, exact=True, frame="polars")
    worth = [price * quantity for price, quantity in zip(exact["price"], exact["quantity"], strict=True)]
    assert exact["quote_quantity"].to_list() == worth


def test_aggregate_trades_go_by_id_and_by_time(session: cx.Session, subject: Subject) -> None:
    name = subject.symbols[0]
    newest = session.agg_trades(name, 40)
    assert has_the_form_of(newest, columns.AGG_TRADES)
    ids = newest.id.tolist()
    assert ids == list(range(ids[0], ids[0] + 40))
    later = session.agg_trades(name, 10, from_id=ids[5])
    pd.testing.assert_frame_equal(later, newest.iloc[5:15], check_flags=False)
    start, end = stamps(newest)[10], stamps(newest)[-1]
    between = session.agg_trades(name, start=start, end=end)
    wanted = [number for number, at in zip(ids, stamps(newest), strict=True) if start <= at < end]
    assert [number for number in between.id if number >= ids[0]] == wanted


def test_bulk_trades_cross_pages_without_a_hole(session: cx.Session, subject: Subject) -> None:
    newest = int(session.agg_trades(subject.symbols[0], 1).id.iloc[-1])
    frame = session.trades_bulk(subject.symbols[0], 1_300, from_id=newest - 2_000)
    assert frame.id.tolist() == list(range(newest - 2_000, newest - 700))


def test_a_book_is_in_order_and_does_not_cross(session: cx.Session, subject: Subject) -> None:
    frame = session.depth(subject.symbols[0], 20)
    assert has_the_form_of(frame, columns.DEPTH)
    bids, asks = frame[frame.side == "bid"], frame[frame.side == "ask"]
    assert len(bids) == len(asks) == 20
    assert frame.side.tolist() == ["bid"] * 20 + ["ask"] * 20
    assert bids.price.is_monotonic_decreasing
    assert asks.price.is_monotonic_increasing
    assert bids.price.iloc[0] < asks.price.iloc[0]
    assert bids.level.tolist() == asks.level.tolist() == list(range(20))
    exact = session.depth(subject.symbols[0], 20, frame="polars", exact=True).filter(pl.col("side") == "bid")
    assert exact["total"].to_list() == exact["quantity"].cum_sum().to_list()
    assert isinstance(frame.attrs["last_update_id"], int)


# Tickers, rules, time.


@pytest.mark.parametrize(
    ("call", "table"),
    [("ticker", columns.TICKER), ("prices", columns.PRICES), ("book_ticker", columns.BOOK_TICKER)],
)
def test_tickers_have_a_row_a_symbol(session: cx.Session, subject: Subject, call: str, table: Table) -> None:
    ask: Any = getattr(session, call)
    assert has_the_form_of(ask(subject.symbols[0]), table)
    assert ask(subject.symbols[0]).index.tolist() == [subject.symbols[0]]
    assert set(ask(list(subject.symbols)).index) == set(subject.symbols)
    assert set(ask().index) >= set(subject.symbols)


def test_the_average_is_a_row(session: cx.Session, subject: Subject) -> None:
    frame = session.avg_price(subject.symbols[0])
    assert has_the_form_of(frame, columns.AVG_PRICE)
    assert frame.price.iloc[0] > 0
    assert frame.minutes.iloc[0] >= 1


def test_rules_are_exact(session: cx.Session, subject: Subject) -> None:
    rules = session.symbol(subject.symbols[1])
    assert rules.symbol == subject.symbols[1] == rules.base + rules.quote
    assert isinstance(rules.tick_size, Decimal)
    assert isinstance(rules.step_size, Decimal)
    assert set(session.symbols().index) >= set(subject.symbols)


def test_the_time_is_the_exchanges(session: cx.Session, subject: Subject) -> None:
    assert round(session.server_time().timestamp() * 1000) == subject.now_ms


# Refusals.


def test_an_unknown_symbol_is_named_with_a_near_one(session: cx.Session, subject: Subject) -> None:
    with pytest.raises(cx.errors.BadSymbol) as told:
        session.klines(subject.near, "1h", 5)
    assert told.value.suggested == {"call": "klines", "symbol": subject.symbols[0], "interval": "1h", "limit": 5}
    assert told.value.context["venue"] == session.venue.name


def test_an_interval_that_it_has_not_is_refused_before_it_is_sent(session: cx.Session, subject: Subject) -> None:
    with pytest.raises(cx.errors.BadInterval):
        session.klines(subject.symbols[0], "7m", 5)


def test_a_front_that_fails_once_is_asked_again(session: cx.Session, subject: Subject) -> None:
    subject.fail(502, 1)
    assert len(session.klines(subject.symbols[0], "1h", 5)) == 5


def test_a_front_that_goes_on_failing_is_a_network_error(subject: Subject) -> None:
    with subject.connect(timeout=0.5) as session:
        session.server_time()
        subject.fail(502, 20)
        with pytest.raises(cx.errors.NetworkError) as told:
            session.klines(subject.symbols[0], "1h", 5)
        assert told.value.retryable
        subject.fail(502, 0)


def test_too_many_requests_stop_everything_until_the_time_given(subject: Subject) -> None:
    with subject.connect(timeout=1) as session:
        session.server_time()
        subject.hurry()
        with pytest.raises(cx.errors.RateLimited) as told:
            session.klines(subject.symbols[0], "1h", 5)
        assert told.value.retry_after is not None
        assert 15 < told.value.retry_after <= 20
        with pytest.raises(cx.errors.RateLimited):
            session.prices(subject.symbols[0])
