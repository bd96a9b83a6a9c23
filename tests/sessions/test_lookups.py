"""What became of a cancel of all orders, where its answer never came."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

import cryptox as cx
from cryptox.errors import NotSent, OrderRejected
from cryptox.model.orders import Order
from cryptox.sessions import lookups
from cryptox.sessions.acts import Known, Settled
from cryptox.sessions.journal import Entry
from tests.sessions.test_acting import FAR, at, exchange, session, soon, until
from tests.sessions.test_exactly_once import in_a_thread
from tests.sessions.test_questions import other

__all__ = ["exchange", "other", "session", "soon"]

SENT_MS = 1_000_000


def order(number: int, status: str = "new", *, placed_ms: int = SENT_MS, updated_ms: int = SENT_MS) -> Order:
    return Order(
        symbol="BTCUSDT", order_id=number, client_order_id=f"cx-{number}", side="buy", type="LIMIT", status=status,
        quantity=Decimal(1), time_ms=placed_ms, updated_ms=updated_ms,
    )  # fmt: skip


class Asks:
    """A session that knows what it is told, of an exchange that has these orders."""

    def __init__(self, *orders: Order, known: Known | None = None, claimed: tuple[int, ...] = ()) -> None:
        self._orders, self._known, self._claimed = orders, known, claimed
        self._trading_venue: Any = self

    def open_orders(self, _symbol: str) -> list[Order]:
        return [one for one in self._orders if one.is_active]

    def orders(self, _symbol: str, **_: Any) -> list[Order]:
        return list(self._orders)

    async def _ask_signed(self, request: Any) -> Any:
        return request

    def _heard(self, _symbol: str, _client_order_id: str) -> None:
        return None

    def _known_before(self, _entry: Entry) -> Known | None:
        return self._known

    def _may_have_canceled(self, _entry: Entry, one: Order) -> bool:
        return one.status == "canceled" and one.order_id not in self._claimed

    def _learn_of(self, result: Any) -> None:
        self.learned = [one.order_id for one in result]

    @property
    def _times_tell(self) -> bool:
        return True


def became(asks: Asks, **about: Any) -> list[int] | str:
    """Ids of the orders that are told to be canceled, or what is said instead."""
    entry = Entry("cx-1", "cancel_all", "BTCUSDT", SENT_MS, SENT_MS + 2_000, about)
    try:
        return [one.order_id for one in asyncio.run(lookups.Lister(asks).all_canceled(entry))]
    except Settled as settled:
        return type(settled.error).__name__


def test_one_that_was_there_and_stands_proves_that_it_was_not_done() -> None:
    """By its id, where the exchange's clock stood still or was set: another call canceled what is gone."""
    gone = order(6, "canceled")
    assert became(Asks(order(5), gone), last=6) == "NotSent"
    assert became(Asks(order(5), gone), last=5) == "NotSent"
    assert became(Asks(order(5), gone), last=4) == [6]
    assert became(Asks(order(5), gone)) == [6]
    assert became(Asks(order(5, placed_ms=SENT_MS - 1), gone)) == "NotSent"


def test_what_is_newer_proves_nothing_though_a_clock_that_was_set_back_says_older() -> None:
    """Of its cancels the times are those of a clock that went back before the newer one was placed."""
    gone = [order(number, "canceled", updated_ms=SENT_MS + 3_000) for number in (5, 6, 7)]
    assert became(Asks(*gone, order(8, placed_ms=SENT_MS + 500)), last=7) == [5, 6, 7]


def test_what_was_known_to_be_canceled_before_is_none_of_its_doing() -> None:
    known = Known(frozenset({6}), frozenset({5}))
    asks = Asks(order(5, "canceled"), order(6, "canceled"), order(7, "canceled"), known=known, claimed=(7,))
    assert became(asks, last=6) == [6]
    assert asks.learned == [6]  # or each further call would look for it again


def test_what_was_open_is_told_though_the_clock_was_set_back_a_little() -> None:
    late, early = (order(number, "canceled", updated_ms=SENT_MS - 300) for number in (5, 6))
    known = Known(frozenset({5}), frozenset())
    assert became(Asks(late, early, known=known), last=5) == [5]
    assert became(Asks(order(5, "canceled", updated_ms=SENT_MS - 60_000), known=known), last=5) == []


def test_nothing_that_is_open_was_there_and_nothing_is_gone() -> None:
    assert became(Asks(order(6, placed_ms=SENT_MS + 5)), last=5) == "NotSent"
    assert became(Asks(order(4, "filled"), order(5, "canceled", updated_ms=SENT_MS - 1)), last=5) == []


def test_all_that_were_canceled_are_told_however_many(
    exchange: cx.PaperExchange, session: cx.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "LAST_ORDERS", 2)
    orders = [session.buy("BTCUSDT", "0.001", FAR) for _ in range(5)]
    exchange.faults.add("drop", path="openOrders", method="DELETE", times=1)
    assert list(session.cancel_all("BTCUSDT").index) == [order.order_id for order in orders]


