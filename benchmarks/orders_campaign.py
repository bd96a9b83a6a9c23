"""Orders under a campaign of faults: what each call said of its order against the exchange's own record.

    python benchmarks/orders_campaign.py                      # 10,000 orders on virtual time
    python benchmarks/orders_campaign.py --orders 2000 --seed 3
    python benchmarks/orders_campaign.py --sockets 300        # over sockets, in real time

Tasks of several accounts place, cancel, replace and amend orders and order lists of all kinds on a paper exchange while
requests and answers are lost, late, cut and replaced, the exchange is down or bans, its clock jumps, and processes die:
a session is then thrown away with all it knew but its journal, and the next one of that key settles what it left.
Afterwards each call is compared with what the exchange did for it: at most once, and what the call said must be so. It
prints what was done and fails where anything is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import os
import random
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import msgspec
import orders_judge
import virtual

import cryptox as cx
from cryptox.errors import NetworkError
from cryptox.paper.answers import Done
from cryptox.sessions import address, settling
from cryptox.sessions.journal import Entry, Journal
from cryptox.sessions.session import open_session
from cryptox.sessions.signed import Signed
from cryptox.venues.binance.venue import BinanceVenue
from cryptox.venues.port import Hosts

SYMBOL = "BTCUSDT"
ACCOUNTS, TASKS = 4, 3  # tasks of each account
LIMITS = {"REQUEST_WEIGHT": (10**7, "1m"), "RAW_REQUESTS": (10**7, "5m"), "ORDERS": (10**6, "10s")}
BALANCES = {"USDT": 10**9, "BTC": 10**5}
MIX = {"limit": 34, "market": 14, "stop": 4, "given": 6, "cancel": 12, "replace": 8, "amend": 6}
MIX |= {"oco": 3, "oto": 2, "otoco": 2, "cancel_list": 4, "cancel_all": 3}
NOWHERE = Hosts(rest="http://127.0.0.1:1", stream="ws://127.0.0.1:1", ws_api="ws://127.0.0.1:1/ws-api/v3")
LATEST_S = 60.0  # after so long nothing is under way any more
SETTLED_AFTER = 300  # seconds of peace, at most

# How often, of a thousand requests that act, each befalls one; the first group is the network's, on virtual time only.
NETWORK: dict[str, tuple[int, Callable[[random.Random], dict[str, Any]]]] = {
    "refused connection": (10, lambda _: {"refused": True}),
    "lost before": (35, lambda _: {"lost": True}),
    "lost before, reset": (20, lambda r: {"lost": True, "reset_s": r.uniform(0.01, 4)}),
    "lost after": (35, lambda _: {"unanswered": True}),
    "reset after": (15, lambda r: {"unanswered": True, "reset_s": r.uniform(0.01, 4)}),
    "late before": (35, lambda r: {"before_s": r.uniform(0.3, 15)}),
    "late after": (25, lambda r: {"after_s": r.uniform(0.3, 15)}),
    "late inside": (25, lambda r: {"inside_s": r.uniform(0.3, 9.5)}),
    "late and lost": (10, lambda r: {"before_s": r.uniform(0.3, 6), "unanswered": True}),
}
FAULTS: dict[str, tuple[int, dict[str, Any]]] = {
    "drop": (10, {"kind": "drop"}),
    "drop, not taken": (10, {"kind": "drop", "accepted": False}),
    "reset": (10, {"kind": "reset"}),
    "reset, not taken": (10, {"kind": "reset", "accepted": False}),
    "reset in the body": (8, {"kind": "reset", "at": "body"}),
    "latency": (8, {"kind": "latency", "seconds": 0.5, "jitter": 3.0}),
    "long latency": (6, {"kind": "latency", "seconds": 6.0, "jitter": 10.0}),
    "truncated": (8, {"kind": "truncate"}),
    "cut body": (8, {"kind": "truncate", "how": "body"}),
    "no gzip": (5, {"kind": "body", "how": "gzip"}),
    "html": (5, {"kind": "body", "how": "html"}),
    "empty": (5, {"kind": "body", "how": "empty"}),
    "limit": (4, {"kind": "limit", "retry_after": 1}),
    "skew": (2, {"kind": "skew", "seconds": 5.0}),
    "302": (4, {"kind": "status", "code": 302, "body": "empty", "location": "/x", "accepted": True}),
    "403": (3, {"kind": "status", "code": 403, "body": "html", "accepted": True}),
    "404": (2, {"kind": "status", "code": 404, "body": "html", "accepted": False}),
    "408": (2, {"kind": "status", "code": 408, "body": "empty", "accepted": True}),
    "500": (4, {"kind": "status", "code": 500, "body": "empty"}),
    "502": (5, {"kind": "status", "code": 502, "body": "html", "accepted": True}),
    "502, not taken": (5, {"kind": "status", "code": 502, "body": "html", "accepted": False}),
    "503": (5, {"kind": "status", "code": 503}),
    "504": (5, {"kind": "status", "code": 504, "body": "html"}),
    "-1000": (5, {"kind": "status", "error_code": -1000}),
    "-1001": (5, {"kind": "status", "error_code": -1001}),
    "-1006": (5, {"kind": "status", "error_code": -1006, "accepted": True}),
    "-1006, not taken": (5, {"kind": "status", "error_code": -1006, "accepted": False}),
    "-1007": (5, {"kind": "status", "error_code": -1007, "accepted": True}),
    "-1007, not taken": (5, {"kind": "status", "error_code": -1007, "accepted": False}),
    "-1008": (5, {"kind": "status", "error_code": -1008, "accepted": False}),
    "-1015": (4, {"kind": "status", "error_code": -1015, "code": 429, "retry_after": 1, "accepted": False}),
    "-1021": (8, {"kind": "status", "error_code": -1021, "accepted": False}),
}
# How often each befalls the whole exchange, on virtual time.
TROUBLES = {"death": 36, "clock": 30, "outage": 20, "ban": 6, "clock forward": 5, "long outage": 3}
MORE = 1.5  # over sockets, where the network's own group is missing
QUERIES = 0.15  # what is asked meets faults so much as often as what acts


@dataclass
class Call:
    """One call, what it said, and what it has sent."""

    kind: str
    session: Any
    began: float
    ids: list[str] = field(default_factory=list)  # as the journal has them
    sent: list[str] = field(default_factory=list)  # signatures
    said: Any = None
    ended: float = 0.0
    died: bool = False
    later: list[str] = field(default_factory=list)  # what a session found out, and when


class _NoJournal(Journal):
    """Of a process that has died."""

    def _write(self, line: Any) -> None:
        pass


calling: ContextVar[Call | None] = ContextVar("calling", default=None)


@dataclass
class Campaign:
    """What was done, and what is wrong afterwards."""

    calls: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    orders: int = 0
    requests: int = 0
    resent: int = 0
    settled: int = 0
    unknown: Counter[str] = field(default_factory=Counter)  # by how long the exchange was away meanwhile
    deaths: int = 0
    seconds: float = 0.0
    passed_s: float = 0.0


class World:
    """The exchange, its accounts, and all that was said and done."""

    def __init__(self, exchange: cx.PaperExchange, seed: int, settings: dict[str, Any]) -> None:
        self.exchange, self.settings = exchange, settings
        self.dice = random.Random(seed)
        self.campaign = Campaign()
        self.all: list[Call] = []
        self.truth: dict[str, list[Any]] = {}  # by signature: what the exchange did, None for nothing
        self.down_until = 0.0
        self.outages: list[tuple[float, float]] = []
        self.pause_s = 3.0
        self.calm_s = 25.0  # between troubles of the whole exchange, on average
        self.keys = [exchange.create_account() for _ in range(ACCOUNTS)]
        self.sessions: list[Any] = [None] * ACCOUNTS
        self.running: list[dict[asyncio.Task[Any], None]] = [{} for _ in range(ACCOUNTS)]
        answers = exchange._state.answers
        self._work = answers.work
        worlds.append(self)
        answers.work = self._noted  # type: ignore[method-assign]

    def _noted(self, asked: Any, *rest: Any) -> Any:
        """What is worked on is noted before anybody is told, or is gone by then."""
        made = self._work(asked, *rest)
        if asked.method != "GET" and asked.passed is not None:
            body = msgspec.json.decode(made.body) if isinstance(made, Done) else None
            if body is None and getattr(made, "data", None) is not None:  # half of a replacement
                body = msgspec.to_builtins(made.data)
            self.truth.setdefault(dict(asked.said)["signature"], []).append(body)
        return made

    def open(self, at: int, hosts: Hosts) -> Any:
        """A session of an account, as a new process would have it."""
        venue = BinanceVenue("paper", hosts, real_money=False)
        key, secret = self.keys[at]
        session = open_session(venue, api_key=key, secret_key=secret, trading=True, frame="pandas", **self.settings)
        self.sessions[at] = session
        return session

    def kill(self, at: int, hosts: Hosts) -> None:
        """The process of an account dies: nothing but its journal stays."""
        former = self.sessions[at]
        stem = former._journal.stem
        former._journal.__class__ = _NoJournal
        for slot in [slot for slot in settling._under_way if slot[0] == stem]:
            del settling._under_way[slot]
        address._book._local.clear()
        self.open(at, hosts)
        for call in self.all:
            if call.session is former and not call.ended:
                call.died = True
        for task in [*self.running[at], *(p.task for p in former._acts.values() if p.task is not None)]:
            task.cancel()
        self.campaign.deaths += 1

    def hear(self, entry: Entry, state: str) -> None:
        """A session found out about an act, whether or not its call still waits for it."""
        for call in reversed(self.all):
            if entry.client_order_id in call.ids and not call.later:
                call.later.append(state)
                return

    def draw(self, *, acts: bool) -> str | None:
        """Which fault befalls a request; None for none."""
        at = self.dice.random() * 1000 / (1 if acts else QUERIES)
        for name, (often, _) in {**NETWORK, **FAULTS}.items():
            at -= often
            if at < 0:
                return name
        return None

    def fate(self, outgoing: Any, _client: Any) -> virtual.Fate:
        """Of one request, on virtual time."""
        acts = outgoing.method != "GET"
        if time.monotonic() < self.down_until:
            return virtual.Fate(refused=True) if self.dice.random() < 0.5 else virtual.Fate(lost=True)
        name = self.draw(acts=acts)
        if name is None:
            return virtual.Fate(after_s=self.dice.uniform(0, 0.05))
        self.campaign.faults[name] += 1
        if name in NETWORK:
            return virtual.Fate(**NETWORK[name][1](self.dice))
        return virtual.Fate(fault=FAULTS[name][1])

    async def trouble(self, hosts: Hosts) -> None:
        """What befalls the whole exchange, and processes; on virtual time."""
        while True:
            await asyncio.sleep(self.dice.expovariate(1 / self.calm_s))
            kind = self.dice.choices(*zip(*TROUBLES.items(), strict=True))[0]
            now = time.monotonic()
            self.campaign.faults[kind] += kind != "death"
            if kind == "death":
                self.kill(self.dice.randrange(ACCOUNTS), hosts)
            elif kind == "clock forward":
                self.exchange.clock.step(60_000_000)
            elif kind == "clock":
                self.exchange.clock.step(int(self.dice.choice([0.2, -0.2, 0.9, -0.9, 3, -3, 8, -5]) * 1e6))
            elif kind == "ban":
                wait_s = self.dice.uniform(2, 8)
                self.exchange._state.answers.ban(time.time() + wait_s)
                self.outages.append((now, now + wait_s))
            else:
                self.down_until = now + (self.dice.uniform(1, 12) if kind == "outage" else self.dice.uniform(40, 90))
                self.outages.append((now, self.down_until))
                await asyncio.sleep(self.down_until - now)


class Trader:
    """One task that calls."""

    def __init__(self, world: World, at: int) -> None:
        self.world, self.at, self.dice = world, at, world.dice
        self.orders: list[Any] = []
        self.lists: list[Any] = []

    async def work(self, until: Callable[[], bool]) -> None:
        kinds, often = zip(*MIX.items(), strict=True)
        while not until():
            kind = self.dice.choices(kinds, often)[0]
            if (kind in ("cancel", "replace", "amend") and not self.orders) or (
                kind == "cancel_list" and not self.lists
            ):
                kind = "limit"
            await self.once(kind)

    async def once(self, kind: str) -> None:
        """One call to its end, or to that of its process."""
        world, session = self.world, self.world.sessions[self.at]
        call = Call(kind, session, time.monotonic())
        world.all.append(call)
        world.campaign.calls[kind] += 1
        token = calling.set(call)
        task = asyncio.ensure_future(self.do(kind, session))
        calling.reset(token)
        world.running[self.at][task] = None
        await asyncio.wait({task})
        world.running[self.at].pop(task, None)
        if call.died:
            return
        call.ended = time.monotonic()
        try:
            call.said = task.result()
        except Exception as error:  # noqa: BLE001 - judged with the rest
            call.said = error
            if isinstance(error, NetworkError):  # nobody calls again and again while there is no connection
                await asyncio.sleep(self.world.pause_s)
            return
        if kind in ("oco", "oto", "otoco"):
            self.lists.append(call.said)
        elif kind in ("limit", "stop", "amend"):
            self.orders.append(call.said)
        elif kind == "replace" and call.said.order is not None:
            self.orders.append(call.said.order)
        del self.orders[:-20], self.lists[:-3]

    async def do(self, kind: str, session: Any) -> Any:
        dice, buy = self.dice, self.dice.random() < 0.5
        side, far = ("buy", dice.randrange(15_000, 30_000)) if buy else ("sell", dice.randrange(150_000, 200_000))
        size = f"0.0{dice.randrange(10, 99)}"
        if kind == "market":
            return await session.place_order(SYMBOL, side, "MARKET", quantity=size)
        if kind in ("limit", "given"):
            id_ = f"mine-{self.at}-{dice.randrange(40)}" if kind == "given" else None
            if kind == "given" and dice.random() < 0.7:
                return await session.place_order(SYMBOL, side, "MARKET", quantity=size, client_order_id=id_)
            return await session.place_order(SYMBOL, side, quantity=size, price=far, client_order_id=id_)
        if kind == "stop":
            stop = 150_000 if buy else 20_000
            limits = {"price": stop, "time_in_force": "GTC"}
            return await session.place_order(SYMBOL, side, "STOP_LOSS_LIMIT", quantity=size, stop_price=stop, **limits)
        if kind == "oco":
            return await session.place_oco(SYMBOL, "sell", size, price=160_000, stop_price=20_000)
        entry, exit_ = cx.leg("buy", "LIMIT", size, price=20_000), cx.leg("sell", "LIMIT_MAKER", size, price=160_000)
        if kind == "oto":
            return await session.place_oto(SYMBOL, entry, exit_)
        if kind == "otoco":
            return await session.place_otoco(SYMBOL, entry, exit_, cx.leg("sell", "STOP_LOSS", size, stop_price=15_000))
        if kind == "cancel_all":
            return await session.cancel_all(SYMBOL, exact=True)
        if kind == "cancel_list":
            return await session.cancel_order_list(SYMBOL, self.lists.pop())
        order = self.orders.pop(dice.randrange(len(self.orders)))
        if kind == "cancel":
            named = order if dice.random() < 0.5 else order.client_order_id
            return await session.cancel_order(SYMBOL, named)
        if kind == "amend":
            return await session.amend_order(SYMBOL, order, f"{float(order.quantity) / 2:.5f}")
        mode = dice.choice(["stop", "place"])
        return await session.replace_order(SYMBOL, order, side, quantity=size, price=far, if_cancel_fails=mode)


worlds: list[World] = []


@contextlib.contextmanager
def watched() -> Any:
    """Which call an act's journal lines and requests belong to, and what is found out later."""
    begin, signed, finish = Journal.begin, Signed._signed, settling.Settling._finish

    def heard(self: Any, pending: Any, state: str, *rest: Any, **error: Any) -> None:
        if not isinstance(self._journal, _NoJournal):
            worlds[-1].hear(pending.entry, state)
        finish(self, pending, state, *rest, **error)

    def noted(self: Journal, entry: Entry) -> None:
        call = calling.get()
        if call is not None and entry.client_order_id not in call.ids:
            call.ids.append(entry.client_order_id)
        begin(self, entry)

    def sign(self: Signed, outgoing: Any, *rest: Any) -> Any:
        unsigned = signed(self, outgoing, *rest)
        call, put = calling.get(), unsigned.sign
        if call is None or outgoing.method == "GET":
            return unsigned

        def noted_sign(given: Any) -> Any:
            made = put(given)
            call.sent.append(made.body.decode().rpartition("signature=")[2])
            return made

        return dataclasses.replace(unsigned, sign=noted_sign)

    folders = {name: tempfile.mkdtemp(prefix="orders-") for name in ("CRYPTOX_STATE", "CRYPTOX_CACHE")}
    with (
        patch.dict(os.environ, folders),
        patch.object(Journal, "begin", noted),
        patch.object(Signed, "_signed", sign),
        patch.object(settling.Settling, "_finish", heard),
    ):
        yield


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

        def quiet() -> None:
            world.down_until = 0.0
            exchange._state.answers.ban(0.0)
            wire.fate = lambda *_: virtual.Fate()

        began = clock.now
        with wire.laid():
            for at in range(ACCOUNTS):
                world.open(at, NOWHERE)
            await _traded(world, ACCOUNTS * TASKS, orders, world.trouble(NOWHERE), quiet=quiet)
            world.campaign.passed_s = clock.now - began
            await orders_judge.judge(world)
            for session in world.sessions:
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
                rest = {k: v / haste if k in ("seconds", "jitter") else v for k, v in given.items() if k != "kind"}
                often_here = often / 1000 * (QUERIES if method == "GET" else MORE)
                place = {"method": method, "seed": seed + number + 4 * len(laid), "probability": often_here}
                laid.append((name, exchange.faults.add(given["kind"], **place, **rest)))

        async def trouble() -> None:
            while True:
                await asyncio.sleep(world.dice.expovariate(1 / 3))
                if world.dice.random() < 0.5:
                    world.kill(world.dice.randrange(ACCOUNTS), hosts)
                else:
                    world.campaign.faults["clock"] += 1
                    exchange.faults.step_clock(world.dice.choice([0.2, -0.2, 0.9, -0.9, 5]))

        def quiet() -> None:
            for name, fault in laid:
                world.campaign.faults[name] += fault.hits
            exchange.faults.clear()

        await _traded(world, tasks, orders, trouble(), quiet=quiet, latest_s=20.0 / haste)
        await orders_judge.judge(world)
        for session in world.sessions:
            await session.close()
        return world.campaign

    started = time.perf_counter()
    with watched(), cx.PaperExchange(clock="now", symbols=[SYMBOL], balances=BALANCES, limits=LIMITS) as exchange:
        campaign = asyncio.run(main(exchange))
    campaign.seconds = time.perf_counter() - started
    return campaign


