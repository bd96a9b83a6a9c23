"""One call, at most one order: whatever the network does, and a true word about it at the end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import cryptox as cx
from cryptox.errors import (
    ClockSkew,
    CryptoxError,
    FilterFailure,
    InsufficientFunds,
    NotSent,
    OrderNotFound,
    OutcomeUnknown,
    RateLimited,
    TradingNotEnabled,
)
from cryptox.sessions import resolution

FAR = "20000"  # a price that rests


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What proves absence after ten seconds does so after a third of one; journals are the test's own."""
    monkeypatch.setattr(resolution, "SETTLED_MS", 300.0)
    monkeypatch.setattr(resolution, "APART_S", 0.1)
    monkeypatch.setenv("CRYPTOX_STATE", str(tmp_path / "state"))


@pytest.fixture
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(clock="now", symbols=["BTCUSDT", "ETHUSDT"]) as running:
        yield running


@pytest.fixture
def session(exchange: cx.PaperExchange) -> Iterator[cx.Session]:
    with cx.connect(exchange, order_timeout=1.0, order_recv_window=300) as connected:
        connected.buy("BTCUSDT", "0.001", FAR)  # rules and clock are known from here on
        connected.cancel_all("BTCUSDT")
        exchange.requests.clear()
        yield connected


def sent(exchange: cx.PaperExchange, method: str = "POST", path: str = "order") -> int:
    return sum(one.method == method and one.path == f"/api/v3/{path}" for one in exchange.requests)


def placed(session: cx.Session) -> list[str]:
    """Client order ids of all orders of the account that are not canceled, by the exchange's own word."""
    orders = session.orders("BTCUSDT", None)
    return list(orders[orders.status != "canceled"].client_order_id)


UNANSWERED: dict[str, dict[str, Any]] = {
    "dropped": {"kind": "drop"},
    "reset": {"kind": "reset"},
    "reset in the body": {"kind": "reset", "at": "body"},
    "cut": {"kind": "truncate"},
    "cut, of the right length": {"kind": "truncate", "how": "body"},
    "no gzip": {"kind": "body", "how": "gzip"},
    "html": {"kind": "body", "how": "html"},
    "empty": {"kind": "body", "how": "empty"},
    "502": {"kind": "status", "code": 502, "body": "html", "accepted": True},
    "504": {"kind": "status", "code": 504, "body": "empty", "accepted": True},
    "-1007": {"kind": "status", "error_code": -1007, "accepted": True},
    "-1006": {"kind": "status", "error_code": -1006, "accepted": True},
    "-1000": {"kind": "status", "error_code": -1000, "accepted": True},
    "403": {"kind": "status", "code": 403, "body": "html", "accepted": True},
    "a redirect": {"kind": "status", "code": 302, "body": "empty", "location": "/elsewhere", "accepted": True},
}


@pytest.mark.parametrize("fault", UNANSWERED.values(), ids=UNANSWERED)
def test_an_order_whose_answer_never_comes_is_found(
    fault: dict[str, Any], exchange: cx.PaperExchange, session: cx.Session
) -> None:
    settings = dict(fault)
    exchange.faults.add(settings.pop("kind"), path="order", method="POST", times=1, **settings)
    order = session.buy("BTCUSDT", "0.001", FAR)
    assert order.status == "new"
    assert placed(session) == [order.client_order_id]
    assert sent(exchange) == 1


REFUSED = {
    name: fault for name, fault in UNANSWERED.items() if "accepted" in fault or fault["kind"] in ("drop", "reset")
}


@pytest.mark.parametrize("fault", REFUSED.values(), ids=REFUSED)
def test_an_order_that_never_arrived_is_proved_not_sent(
    fault: dict[str, Any], exchange: cx.PaperExchange, session: cx.Session
) -> None:
    settings = {**fault, "accepted": False}
    exchange.faults.add(settings.pop("kind"), path="order", method="POST", times=1, **settings)
    with pytest.raises(NotSent) as caught:
        session.buy("BTCUSDT", "0.001", FAR)
    assert caught.value.retryable
    assert placed(session) == []
    assert sent(exchange) == 1
    assert session.buy("BTCUSDT", "0.001", FAR).status == "new"
    assert len(placed(session)) == 1


def test_an_order_that_is_found_brings_its_fills(exchange: cx.PaperExchange, session: cx.Session) -> None:
    exchange.faults.add("drop", path="order", method="POST", times=1)
    order = session.buy("BTCUSDT", "0.01")
    assert order.status == "filled"
    assert sum(fill.quantity for fill in order.fills) == order.filled > 0


