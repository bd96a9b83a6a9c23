"""Every call of the market data contract, against what the exchange's JSON says when read with the standard library."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pytest

import cryptox as cx

HOUR = 3_600_000
ODD = "这是测试币456USDT"
SYMBOLS = ["PEPEUSDT", "BTCUSDT", ODD, "1INCHUSDT"]
DECIMALS = {"price": (18, 8), "quantity": (19, 8), "volume": (38, 8)}

# Columns and kinds as the public page of the contract states them; the first is the index where there is one.
KLINES = "open_time:time open:price high:price low:price close:price volume:volume close_time:time " + (
    "quote_volume:volume trades:int taker_buy_volume:volume taker_buy_quote_volume:volume"
)
TRADES = "time:time id:int price:price quantity:quantity quote_quantity:volume side:side is_best_match:flag"
AGG = "time:time id:int price:price quantity:quantity first_id:int last_id:int side:side is_best_match:flag"
DEPTH = "side:book level:int price:price quantity:quantity total:volume"
TICKER = (
    "symbol:word price_change:price price_change_percent:price weighted_avg_price:price prev_close:price last:price "
    "last_quantity:quantity bid:price bid_quantity:quantity ask:price ask_quantity:quantity open:price high:price "
    "low:price volume:volume quote_volume:volume open_time:time close_time:time first_id:int last_id:int trades:int"
)
TICKER_FIELDS = (
    "symbol priceChange priceChangePercent weightedAvgPrice prevClosePrice lastPrice lastQty bidPrice bidQty askPrice "
    "askQty openPrice highPrice lowPrice volume quoteVolume openTime closeTime firstId lastId count"
)
PRICES = "symbol:word price:price"
BOOKS = "symbol:word bid:price bid_quantity:quantity ask:price ask_quantity:quantity"
AVERAGE = "symbol:word price:price minutes:int close_time:time"
RULES = (
    "symbol:word base:word quote:word status:word tick_size:price step_size:quantity min_quantity:quantity "
    "max_quantity:quantity min_notional:volume order_types:word"
)


class Call(NamedTuple):
    """One call, the table it must give, and how to read the same from the exchange's own text."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    columns: str
    expected: Callable[[Any], list[list[Any]]]
    attrs: dict[str, Any]


def candles(plain: Any, symbol: str, interval: str, start: int, end: int) -> list[list[Any]]:
    return [row[:11] for row in plain.candles(symbol, interval, start, end)]


def taker(buyer_is_maker: bool) -> str:
    return "sell" if buyer_is_maker else "buy"


def trades(rows: list[dict[str, Any]]) -> list[list[Any]]:
    return [
        [row["time"], row["id"], row["price"], row["qty"], row["quoteQty"], taker(row["isBuyerMaker"]), True]
        for row in rows
        if row["isBestMatch"] is True
    ]


def aggregates(rows: list[dict[str, Any]]) -> list[list[Any]]:
    return [[r["T"], r["a"], r["p"], r["q"], r["f"], r["l"], taker(r["m"]), r["M"]] for r in rows]


def levels(book: dict[str, Any]) -> list[list[Any]]:
    rows = []
    for side in ("bid", "ask"):
        found = book[side + "s"]
        totals = accumulate(Decimal(quantity) for _, quantity in found)
        rows += [[side, at, *pair, str(total)] for at, (pair, total) in enumerate(zip(found, totals, strict=True))]
    return rows


def named(rows: Any, fields: str, order: list[str]) -> list[list[Any]]:
    by_symbol = {row["symbol"]: row for row in (rows if isinstance(rows, list) else [rows])}
    return [[by_symbol[symbol].get(field) for field in fields.split()] for symbol in order]


def rules(info: dict[str, Any]) -> list[list[Any]]:
    found = []
    for one in info["symbols"]:
        by_name = {rule["filterType"]: rule for rule in one["filters"]}
        lot = by_name["LOT_SIZE"]
        found.append(
            [
                *(one[name] for name in ("symbol", "baseAsset", "quoteAsset", "status")),
                by_name["PRICE_FILTER"]["tickSize"],
                *(lot[name] for name in ("stepSize", "minQty", "maxQty")),
                by_name["NOTIONAL"]["minNotional"],
                " ".join(one["orderTypes"]),
            ]
        )
    return found


