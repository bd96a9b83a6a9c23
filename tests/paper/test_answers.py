"""Signed requests over real sockets: parameters from query and body, weights, order counts, latency, calls."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cryptox.paper.answers import Done
from cryptox.paper.exchange import PaperExchange
from cryptox.paper.question import Question, Told
from cryptox.paper.refusals import Refused
from cryptox.paper.routes import ROUTES, Route
from cryptox.paper.trading.accounts import Key
from cryptox.venues.binance import endpoints as ep

USED = "x-mbx-used-weight"
NOW = "2024-06-01 12:00:30.5"
ORDER: dict[str, str] = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
RESTING = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001"}


Got = tuple[int, Any, dict[str, str]]


class Bench:
    """An exchange, one account, and a client that signs what it sends."""

    def __init__(self, market: Any, clock: Any, limits: Any, latency: float) -> None:
        self.exchange = PaperExchange(market=market, clock=clock, limits=limits, latency=latency).start()
        self.clock, self.log, state = self.exchange.clock, self.exchange.requests, self.exchange._state
        self.answers, self.accounts, self.desk = state.answers, state.accounts, state.desk
        self.key = self.create()
        self.account = self.accounts.accounts[self.key.account]
        self._connection = http.client.HTTPConnection("127.0.0.1", self.exchange.port, timeout=10)

    def create(self, balances: dict[str, Any] | None = None) -> Key:
        """The key of a new account."""
        key = self.accounts.by_api_key(self.exchange.create_account(balances).api_key)
        assert key is not None
        return key

    def close(self) -> None:
        self._connection.close()
        self.exchange.stop()

    def raw(self, method: str, target: str, body: bytes | None = None, **headers: str) -> Got:
        """Status, JSON and headers of the answer to exactly this."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, target, body, names)
        answer = self._connection.getresponse()
        got, data = {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        if got.get("content-encoding") == "gzip":
            data = gzip.decompress(data)
        return answer.status, json.loads(data) if data else None, got

    def sign(self, payload: str, key: Key | None = None) -> str:
        return hmac.new((key or self.key).secret.encode(), payload.encode(), hashlib.sha256).hexdigest()

    def stamped(self, params: dict[str, Any] | None) -> dict[str, Any]:
        return {**(params or {}), "timestamp": self.clock.now_ms()}

    def __call__(
        self,
        endpoint: ep.Endpoint,
        params: dict[str, Any] | None = None,
        *,
        key: Key | None = None,
        in_body: bool = False,
        **headers: str,
    ) -> Got:
        query = urlencode(self.stamped(params))
        signed = f"{query}&signature={self.sign(query, key)}"
        headers["X_MBX_APIKEY"] = (key or self.key).api_key
        if not in_body:
            return self.raw(endpoint.method, f"{endpoint.path}?{signed}", **headers)
        headers["Content_Type"] = "application/x-www-form-urlencoded"
        return self.raw(endpoint.method, endpoint.path, signed.encode(), **headers)

    def used(self) -> int:
        """Weight used so far, the ping that asks for it included."""
        return int(self.raw("GET", ep.PING.path)[2][USED])


@pytest.fixture
def opened_bench(flat: Any) -> Iterator[Callable[..., Bench]]:
    benches: list[Bench] = []

    def open_one(clock: Any = (NOW, 1), limits: Any = None, latency: float = 0.0) -> Bench:
        benches.append(Bench(flat, clock, limits or {"REQUEST_WEIGHT": (6_000, "1d")}, latency))
        return benches[-1]

    yield open_one
    for bench in benches:
        bench.close()


@pytest.fixture
def bench(opened_bench: Callable[..., Bench]) -> Bench:
    return opened_bench()


def error(answer: Got) -> tuple[int, int, str]:
    status, body, headers = answer
    assert headers["content-type"] == "application/json;charset=UTF-8"
    return status, body["code"], body["msg"]


def test_signed_answers_are_json_whatever_is_accepted(bench: Bench) -> None:
    for accept in ("application/sbe", "application/sbe, application/json", "*/*"):
        status, body, headers = bench(ep.ACCOUNT, Accept=accept, X_MBX_SBE="3:5")
        assert (status, headers["content-type"]) == (200, "application/json;charset=UTF-8")
        assert body["uid"] == bench.account.uid
        assert 10**12 < body["updateTime"] < 10**13
    assert error(bench(ep.ALL_ORDERS, Accept="application/sbe", X_MBX_SBE="3:5"))[:2] == (400, -1102)
    micro = bench(ep.ACCOUNT, X_MBX_TIME_UNIT="MICROSECOND")[1]
    assert micro["updateTime"] == bench.account.updated_us
    assert error(bench(ep.ACCOUNT, X_MBX_TIME_UNIT="SECOND"))[:2] == (400, -1194)


def test_long_answers_are_zipped(bench: Bench) -> None:
    rows = {"newOrderRespType": "ACK", **RESTING}
    for number in range(8):
        assert bench(ep.NEW_ORDER, {**rows, "price": f"3{number}000"})[0] == 200
    plain = bench(ep.OPEN_ORDERS)
    packed = bench(ep.OPEN_ORDERS, Accept_Encoding="gzip")
    assert packed[2]["content-encoding"] == "gzip"
    assert packed[1] == plain[1]
    assert len(plain[1]) == 8


def test_refusals_of_the_gate_come_over_the_wire(bench: Bench) -> None:
    path, stamp = ep.ACCOUNT.path, f"timestamp={bench.clock.now_ms()}"
    good = f"{path}?{stamp}&signature={bench.sign(stamp)}"
    key = bench.key.api_key
    assert error(bench.raw("GET", good)) == (401, -2014, "API-key format invalid.")
    assert error(bench.raw("GET", good, X_MBX_APIKEY="")) == (401, -2014, "API-key format invalid.")
    assert error(bench.raw("GET", good, X_MBX_APIKEY="b" * 64))[:2] == (401, -2015)
    assert error(bench.raw("GET", f"{path}?{stamp}", X_MBX_APIKEY=key))[:2] == (400, -1102)
    assert error(bench.raw("GET", path, X_MBX_APIKEY=key))[:2] == (400, -1102)
    assert error(bench.raw("GET", f"{path}?{stamp}&signature=1", X_MBX_APIKEY=key))[:2] == (400, -1100)
    assert error(bench.raw("GET", f"{good}&more=1", X_MBX_APIKEY=key))[:2] == (400, -1022)
    old = f"timestamp={bench.clock.now_ms() - 60_000}"
    assert error(bench.raw("GET", f"{path}?{old}&signature={bench.sign(old)}", X_MBX_APIKEY=key)) == (
        400,
        -1021,
        "Timestamp for this request is outside of the recvWindow.",
    )
    assert bench.raw("GET", good, X_MBX_APIKEY=key)[0] == 200


def test_keys_of_every_kind_sign(bench: Bench) -> None:
    edwards, rivest = ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65_537, 2048)
    signers: list[tuple[Any, Callable[[bytes], bytes]]] = [
        (edwards, edwards.sign),
        (rivest, lambda payload: rivest.sign(payload, PKCS1v15(), hashes.SHA256())),
    ]
    for private, sign in signers:
        pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        key = bench.accounts.add_key(bench.account.uid, pem)
        query = urlencode(bench.stamped({"omitZeroBalances": "true"}))
        signature = base64.b64encode(sign(query.encode())).decode()
        target = f"{ep.ACCOUNT.path}?{query}&signature={quote(signature, safe='')}"
        assert bench.raw("GET", target, X_MBX_APIKEY=key.api_key)[0] == 200
        wrong = base64.b64encode(sign(b"other")).decode()
        target = f"{ep.ACCOUNT.path}?{query}&signature={quote(wrong, safe='')}"
        assert error(bench.raw("GET", target, X_MBX_APIKEY=key.api_key))[:2] == (400, -1022)


