"""Everything at once under faults for three quarters of an hour: does it stay as it was?

    python benchmarks/soak.py                        # 45 minutes and up to two more
    python benchmarks/soak.py --minutes 3 --seed 5

One process takes 50 streams of a paper exchange that runs in a process of its own at real speed (trades, aggregate
trades, candles, tickers, best quotes and five levels of eight symbols, and two local books, over two connections, half
of the feeds read by tasks, some by callbacks), has ten users with keys who place and cancel orders and have their own
streams, and downloads 20,000 candles again and again. Meanwhile the exchange is made ill at random: connections are
reset one by one or all at once, stall, are shut down and end by themselves after five minutes; answers are late, cut,
lost, 502, 504 and 429; messages are lost, doubled, late and in disorder. Every 15 s a line is printed. Then the faults
end, and it is judged:

- memory is flat: the straight line through what is resident after the first 20 minutes, or the first half of a shorter
  run, (Theil and Sen's, which single values do not bend) rises by less than 0.1 MB a minute; ``vitals.py`` says what is
  read. What is kept on purpose is bounded by numbers that fill up in hours, so these bounds are lowered (``ROWS``,
  ``ROOM``, ``FINAL``, ``FILLS``, ``CANCELED``, ``GIVEN``): what has none would grow all the same
- tasks, threads and sockets are not more than before the faults
- what every call said of its order is so, by the exchange's own record; nothing stays unknown
- no gap is told, for the exchange serves everything all the time; health is healthy

It ends with 1 where anything of that does not hold. Reads ``/proc``: Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from crowd import Call, Exchange, Trader, feeds_of, untrue
from live_campaign import Campaign, watched
from vitals import Sample, read, rise

import cryptox as cx
from cryptox.errors import CryptoxError
from cryptox.sessions import orders, settling
from cryptox.sessions.blotter import Blotter
from cryptox.sessions.live import candles, executed, newest
from cryptox.table.ring import Ring

ROWS, ROOM = 100, 100  # that a feed keeps, and for how many more its columns have room: some minutes at one a second
FINAL, FILLS = 10, 20  # orders to which nothing more can happen, and fills, that a session keeps
CANCELED, GIVEN = 20, 20  # canceled orders and by what, and ids that users gave, that it remembers
CALLBACKS = slice(5, 48, 12)  # feeds that have one
CANDLES = 20_000  # of one download
RISE_MB = 0.1  # a minute
WARM_MINUTES = 20.0  # at the beginning, or half of a shorter run: caches and the bounds of what is kept fill up
LEAST_MINUTES = 5.0  # of a run that memory is judged by
SETTLE_S = 120.0  # after the last fault: a connection that stalled is given up after some seconds, orders are asked for

COLUMNS = (
    *("s", "MB", "trimmed", "in use", "blocks", "tasks", "threads", "sockets", "files", "events", "repaired", "lost"),
    *("reconnects", "calls", "unknown", "downloads", "health"),
)


@dataclass
class Soak:
    """What was seen, and what is wrong."""

    began: float = field(default_factory=time.monotonic)
    samples: list[Sample] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)  # of the log
    deeds: dict[str, int] = field(default_factory=dict)
    downloads: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    calls: list[Call] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    received: int = 0
    seen: int = 0
    before: Sample | None = None
    after: Sample | None = None
    rise_mb: float | None = None
    file: Any = field(default_factory=tempfile.TemporaryFile)  # of calls: what is noted here must not count as a leak
    made: int = 0
    unknown: int = 0
    at_work: asyncio.Lock = field(default_factory=asyncio.Lock)  # a download: what it holds meanwhile is no leak
    callers: set[int] = field(default_factory=set)
    repairs: Campaign = field(default_factory=Campaign)
    repaired: int = 0

    def record(self, call: Call) -> None:
        """Note a call."""
        self.file.write(json.dumps(call).encode() + b"\n")
        self.made += 1
        self.unknown += call.error == "OutcomeUnknown"

    @property
    def warm(self) -> list[Sample]:
        """What was seen once it was warm."""
        least_s = min(60 * WARM_MINUTES, self.samples[-1].at_s / 2)
        return [one for one in self.samples if one.at_s >= least_s]

    def called(self, _: Any) -> None:
        """A callback of feeds."""
        self.callers.add(threading.get_ident())

    def sample(self) -> Sample:
        """Now."""
        self.repaired += sum(map(len, self.repairs.repaired.values()))
        self.repairs.repaired.clear()
        return read(time.monotonic() - self.began)


class Events(logging.Handler):
    """Counts what the log tells."""

    def __init__(self, soak: Soak) -> None:
        super().__init__(logging.INFO)
        self.events = soak.events

    def emit(self, record: logging.LogRecord) -> None:
        self.events[getattr(record, "event", "")] += 1


@contextlib.contextmanager
def bounded() -> Any:
    """What is kept on purpose is kept in small numbers."""
    usual = [(module, "MOST_ROWS", ROWS) for module in (candles, executed, newest)]
    usual += [(orders, "MOST_CLAIMS", CANCELED), (settling, "REMEMBERED", GIVEN)]
    before = [(module, name, vars(module)[name]) for module, name, _ in usual]
    made = Ring.__init__

    def small(ring: Any, *given: Any, **named: Any) -> None:
        made(ring, *given, **named)
        ring._most_room = ring.rows + ROOM
        ring._room = min(ring._room, ring._most_room)
        ring._columns = ring._allocate()

    defaults = Blotter.__init__.__kwdefaults__
    kept = dict(defaults)
    try:
        for module, name, most in usual:
            vars(module)[name] = most
        defaults.update(most_final=FINAL, most_fills=FILLS)
        Ring.__init__ = small  # type: ignore[method-assign]
        yield
    finally:
        Ring.__init__ = made  # type: ignore[method-assign]
        for module, name, most in before:
            vars(module)[name] = most
        defaults.update(kept)


@contextlib.contextmanager
def counted(soak: Soak) -> Any:
    log, handler = logging.getLogger("cryptox"), Events(soak)
    level, passes = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = passes


async def run(
    *,
    minutes: float,
    seed: int,
    every_s: float = 15.0,
    bulk_s: float = 10.0,
    pause_s: tuple[float, float] = (2.0, 10.0),
    connection_life: float = 300.0,
    candles: int = CANDLES,
    say: Any = print,
    **settings: Any,
) -> Soak:  # fmt: skip
    """All of it, on the running loop; ``settings`` are those of the users' sessions."""
    soak = Soak()
    with bounded(), counted(soak), watched(soak.repairs), Exchange(connection_life=connection_life) as exchange:
        async with contextlib.AsyncExitStack() as stack:
            hosts = exchange.hosts
            again = {"stream_url": hosts["stream_url"].replace("127.0.0.1", "localhost")}  # a connection of its own
            market = [
                await stack.enter_async_context(cx.aio.connect("binance", **{**hosts, **more})) for more in ({}, again)
            ]
            users = [
                await stack.enter_async_context(
                    cx.aio.connect(
                        "binance",
                        user=f"user-{place}",
                        api_key=api,
                        secret_key=secret,
                        trading=True,
                        **{**hosts, **settings},
                    )
                )
                for place, (api, secret) in enumerate(exchange.keys)
            ]
            feeds = feeds_of(*(one.live for one in market))
            own = [feed for one in users for feed in (one.live.orders(), one.live.account())]
            await asyncio.gather(*feeds, *own)
            readers = [asyncio.create_task(_read(soak, feed)) for feed in [*feeds[::2], *own[::3]]]
            for feed in feeds[CALLBACKS]:
                feed.on(soak.called)
            await _download(soak, market[0], candles)
            for user in users:
                await user.test_order("BTCUSDT", "buy", "MARKET", quantity="0.001")
            while len(soak.callers) < len(feeds[CALLBACKS]):  # noqa: ASYNC110 - threads have begun
                await asyncio.sleep(0.1)
            soak.before = soak.sample()
            soak.events.clear()
            soak.repaired = 0
            over = asyncio.Event()
            traders = [
                Trader(place, user, random.Random(f"{seed} {place}"), pause_s, soak.record)
                for place, user in enumerate(users)
            ]
            working = [asyncio.create_task(one.work(over)) for one in traders]
            working.append(asyncio.create_task(_downloads(soak, market[0], candles, bulk_s, over)))
            exchange.ask(f"storm {seed}")
            await _watch(soak, minutes, every_s, feeds, say)
            soak.deeds = exchange.ask("calm")
            over.set()
            await asyncio.gather(*working)
            soak.file.seek(0)
            soak.calls = [Call(*json.loads(line)) for line in soak.file]
            soak.file.close()
            await _settle(soak, feeds, users, say)
            await _judge(soak, feeds, users, exchange.ask("truth"), minutes)
            soak.received = sum(feed.status.received for feed in feeds)
            for feed in [*feeds, *own]:
                await feed.stop()
            await asyncio.gather(*readers)
    return soak


