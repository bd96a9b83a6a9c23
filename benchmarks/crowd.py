"""Many at once: an exchange in a process of its own that misbehaves when told to, fifty feeds, and users who trade.

A part of ``soak.py`` and ``promises.py``. As a program it is the exchange: it says where it listens and the keys of its
accounts, then takes a command a line and answers each with a line of JSON:

    storm SEED    begin to misbehave, at random
    calm          be well again, and tell what was done
    truth         tell every order it has: account, client order id, id, status
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

SYMBOLS = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "ADAUSDT", "ETHBTC", "1INCHUSDT", "PEPEUSDT", "AURAUSDT")
STREAMS = 50
USERS = 10
BALANCES = {"USDT": "1000000000", "BTC": "100000", "ETH": "100000"}
WEIGHT = 60_000  # a minute: ten users who come again after every cut ask for more than the usual limit
TRADED = {"BTCUSDT": ("0.001", 20_000), "ETHUSDT": ("0.02", 1_000)}  # quantity, and a price far below the market


# The exchange -----------------------------------------------------------------------------------------------------


def serve(accounts: int, connection_life: float) -> None:
    """A paper exchange at real speed, until its input ends."""
    import cryptox as cx

    exchange = cx.PaperExchange(
        balances=BALANCES, limits={"REQUEST_WEIGHT": (WEIGHT, "1m")}, connection_life=connection_life
    )
    with exchange:
        keys = [exchange.create_account() for _ in range(accounts)]
        hosts = {name: getattr(exchange, name) for name in ("rest_url", "stream_url", "ws_api_url")}
        print(json.dumps({"hosts": hosts, "keys": [list(one) for one in keys]}), flush=True)
        numbers = [exchange._known(one.api_key).account for one in keys]
        storm = None
        for line in sys.stdin:
            word, _, seed = line.strip().partition(" ")
            said: Any = None
            if word == "storm":
                storm = Storm(exchange, int(seed))
                storm.start()
            elif word == "calm" and storm is not None:
                said = storm.end()
            elif word == "truth":
                orders = exchange._state.desk.records.all_orders()
                said = [[numbers.index(o.account), o.client_id, o.id, o.status.value] for o in list(orders)]
            print(json.dumps(said), flush=True)


class Storm:
    """Faults at random, on a thread of their own."""

    def __init__(self, exchange: Any, seed: int, pause_s: tuple[float, float] = (1.0, 7.0)) -> None:
        import random
        import threading
        from collections import Counter

        self.faults = exchange.faults
        self.chance, self.pause_s = random.Random(seed), pause_s
        self.done: Counter[str] = Counter()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.start = self._thread.start

    def end(self) -> dict[str, int]:
        """No more faults; how often each was done."""
        self._over.set()
        self._thread.join()
        self.faults.clear()
        return dict(self.done.most_common())

    def _run(self) -> None:
        deeds = self._deeds()
        names, often = list(deeds), [how_often for how_often, _ in deeds.values()]
        while not self._over.wait(self.chance.uniform(*self.pause_s)):
            (name,) = self.chance.choices(names, often)
            deeds[name][1]()
            self.done[name] += 1

    def _deeds(self) -> dict[str, tuple[int, Any]]:
        """What can be done, and how often in proportion."""
        add, chance, faults = self.faults.add, self.chance, self.faults

        def rest(kind: str, **settings: Any) -> Any:
            return lambda: add(kind, times=chance.randint(1, 3), seconds_long=4, **settings)

        def order(kind: str, **settings: Any) -> Any:
            return lambda: add(kind, path="order", times=1, seconds_long=4, **settings)

        def frames(how: str, **settings: Any) -> Any:
            streams = ("*", "*@trade", "*@aggTrade", "*@kline*", "*@depth*", "userData")
            return lambda: add(
                "frame", how=how, stream=chance.choice(streams), times=chance.randint(1, 5), seconds_long=3, **settings
            )

        return {
            "one connection reset": (6, self._cut_one),
            "all connections reset": (2, faults.cut),
            "those of HTTP as well": (1, lambda: faults.cut(rest=True)),
            "shutdown": (1, lambda: faults.shut_down(0.5)),
            "users cut off": (1, faults.end_user_streams),
            "stall": (3, lambda: faults.freeze(chance.uniform(0.5, 3.0))),
            "long stall": (1, lambda: faults.freeze(18.0)),
            "reset": (3, rest("reset", at="start")),
            "reset in the body": (2, rest("reset", at="body")),
            "502": (4, rest("status", code=502, body="html")),
            "429": (1, lambda: add("limit", code=429, retry_after=1, times=1, seconds_long=4)),
            "delay": (4, lambda: add("latency", seconds=0.3, jitter=1.5, seconds_long=4)),
            "truncated": (2, rest("truncate")),
            "order not answered": (3, order("drop", method="POST")),
            "order not taken": (2, order("drop", method="POST", accepted=False)),
            "order, 504": (2, order("status", error_code=-1007)),
            "cancel not answered": (2, order("drop", method="DELETE")),
            "message lost": (3, frames("drop")),
            "message twice": (2, frames("duplicate")),
            "message late": (2, frames("delay", seconds=0.7)),
            "messages in disorder": (2, frames("reorder", seconds=0.3)),
            "change of a book left out": (2, lambda: add("skip_depth", times=2, seconds_long=3)),
        }

    def _cut_one(self) -> None:
        actions = self.faults._actions

        def cut() -> None:
            lines = list(actions._lines())
            if lines:
                self.chance.choice(lines).cut()

        actions._run(cut)


class Exchange:
    """The other side of it: starts the process, and speaks with it. Blocking."""

    def __init__(self, accounts: int = USERS, connection_life: float = 86_400.0) -> None:
        self._arguments = [sys.executable, str(Path(__file__)), str(accounts), str(connection_life)]
        self.hosts: dict[str, str] = {}
        self.keys: list[list[str]] = []

    def __enter__(self) -> Self:
        import subprocess

        self._process = subprocess.Popen(
            self._arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
        )
        said = self._read()
        self.hosts, self.keys = said["hosts"], said["keys"]
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except Exception:  # noqa: BLE001 - it takes too long
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def ask(self, command: str) -> Any:
        """What it says to a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the exchange has ended")
        return json.loads(line)


