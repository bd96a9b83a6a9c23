"""User data over the WebSocket API: the questions that subscribe, and every event that the documentation shows."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cryptox.errors import AuthenticationError, ClockSkew, ConfigurationError, ExchangeError, NetworkError, RateLimited
from cryptox.model.columns import ORDERS
from cryptox.model.orders import Fill, Order
from cryptox.model.updates import BalanceUpdate, OrderUpdate
from cryptox.transport.crypto import hmac_signer, pem_signer
from cryptox.transport.rpc import Reply
from cryptox.venues.binance.userdata import Codec
from cryptox.venues.binance.venue import BinanceVenue
from cryptox.venues.port import Hosts
from cryptox.venues.user import Notice

D = Decimal
NOW_NS = 1_767_225_600_250_000_000
# https://developers.binance.com/docs/binance-spot-api-docs/user-data-stream, payload executionReport (July 2026)
DOCUMENTED: dict[str, Any] = json.loads(
    '{"e":"executionReport","E":1767225600200,"s":"BTCUSDT","c":"x-1","S":"BUY","o":"LIMIT","f":"GTC",'
    '"q":"0.30000000","p":"90000.00000000","P":"0.00000000","F":"0.00000000","g":-1,"C":"","x":"NEW","X":"NEW",'
    '"r":"NONE","i":28,"l":"0.00000000","z":"0.00000000","L":"0.00000000","n":"0","N":null,"T":1767225600123,"t":-1,'
    '"I":62,"w":true,"m":false,"M":false,"O":1767225600123,"Z":"0.00000000","Y":"0.00000000","Q":"0.00000000",'
    '"W":1767225600123,"V":"EXPIRE_MAKER"}'
)
TRADED = {
    **DOCUMENTED,
    "x": "TRADE",
    "X": "PARTIALLY_FILLED",
    "l": "0.10000000",
    "z": "0.20000000",
    "L": "89999.00000000",
    "n": "0.00010000",
    "N": "BTC",
    "t": 77,
    "m": True,
    "T": 1767225600150,
    "Z": "17999.80000000",
    "Y": "8999.90000000",
    "I": 63,
}
ORDER = Order(
    symbol="BTCUSDT",
    order_id=28,
    client_order_id="x-1",
    side="buy",
    type="LIMIT",
    status="new",
    price=D(90000),
    quantity=D("0.3"),
    filled=D(0),
    quote_filled=D(0),
    time_in_force="GTC",
    time_ms=1767225600123,
    updated_ms=1767225600123,
    working_ms=1767225600123,
    self_trade_prevention="EXPIRE_MAKER",
    is_working=True,
)


def read(event: Any) -> Any:
    return Codec("binance").read(json.dumps({"subscriptionId": 0, "event": event}).encode(), NOW_NS)


def answered(**fields: Any) -> Reply:
    found = Codec("binance").read(json.dumps({"id": 4, **fields}).encode(), NOW_NS)
    assert isinstance(found, Reply)
    return found


def test_a_new_order_as_documented() -> None:
    told = read(DOCUMENTED)
    assert told == OrderUpdate("BTCUSDT", 1767225600200, NOW_NS, ORDER, "new", None, None)
    assert (told.kind, told.symbol, told.event_time) == (
        "order",
        "BTCUSDT",
        datetime(2026, 1, 1, 0, 0, 0, 200_000, UTC),
    )


def test_an_event_has_the_columns_of_its_table() -> None:
    told = read(TRADED)
    for name in ORDERS.names:
        assert getattr(told, name) == getattr(told.order, name), name
    assert (told.average_price, told.remaining, told.is_active) == (D(89999), D("0.1"), True)
    assert set(ORDERS.names) <= set(dir(told))
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        _ = told.colour
    assert repr(told).startswith("OrderUpdate(BTCUSDT 2026-01-01T00:00:00.200Z trade 0.1 @ 89999: Order(BTCUSDT buy")


def test_a_trade_brings_its_fill() -> None:
    told = read(TRADED)
    fill = Fill(
        time_ms=1767225600150,
        symbol="BTCUSDT",
        id=77,
        order_id=28,
        side="buy",
        price=D(89999),
        quantity=D("0.1"),
        quote_quantity=D("8999.9"),
        fee=D("0.0001"),
        fee_asset="BTC",
        maker=True,
    )
    assert told.fill == fill
    assert told.order.fills == (fill,)
    assert (told.order.status, told.order.filled, told.order.quote_filled) == (
        "partially_filled",
        D("0.2"),
        D("17999.8"),
    )
    assert told.order.updated_ms == 1767225600150


def test_times_in_microseconds_are_told_in_milliseconds() -> None:
    times = {name: TRADED[name] * 1_000 + 999 for name in ("E", "T", "O", "W")}
    assert read({**TRADED, **times}) == read(TRADED)


def test_a_cancelled_order_keeps_its_own_name() -> None:
    told = read({**DOCUMENTED, "x": "CANCELED", "X": "CANCELED", "c": "the-cancel", "C": "x-1"})
    assert (told.execution, told.order.client_order_id, told.order.status) == ("canceled", "x-1", "canceled")
    amended = read({**DOCUMENTED, "x": "REPLACED", "c": "x-2", "q": "0.20000000"})
    assert (amended.execution, amended.order.client_order_id, amended.order.quantity) == ("replaced", "x-2", D("0.2"))


def test_what_only_some_orders_have() -> None:
    told = read({
        **DOCUMENTED,
        "o": "STOP_LOSS_LIMIT", "P": "91000.00000000", "F": "0.10000000", "g": 2, "d": 100, "D": 1767225600123,
        "x": "TRADE_PREVENTION", "X": "EXPIRED_IN_MATCH", "v": 3, "A": "0.05000000", "B": "0.05000000", "u": 1,
        "U": 27, "Cs": "BTCUSDT", "pl": "0.05000000", "pL": "1.00000000", "pY": "0.05000000",
        "eR": "OCO_TRIGGER", "Q": "5.00000000",
    })  # fmt: skip
    order = told.order
    assert (order.stop_price, order.iceberg_quantity, order.order_list_id) == (D(91000), D("0.1"), 2)
    assert (order.trailing_delta, order.prevented, order.expiry_reason) == (100, D("0.05"), "OCO_TRIGGER")
    assert (order.quote_quantity, order.status, told.execution) == (D(5), "expired_in_match", "trade_prevention")


def test_what_an_order_has_not_is_none() -> None:
    waiting = {key: value for key, value in DOCUMENTED.items() if key not in ("W", "V")}
    order = read({**waiting, "X": "PENDING_NEW", "q": "0.00000000", "p": "0.00000000"}).order
    assert (order.quantity, order.price, order.stop_price, order.iceberg_quantity) == (None, None, None, None)
    assert (order.working_ms, order.is_working, order.self_trade_prevention) == (None, False, None)
    assert (order.order_list_id, order.trailing_delta, order.quote_quantity, order.expiry_reason) == (None,) * 4
    assert read({**DOCUMENTED, "X": "EXPIRED", "x": "EXPIRED", "q": "0.00000000"}).order.quantity == 0
    assert read({**DOCUMENTED, "p": "0.00000000", "gp": "7.00000000"}).order.price == D(7)
    assert read({**DOCUMENTED, "Z": "-1.00000000"}).order.quote_filled is None


def test_why_an_order_was_rejected() -> None:
    told = read({**DOCUMENTED, "x": "REJECTED", "X": "REJECTED", "r": "INSUFFICIENT_BALANCES"})
    assert (told.execution, told.reason, told.order.is_final) == ("rejected", "INSUFFICIENT_BALANCES", True)


def test_balances_as_documented() -> None:
    told = read(json.loads(
        '{"e":"outboundAccountPosition","E":1767225600200,"u":1767225600123,"B":[{"a":"BTC","f":"1.10000000",'
        '"l":"0.00000000"},{"a":"USDT","f":"90550.00000000","l":"5.00000000"}]}'
    ))  # fmt: skip
    assert told == (
        BalanceUpdate("BTC", 1767225600200, NOW_NS, 1767225600123_000, D("1.1"), D(0)),
        BalanceUpdate("USDT", 1767225600200, NOW_NS, 1767225600123_000, D(90550), D(5)),
    )
    assert (told[1].asset, told[1].total, told[1].kind, told[1].updated_us) == (
        *("USDT", D(90555), "balance"),
        1767225600123_000,
    )
    assert told[1].updated == datetime(2026, 1, 1, 0, 0, 0, 123_000, UTC)
    assert repr(told[1]) == "BalanceUpdate(USDT 2026-01-01T00:00:00.200Z free 90550, locked 5)"


def test_the_order_within_a_millisecond_is_kept() -> None:
    told = read({"e": "outboundAccountPosition", "E": 1, "u": 1767225600123_456, "B": [{"a": "A", "f": "1", "l": "0"}]})
    assert told[0].updated_us == 1767225600123_456


@pytest.mark.parametrize(
    ("event", "notice"),
    [
        ('{"e":"balanceUpdate","E":1,"a":"BTC","d":"-0.50000000","T":1767225600123}', Notice("moved", "BTC")),
        ('{"e":"externalLockUpdate","E":1,"a":"NEO","d":"10.00000000","T":1767225600123}', Notice("moved", "NEO")),
        ('{"e":"eventStreamTerminated","E":1767225600123}', Notice("over")),
        ('{"e":"serverShutdown","E":1767225600123}', Notice("closing")),
        ('{"e":"somethingNew","E":1}', Notice("other", "somethingNew")),
        (
            '{"e":"listStatus","E":1,"s":"BTCUSDT","g":2,"c":"OCO","l":"EXEC_STARTED","L":"EXECUTING","r":"NONE",'
            '"C":"listClientId","T":1,"O":[{"s":"BTCUSDT","i":17,"c":"a"},{"s":"BTCUSDT","i":18,"c":"b"}]}',
            Notice("other", "list 2 of BTCUSDT: executing"),
        ),
    ],
)
def test_what_else_is_told(event: str, notice: Notice) -> None:
    assert read(json.loads(event)) == notice


@pytest.mark.parametrize(
    "frame",
    [
        *(b"", b"{", b"[]", b"\xff", b"[" * 5_000),
        *(b'{"event":{}}', b'{"event":{"e":"executionReport"}}', b'{"event":7}'),
        json.dumps({"event": {**DOCUMENTED, "X": "A_NEW_STATE"}}).encode(),  # where money rides, no word is guessed
        json.dumps({"event": {**DOCUMENTED, "q": "much"}}).encode(),
    ],
)
def test_what_cannot_be_read_is_lost_and_says_so(frame: bytes) -> None:
    found = Codec("binance").read(frame, NOW_NS)
    assert isinstance(found, Notice)
    assert found.kind == "lost"
    assert found.text


def test_a_shutdown_comes_without_a_subscription() -> None:
    assert Codec("binance").read(b'{"event":{"e":"serverShutdown","E":1}}', NOW_NS) == Notice("closing")


def test_an_answer_holds_no_key() -> None:
    key = "k" * 64
    assert answered(status=200, result={"apiKey": key, "authorizedSince": 1}) == Reply(4)
    assert Codec("x").read(b'{"id":"text","status":200,"result":{}}', 0) == Reply(None)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, -1021, ClockSkew),
        (400, -1022, AuthenticationError),
        (401, -2015, AuthenticationError),
        (400, -2035, ExchangeError),
        (503, -1008, NetworkError),
        (200, -1000, NetworkError),  # an error all the same
    ],
)
def test_a_refusal_is_one_of_our_errors(status: int, code: int, kind: type[Exception]) -> None:
    error = answered(status=status, error={"code": code, "msg": "no"}).error
    assert type(error) is kind
    assert error.context["operation"] == "the user stream"  # type: ignore[union-attr]
    assert error.context["venue"] == "binance"  # type: ignore[union-attr]


def test_a_limit_says_how_long_to_wait() -> None:
    data = {"serverTime": 1767225600000, "retryAfter": 1767225607500}
    error = answered(status=429, error={"code": -1003, "msg": "Too much.", "data": data}).error
    assert isinstance(error, RateLimited)
    assert error.retry_after == 7.5
    micro = {name: value * 1_000 for name, value in data.items()}
    error = answered(status=418, error={"code": -1003, "msg": "Too much.", "data": micro}).error
    assert isinstance(error, RateLimited)
    assert error.retry_after == 7.5


def test_a_broken_answer_without_an_error_is_not_a_success() -> None:
    assert answered(status=300).error is not None
    assert answered(status=500).error is not None
    assert answered().error is not None


def venue(ws_api: str | None) -> BinanceVenue:
    return BinanceVenue("binance", Hosts("https://x.example", None, ws_api))


def test_where_to_connect() -> None:
    url = venue("wss://x.example/ws-api/v3").user_url()
    assert url == "wss://x.example/ws-api/v3?timeUnit=MICROSECOND&returnRateLimits=false"
    with pytest.raises(ConfigurationError, match="WebSocket API is not known"):
        venue(None).user_url()


def test_a_shared_secret_subscribes_with_one_signed_question() -> None:
    (step,) = venue(None).user_subscription(hmac_signer("the-key", "the-secret"))
    asked = json.loads(step(7, 1_700_000_000_000, 5_000))
    payload = b"apiKey=the-key&recvWindow=5000&timestamp=1700000000000"
    assert asked == {
        "id": 7,
        "method": "userDataStream.subscribe.signature",
        "params": {
            "apiKey": "the-key",
            "recvWindow": 5000,
            "timestamp": 1700000000000,
            "signature": hmac.new(b"the-secret", payload, hashlib.sha256).hexdigest(),
        },
    }


def test_a_key_of_a_curve_logs_on_and_then_subscribes() -> None:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    logon, subscribe = venue(None).user_subscription(pem_signer("the-key", pem))
    asked = json.loads(logon(1, 1_700_000_000_000, 5_000))
    assert asked["method"] == "session.logon"
    signature = base64.b64decode(asked["params"].pop("signature"))
    key.public_key().verify(signature, b"apiKey=the-key&recvWindow=5000&timestamp=1700000000000")
    assert asked["params"] == {"apiKey": "the-key", "recvWindow": 5000, "timestamp": 1700000000000}
    assert json.loads(subscribe(2, 0, 0)) == {"id": 2, "method": "userDataStream.subscribe"}