async def _read(soak: Soak, feed: Any) -> None:
    async for _ in feed:
        soak.seen += 1


async def _downloads(soak: Soak, session: Any, candles: int, every_s: float, over: asyncio.Event) -> None:
    while not over.is_set():
        await _download(soak, session, candles)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), every_s)


async def _download(soak: Soak, session: Any, candles: int) -> None:
    try:
        async with soak.at_work:
            frame = await session.klines_bulk("BTCUSDT", "1m", candles)
        soak.downloads["whole" if len(frame) == candles else f"{len(frame)} rows"] += 1
    except CryptoxError as error:
        soak.downloads[type(error).__name__] += 1


async def _watch(soak: Soak, minutes: float, every_s: float, feeds: list[Any], say: Any) -> None:
    """A line now and then, until the time is over."""
    say(_line(COLUMNS))
    ends = time.monotonic() + 60 * minutes
    while (rest := ends - time.monotonic()) > 0:
        await asyncio.sleep(min(every_s, rest))
        async with soak.at_work:
            found = soak.sample()
        soak.samples.append(found)
        health = await cx.aio.health()
        soak.statuses[health.status] += 1
        ill = [f"{part.name} {part.status}" for part in health.components.values() if part.status != "healthy"]
        opened = soak.events["socket.opened"] + soak.events["user_stream.logged_on"]
        values = (
            *(
                f"{value:.{digits}f}"
                for value, digits in ((found.at_s, 0), (found.resident_mb, 1), (found.memory_mb, 1))
            ),
            *(f"{found.in_use_mb:.2f}", f"{found.blocks / 1000:.1f}k"),
            *(found.tasks, found.threads, found.sockets, found.files, sum(feed.status.received for feed in feeds)),
            *(soak.repaired, sum(feed.status.gaps for feed in feeds), opened, soak.made, soak.unknown),
            *(soak.downloads.total(), "; ".join([health.status, *ill])),
        )
        say(_line(values))