def test_the_outcome_stays_unknown_while_nobody_can_be_asked(exchange: cx.PaperExchange) -> None:
    with cx.connect(exchange, order_timeout=0.5, order_recv_window=300, resolve_timeout=1.0, timeout=0.5) as session:
        session.open_orders("BTCUSDT")
        session.test_order("BTCUSDT", "buy", quantity="0.001", price=FAR)
        exchange.faults.add("drop", path="order", method="POST", times=1)
        asked = exchange.faults.add("status", code=502, path="order", method="GET")
        with pytest.raises(OutcomeUnknown) as caught:
            session.buy("BTCUSDT", "0.001", FAR)
        assert not caught.value.retryable
        id_ = caught.value.context["client_order_id"]
        told = session.unresolved()
        assert list(told.index) == [id_]
        assert told.state[id_] == "asking"
        exchange.faults.remove(asked)
        until(lambda: session.unresolved().state[id_] == "done")
        assert placed(session) == [id_]
        assert session.unresolved().order_id[id_] == session.order("BTCUSDT", id_).order_id


def test_a_time_that_is_refused_is_read_anew_and_the_same_order_sent_once_more(
    exchange: cx.PaperExchange, session: cx.Session
) -> None:
    exchange.faults.add("status", error_code=-1021, path="order", method="POST", times=1)
    order = session.buy("BTCUSDT", "0.001", FAR)
    assert sent(exchange) == 2
    assert sent(exchange, "GET", "time") == 1
    assert placed(session) == [order.client_order_id]


def test_a_time_that_is_refused_twice_reaches_the_user(exchange: cx.PaperExchange, session: cx.Session) -> None:
    exchange.faults.add("status", error_code=-1021, path="order", method="POST")
    with pytest.raises(ClockSkew):
        session.buy("BTCUSDT", "0.001", FAR)
    assert sent(exchange) == 2
    exchange.faults.clear()
    assert placed(session) == []


def test_a_clock_that_jumps_never_reaches_the_user(exchange: cx.PaperExchange, session: cx.Session) -> None:
    for seconds in (60, -60, 3600):
        exchange.faults.step_clock(seconds)
        assert session.buy("BTCUSDT", "0.001", FAR).status == "new"
        session.cancel_all("BTCUSDT")
        assert len(session.balances()) > 0


def test_an_order_that_arrives_too_late_is_never_placed(exchange: cx.PaperExchange, session: cx.Session) -> None:
    exchange.faults.add("latency", seconds=1.5, path="order", method="POST", times=1)
    with pytest.raises(NotSent):
        session.buy("BTCUSDT", "0.001", FAR)
    until(lambda: all(one.status is not None for one in exchange.requests))
    time.sleep(1.0)  # it has been refused by now: its receive window is long over
    assert placed(session) == []


def test_a_definite_refusal_is_raised_as_it_is(exchange: cx.PaperExchange, session: cx.Session) -> None:
    with pytest.raises(InsufficientFunds):
        session.sell("BTCUSDT", "5")
    exchange.faults.add("status", error_code=-1015, code=429, retry_after=1, path="order", method="POST", times=1)
    with pytest.raises(RateLimited):
        session.buy("BTCUSDT", "0.001", FAR)
    assert sent(exchange) == 2
    assert placed(session) == []


def test_what_breaks_a_rule_is_not_sent(exchange: cx.PaperExchange, session: cx.Session) -> None:
    with pytest.raises(FilterFailure) as caught:
        session.buy("BTCUSDT", "0.0010001", "20000.001")
    assert sent(exchange) == 0
    suggested = dict(caught.value.suggested or {})
    assert getattr(session, suggested.pop("call"))(**suggested).status == "new"


def test_a_refused_connection_is_not_sent(session: cx.Session, exchange: cx.PaperExchange) -> None:
    exchange.stop()
    with pytest.raises(NotSent):
        session.buy("BTCUSDT", "0.001", FAR)


