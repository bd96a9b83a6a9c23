"""What the log tells of a session at work: one event for each fact, with who it was for, and never a query."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import cryptox as cx
from cryptox import logs, portal
from cryptox.errors import Banned, OutcomeUnknown, RateLimited
from cryptox.venues.binance import endpoints as ep

KLINES = ep.KLINES.path
Told = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange() as exchange:
        yield exchange


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    """Events of that name so far with these fields: their fields, and their level."""
    monkeypatch.setenv("CRYPTOX_STATE", str(tmp_path))
    caplog.set_level(logging.DEBUG, logger="cryptox")

    def find(name: str, **fields: Any) -> list[dict[str, Any]]:
        found = [
            {**record.fields, "level": record.levelname}
            for record in list(caplog.records)
            if getattr(record, "event", None) == name
        ]
        return [one for one in found if fields.items() <= one.items()]

    return find


def until(what: Callable[[], Any], within_s: float = 30.0) -> Any:
    ends = time.monotonic() + within_s
    while not (found := what()):
        assert time.monotonic() < ends
        time.sleep(0.02)
    return found


def test_a_request_is_told_once_without_its_query(exchange: cx.PaperExchange, told: Told) -> None:
    with cx.connect(exchange, user="ann") as session:
        session.klines("BTCUSDT", "1h", 3)
    (done,) = told("request.done", path=KLINES)
    assert done.pop("ms") >= 0
    assert done.pop("session").startswith("s")
    assert done.pop("request_id").startswith("r")
    assert done == {
        "level": "DEBUG",
        "category": "api",
        "user": "ann",
        "method": "GET",
        "host": "127.0.0.1",
        "path": KLINES,
        "status": 200,
        "weight": 2,
        "attempt": 1,
    }
    assert told("request.failed") == told("request.again") == []


def test_every_try_is_told_under_one_number(exchange: cx.PaperExchange, told: Told) -> None:
    exchange.faults.add("status", code=503, body="html", path=KLINES, times=1)
    exchange.faults.add("reset", at="start", path=KLINES, times=1, after=1)
    with cx.connect(exchange) as session:
        session.klines("BTCUSDT", "1h", 3)
    failed, again, done = told("request.failed"), told("request.again"), told("request.done", path=KLINES)
    assert [(one["attempt"], one.get("status"), one.get("error"), one["level"]) for one in failed] == [
        (1, 503, None, "WARNING"),
        (2, None, "NetworkError", "WARNING"),
    ]
    assert [one["attempt"] for one in again] == [2, 3]
    assert all(one["pause_s"] > 0 for one in again)
    assert [one["attempt"] for one in done] == [3]
    assert len({one["request_id"] for one in failed + again + done}) == 1


def test_a_definite_refusal_is_an_answer(exchange: cx.PaperExchange, told: Told) -> None:
    with cx.connect(exchange) as session, pytest.raises(cx.errors.BadSymbol):
        session.klines("NOSUCH", "1h", 3)
    (done,) = told("request.done", path=KLINES)
    assert done["status"] == 400
    assert told("request.failed") == []


def test_stops_bans_and_refusals_are_told(exchange: cx.PaperExchange, told: Told) -> None:
    with cx.connect(exchange, timeout=1) as session:
        session.klines("BTCUSDT", "1h", 3)
        exchange.faults.add("limit", code=418, retry_after=60, path=KLINES, times=1)
        with pytest.raises((Banned, RateLimited)):
            session.klines("BTCUSDT", "1h", 3)
        (stopped,) = told("limit.stopped")
        assert (stopped["wait_s"], stopped["banned"], stopped["by"], stopped["level"]) == (
            60,
            True,
            "answer",
            "WARNING",
        )
        assert told("limit.refused") == []
        with pytest.raises(Banned):
            session.klines("BTCUSDT", "1h", 3)
    (refused,) = told("limit.refused")
    assert (refused["banned"], refused["level"]) == (True, "WARNING")
    assert 50 < refused["retry_after_s"] <= 60


def test_waiting_for_weight_is_told(told: Told) -> None:
    with (
        cx.PaperExchange(limits={"REQUEST_WEIGHT": (12, "1s")}) as exchange,
        cx.connect(exchange) as session,
    ):
        session.klines("BTCUSDT", "1h", 3)
        for _ in range(8):
            session.klines("BTCUSDT", "1h", 3)
    waited = told("limit.waited", weight=2)
    assert waited
    assert all(0 < one["ms"] < 30_000 and one["request_id"] for one in waited)


def test_the_breaker_is_told_when_it_changes(exchange: cx.PaperExchange, told: Told) -> None:
    with cx.connect(exchange) as session:
        session.klines("BTCUSDT", "1h", 3)
        fault = exchange.faults.add("status", code=503, body="html", path=KLINES)
        for _ in range(2):
            with pytest.raises(cx.errors.CryptoxError):
                session.klines("BTCUSDT", "1h", 3)
        (opened,) = told("breaker.opened")
        assert (opened["failures"], opened["level"], opened["path"]) == (8, "WARNING", KLINES)
        assert opened["rest_s"] == pytest.approx(1.0, abs=0.1)
        assert told("breaker.closed") == told("breaker.trying") == []
        exchange.faults.remove(fault)
        session.klines("BTCUSDT", "1h", 3)
    assert len(told("breaker.trying")) == 1
    (closed,) = told("breaker.closed")
    assert closed["level"] == "INFO"


def test_sessions_are_told_once(exchange: cx.PaperExchange, told: Told) -> None:
    session = cx.connect(exchange, user="ann")
    (opened,) = told("session.opened", user="ann")
    assert (opened["venue"], opened["trading"]) == ("paper", True)
    assert opened["server"] == exchange.rest_url.removeprefix("http://")
    session.close()
    session.close()
    assert [one["reason"] for one in told("session.closed", session=opened["session"])] == ["This session is closed."]
    former = cx.connect(exchange, user="bob")
    with cx.connect(exchange, user="bob"):
        (retired,) = told("session.closed", user="bob")
        assert "connected again" in retired["reason"]
    del former


def test_orders_say_whose_they_are(exchange: cx.PaperExchange, told: Told) -> None:
    with cx.connect(exchange, user="ann") as session, cx.logs.context(job="mine"):
        order = session.buy("BTCUSDT", "0.001", round(session.prices("BTCUSDT").price.iloc[0] * 0.9))
    who = {"user": "ann", "job": "mine", "client_order_id": order.client_order_id}
    assert len(told("order.sending", **who)) == len(told("order.done", **who, order_id=order.order_id)) == 1
    (sent,) = told("request.done", method="POST")
    assert (sent["user"], sent["job"]) == ("ann", "mine")


def test_an_order_that_goes_out_again_is_told(exchange: cx.PaperExchange, told: Told) -> None:
    with cx.connect(exchange, user="ann") as session:
        exchange.faults.add("status", error_code=-1021, path="order", method="POST", times=1)
        order = session.buy("BTCUSDT", quote_quantity=50)
    (again,) = told("order.again", client_order_id=order.client_order_id)
    assert (again["level"], again["user"], again["operation"]) == ("WARNING", "ann", "place_order")
    assert again["why"]
    assert len(told("order.sending")) == len(told("order.done")) == 1
    assert len(told("request.done", method="POST")) == 2


def test_an_order_that_waits_for_the_accounts_room_is_told(told: Told) -> None:
    async def place(exchange: cx.PaperExchange) -> None:
        async with cx.aio.connect(exchange, user="ann") as session:
            await session.test_order("BTCUSDT", "buy", quantity="0.001", price=20_000)
            await asyncio.gather(*(session.buy("BTCUSDT", "0.001", 20_000) for _ in range(5)))

    with cx.PaperExchange(limits={"ORDERS": (2, "1s"), "REQUEST_WEIGHT": (10_000, "1m")}) as exchange:
        asyncio.run(place(exchange))
    waits = told("order.waits", user="ann")
    assert waits
    assert all(one["level"] == "INFO" and one["orders"] == 1 and 0 < one["wait_s"] <= 1.0 for one in waits)
    assert len(told("order.done")) == 5


def test_a_connection_that_the_exchange_is_about_to_end_is_told(exchange: cx.PaperExchange, told: Told) -> None:
    with cx.connect(exchange) as session, session.live.book_ticker("BTCUSDT") as feed:
        until(lambda: feed.status.received)
        (first,) = told("socket.opened")
        exchange.faults.shut_down(1.0)
        (retiring,) = until(lambda: told("socket.retiring"))
        assert (retiring["level"], retiring["venue"], retiring["number"]) == ("INFO", "paper", first["number"])
        until(lambda: len(told("stream.carried")) > 1)
    assert len(told("socket.opened")) == 2


def test_the_life_of_a_connection_is_told(exchange: cx.PaperExchange, told: Told) -> None:
    with (
        cx.connect(exchange, user="ann") as session,
        cx.logs.context(job="mine"),
        session.live.book_ticker("BTCUSDT") as feed,
    ):
        until(lambda: feed.status.received)
        exchange.faults.cut()
        until(lambda: feed.status.reconnects)
        until(lambda: len(told("stream.carried")) > 1)
    assert len(told("socket.opened")) == 2
    assert until(lambda: len(told("socket.closed")) == 2)
    assert {one["stream"] for one in told("stream.carried")} == {"btcusdt@bookTicker"}
    # It may serve others as well: it is nobody's.
    for one in (*told("socket.opened"), *told("stream.carried")):
        assert not {"job", "user", "session"} & one.keys()


def test_a_users_stream_is_told_for_its_user(exchange: cx.PaperExchange, told: Told) -> None:
    with cx.connect(exchange, user="ann") as session, cx.logs.context(job="mine"), session.live.orders():
        (on,) = until(lambda: told("user_stream.logged_on"))
        exchange.faults.cut()
        until(lambda: len(told("user_stream.logged_on")) == 2)
        assert [one["level"] for one in told("user_stream.logged_off")] == ["WARNING"]
    until(lambda: told("user_stream.logged_off", level="INFO"))
    assert (on["user"], on["level"]) == ("ann", "INFO")
    assert "job" not in on


# --- context ------------------------------------------------------------------------------------------------------


def test_the_callers_context_comes_along_to_the_loop_thread(exchange: cx.PaperExchange, told: Told) -> None:
    async def look() -> tuple[dict[str, Any], str]:
        return logs.get_context(), threading.current_thread().name

    with cx.logs.context(job="a"):
        assert portal.run(look()) == ({"job": "a"}, "cryptox")
    assert portal.run(look()) == ({}, "cryptox")
    with cx.connect(exchange) as session, cx.logs.context(job="b"):
        session.klines_bulk("BTCUSDT", "1h", 2500)
    pages = told("request.done", path=KLINES, job="b")
    assert len(pages) >= 3
    assert len({one["request_id"] for one in pages}) == len(pages)
    assert len({one["session"] for one in pages}) == 1


def test_users_side_by_side_are_told_apart(exchange: cx.PaperExchange, told: Told) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange, user="ann") as ann, cx.aio.connect(exchange, user="bob") as bob:
            await asyncio.gather(*(one.account() for one in (ann, bob, ann, bob)))

    asyncio.run(main())
    found = [one["user"] for one in told("request.done", path=ep.ACCOUNT.path)]
    assert sorted(found) == ["ann", "ann", "bob", "bob"]


def test_executors_get_the_callers_context() -> None:
    async def look() -> list[dict[str, Any]]:
        loop = asyncio.get_running_loop()
        return [await asyncio.to_thread(logs.get_context), await loop.run_in_executor(None, logs.get_context)]

    with cx.logs.context(job="a"):
        assert portal.run(look()) == [{"job": "a"}, {"job": "a"}]
    assert portal.run(look()) == [{}, {}]


def test_callbacks_run_in_the_context_of_who_gave_them(exchange: cx.PaperExchange) -> None:
    plain: list[tuple[dict[str, Any], str]] = []
    later: list[dict[str, Any]] = []

    async def coroutine(_: Any) -> None:
        later.append(logs.get_context())

    with cx.connect(exchange) as session, session.live.book_ticker("BTCUSDT") as feed:
        with cx.logs.context(strategy="mine"):
            feed.on(lambda _: plain.append((logs.get_context(), threading.current_thread().name)))
            feed.on(coroutine)
        until(lambda: plain and later)
    assert plain[0][0] == later[0] == {"strategy": "mine"}
    assert plain[0][1].startswith("cryptox-feed")


def test_a_failing_callback_is_told_in_that_context(exchange: cx.PaperExchange, told: Told) -> None:
    with cx.connect(exchange) as session, session.live.book_ticker("BTCUSDT") as feed:
        with cx.logs.context(strategy="mine"):
            feed.on(lambda _: 1 / 0)
        until(lambda: told("feed.callback_failed", strategy="mine"))


def test_what_settles_later_still_says_whose_it_is(exchange: cx.PaperExchange, told: Told) -> None:
    with cx.connect(exchange, user="ann", order_timeout=0.5, resolve_timeout=0.5) as session:
        price = round(session.prices("BTCUSDT").price.iloc[0] * 0.9)
        session.balances()
        exchange.faults.add("drop", path=ep.NEW_ORDER.path)
        with pytest.raises(OutcomeUnknown):
            session.buy("BTCUSDT", "0.001", price)
        (doubt,) = told("order.doubt")
        (unknown,) = told("order.unknown")
    assert doubt["user"] == unknown["user"] == "ann"
    assert told("request.failed", path=ep.NEW_ORDER.path, user="ann")


def test_a_context_of_the_programs_own_is_left_alone(exchange: cx.PaperExchange) -> None:
    mine: contextvars.ContextVar[str] = contextvars.ContextVar("mine", default="none")
    seen: list[str] = []
    with cx.connect(exchange) as session, session.live.book_ticker("BTCUSDT") as feed:
        token = mine.set("some")
        feed.on(lambda _: seen.append(mine.get()))
        mine.reset(token)
        until(lambda: seen)
    assert seen[0] == "some"
