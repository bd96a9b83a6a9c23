"""Answers read by their content type."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cryptox.errors import ExchangeError
from cryptox.table.batch import Batch
from cryptox.transport.messages import Answer
from cryptox.venues.binance import read
from cryptox.venues.binance.sbe import codec
from cryptox.venues.binance.wire.general import ErrorBody, ExchangeInfo, ServerTime
from cryptox.venues.binance.wire.market import AveragePrice, BookTicker, Price

JSON = "application/json;charset=UTF-8"
SBE = "application/sbe"


def answer(body: bytes, content_type: str = JSON) -> Answer:
    return Answer(200, {"content-type": content_type} if content_type else {}, body, 0.0, 0.0)


@pytest.fixture(scope="module")
def vectors(shared: Path) -> dict[str, bytes]:
    found = json.loads((shared / "binance/vectors.json").read_text())["sbe"]
    return {one["name"]: bytes.fromhex(one["hex"]) for one in found}


@pytest.mark.parametrize(
    ("content_type", "binary"),
    [(SBE, True), ("Application/SBE; v=1", True), (JSON, False), ("text/html", False), ("", False)],
)
def test_encoding_follows_the_content_type(content_type: str, binary: bool) -> None:
    assert read.is_sbe(answer(b"x", content_type)) is binary


TABLES: list[tuple[Callable[..., Batch], str]] = [
    (read.read_klines, "KlinesResponse"),
    (read.read_trades, "TradesResponse"),
    (read.read_agg_trades, "AggTradesResponse"),
    (read.read_depth, "DepthResponse"),
]


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(("reader", "name"), TABLES, ids=[name for _, name in TABLES])
def test_both_encodings_give_the_same_batch(
    vectors: dict[str, bytes], reader: Callable[..., Batch], name: str, exact: bool
) -> None:
    text = json.dumps(codec.decode(vectors[name])).encode()
    sbe, plain = reader(answer(vectors[name], SBE), exact=exact), reader(answer(text), exact=exact)
    assert len(sbe) == len(plain) >= 1
    assert sbe.extra == plain.extra
    for column in sbe.table.names:
        assert sbe[column].tobytes() == plain[column].tobytes(), column


KINDS: list[tuple[Any, str, Any]] = [
    (ServerTime, "ServerTimeResponse", ServerTime(1767225600123)),
    (ErrorBody, "ErrorResponse", None),
    (AveragePrice[float], "AveragePriceResponse", AveragePrice(5, 94500.12, 1767225600123)),
    (list[Price[float]], "PriceTickerResponse", [Price("BTCUSDT", 94500.0), Price("NEWUSDT", 0.0)]),
    (
        list[BookTicker[str]],
        "BookTickerResponse",
        [BookTicker("BTCUSDT", "94500.00000000", "1.50000000", *["0.00000000"] * 2)],
    ),
]


@pytest.mark.parametrize(("kind", "name", "expected"), KINDS, ids=[name for _, name, _ in KINDS])
def test_wire_types_from_both_encodings(vectors: dict[str, bytes], kind: Any, name: str, expected: Any) -> None:
    text = json.dumps(codec.decode(vectors[name])).encode()
    from_sbe = read.read_as(answer(vectors[name], SBE), kind)
    assert from_sbe == read.read_as(answer(text), kind)
    if expected is not None:
        assert from_sbe == expected


def test_exchange_info_in_sbe_lacks_what_sbe_leaves_out(vectors: dict[str, bytes]) -> None:
    info = read.read_as(answer(vectors["ExchangeInfoResponse"], SBE), ExchangeInfo)
    assert info.timezone is msgspec.UNSET
    assert info.sors is msgspec.UNSET
    (symbol,) = info.symbols
    assert (symbol.symbol, symbol.status, symbol.base, symbol.permission_sets) == (
        "BTCUSDT",
        "TRADING",
        "BTC",
        [["SPOT"]],
    )
    assert symbol.opo_allowed is msgspec.UNSET
    assert {one["filterType"]: one.get("tickSize") for one in symbol.filters} == {
        "PRICE_FILTER": "0.01000000",
        "LOT_SIZE": None,
        "NOTIONAL": None,
    }


def test_recorded_exchange_info_and_prices(shared: Path) -> None:
    folder = shared / "data/nautilus/http_responses"
    body = (folder / "http_spot_market_exchange_info.json").read_bytes()
    info = read.read_as(answer(body), ExchangeInfo)
    assert [symbol.symbol for symbol in info.symbols] == [one["symbol"] for one in json.loads(body)["symbols"]]
    body = (folder / "http_spot_market_ticker_price.json").read_bytes()
    told = json.loads(body)
    told = told if isinstance(told, list) else [told]
    kind: Any = list[Price[float]] if body.lstrip()[:1] == b"[" else Price[float]
    got = read.read_as(answer(body), kind)
    assert [one.price for one in (got if isinstance(got, list) else [got])] == [float(one["price"]) for one in told]


@pytest.mark.parametrize(
    ("body", "content_type", "says"),
    [
        (b"", JSON, "empty body"),
        (b"", SBE, "empty body"),
        (b"<html><body>Forbidden</body></html>", "text/html; charset=utf-8", "web page"),
        (b"\n <!DOCTYPE html>", "", "web page"),
        (b"Service unavailable", "text/plain", "not"),
        (b'{"code":-1121,"msg":"Invalid symbol."}', JSON, "not"),
        (b"[[1,2", JSON, "not"),
        (b"\xff\xfe", JSON, "not"),
        (b"[]", SBE, "SBE|cut"),
    ],
)
def test_what_is_no_answer_is_an_exchange_error(body: bytes, content_type: str, says: str) -> None:
    readers: list[Callable[[Answer], Any]] = [
        *(lambda got, reader=reader: reader(got, exact=False) for reader, _ in TABLES),
        lambda got: read.read_as(got, ServerTime),
    ]
    for reader in readers:
        with pytest.raises(ExchangeError, match=says):
            reader(answer(body, content_type))


def test_details_name_status_type_and_excerpt() -> None:
    with pytest.raises(ExchangeError) as caught:
        read.read_as(answer(b'{"price":"x","symbol":"A"}'), Price[float])
    assert "Expected" in str(caught.value)
    assert (
        caught.value.technical_details
        == 'status 200, content type application/json, body \'{"price":"x","symbol":"A"}\''
    )
    with pytest.raises(ExchangeError) as caught:
        read.read_as(answer(codec.encode(102, {"serverTime": 1767225600123}), SBE), Price[float])
    assert "body 0800660003000500" in caught.value.technical_details


@pytest.mark.parametrize("price", ["NaN", "sNaN", "-Infinity", "1E+26", "1E+999999999", "1E-41"])
def test_what_is_no_amount_is_refused(price: str) -> None:
    body = msgspec.json.encode([{"symbol": "A", "price": "1.5"}, {"symbol": "A", "price": price}])
    with pytest.raises(ExchangeError, match="no amount"):
        read.read_as(answer(body), list[Price[Decimal]])
    with pytest.raises(ExchangeError, match="no amount"):
        read.converted(msgspec.json.decode(body), list[Price[Decimal]])


def test_amounts_of_any_size_that_there_is_are_taken() -> None:
    for price in ("0.00000000", "0.00000001", "-1", "99999999999999999999.99999999", "1e25"):
        assert read.read_as(answer(b'{"symbol":"A","price":"%s"}' % price.encode()), Price[Decimal]).price == Decimal(
            price
        )


def test_an_integer_beyond_64_bits_is_refused() -> None:
    read.check_numbers([2**63 - 1, -(2**63), True, "x"])
    for number in (2**63, -(2**63) - 1):
        with pytest.raises(ExchangeError, match="64 bits"):
            read.check_numbers([number])