def environment() -> dict[str, str]:
    """Of a program that finds this cryptox."""
    import os

    root = str(Path(__file__).resolve().parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))}


# Feeds and users --------------------------------------------------------------------------------------------------


def feeds_of(*lives: Any, books: bool = True) -> list[Any]:
    """Fifty feeds of six kinds, shared out among these: two of them local books, or else candles."""
    found = []
    for place, symbol in enumerate(SYMBOLS):
        live = lives[place % len(lives)]
        kinds = (live.trades, live.agg_trades, live.klines, live.ticker, live.book_ticker, live.depth)
        found += [kind(symbol) for kind in kinds]
    last = lives[-1]
    return found + (
        [last.book(symbol) for symbol in TRADED] if books else [last.klines(SYMBOLS[0], i) for i in ["1s", "1h"]]
    )


class Call(NamedTuple):
    """A call that acts, and what it said: the order's id, or the error's class."""

    user: int
    kind: str  # place, cancel
    client_order_id: str
    order_id: int | None
    error: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.client_order_id} said {self.error or f'order {self.order_id}'}"


@dataclass
class Trader:
    """A user who places and cancels orders now and then, one after another."""

    number: int
    session: Any
    chance: Any
    pause_s: tuple[float, float]
    record: Callable[[Call], object]
    made: int = 0
    open: list[tuple[str, str]] = field(default_factory=list)  # symbol and client order id

    async def work(self, until: asyncio.Event) -> None:
        """Until that is set; what is under way then is finished."""
        while not until.is_set():
            if len(self.open) > 4 or (self.open and self.chance.random() < 0.4):
                await self._cancel(*self.open.pop(0))
            else:
                await self._place()
            try:
                await asyncio.wait_for(until.wait(), self.chance.uniform(*self.pause_s))
            except TimeoutError:
                continue

    async def _place(self) -> None:
        symbol = self.chance.choice(list(TRADED))
        quantity, far = TRADED[symbol]
        id_ = f"soak-{self.number}-{self.made}"
        side = self.chance.choice(["buy", "sell"])
        if self.chance.random() < 0.5:
            order = await self._call("place", id_, self.session.place_order(
                symbol, side, "MARKET", quantity=quantity, client_order_id=id_))  # fmt: skip
        else:
            price = far + self.chance.randrange(100)
            order = await self._call("place", id_, self.session.place_order(
                symbol, "buy", quantity=quantity, price=price, client_order_id=id_))  # fmt: skip
        if order is not None and order.is_active:
            self.open.append((symbol, id_))

    async def _cancel(self, symbol: str, id_: str) -> None:
        await self._call("cancel", id_, self.session.cancel_order(symbol, id_))

    async def _call(self, kind: str, id_: str, call: Any) -> Any:
        self.made += 1
        try:
            order = await call
        except Exception as error:  # noqa: BLE001 - judged with the rest
            self.record(Call(self.number, kind, id_, None, type(error).__name__))
            return None
        self.record(Call(self.number, kind, id_, order.order_id))
        return order


def untrue(calls: list[Call], truth: list[list[Any]]) -> list[str]:
    """What calls said that is not so, by the exchange's own record of its orders."""
    from collections import Counter

    there = {(user, client_id): (number, status) for user, client_id, number, status in truth}
    wrong = [f"{name} is there {times} times" for name, times in Counter(
        (user, client_id) for user, client_id, *_ in truth).items() if times > 1]  # fmt: skip
    placed = {(one.user, one.client_order_id) for one in calls if one.kind == "place"}
    wrong += [f"{name} was never placed" for name in there if name not in placed]
    for one in calls:
        known = there.get((one.user, one.client_order_id))
        number, status = (None, "not there") if known is None else known
        if one.error == "OutcomeUnknown":
            continue
        is_so = number == one.order_id if one.kind == "place" else (status == "CANCELED") == (not one.error)
        if not is_so:
            wrong.append(f"{one}, and it is {number} {status}")
    return wrong


if __name__ == "__main__":
    serve(int(sys.argv[1]), float(sys.argv[2]))