def _line(values: Iterable[Any]) -> str:
    return " ".join(f"{value!s:>{max(6, len(name))}}" for name, value in zip(COLUMNS, values, strict=True))


async def _settle(soak: Soak, feeds: list[Any], users: list[Any], say: Any) -> None:
    """Wait until all is as it was."""
    began = time.monotonic()
    assert soak.before is not None
    while True:
        health = await cx.aio.health()
        soak.after = found = soak.sample()
        asking = [user for user in users if "asking" in set((await user.unresolved()).state)]
        waits = {
            "health": health.status != "healthy",
            "feeds": not all(feed.status.connected and feed.status.synced for feed in feeds),
            "orders": bool(asking),
            "tasks": found.tasks > soak.before.tasks,
            "sockets": found.sockets > soak.before.sockets,
        }
        if not any(waits.values()) or time.monotonic() - began > SETTLE_S:
            say(f"well again {time.monotonic() - began:.0f} s after the last fault")
            soak.wrong += [f"not well after {SETTLE_S:g} s: {name}" for name, is_so in waits.items() if is_so]
            soak.wrong += [f"{part.name}: {text}" for part in health.components.values() for text in part.reasons]
            return
        await asyncio.sleep(0.5)


async def _judge(soak: Soak, feeds: list[Any], users: list[Any], truth: list[list[Any]], minutes: float) -> None:
    soak.wrong += untrue(soak.calls, truth)
    soak.wrong += [f"{feed.topic}: {feed.status.gaps} gaps" for feed in feeds if feed.status.gaps]
    there = {(user, client_id) for user, client_id, *_ in truth}
    for place, user in enumerate(users):
        for row in (await user.unresolved()).itertuples():
            if row.operation == "place_order" and (row.state == "done") != ((place, row.client_order_id) in there):
                soak.wrong.append(f"{row.client_order_id} is said to be {row.state}, which is not so")
        open_ = {id_ for number, id_, _, status in truth if number == place and status in ("NEW", "PARTIALLY_FILLED")}
        known = {order.client_order_id for order in user._user_stream().blotter.open_orders()}
        if known != open_:
            soak.wrong.append(f"user {place} believes {sorted(known ^ open_)} to be otherwise than they are")
    assert soak.before is not None
    assert soak.after is not None
    if soak.after.threads > soak.before.threads:
        soak.wrong.append(f"{soak.after.threads} threads, {soak.before.threads} before")
    soak.rise_mb = rise([(one.at_s / 60, one.memory_mb) for one in soak.warm])
    if minutes >= LEAST_MINUTES and (soak.rise_mb is None or soak.rise_mb >= RISE_MB):
        soak.wrong.append(f"memory rises by {soak.rise_mb:.3f} MB a minute")


