"""Somebody else's client for an account: signs with the standard library, so that nothing of ours judges itself."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import time
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import httpx

SYMBOL = "BTCUSDT"
_numbers = itertools.count()


class Outsider:
    """Places orders by REST, and says what the exchange knows."""

    def __init__(self, exchange: Any, keys: Any) -> None:
        self.exchange, self.keys = exchange, keys
        self._http = httpx.Client(trust_env=False, timeout=30)

    def __call__(self, method: str, path: str, **params: Any) -> Any:
        """The answer to a signed request; a refusal is an error."""
        query = urlencode({**params, "timestamp": int(time.time() * 1000), "recvWindow": 60_000})
        signature = hmac.new(self.keys.secret_key.encode(), query.encode(), hashlib.sha256).hexdigest()
        url = f"{self.exchange.rest_url}/api/v3/{path}?{query}&signature={signature}"
        answer = self._http.request(method, url, headers={"X-MBX-APIKEY": self.keys.api_key})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def close(self) -> None:
        self._http.close()

    def quote(self, symbol: str = SYMBOL) -> tuple[Decimal, Decimal]:
        """Best bid and ask."""
        url = f"{self.exchange.rest_url}/api/v3/ticker/bookTicker?symbol={symbol}"
        told = self._http.get(url).json()
        return Decimal(told["bidPrice"]), Decimal(told["askPrice"])

    def rest(self, share: str = "0.97", quantity: str = "0.01", *, symbol: str = SYMBOL, **params: Any) -> Any:
        """A buy order below the market, which waits."""
        price = (self.quote(symbol)[0] * Decimal(share)).quantize(Decimal("0.01"))
        asked = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": quantity, "price": str(price)}
        return self.order(symbol=symbol, **{**asked, **params})

    def market(self, side: str = "BUY", quantity: str = "0.01", *, symbol: str = SYMBOL, **params: Any) -> Any:
        """An order that takes at once."""
        return self.order(symbol=symbol, side=side, type="MARKET", quantity=quantity, **params)

    def order(self, **params: Any) -> Any:
        return self("POST", "order", **{"newClientOrderId": f"out-{next(_numbers)}", **params})

    def cancel(self, order: Any) -> Any:
        return self("DELETE", "order", symbol=order["symbol"], orderId=order["orderId"])

    def truth(self) -> tuple[list[Any], dict[str, Any]]:
        """Open orders and balances that are not zero, as the exchange tells them."""
        orders = [
            (
                *(one["symbol"], one["orderId"], one["clientOrderId"], one["status"].lower(), one["side"].lower()),
                *(one["type"], Decimal(one["origQty"]), Decimal(one["executedQty"]), Decimal(one["price"])),
                *(Decimal(one["cummulativeQuoteQty"]), one["updateTime"], one["time"], one["timeInForce"]),
                *(Decimal(one["stopPrice"]), one["orderListId"], Decimal(one.get("preventedQuantity", 0))),
            )
            for one in self("GET", "openOrders")
        ]
        balances = {
            one["asset"]: (Decimal(one["free"]), Decimal(one["locked"]))
            for one in self("GET", "account")["balances"]
            if Decimal(one["free"]) or Decimal(one["locked"])
        }
        return sorted(orders), balances

    def executed(self, symbol: str = SYMBOL) -> list[Any]:
        """All executions of the account on a symbol."""
        return [
            (one["id"], one["orderId"], Decimal(one["price"]), Decimal(one["qty"]), Decimal(one["commission"]),
             one["commissionAsset"], one["isMaker"], one["isBuyer"], one["time"])
            for one in self("GET", "myTrades", symbol=symbol, limit=1000)
        ]  # fmt: skip


def believed(blotter: Any) -> tuple[list[Any], dict[str, Any]]:
    """The same as a blotter knows it."""
    zero = Decimal(0)
    orders = [
        (
            *(one.symbol, one.order_id, one.client_order_id, one.status, one.side, one.type, one.quantity, one.filled),
            *(one.price or zero, one.quote_filled, one.updated_ms, one.time_ms, one.time_in_force),
            *(one.stop_price or zero, -1 if one.order_list_id is None else one.order_list_id, one.prevented),
        )
        for one in blotter.open_orders()
    ]
    balances = {asset: (one.free, one.locked) for asset, one in blotter.balances().items() if one.total}
    return sorted(orders), balances


def executions(blotter: Any, symbol: str = SYMBOL) -> list[Any]:
    """The executions that a blotter knows."""
    return [
        (one.id, one.order_id, one.price, one.quantity, one.fee, one.fee_asset, one.maker, one.side == "buy",
         one.time_ms)
        for one in blotter.fills(symbol)
    ]  # fmt: skip