def report(campaign: Campaign) -> str:
    """What was done, for the record."""

    def listed(counts: Counter[str]) -> str:
        return ", ".join(f"{name} {number:,}" for name, number in counts.most_common() if number)

    calls, unknown = campaign.calls.total(), campaign.unknown.total()
    lines = [
        f"orders at the exchange   {campaign.orders:,}",
        f"calls                    {calls:,}: {listed(campaign.calls)}",
        f"requests that act        {campaign.requests:,}, of which sent again after -1021: {campaign.resent:,}",
        f"faults                   {campaign.faults.total():,}: {listed(campaign.faults)}",
        f"processes that died      {campaign.deaths:,}; acts settled by the next one: {campaign.settled:,}",
        f"outcomes                 {listed(campaign.outcomes)}",
        f"OutcomeUnknown           {unknown:,} of {calls:,} calls, {unknown / max(1, calls):.2%}; the exchange was "
        f"away meanwhile for: {listed(campaign.unknown) or '-'}",
        f"violations               {len(campaign.wrong)}",
        f"duration                 {campaign.seconds:.1f} s"
        + (f", in which {campaign.passed_s / 3600:.1f} h passed" if campaign.passed_s else ""),
    ]
    return "\n".join([*lines, *campaign.wrong[:20]])


def main() -> int:
    """Run it; 1 where anything is wrong."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--orders", type=int, default=10_000)
    arguments.add_argument("--sockets", type=int, help="so many orders over sockets, in real time")
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    import logging

    logging.getLogger("cryptox").setLevel(logging.CRITICAL)
    campaign = over_sockets(given.sockets, given.seed) if given.sockets else on_virtual_time(given.orders, given.seed)
    print(report(campaign))
    return 1 if campaign.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