def test_parameters_come_from_query_body_or_both(bench: Bench) -> None:
    key, path, form = bench.key.api_key, ep.NEW_ORDER.path, "application/x-www-form-urlencoded"
    first, rest = urlencode({"symbol": "BTCUSDT", "side": "BUY"}), {"type": "MARKET", "quantity": "0.001"}
    body = urlencode(bench.stamped(rest))
    signature = f"signature={bench.sign(first + body)}"
    for query, sent in ((f"{first}&{signature}", body), (first, f"{body}&{signature}")):
        status, answer, _ = bench.raw(
            "POST", f"{path}?{query}", sent.encode(), X_MBX_APIKEY=key, Content_Type=f"{form}; charset=utf-8"
        )
        assert (status, answer["status"]) == (200, "FILLED")
    assert bench(ep.NEW_ORDER, ORDER)[0] == 200
    assert bench(ep.NEW_ORDER, ORDER, in_body=True)[0] == 200
    glued = f"signature={bench.sign(first + '&' + body)}"
    wrong = bench.raw("POST", f"{path}?{first}&{glued}", body.encode(), X_MBX_APIKEY=key, Content_Type=form)
    assert error(wrong)[:2] == (400, -1022)


def test_the_query_wins_where_a_name_stands_in_both(bench: Bench) -> None:
    key, form = bench.key.api_key, "application/x-www-form-urlencoded"
    query = urlencode(bench.stamped({**ORDER, "quantity": "0.002"}))
    body = urlencode({"quantity": "0.003", "newOrderRespType": "RESULT", "side": "nonsense"})
    signed = f"{ep.NEW_ORDER.path}?{query}&signature={bench.sign(query + body)}"
    status, answer, _ = bench.raw("POST", signed, body.encode(), X_MBX_APIKEY=key, Content_Type=form)
    assert (status, answer["origQty"], "fills" in answer) == (200, "0.00200000", False)
    twice = f"{query}&quantity=0.002"
    target = f"{ep.NEW_ORDER.path}?{twice}&signature={bench.sign(twice)}"
    assert error(bench.raw("POST", target, X_MBX_APIKEY=key)) == (
        400,
        -1101,
        "Duplicate values for a parameter detected.",
    )


