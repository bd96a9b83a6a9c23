"""What is new in what was told of an account: the blotter takes it, and the rest is passed on as events."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from cryptox.model.account import Balance
from cryptox.model.events import Event
from cryptox.model.orders import Fill, Order
from cryptox.model.updates import BalanceUpdate, OrderUpdate

if TYPE_CHECKING:
    from .blotter import Blotter
    from .reconcile import Truth

__all__ = ["news_of_answer", "news_of_event", "news_of_truth"]

MILLISECOND = 1_000  # in the unit in which changes of balances are ordered: answers tell no more than that


def news_of_event(blotter: Blotter, told: OrderUpdate | tuple[BalanceUpdate, ...]) -> list[Event]:
    """What is new in an event."""
    if isinstance(told, OrderUpdate):
        return _orders(blotter, told.order, told)
    return [one for one in told if blotter.apply_balance(_balance(one), one.updated_us)]


def news_of_answer(blotter: Blotter, order: Order, received_ns: int) -> list[Event]:
    """What is new in what an answer says of an order."""
    return _orders(blotter, order, OrderUpdate(order.symbol, order.updated_ms, received_ns, order))


def news_of_truth(blotter: Blotter, truth: Truth, received_ns: int, told: Collection[str] = ()) -> list[Event]:
    """What is new in a look at the account; ``told`` are assets of which events told while it was under way."""
    news: list[Event] = []
    for order in truth.orders:
        news += news_of_answer(blotter, order, received_ns)
    before, account = blotter.balances(), truth.account
    updated_us = account.updated_ms * MILLISECOND
    blotter.apply_balances(account.balances.values(), updated_us, within=MILLISECOND, newer=told)
    for asset, balance in blotter.balances().items():
        if balance != before.get(asset):
            news.append(BalanceUpdate(asset, account.updated_ms, received_ns, updated_us, balance.free, balance.locked))
    return news


def _orders(blotter: Blotter, order: Order, told: OrderUpdate) -> list[Event]:
    unknown = [fill for fill in order.fills if not blotter.knows_fill(fill)]
    changed = blotter.apply_order(order)
    current = blotter.order(order.symbol, order.order_id) if changed else None
    if current is None:
        return []
    new = [fill for fill in unknown if blotter.knows_fill(fill)]
    if not new:
        execution = None if told.execution == "trade" else told.execution
        return [_update(told, current, execution, None)]
    return [_update(told, current, "trade", fill) for fill in new]


def _update(told: OrderUpdate, current: Order, execution: str | None, fill: Fill | None) -> OrderUpdate:
    return OrderUpdate(told.symbol, told.event_time_ms, told.received_ns, current, execution, fill, told.reason)


def _balance(told: BalanceUpdate) -> Balance:
    return Balance(asset=told.asset, free=told.free, locked=told.locked)
