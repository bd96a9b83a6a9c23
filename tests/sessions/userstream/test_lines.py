"""The connections of a user's stream: subscriptions that end, hand-overs, restarts."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import cryptox as cx
from cryptox.paper.sockets import Rules
from cryptox.sessions import userline
from cryptox.venues.user import Notice

sys.path.insert(0, str(Path(__file__).parents[1]))
from listener import LIMITS, Heard, equal, forward, poll, run
from outsider import Outsider


def test_a_subscription_that_the_exchange_ends_is_made_again(exchange: Any, outsider: Outsider) -> None:
    async def main(session: Any, stream: Any) -> None:
        heard = Heard(stream)
        since = stream.unbroken_since
        assert exchange.faults.end_user_streams() == 1
        outsider.rest()
        await poll(lambda: stream.line.subscriptions == 2)
        assert heard.said.index("cut") < heard.said.index("carried")
        assert stream.unbroken_since > since
        await equal(outsider, stream)

    run(exchange, outsider, main)


def test_a_hand_over_misses_nothing_and_leaves_one_connection(exchange: Any, outsider: Outsider) -> None:
    async def main(session: Any, stream: Any) -> None:
        heard = Heard(stream)
        since = stream.unbroken_since
        exchange.faults.shut_down(60)
        while stream.line.subscriptions < 2 or len(exchange._front.ws_api) > 1:
            outsider.market()
            await asyncio.sleep(0.01)
        await equal(outsider, stream)
        assert stream.unbroken_since == since
        assert "cut" not in heard.said
        assert forward(heard.orders())
        assert all(one.execution for one in heard.orders())  # events told of all of it, no answer did

    run(exchange, outsider, main)


def test_a_hand_over_from_a_connection_that_is_deaf_promises_nothing(
    exchange: Any, outsider: Outsider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(userline, "SILENCE_S", 30.0)

    async def main(session: Any, stream: Any) -> None:
        heard, since, line = Heard(stream), stream.unbroken_since, stream.line
        exchange.faults.freeze(60)
        outsider.rest()  # nobody tells of it
        (wire,) = line._wires.values()
        line._life.retire(wire.number, time.monotonic(), 0.5)
        line._wake.set()
        await poll(lambda: line.subscriptions == 2)
        assert stream.unbroken_since > since
        assert "cut" not in heard.said
        await equal(outsider, stream)

    run(exchange, outsider, main)


def test_a_subscription_that_has_ended_promises_nothing_from_that_moment(exchange: Any, outsider: Outsider) -> None:
    async def main(session: Any, stream: Any) -> None:
        (wire,) = stream.line._wires.values()
        stream.line._told(wire, Notice("over"))
        assert stream.unbroken_since is None
        await poll(lambda: stream.line.subscriptions == 2)

    run(exchange, outsider, main)


def test_connections_that_end_by_themselves_are_replaced_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(userline, "STEADY_S", 0.5)  # what carried so long is followed by the next at once
    monkeypatch.setattr(Rules, "notice", 2.0)  # room for a hand-over on a busy machine
    with cx.PaperExchange(limits=LIMITS, connection_life=3.0) as exchange:
        outsider = Outsider(exchange, exchange.create_account())

        async def main(session: Any, stream: Any) -> None:
            heard, since = Heard(stream), stream.unbroken_since
            while stream.line.subscriptions < 3:
                outsider.rest()
                await asyncio.sleep(0.05)
            await equal(outsider, stream)
            assert "cut" not in heard.said
            assert stream.unbroken_since == since
            assert forward(heard.orders())

        run(exchange, outsider, main)
        outsider.close()


def test_a_restart_of_the_exchange(tmp_path: Any) -> None:
    exchange = cx.PaperExchange(limits=LIMITS, path=tmp_path / "exchange.db")
    with exchange:
        port = exchange.port
        keys = exchange.create_account()
        outsider = Outsider(exchange, keys)

        async def main(session: Any, stream: Any) -> None:
            heard = Heard(stream)
            outsider.rest()
            outsider.market(quantity="2")
            waiting = outsider.rest()
            await equal(outsider, stream)
            exchange.stop()
            await poll(lambda: stream.unbroken_since is None)
            assert len(stream.blotter.open_orders()) == 2  # what is known stays known
            with cx.PaperExchange(limits=LIMITS, path=tmp_path / "exchange.db", port=port) as again:
                other = Outsider(again, keys)
                other.cancel(waiting)
                other.market(quantity="1")
                await poll(lambda: stream.line.subscriptions == 2, 30)
                await equal(other, stream)
                other.close()
            assert forward(heard.orders())

        run(exchange, outsider, main)
        outsider.close()
