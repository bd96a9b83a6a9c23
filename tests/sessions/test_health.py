"""Health of sessions, on a paper exchange that is made ill in every way."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any

import pytest

import cryptox as cx
from cryptox.errors import CryptoxError, OutcomeUnknown, ValidationError
from cryptox.model.judging import ADVICE, COMPONENTS
from cryptox.sessions import health
from cryptox.sessions.health import look
from cryptox.sessions.live import hub as hubs
from cryptox.sessions.users import book

NAMES = list(COMPONENTS)


@pytest.fixture
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange() as made:
        yield made


def on_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run it on a loop of its own."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


async def until(true: Callable[[], Any], within_s: float = 30.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        await asyncio.sleep(0.02)


async def becomes(session: Any, component: str, status: str, meanwhile: Callable[[], object] = lambda: None) -> Any:
    """The component, once it has that status."""
    end = time.monotonic() + 30.0
    while (found := await session.health(component)).status != status:
        assert time.monotonic() < end, found
        meanwhile()
        await asyncio.sleep(0.02)
    return found


def advised(part: Any, *keys: str) -> bool:
    return bool(part.advice == tuple(ADVICE[key] for key in keys))


async def api_of(session: Any) -> Any:
    return await session.health("exchange_api")


def test_without_sessions_only_the_process_is_in_use() -> None:
    found = asyncio.run(look([]))
    assert found.status == "healthy"
    assert [name for name, part in found.components.items() if part.in_use] == ["application"]
    assert list(found.components) == NAMES
    application: Any = found["application"]
    assert application.uptime_ms > 0
    assert application.threads >= 1
    assert application.tasks >= 1
    assert abs(found.timestamp_ms / 1000 - time.time()) < 60


@on_loop
async def test_a_session_that_only_asks(exchange: cx.PaperExchange) -> None:
    async with cx.aio.connect(exchange) as session:
        found: Any = await session.health()
        api = found["exchange_api"]
        assert found.status == "healthy"
        assert api.latency_ms > 0
        assert abs(api.last_success.timestamp() - time.time()) < 60
        assert (api.error_rate, api.weight_used, api.weight_limit) == (0.0, 1, 6000)
        assert [one.address for one in api.addresses] == [exchange.rest_url]
        assert [found[name].in_use for name in ("websocket_connections", "user_connections")] == [False, False]


@on_loop
async def test_everything_in_use_and_well(exchange: cx.PaperExchange) -> None:
    async with cx.aio.connect(exchange, user="ann") as session:
        trades, orders = await session.live.trades("BTCUSDT").start(), await session.live.orders().start()
        await session.buy("BTCUSDT", quote_quantity=100)
        await until(lambda: orders.status.received and trades.status.latency is not None)
        found: Any = await session.health()
        assert (found.status, found.advice) == ("healthy", ())
        sockets, trading, users = (found[name] for name in NAMES[2:])
        assert (sockets.connected, sockets.circuit_breaker_state, sockets.total_reconnects) == (True, "closed", 0)
        (one,) = sockets.connections
        assert (one.state, one.streams, one.behind, one.address) == ("carrying", 1, 0, exchange.stream_url)
        assert 0 <= one.last_message_age_s < 10
        assert one.lag_s is not None
        assert (trading.total_users, trading.active_connections, trading.unresolved) == (1, 1, 0)
        assert trading.last_order_latency_ms > 0
        assert abs(trading.last_order_ms / 1000 - time.time()) < 60
        (ann,) = users.users
        assert (ann.user, ann.venue, ann.logged_on, ann.state) == ("ann", "paper", True, "carrying")
        assert ann.last_event_age_s is not None
        assert abs(ann.clock_skew_ms) < 1_000


@on_loop
async def test_one_component_and_no_such_component(exchange: cx.PaperExchange) -> None:
    async with cx.aio.connect(exchange) as session:
        assert (await session.health("trading_system")).name == "trading_system"
        with pytest.raises(ValidationError) as told:
            await session.health("exchange_apis")
        assert told.value.suggested == {"call": "health", "component": "exchange_api"}
    exchange.stop()
    ended: Any = await session.health()
    assert [name for name, part in ended.components.items() if part.in_use] == ["application"]


@pytest.mark.parametrize(
    ("fault", "status", "key"),
    [
        ({"kind": "status", "code": 502}, "unhealthy", "busy"),
        ({"kind": "status", "code": 451}, "unhealthy", "blocked"),
        ({"kind": "status", "code": 403}, "unhealthy", "firewall"),
        ({"kind": "status", "code": 400, "error_code": -1100}, "unhealthy", "refused"),
        ({"kind": "limit", "code": 418, "retry_after": 60}, "unhealthy", "banned"),
        ({"kind": "limit", "code": 429, "retry_after": 60}, "degraded", "limited"),
        ({"kind": "reset"}, "unhealthy", "unreachable"),
        ({"kind": "body", "how": "html"}, "unhealthy", "refused"),
        ({"kind": "truncate"}, "unhealthy", "unreachable"),
    ],
)
@on_loop
async def test_what_is_wrong_with_the_exchange(
    exchange: cx.PaperExchange, fault: dict[str, Any], status: str, key: str
) -> None:
    kind = fault.pop("kind")
    exchange.faults.add(kind, path="time", **fault)
    async with cx.aio.connect(exchange) as session:
        part = await api_of(session)
        assert (part.status, part.addresses[0].status) == (status, status)
        assert advised(part, key), part
        assert len(part.reasons) == 1


@on_loop
async def test_a_ban_is_said_without_asking(exchange: cx.PaperExchange) -> None:
    fault = exchange.faults.add("limit", path="time", code=418, retry_after=60)
    async with cx.aio.connect(exchange) as session:
        await api_of(session)
        part = await api_of(session)
        assert part.status == "unhealthy"
        assert part.reasons[0].startswith("The exchange has banned this address. Nothing is sent for another")
        assert fault.hits == 1


@on_loop
async def test_an_open_breaker_is_said_without_asking_and_closes_again(exchange: cx.PaperExchange) -> None:
    fault = exchange.faults.add("status", path="time", code=502)
    async with cx.aio.connect(exchange) as session:
        while fault.hits < 8:
            with suppress(CryptoxError):
                await session.server_time()
        part = await api_of(session)
        assert advised(part, "resting")
        assert part.addresses[0].breaker == "open"
        assert fault.hits == 8
        exchange.faults.clear()
        part = await becomes(session, "exchange_api", "healthy")
        assert part.addresses[0].breaker == "closed"


@on_loop
async def test_looks_stand_in_the_way_of_no_order(exchange: cx.PaperExchange) -> None:
    async with cx.aio.connect(exchange) as session:
        await session.buy("BTCUSDT", "0.001", "20000")
        exchange.faults.add("status", path="time", code=502)
        for _ in range(20):
            assert advised(await api_of(session), "busy")
        exchange.faults.clear()
        await session.buy("BTCUSDT", "0.001", "20000")


@on_loop
async def test_an_exchange_that_is_gone(exchange: cx.PaperExchange) -> None:
    async with cx.aio.connect(exchange) as session:
        exchange.stop()
        part = await api_of(session)
        assert part.status == "unhealthy"
        assert advised(part, "unreachable")
        assert part.last_success is None


@on_loop
async def test_no_answer_in_time_is_unknown_and_again_and_again_unhealthy(exchange: cx.PaperExchange) -> None:
    exchange.faults.add("drop", path="time")
    async with cx.aio.connect(exchange, timeout=0.3) as session:
        found = [(await api_of(session)).status for _ in range(3)]
        assert found == ["unknown", "unknown", "unhealthy"]
        part = await api_of(session)
        assert advised(part, "silent")


@on_loop
async def test_a_slow_answer(exchange: cx.PaperExchange) -> None:
    exchange.faults.add("latency", path="time", seconds=1.1)
    async with cx.aio.connect(exchange) as session:
        part = await api_of(session)
        assert (part.status, part.latency_ms > 1_100) == ("degraded", True)
        assert advised(part, "slow")


@on_loop
async def test_requests_that_fail_now_and_then(exchange: cx.PaperExchange) -> None:
    async with cx.aio.connect(exchange) as session:
        exchange.faults.add("status", path="ticker/price", code=502, times=2)
        for _ in range(19):
            await session.prices("BTCUSDT")
        part = await api_of(session)
        assert part.status == "degraded"
        assert advised(part, "errors")
        assert part.addresses[0].requests * part.error_rate == pytest.approx(2)


@on_loop
async def test_weight_that_others_use(exchange: cx.PaperExchange) -> None:
    exchange.faults.add("weight", amount=5_500)
    async with cx.aio.connect(exchange) as session:
        part = await becomes(session, "exchange_api", "degraded")
        assert advised(part, "weight")
        assert part.weight_used >= 5_500


@on_loop
async def test_a_check_that_takes_too_long_is_unknown(
    exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CHECK_S", 0.2)
    exchange.faults.add("drop", path="time")
    async with cx.aio.connect(exchange) as session:
        found: Any = await session.health()
        assert found["exchange_api"].status == "unknown"
        assert found["exchange_api"].reasons == ("It was not found out within 0.2 s.",)
        assert found["application"].status == "healthy"


@on_loop
async def test_an_address_that_takes_too_long_hides_no_other(
    exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "ADDRESS_S", 1.0)
    with cx.PaperExchange() as stuck:
        stuck.faults.add("drop", path="time")
        async with cx.aio.connect(exchange) as one, cx.aio.connect(stuck) as other:
            part: Any = await look([one, other], "exchange_api")
            assert [(at.address, at.status) for at in part.addresses] == [
                (exchange.rest_url, "healthy"),
                (stuck.rest_url, "unknown"),
            ]
            assert part.reasons[0].startswith(f"paper at {stuck.rest_url}: Nothing came within 1 s")


@pytest.mark.parametrize("others", [0, 1])
@on_loop
async def test_a_session_that_is_closed_meanwhile_is_no_trouble(exchange: cx.PaperExchange, others: int) -> None:
    first = cx.aio.connect(exchange)
    rest = [cx.aio.connect(exchange) for _ in range(others)]
    await first.server_time()  # it has connections here, so it is the one that asks
    fault = exchange.faults.add("drop", path="time", times=1)
    looking = asyncio.ensure_future(look([*rest, first], "exchange_api"))
    await until(lambda: fault.hits)
    await first.close()
    part: Any = await looking
    assert (part.status, part.in_use, len(part.addresses)) == ("healthy", bool(others), others)
    for one in rest:
        await one.close()


@on_loop
async def test_a_check_that_fails_is_unknown_and_spoils_no_other(
    exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: Any) -> Any:
        raise KeyError("x")

    monkeypatch.setitem(health.CHECKS, "trading_system", broken)
    async with cx.aio.connect(exchange) as session:
        found: Any = await session.health()
        assert (found.status, found["trading_system"].status) == ("unknown", "unknown")
        assert found["trading_system"].reasons == ("It could not be found out: KeyError: 'x'",)
        assert advised(found["trading_system"], "failed")
        assert found["exchange_api"].status == "healthy"


@on_loop
async def test_a_loop_that_is_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.get_running_loop().call_later(0.001, time.sleep, 0.7)
    part: Any = await look([], "application")
    assert part.status == "degraded"
    assert advised(part, "late")
    assert part.loop_lag_ms > 500


@on_loop
async def test_sockets_that_are_cut_come_again(exchange: cx.PaperExchange) -> None:
    async with cx.aio.connect(exchange) as session:
        feed = await session.live.ticker("BTCUSDT").start()
        part = await becomes(session, "websocket_connections", "unhealthy", exchange.faults.cut)
        assert advised(part, "down")
        assert (part.connected, part.connections[0].is_up) == (False, False)
        assert part.connections[0].trouble
        part = await becomes(session, "websocket_connections", "healthy")
        assert part.total_reconnects >= 1
        assert feed.is_running


@on_loop
async def test_a_silent_socket(exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "SILENCE_S", 0.3)
    monkeypatch.setattr(hubs, "PONG_S", 30.0)
    monkeypatch.setattr(health, "STALE_S", 0.2)
    async with cx.aio.connect(exchange) as session:
        feed = await session.live.book_ticker("BTCUSDT").start()
        exchange.faults.freeze(5)
        part = await becomes(session, "websocket_connections", "degraded")
        assert advised(part, "quiet")
        assert part.connections[0].last_message_age_s > 0.5
        assert feed.is_running


@on_loop
async def test_events_that_are_late(exchange: cx.PaperExchange) -> None:
    async with cx.aio.connect(exchange) as session:
        await session.server_time()
        exchange.faults.add("frame", how="delay", seconds=2.5, stream="btcusdt@bookTicker")
        exchange.faults.add("frame", how="delay", seconds=2.5, stream="btcusdt@ticker")
        feed = await session.live.ticker("BTCUSDT").start()
        part = await becomes(session, "websocket_connections", "degraded")
        assert advised(part, "lag"), part
        assert feed.is_running
        assert part.connections[0].lag_s > 2


@on_loop
async def test_how_late_an_old_event_was_says_nothing_about_now(
    exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cx.aio.connect(exchange) as session:
        await session.server_time()
        feed = await session.live.ticker("BTCUSDT").start()
        await until(lambda: feed.status.latency is not None)
        part: Any = await session.health("websocket_connections")
        assert part.connections[0].lag_s is not None
        monkeypatch.setattr(health, "RECENT_S", -1.0)
        part = await session.health("websocket_connections")
        assert part.connections[0].lag_s is None


@on_loop
async def test_a_stream_that_cannot_be_repaired_yet(exchange: cx.PaperExchange) -> None:
    async with cx.aio.connect(exchange) as session:
        feed = await session.live.book("BTCUSDT").start()
        exchange.faults.add("status", path="depth", code=502)
        exchange.faults.cut()
        part = await becomes(session, "websocket_connections", "degraded")
        assert advised(part, "behind"), part
        exchange.faults.clear()
        await becomes(session, "websocket_connections", "healthy")
        assert feed.status.synced


@on_loop
async def test_an_outcome_that_is_not_known(exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    async with cx.aio.connect(exchange, order_timeout=0.5, resolve_timeout=0.5) as session:
        await session.balances()
        await session.test_order("BTCUSDT", "buy", "MARKET", quote_quantity=100)
        exchange.faults.add("drop", path="order", method="POST", times=1)
        exchange.faults.add("status", path="order", method="GET", code=502)
        exchange.faults.add("status", path="myTrades", code=502)
        with pytest.raises(OutcomeUnknown):
            await session.buy("BTCUSDT", quote_quantity=100)
        part: Any = await session.health("trading_system")
        assert (part.status, part.unresolved) == ("degraded", 1)
        assert advised(part, "unresolved")
        monkeypatch.setattr("cryptox.model.judging.LONG_UNRESOLVED_S", 0.0)
        part = await session.health("trading_system")
        assert part.status == "unhealthy"
        assert advised(part, "unresolved", "long")
        exchange.faults.clear()
        monkeypatch.undo()
        part = await becomes(session, "trading_system", "healthy")
        assert part.unresolved == 0


@on_loop
async def test_a_slow_order(exchange: cx.PaperExchange) -> None:
    async with cx.aio.connect(exchange) as session:
        exchange.faults.add("latency", path="order", method="POST", seconds=2.1)
        await session.buy("BTCUSDT", quote_quantity=100)
        part: Any = await session.health("trading_system")
        assert part.status == "degraded"
        assert advised(part, "slow_orders")
        assert part.last_order_latency_ms > 2_100


@on_loop
async def test_an_order_that_was_never_answered_has_no_latency(exchange: cx.PaperExchange) -> None:
    async with cx.aio.connect(exchange, order_timeout=0.5, resolve_timeout=0.5) as session:
        await session.test_order("BTCUSDT", "buy", "MARKET", quote_quantity=100)
        exchange.stop()
        with pytest.raises(CryptoxError):
            await session.buy("BTCUSDT", quote_quantity=100)
        assert session._last_act is None


@on_loop
async def test_a_user_that_is_cut_off_and_comes_back(exchange: cx.PaperExchange) -> None:
    async with cx.aio.connect(exchange, user="ann") as ann, cx.aio.connect(exchange, user="bob") as bob:
        feed = await ann.live.orders().start()
        await bob.balances()
        assert (await bob.health("user_connections")).in_use is False
        part = await becomes(ann, "user_connections", "unhealthy", exchange.faults.cut)
        assert advised(part, "user_down")
        assert part.users[0].logged_on is False
        part = await becomes(ann, "user_connections", "healthy")
        assert part.users[0].reconnects >= 1
        assert feed.is_running


@on_loop
async def test_one_of_two_users_whose_key_is_refused(exchange: cx.PaperExchange) -> None:
    async with cx.aio.connect(exchange, user="ann") as ann, cx.aio.connect(exchange, user="bob") as bob:
        await ann.live.orders().start()
        await bob.live.orders().start()
        stream = bob._stream
        assert stream is not None
        stream.line.stop(cx.errors.AuthenticationError("The key was refused."))
        part: Any = await look([ann, bob], "user_connections")
        assert part.status == "degraded"
        assert advised(part, "user_ended")
        assert part.reasons == ("bob on paper: Its connection has ended: AuthenticationError: The key was refused.",)
        part = await bob.health("user_connections")
        assert part.status == "unhealthy"


@on_loop
async def test_clocks_that_disagree(exchange: cx.PaperExchange) -> None:
    exchange.faults.step_clock(5)
    async with cx.aio.connect(exchange, user="ann") as session:
        await session.live.orders().start()
        found: Any = await session.health()
        part = found["user_connections"]
        assert part.status == "healthy"
        assert advised(part, "skew")
        assert part.users[0].clock_skew_ms == pytest.approx(5_000, abs=1_000)


@on_loop
async def test_a_silent_user_stream(exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cryptox.sessions.userline.SILENCE_S", 0.3)
    monkeypatch.setattr("cryptox.sessions.userline.PONG_S", 30.0)
    monkeypatch.setattr(health, "STALE_S", 0.2)
    async with cx.aio.connect(exchange, user="ann") as session:
        feed = await session.live.orders().start()
        exchange.faults.freeze(5)
        part = await becomes(session, "user_connections", "degraded")
        assert advised(part, "quiet")
        assert feed.is_running


@on_loop
async def test_sessions_of_one_address_ask_once(exchange: cx.PaperExchange) -> None:
    async with cx.aio.connect(exchange) as one, cx.aio.connect(exchange) as other:
        with cx.PaperExchange() as elsewhere:
            async with cx.aio.connect(elsewhere) as third:
                asked = exchange.faults.add("latency", path="time", seconds=0.0)
                part: Any = await look([one, other, third], "exchange_api")
                assert len(part.addresses) == 2
                assert asked.hits == 1
                place = elsewhere.rest_url
                elsewhere.stop()
                part = await look([one, other, third], "exchange_api")
                assert part.status == "degraded"
                assert part.reasons[0].startswith(f"paper at {place}: ")


@on_loop
async def test_the_book_knows_sessions_until_they_end(exchange: cx.PaperExchange) -> None:
    session = cx.aio.connect(exchange)
    assert session in book.everyone()
    await session.close()
    assert session not in book.everyone()


@on_loop
async def test_the_book_tells_of_sessions_in_the_order_they_were_made(exchange: cx.PaperExchange) -> None:
    made = [cx.aio.connect(exchange) for _ in range(20)]
    assert [one for one in book.everyone() if one in made] == made
    for one in made:
        await one.close()


@on_loop
async def test_all_of_the_process_from_a_loop_of_ones_own(exchange: cx.PaperExchange) -> None:
    with cx.connect(exchange, user="cy") as blocking:
        blocking.balances()
        async with cx.aio.connect(exchange, user="ann") as session:
            await session.balances()
            found: Any = await cx.aio.health()
            assert {"ann", "cy"} <= {one.user for one in found["user_connections"].users}
            assert (await cx.aio.health("trading_system")).total_users >= 2
            with pytest.raises(ValidationError):
                await cx.aio.health("x")


@on_loop
async def test_a_walk_over_what_changes_is_made_again() -> None:
    tries: list[int] = []

    def read(thing: object) -> object:
        tries.append(1)
        if len(tries) < 3:
            raise RuntimeError("dictionary changed size during iteration")
        return thing

    assert await health._steadily(read, "x") == "x"
    assert len(tries) == 3
