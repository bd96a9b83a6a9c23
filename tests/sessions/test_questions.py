"""What a question finds out where the plain query by client order id would not, or would find something else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

import cryptox as cx
from cryptox.errors import NotSent, OrderRejected
from cryptox.sessions import resolution
from tests.sessions.test_acting import FAR, exchange, placed, session, soon, until

__all__ = ["exchange", "session", "soon"]


@pytest.fixture
def other(exchange: cx.PaperExchange) -> Iterator[tuple[cx.Session, cx.Session]]:
    """Two sessions of one account, as two programs have them."""
    keys = exchange.create_account({"USDT": 10**6, "BTC": 10})
    given = {"api_key": keys.api_key, "secret_key": keys.secret_key, "order_timeout": 1.0, "order_recv_window": 300}
    with cx.connect(exchange, user="one", **given) as one, cx.connect(exchange, user="two", **given) as two:
        for each in (one, two):
            each.test_order("BTCUSDT", "buy", quantity="0.001", price=FAR)
        yield one, two


def hidden(exchange: cx.PaperExchange, *, accepted: bool = True, method: str = "POST", path: str = "order") -> Any:
    """The next request that acts gets no answer, and no order can be asked for; removed, it can."""
    dropped = exchange.faults.add("drop", path=path, method=method, times=1, accepted=accepted)
    return dropped, exchange.faults.add("status", code=502, method="GET", path="order")


def in_doubt(call: Any, dropped: Any) -> Any:
    from tests.sessions.test_exactly_once import in_a_thread

    told = in_a_thread(call)
    until(lambda: dropped.hits == 1)
    return told


@pytest.mark.parametrize("given", [None, "mine"])
def test_an_order_that_another_program_amended_is_found(
    given: str | None, exchange: cx.PaperExchange, other: tuple[cx.Session, cx.Session]
) -> None:
    """Its own client order id finds it no more."""
    one, two = other
    dropped, blind = hidden(exchange)
    told = in_doubt(
        lambda: one.place_order("BTCUSDT", "buy", quantity="0.002", price=FAR, client_order_id=given), dropped
    )
    until(lambda: len(two.open_orders("BTCUSDT")) == 1)
    amended = two.amend_order("BTCUSDT", int(two.open_orders("BTCUSDT").index[0]), "0.001")
    exchange.faults.remove(blind)
    found = told()
    assert (found.order_id, str(found.quantity)) == (amended.order_id, "0.00100000")


def test_an_amend_after_which_another_program_amended_is_found(
    exchange: cx.PaperExchange, other: tuple[cx.Session, cx.Session]
) -> None:
    one, two = other
    order = one.buy("BTCUSDT", "0.003", FAR)
    dropped, blind = hidden(exchange, method="PUT", path="amend/keepPriority")
    told = in_doubt(lambda: one.amend_order("BTCUSDT", order, "0.002"), dropped)
    until(lambda: float(two.open_orders("BTCUSDT").quantity.iloc[0]) == 0.002)
    two.amend_order("BTCUSDT", order.order_id, "0.001")
    exchange.faults.remove(blind)
    assert (told().order_id, str(told().quantity)) == (order.order_id, "0.00100000")


def test_a_replacement_whose_new_order_another_program_amended_is_found(
    exchange: cx.PaperExchange, other: tuple[cx.Session, cx.Session]
) -> None:
    one, two = other
    order = one.buy("BTCUSDT", "0.003", FAR)
    dropped, blind = hidden(exchange, path="cancelReplace")
    told = in_doubt(lambda: one.replace_order("BTCUSDT", order, "buy", quantity="0.002", price="21000"), dropped)
    until(lambda: list(two.open_orders("BTCUSDT").price) == [21000.0])
    amended = two.amend_order("BTCUSDT", int(two.open_orders("BTCUSDT").index[0]), "0.001")
    exchange.faults.remove(blind)
    assert told().canceled.order_id == order.order_id
    assert told().order.order_id == amended.order_id


def test_an_order_of_another_that_was_amended_is_not_taken_for_it(
    exchange: cx.PaperExchange, other: tuple[cx.Session, cx.Session]
) -> None:
    one, two = other
    dropped, blind = hidden(exchange, accepted=False)
    told = in_doubt(lambda: one.buy("BTCUSDT", "0.002", FAR), dropped)
    theirs = two.buy("BTCUSDT", "0.002", FAR)
    two.amend_order("BTCUSDT", theirs, "0.001")
    exchange.faults.remove(blind)
    with pytest.raises(NotSent):
        told()


def test_an_id_that_an_order_of_before_has_is_a_refusal(
    exchange: cx.PaperExchange, session: cx.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And at once: what proves that nothing came of a request is not needed."""
    session.place_order("BTCUSDT", "buy", quantity="0.001", price=FAR, client_order_id="mine")
    monkeypatch.setattr(resolution, "SETTLED_MS", 10**9)
    with pytest.raises(OrderRejected, match="Duplicate order sent") as caught:
        session.place_order("BTCUSDT", "buy", quantity="0.001", price=FAR, client_order_id="mine")
    assert caught.value.code == -2010
    assert placed(session) == ["mine"]
    assert session.unresolved().empty


@pytest.mark.parametrize("same", [True, False])
def test_an_id_that_an_order_of_another_program_has_is_a_refusal(
    same: bool, other: tuple[cx.Session, cx.Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told apart by its time; or by what it is, however new."""
    one, two = other
    theirs = one.place_order("BTCUSDT", "buy", quantity="0.001", price=FAR, client_order_id="mine")
    if same:
        until(lambda: _passed(theirs.time_ms))
    monkeypatch.setattr(resolution, "SETTLED_MS", 10**9)
    with pytest.raises(OrderRejected, match="Duplicate order sent"):
        two.place_order("BTCUSDT", "buy", quantity="0.001", price=FAR if same else "21000", client_order_id="mine")
    assert placed(two) == ["mine"]


def _passed(moment_ms: int) -> bool:
    return time.time() * 1000 > moment_ms + 1_000


def test_half_of_a_replacement_for_an_id_of_before_is_told(session: cx.Session) -> None:
    session.place_order("BTCUSDT", "buy", quantity="0.001", price=FAR, client_order_id="mine")
    order = session.buy("BTCUSDT", "0.001", FAR)
    done = session.replace_order("BTCUSDT", order, "buy", quantity="0.001", price="21000", client_order_id="mine")
    assert (done.canceled.order_id, done.order) == (order.order_id, None)
    assert isinstance(done.order_error, OrderRejected)
    assert placed(session) == ["mine"]


def test_an_id_of_a_dead_process_does_not_find_its_order(exchange: cx.PaperExchange) -> None:
    """However new that is: which order had the id stands in the journal."""
    keys = exchange.create_account({"USDT": 10**6, "BTC": 10})
    given = {"api_key": keys.api_key, "secret_key": keys.secret_key, "order_timeout": 0.5, "order_recv_window": 300}
    order = {"quantity": "0.001", "client_order_id": "mine"}
    with cx.connect(exchange, **given) as one:
        former = one.place_order("BTCUSDT", "buy", "MARKET", **order)
    with cx.connect(exchange, **given) as two:
        exchange.faults.step_clock(-5)  # so by its time the former order is the newer one
        exchange.faults.add("drop", path="order", method="POST", times=1, accepted=False)
        with pytest.raises(NotSent):
            two.place_order("BTCUSDT", "buy", "MARKET", **order)
        assert list(two.orders("BTCUSDT", None).index) == [former.order_id]
