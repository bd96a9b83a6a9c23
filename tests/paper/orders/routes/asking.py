"""Somebody who sends orders to the routes of an exchange on which nothing moves."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from cryptox.paper.accounts import Accounts
from cryptox.paper.answers import Answers, Done
from cryptox.paper.gate import Pass
from cryptox.paper.refusals import Refused
from cryptox.paper.trading.engine import Engine
from cryptox.paper.weights import read_limits
from cryptox.venues.binance import endpoints as ep

NOW_US = 1_717_243_230_500_000
UNKNOWN = (400, -2011, "Unknown order sent.")
EITHER = "Param '%s' or '%s' must be sent, but both were empty/null!"
BUY = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "39000"}
OCO = {
    "side": "SELL",
    "quantity": "0.01",
    "aboveType": "LIMIT_MAKER",
    "abovePrice": "41000",
    "belowType": "STOP_LOSS",
    "belowStopPrice": "39000",
}
OTO = {
    "workingType": "LIMIT",
    "workingSide": "BUY",
    "workingPrice": "39000",
    "workingQuantity": "0.01",
    "workingTimeInForce": "GTC",
    "pendingType": "LIMIT_MAKER",
    "pendingSide": "SELL",
    "pendingPrice": "41000",
}


@dataclass
class Trader:
    """An account with a million of everything, and what it is told: JSON, or (status, code, text)."""

    market: Any
    limits: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        accounts = Accounts(7)
        self.account, self.key = accounts.create(dict.fromkeys(("BTC", "USDT"), Decimal(1_000_000)), NOW_US)
        self.engine = Engine(self.market, accounts.accounts)
        self.records = self.engine.records
        self.answers = Answers(self.market, read_limits(self.limits or None), accounts=accounts, engine=self.engine)
        self.refused: Refused | None = None
        self.headers: dict[str, str] = {}
        self.costs: int | None = None
        self.real_now = time.time() // 10 * 10

    def __call__(self, endpoint: ep.Endpoint, /, symbol: str = "BTCUSDT", now_us: int = NOW_US, **params: Any) -> Any:
        passed = Pass(self.account, self.key, None)
        made = self.answers.call(endpoint, {"symbol": symbol, **params}, now_us, self.real_now, passed)
        if isinstance(made, Refused):
            self.refused = made
            return made.status, int(made.code), made.text
        assert isinstance(made, Done)
        self.headers, self.costs = made.headers, made.costs
        return json.loads(made.body)

    @property
    def state(self) -> Any:
        """All that a placement may leave behind."""
        money = {asset: (one.free, one.locked) for asset, one in self.account.balances.items()}
        counters = {name: (one.order, one.execution) for name, one in self.records.counters.items()}
        used = self.answers.counts.headers(self.account.uid, self.real_now)
        return money, counters, self.records.newest_list, len(list(self.records.all_orders())), used

    def open_ids(self) -> list[str]:
        return [order.client_id for order in self.records.open_orders(self.account.uid)]