def test_only_forms_are_read_and_only_where_a_body_counts(bench: Bench) -> None:
    key, query = bench.key.api_key, urlencode(bench.stamped(ORDER))
    signed = f"{query}&signature={bench.sign(query)}"
    status, _, _ = bench.raw(
        "POST", f"{ep.NEW_ORDER.path}?{signed}", b"{}", X_MBX_APIKEY=key, Content_Type="application/json"
    )
    assert status == 200  # a client that sends all in the query and says JSON
    got = bench.raw("POST", ep.NEW_ORDER.path, signed.encode(), X_MBX_APIKEY=key, Content_Type="application/json")
    assert error(got)[:2] == (400, -1102)
    stamp = urlencode(bench.stamped(None))
    signed = f"{stamp}&signature={bench.sign(stamp)}"
    form = "application/x-www-form-urlencoded"
    got = bench.raw("GET", ep.ACCOUNT.path, signed.encode(), X_MBX_APIKEY=key, Content_Type=form)
    assert error(got)[:2] == (400, -1102)
    bare = bench.raw("POST", ep.NEW_ORDER.path, signed.encode(), X_MBX_APIKEY=key)  # no type: taken for a form
    assert error(bare)[2] == "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."


def test_parameters_that_nobody_reads_are_refused_and_those_of_signing_are_not(bench: Bench) -> None:
    assert bench(ep.ORDER_COUNT, {"recvWindow": "6000.346"})[0] == 200
    assert error(bench(ep.ORDER_COUNT, {"extra": 1})) == (
        400,
        -1104,
        "Not all sent parameters were read; read '2' parameter(s) but was sent '3'.",
    )
    assert error(bench(ep.ORDER_COUNT, {"recvWindow": 60_000, "extra": 1})) == (
        400,
        -1101,
        "Too many parameters; expected '3' and received '4'.",
    )


def test_permission_to_trade_is_the_keys(bench: Bench) -> None:
    reader = bench.accounts.add_key(bench.account.uid, can_trade=False)
    assert bench(ep.ACCOUNT, key=reader)[0] == 200
    refused = (401, -2015, "Invalid API-key, IP, or permissions for action.")
    for endpoint in (ep.NEW_ORDER, ep.TEST_ORDER, ep.CANCEL_ORDER, ep.AMEND_ORDER, ep.CANCEL_REPLACE, ep.NEW_OCO):
        assert error(bench(endpoint, ORDER, key=reader)) == refused
    assert bench(ep.API_RESTRICTIONS, key=reader)[1]["enableSpotAndMarginTrading"] is False
    assert bench(ep.API_RESTRICTIONS)[1]["enableSpotAndMarginTrading"] is True


def test_accounts_do_not_see_each_other(bench: Bench) -> None:
    number = bench(ep.NEW_ORDER, {**RESTING, "price": "30000"})[1]["orderId"]
    other = bench.create({"USDT": 1})
    which = {"symbol": "BTCUSDT", "orderId": number}
    assert bench(ep.ORDER, which)[1]["status"] == "NEW"
    assert error(bench(ep.ORDER, which, key=other)) == (400, -2013, "Order does not exist.")
    assert error(bench(ep.CANCEL_ORDER, which, key=other))[:2] == (400, -2011)
    assert bench(ep.OPEN_ORDERS, key=other)[1] == []
    balances = {row["asset"]: row for row in bench(ep.ACCOUNT, key=other)[1]["balances"]}
    assert (balances["USDT"]["free"], balances["BTC"]["free"]) == ("1.00000000", "0.00000000")