CHANGES: dict[str, Callable[[cx.Session, Any], Any]] = {
    "cancel_order": lambda session, order: session.cancel_order("BTCUSDT", order),
    "cancel_all": lambda session, _: session.cancel_all("BTCUSDT"),
    "amend_order": lambda session, order: session.amend_order("BTCUSDT", order, "0.001"),
    "replace_order": lambda session, order: session.replace_order(
        "BTCUSDT", order, "buy", quantity="0.003", price="21000"
    ),
}
PATHS = {"amend_order": "amend/keepPriority", "replace_order": "cancelReplace", "cancel_all": "openOrders"}
METHODS = {"amend_order": "PUT", "replace_order": "POST"}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("accepted", [True, False])
def test_a_change_whose_answer_never_comes(
    change: str, accepted: bool, exchange: cx.PaperExchange, session: cx.Session
) -> None:
    order = session.buy("BTCUSDT", "0.002", FAR)
    exchange.requests.clear()
    exchange.faults.add(
        "drop", path=PATHS.get(change, "order"), method=METHODS.get(change, "DELETE"), times=1, accepted=accepted
    )
    if not accepted:
        with pytest.raises(NotSent):
            CHANGES[change](session, order)
        now = session.order("BTCUSDT", order.order_id)
        assert (now.status, now.quantity) == ("new", order.quantity)
        assert len(placed(session)) == 1
        return
    done = CHANGES[change](session, order)
    now = session.order("BTCUSDT", order.order_id)
    if change == "amend_order":
        assert (done.order_id, str(done.quantity.normalize()), now.status) == (order.order_id, "0.001", "new")
    else:
        assert now.status == "canceled"
    if change == "replace_order":
        assert (done.canceled.order_id, done.order.status) == (order.order_id, "new")
        assert placed(session) == [done.order.client_order_id]
    if change == "cancel_all":
        assert list(done.index) == [order.order_id]


def test_a_cancel_that_came_too_late_says_so(exchange: cx.PaperExchange, session: cx.Session) -> None:
    order = session.buy("BTCUSDT", "0.001")
    with pytest.raises(OrderNotFound):
        session.cancel_order("BTCUSDT", order)
    exchange.faults.add("drop", path="order", method="DELETE", times=1)
    with pytest.raises(CryptoxError, match="filled before"):
        session.cancel_order("BTCUSDT", order)


LISTS: dict[str, Callable[[cx.Session], Any]] = {
    "oco": lambda session: session.place_oco(
        "BTCUSDT", "sell", "0.001", price=at(session, 1.1), stop_price=at(session, 0.9)
    ),
    "oto": lambda session: session.place_oto(
        "BTCUSDT", cx.leg("buy", "LIMIT", "0.001", price=FAR), cx.leg("sell", "MARKET", "0.001")
    ),
}


def at(session: cx.Session, factor: float) -> str:
    return str(round(float(session.prices("BTCUSDT").price.iloc[0]) * factor))


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_whose_answer_never_comes(kind: str, exchange: cx.PaperExchange, session: cx.Session) -> None:
    exchange.faults.add("drop", path=f"orderList/{kind}", times=1)
    found = LISTS[kind](session)
    assert len(found.orders) == 2
    assert sorted(placed(session)) == sorted(order.client_order_id for order in found.orders)
    exchange.faults.add("drop", path="orderList", method="DELETE", times=1)
    assert session.cancel_order_list("BTCUSDT", found).status == "all_done"
    assert placed(session) == []
    exchange.faults.add("drop", path=f"orderList/{kind}", times=1, accepted=False)
    with pytest.raises(NotSent):
        LISTS[kind](session)
    assert placed(session) == []


def test_an_interrupt_says_how_the_order_stands(exchange: cx.PaperExchange, session: cx.Session) -> None:
    late = exchange.faults.add("latency", seconds=0.6, path="order", method="POST", times=1)
    with pytest.raises(KeyboardInterrupt) as caught:
        interrupted(lambda: session.buy("BTCUSDT", "0.001", FAR), lambda: late.hits == 1)
    (note,) = caught.value.__notes__
    assert "was carried out: Order(BTCUSDT buy LIMIT 0.001 @ 20000, new" in note
    assert len(placed(session)) == 1
    dropped = exchange.faults.add("drop", path="order", method="POST", times=1, accepted=False)
    with pytest.raises(KeyboardInterrupt) as caught:
        interrupted(lambda: session.buy("BTCUSDT", "0.001", FAR), lambda: dropped.hits == 1)
    (note,) = caught.value.__notes__
    assert "not answered yet" in note or "was not carried out" in note
    assert len(placed(session)) == 1


def interrupted(call: Callable[[], Any], when: Callable[[], bool]) -> None:
    import threading

    def press() -> None:
        until(when)
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press).start()
    call()


