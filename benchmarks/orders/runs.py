"""The campaign on virtual time, and over sockets."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import virtual

import cryptox as cx
from cryptox.venues.port import Hosts

from . import judge
from .campaign import Campaign
from .faults import FAULTS, MORE, QUERIES
from .streamed import VirtualStreams
from .trader import Trader
from .watched import watched
from .world import ACCOUNTS, SYMBOL, World

__all__ = ["on_virtual_time", "over_sockets"]

TASKS = 3  # of each account
LIMITS = {"REQUEST_WEIGHT": (10**7, "1m"), "RAW_REQUESTS": (10**7, "5m"), "ORDERS": (10**6, "10s")}
BALANCES = {"USDT": 10**9, "BTC": 10**5}
NOWHERE = Hosts(rest="http://127.0.0.1:1", stream="ws://127.0.0.1:1", ws_api="ws://127.0.0.1:1/ws-api/v3")
LATEST_S = 60.0  # after so long nothing is under way any more
SETTLED_AFTER = 300  # seconds of peace, at most


async def _traded(
    world: World, tasks: int, orders: int, trouble: Any, *, quiet: Callable[[], None], latest_s: float = LATEST_S
) -> None:
    """The campaign itself, and the peace after it in which all is settled."""
    counters = world.exchange._state.desk.records.count(SYMBOL)
    traders = [Trader(world, at % ACCOUNTS) for at in range(tasks)]
    async with asyncio.TaskGroup() as group:
        befalls = None if trouble is None else group.create_task(trouble)
        working = [group.create_task(trader.work(lambda: counters.order >= orders)) for trader in traders]
        await asyncio.wait(working)
        if befalls is not None:
            befalls.cancel()
    quiet()
    await asyncio.sleep(latest_s)
    for session in world.sessions:
        for _ in range(SETTLED_AFTER):
            if "asking" not in set((await session.unresolved()).state):
                break
            await asyncio.sleep(1.0)
        else:
            world.campaign.wrong += [f"never settled: {vars(p)}" for p in session._acts.values() if p.state == "asking"]


def on_virtual_time(orders: int, seed: int, **settings: Any) -> Campaign:
    """The campaign in one process, without sockets."""

    async def main(clock: virtual.Clock) -> Campaign:
        exchange = cx.PaperExchange(clock="now", symbols=[SYMBOL], balances=BALANCES, limits=LIMITS, ban_after=10**6)
        world = World(exchange, seed, settings)
        wire = virtual.Wire(exchange, world.fate)
        streams = VirtualStreams(exchange, wire.desk, random.Random(seed), lambda: time.monotonic() < world.down_until)
        world.cut_stream = streams.cut

        def quiet() -> None:
            world.down_until = 0.0
            exchange._state.answers.ban(0.0)
            wire.fate = lambda *_: virtual.Fate()

        began = clock.now
        with wire.laid(), streams.laid():
            for at in range(ACCOUNTS):
                world.open(at, NOWHERE)
            await _traded(world, ACCOUNTS * TASKS, orders, world.trouble(NOWHERE), quiet=quiet)
            world.campaign.passed_s = clock.now - began
            await judge.judge(world)
            for session in [*world.sessions, *world.revoked]:
                await session.close()
        return world.campaign

    started, dice = time.perf_counter(), random.Random(seed)
    random.seed(seed)  # of pauses between tries
    with watched(), patch.object(secrets, "token_hex", lambda number: dice.randbytes(number).hex()):
        campaign: Campaign = virtual.run(main)
    campaign.seconds = time.perf_counter() - started
    return campaign


async def warmed(session: Any) -> None:
    """Rules and clock are known from here on; at the turn of a limit's window that takes a moment."""
    while True:
        try:
            await session.test_order(SYMBOL, "buy", quantity="0.001", price=20_000)
            return
        except cx.errors.RateLimited as error:
            await asyncio.sleep(error.retry_after or 0.1)


def over_sockets(orders: int, seed: int, tasks: int = 32, haste: float = 1.0, **settings: Any) -> Campaign:
    """The campaign against a server, in real time; with ``haste`` the exchange's delays are so much shorter."""
    fast = {"order_timeout": 1.0, "timeout": 1.0, "order_recv_window": 1_000, **settings}

    async def main(exchange: cx.PaperExchange) -> Campaign:
        world = World(exchange, seed, fast)
        hosts = Hosts(rest=exchange.rest_url, stream=exchange.stream_url, ws_api=exchange.ws_api_url)
        for at in range(ACCOUNTS):
            session = world.open(at, hosts)
            await warmed(session)
        laid = []
        for name, (often, given) in FAULTS.items():
            for number, method in enumerate(("POST", "DELETE", "PUT", "GET")):
                if name == "repeated" and method == "POST":  # a market order would be two
                    continue
                rest = {k: v / haste if k in ("seconds", "jitter") else v for k, v in given.items() if k != "kind"}
                often_here = often / 1000 * (QUERIES if method == "GET" else MORE)
                place = {"method": method, "seed": seed + number + 4 * len(laid), "probability": often_here}
                laid.append((name, exchange.faults.add(given["kind"], **place, **rest)))

        for how in ("drop", "duplicate", "reorder", "delay"):
            late = {"seconds": 0.5} if how in ("reorder", "delay") else {}
            fault = exchange.faults.add("frame", how=how, stream="userData", probability=0.01, seed=seed, **late)
            laid.append((f"event: {how}", fault))

        async def trouble() -> None:
            while True:
                await asyncio.sleep(world.dice.expovariate(1 / 3))
                what = world.dice.random()
                if what < 0.4:
                    world.kill(world.dice.randrange(ACCOUNTS), hosts)
                elif what < 0.45:
                    world.campaign.faults["revoked key"] += 1
                    world.revoke(world.dice.randrange(ACCOUNTS), hosts)
                elif what < 0.7:
                    world.campaign.faults["cut stream"] += 1
                    exchange.faults.cut()
                else:
                    world.campaign.faults["clock"] += 1
                    exchange.faults.step_clock(world.dice.choice([0.2, -0.2, 0.9, -0.9, 5]))

        def quiet() -> None:
            for name, fault in laid:
                world.campaign.faults[name] += fault.hits
            exchange.faults.clear()

        await _traded(world, tasks, orders, trouble(), quiet=quiet, latest_s=20.0 / haste)
        await judge.judge(world)
        for session in [*world.sessions, *world.revoked]:
            await session.close()
        return world.campaign

    started = time.perf_counter()
    with watched(), cx.PaperExchange(clock="now", symbols=[SYMBOL], balances=BALANCES, limits=LIMITS) as exchange:
        campaign = asyncio.run(main(exchange))
    campaign.seconds = time.perf_counter() - started
    return campaign
