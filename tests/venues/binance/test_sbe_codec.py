"""The codec against worked examples, frames captured from the exchange, and damage."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptox.errors import ExchangeError
from cryptox.venues.binance.sbe import codec, schema

ERROR = bytes.fromhex(  # shared/binance/sbe.md, section 7
    "12006400030005009ffb000000000000008000000000000000800f00496e76616c69642073796d626f6c2e00000000"
)
TIME = bytes.fromhex("08006600030005004022224648470600")
INFO = bytes.fromhex(
    "00006700030005000b000100000002010170170000000000000000010000001008000f0003000500e803000000000000"
    "13000100000000080808087f00010101010101010100031f01000003000000211900010003000500f840420f00000000"
    "0000407a10f35a000040420f0000000000211900040003000500f8e80300000000000000282e8cd1000000e803000000"
    "0000001f1700060003000500f80065cd1d000000000100404c948b320300000500000000000100000000000100000004"
    "53504f540742544355534454034254430455534454000000000000"
)
PRICES = bytes.fromhex(
    "0000d20003000500090002000000f800a4e43f980800000742544355534454f80000000000000080074e455755534454"
)


@pytest.fixture(scope="module")
def vectors(shared: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((shared / "binance/vectors.json").read_text())["sbe"]
    assert len(found) == 25
    return found


@pytest.fixture(scope="module")
def streams(shared: Path) -> schema.Schema:
    return schema.parse((shared / "binance/sbe/stream_1_0.xml").read_text(encoding="utf-8"))


def test_vectors_decode_to_their_fields(vectors: list[dict[str, Any]], streams: schema.Schema) -> None:
    for vector in vectors:
        kind = streams if vector["schema"].startswith("stream") else None
        assert codec.decode_raw(bytes.fromhex(vector["hex"]), schema=kind) == vector["decoded"], vector["name"]


def test_vectors_decode_to_what_json_would_have_answered(vectors: list[dict[str, Any]]) -> None:
    compared = 0
    for vector in vectors:
        if "json_equivalent" in vector:
            expected = vector["json_equivalent"]
            if vector["name"] == "WebSocketResponse":
                expected = {**expected, "id": "7"}  # the encoding does not tell 7 from "7"
            assert codec.decode(bytes.fromhex(vector["hex"])) == expected, vector["name"]
            compared += 1
    assert compared >= 16


def test_vectors_are_encoded_byte_for_byte(vectors: list[dict[str, Any]], streams: schema.Schema) -> None:
    for vector in vectors:
        kind = streams if vector["schema"].startswith("stream") else None
        body = bytes.fromhex(vector["hex"])
        shown = codec.decode(body, microseconds=True, schema=kind)
        if vector["name"] == "WebSocketResponse":
            shown["result"] = ("ServerTimeResponse", shown["result"])
        version = vector["decoded"]["_header"]["version"]
        assert codec.encode(vector["name"], shown, version=version, schema=kind) == body, vector["name"]


# Captured on mainnet under schema 3:2 and sanitised: shared/data/README.md, nautilus/sbe.
FRAMES = {
    "execution_report_event_1": "ExecutionReportEvent",
    "outbound_account_position_event_1": "OutboundAccountPositionEvent",
    "web_socket_response_1": "WebSocketResponse",
}


def frame(shared: Path, name: str) -> bytes:
    return (shared / f"data/nautilus/sbe/{name}.sbe").read_bytes()


def test_real_execution_report_of_an_older_version(shared: Path) -> None:
    shown = codec.decode(frame(shared, "execution_report_event_1"))
    assert set(shown) == {"event"}
    event = shown["event"]
    got = {
        name: event[name] for name in ("e", "E", "s", "c", "C", "S", "o", "f", "X", "q", "p", "i", "g", "N", "r", "w")
    }
    assert got == {
        "e": "executionReport",
        "E": 1700000000000,
        "s": "BTCUSDT",
        "c": "O-20200101-000000-000-000-0",
        "C": "",
        "S": "BUY",
        "o": "LIMIT",
        "f": "GTC",
        "X": "NEW",
        "q": "0.00010000",
        "p": "60000.00000000",
        "i": 12345678,
        "g": -1,
        "N": None,
        "r": "NONE",
        "w": True,
    }
    assert "eR" not in event  # expiryReason came with 3:3, a byte beyond this block


def test_real_balances_and_real_answer_to_an_order(shared: Path) -> None:
    event = codec.decode(frame(shared, "outbound_account_position_event_1"))["event"]
    assert event["B"] == [
        {"a": "BTC", "f": "1.00000000", "l": "0.00000000"},
        {"a": "BNB", "f": "0.00000028", "l": "0.00000000"},
        {"a": "USDT", "f": "50000.00000000", "l": "0.00000000"},
    ]
    answer = codec.decode(frame(shared, "web_socket_response_1"))
    assert (answer["id"], answer["status"]) == ("ws-place", 200)
    assert [(limit["rateLimitType"], limit["count"]) for limit in answer["rateLimits"]] == [
        ("ORDERS", 1),
        ("ORDERS", 1),
        ("REQUEST_WEIGHT", 15),
    ]
    order = answer["result"]
    assert (order["orderId"], order["status"], order["type"], order["price"]) == (
        59208788051,
        "NEW",
        "LIMIT",
        "60000.00000000",
    )
    assert order["fills"] == []


@pytest.mark.parametrize("name", FRAMES)
def test_real_frames_are_encoded_byte_for_byte(shared: Path, name: str) -> None:
    body = frame(shared, name)
    shown = codec.decode(body, microseconds=True)
    if name == "web_socket_response_1":
        shown["result"] = ("NewOrderFullResponse", shown["result"])
    assert codec.encode(FRAMES[name], shown, version=2) == body


def test_a_newer_server_sends_longer_blocks() -> None:
    longer = struct.pack("<HHHH", 12, 102, 3, 9) + TIME[8:] + b"\x01\x02\x03\x04"
    assert codec.decode(longer) == {"serverTime": 1767225600123}
    entry = PRICES[14:23] + b"\xff" * 3 + PRICES[23:31]
    grown = struct.pack("<HHHH", 4, 210, 3, 6) + b"\xee" * 4 + struct.pack("<HI", 12, 1) + entry + b"surplus"
    assert codec.decode(grown) == [{"symbol": "BTCUSDT", "price": "94500.00000000"}]


def test_fields_beyond_a_shorter_block_are_null() -> None:
    shorter = struct.pack("<HHHH", 1, 209, 3, 5) + b"\xf8" + b"\x07BTCUSDT"
    assert codec.decode_raw(shorter)["price"] is None
    assert codec.decode(shorter) == {"symbol": "BTCUSDT", "price": "0.00000000"}
    assert codec.decode(struct.pack("<HHHH", 0, 209, 3, 5) + b"\x07BTCUSDT") == {
        "symbol": "BTCUSDT",
        "price": "0.00000000",
    }


def test_unknown_words_are_said_to_be_so() -> None:
    body = bytearray(INFO)
    at = 8 + 6 + 11 + 6 + 1 + 16 + 6  # the status of the only symbol
    assert body[at] == 0
    body[at] = 77
    body[at + 6] |= 0x40  # a bit of orderTypes without a name
    symbol = codec.decode(bytes(body))["symbols"][0]
    assert symbol["status"] == "NON_REPRESENTABLE"
    assert symbol["orderTypes"][-1] == "NON_REPRESENTABLE"
    assert codec.decode_raw(bytes(body))["symbols"][0]["status"] == "NonRepresentable"


@pytest.mark.parametrize("template", [999, 23, 40000])
def test_an_unknown_filter_does_not_cost_the_symbol(template: int) -> None:
    body = INFO.replace(bytes.fromhex("1900040003000500"), struct.pack("<HHHH", 25, template, 3, 6))
    kinds = [one["filterType"] for one in codec.decode(body)["symbols"][0]["filters"]]
    assert kinds == ["PRICE_FILTER", "NON_REPRESENTABLE", "NOTIONAL"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "cut"),
        (TIME[:7], "cut"),
        (TIME[:-1], "cut"),
        (ERROR[:-1], "cut"),
        (PRICES[:-1], "cut"),
        (struct.pack("<HHHH", 0, 999, 3, 5), "cannot be expressed"),
        (struct.pack("<HHHH", 0, 4711, 3, 5), "cannot be expressed"),
        (struct.pack("<HHHH", 8, 102, 2, 1) + TIME[8:], "schema 2:1"),
        (struct.pack("<HHHHHI", 0, 210, 3, 5, 9, 2**31 - 1), "too short"),
        (struct.pack("<HHHHHHI", 2, 201, 3, 5, 0, 0, 2**32 - 1), "too short"),
        (ERROR[:28] + b"\xff" * 15 + ERROR[43:], "not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_an_exchange_error(body: bytes, says: str) -> None:
    with pytest.raises(ExchangeError, match=says):
        codec.decode(body)


def test_a_flag_is_true_or_false() -> None:
    body = INFO.replace(bytes.fromhex("7f00010101"), bytes.fromhex("7f00010701"))
    with pytest.raises(ExchangeError, match="ocoAllowed"):
        codec.decode(body)


def test_endless_nesting_is_refused() -> None:
    body = TIME
    for _ in range(30):
        body = codec.encode("WebSocketResponse", {"id": 1, "status": 200, "result": body})
    with pytest.raises(ExchangeError, match="without end"):
        codec.decode(body)


BODIES = [ERROR, TIME, INFO, PRICES]


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(BODIES), st.data())
def test_damage_is_an_exchange_error_or_harmless(body: bytes, data: st.DataObject) -> None:
    damaged = bytearray(body[: data.draw(st.integers(0, len(body)))])
    for _ in range(data.draw(st.integers(0, 4)) if damaged else 0):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    for read in (codec.decode, codec.decode_raw):
        try:
            read(bytes(damaged))
        except ExchangeError as error:
            assert str(error)  # noqa: PT017  # both ends are fine


def test_every_truncation_within_a_message_is_noticed() -> None:
    for body in BODIES:
        for length in range(len(body)):
            with pytest.raises(ExchangeError):
                codec.decode(body[:length])


@given(
    st.lists(st.tuples(st.integers(-(2**63) + 1, 2**63 - 1), st.integers(-18, 0)), min_size=1, max_size=5),
)
def test_decimals_print_all_their_places(numbers: list[tuple[int, int]]) -> None:
    for mantissa, exponent in numbers:
        body = struct.pack("<HHHHbq", 9, 209, 3, 5, exponent, mantissa) + b"\x01A"
        text = codec.decode(body)["price"]
        assert len(text.partition(".")[2]) == -exponent
        assert int(text.replace(".", "")) == mantissa
        if mantissa:
            assert codec.encode("PriceTickerSymbolResponse", codec.decode(body)) == body


def test_positive_exponents_print_as_integers() -> None:
    assert codec.decode(struct.pack("<HHHHbq", 9, 209, 3, 5, 3, 12) + b"\x01A")["price"] == "12000"


FILTERS = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"},
    {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.00000", "stepSize": "0.00001"},
    {"filterType": "ICEBERG_PARTS", "limit": 10},
    {"filterType": "MAX_POSITION", "maxPosition": "10.00000000"},
    {"filterType": "T_PLUS_SELL", "endTime": -1},
    {
        "filterType": "PERCENT_PRICE_BY_SIDE",
        "bidMultiplierUp": "5.0",
        "bidMultiplierDown": "0.2",
        "askMultiplierUp": "5.0",
        "askMultiplierDown": "0.2",
        "avgPriceMins": 5,
    },
    {"filterType": "NON_REPRESENTABLE"},
]


def test_what_the_paper_exchange_answers_comes_back() -> None:
    mine = {
        "exchangeFilters": [{"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 1000}],
        "symbolFilters": FILTERS,
        "assetFilters": [{"filterType": "MAX_ASSET", "limit": "42.00000000", "asset": "JPY"}],
    }
    assert codec.decode(codec.encode("MyFiltersResponse", mine)) == mine
    rates = {
        "commissionRates": {
            "maker": "0.00150000",
            "taker": "0.00150000",
            "buyer": "0.00000000",
            "seller": "0.00000000",
        },
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": 1767225600123,
        "accountType": "SPOT",
        "uid": 354937868,
        "balances": [{"asset": "BTC", "free": "4723846.89208129", "locked": "0.00000000"}],
        "permissions": ["SPOT"],
        "reduceOnlyAssets": [],
    }
    assert codec.decode(codec.encode("AccountResponse", rates)) == rates
    day = {
        "symbol": "BNBBTC",  # the documentation's example of GET /api/v3/ticker, shortened
        "priceChange": "-8.00000000",
        "priceChangePercent": "-88.889",
        "weightedAvgPrice": "2.60427807",
        "openPrice": "9.00000000",
        "highPrice": "9.00000000",
        "lowPrice": "1.00000000",
        "lastPrice": "1.00000000",
        "volume": "187.00000000",
        "quoteVolume": "487.00000000",
        "openTime": 1641859200000,
        "closeTime": 1642031999999,
        "firstId": 0,
        "lastId": 60,
        "count": 61,
    }
    assert codec.decode(codec.encode("TickerSymbolFullResponse", day)) == day


def test_a_refused_replacement_within_a_web_socket_answer() -> None:
    refused = {
        "code": -2022,
        "msg": "Order cancel-replace failed.",
        "data": {
            "cancelResult": "FAILURE",
            "newOrderResult": "NOT_ATTEMPTED",
            "cancelResponse": {"code": -2011, "msg": "Unknown order sent."},
        },
    }
    body = codec.encode(50, {"id": None, "status": 400, "error": refused})
    assert codec.decode(body) == {"id": None, "status": 400, "error": refused}


def test_a_list_of_cancelled_orders_is_plain_in_json() -> None:
    order = {
        "symbol": "BTCUSDT",
        "origClientOrderId": "a",
        "clientOrderId": "b",
        "orderId": 4,
        "orderListId": -1,
        "transactTime": 1684804350068,
        "price": "23416.10000000",
        "origQty": "0.00847000",
        "executedQty": "0.00100000",
        "cummulativeQuoteQty": "23.41610000",
        "status": "CANCELED",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "SELL",
        "selfTradePreventionMode": "NONE",
        "origQuoteOrderQty": "0.00000000",
        "preventedQuantity": "0.00000000",
        "usedSor": False,
    }
    assert codec.decode(codec.encode("CancelOpenOrdersResponse", [order, order])) == [order, order]


def test_an_older_version_is_written_without_later_fields() -> None:
    info = codec.decode(INFO)
    body = codec.encode("ExchangeInfoResponse", info, version=0)
    assert struct.unpack_from("<HHHH", body)[3] == 0
    symbol = codec.decode(body)["symbols"][0]
    assert "pegInstructionsAllowed" not in symbol
    assert symbol["filters"] == info["symbols"][0]["filters"]


@pytest.mark.parametrize(
    ("message", "obj", "says"),
    [
        ("ServerTimeResponse", {}, "serverTime is missing"),
        ("PriceTickerSymbolResponse", {"price": "1.0"}, "symbol is missing"),
        ("PriceTickerSymbolResponse", {"price": str(2**63), "symbol": "A"}, "out of the range"),
        ("BookTickerSymbolResponse", {"bidPrice": "1e5", "symbol": "A"}, "invalid literal"),
        ("ErrorResponse", {"code": -40000, "msg": "x"}, "out of the range"),
        ("PriceTickerSymbolResponse", {"price": "1", "symbol": "A" * 300}, "symbol is too long"),
        ("WebSocketResponse", {"id": 1, "status": 200, "result": {"serverTime": 1}}, "does not tell"),
        ("OrderResponse", {"status": "NOVEL"}, "status has no value 'NOVEL'"),
    ],
)
def test_what_cannot_be_written_is_a_value_error(message: str, obj: Any, says: str) -> None:
    if message == "OrderResponse":
        obj = {**obj, "orderId": 1, "time": 1, "updateTime": 1, "symbol": "A", "clientOrderId": "b"}
    with pytest.raises(ValueError, match=says):
        codec.encode(message, obj)


def test_an_exponent_grows_where_64_bits_need_it() -> None:
    prices = {"bidPrice": "0.00000231", "askPrice": "0.00000232"}
    told = {"symbol": "PEPEUSDT", **prices, "bidQty": "276701161104.00000000", "askQty": "36061033.50000000"}
    raw = codec.decode_raw(codec.encode("BookTickerSymbolResponse", told))
    assert (raw["priceExponent"], raw["qtyExponent"]) == (-8, -1)
    assert (raw["bidQty"], raw["askQty"], raw["askPrice"]) == (2_767_011_611_040, 360_610_335, 232)
    with pytest.raises(ValueError, match="range"):  # no exponent helps
        codec.encode("BookTickerSymbolResponse", told | {"bidQty": "276701161104.00000001"})


def test_a_filter_of_no_bytes_is_null() -> None:
    info = codec.decode(INFO)
    info["symbols"][0]["filters"].insert(1, b"")
    read = codec.decode(codec.encode("ExchangeInfoResponse", info))["symbols"][0]["filters"]
    assert read[1] is None
    assert [one["filterType"] for one in read if one] == ["PRICE_FILTER", "LOT_SIZE", "NOTIONAL"]


GROWING = """<sbe:messageSchema xmlns:sbe="http://fixprotocol.io/2016/sbe" package="toy" id="9" version="2"><types>
<composite name="groupSizeEncoding"><type name="blockLength" primitiveType="uint16"/>
<type name="numInGroup" primitiveType="uint32"/></composite>
<composite name="varString8"><type name="length" primitiveType="uint8"/>
<type name="varData" length="0" primitiveType="uint8" characterEncoding="UTF-8"/></composite>
</types><sbe:message name="Growing" id="1">
<field id="1" name="number" type="int64"/>
<group id="2" name="parts" sinceVersion="2"><field id="1" name="size" type="int64"/></group>
<data id="3" name="word" type="varString8"/>
<data id="4" name="note" type="varString8" sinceVersion="2"/>
</sbe:message></sbe:messageSchema>"""


def test_groups_and_texts_that_came_with_a_later_version() -> None:
    toy = schema.parse(GROWING)
    whole = {"number": 7, "parts": [{"size": 3}], "word": "ab", "note": "cd"}
    body = codec.encode("Growing", whole, schema=toy)
    assert codec.decode(body, schema=toy) == whole
    older = codec.encode("Growing", whole, schema=toy, version=1)
    assert older == struct.pack("<HHHHq", 8, 1, 9, 1, 7) + b"\x02ab"
    assert codec.decode(older, schema=toy) == {"number": 7, "parts": [], "word": "ab"}
    assert codec.decode_raw(older, schema=toy)["note"] is None