def test_a_session_that_only_reads(exchange: cx.PaperExchange) -> None:
    keys = exchange.create_account()
    with cx.connect(exchange, api_key=keys.api_key, secret_key=keys.secret_key, trading=False) as session:
        for act in (
            lambda: session.buy("BTCUSDT", "0.001", FAR),
            lambda: session.cancel_order("BTCUSDT", 1),
            lambda: session.cancel_all("BTCUSDT"),
            lambda: session.amend_order("BTCUSDT", 1, "0.1"),
            lambda: LISTS["oto"](session),
        ):
            with pytest.raises(TradingNotEnabled):
                act()
        assert exchange.requests.total == 0
        assert session.test_order("BTCUSDT", "buy", "MARKET", quantity="0.001").taker > 0
        assert session.preview_order("BTCUSDT", "buy", "MARKET", quantity="0.001").accepted


def test_the_order_count_is_kept() -> None:
    limits = {"ORDERS": (5, "10s")}
    with cx.PaperExchange(clock="now", symbols=["BTCUSDT"], limits=limits) as exchange:
        with cx.connect(exchange, order_timeout=0.2) as session:
            told = []
            for _ in range(12):
                try:
                    session.buy("BTCUSDT", "0.001", FAR)
                except RateLimited as error:
                    told.append(error.retry_after or 0)
            assert len(told) >= 2
            assert all(0 < wait_s <= 10 for wait_s in told)
        assert all(one.status != 429 for one in exchange.requests)


KILLED = """
    import os, sys, threading, time
    import cryptox as cx
    url, key, secret, order_timeout = sys.argv[1:5]
    given = {"api_key": key, "secret_key": secret, "order_timeout": float(order_timeout)}
    session = cx.connect("binance", rest_url=url, trading=True, **given)
    session.test_order("BTCUSDT", "buy", quantity="0.001", price="20000")
    print("ready", flush=True)
    session.buy("BTCUSDT", "0.001", "20000")
"""


@pytest.mark.parametrize("accepted", [True, False])
def test_what_a_dead_process_left_is_settled_by_the_next_session(
    accepted: bool, exchange: cx.PaperExchange, tmp_path: Path
) -> None:
    keys = exchange.create_account()
    exchange.faults.add("drop", path="order", method="POST", times=1, accepted=accepted)
    waits_s = "5" if accepted else "1"  # before it asks itself; what it could have sent yet must be over, too
    program = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), exchange.rest_url, *keys, waits_s],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    with program:
        assert program.stdout.readline() == "ready\n"
        until(lambda: sent(exchange) == 1)
        program.kill()
    assert keys.secret_key not in "".join(path.read_text() for path in (tmp_path / "state").rglob("*.jsonl"))
    with cx.connect(
        "binance", rest_url=exchange.rest_url, api_key=keys.api_key, secret_key=keys.secret_key, trading=True
    ) as session:
        (id_,) = session.unresolved().index
        until(lambda: session.unresolved().state[id_] != "asking", patience_s=60)
        assert session.unresolved().state[id_] == ("done" if accepted else "not_done")
        assert placed(session) == ([id_] if accepted else [])
    with cx.connect(
        "binance", rest_url=exchange.rest_url, api_key=keys.api_key, secret_key=keys.secret_key, trading=True
    ) as session:
        assert len(session.unresolved()) == 0


def test_the_journal_is_written_before_sending_and_closed_after(
    exchange: cx.PaperExchange, session: cx.Session, tmp_path: Path
) -> None:
    order = session.buy("BTCUSDT", "0.001", FAR)
    (path,) = (tmp_path / "state" / "orders").glob("*.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines() if line]
    ours = [line for line in lines if order.client_order_id in (line.get("begin"), line.get("end"))]
    assert [next(iter(line)) for line in ours] == ["begin", "end"]
    assert ours[1]["order_id"] == order.order_id


def test_twenty_at_once_are_twenty_orders(exchange: cx.PaperExchange) -> None:
    exchange.faults.add("drop", path="order", method="POST", probability=0.5, seed=3)

    async def main() -> list[Any]:
        async with cx.aio.connect(exchange, order_timeout=0.5, order_recv_window=300) as session:
            tries = [session.buy("BTCUSDT", "0.001", FAR) for _ in range(20)]
            done = await asyncio.gather(*tries)
            exchange.faults.clear()
            orders = await session.orders("BTCUSDT")
            assert sorted(order.client_order_id for order in done) == sorted(orders.client_order_id)
            return done

    assert len({order.order_id for order in asyncio.run(main())}) == 20


def until(true: Callable[[], Any], patience_s: float = 30.0) -> None:
    end = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)
