"""Bulk answers in SBE against worked examples, the generic codec, the JSON decoders and plain arithmetic."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptox.errors import ExchangeError
from cryptox.model.columns import DECIMAL_PRECISION, Kind
from cryptox.table.batch import DECIMAL, Array, Batch, dtype_of
from cryptox.table.decimals import from_integers, to_integers
from cryptox.venues.binance import columns
from cryptox.venues.binance.sbe import arrays, codec

Read = Callable[..., Batch]
PAIRS: dict[str, tuple[Read, Read]] = {
    "KlinesResponse": (arrays.read_klines, columns.klines),
    "TradesResponse": (arrays.read_trades, columns.trades),
    "AggTradesResponse": (arrays.read_agg_trades, columns.agg_trades),
    "DepthResponse": (arrays.read_depth, columns.depth),
}
WIDE = {"volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume"}  # 128 bits in klines


@pytest.fixture(scope="module")
def vectors(shared: Path) -> dict[str, bytes]:
    found = json.loads((shared / "binance/vectors.json").read_text())["sbe"]
    return {one["name"]: bytes.fromhex(one["hex"]) for one in found if one["name"] in PAIRS}


def same(left: Batch, right: Batch) -> None:
    """Assert equality to the bit."""
    assert left.table is right.table
    assert left.extra == right.extra
    assert left.exact == right.exact
    assert list(left.columns) == list(left.table.names) == list(right.columns)
    for column in left.table.columns:
        ours, theirs = left[column.name], right[column.name]
        assert ours.dtype == theirs.dtype == dtype_of(column.kind, exact=left.exact), column.name
        assert ours.tobytes() == theirs.tobytes(), column.name


def test_vectors_become_columns(vectors: dict[str, bytes]) -> None:
    kline = {name: column.tolist() for name, column in arrays.read_klines(vectors["KlinesResponse"]).columns.items()}
    assert kline == {
        "open_time": [1767225600000],
        "open": [94500.0],
        "high": [94610.0],
        "low": [94450.5],
        "close": [94550.0],
        "volume": [12.3456789],
        "close_time": [1767225659999],
        "quote_volume": [1167283.94037],
        "trades": [308],
        "taker_buy_volume": [6.17283945],
        "taker_buy_quote_volume": [583641.970185],
    }
    trade = arrays.read_trades(vectors["TradesResponse"])
    assert {name: column.tolist() for name, column in trade.columns.items()} == {
        "time": [1767225600123],
        "id": [28457],
        "price": [94500.0],
        "quantity": [0.1],
        "quote_quantity": [9450.0],
        "side": [1],  # the buyer was the maker: the taker sold
        "is_best_match": [True],
    }
    aggregate = arrays.read_agg_trades(vectors["AggTradesResponse"])
    assert [aggregate[name].tolist() for name in ("id", "first_id", "last_id", "side")] == [
        [26129],
        [28457],
        [28459],
        [0],
    ]
    book = arrays.read_depth(vectors["DepthResponse"])
    assert book.extra == {"last_update_id": 1027024}
    assert [book[name].tolist() for name in book.table.names] == [
        [0, 0, 1],
        [0, 1, 0],
        [94500.0, 94499.99, 94500.01],
        [1.5, 0.25, 0.7],
        [1.5, 1.75, 0.7],
    ]


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("name", PAIRS)
def test_vectors_in_json_give_the_same_batch(vectors: dict[str, bytes], name: str, exact: bool) -> None:
    sbe, plain = PAIRS[name]
    text = json.dumps(codec.decode(vectors[name])).encode()
    same(sbe(vectors[name], exact=exact), plain(text, exact=exact))


def test_vectors_are_written_byte_for_byte(vectors: dict[str, bytes]) -> None:
    eight = {"price_exponent": -8, "quantity_exponent": -8}

    def mantissas(batch: Batch, microseconds: int) -> dict[str, Array]:
        times = {c.name for c in batch.table.columns if c.kind is Kind.TIME and c.name != "close_time"}
        return {k: v * 1000 + microseconds if k in times and microseconds else v for k, v in batch.columns.items()}

    klines = arrays.read_klines(vectors["KlinesResponse"], exact=True)
    assert arrays.write_klines(mantissas(klines, 0), **eight) == vectors["KlinesResponse"]
    trades = arrays.read_trades(vectors["TradesResponse"], exact=True)
    assert arrays.write_trades(mantissas(trades, 456), **eight) == vectors["TradesResponse"]
    aggregates = arrays.read_agg_trades(vectors["AggTradesResponse"], exact=True)
    assert arrays.write_agg_trades(mantissas(aggregates, 456), **eight) == vectors["AggTradesResponse"]
    book = arrays.read_depth(vectors["DepthResponse"], exact=True)
    sides = [{name: book[name][book["side"] == side] for name in ("price", "quantity")} for side in (0, 1)]
    written = arrays.write_depth(*sides, last_update_id=1027024, **eight)
    assert written == vectors["DepthResponse"]


EXPONENTS = st.integers(-8, 0)
SMALL = st.integers(0, 2**40)
MANTISSA = st.one_of(SMALL, st.integers(2**53 - 2, 2**53 + 9), st.integers(0, 2**63 - 1))
WIDER = st.one_of(MANTISSA, st.integers(2**63, 2**120))


def columns_of(name: str, data: st.DataObject, rows: int, wide: bool) -> dict[str, list[int]]:
    """Random mantissas, ids and times by our column names."""
    table = PAIRS[name][0](arrays_empty(name)).table
    out: dict[str, list[int]] = {}
    for column in table.columns:
        if column.kind is Kind.TIME:
            values = st.integers(10**14, 2**53)
        elif column.kind is Kind.INTEGER:
            values = st.one_of(st.integers(0, 2**40), st.integers(2**53 - 2, 2**63 - 1))
        elif column.kind in (Kind.SIDE, Kind.FLAG):
            values = st.integers(0, 1)
        else:
            values = WIDER if wide and column.name in WIDE else MANTISSA
        out[column.name] = data.draw(st.lists(values, min_size=rows, max_size=rows))
    return out


def arrays_empty(name: str) -> bytes:
    """An answer without rows."""
    rows = {key: np.zeros(0, np.int64) for key in _NAMES[name]}
    return _written(name, rows, -8, -8)


_NAMES = {
    "KlinesResponse": columns.columns.KLINES.names,
    "TradesResponse": columns.columns.TRADES.names,
    "AggTradesResponse": columns.columns.AGG_TRADES.names,
}
_WRITERS = {
    "KlinesResponse": arrays.write_klines,
    "TradesResponse": arrays.write_trades,
    "AggTradesResponse": arrays.write_agg_trades,
}


def _written(name: str, rows: dict[str, Array], price: int, quantity: int) -> bytes:
    return _WRITERS[name](rows, price_exponent=price, quantity_exponent=quantity)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(_NAMES)), st.integers(0, 4), EXPONENTS, EXPONENTS, st.data())
def test_floats_are_the_nearest_and_json_gives_the_same(
    name: str, rows: int, price: int, quantity: int, data: st.DataObject
) -> None:
    drawn = columns_of(name, data, rows, wide=name == "KlinesResponse")
    wide = WIDE if name == "KlinesResponse" else set()
    columns_in = {
        key: from_wide(values) if key in wide else np.array(values, np.int64) for key, values in drawn.items()
    }
    body = _written(name, columns_in, price, quantity)
    sbe, plain = PAIRS[name]
    batch = sbe(body)
    same(batch, plain(json.dumps(codec.decode(body)).encode()))
    for column in batch.table.columns:
        values = drawn[column.name]
        if column.kind is Kind.TIME:
            assert batch[column.name].tolist() == [value // 1000 for value in values]
        elif column.kind in DECIMAL_PRECISION:
            is_quantity = column.name in ("quantity", "volume", "taker_buy_volume")
            scale = Fraction(10) ** (quantity if is_quantity else price)
            assert batch[column.name].tolist() == [float(value * scale) for value in values], column.name
        else:
            assert batch[column.name].tolist() == values, column.name


def from_wide(values: list[int]) -> Array:
    """128-bit mantissas, up to their full range."""
    return np.array([(value % 2**64, value >> 64) for value in values], DECIMAL)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(_NAMES)), st.integers(0, 4), EXPONENTS, EXPONENTS, st.data())
def test_exact_columns_hold_the_very_numbers(
    name: str, rows: int, price: int, quantity: int, data: st.DataObject
) -> None:
    drawn = columns_of(name, data, rows, wide=False)
    body = _written(name, {key: np.array(values, np.int64) for key, values in drawn.items()}, price, quantity)
    sbe, plain = PAIRS[name]
    expected = {}
    for column in sbe(arrays_empty(name)).table.columns:
        if column.kind in DECIMAL_PRECISION:
            exponent = quantity if column.name in ("quantity", "volume", "taker_buy_volume") else price
            expected[column] = [value * 10 ** (8 + exponent) for value in drawn[column.name]]
    if any(value >= 10 ** DECIMAL_PRECISION[column.kind] for column, values in expected.items() for value in values):
        for read, text in ((sbe, body), (plain, json.dumps(codec.decode(body)).encode())):
            with pytest.raises(ExchangeError, match="too many for an exact column"):
                read(text, exact=True)
        return
    batch = sbe(body, exact=True)
    same(batch, plain(json.dumps(codec.decode(body)).encode(), exact=True))
    for column, values in expected.items():
        assert to_integers(batch[column.name]) == values


LEVELS = st.lists(st.tuples(MANTISSA, MANTISSA), max_size=6)


@settings(max_examples=80, deadline=None)
@given(LEVELS, LEVELS, EXPONENTS, EXPONENTS, st.integers(1, 2**62))
def test_totals_are_summed_exactly_and_json_gives_the_same(
    bids: list[tuple[int, int]], asks: list[tuple[int, int]], price: int, quantity: int, update: int
) -> None:
    sides = [
        {"price": np.array([p for p, _ in side], np.int64), "quantity": np.array([q for _, q in side], np.int64)}
        for side in (bids, asks)
    ]
    body = arrays.write_depth(*sides, last_update_id=update, price_exponent=price, quantity_exponent=quantity)
    batch = arrays.read_depth(body)
    same(batch, columns.depth(json.dumps(codec.decode(body)).encode()))
    totals = [sum(q for _, q in side[: i + 1]) for side in (bids, asks) for i in range(len(side))]
    assert batch["total"].tolist() == [float(total * Fraction(10) ** quantity) for total in totals]
    assert batch["side"].tolist() == [0] * len(bids) + [1] * len(asks)
    assert batch.extra == {"last_update_id": update}


@pytest.mark.parametrize("most", [2**62 - 1, 2**63 - 1])
def test_running_sums_do_not_wrap(most: int) -> None:
    assert arrays.running(np.array([most, most, 1])).tolist() == [most, 2 * most, 2 * most + 1]
    assert arrays.running(np.array([], np.int64)).tolist() == []


def grown(body: bytes, root: int, size: int, more: int) -> bytes:
    """The answer of a newer server: ``more`` bytes after the root block, after each row and at the end."""
    length, template, schema_id, version = struct.unpack_from("<HHHH", body)
    at = 8 + root
    _, count = struct.unpack_from("<HI", body, at)
    rows = [body[at + 6 + i * size : at + 6 + (i + 1) * size] + b"\xfe" * more for i in range(count)]
    head = struct.pack("<HHHH", length + more, template, schema_id, version + 7) + body[8:at] + b"\xfd" * more
    return head + struct.pack("<HI", size + more, count) + b"".join(rows) + b"\xfc" * more


@pytest.mark.parametrize(
    ("name", "root", "size"), [("KlinesResponse", 2, 120), ("TradesResponse", 2, 42), ("AggTradesResponse", 2, 50)]
)
def test_longer_blocks_of_a_newer_server(vectors: dict[str, bytes], name: str, root: int, size: int) -> None:
    read = PAIRS[name][0]
    same(read(grown(vectors[name], root, size, 5)), read(vectors[name]))


def test_shorter_rows_are_refused(vectors: dict[str, bytes]) -> None:
    body = vectors["KlinesResponse"]
    shorter = body[:10] + struct.pack("<HI", 119, 1) + body[16:135]
    with pytest.raises(ExchangeError, match="119 bytes"):
        arrays.read_klines(shorter)


@pytest.mark.parametrize("name", PAIRS)
def test_cut_bodies_are_refused(vectors: dict[str, bytes], name: str) -> None:
    for length in range(len(vectors[name])):
        with pytest.raises(ExchangeError):
            PAIRS[name][0](vectors[name][:length])


@pytest.mark.parametrize("name", PAIRS)
def test_other_messages_and_schemas_are_refused(vectors: dict[str, bytes], name: str) -> None:
    other = vectors["TradesResponse" if name != "TradesResponse" else "KlinesResponse"]
    with pytest.raises(ExchangeError, match=r"SBE template 20[13]"):
        PAIRS[name][0](other)
    foreign = vectors[name][:4] + b"\x02" + vectors[name][5:]
    with pytest.raises(ExchangeError, match="schema 2:5"):
        PAIRS[name][0](foreign)


def test_flags_nulls_and_unfit_numbers_are_refused(vectors: dict[str, bytes]) -> None:
    trades = vectors["TradesResponse"]
    with pytest.raises(ExchangeError, match="neither true nor false"):
        arrays.read_trades(trades[:-1] + b"\x02")
    with pytest.raises(ExchangeError, match="left out"):
        arrays.read_trades(trades[:24] + b"\0" * 7 + b"\x80" + trades[32:])
    klines = vectors["KlinesResponse"]
    with pytest.raises(ExchangeError, match="left out"):
        arrays.read_klines(klines[:56] + b"\0" * 15 + b"\x80" + klines[72:])
    finer = trades[:8] + b"\xf7" + trades[9:24] + struct.pack("<q", 15) + trades[32:]  # 0.000000015
    assert arrays.read_trades(finer)["price"].tolist() == [1.5e-8]
    with pytest.raises(ExchangeError, match="more than 8 decimals"):
        arrays.read_trades(finer, exact=True)


def test_positive_and_extreme_exponents(vectors: dict[str, bytes]) -> None:
    def price(exponent: int, mantissa: int) -> float:
        trades = vectors["TradesResponse"]
        body = trades[:8] + struct.pack("<b", exponent) + trades[9:24] + struct.pack("<q", mantissa) + trades[32:]
        return float(arrays.read_trades(body)["price"][0])

    assert price(3, 7) == 7000.0
    assert price(-25, 123456789) == 123456789e-25
    assert price(-8, 2**53 + 1) == float("90071992.54740993")


def test_an_answer_without_rows(vectors: dict[str, bytes]) -> None:
    for name in _NAMES:
        for exact in (False, True):
            batch = PAIRS[name][0](arrays_empty(name), exact=exact)
            same(batch, Batch.empty(batch.table, exact=exact))
            same(batch, PAIRS[name][1](b"[]", exact=exact))


def test_a_mantissa_that_does_not_fit_is_not_written() -> None:
    rows: dict[str, Any] = {name: np.zeros(1, np.int64) for name in _NAMES["TradesResponse"]}
    rows["price"] = from_integers([2**63])
    with pytest.raises(ValueError, match="price holds a number beyond 64 bits"):
        arrays.write_trades(rows, price_exponent=-8, quantity_exponent=-8)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(PAIRS)), st.data())
def test_damage_is_an_exchange_error_or_harmless(name: str, data: st.DataObject) -> None:
    body = DAMAGED[name]
    damaged = bytearray(body[: data.draw(st.integers(0, len(body)))])
    for _ in range(data.draw(st.integers(0, 3)) if damaged else 0):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    for exact in (False, True):
        try:
            batch = PAIRS[name][0](bytes(damaged), exact=exact)
        except ExchangeError as error:
            assert str(error)  # noqa: PT017  # both ends are fine
        else:
            assert {len(column) for column in batch.columns.values()} == {len(batch)}


_ROWS = {name: {key: np.arange(1, 4) * 10**9 for key in names} for name, names in _NAMES.items()}
for _name in ("TradesResponse", "AggTradesResponse"):
    _ROWS[_name]["side"] = _ROWS[_name]["is_best_match"] = np.array([0, 1, 0])
DAMAGED = {name: _written(name, rows, -8, -5) for name, rows in _ROWS.items()}
_SIDE = {"price": np.arange(1, 4) * 10**9, "quantity": np.arange(1, 4) * 10**5}
DAMAGED["DepthResponse"] = arrays.write_depth(_SIDE, _SIDE, last_update_id=7, price_exponent=-8, quantity_exponent=-5)


@pytest.mark.parametrize(("price", "quantity"), [(-8, -8), (-2, 0)])
def test_totals_beyond_64_bits_are_the_nearest_floats_or_refused(price: int, quantity: int) -> None:
    most = 2**63 - 1
    side = {"price": np.array([5, 4, 3], np.int64), "quantity": np.array([most, most, 1], np.int64)}
    body = arrays.write_depth(side, side, last_update_id=9, price_exponent=price, quantity_exponent=quantity)
    text = json.dumps(codec.decode(body)).encode()
    for batch in (arrays.read_depth(body), columns.depth(text)):
        totals = [float(total * Fraction(10) ** quantity) for total in (most, 2 * most, 2 * most + 1)]
        assert batch["total"].tolist() == totals * 2
    for read, answer in ((arrays.read_depth, body), (columns.depth, text)):
        if quantity == -8:
            assert to_integers(read(answer, exact=True)["total"]) == [most, 2 * most, 2 * most + 1] * 2
        else:
            with pytest.raises(ExchangeError, match="too many for an exact column"):
                read(answer, exact=True)
