"""A short campaign of faults on orders: each call is done at most once, and what it says is so.

The long one is a benchmark.

It would not be worth much if it could not find what it looks for: with the rule broken it must.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from cryptox.sessions import acting, resolution

PROGRAMS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(PROGRAMS))
    import orders_campaign

    yield orders_campaign
    for name in ("orders_campaign", "orders_judge", "virtual"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("seed", [3, 11])
def test_on_virtual_time_every_call_is_done_once_and_says_what_is_so(program: Any, seed: int) -> None:
    campaign = program.on_virtual_time(250, seed)
    assert campaign.wrong == []
    assert campaign.orders >= 250
    assert campaign.faults.total() > 150
    assert campaign.outcomes["NotSent"] > 10
    assert campaign.deaths > 0


def test_it_finds_proofs_that_come_too_soon(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def found_nothing(self: Any, *_: Any, **__: Any) -> None:
        self.proven = True

    monkeypatch.setattr(resolution.Resolution, "found_nothing", found_nothing)
    campaign = program.on_virtual_time(250, 3)
    assert any("said not to be done, and it was" in why for why in campaign.wrong)


def test_it_finds_proofs_by_a_clock_that_was_set_forward(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = resolution.Resolution.__init__

    def by_exchange_time_alone(self: Any, *given: Any, **named: Any) -> None:
        made(self, *given, **named)
        self._settled_at = float("-inf")

    monkeypatch.setattr(resolution.Resolution, "__init__", by_exchange_time_alone)
    monkeypatch.setitem(program.NETWORK, "late inside", (200, program.NETWORK["late inside"][1]))
    monkeypatch.setattr(program, "TROUBLES", {"clock forward": 1})
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
    campaign = program.on_virtual_time(250, 3)
    assert any("done 2 times" in why for why in campaign.wrong)


def test_over_sockets(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolution, "SETTLED_MS", 400.0)
    monkeypatch.setattr(resolution, "APART_S", 0.1)
    campaign = program.over_sockets(30, 4, tasks=8, haste=10.0, order_timeout=0.3, timeout=0.5, order_recv_window=300)
    assert campaign.wrong == []
    assert campaign.orders >= 30