def average(plain: Any) -> list[list[Any]]:
    row = plain("avgPrice", symbol="BTCUSDT")
    return [["BTCUSDT", row["price"], row["mins"], row["closeTime"]]]


def all_symbols(plain: Any) -> list[str]:
    return [row["symbol"] for row in plain("ticker/price")]


DAY_24 = "ticker/24hr"
NOON = 1_780_315_200_000  # 2026-06-01 12:00, the start of the hour that is forming
BULK = {"missing": [], "gaps": []}
CALLS = [
    Call("klines", ("btc/usdt", "1h", 30), {}, KLINES, lambda p: candles(p, "BTCUSDT", "1h", NOON - 30 * HOUR, NOON),
         {"symbol": "BTCUSDT", "interval": "1h"}),
    Call("klines", (ODD, "1M"), {}, KLINES, lambda p: candles(p, ODD, "1M", 0, NOON - 12 * HOUR),
         {"symbol": ODD, "interval": "1M"}),
    Call("klines", ("PEPEUSDT", "1m"), {"start": "2024-01-01", "end": "2024-01-01 02:30"}, KLINES,
         lambda p: candles(p, "PEPEUSDT", "1m", 1_704_067_200_000, 1_704_067_200_000 + 5 * HOUR // 2),
         {"symbol": "PEPEUSDT", "interval": "1m"}),
    Call("klines_bulk", ("1INCHUSDT", "15m", 1234), {}, KLINES,
         lambda p: candles(p, "1INCHUSDT", "15m", NOON - 1234 * HOUR // 4, NOON), {"interval": "15m", **BULK}),
    Call("trades", ("BTCUSDT", 40), {}, TRADES, lambda p: trades(p("trades", symbol="BTCUSDT", limit=40)),
         {"symbol": "BTCUSDT"}),
    Call("trades", (ODD,), {}, TRADES, lambda p: trades(p("trades", symbol=ODD)), {"symbol": ODD}),
    Call("agg_trades", ("PEPEUSDT",), {}, AGG, lambda p: aggregates(p("aggTrades", symbol="PEPEUSDT")), {}),
    Call("agg_trades", ("BTCUSDT", 7), {"start": "2024-01-01", "end": "2024-01-01 00:05"}, AGG,
         lambda p: aggregates(p("aggTrades", symbol="BTCUSDT", startTime=1_704_067_200_000, limit=7)), {}),
    Call("agg_trades", ("BTCUSDT", 5), {"from_id": 1000}, AGG,
         lambda p: aggregates(p("aggTrades", symbol="BTCUSDT", fromId=1000, limit=5)), {}),
    Call("trades_bulk", ("ADAUSDT", 2100), {"from_id": 5000}, AGG,
         lambda p: aggregates(p.agg_trades("ADAUSDT", 5000, 7099)), BULK),
    Call("depth", ("BTCUSDT", 17), {}, DEPTH, lambda p: levels(p("depth", symbol="BTCUSDT", limit=17)), {}),
    Call("depth", ("PEPEUSDT", 700), {}, DEPTH, lambda p: levels(p("depth", symbol="PEPEUSDT", limit=700)), {}),
    Call("ticker", ("BTCUSDT",), {}, TICKER,
         lambda p: named(p(DAY_24, symbol="BTCUSDT"), TICKER_FIELDS, ["BTCUSDT"]), {"window": "24h"}),
    Call("ticker", (SYMBOLS,), {}, TICKER, lambda p: named(p(DAY_24, symbols=SYMBOLS), TICKER_FIELDS, SYMBOLS), {}),
    Call("ticker", (), {}, TICKER, lambda p: named(p(DAY_24), TICKER_FIELDS, [r["symbol"] for r in p(DAY_24)]), {}),
    Call("ticker", (["ETHUSDT", ODD], "7d"), {}, TICKER,
         lambda p: named(p("ticker", symbols=["ETHUSDT", ODD], windowSize="7d"), TICKER_FIELDS, ["ETHUSDT", ODD]),
         {"window": "7d"}),
    Call("prices", ("PEPEUSDT",), {}, PRICES,
         lambda p: named(p("ticker/price", symbol="PEPEUSDT"), "symbol price", ["PEPEUSDT"]), {}),
    Call("prices", (SYMBOLS,), {}, PRICES,
         lambda p: named(p("ticker/price", symbols=SYMBOLS), "symbol price", SYMBOLS), {}),
    Call("prices", (), {}, PRICES, lambda p: named(p("ticker/price"), "symbol price", all_symbols(p)), {}),
    Call("book_ticker", (ODD,), {}, BOOKS,
         lambda p: named(p("ticker/bookTicker", symbol=ODD), "symbol bidPrice bidQty askPrice askQty", [ODD]), {}),
    Call("book_ticker", (), {}, BOOKS,
         lambda p: named(p("ticker/bookTicker"), "symbol bidPrice bidQty askPrice askQty",
                         [r["symbol"] for r in p("ticker/bookTicker")]), {}),
    Call("avg_price", ("BTCUSDT",), {}, AVERAGE, average, {"symbol": "BTCUSDT"}),
    Call("symbols", (), {}, RULES, lambda p: [row for row in rules(p("exchangeInfo")) if row[3] == "TRADING"], {}),
    Call("symbols", (None,), {}, RULES, lambda p: rules(p("exchangeInfo")), {}),
]  # fmt: skip
IDS = [f"{call.name}-{at}" for at, call in enumerate(CALLS)]


def parsed(columns: str) -> list[tuple[str, str]]:
    return [(name, kind) for name, _, kind in (one.partition(":") for one in columns.split())]


def as_value(text: Any, kind: str, exact: bool) -> Any:
    if text is None or kind in ("time", "int", "side", "book", "word", "flag"):
        return text
    return Decimal(text) if exact else float(text)


def wanted(call: Call, plain: Any, *, exact: bool) -> dict[str, list[Any]]:
    """Columns from the exchange's own text: what Python's float or Decimal makes of it."""
    rows = call.expected(plain)
    assert rows
    return {
        name: [as_value(row[at], kind, exact) for row in rows] for at, (name, kind) in enumerate(parsed(call.columns))
    }


def columns_of(frame: Any) -> dict[str, list[Any]]:
    """Columns of any backend as Python values, times as ms, nothing as None."""
    if isinstance(frame, pd.DataFrame):
        flat = frame.reset_index() if frame.index.names != [None] else frame
        return {name: values_of(flat[name]) for name in flat.columns}
    if isinstance(frame, pl.DataFrame):
        times = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime)]
        return frame.with_columns(pl.col(name).to_physical() for name in times).to_dict(as_series=False)
    import pyarrow as pa

    found = {}
    for field in frame.schema:
        column = frame[field.name]
        found[field.name] = (column.cast(pa.int64()) if pa.types.is_timestamp(field.type) else column).to_pylist()
    return found


def values_of(series: pd.Series) -> list[Any]:
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        return pd.DatetimeIndex(series).asi8.tolist()
    if isinstance(series.dtype, pd.ArrowDtype):
        return series.array.__arrow_array__().to_pylist()
    return [None if isinstance(value, float) and np.isnan(value) else value for value in series.tolist()]


def pandas_dtype(kind: str, exact: bool) -> str:
    if exact and kind in DECIMALS:
        return "decimal128({}, {})[pyarrow]".format(*DECIMALS[kind])
    words = {"time": "datetime64[ms, UTC]", "int": "int64", "flag": "bool", "side": "category", "book": "category"}
    text = "str" if pd.__version__ >= "3" else "object"
    return words.get(kind, text if kind == "word" else "float64")


def polars_dtype(kind: str, exact: bool) -> Any:
    if exact and kind in DECIMALS:
        return pl.Decimal(*DECIMALS[kind])
    known = {"time": pl.Datetime("ms", "UTC"), "int": pl.Int64, "flag": pl.Boolean, "word": pl.String}
    enums = {"side": pl.Enum(["buy", "sell"]), "book": pl.Enum(["bid", "ask"])}
    return {**known, **enums}.get(kind, pl.Float64)


def check_pandas(frame: pd.DataFrame, call: Call, exact: bool) -> None:
    names = [name for name, _ in parsed(call.columns)]
    index = None if call.columns is DEPTH else names[0]
    assert frame.index.name == index
    columns = [name for name in names if name != index]
    assert list(frame.columns)[: len(columns)] == columns
    assert call.columns is RULES or len(frame.columns) == len(columns)
    flat = frame if index is None else frame.reset_index()
    for name, kind in parsed(call.columns):
        assert str(flat[name].dtype) == pandas_dtype(kind, exact), name
    for name, words in (("side", ["bid", "ask"] if call.columns is DEPTH else ["buy", "sell"]),):
        if name in flat:
            assert flat[name].cat.categories.tolist() == words


def check_polars(frame: pl.DataFrame, call: Call, exact: bool) -> None:
    kinds = parsed(call.columns)
    assert frame.columns[: len(kinds)] == [name for name, _ in kinds]
    for name, kind in kinds:
        # Percents are no prices: they keep a precision of their own.
        if not (exact and name == "price_change_percent"):
            assert frame.schema[name] == polars_dtype(kind, exact), name


@pytest.mark.parametrize("call", CALLS, ids=IDS)
def test_frames_say_what_the_exchanges_text_says(call: Call, connected: Any, plain: Any) -> None:
    expected = wanted(call, plain, exact=False)
    with connected() as session:
        frame = getattr(session, call.name)(*call.args, **call.kwargs)
        found = columns_of(frame)
        for name, column in expected.items():
            assert found[name] == column, name
        check_pandas(frame, call, exact=False)
        for name, value in {"venue": session.venue.name, "source": "rest", **call.attrs}.items():
            assert frame.attrs[name] == value, name
        assert pd.Timestamp(frame.attrs["as_of"]) == pd.Timestamp("2026-06-01 12:00:30Z")


@pytest.mark.parametrize("call", CALLS, ids=IDS)
def test_both_encodings_all_backends_and_decimals_agree(call: Call, exchange: cx.PaperExchange, plain: Any) -> None:
    expected = {exact: wanted(call, plain, exact=exact) for exact in (False, True)}
    for exact in (False, True):
        for backend in ("pandas", "polars", "arrow"):
            frames = {}
            for encoding in ("json", "sbe", "auto"):
                with cx.connect(exchange, encoding=encoding, frame=backend, exact=exact) as session:
                    frames[encoding] = getattr(session, call.name)(*call.args, **call.kwargs)
            assert columns_of(frames["json"]).keys() >= expected[exact].keys()
            for encoding, frame in frames.items():
                found = columns_of(frame)
                assert {name: found[name] for name in expected[exact]} == expected[exact], (encoding, backend)
                assert cx.attrs(frame) == cx.attrs(frames["json"])
            same(frames["json"], frames["sbe"])
            same(frames["json"], frames["auto"])


def same(left: Any, right: Any) -> None:
    if isinstance(left, pd.DataFrame):
        pd.testing.assert_frame_equal(left, right, check_exact=True)
    else:
        assert left.equals(right)
        assert left.schema == right.schema


@pytest.mark.parametrize("call", CALLS, ids=IDS)
def test_dtypes_of_decimals_and_of_polars(call: Call, exchange: cx.PaperExchange) -> None:
    with cx.connect(exchange) as session:
        method = getattr(session, call.name)
        for exact in (False, True):
            check_polars(method(*call.args, **call.kwargs, frame="polars", exact=exact), call, exact)
        frame = method(*call.args, **call.kwargs, exact=True)
        for name, kind in parsed(call.columns):
            if kind in DECIMALS and name != "price_change_percent":
                assert str(frame[name].dtype).startswith("decimal128({}, {})".format(*DECIMALS[kind])), name


def test_the_asynchronous_face_gives_the_same(connected: Any) -> None:
    async def ask() -> list[Any]:
        async with connected(cx.aio) as session:
            return [await getattr(session, call.name)(*call.args, **call.kwargs) for call in CALLS]

    with connected() as session:
        for call, frame in zip(CALLS, asyncio.run(ask()), strict=True):
            blocking = getattr(session, call.name)(*call.args, **call.kwargs)
            pd.testing.assert_frame_equal(frame, blocking, check_exact=True)
            assert frame.attrs == blocking.attrs


EMPTY = [
    ("klines", ("BTCUSDT", "1h"), {"start": "2024-01-01", "end": "2024-01-01"}, KLINES),
    ("klines", ("AURAUSDT", "1h"), {"start": "2024-01-01", "end": "2024-01-02"}, KLINES),
    ("klines_bulk", ("BTCUSDT", "1h"), {"start": "2024-01-01", "end": "2024-01-01"}, KLINES),
    ("klines_bulk", ("AURAUSDT", "1s", 5), {"end": "2020-01-01"}, KLINES),
    ("agg_trades", ("BTCUSDT",), {"start": "2024-01-01", "end": "2024-01-01"}, AGG),
    ("trades_bulk", ("AURAUSDT",), {"start": "2024-01-01", "end": "2024-01-02"}, AGG),
    ("symbols", ("HALT",), {}, RULES),
]


@pytest.mark.parametrize(("name", "args", "kwargs", "columns"), EMPTY)
@pytest.mark.parametrize("exact", [False, True])
def test_no_rows_give_an_empty_frame_of_the_same_kind(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], columns: str, exact: bool, exchange: cx.PaperExchange
) -> None:
    call = Call(name, args, kwargs, columns, lambda _: [], {})
    with cx.connect(exchange, exact=exact) as session:
        frames = {
            backend: getattr(session, name)(*args, **kwargs, frame=backend) for backend in ("pandas", "polars", "arrow")
        }
        other = session.symbols() if name == "symbols" else getattr(session, name)("BTCUSDT", limit=3)
    for frame in frames.values():
        assert len(frame) == 0
        assert cx.attrs(frame)["as_of"]
    check_pandas(frames["pandas"], call, exact)
    check_polars(frames["polars"], call, exact)
    assert frames["pandas"].dtypes.tolist() == other.dtypes.tolist()
    assert frames["pandas"].index.dtype == other.index.dtype
    assert frames["arrow"].schema.names == frames["polars"].columns


