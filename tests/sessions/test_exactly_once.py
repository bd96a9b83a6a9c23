"""Interleavings in which a call could end in a false statement, or do twice what was asked once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

import cryptox as cx
from cryptox.errors import ClockSkew, CryptoxError, NotSent, OrderRejected, OutcomeUnknown
from cryptox.sessions import resolution
from tests.sessions.test_acting import FAR, at, exchange, placed, sent, session, soon, until

__all__ = ["exchange", "session", "soon"]


def failing(exchange: cx.PaperExchange, method: str, path: str, **settings: Any) -> Any:
    return exchange.faults.add("status", code=502, method=method, path=path, **settings)


def test_a_replacement_is_not_settled_by_a_query_that_failed(exchange: cx.PaperExchange, session: cx.Session) -> None:
    """What the last look at both halves meets is no answer about them."""
    order = session.buy("BTCUSDT", "0.002", FAR)
    lost = exchange.faults.add("drop", path="cancelReplace", times=1, accepted=False)
    asks = 0

    def last(request: Any) -> bool:
        nonlocal asks
        ours = "orderId" in request.params and lost.hits == 1
        asks += ours
        return ours and 3 <= asks <= 6

    failing(exchange, "GET", "order", when=last)
    with pytest.raises(NotSent, match="replace_order on BTCUSDT was not carried out"):
        session.replace_order("BTCUSDT", order, "buy", quantity="0.001", price="21000")
    assert asks > 6
    assert session.order("BTCUSDT", order.order_id).status == "new"


@pytest.mark.parametrize("accepted", [True, False])
def test_an_id_given_again_does_not_find_the_order_of_before(
    accepted: bool, exchange: cx.PaperExchange, session: cx.Session
) -> None:
    def place() -> Any:
        return session.place_order("BTCUSDT", "buy", "MARKET", quantity="0.001", client_order_id="mine")

    first = place()
    exchange.faults.add("drop", path="order", method="POST", times=1, accepted=accepted)
    if accepted:
        assert place().order_id > first.order_id
    else:
        with pytest.raises(NotSent):
            place()
    assert len(session.orders("BTCUSDT", None).query("client_order_id == 'mine'")) == 1 + accepted


def test_an_id_given_again_for_a_list(exchange: cx.PaperExchange, session: cx.Session) -> None:
    def place() -> Any:
        prices = {"price": at(session, 1.1), "stop_price": at(session, 0.9)}
        return session.place_oco("BTCUSDT", "sell", "0.001", **prices, client_order_id="pair")

    first = place()
    session.cancel_order_list("BTCUSDT", first)
    exchange.faults.add("drop", path="orderList/oco", times=1, accepted=False)
    with pytest.raises(NotSent):
        place()
    exchange.faults.add("drop", path="orderList/oco", times=1)
    assert place().order_list_id > first.order_list_id


def test_an_order_is_found_after_the_clock_was_set_back(exchange: cx.PaperExchange, session: cx.Session) -> None:
    """Its time is before the moment at which the call began, by the clock of then."""
    exchange.faults.step_clock(-30)
    exchange.faults.add("drop", path="order", method="POST", after=1, times=1)
    order = session.place_order("BTCUSDT", "buy", price=FAR, quantity="0.001", client_order_id="mine")
    assert sent(exchange) == 2
    assert placed(session) == [order.client_order_id] == ["mine"]


def test_one_id_in_two_calls_at_once_is_one_order(exchange: cx.PaperExchange) -> None:
    exchange.faults.add("latency", seconds=0.3, path="order", method="POST", times=1)  # they do overlap

    async def main() -> list[Any]:
        async with cx.aio.connect(exchange, order_timeout=0.5, order_recv_window=300) as session:
            given: dict[str, Any] = {"quantity": "0.001", "client_order_id": "a"}
            calls = [session.place_order("BTCUSDT", "buy", "MARKET", **given) for _ in range(2)]
            return await asyncio.gather(*calls, return_exceptions=True)

    told = asyncio.run(main())
    assert sorted(type(one).__name__ for one in told) == ["Order", "ValidationError"]
    assert sent(exchange) == 1


def test_a_new_order_does_not_hide_that_all_were_canceled(exchange: cx.PaperExchange, session: cx.Session) -> None:
    order = session.buy("BTCUSDT", "0.002", FAR)
    dropped = exchange.faults.add("drop", path="openOrders", method="DELETE", times=1)
    newer = in_a_thread(lambda: session.cancel_all("BTCUSDT"))
    until(lambda: dropped.hits == 1)
    session.buy("BTCUSDT", "0.001", FAR)
    assert list(newer().index) == [order.order_id]


def test_an_empty_book_is_no_sign_that_all_were_canceled(exchange: cx.PaperExchange, session: cx.Session) -> None:
    """The request may come yet, and take what was placed since."""
    exchange.faults.add("drop", path="openOrders", method="DELETE", times=1, accepted=False)
    began = time.monotonic()
    assert len(session.cancel_all("BTCUSDT")) == 0  # what the fixture canceled just before is none of its doing
    assert time.monotonic() - began >= 1.0 + resolution.APART_S  # its time limit, and two queries after the moment


def test_an_order_that_is_not_there_yet_is_not_said_to_be_missing(
    exchange: cx.PaperExchange, session: cx.Session
) -> None:
    """The cancel may be under way, and the order too."""
    late = exchange.faults.add("latency", seconds=2.4, path="order", method="DELETE", times=1)
    told = in_a_thread(lambda: session.cancel_order("BTCUSDT", "soon"))
    until(lambda: late.hits == 1)
    time.sleep(1.05)  # the question has begun
    session.place_order("BTCUSDT", "buy", price=FAR, quantity="0.001", client_order_id="soon")
    try:
        outcome = told().status
    except CryptoxError as error:
        outcome = type(error).__name__
    until(lambda: all(one.status is not None for one in exchange.requests))
    time.sleep(0.5)
    now = session.order("BTCUSDT", "soon").status
    assert (outcome, now) in [("canceled", "canceled"), ("NotSent", "new")]


def test_a_list_that_was_done_was_not_canceled(exchange: cx.PaperExchange, session: cx.Session) -> None:
    pair = session.place_oto(
        "BTCUSDT",
        cx.leg("buy", "LIMIT", "0.001", price=at(session, 1.01)),
        cx.leg("sell", "MARKET", "0.001"),
    )
    until(lambda: session.order_list(pair.order_list_id).status == "all_done")
    exchange.faults.add("drop", path="orderList", method="DELETE", times=1)
    with pytest.raises(OrderRejected, match="come to its end"):
        session.cancel_order_list("BTCUSDT", pair)


def test_a_clock_that_cannot_be_read_anew_ends_in_the_refusal(exchange: cx.PaperExchange, session: cx.Session) -> None:
    exchange.faults.add("status", error_code=-1021, path="order", method="POST", times=1)
    failing(exchange, "GET", "time")
    with pytest.raises(ClockSkew):
        session.buy("BTCUSDT", "0.001", FAR)
    exchange.faults.clear()
    assert placed(session) == []


def test_a_defect_of_ours_is_no_statement_about_the_order(
    exchange: cx.PaperExchange, session: cx.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cryptox.venues.binance.venue import BinanceVenue

    def broken(self: Any, answer: Any) -> Any:
        monkeypatch.undo()
        raise KeyError("a defect")

    monkeypatch.setattr(BinanceVenue, "order_usage", broken)
    order = session.buy("BTCUSDT", "0.001", FAR)
    assert placed(session) == [order.client_order_id]
    assert sent(exchange) == 1


def test_what_an_ended_loop_left_is_asked_about_on_the_next(exchange: cx.PaperExchange) -> None:
    session = cx.aio.connect(exchange, order_timeout=0.3, order_recv_window=300, resolve_timeout=0.3, timeout=0.3)

    async def place() -> str:
        await session.test_order("BTCUSDT", "buy", quantity="0.001", price=FAR)
        exchange.faults.add("drop", path="order", method="POST", times=1)
        failing(exchange, "GET", "order")
        with pytest.raises(OutcomeUnknown) as caught:
            await session.buy("BTCUSDT", "0.001", FAR)
        return str(caught.value.context["client_order_id"])

    async def look(id_: str) -> str:
        exchange.faults.clear()
        for _ in range(200):
            state = (await session.unresolved()).state[id_]
            if state != "asking":
                break
            await asyncio.sleep(0.05)
        await session.close()
        return str(state)

    id_ = asyncio.run(place())
    assert asyncio.run(look(id_)) == "done"


def test_what_waited_too_long_is_not_sent(
    exchange: cx.PaperExchange, session: cx.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cryptox.sessions import acting

    monkeypatch.setattr(acting, "WAITS", 0)  # other processes may hold it for dead from then on
    with pytest.raises(NotSent, match="waited too long"):
        session.buy("BTCUSDT", "0.001", FAR)
    assert sent(exchange) == 0


def test_an_order_that_is_amended_before_it_is_found_is_known_to_exist(exchange: cx.PaperExchange) -> None:
    """An amend gives it another id: under its own it is never found again."""
    fast = {"order_timeout": 0.5, "order_recv_window": 300, "resolve_timeout": 0.3, "timeout": 0.5}
    with cx.connect(exchange, **fast) as session:
        session.test_order("BTCUSDT", "buy", quantity="0.002", price=FAR)
        exchange.faults.add("drop", path="order", method="POST", times=1)
        failing(exchange, "GET", "order")
        with pytest.raises(OutcomeUnknown) as caught:
            session.buy("BTCUSDT", "0.002", FAR)
        id_ = caught.value.context["client_order_id"]
        amended = session.amend_order("BTCUSDT", id_, "0.001")
        told = session.unresolved()
        assert (told.state[id_], told.order_id[id_]) == ("done", amended.order_id)


def test_an_order_that_the_user_finds_is_settled(exchange: cx.PaperExchange) -> None:
    fast = {"order_timeout": 0.5, "order_recv_window": 300, "resolve_timeout": 0.3, "timeout": 0.5}
    with cx.connect(exchange, **fast) as session:
        session.test_order("BTCUSDT", "buy", quantity="0.002", price=FAR)
        exchange.faults.add("drop", path="order", method="POST", times=1)
        failing(exchange, "GET", "time")  # so nothing is asked about it
        with pytest.raises(OutcomeUnknown) as caught:
            session.buy("BTCUSDT", "0.002", FAR)
        id_ = caught.value.context["client_order_id"]
        found = session.order("BTCUSDT", id_)
        assert session.unresolved().order_id[id_] == found.order_id


def in_a_thread(call: Callable[[], Any]) -> Callable[[], Any]:
    """Begins a call at once; the result waits for it."""
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(1)
    future = pool.submit(call)
    pool.shutdown(wait=False)
    return lambda: future.result(60)
