"""The exchange of a campaign, its accounts, and all that is said and done."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

import msgspec
import virtual

import cryptox as cx
from cryptox.paper.answers import Done
from cryptox.sessions import address, settling
from cryptox.sessions.journal import Entry, Journal
from cryptox.sessions.session import open_session
from cryptox.venues.binance.venue import BinanceVenue
from cryptox.venues.port import Hosts

from .campaign import Call, Campaign
from .faults import FAULTS, NETWORK, TROUBLES, draw, is_one_if_repeated
from .streamed import Told

__all__ = ["ACCOUNTS", "SENT", "SYMBOL", "NoJournal", "World", "worlds"]

ACCOUNTS = 4
SYMBOL = "BTCUSDT"
SENT = "X-Sent"  # a header: the name of a request
CALM_S = 25.0  # between troubles of the whole exchange, on average
LISTENERS = (0, 1)  # accounts whose sessions listen to their own stream


def _canceled_in(body: Any) -> list[int]:
    """Ids of the orders that an answer says to be canceled."""
    if isinstance(body, list):
        return [number for part in body for number in _canceled_in(part)]
    if not isinstance(body, dict):
        return []
    own = [body["orderId"]] if body.get("status") == "CANCELED" else []
    return own + _canceled_in(list(body.values()))


class NoJournal(Journal):
    """Of a process that has died."""

    def _write(self, line: Any) -> None:
        pass


class World:
    """The exchange, its accounts, and all that was said and done."""

    def __init__(self, exchange: cx.PaperExchange, seed: int, settings: dict[str, Any]) -> None:
        self.exchange, self.settings = exchange, settings
        self.dice = random.Random(seed)
        self.campaign = Campaign()
        self.all: list[Call] = []
        self.truth: dict[str, list[Any]] = {}  # by request: what the exchange did, None for nothing
        self.canceled: dict[int, tuple[float, str]] = {}  # by order: when, and by which request
        self.down_until = 0.0
        self.outages: list[tuple[float, float]] = []
        self.set_back: list[tuple[float, float]] = []  # when its clock was set back, and by how many seconds
        self.cut_stream: Callable[[], None] = lambda: None
        self.pause_s = 3.0
        self.keys = [exchange.create_account() for _ in range(ACCOUNTS)]
        self.sessions: list[Any] = [None] * ACCOUNTS
        self.revoked: list[Any] = []  # sessions whose key opens nothing any more
        self.told: dict[int, list[Told]] = {at: [] for at in LISTENERS}
        self.running: list[dict[asyncio.Task[Any], Call]] = [{} for _ in range(ACCOUNTS)]
        answers = exchange._state.answers
        self._work, self._receive = answers.work, answers.receive
        self._names: dict[int, tuple[Any, str]] = {}  # requests that came in, and their names
        worlds.append(self)
        answers.work = self._noted  # type: ignore[method-assign]
        answers.receive = self._named  # type: ignore[method-assign]

    def _named(self, method: str, path: str, query: str, headers: Any, *rest: Any) -> Any:
        """Which request it is: two that cancel all may have one signature, as they have nothing of their own."""
        asked = self._receive(method, path, query, headers, *rest)
        if SENT in headers:
            self._names[id(asked)] = asked, headers[SENT]
        return asked

    def _noted(self, asked: Any, *rest: Any) -> Any:
        """What is worked on is noted before anybody is told, or is gone by then."""
        made = self._work(asked, *rest)
        if id(asked) in self._names:
            body = msgspec.json.decode(made.body) if isinstance(made, Done) else None
            if body is None and getattr(made, "data", None) is not None:  # half of a replacement
                body = msgspec.to_builtins(made.data)
            name = self._names[id(asked)][1]
            self.truth.setdefault(name, []).append(body)
            for number in _canceled_in(body):
                self.canceled.setdefault(number, (time.monotonic(), name))
        return made

    def standing(self, key: str) -> frozenset[int]:
        """Open orders of an account."""
        uid = self.exchange._state.accounts.by_api_key(key).account
        return frozenset(one.id for one in self.exchange._state.desk.records.open_orders(uid, SYMBOL))

    def open(self, at: int, hosts: Hosts) -> Any:
        """A session of an account, as a new process would have it."""
        venue = BinanceVenue("paper", hosts, real_money=False)
        key, secret = self.keys[at]
        session = open_session(venue, api_key=key, secret_key=secret, trading=True, frame="pandas", **self.settings)
        self.sessions[at] = session
        if at in LISTENERS:
            self.told[at].append(Told([]))
            session._user_stream().listeners.append(self.told[at][-1])
        return session

    def kill(self, at: int, hosts: Hosts) -> None:
        """The process of an account dies: nothing but its journal stays."""
        former = self.sessions[at]
        stem = former._journal.stem
        former._journal.__class__ = NoJournal
        for slot in [slot for slot in settling._under_way if slot[0] == stem]:
            del settling._under_way[slot]
        address._book._local.clear()
        self.open(at, hosts)
        for call in self.all:
            if call.session is former and not call.ended:
                call.died = True
        self._end(at, former)
        self.campaign.deaths += 1

    def revoke(self, at: int, hosts: Hosts) -> None:
        """The key of an account is withdrawn, and its session goes on unknowingly; the user connects with another."""
        former, key = self.sessions[at], self.keys[at]
        self.keys[at] = self.exchange.add_key(key.api_key)
        self.exchange._state.accounts.remove_key(key.api_key)
        self.revoked.append(former)
        for call in self.all:
            call.revoked |= call.key == key.api_key
        self.open(at, hosts)

    def _end(self, at: int, former: Any) -> None:
        calling = [task for task, call in self.running[at].items() if call.session is former]
        for task in [*calling, *(p.task for p in former._acts.values() if p.task is not None)]:
            task.cancel()
        if former._stream is not None:
            former._stream.stop()

    def hear(self, entry: Entry, state: str) -> None:
        """A session found out about an act, whether or not its call still waits for it."""
        for call in reversed(self.all):
            if entry.client_order_id in call.ids and not call.later:
                call.later.append(state)
                return

    def fate(self, outgoing: Any, _client: Any) -> virtual.Fate:
        """Of one request, on virtual time."""
        acts = outgoing.method != "GET"
        if time.monotonic() < self.down_until:
            return virtual.Fate(refused=True) if self.dice.random() < 0.5 else virtual.Fate(lost=True)
        name = draw(self.dice, acts=acts)
        if name is None or (name == "repeated" and not is_one_if_repeated(outgoing.url, outgoing.body.decode())):
            return virtual.Fate(after_s=self.dice.uniform(0, 0.05))
        self.campaign.faults[name] += 1
        if name in NETWORK:
            return virtual.Fate(**NETWORK[name][1](self.dice))
        return virtual.Fate(fault=FAULTS[name][1])

    async def trouble(self, hosts: Hosts) -> None:
        """What befalls the whole exchange, and processes; on virtual time."""
        while True:
            await asyncio.sleep(self.dice.expovariate(1 / CALM_S))
            kind = self.dice.choices(*zip(*TROUBLES.items(), strict=True))[0]
            now = time.monotonic()
            self.campaign.faults[kind] += kind != "death"
            if kind == "death":
                self.kill(self.dice.randrange(ACCOUNTS), hosts)
            elif kind == "revoked key":
                self.revoke(self.dice.randrange(ACCOUNTS), hosts)
            elif kind == "cut stream":
                self.cut_stream()
            elif kind == "clock forward":
                self.exchange.clock.step(60_000_000)
            elif kind == "clock":
                step_s = self.dice.choice([0.2, -0.2, 0.9, -0.9, 3, -3, 8, -5])
                self.exchange.clock.step(int(step_s * 1e6))
                self.set_back.append((now, max(0.0, -step_s)))
            elif kind == "ban":
                wait_s = self.dice.uniform(2, 8)
                self.exchange._state.answers.ban(time.time() + wait_s)
                self.outages.append((now, now + wait_s))
            else:
                self.down_until = now + (self.dice.uniform(1, 12) if kind == "outage" else self.dice.uniform(40, 90))
                self.outages.append((now, self.down_until))
                await asyncio.sleep(self.down_until - now)


worlds: list[World] = []