def test_free_endpoints_cost_nothing_when_they_succeed_and_one_when_they_fail(bench: Bench) -> None:
    begin = bench.used()
    status, answer, headers = bench(ep.NEW_ORDER, {**RESTING, "price": "30000"})
    which = {"symbol": "BTCUSDT", "orderId": answer["orderId"]}
    assert (status, headers[USED]) == (200, str(begin))
    assert bench(ep.CANCEL_ORDER, which)[2][USED] == str(begin)
    status, _, headers = bench(ep.CANCEL_ORDER, which)
    assert (status, headers[USED], headers[USED + "-1d"]) == (400, str(begin + 1), str(begin + 1))
    refusals = [
        bench(ep.NEW_ORDER, {"symbol": "NOSUCH"}),  # a parameter
        bench.raw("POST", ep.NEW_ORDER.path),  # the gate
        bench(ep.NEW_ORDER, {**RESTING, "price": "3"}),  # a filter
        bench(ep.NEW_ORDER, {**ORDER, "quantity": "99"}),  # the engine
    ]
    assert [status for status, _, _ in refusals] == [400, 401, 400, 400]
    assert [int(headers[USED]) - begin for _, _, headers in refusals] == [2, 3, 4, 5]
    assert [one.weight for one in bench.log if one.method == "POST"] == [0, 1, 1, 1, 1]


def test_weights_by_parameters_and_of_refusals(bench: Bench) -> None:
    for endpoint, params, weight in (
        (ep.ACCOUNT, {}, 20),
        (ep.OPEN_ORDERS, {}, 80),
        (ep.OPEN_ORDERS, {"symbol": "BTCUSDT"}, 6),
        (ep.MY_TRADES, {"symbol": "BTCUSDT"}, 20),
        (ep.MY_TRADES, {"symbol": "BTCUSDT", "orderId": 1}, 5),
        (ep.MY_PREVENTED_MATCHES, {"symbol": "BTCUSDT", "orderId": 1}, 20),
        (ep.MY_PREVENTED_MATCHES, {"symbol": "BTCUSDT", "preventedMatchId": 1}, 2),
        (ep.MY_PREVENTED_MATCHES, {"symbol": "NOSUCH", "orderId": 1}, 2),
        (ep.TEST_ORDER, ORDER, 1),
        (ep.TEST_ORDER, {**ORDER, "computeCommissionRates": "true"}, 20),
        (ep.ORDER_COUNT, {"extra": 1}, 40),
    ):
        before = bench.used()
        assert int(bench(endpoint, params)[2][USED]) - before == weight, (endpoint.path, params)
        assert bench.log[-1].weight == weight


