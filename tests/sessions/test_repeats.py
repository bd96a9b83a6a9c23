"""Something on the way sends a request twice, and hands over the answer to the second one."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import cryptox as cx
from cryptox.errors import FilterFailure, InsufficientFunds, NotSent, OrderNotFound, OrderRejected
from cryptox.sessions.session import AsyncSession
from tests.sessions.test_acting import FAR, at, exchange, placed, sent, session, soon, until
from tests.sessions.test_exactly_once import in_a_thread
from tests.sessions.test_questions import other

__all__ = ["exchange", "other", "session", "soon"]


@pytest.fixture
def twice(exchange: cx.PaperExchange, session: cx.Session) -> cx.Session:
    """A session of which each request that acts arrives twice; it knows of one order that it has canceled."""
    for method in ("POST", "DELETE", "PUT"):
        exchange.faults.add("repeat", method=method)
    return session


def asked(exchange: cx.PaperExchange, path: str = "order") -> int:
    return sent(exchange, "GET", path)


@pytest.mark.parametrize("given", [None, "mine"])
def test_an_order_that_arrives_twice_is_the_order_of_its_call(given: str | None, twice: cx.Session) -> None:
    """The second one is refused for its client order id, which the first one has."""
    order = twice.place_order("BTCUSDT", "buy", quantity="0.001", price=FAR, client_order_id=given)
    assert order.status == "new"
    assert placed(twice) == [order.client_order_id]


def test_that_an_id_was_there_is_doubt_whatever_was_found_at_once(
    twice: cx.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any) -> None:
        return None

    monkeypatch.setattr(AsyncSession, "_done_before", nothing)
    assert twice.buy("BTCUSDT", "0.001", FAR).client_order_id in placed(twice)


def test_an_order_that_leaves_no_room_for_its_copy_is_told(exchange: cx.PaperExchange) -> None:
    """The first one has used up the balance, or is the last stop that rules allow."""
    keys = exchange.create_account({"USDT": 30, "BTC": 1})
    with cx.connect(exchange, api_key=keys.api_key, secret_key=keys.secret_key) as session:
        low = {"type": "STOP_LOSS", "quantity": "0.001", "stop_price": at(session, 0.5)}
        for _ in range(4):
            session.place_order("BTCUSDT", "sell", **low)
        exchange.faults.add("repeat", method="POST")
        order = session.buy("BTCUSDT", "0.001", FAR)
        pair = session.place_oco("BTCUSDT", "sell", "0.001", price=at(session, 1.1), stop_price=at(session, 0.9))
        assert {order.client_order_id, *(one.client_order_id for one in pair.orders)} < set(placed(session))
        assert len(placed(session)) == 7
        exchange.requests.clear()
        with pytest.raises(InsufficientFunds):
            session.buy("BTCUSDT", "0.001", FAR)
        with pytest.raises(FilterFailure, match="MAX_NUM_ALGO_ORDERS"):
            session.place_order("BTCUSDT", "sell", **low)
        assert (sent(exchange), asked(exchange)) == (2, 2)


def test_a_list_that_arrives_twice(twice: cx.Session) -> None:
    pair = twice.place_oco("BTCUSDT", "sell", "0.001", price=at(twice, 1.1), stop_price=at(twice, 0.9))
    assert sorted(placed(twice)) == sorted(order.client_order_id for order in pair.orders)
    assert twice.cancel_order_list("BTCUSDT", pair).status == "all_done"
    assert placed(twice) == []


@pytest.mark.parametrize("given", [None, "mine"])
def test_an_order_that_used_the_funds_that_its_copy_wants(
    given: str | None, exchange: cx.PaperExchange, session: cx.Session
) -> None:
    """The first one is filled, so its id is free; of the second one there is nothing but that refusal."""
    everything = session.balances(exact=True).free["BTC"]
    exchange.faults.add("repeat", method="POST")
    order = session.place_order("BTCUSDT", "sell", "MARKET", quantity=everything, client_order_id=given)
    assert (order.status, order.filled, len(order.fills) > 0) == ("filled", everything, True)
    assert placed(session) == [order.client_order_id]
    with pytest.raises(InsufficientFunds):
        session.place_order("BTCUSDT", "sell", "MARKET", quantity=everything, client_order_id=given)


def test_a_list_that_used_the_funds_that_its_copy_wants(exchange: cx.PaperExchange, session: cx.Session) -> None:
    everything = session.balances(exact=True).free["BTC"]
    exchange.faults.add("repeat", method="POST")
    working = cx.leg("sell", "LIMIT", everything, price=at(session, 0.99))
    pair = session.place_oto("BTCUSDT", working, cx.leg("buy", "LIMIT", "0.001", price=FAR))
    assert [order.status for order in pair.orders] == ["filled", "new"]
    assert sorted(placed(session)) == sorted(order.client_order_id for order in pair.orders)


@pytest.mark.parametrize("mode", ["stop", "place"])
def test_a_replacement_that_arrives_twice(mode: str, twice: cx.Session) -> None:
    order = twice.buy("BTCUSDT", "0.001", FAR)
    done = twice.replace_order("BTCUSDT", order, "buy", quantity="0.001", price="21000", if_cancel_fails=mode)
    assert (done.canceled.order_id, done.cancel_error, done.order_error) == (order.order_id, None, None)
    assert placed(twice) == [done.order.client_order_id]


def test_a_replacement_whose_new_order_is_filled_at_once_says_what_it_canceled(twice: cx.Session) -> None:
    """There are two new orders then, which nobody can prevent."""
    order = twice.buy("BTCUSDT", "0.001", FAR)
    done = twice.replace_order("BTCUSDT", order, "buy", "MARKET", quantity="0.001", if_cancel_fails="place")
    assert (done.canceled.order_id, done.order.status) == (order.order_id, "filled")
    assert len(placed(twice)) == 2


def test_a_replacement_of_which_only_the_cancel_is_done(twice: cx.Session) -> None:
    order = twice.buy("BTCUSDT", "0.001", FAR)
    done = twice.replace_order("BTCUSDT", order, "sell", "MARKET", quantity="5")  # more than there is
    assert (done.canceled.order_id, done.order) == (order.order_id, None)
    assert isinstance(done.order_error, OrderRejected)
    assert placed(twice) == []


@pytest.mark.parametrize("by_name", [False, True])
def test_a_cancel_that_arrives_twice(by_name: bool, exchange: cx.PaperExchange, twice: cx.Session) -> None:
    order = twice.buy("BTCUSDT", "0.001", FAR)
    exchange.requests.clear()
    done = twice.cancel_order("BTCUSDT", order.client_order_id if by_name else order)
    assert (done.order_id, done.status) == (order.order_id, "canceled")
    assert (sent(exchange, "DELETE"), asked(exchange)) == (1, 1)


@pytest.mark.parametrize("by_name", [False, True])
def test_an_amend_that_arrives_twice(by_name: bool, exchange: cx.PaperExchange, twice: cx.Session) -> None:
    """The second one finds nothing to change, or the order under another client order id."""
    order = twice.buy("BTCUSDT", "0.002", FAR)
    exchange.requests.clear()
    done = twice.amend_order("BTCUSDT", order.client_order_id if by_name else order, "0.001")
    assert (done.order_id, str(done.quantity), done.status) == (order.order_id, "0.00100000", "new")
    assert asked(exchange) == 1


def test_a_cancel_of_all_that_arrives_twice(exchange: cx.PaperExchange, twice: cx.Session) -> None:
    orders = [twice.buy("BTCUSDT", "0.001", FAR) for _ in range(2)]
    assert list(twice.cancel_all("BTCUSDT").index) == [order.order_id for order in orders]
    exchange.requests.clear()
    assert len(twice.cancel_all("BTCUSDT")) == 0
    assert exchange.requests.total == 1  # nothing was known to be open: nothing strange


def test_a_cancel_that_arrives_twice_while_queries_fail_is_followed(
    exchange: cx.PaperExchange, twice: cx.Session
) -> None:
    order = twice.buy("BTCUSDT", "0.001", FAR)
    lost = exchange.faults.add("drop", path="order", method="GET", times=1)
    assert twice.cancel_order("BTCUSDT", order).status == "canceled"
    assert lost.hits == 1


def test_a_refusal_that_is_one_stays_one(exchange: cx.PaperExchange, session: cx.Session) -> None:
    for name in (10**9, "never"):
        with pytest.raises(OrderNotFound):
            session.cancel_order("BTCUSDT", name)
        with pytest.raises(OrderNotFound):
            session.replace_order("BTCUSDT", name, "buy", quantity="0.001", price="21000")
        with pytest.raises(OrderNotFound):
            session.amend_order("BTCUSDT", name, "0.001")
    filled = session.buy("BTCUSDT", "0.001")
    with pytest.raises(OrderNotFound):
        session.cancel_order("BTCUSDT", filled)
    with pytest.raises(OrderNotFound):
        session.replace_order("BTCUSDT", filled, "buy", quantity="0.001", price="21000")
    rests = session.buy("BTCUSDT", "0.001", FAR)
    with pytest.raises(OrderRejected, match="change no state"):
        session.amend_order("BTCUSDT", rests.order_id, "0.001")
    assert placed(session) == [filled.client_order_id, rests.client_order_id]


def test_what_was_canceled_before_is_no_success(exchange: cx.PaperExchange, session: cx.Session) -> None:
    order = session.buy("BTCUSDT", "0.001", FAR)
    session.cancel_order("BTCUSDT", order)
    exchange.requests.clear()
    with pytest.raises(OrderNotFound):
        session.cancel_order("BTCUSDT", order)
    assert asked(exchange) == 0  # it is known
    with pytest.raises(OrderNotFound):
        session.replace_order("BTCUSDT", order, "buy", quantity="0.001", price="21000")
    pair = session.place_oco("BTCUSDT", "sell", "0.001", price=at(session, 1.1), stop_price=at(session, 0.9))
    session.cancel_order_list("BTCUSDT", pair)
    with pytest.raises(OrderNotFound):
        session.cancel_order_list("BTCUSDT", pair)
    assert placed(session) == []


def test_an_order_of_before_under_the_same_id_is_no_success(exchange: cx.PaperExchange) -> None:
    """Another program placed the same a moment ago; now there is no room for this one."""
    keys = exchange.create_account({"USDT": 10**6, "BTC": "0.0015"})
    given: dict[str, Any] = {"api_key": keys.api_key, "secret_key": keys.secret_key}
    with cx.connect(exchange, user="one", **given) as one, cx.connect(exchange, user="two", **given) as two:
        order: dict[str, Any] = {"quantity": "0.001", "client_order_id": "mine"}
        two.test_order("BTCUSDT", "sell", "MARKET", **order)
        two.cancel_all("BTCUSDT")  # from here on it reads no journal of others
        assert one.place_order("BTCUSDT", "sell", "MARKET", **order).status == "filled"
        threading.Event().wait(0.3)  # the clock is not known to the millisecond
        with pytest.raises(InsufficientFunds):
            two.place_order("BTCUSDT", "sell", "MARKET", **order)


def test_what_another_call_has_canceled_is_no_success(exchange: cx.PaperExchange, session: cx.Session) -> None:
    order = session.buy("BTCUSDT", "0.001", FAR)
    late = exchange.faults.add("latency", seconds=0.4, path="order", method="DELETE", times=1)
    told = in_a_thread(lambda: session.cancel_order("BTCUSDT", order))
    until(lambda: late.hits == 1)
    session.cancel_all("BTCUSDT")
    with pytest.raises(OrderNotFound):
        told()


def test_what_another_program_canceled_before_is_no_success(other: tuple[cx.Session, cx.Session]) -> None:
    one, two = other
    order = one.buy("BTCUSDT", "0.001", FAR)
    assert two.cancel_order("BTCUSDT", order).status == "canceled"
    threading.Event().wait(0.3)  # the clock is not known to the millisecond
    with pytest.raises(OrderNotFound):
        one.cancel_order("BTCUSDT", order)


def test_on_a_market_that_stands_still_a_refusal_stays_one() -> None:
    """Its times do not tell what came first; a client order id does."""
    with cx.PaperExchange(clock="2024-06-01 12:00", symbols=["BTCUSDT"]) as exchange:
        keys = exchange.create_account({"USDT": 10**6})
        given: dict[str, Any] = {"api_key": keys.api_key, "secret_key": keys.secret_key}
        with cx.connect(exchange, user="one", **given) as one, cx.connect(exchange, user="two", **given) as two:
            order, second = (one.buy("BTCUSDT", "0.002", "10000") for _ in range(2))
            two.cancel_order("BTCUSDT", order)
            with pytest.raises(OrderNotFound):
                one.cancel_order("BTCUSDT", order)
            with pytest.raises(OrderNotFound):
                one.replace_order("BTCUSDT", order, "buy", quantity="0.001", price="11000")
            exchange.faults.add("repeat", method="PUT")
            exchange.faults.add("repeat", path="cancelReplace")
            assert str(one.amend_order("BTCUSDT", second, "0.001").quantity) == "0.00100000"
            done = one.replace_order("BTCUSDT", second, "buy", quantity="0.001", price="11000")
            assert (done.canceled.order_id, done.order.status) == (second.order_id, "new")


def test_a_refusal_is_told_where_no_weight_is_left_to_ask(exchange: cx.PaperExchange, session: cx.Session) -> None:
    exchange.faults.add("limit", path="order", method="GET", retry_after=60)
    with pytest.raises((OrderNotFound, NotSent)) as caught:
        session.cancel_order("BTCUSDT", 10**9)
    assert isinstance(caught.value, OrderNotFound)


def test_a_refusal_is_told_where_the_question_waits_for_weight(
    exchange: cx.PaperExchange, session: cx.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AsyncSession, "_has_weight", lambda _: False)
    exchange.faults.add("latency", seconds=1.5, path="order", method="GET")  # longer than order_timeout
    with pytest.raises(OrderNotFound):
        session.cancel_order("BTCUSDT", 10**9)


def test_an_id_of_the_users_that_goes_on_to_another_order(
    exchange: cx.PaperExchange, other: tuple[cx.Session, cx.Session]
) -> None:
    """That its former order has ended tells nothing of the order that another program gave it."""
    one, two = other
    order: dict[str, Any] = {"quantity": "0.001", "price": FAR, "client_order_id": "mine"}
    former = one.place_order("BTCUSDT", "buy", **order)
    one.cancel_order("BTCUSDT", former)
    newer = two.place_order("BTCUSDT", "buy", **order)
    exchange.faults.add("repeat", method="DELETE")
    assert one.cancel_order("BTCUSDT", "mine").order_id == newer.order_id
    with pytest.raises(OrderNotFound):
        one.cancel_order("BTCUSDT", "mine")


def test_what_is_found_to_have_ended_is_looked_for_once(
    exchange: cx.PaperExchange, other: tuple[cx.Session, cx.Session]
) -> None:
    """Without a stream a session takes for open what another program has canceled, or the market filled."""
    one, two = other
    order = one.buy("BTCUSDT", "0.001", FAR)
    two.cancel_order("BTCUSDT", order)
    one.cancel_all("BTCUSDT")
    assert asked(exchange, "allOrders") == 1
    assert len(one.cancel_all("BTCUSDT")) == 0
    assert asked(exchange, "allOrders") == 1


def test_a_replacement_that_found_its_order_gone_contradicts_nothing(twice: cx.Session) -> None:
    order = twice.buy("BTCUSDT", "0.001", FAR)
    twice.cancel_order("BTCUSDT", order)
    done = twice.replace_order("BTCUSDT", order, "buy", quantity="0.001", price="21000", if_cancel_fails="place")
    assert (done.canceled, done.order.status) == (None, "new")
    assert "was not canceled by this call: it is canceled" in str(done.cancel_error)


def test_short_funds_are_no_order_of_another_program(other: tuple[cx.Session, cx.Session]) -> None:
    """Of the same id and the same terms, a moment before."""
    one, two = other
    one.cancel_all("BTCUSDT")  # it has read the journal, which both have here
    order: dict[str, Any] = {"quantity": "10", "client_order_id": "mine"}
    theirs = two.place_order("BTCUSDT", "sell", "MARKET", **order)
    threading.Event().wait(0.3)
    with pytest.raises(InsufficientFunds):
        one.place_order("BTCUSDT", "sell", "MARKET", **order)
    assert placed(one) == [theirs.client_order_id]