@pytest.fixture
def standing() -> Iterator[tuple[cx.PaperExchange, cx.Session]]:
    """A session on a market that stands still: all its times are one."""
    with (
        cx.PaperExchange(clock="2024-06-01 12:00", symbols=["BTCUSDT"]) as exchange,
        cx.connect(exchange, order_timeout=0.5, order_recv_window=300) as connected,
    ):
        yield exchange, connected


def test_what_another_call_cancels_is_no_sign_that_all_were(standing: tuple[cx.PaperExchange, cx.Session]) -> None:
    exchange, session = standing
    stays, goes = (session.buy("BTCUSDT", "0.001", "10000") for _ in range(2))
    dropped = exchange.faults.add("drop", path="openOrders", method="DELETE", times=1, accepted=False)
    told = in_a_thread(lambda: session.cancel_all("BTCUSDT"))
    until(lambda: dropped.hits == 1)
    session.cancel_order("BTCUSDT", goes)
    with pytest.raises(NotSent):
        told()
    assert list(session.open_orders("BTCUSDT").index) == [stays.order_id]


def test_what_another_call_has_canceled_is_not_told_twice(exchange: cx.PaperExchange, session: cx.Session) -> None:
    """The request may come yet, and take an order that is newer than that."""
    order = session.buy("BTCUSDT", "0.001", FAR)
    late = exchange.faults.add("latency", seconds=2.6, path="openOrders", method="DELETE", times=1)
    told = in_a_thread(lambda: session.cancel_all("BTCUSDT"))
    until(lambda: late.hits == 1)
    session.cancel_order("BTCUSDT", order)
    newer = session.buy("BTCUSDT", "0.001", FAR)
    try:
        found = list(told().index)
    except NotSent:
        found = []
    until(lambda: all(one.status is not None for one in exchange.requests))
    gone = session.order("BTCUSDT", newer.order_id).status == "canceled"
    assert found == [newer.order_id] * gone


def test_a_cancel_in_doubt_does_not_take_what_was_canceled_before(
    exchange: cx.PaperExchange, session: cx.Session
) -> None:
    order = session.buy("BTCUSDT", "0.001", FAR)
    session.cancel_order("BTCUSDT", order)
    exchange.faults.add("drop", path="order", method="DELETE", times=1)
    with pytest.raises(OrderRejected, match="was canceled before"):
        session.cancel_order("BTCUSDT", order)


def test_a_list_cancel_in_doubt_does_not_take_what_another_program_canceled_before(
    exchange: cx.PaperExchange, other: tuple[cx.Session, cx.Session]
) -> None:
    one, two = other
    pair = one.place_oco("BTCUSDT", "sell", "0.001", price=at(one, 1.1), stop_price=at(one, 0.9))
    gone = two.cancel_order_list("BTCUSDT", pair)
    until(lambda: time.time() * 1000 > max(order.updated_ms for order in gone.orders) + 1_500)
    exchange.faults.add("drop", path="orderList", method="DELETE", times=1)
    with pytest.raises(OrderRejected, match="had come to its end before"):
        one.cancel_order_list("BTCUSDT", pair)


class OneOrder(Asks):
    """An exchange that has one order, whatever it is asked for by."""

    def order(self, _ref: Any) -> Order:
        return self._orders[0]

    async def _ask_signed(self, request: Any) -> Any:
        return request


def test_a_cancel_is_not_done_while_its_order_stands() -> None:
    entry = Entry("cx-1", "cancel_order", "BTCUSDT", SENT_MS, SENT_MS + 2_000, {"order_id": 5})
    assert asyncio.run(lookups.Lister(OneOrder(order(5))).canceled(entry)) is None
    gone = order(5, "canceled")
    assert asyncio.run(lookups.Lister(OneOrder(gone)).canceled(entry)) is gone


@pytest.mark.parametrize("duplicate", [True, False])
def test_an_order_of_before_under_its_id_ends_the_doubt_where_the_exchange_meant_it(duplicate: bool) -> None:
    about = {"given": True, "former": 5, "duplicate": duplicate}
    entry = Entry("mine", "place_order", "BTCUSDT", SENT_MS, SENT_MS + 2_000, about)
    looked = lookups.Lister(OneOrder(order(5))).placed(entry)
    if duplicate:
        with pytest.raises(Settled):
            asyncio.run(looked)
    else:
        assert asyncio.run(looked) is None


def test_no_request_is_a_second_ahead_of_the_exchange() -> None:
    entry = Entry("mine", "place_order", "BTCUSDT", SENT_MS, SENT_MS + 2_000, {"given": True})
    assert lookups.is_another(entry, order(5, placed_ms=SENT_MS - lookups.AHEAD_MS))
    assert not lookups.is_another(entry, order(5, placed_ms=SENT_MS - lookups.AHEAD_MS + 1))
