"""The official SDK (binance-sdk-spot) at a paper exchange: its REST client, with orders, lists and every refusal.

    PEER_PYTHON tests/clients/official_sdk.py < addresses.json

The client is not changed; the lines between the marks are all that points it at the exchange. What the SDK says in its
log of an answer that does not fit its models counts as a failed check.
"""

from __future__ import annotations

import logging
import time
from decimal import Decimal
from typing import Any
from unittest import mock

from checks import ATOM, ZERO, Checks, exact, one_candle, told

TOLD = told()
rest_url, stream_url, ws_api_url = TOLD["rest_url"], TOLD["stream_url"], TOLD["ws_api_url"]
api_key, secret_key = TOLD["api_key"], TOLD["secret_key"]

# documented: begin
from binance_common.configuration import (  # noqa: E402
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_sdk_spot.spot import Spot  # noqa: E402

client = Spot(
    config_rest_api=ConfigurationRestAPI(api_key=api_key, api_secret=secret_key, base_path=rest_url),
    config_ws_api=ConfigurationWebSocketAPI(api_key=api_key, api_secret=secret_key, stream_url=ws_api_url),
    config_ws_streams=ConfigurationWebSocketStreams(stream_url=f"{stream_url}/stream"),
)
# documented: end

from binance_common.errors import BadRequestError, UnauthorizedError  # noqa: E402

SYMBOL = "BTCUSDT"
HOUR_MS, MINUTE_MS = 3_600_000, 60_000
START = {asset: exact(amount) for asset, amount in TOLD["balances"].items()}
TAKER, STEP = Decimal("0.001"), Decimal("0.00001")
FUNDS = "Account has insufficient balance for requested action."

checks = Checks(lambda error: (error.status_code, error.error_message))  # the SDK calls the code a status
rest = client.rest_api


class Complaints(logging.Handler):
    """What the SDK warns of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(record.getMessage())


complaints = Complaints()
logging.getLogger().addHandler(complaints)


def plain(model: Any) -> Any:
    """A model as the mapping that came over the wire."""
    inner = getattr(model, "actual_instance", None)
    model = model if inner is None else inner
    if isinstance(model, dict | list):
        return model
    return model.model_dump(by_alias=True, exclude_none=True, exclude={"additional_properties"})


def held() -> dict[str, tuple[Decimal, Decimal]]:
    rows = rest.get_account(omit_zero_balances=True).data().balances
    return {row.asset: (exact(row.free), exact(row.locked)) for row in rows}


def best_bid() -> Decimal:
    return exact(plain(rest.ticker_book_ticker(symbol=SYMBOL).data())["bidPrice"])


def markets() -> None:
    ahead_ms = rest.time().data().server_time - time.time() * 1000
    checks.true("server time", abs(ahead_ms) < 1000, f"{ahead_ms:.0f} ms ahead")
    answer = rest.exchange_info(symbols=["BTCUSDT", "ETHUSDT"])
    checks.equal("markets", [one.symbol for one in answer.data().symbols], ["BTCUSDT", "ETHUSDT"])
    filters = {plain(one)["filterType"]: plain(one) for one in answer.data().symbols[0].filters}
    checks.equal(
        "tick and step",
        (filters["PRICE_FILTER"]["tickSize"], filters["LOT_SIZE"]["stepSize"]),
        ("0.01000000", "0.00001000"),
    )
    used = {(limit.rateLimitType, limit.interval, limit.intervalNum) for limit in answer.rate_limits}
    checks.true("used weight in the headers", ("REQUEST_WEIGHT", "MINUTE", 1) in used, used)
    price = exact(plain(rest.ticker_price(symbol=SYMBOL).data())["price"])
    ticker = plain(rest.ticker24hr(symbol=SYMBOL).data())
    low, high = (exact(ticker[name]) for name in ("lowPrice", "highPrice"))
    checks.true("ticker", low * Decimal("0.999") <= price <= high * Decimal("1.001"), (low, price, high))


def candles_depth_trades() -> None:
    hour = (int(time.time() * 1000) // HOUR_MS - 1) * HOUR_MS
    whole = rest.klines(symbol=SYMBOL, interval="1h", start_time=hour, limit=1).data()
    minutes = rest.klines(symbol=SYMBOL, interval="1m", start_time=hour, limit=60).data()
    checks.equal("an hour is its 60 minutes", one_candle(minutes), one_candle(whole))
    book = rest.depth(symbol=SYMBOL, limit=100).data()
    bids, asks = ([exact(price) for price, _ in rows] for rows in (book.bids, book.asks))
    checks.true("depth", bids == sorted(bids, reverse=True) and asks == sorted(asks) and bids[0] < asks[0], bids[0])
    rows = [plain(row) for row in rest.get_trades(symbol=SYMBOL, limit=50).data()]
    checks.equal("trade ids", [row["id"] for row in rows], list(range(rows[0]["id"], rows[0]["id"] + 50)))
    old = rest.historical_trades(symbol=SYMBOL, from_id=rows[0]["id"], limit=50).data()
    checks.equal("the same trades by id", [plain(row) for row in old], rows)


def refusals() -> None:
    bid = best_bid()
    order = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": "0.01"}
    order["price"] = f"{bid * Decimal('0.9'):.2f}"

    with checks.refused("wrong symbol", BadRequestError, -1121, "Invalid symbol."):
        rest.depth(symbol="NOPEUSDT")
    with checks.refused("wrong interval", BadRequestError, -1120, "Invalid interval."):
        rest.klines(symbol=SYMBOL, interval="7m")
    with checks.refused("LOT_SIZE", BadRequestError, -1013, "Filter failure: LOT_SIZE"):
        rest.new_order(**{**order, "quantity": "0.000015"})
    with checks.refused("PRICE_FILTER", BadRequestError, -1013, "Filter failure: PRICE_FILTER"):
        rest.new_order(**{**order, "price": f"{order['price']}5"})
    with checks.refused("NOTIONAL", BadRequestError, -1013, "Filter failure: NOTIONAL"):
        rest.new_order(**{**order, "quantity": "0.00001"})
    with checks.refused("insufficient funds", BadRequestError, -2010, FUNDS):
        rest.new_order(**{**order, "quantity": "100"})
    with checks.refused("cancel of no order", BadRequestError, -2011, "Unknown order sent."):
        rest.delete_order(symbol=SYMBOL, order_id=999_999_999)
    with checks.refused("query of no order", BadRequestError, -2013, "Order does not exist."):
        rest.get_order(symbol=SYMBOL, order_id=999_999_999)
    text = "Signature for this request is not valid."
    with checks.refused("bad signature", BadRequestError, -1022, text):
        stranger(api_secret=secret_key[::-1]).get_account()
    text = "Invalid API-key, IP, or permissions for action."
    with checks.refused("unknown key", UnauthorizedError, -2015, text):
        stranger(api_key=api_key[::-1]).get_account()
    text = "Timestamp for this request is outside of the recvWindow."
    slow = time.time() - 60
    with checks.refused("stale timestamp", BadRequestError, -1021, text), mock.patch("time.time", return_value=slow):
        rest.get_account()
    checks.equal("nothing of that left an order", rest.all_orders(symbol=SYMBOL).data(), [])
    checks.equal("nor moved a balance", held(), {asset: (amount, ZERO) for asset, amount in START.items()})


def stranger(**changed: Any) -> Any:
    keys = {"api_key": api_key, "api_secret": secret_key, **changed}
    return Spot(config_rest_api=ConfigurationRestAPI(base_path=rest_url, **keys)).rest_api


def blocking_orders() -> None:
    before, bid = held(), best_bid()
    price = f"{bid * Decimal('0.9'):.2f}"
    answer = rest.new_order(symbol=SYMBOL, side="BUY", type="LIMIT", time_in_force="GTC", quantity="0.02", price=price)
    order = answer.data()
    checks.equal("limit order, answer", (order.status, order.price, order.fills), ("NEW", f"{price}000000", []))
    kinds = {limit.rateLimitType for limit in answer.rate_limits}
    checks.true("order count in the headers", "ORDERS" in kinds, kinds)
    query = rest.get_order(symbol=SYMBOL, order_id=order.order_id).data()
    checks.equal("limit order, query", (query.status, query.orig_qty, query.is_working), ("NEW", "0.02000000", True))
    locked = exact(price) * Decimal("0.02")
    checks.equal("funds locked", held()["USDT"], (before["USDT"][0] - locked, locked))
    amended = rest.order_amend_keep_priority(symbol=SYMBOL, order_id=order.order_id, new_qty="0.01").data()
    checks.equal("amend", (amended.amended_order.qty, amended.amended_order.status), ("0.01000000", "NEW"))
    checks.equal("amend frees funds", held()["USDT"], (before["USDT"][0] - locked / 2, locked / 2))
    cancel = rest.delete_order(symbol=SYMBOL, order_id=order.order_id).data()
    checks.equal("cancel", (plain(cancel)["status"], plain(cancel)["origQty"]), ("CANCELED", "0.01000000"))
    checks.equal("funds back", held(), before)
    bought = rest.new_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.4").data()
    spent = sum((exact(one.price) * exact(one.qty)).quantize(ATOM) for one in bought.fills)
    fee = sum(exact(one.commission) for one in bought.fills)
    checks.equal("market order", (bought.status, exact(bought.cummulative_quote_qty)), ("FILLED", spent))
    after = {**before, "BTC": (before["BTC"][0] + Decimal("0.4") - fee, ZERO)}
    after["USDT"] = (before["USDT"][0] - spent, ZERO)
    checks.equal("market order, balances", held(), after)
    mine = rest.my_trades(symbol=SYMBOL, order_id=bought.order_id).data()
    checks.equal(
        "my trades",
        [(one.id, one.qty, one.commission) for one in mine],
        [(one.trade_id, one.qty, one.commission) for one in bought.fills],
    )
    rates = rest.account_commission(symbol=SYMBOL).data().standard_commission
    checks.equal("commission rates", (exact(rates.taker), fee), (TAKER, Decimal("0.4") * TAKER))


def other_keys() -> None:
    """Ed25519 and RSA sign as well as a shared secret does."""
    price = f"{best_bid() * Decimal('0.9'):.2f}"
    for kind in ("ed25519", "rsa"):
        config = ConfigurationRestAPI(base_path=rest_url, **TOLD[kind])
        signer = Spot(config_rest_api=config).rest_api
        limit = {"type": "LIMIT", "time_in_force": "GTC", "quantity": "0.01", "price": price}
        order = signer.new_order(symbol=SYMBOL, side="BUY", **limit).data()
        cancel = plain(signer.delete_order(symbol=SYMBOL, order_id=order.order_id).data())
        checks.equal(f"order signed with {kind}", (order.status, cancel["status"]), ("NEW", "CANCELED"))


def every_other_answer() -> None:
    """What no other part asks for fits the SDK's models as well; it would log where it does not."""
    there = {"symbol": SYMBOL}
    price = f"{best_bid() * Decimal('0.9'):.2f}"
    limit = {**there, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": "0.01", "price": price}
    list_ = {
        **there,
        "working_type": "LIMIT",
        "working_side": "BUY",
        "working_price": price,
        "working_quantity": "0.01",
        "working_time_in_force": "GTC",
        "pending_side": "SELL",
    }
    legs = {
        "pending_above_type": "TAKE_PROFIT",
        "pending_above_stop_price": f"{exact(price) * 2:.2f}",
        "pending_below_type": "STOP_LOSS",
        "pending_below_stop_price": f"{exact(price) / 2:.2f}",
    }
    calls = [
        (rest.ui_klines, {**there, "interval": "1d"}),
        (rest.agg_trades, there),
        (rest.avg_price, there),
        (rest.ticker, there),
        (rest.ticker, {"symbols": [SYMBOL, "ETHUSDT"], "window_size": "4h", "type": "MINI"}),
        (rest.ticker24hr, {}),
        (rest.ticker_trading_day, there),
        (rest.ticker_price, {}),
        (rest.ticker_book_ticker, {}),
        (rest.execution_rules, there),
        (rest.historical_block_trades, {**there, "from_id": 0}),
        (rest.my_filters, there),
        (rest.rate_limit_order, {}),
        (rest.my_allocations, there),
        (rest.my_prevented_matches, {**there, "order_id": 1}),
        (rest.order_test, limit),
        (rest.order_test, {**limit, "compute_commission_rates": True}),
        (rest.new_order, {**limit, "iceberg_qty": "0.005", "strategy_id": 7, "strategy_type": 1_000_001}),
        (rest.new_order, {**there, "side": "SELL", "type": "STOP_LOSS", "quantity": "0.01", "trailing_delta": 900}),
        (rest.order_list_opo, {**list_, "pending_type": "MARKET"}),
        (rest.order_list_otoco, {**list_, "pending_quantity": "0.01", **legs}),
        (rest.order_list_opoco, {**list_, **legs}),
        (rest.get_open_orders, {}),
        (rest.open_order_list, {}),
        (rest.all_order_list, {}),
        (rest.all_orders, there),
        (rest.delete_open_orders, there),
    ]
    before, done = held(), len(complaints.told)
    for call, asked in calls:
        call(**asked).data()
    checks.equal(f"{len(calls)} further answers fit the models", complaints.told[done:], [])
    checks.equal("and leave the balances", held(), before)
    for name, call, code, text in (
        ("reference price", rest.reference_price, -2043, "This symbol doesn't have a reference price."),
        (
            "reference price, calculation",
            rest.reference_price_calculation,
            -2043,
            "This symbol doesn't have a reference price.",
        ),
        (
            "smart order routing",
            lambda symbol: rest.sor_order(symbol, "BUY", "MARKET", "0.01"),
            -1020,
            "This operation is not supported.",
        ),
    ):
        with checks.refused(name, BadRequestError, code, text):
            call(SYMBOL)


def list_orders() -> None:
    before, bid = held(), best_bid()
    answer = rest.order_list_oco(
        symbol=SYMBOL,
        side="SELL",
        quantity="0.1",
        above_type="TAKE_PROFIT_LIMIT",
        above_price=f"{bid * 2:.2f}",
        above_stop_price=f"{bid * 2 - 1:.2f}",
        above_time_in_force="GTC",
        below_type="STOP_LOSS",
        below_stop_price=f"{bid / 2:.2f}",
    ).data()
    placed = (answer.contingency_type, answer.list_order_status, len(answer.orders))
    checks.equal("OCO", placed, ("OCO", "EXECUTING", 2))
    checks.equal("OCO locks once", held()["BTC"], (before["BTC"][0] - Decimal("0.1"), Decimal("0.1")))
    again = rest.get_order_list(order_list_id=answer.order_list_id).data()
    checks.equal("OCO, query", {one.order_id for one in again.orders}, {one.order_id for one in answer.orders})
    done = rest.delete_order_list(symbol=SYMBOL, order_list_id=answer.order_list_id).data()
    checks.equal(
        "OCO, cancelled",
        (done.list_order_status, {one.status for one in done.order_reports}),
        ("ALL_DONE", {"CANCELED"}),
    )
    checks.equal("OCO, funds back", held(), before)
    answer = rest.order_list_oto(
        symbol=SYMBOL,
        working_type="LIMIT",
        working_side="BUY",
        working_price=f"{bid * Decimal('0.9'):.2f}",
        working_quantity="0.01",
        working_time_in_force="GTC",
        pending_type="LIMIT",
        pending_side="SELL",
        pending_quantity="0.01",
        pending_price=f"{bid * 2:.2f}",
        pending_time_in_force="GTC",
    ).data()
    checks.equal("OTO, states", sorted(one.status for one in answer.order_reports), ["NEW", "PENDING_NEW"])
    cancelled = [plain(one) for one in rest.delete_open_orders(symbol=SYMBOL).data()]
    checks.equal("cancel all", [one.get("orderListId") for one in cancelled], [answer.order_list_id])
    checks.equal("cancel all, funds back", held(), before)


def main() -> None:
    checks.part("markets", markets)
    checks.part("candles, depth, trades", candles_depth_trades)
    checks.part("refusals", refusals)
    checks.part("blocking orders", blocking_orders)
    checks.part("other keys", other_keys)
    checks.part("order lists", list_orders)
    checks.part("every other answer", every_other_answer)
    checks.equal("the SDK had nothing to complain of", complaints.told, [])
    checks.end()


if __name__ == "__main__":
    main()