def test_several_symbols_are_one_long_frame(connected: Any, plain: Any) -> None:
    names = ["PEPEUSDT", "BTCUSDT", ODD]
    with connected() as session:
        frame = session.klines_bulk(names, "1d", 40)
        assert frame.index.names == ["symbol", "open_time"]
        assert frame.attrs["symbol"] == names
        for name in names:
            rows = candles(plain, name, "1d", NOON - 12 * HOUR - 40 * 24 * HOUR, NOON - 12 * HOUR)
            assert frame.loc[name]["close"].tolist() == [float(row[4]) for row in rows]
        flat = session.klines_bulk(names, "1d", 40, frame="polars")
        assert flat.columns[:2] == ["symbol", "open_time"]
        assert session.klines_bulk(names, "1d", 40, frame="arrow").column_names == flat.columns


def test_records_and_time(connected: Any, plain: Any, now_ms: int) -> None:
    with connected() as session:
        record = session.symbol("1inch-usdt")
        (row,) = rules(plain("exchangeInfo", symbol="1INCHUSDT"))
        found = [record.symbol, record.base, record.quote, record.status]
        assert found == row[:4]
        numbers = [record.tick_size, record.step_size, record.min_quantity, record.max_quantity, record.min_notional]
        assert numbers == [Decimal(text) for text in row[4:9]]
        moment = session.server_time()
        assert moment == pd.Timestamp(now_ms, unit="ms", tz="UTC")
        assert str(moment.tz) == "UTC"


def test_depth_knows_its_update(connected: Any, plain: Any) -> None:
    with connected() as session:
        assert session.depth("BTCUSDT", 5).attrs["last_update_id"] == plain("depth", symbol="BTCUSDT")["lastUpdateId"]


def test_a_symbol_in_the_place_of_a_status_is_noticed(exchange: cx.PaperExchange) -> None:
    with cx.connect(exchange) as session:
        with pytest.raises(cx.errors.ValidationError, match="is a symbol") as caught:
            session.symbols("btcusdt")
        assert caught.value.suggested == {"call": "symbol", "name": "BTCUSDT"}
        assert len(session.symbols("HALT")) == 0