def report(soak: Soak) -> str:
    """What was done and seen."""
    outcomes = Counter(one.error or "done" for one in soak.calls)

    def listed(counts: Any) -> str:
        return ", ".join(f"{number} {name}" for name, number in counts.items()) or "none"

    warm = [one.memory_mb for one in soak.warm]
    in_use = [one.in_use_mb for one in soak.warm]
    used = rise([(one.at_s / 60, one.in_use_mb) for one in soak.warm])
    assert soak.before is not None
    assert soak.after is not None
    names = (
        *("socket.opened", "socket.closed", "user_stream.logged_on", "user_stream.logged_off", "request.failed"),
        *("feed.repair_failed", "feed.gap", "breaker.opened", "task.restarted", "order.doubt", "order.unknown"),
    )
    lines = [
        f"faults       {sum(soak.deeds.values())}: {listed(soak.deeds)}",
        f"log          {listed({name: soak.events[name] for name in names})}",
        f"events       {soak.received:,} received, {soak.seen:,} read by tasks (users' included); {soak.repaired} "
        "stretches repaired over REST",
        f"calls        {len(soak.calls)}: {listed(outcomes)}",
        f"downloads    {listed(soak.downloads)}",
        f"health       {listed(soak.statuses)}",
        f"before       {soak.before}",
        f"after        {soak.after}",
        f"memory       {min(warm):.1f} to {max(warm):.1f} MB in the last "
        f"{(soak.samples[-1].at_s - soak.warm[0].at_s) / 60:.0f} minutes, {soak.rise_mb or 0.0:+.3f} MB a minute",
        f"in use       {min(in_use):.2f} to {max(in_use):.2f} MB of malloc's, {used or 0.0:+.3f} MB a minute",
    ]
    return "\n".join([*lines, *(f"WRONG        {why}" for why in soak.wrong)])


def main() -> int:
    """Run it; 1 where anything is wrong."""
    from measure import machine

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=45.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=15.0, help="seconds between lines")
    given = parser.parse_args()
    print(machine())

    def say(text: str) -> None:
        print(text, flush=True)

    cpu = time.process_time()
    soak = asyncio.run(run(minutes=given.minutes, seed=given.seed, every_s=given.every, say=say))
    print(report(soak))
    share = (time.process_time() - cpu) / (time.monotonic() - soak.began)
    print(f"processor    {share:.2f} of a core, without the exchange")
    judged = "" if given.minutes >= LEAST_MINUTES else f" (memory is judged from {LEAST_MINUTES:g} minutes on)"
    print(("NOT WELL" if soak.wrong else "flat, true and healthy") + judged)
    return 1 if soak.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
