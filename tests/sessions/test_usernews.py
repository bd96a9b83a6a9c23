"""What of the things told is news: each change once, with the order as it stands."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cryptox.model.account import Account, Balance
from cryptox.model.orders import Fill, Order
from cryptox.model.updates import BalanceUpdate, OrderUpdate
from cryptox.sessions.blotter import Blotter
from cryptox.sessions.reconcile import Truth
from cryptox.sessions.usernews import news_of_answer, news_of_event, news_of_truth

D = Decimal
ONE = Fill(
    time_ms=1_001,
    symbol="BTCUSDT",
    id=1,
    order_id=5,
    side="buy",
    price=D(100),
    quantity=D(1),
    quote_quantity=D(100),
    fee=D(0),
    fee_asset="BTC",
    maker=True,
)
TWO = Fill(**{**{name: getattr(ONE, name) for name in ONE.__slots__}, "id": 2, "time_ms": 1_002})


def order(**values: Any) -> Order:
    given = {"symbol": "BTCUSDT", "order_id": 5, "client_order_id": "a", "side": "buy", "type": "LIMIT"}
    return Order(**{**given, "status": "new", "quantity": D(10), "updated_ms": 1_000, **values})


def event(state: Order, execution: str, fill: Fill | None = None, sent_ms: int = 1_010) -> OrderUpdate:
    return OrderUpdate("BTCUSDT", sent_ms, 7, state.changed(fills=(fill,) if fill else ()), execution, fill)


def shown(news: list[Any]) -> list[Any]:
    return [(one.execution, one.status, one.filled, one.fill) for one in news]


def test_each_change_is_told_once_with_the_order_as_it_stands() -> None:
    blotter = Blotter()
    new = event(order(), "new")
    assert shown(news_of_event(blotter, new)) == [("new", "new", 0, None)]
    assert news_of_event(blotter, new) == []
    half = order(status="partially_filled", filled=D(1))
    assert shown(news_of_event(blotter, event(half, "trade", ONE))) == [("trade", "partially_filled", 1, ONE)]
    assert news_of_event(blotter, event(half, "trade", ONE)) == []
    assert news_of_event(blotter, new) == []


def test_a_late_execution_is_told_with_the_newer_order() -> None:
    blotter = Blotter()
    more = order(status="partially_filled", filled=D(2))
    assert shown(news_of_event(blotter, event(more, "trade", TWO))) == [("trade", "partially_filled", 2, TWO)]
    late = event(order(status="partially_filled", filled=D(1)), "trade", ONE, 1_005)
    (news,) = news_of_event(blotter, late)
    assert shown([news]) == [("trade", "partially_filled", 2, ONE)]
    assert news.order.fills == (ONE, TWO)
    assert (news.event_time_ms, news.received_ns) == (1_005, 7)


def test_an_answer_with_executions_tells_each_and_events_of_them_are_no_news() -> None:
    blotter = Blotter()
    done = order(status="filled", quantity=D(2), filled=D(2), fills=(ONE, TWO))
    assert shown(news_of_answer(blotter, done, 9)) == [("trade", "filled", 2, ONE), ("trade", "filled", 2, TWO)]
    assert news_of_event(blotter, event(order(quantity=D(2)), "new")) == []
    half = order(status="partially_filled", quantity=D(2), filled=D(1))
    assert news_of_event(blotter, event(half, "trade", ONE)) == []


def test_of_executions_only_those_not_known_yet_are_news() -> None:
    blotter = Blotter()
    news_of_event(blotter, event(order(status="partially_filled", quantity=D(2), filled=D(1)), "trade", ONE))
    done = order(status="filled", quantity=D(2), filled=D(2), fills=(ONE, TWO))
    assert shown(news_of_answer(blotter, done, 9)) == [("trade", "filled", 2, TWO)]


def test_an_answer_without_executions_says_that_something_was_told() -> None:
    blotter = Blotter()
    (news,) = news_of_answer(blotter, order(status="canceled"), 9)
    assert (news.execution, news.status, news.event_time_ms, news.received_ns) == (None, "canceled", 1_000, 9)


def balance(asset: str, free: int) -> Balance:
    return Balance(asset=asset, free=D(free), locked=D(0))


def account(updated_ms: int, *balances: Balance) -> Account:
    rates = dict.fromkeys(("maker", "taker", "buyer", "seller"), D(0))
    rights = dict.fromkeys(("can_trade", "can_withdraw", "can_deposit"), True)
    return Account(
        **rights,
        **rates,
        account_type="SPOT",
        permissions=("SPOT",),
        updated_ms=updated_ms,
        balances={one.asset: one for one in balances},
    )


def told(asset: str, free: int, updated_us: int) -> BalanceUpdate:
    return BalanceUpdate(asset, updated_us // 1_000, 7, updated_us, D(free), D(0))


def test_balances_are_news_when_they_are_others() -> None:
    blotter = Blotter()
    both = (told("BTC", 5, 10_400), told("ETH", 5, 10_400))
    assert news_of_event(blotter, both) == list(both)
    assert news_of_event(blotter, both) == []
    assert news_of_event(blotter, (told("BTC", 5, 10_500), told("ETH", 6, 10_500))) == [told("ETH", 6, 10_500)]
    assert news_of_event(blotter, (told("BTC", 4, 10_300),)) == []


def test_a_look_counts_before_what_was_known_of_its_millisecond_but_not_before_what_came_meanwhile() -> None:
    blotter = Blotter()
    news_of_event(blotter, tuple(told(asset, 5, 10_400) for asset in ("BTC", "ETH", "USDT")))
    look = Truth(account(10, balance("BTC", 6), balance("ETH", 6)), [order()])
    news = news_of_truth(blotter, look, 9, {"ETH"})
    assert shown(news[:1]) == [(None, "new", 0, None)]
    assert [(one.asset, one.free, one.updated_us) for one in news[1:]] == [("BTC", 6, 10_000), ("USDT", 0, 10_000)]
    assert blotter.balances()["ETH"].free == 5
    assert news_of_truth(blotter, look, 9, {"ETH"}) == []