def test_an_amend_that_ends_its_order_is_free(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([Told({}), Told({}, costs=0)])
    endpoint = ep.AMEND_ORDER
    monkeypatch.setitem(ROUTES, (endpoint.method, endpoint.path), (endpoint, Route((), lambda _: next(answers))))
    begin = bench.used()
    assert [int(bench(endpoint)[2][USED]) - begin for _ in range(2)] == [4, 4]


def test_order_counts_stand_on_placements_and_fall_with_fills(opened_bench: Callable[..., Bench]) -> None:
    bench = opened_bench(limits={"ORDERS": [(50, "1h"), (160_000, "1d")], "REQUEST_WEIGHT": (6_000, "1d")})
    names = ("x-mbx-order-count-1h", "x-mbx-order-count-1d")

    def counts(headers: dict[str, str]) -> list[str | None]:
        return [headers.get(name) for name in names]

    def shown() -> list[int]:
        return [row["count"] for row in bench(ep.ORDER_COUNT)[1]]

    resting = {**RESTING, "price": "30000"}
    assert counts(bench(ep.NEW_ORDER, resting)[2]) == ["1", "1"]
    assert counts(bench(ep.NEW_ORDER, resting)[2]) == ["2", "2"]
    oco = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.001", "aboveType": "LIMIT_MAKER", "abovePrice": "50000"}
    stop = {"belowType": "STOP_LOSS", "belowStopPrice": "30000"}
    assert counts(bench(ep.NEW_OCO, {**oco, **stop})[2]) == ["4", "4"]
    assert bench(ep.NEW_ORDER, {**resting, "price": "3"})[2].get(names[0]) is None  # a filter refuses it
    assert counts(bench(ep.TEST_ORDER, resting)[2]) == [None, None]
    assert counts(bench(ep.ORDER_COUNT)[2]) == [None, None]
    assert shown() == [4, 4]
    assert counts(bench(ep.NEW_ORDER, ORDER)[2]) == ["5", "5"]  # the fill is noted after the answer
    deadline = time.monotonic() + 30
    while shown() != [4, 4] and time.monotonic() < deadline:
        pass
    assert shown() == [4, 4]
    bench(ep.CANCEL_OPEN_ORDERS, {"symbol": "BTCUSDT"})
    assert shown() == [4, 4]


def test_over_the_order_limit_nothing_is_placed(opened_bench: Callable[..., Bench]) -> None:
    bench = opened_bench(limits={"ORDERS": (2, "1d"), "REQUEST_WEIGHT": (6_000, "1d")})
    resting = {**RESTING, "price": "30000"}
    assert bench(ep.NEW_ORDER, resting)[0] == 200
    oco = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.001", "aboveType": "LIMIT_MAKER", "abovePrice": "50000"}
    full = (429, -1015, "Too many new orders; current limit is 2 orders per 1 DAY.")
    refused = bench(ep.NEW_OCO, {**oco, "belowType": "STOP_LOSS", "belowStopPrice": "30000"})
    assert error(refused) == full
    assert 0 < int(refused[2]["retry-after"]) <= 86_400
    assert bench(ep.NEW_ORDER, resting)[0] == 200
    assert error(bench(ep.NEW_ORDER, resting)) == full
    assert error(bench(ep.NEW_ORDER, {"symbol": "BTCUSDT"}))[1] == -1102  # parameters come first
    assert bench(ep.TEST_ORDER, resting)[0] == 200
    assert len(bench(ep.OPEN_ORDERS)[1]) == 2
    other = bench.create()
    assert bench(ep.NEW_ORDER, resting, key=other)[0] == 200


def test_the_clock_is_looked_at_again_before_the_engine(opened_bench: Callable[..., Bench]) -> None:
    bench = opened_bench(latency=0.3, limits={"ORDERS": (9, "1d"), "REQUEST_WEIGHT": (6_000, "1d")})
    late = error(bench(ep.NEW_ORDER, {**RESTING, "price": "30000", "recvWindow": "100"}))
    assert late == (400, -1021, "Timestamp for this request is outside of the recvWindow.")
    assert [row["count"] for row in bench(ep.ORDER_COUNT)[1]] == [1]  # counted all the same
    assert bench(ep.OPEN_ORDERS)[1] == []
    assert error(bench(ep.ACCOUNT, {"recvWindow": "100"}))[1] == -1021
    begin = bench.answers.meter("127.0.0.1").limits(time.time())[0].count
    params = {**RESTING, "price": "30000", "timestamp": bench.clock.now_ms() - 200, "recvWindow": "100"}
    query = urlencode(params)
    target = f"{ep.NEW_ORDER.path}?{query}&signature={bench.sign(query)}"
    assert error(bench.raw("POST", target, X_MBX_APIKEY=bench.key.api_key))[1] == -1021  # late when it arrived
    assert [row["count"] for row in bench(ep.ORDER_COUNT)[1]] == [1]
    assert bench.answers.meter("127.0.0.1").limits(time.time())[0].count == begin + 1 + 40


@pytest.mark.parametrize("clock", [NOW, (NOW, 60)])
def test_timestamps_are_not_judged_off_real_speed(opened_bench: Callable[..., Bench], clock: Any) -> None:
    bench = opened_bench(clock=clock)
    query = "timestamp=1"
    target = f"{ep.ACCOUNT.path}?{query}&signature={bench.sign(query)}"
    assert bench.raw("GET", target, X_MBX_APIKEY=bench.key.api_key)[0] == 200


def test_error_bodies_may_carry_data(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    data = {"cancelResult": "SUCCESS", "newOrderResult": "FAILURE", "newOrderResponse": {"code": -2010, "msg": "x"}}

    def answer(_question: Question) -> Told:
        from cryptox.venues.binance.codes import Code

        raise Refused(Code.CANCEL_REPLACE_PARTIALLY_FAILED, text="partially", status=409, data=data)

    endpoint = ep.CANCEL_REPLACE
    monkeypatch.setitem(ROUTES, (endpoint.method, endpoint.path), (endpoint, Route((), answer)))
    status, body, _ = bench(endpoint)
    assert (status, body) == (409, {"code": -2021, "msg": "partially", "data": data})


def test_weight_limits_come_before_the_gate(opened_bench: Callable[..., Bench]) -> None:
    bench = opened_bench(limits={"REQUEST_WEIGHT": (45, "1d")})
    assert bench(ep.ORDER_COUNT)[0] == 200
    assert bench(ep.NEW_ORDER, {**RESTING, "price": "30000"})[0] == 200
    refused = bench.raw("GET", ep.ACCOUNT.path)
    assert error(refused)[:2] == (429, -1003)
    assert int(refused[2]["retry-after"]) > 0


def test_methods_that_a_path_does_not_take(bench: Bench) -> None:
    status, _, headers = bench.raw("PUT", ep.NEW_ORDER.path)
    assert (status, headers["allow"]) == (405, "DELETE, GET, POST")
    assert bench.raw("POST", "/api/v3/nothing")[0] == 404


def test_calls_lead_to_the_same_as_requests(bench: Bench) -> None:
    answers, now_us = bench.answers, bench.clock.now_us()
    stamp = {"apiKey": bench.key.api_key, "timestamp": now_us // 1_000}

    def call(endpoint: ep.Endpoint, params: dict[str, Any]) -> Done | Refused:
        sent = {**params, **stamp}
        sent["signature"] = bench.sign("&".join(f"{name}={sent[name]}" for name in sorted(sent)))
        passed = answers.gate.call(endpoint.security, sent, now_us)
        return bench.desk.call(lambda moment: answers.call(endpoint, sent, moment, time.time(), passed))

    resting = {**RESTING, "price": "30000", "newOrderRespType": "RESULT"}
    placed = call(ep.NEW_ORDER, {**resting, "returnRateLimits": "false"})
    assert isinstance(placed, Done)
    assert (placed.costs, placed.headers["x-mbx-order-count-1d"]) == (0, "1")
    order = json.loads(placed.body)
    assert order["status"] == "NEW"
    which = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    told = call(ep.ORDER, which)
    assert isinstance(told, Done)
    assert (told.costs, json.loads(told.body)) == (4, bench(ep.ORDER, which)[1])
    refused = call(ep.ORDER, {**which, "extra": 1})
    assert isinstance(refused, Refused)
    assert (int(refused.code), refused.text) == (
        -1104,
        "Not all sent parameters were read; read '5' parameter(s) but was sent '6'.",
    )
    meter = answers.meter("10.0.0.1")
    assert answers.settle("10.0.0.1", ep.NEW_ORDER, 1, placed, time.time()) == 0
    assert answers.settle("10.0.0.1", ep.NEW_ORDER, 1, refused, time.time()) == 1
    assert meter.limits(time.time())[0].count == 1
    counted = [(one.kind, one.interval, one.count) for one in answers.usage("10.0.0.1", time.time(), bench.account.uid)]
    assert counted == [("ORDERS", "SECOND", 1), ("ORDERS", "DAY", 1), ("REQUEST_WEIGHT", "DAY", 1)]
    assert [one.kind for one in answers.usage("10.0.0.1", time.time())] == ["REQUEST_WEIGHT"]


def test_public_calls_take_arrays_and_numbers(bench: Bench) -> None:
    symbols = ["BTCUSDT", "ETHUSDT"]
    for sent in (symbols, '["BTCUSDT","ETHUSDT"]'):
        done = bench.answers.call(ep.TICKER_PRICE, {"symbols": sent}, bench.clock.now_us(), time.time())
        assert isinstance(done, Done)
        assert ([row["symbol"] for row in json.loads(done.body)], done.costs) == (symbols, 4)
    depth = bench.answers.call(ep.DEPTH, {"symbol": "BTCUSDT", "limit": 3}, bench.clock.now_us(), time.time())
    assert isinstance(depth, Done)
    assert len(json.loads(depth.body)["bids"]) == 3
    bad = bench.answers.call(ep.DEPTH, {"symbol": "btc"}, bench.clock.now_us(), time.time())
    assert isinstance(bad, Refused)


def test_nothing_secret_is_shown(bench: Bench) -> None:
    query = urlencode(bench.stamped(None))
    headers = {"x-mbx-apikey": bench.key.api_key}
    sent = f"{query}&signature={bench.sign(query)}"
    asked = bench.answers.receive("GET", ep.ACCOUNT.path, sent, headers, "", now_us=bench.clock.now_us())
    assert not isinstance(asked.passed, Refused)
    assert bench.key.secret not in repr(asked)
    assert bench.sign(query) not in repr(asked)
