"""A short campaign of faults on orders: each call is done at most once, and what it says is so.

The long one is a benchmark.

It would not be worth much if it could not find what it looks for: with the rule broken it must.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cryptox.sessions import acting, blotter, lookups, resolution, settling

PROGRAMS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(PROGRAMS))
    import orders_campaign

    yield orders_campaign
    for name in list(sys.modules):
        if name in ("orders_campaign", "orders", "virtual") or name.startswith("orders."):
            sys.modules.pop(name)


@pytest.mark.parametrize("seed", [3, 11])
def test_on_virtual_time_every_call_is_done_once_and_says_what_is_so(
    program: Any, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orders import world

    monkeypatch.setattr(world, "TROUBLES", {**world.TROUBLES, "death": 200})
    monkeypatch.setattr(world, "CALM_S", 8.0)
    campaign = program.on_virtual_time(250, seed)
    assert campaign.wrong == []
    assert campaign.orders >= 250
    assert campaign.faults.total() > 150
    assert campaign.outcomes["NotSent"] > 10
    assert campaign.deaths > 0
    assert campaign.events > 200


def test_requests_that_look_alike_are_told_apart(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cancels of all that are sent in one millisecond have one signature: the second one finds nothing."""
    from orders import trader, world

    async def work(self: Any, _until: Any) -> None:
        await self.once("limit")
        await asyncio.sleep(1_060.0 - time.monotonic())
        await self.once("cancel_all")

    monkeypatch.setattr(trader.Trader, "work", work)
    monkeypatch.setattr(world, "draw", lambda *_, **__: None)
    monkeypatch.setattr(world, "CALM_S", 10.0**6)
    campaign = program.on_virtual_time(0, 1)
    assert campaign.wrong == []
    assert campaign.outcomes["DataFrame"] == 12


def test_it_finds_cancels_of_all_that_say_too_much(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from orders import faults, trader

    monkeypatch.setitem(faults.NETWORK, "lost before", (300, faults.NETWORK["lost before"][1]))
    monkeypatch.setattr(trader, "MIX", {"limit": 3, "cancel_all": 1})
    monkeypatch.setattr(lookups, "_was_there", lambda *_: False)
    monkeypatch.setattr(lookups.Lister, "_is_gone_since", lambda _, __, order: order.status == "canceled")
    wrong = program.on_virtual_time(25, 1).wrong
    assert any("said that nothing is open of what was" in why for why in wrong)
    assert any("had been canceled" in why for why in wrong)


def test_it_finds_what_arrived_twice_and_was_denied(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from orders import faults, trader

    async def not_asked(*_: Any) -> None:
        return None

    monkeypatch.setitem(faults.FAULTS, "repeated", (300, faults.FAULTS["repeated"][1]))
    monkeypatch.setattr(trader, "MIX", {"limit": 3, "cancel": 1, "replace": 1, "amend": 1})
    assert program.on_virtual_time(40, 3).wrong == []
    monkeypatch.setattr(acting.Acting, "_done_before", not_asked)
    assert any("said not to be done, and it was" in why for why in program.on_virtual_time(40, 3).wrong)


def test_it_finds_proofs_that_come_too_soon(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def found_nothing(self: Any, *_: Any, **__: Any) -> None:
        self.proven = True

    monkeypatch.setattr(resolution.Resolution, "found_nothing", found_nothing)
    campaign = program.on_virtual_time(80, 3)
    assert any("said not to be done, and it was" in why for why in campaign.wrong)


def test_it_finds_proofs_by_a_clock_that_was_set_forward(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = resolution.Resolution.__init__

    def by_exchange_time_alone(self: Any, *given: Any, **named: Any) -> None:
        made(self, *given, **named)
        self._settled_at = float("-inf")

    monkeypatch.setattr(resolution.Resolution, "__init__", by_exchange_time_alone)
    from orders import faults, world

    monkeypatch.setitem(faults.NETWORK, "late inside", (200, faults.NETWORK["late inside"][1]))
    monkeypatch.setattr(world, "TROUBLES", {"clock forward": 1})
    campaign = program.on_virtual_time(400, 3)
    assert any("said not to be done, and it was" in why for why in campaign.wrong)


def test_it_finds_orders_that_are_sent_again(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver = acting.Acting._deliver

    async def twice(self: Any, act: Any, pending: Any) -> Any:
        try:
            return await deliver(self, act, pending)
        except acting._Doubt:
            return await deliver(self, act, pending)

    monkeypatch.setattr(acting.Acting, "_deliver", twice)
    campaign = program.on_virtual_time(80, 3)
    assert any("done 2 times" in why for why in campaign.wrong)


def test_it_finds_outcomes_that_stay_unknown_needlessly(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lost(*_: Any) -> None:
        raise TimeoutError

    monkeypatch.setattr(settling.Settling, "_look", lost)
    monkeypatch.setattr(settling.Settling, "_take_hearsay", lambda *_: None)
    from orders import runs

    monkeypatch.setattr(runs, "SETTLED_AFTER", 1)
    campaign = program.on_virtual_time(40, 3)
    assert any("stayed unknown though the exchange could be asked" in why for why in campaign.wrong)


def test_it_finds_orders_that_go_back(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from orders import faults, trader

    monkeypatch.setitem(faults.NETWORK, "late after", (300, faults.NETWORK["late after"][1]))
    monkeypatch.setattr(trader, "MIX", {"limit": 3, "cancel_all": 1})
    monkeypatch.setattr(blotter, "_is_newer", lambda *_: True)
    monkeypatch.setattr(blotter, "_contradiction", lambda *_: None)
    campaign = program.on_virtual_time(400, 3)
    assert any("went back in the stream" in why for why in campaign.wrong)


def test_it_finds_streams_that_miss_something(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from orders import streamed

    taken = blotter.Blotter.apply_order
    monkeypatch.setattr(blotter.Blotter, "apply_order", lambda self, order: order.is_active and taken(self, order))
    monkeypatch.setattr(streamed, "IN_STEP_S", 5.0)
    campaign = program.on_virtual_time(60, 3)
    assert any(why.startswith("stream of account") and "believed" in why for why in campaign.wrong)


def test_a_key_is_revoked_meanwhile(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from orders import world

    monkeypatch.setattr(world, "TROUBLES", {"revoked key": 1, "death": 1, "cut stream": 1})
    monkeypatch.setattr(world, "CALM_S", 8.0)
    campaign = program.on_virtual_time(300, 3)
    assert campaign.wrong == []
    assert campaign.faults["revoked key"] > 1


def test_over_sockets(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolution, "SETTLED_MS", 400.0)
    monkeypatch.setattr(resolution, "APART_S", 0.1)
    campaign = program.over_sockets(30, 4, tasks=8, haste=10.0, order_timeout=0.3, timeout=0.5, order_recv_window=300)
    assert campaign.wrong == []
    assert campaign.orders >= 30
