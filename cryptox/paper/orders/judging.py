"""The filters once more, for orders that start later than they were placed: what the engine asks when they do."""

from __future__ import annotations

from cryptox.paper.averages import Averages
from cryptox.paper.market import Market
from cryptox.paper.trading.orders import Order

from .checks import rules_of
from .filters import Context

__all__ = ["FilterJudge"]


class FilterJudge:
    """A ``Judge`` by the filters of each symbol. ``market``: the one that everybody sees, users' trades included."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._averages = Averages(market)

    def __call__(self, order: Order, price: int, quantity: int, last: int, now_us: int) -> str | None:
        """The first filter that an order fails when it starts; None where it passes them all."""
        symbol, now_ms = order.symbol, now_us // 1000
        context = Context(
            average=lambda minutes: self._averages.of(symbol, minutes, now_ms, lambda: last), last=lambda: last
        )
        return rules_of(self._market.listings[symbol]).start_failure(order, price, quantity, context)
