"""Bulk answers in JSON against recorded payloads, read a second time by the standard library alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptox.errors import ExchangeError
from cryptox.model.columns import AGG_TRADES, DECIMAL_PRECISION, DEPTH, KLINES, TABLES, TRADES, Table
from cryptox.table.batch import Batch, dtype_of
from cryptox.table.decimals import to_decimals
from cryptox.venues.binance import columns

Read = Callable[..., Batch]

# Our column -> place in Binance's row, written down from the documentation (shared/binance/rest.md).
KLINE_PLACES: dict[str, int | str] = {name: place for place, name in enumerate(KLINES.names)}
TRADE_PLACES: dict[str, int | str] = {
    "time": "time",
    "id": "id",
    "price": "price",
    "quantity": "qty",
    "quote_quantity": "quoteQty",
    "side": "isBuyerMaker",
    "is_best_match": "isBestMatch",
}
AGGREGATE_PLACES: dict[str, int | str] = {
    "time": "T",
    "id": "a",
    "price": "p",
    "quantity": "q",
    "first_id": "f",
    "last_id": "l",
    "side": "m",
    "is_best_match": "M",
}
RECORDED: list[tuple[str, Read, Table, dict[str, int | str]]] = [
    ("klines", columns.klines, KLINES, KLINE_PLACES),
    ("trades", columns.trades, TRADES, TRADE_PLACES),
    ("historical_trades", columns.trades, TRADES, TRADE_PLACES),
    ("agg_trades", columns.agg_trades, AGG_TRADES, AGGREGATE_PLACES),
]


def payload(shared: Path, name: str) -> bytes:
    """A reply of October 2021: shared/data/README.md, nautilus/http_responses."""
    return (shared / f"data/nautilus/http_responses/http_spot_market_{name}.json").read_bytes()


def compact(body: bytes) -> bytes:
    return json.dumps(json.loads(body), separators=(",", ":")).encode()


def books(shared: Path) -> list[bytes]:
    """Replies to ``depth?limit=1000`` of October 2021: shared/data/README.md, cryptofeed."""
    lines = (shared / "data/cryptofeed/BINANCE.http.0.0").read_text().splitlines()
    return [line.partition(" -> ")[2].partition(": ")[2].encode() for line in lines if "/api/v3/depth" in line]


@pytest.mark.parametrize("squeeze", [False, True], ids=["as recorded", "compact"])
@pytest.mark.parametrize(("name", "read", "table", "places"), RECORDED, ids=[one[0] for one in RECORDED])
def test_recorded_answers_become_columns(
    shared: Path, name: str, read: Read, table: Table, places: dict[str, int | str], squeeze: bool
) -> None:
    body = payload(shared, name)
    rows: list[Any] = json.loads(body)
    assert len(rows) >= 3
    body = compact(body) if squeeze else body
    batch, exact = read(body), read(body, exact=True)
    assert batch.table is table
    assert tuple(batch.columns) == table.names
    for column in table.columns:
        told = [row[places[column.name]] for row in rows]
        assert batch[column.name].dtype == dtype_of(column.kind, exact=False)
        assert exact[column.name].dtype == dtype_of(column.kind, exact=True)
        if column.kind in DECIMAL_PRECISION:
            assert batch[column.name].tolist() == [float(text) for text in told]
            assert to_decimals(exact[column.name]) == [Decimal(text) for text in told]
        else:
            assert batch[column.name].tolist() == told == exact[column.name].tolist()


def test_recorded_books_become_columns(shared: Path) -> None:
    found = [payload(shared, "depth"), *books(shared)]
    assert len(found) == 5
    for body in found:
        book = json.loads(body)
        batch, exact = columns.depth(body), columns.depth(body, exact=True)
        assert batch.extra == exact.extra == {"last_update_id": book["lastUpdateId"]}
        levels = book["bids"] + book["asks"]
        assert batch["side"].tolist() == [0] * len(book["bids"]) + [1] * len(book["asks"])
        assert batch["level"].tolist() == [*range(len(book["bids"])), *range(len(book["asks"]))]
        assert batch["price"].tolist() == [float(price) for price, _ in levels]
        assert batch["quantity"].tolist() == [float(quantity) for _, quantity in levels]
        totals = []
        for side in ("bids", "asks"):
            total = Decimal(0)
            for _, quantity in book[side]:
                total += Decimal(quantity)
                totals.append(total)
        assert batch["total"].tolist() == [float(total) for total in totals]
        assert to_decimals(exact["total"]) == totals
        assert to_decimals(exact["price"]) == [Decimal(price) for price, _ in levels]


def test_totals_of_quantities_with_unlike_decimals() -> None:
    body = b'{"lastUpdateId":5,"bids":[["3","1.5"],["2","2"],["1","0.25"]],"asks":[]}'
    assert columns.depth(body)["total"].tolist() == [1.5, 3.5, 3.75]
    assert to_decimals(columns.depth(body, exact=True)["total"]) == [Decimal("1.5"), Decimal("3.5"), Decimal("3.75")]


def test_an_empty_book_keeps_its_columns() -> None:
    batch = columns.depth(b'{"lastUpdateId":5,"bids":[],"asks":[]}')
    assert {name: (len(column), column.dtype) for name, column in batch.columns.items()} == {
        column.name: (0, dtype_of(column.kind, exact=False)) for column in DEPTH.columns
    }


ROW = [1634943780000, "1.5", "2", "0.5", "1.25", "10.125", 1634943839999, "15.5", 3, "5", "7.5", "0"]


def klines(*rows: list[Any]) -> bytes:
    return json.dumps(list(rows)).encode()


DIGITS = st.integers(0, 10**25).map(str)
PLAIN = st.one_of(
    DIGITS, st.builds("{}.{}".format, DIGITS, DIGITS), st.integers(0, 10**19).map(lambda n: f"{n / 1e8:.8f}")
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(PLAIN, min_size=8, max_size=8), min_size=1, max_size=4))
def test_floats_of_any_plain_text_are_those_of_float(texts: list[list[str]]) -> None:
    rows = []
    for one in texts:
        row = list(ROW)
        row[1:6], row[7], row[9:11] = one[:5], one[5], one[6:8]
        rows.append(row)
    batch = columns.klines(klines(*rows))
    for place, name in enumerate(KLINES.names):
        if KLINES[name].kind in DECIMAL_PRECISION:
            assert batch[name].tolist() == [float(row[place]) for row in rows], name


@pytest.mark.parametrize("number", [2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1])
def test_integers_beyond_floats_stay_exact(number: int) -> None:
    row = [*ROW[:8], number, *ROW[9:]]
    batch = columns.klines(klines(ROW, row))
    assert batch["trades"].tolist() == [3, number]
    assert batch["open"].tolist() == [1.5, 1.5]
    trade = {"id": number, "price": "1", "qty": "1", "quoteQty": "1", "time": 1634943780000}
    flags = {"isBuyerMaker": False, "isBestMatch": True}
    assert columns.trades(json.dumps([{**trade, **flags}]).encode())["id"].tolist() == [number]


@pytest.mark.parametrize("exact", [False, True])
def test_microseconds_are_cut(exact: bool) -> None:
    row = [1634943780000999, *ROW[1:6], 1634943839999999, *ROW[7:]]
    batch = columns.klines(klines(row, ROW), exact=exact)
    assert batch["open_time"].tolist() == [1634943780000, 1634943780000]
    assert batch["close_time"].tolist() == [1634943839999, 1634943839999]
    trade = {"a": 1, "p": "1", "q": "1", "f": 1, "l": 1, "T": 1634943780000999, "m": True, "M": True}
    assert columns.agg_trades(json.dumps([trade]).encode(), exact=exact)["time"].tolist() == [1634943780000]


def test_more_than_eight_decimals_are_fine_for_floats_only() -> None:
    body = klines([*ROW[:4], "1.123456789", *ROW[5:]])
    assert columns.klines(body)["close"].tolist() == [1.123456789]
    with pytest.raises(ExchangeError, match="more than 8 decimals"):
        columns.klines(body, exact=True)
    with pytest.raises(ExchangeError, match="more than 18 digits"):
        columns.klines(klines([*ROW[:4], "12345678901.0", *ROW[5:]]), exact=True)


BAD_ROWS: dict[str, list[Any]] = {
    "eleven fields": ROW[:11],
    "thirteen fields": [*ROW, "0"],
    "null": [*ROW[:1], None, *ROW[2:]],
    "number instead of text": [*ROW[:1], 1.5, *ROW[2:]],
    "text instead of number": [*map(str, ROW)],
    "nested": [*ROW[:11], ["0"]],
    "exponent": [*ROW[:1], "1e5", *ROW[2:]],
    "nan": [*ROW[:1], "NaN", *ROW[2:]],
    "infinite": [*ROW[:1], "Infinity", *ROW[2:]],
    "underscore": [*ROW[:1], "1_0", *ROW[2:]],
    "two points": [*ROW[:1], "1.2.3", *ROW[2:]],
    "empty": [*ROW[:1], "", *ROW[2:]],
    "two signs": [*ROW[:1], "--1", *ROW[2:]],
    "blank within": [*ROW[:1], "1 2", *ROW[2:]],
    "comma within": [*ROW[:1], "1,2", *ROW[2:]],
    "time with a fraction": [1634943780000.5, *ROW[1:]],
    "beyond 64 bits": [*ROW[:8], 2**63, *ROW[9:]],
    "beyond floats": [*ROW[:1], "9" * 400, *ROW[2:]],
}


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("why", BAD_ROWS)
def test_rows_that_are_no_klines_are_refused(why: str, exact: bool) -> None:
    with pytest.raises(ExchangeError) as caught:
        columns.klines(klines(ROW, BAD_ROWS[why], ROW), exact=exact)
    assert len(str(caught.value)) < 300


TRADE = '{"id":1,"price":"1","qty":"1","quoteQty":"1","time":1634943780000,"isBuyerMaker":true,"isBestMatch":true}'
AGGREGATE = '{"a":1,"p":"1","q":"1","f":1,"l":1,"T":1634943780000,"m":true,"M":true}'
BOOK = '{"lastUpdateId":5,"bids":[["1.5","2"]],"asks":[["1.6","3"]]}'


def changed(text: str, old: str, new: str) -> str:
    """A list of one row, with a part of it replaced."""
    assert old in text
    return f"[{text.replace(old, new)}]"


GOOD: list[tuple[Read, str]] = [
    (columns.klines, klines(ROW, ROW).decode()),
    (columns.trades, f"[{TRADE}]"),
    (columns.agg_trades, f"[{AGGREGATE}]"),
    (columns.depth, BOOK),
]


@pytest.mark.parametrize(
    ("read", "body"),
    [
        *((read, "{}") for read, _ in GOOD),
        *((read, "[1]") for read, _ in GOOD),
        *((read, "null") for read, _ in GOOD),
        *((read, "") for read, _ in GOOD),
        *((read, '{"code":-1121,"msg":"Invalid symbol."}') for read, _ in GOOD),
        (columns.trades, changed(TRADE, "1634943780000", "null")),
        (columns.trades, changed(TRADE, '"price":"1"', '"price":1.5')),
        (columns.trades, changed(TRADE, '"price":"1"', '"price":"1e3"')),
        (columns.trades, changed(TRADE, '"price":"1"', '"price":"nan"')),
        (columns.trades, changed(TRADE, '"price":"1"', '"price":"1_0"')),
        (columns.trades, changed(TRADE, '"price":"1"', '"price":" 1"')),
        (columns.trades, changed(TRADE, '"isBestMatch":true', '"isBestMatch":1')),
        (columns.trades, changed(TRADE, '"id":1', '"id":18446744073709551616')),
        (columns.trades, changed(TRADE, '"id":1', '"id":"1"')),
        (columns.agg_trades, changed(AGGREGATE, '"l":1,', "")),
        (columns.depth, BOOK.replace('"1.5","2"', '"1.5"')),
        (columns.depth, BOOK.replace('"1.5","2"', '"1.5","2","3"')),
        (columns.depth, BOOK.replace('"2"', '"2e3"')),
        (columns.depth, BOOK.replace('"2"', '"2-3"')),
        (columns.depth, BOOK.replace('"2"', '"1_0"')),
        (columns.depth, BOOK.replace('"2"', '" 2"')),
        (columns.depth, BOOK.replace('"2"', '""')),
        (columns.depth, BOOK.replace('"1.5"', '"x"')),
    ],
)
def test_other_bodies_are_refused(read: Read, body: str) -> None:
    for exact in (False, True):
        with pytest.raises(ExchangeError):
            read(body.encode(), exact=exact)


def test_an_error_shows_the_beginning_of_the_body_only() -> None:
    with pytest.raises(ExchangeError, match="Invalid symbol") as caught:
        columns.klines(b'{"code":-1121,"msg":"Invalid symbol."}' + b" " * 10_000)
    assert len(str(caught.value)) < 200
    assert columns.excerpt(b"a\n  b" + b"c" * 500, 5) == "'a bcc...'"
    assert columns.excerpt(b"\xff") == "'\ufffd'"
    assert columns.excerpt(b"") == "nothing"


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(GOOD), st.data())
def test_damage_is_an_exchange_error_or_harmless(good: tuple[Read, str], data: st.DataObject) -> None:
    read, body = good
    damaged = bytearray(body.encode()[: data.draw(st.integers(0, len(body)))])
    for _ in range(data.draw(st.integers(0, 3)) if damaged else 0):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    for exact in (False, True):
        try:
            batch = read(bytes(damaged), exact=exact)
        except ExchangeError as error:
            assert str(error)  # noqa: PT017  # both ends are fine
        else:
            assert {len(column) for column in batch.columns.values()} == {len(batch)}


def test_truncation_anywhere_is_noticed() -> None:
    for read, body in GOOD:
        for length in range(len(body)):
            with pytest.raises(ExchangeError):
                read(body[:length].encode())


def test_unknown_fields_of_a_newer_server_are_skipped() -> None:
    body = f'[{TRADE[:-1]},"novel":[1,{{}}]}}]'.encode()
    assert columns.trades(body)["price"].tolist() == [1.0]


@pytest.mark.parametrize("name", ["klines", "trades", "agg_trades", "depth"])
def test_every_table_here_is_one_of_the_model(name: str) -> None:
    read, body = next(one for one in GOOD if one[0].__name__ == name)
    assert read(body.encode()).table is TABLES[name]
    assert np.isfinite(read(body.encode())["price" if name != "klines" else "open"]).all()
