"""Live feeds under a campaign of faults: afterwards each must equal the exchange's own record.

    python benchmarks/live_campaign.py                       # three minutes
    python benchmarks/live_campaign.py --seconds 20 --seed 3

Feeds of trades, aggregate trades, candles and best quotes on a paper exchange whose market clock runs at 60 times real
speed, and of the local book on one at real speed, each read by its own task. Meanwhile, at random: connections are cut,
frozen and shut down, messages lost, doubled, delayed and put out of order, changes of the book left out, answers over
REST late, broken or refused, and every connection ends after some seconds anyway. It prints what was done, how the
connections ended, every range that was repaired over REST and every one that was not, and fails where a feed lacks
anything, has anything twice, differs from the record, or says that it could not be repaired: the exchange serves
everything all the time, so nothing may be told as lost.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import random
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import cryptox as cx
from cryptox.model.time import iso
from cryptox.sessions.live import hub
from cryptox.sessions.live.candles import CandleTopic
from cryptox.sessions.live.executed import ExecutedTopic
from cryptox.sessions.live.localbook import BookTopic

SYMBOLS = ("BTCUSDT", "ETHUSDT")
SPEED = 60
PATIENCE = {"SILENCE_S": 1.0, "PONG_S": 0.5, "CAP_S": 0.5}  # seconds: nobody wants to wait for the usual ones here


@dataclass
class Seen:
    """What one reader of a feed got."""

    feed: Any
    events: list[Any] = field(default_factory=list)
    frame: Any = None

    async def read(self) -> None:
        async for event in self.feed:
            self.events.append(event)


@dataclass
class Campaign:
    """What was done, and what is wrong afterwards."""

    deeds: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    counts: dict[str, str] = field(default_factory=dict)
    repaired: dict[str, list[str]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    reconnects: int = 0
    compared: int = 0
    books: int = 0
    seconds: float = 0.0


class Ends(logging.Handler):
    """Counts what the log says of connections and repairs."""

    def __init__(self, campaign: Campaign) -> None:
        super().__init__(logging.INFO)
        self.ends = campaign.ends

    def emit(self, record: logging.LogRecord) -> None:
        name, facts = getattr(record, "event", ""), getattr(record, "fields", {})
        if name == "socket.closed":
            self.ends[f"ended: {facts['reason']} {facts.get('code') or ''}".strip()] += 1
        elif name in ("socket.opened", "socket.failed", "socket.deaf", "feed.repair_failed", "feed.gap"):
            self.ends[name] += 1


@contextlib.contextmanager
def watched(campaign: Campaign) -> Iterator[None]:
    """Note what every repair over REST brings, and how connections end."""

    def note(topic: Any, text: str) -> None:
        campaign.repaired.setdefault(topic.name, []).append(text)

    def trades(self: Any, events: list[Any], usual: Any = ExecutedTopic._repaired) -> None:
        known = self._order.next or 0
        if ids := [event.id for event in events if event.id >= known]:
            note(self, f"{ids[0]}-{ids[-1]}" if len(ids) > 1 else f"{ids[0]}")
        usual(self, events)

    def candles(self: Any, events: list[Any], usual: Any = CandleTopic._repaired) -> None:
        known = self._order.next or 0
        if times := [one.open_time_ms for one in events if one.open_time_ms >= known and one.is_closed]:
            first, last = (iso(time_ms)[11:19] for time_ms in (times[0], times[-1]))
            note(self, first if first == last else f"{first}-{last}")
        usual(self, events)

    async def book(self: Any, usual: Any = BookTopic.repair) -> bool:
        before, wanted = self._book.last_update_id, self._book.needs_snapshot
        done: bool = await usual(self)
        if wanted and done:
            note(self, f"{'start' if before is None else before}-{self._book.last_update_id}")
        return done

    log, handler = logging.getLogger("cryptox.sessions.live"), Ends(campaign)
    level = log.level
    changes: list[tuple[Any, str, Any]] = [
        (ExecutedTopic, "_repaired", trades),
        (CandleTopic, "_repaired", candles),
        (BookTopic, "repair", book),
    ]
    usual = [getattr(kind, name) for kind, name, _ in changes]
    for kind, name, ours in changes:
        setattr(kind, name, ours)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        for (kind, name, _), theirs in zip(changes, usual, strict=True):
            setattr(kind, name, theirs)


async def run(
    *, seconds: float, seed: int, pause_s: tuple[float, float] = (0.05, 0.5), settle_s: float = 30.0,
    connection_life: float = 15.0,
) -> Campaign:  # fmt: skip
    """Do it all, on the running loop."""
    chance, campaign, began = random.Random(seed), Campaign(), time.monotonic()
    usual = {name: getattr(hub, name) for name in PATIENCE}
    vars(hub).update(PATIENCE)
    settings = {"limits": {"REQUEST_WEIGHT": (1_000_000, "1m")}, "connection_life": connection_life}
    try:
        with (
            watched(campaign),
            cx.PaperExchange(seed, clock=("2024-06-01 12:00", SPEED), **settings) as fast,
            cx.PaperExchange(seed, **settings) as plain,
        ):
            async with cx.aio.connect(fast, encoding="json") as session, cx.aio.connect(plain) as steady:
                await _campaign((fast, plain), (session, steady), campaign, chance, seconds, pause_s, settle_s)
    finally:
        vars(hub).update(usual)
    campaign.seconds = time.monotonic() - began
    return campaign


async def _campaign(
    exchanges: tuple[Any, Any], sessions: tuple[Any, Any], campaign: Campaign, chance: random.Random, seconds: float,
    pause_s: tuple[float, float], settle_s: float,
) -> None:  # fmt: skip
    session, steady = sessions
    for one in sessions:
        await one.symbols()  # and with them the limits
    live = session.live
    feeds = [
        *(live.trades(symbol, history=50) for symbol in SYMBOLS),
        *(live.agg_trades(symbol) for symbol in SYMBOLS),
        *(live.klines(symbol, interval, history=20) for symbol in SYMBOLS for interval in ("1m", "1s")),
        live.book_ticker("BTCUSDT"),
        steady.live.book("BTCUSDT", levels=20),
    ]
    seen = [Seen(feed) for feed in feeds]
    for feed in feeds:
        await feed
    tasks = [asyncio.create_task(one.read()) for one in seen]
    deeds = [deed for exchange in exchanges for deed in _deeds(exchange, chance)]
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        name, deed = chance.choice(deeds)
        deed()
        campaign.deeds[name] += 1
        await asyncio.sleep(chance.uniform(*pause_s))
    for exchange in exchanges:
        exchange.faults.clear()
    await _settle(feeds, settle_s, campaign)
    await _compare_books(steady, seen[-1], campaign)
    for one in seen:
        one.frame = one.feed.frame(frame="pandas")
        status = one.feed.status
        gaps = [event for event in one.events if event.kind == "gap"]
        campaign.lost += [
            f"{one.feed.topic}: {gap.first_id}-{gap.last_id}, {iso(gap.start_ms)} to {iso(gap.end_ms)}: {gap.reason}"
            for gap in gaps
        ]
        if status.gaps or gaps:
            campaign.wrong.append(f"{one.feed.topic}: {status.gaps} gaps")
        if status.dropped:
            campaign.wrong.append(f"{one.feed.topic}: {status.dropped} events dropped")
    for feed in feeds:
        await feed.stop()
    await asyncio.gather(*tasks)
    for one in seen:
        await _compare(session, one, campaign)


def _deeds(exchange: Any, chance: random.Random) -> list[tuple[str, Callable[[], object]]]:
    """What can be done to the exchange, the commoner things more often."""
    faults = exchange.faults

    def frames(how: str, **settings: float) -> Callable[[], object]:
        def add() -> object:
            stream = chance.choice(("*", "*@trade", "*@aggTrade", "*@kline*", "*@depth*", "btcusdt@*"))
            return faults.add("frame", how=how, stream=stream, times=chance.randint(1, 5), seconds_long=2, **settings)

        return add

    def rest() -> object:
        kind, settings = chance.choice(
            (
                ("status", {"code": 502}),
                ("reset", {"at": "start"}),
                ("latency", {"seconds": 0.5, "jitter": 0.5}),
                ("truncate", {"how": "body"}),
                ("limit", {"code": 429, "retry_after": 1}),
            )
        )
        return faults.add(kind, times=chance.randint(1, 3), seconds_long=3, **settings)

    return [
        *[("cut", faults.cut)] * 4,
        *[("freeze", lambda: faults.freeze(chance.uniform(0.1, 1.0)))] * 2,
        ("freeze for long", lambda: faults.freeze(3.0)),
        ("shutdown", lambda: faults.shut_down(chance.choice((0.0, 0.2, 0.6)))),
        *[("drop", frames("drop"))] * 2,
        *[("duplicate", frames("duplicate"))] * 2,
        *[("reorder", frames("reorder", seconds=0.3))] * 2,
        *[("delay", frames("delay", seconds=chance.uniform(0.05, 0.5)))] * 2,
        *[("skip depth", lambda: faults.add("skip_depth", times=chance.randint(1, 3), seconds_long=2))] * 2,
        *[("REST fault", rest)] * 2,
    ]


async def _settle(feeds: list[Any], settle_s: float, campaign: Campaign) -> None:
    """Wait until every feed says that it is in step, and a while longer."""
    until = time.monotonic() + settle_s
    calm = 0
    while calm < 10 and time.monotonic() < until:
        calm = calm + 1 if all(feed.status.connected and feed.status.synced for feed in feeds) else 0
        await asyncio.sleep(0.2)
    campaign.wrong += [
        f"{feed.topic} never settled: {feed.status}"
        for feed in feeds
        if not (feed.status.connected and feed.status.synced)
    ]


async def _compare(session: Any, seen: Seen, campaign: Campaign) -> None:
    kind = seen.feed.kind
    if kind in ("trades", "agg_trades"):
        await _compare_trades(session, seen, campaign)
    elif kind == "klines":
        await _compare_candles(session, seen, campaign)
    campaign.counts.setdefault(seen.feed.topic, f"{len(seen.events)} events")
    campaign.reconnects += seen.feed.status.reconnects


async def _compare_trades(session: Any, seen: Seen, campaign: Campaign) -> None:
    symbol, kind = seen.feed.symbols[0], seen.feed.kind
    events = [event for event in seen.events if event.kind != "gap"]
    ids = [event.id for event in events]
    if ids != list(range(ids[0], ids[0] + len(ids))):
        campaign.wrong.append(f"{seen.feed.topic}: ids are not contiguous: {_odd(ids)}")
    record = {}
    first = int(seen.frame["id"].iloc[0])
    while first <= ids[-1]:
        venue = session.venue
        if kind == "trades":
            request = venue.trades_from(symbol, from_id=first, limit=1000, exact=False)
        else:
            request = venue.agg_trades(symbol, start_ms=None, end_ms=None, from_id=first, limit=1000, exact=False)
        page = await session._ask(request)
        rows = zip(*(page[name].tolist() for name in ("id", "time", "price", "quantity", "side")), strict=True)
        record.update({row[0]: (row[0], row[1], row[2], row[3], ("buy", "sell")[row[4]]) for row in rows})
        first = int(page["id"][-1]) + 1
    campaign.compared += len(ids)
    campaign.counts[seen.feed.topic] = f"{len(seen.events)} events, ids {ids[0]}-{ids[-1]}, {len(seen.frame)} in frame"
    told = [(event.id, event.time_ms, event.price, event.quantity, event.side) for event in events]
    campaign.wrong += [
        f"{seen.feed.topic}: {row} is {record.get(row[0])} at the exchange" for row in told if record.get(row[0]) != row
    ][:3]
    frame = seen.frame.reset_index()
    rows = zip(
        frame["id"],
        frame["time"].astype("int64"),
        frame["price"],
        frame["quantity"],
        frame["side"].astype(str),
        strict=True,
    )
    wrong = [row for row in rows if record.get(row[0]) != tuple(row)]
    if wrong or not (frame["id"].diff().dropna() == 1).all():
        campaign.wrong.append(f"{seen.feed.topic}: the frame differs: {wrong[:3]}")


async def _compare_candles(session: Any, seen: Seen, campaign: Campaign) -> None:
    symbol, interval = seen.feed.symbols[0], seen.feed.interval
    closed = [event for event in seen.events if event.kind == "kline" and event.is_closed]
    times = [event.open_time_ms for event in closed]
    frame = seen.frame.reset_index()
    start = int(frame["open_time"].astype("int64").iloc[0])
    record = await session.klines_bulk(symbol, interval, start=start, end=times[-1] + 1, frame="pandas")
    record = record.reset_index()
    step = 60_000 if interval == "1m" else 1_000
    if times != list(range(times[0], times[0] + len(times) * step, step)):
        campaign.wrong.append(f"{seen.feed.topic}: closed candles are not one after another: {_odd(times)}")
    names = ["open", "high", "low", "close", "volume", "quote_volume", "trades", "taker_buy_volume"]
    known = {
        time_ms: tuple(row)
        for time_ms, row in zip(record["open_time"].astype("int64"), record[names].itertuples(index=False), strict=True)
    }
    campaign.compared += len(closed)
    campaign.counts[seen.feed.topic] = (
        f"{len(seen.events)} events, closed {iso(times[0])[11:19]}-{iso(times[-1])[11:19]}, {len(frame)} in frame"
    )
    wrong = [
        event for event in closed if known.get(event.open_time_ms) != tuple(getattr(event, name) for name in names)
    ]
    if wrong:
        campaign.wrong.append(
            f"{seen.feed.topic}: {len(wrong)} candles differ: {wrong[0]} {known.get(wrong[0].open_time_ms)}"
        )
    frame = frame[frame["open_time"] <= record["open_time"].iloc[-1]].reset_index(drop=True)
    if not frame[names].equals(record[names].iloc[-len(frame) :].reset_index(drop=True)):
        campaign.wrong.append(f"{seen.feed.topic}: the frame differs")
    forming = [event for event in seen.events if event.kind == "kline" and not event.is_closed]
    late = [event for event in forming if event.open_time_ms > times[-1] + step]
    campaign.wrong += [f"{seen.feed.topic}: {event} is not the next one" for event in late[:1]]


async def _compare_books(session: Any, seen: Seen, campaign: Campaign) -> None:
    """Snapshots over REST against the local book at the same id."""
    snapshots = {}
    for _ in range(20):
        answer = await session._ask(session.venue.snapshot("BTCUSDT"))
        snapshots[answer.last_update_id] = answer
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    for event in seen.events:
        answer = snapshots.get(getattr(event, "last_update_id", None))
        if answer is None or not event.synced:
            continue
        campaign.books += 1
        if list(event.bid_texts) != answer.bids[:20] or list(event.ask_texts) != answer.asks[:20]:
            campaign.wrong.append(f"the book differs at {event.last_update_id}: {event}")
    crossed = [event for event in seen.events if event.synced and event.spread <= 0]
    campaign.wrong += [f"the book is crossed: {event}" for event in crossed[:1]]
    if not campaign.books:
        campaign.wrong.append("no snapshot of the book was at an id that the feed had")


def _odd(keys: list[int]) -> str:
    steps = Counter(b - a for a, b in pairwise(keys))
    return f"steps {steps.most_common(5)}"


def main() -> None:
    from measure import show

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    campaign = asyncio.run(run(seconds=given.seconds, seed=given.seed))
    print(f"feeds, {campaign.seconds:.0f} s in all:")
    for topic, text in campaign.counts.items():
        print(f"  {topic}: {text}")
    print("repaired over REST (ids; candles by their opening; of the book the snapshots, id before and after):")
    for topic, ranges in campaign.repaired.items():
        print(textwrap.fill(f"{topic}, {len(ranges)}: {', '.join(ranges)}", 120, initial_indent="  ",
                            subsequent_indent="    ", break_on_hyphens=False))  # fmt: skip
    print("not repaired: " + ("none" if not campaign.lost else ""))
    print("".join(f"  {text}\n" for text in campaign.lost), end="")
    told = [
        ", ".join(f"{count} {name}" for name, count in one.most_common()) for one in (campaign.deeds, campaign.ends)
    ]
    show(
        [
            ("what", "in this campaign"),
            (f"deeds in {given.seconds:.0f} s, seed {given.seed}", f"{sum(campaign.deeds.values())}: {told[0]}"),
            ("ends of connections", told[1]),
            ("times that a feed was carried again", f"{campaign.reconnects}"),
            (
                "stretches repaired over REST",
                ", ".join(f"{topic} {len(one)}" for topic, one in campaign.repaired.items()),
            ),
            ("not repaired", f"{len(campaign.lost)}"),
            (
                "compared with the exchange's record",
                f"{campaign.compared} trades and closed candles, {campaign.books} books",
            ),
            ("of these, different", f"{len(campaign.wrong)}"),
        ]
    )
    print("\n".join(campaign.wrong) if campaign.wrong else "every feed equals the exchange's record")
    raise SystemExit(1 if campaign.wrong else 0)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
