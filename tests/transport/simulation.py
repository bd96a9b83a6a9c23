"""An exchange and its clients in virtual time: the exchange counts on arrival, every latency is drawn at random.

On a busy machine (``Busy``, and an exchange with ``work_s``) a count is old when it comes: the exchange counts all that
arrive but answers one after another, and a process stalls between its decision and the sending, and before it reads.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptox.transport.clock import Moment
from cryptox.transport.limiter import Limiter, Ticket
from cryptox.transport.messages import Limit, Usage

EPOCH_MS = 1_767_225_600_000


class World:
    """Events in virtual time; ``now`` is in seconds."""

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self.random = random.Random(seed)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def after(self, delay_s: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + delay_s, next(self._order), act))

    def run(self, until_s: float) -> None:
        while self._events and self._events[0][0] <= until_s:
            self.now, _, act = heapq.heappop(self._events)
            act()


@dataclass
class Exchange:
    world: World
    amount: int
    window_ms: int
    work_s: tuple[float, float] = (0.0, 0.0)  # for each answer, after the request was counted; one after another
    free_at: float = 0.0
    used: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    ours: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    refused: list[tuple[float, str, int]] = field(default_factory=list)

    def time_ms(self) -> float:
        return EPOCH_MS + self.world.now * 1000

    def count(self, weight: int, who: str) -> int:
        """A request arrives: the count that its header will show."""
        window = int(self.time_ms() // self.window_ms)
        self.used[window] += weight
        if self.used[window] > self.amount:
            self.refused.append((self.world.now, who, self.used[window]))
        if who.startswith("cryptox"):
            self.ours[window] += weight
        return self.used[window]

    def wait_s(self) -> float:
        """How long the answer to a request that was just counted takes to make."""
        if self.work_s[1] == 0:
            return 0.0
        self.free_at = max(self.free_at, self.world.now) + self.world.random.uniform(*self.work_s)
        return self.free_at - self.world.now

    def share(self, first: int, last: int) -> float:
        """What part of what the others left was used, over windows counted from the start of the world."""
        base = EPOCH_MS // self.window_ms
        ours = sum(self.ours[base + n] for n in range(first, last))
        others = sum(self.used[base + n] - self.ours[base + n] for n in range(first, last))
        return ours / (self.amount * (last - first) - others)


def regular(exchange: Exchange, weight: int, every_s: float, *, requests: int = 1, start_s: float = 0.0) -> None:
    """Another client: so many requests of so much weight, again and again."""
    world = exchange.world

    def go() -> None:
        for _ in range(requests):
            exchange.count(weight, "other")
        world.after(every_s, go)

    world.after(start_s, go)


class Process:
    """A cryptox process with a bulk to fetch: as many requests in flight as allowed and granted."""

    def __init__(
        self,
        exchange: Exchange,
        name: str,
        *,
        requests: int,
        weight: int = 2,
        in_flight: int = 16,
        latency_s: tuple[float, float] = (0.0005, 0.025),
        offset_ms: float = 0.0,
        uncertainty_ms: float = 12.0,
        start_s: float = 0.0,
    ) -> None:
        self.exchange = exchange
        self.world = exchange.world
        self.name = name
        self.left = requests
        self.weight = weight
        self.most = in_flight
        self.latency_s = latency_s
        self.offset_ms = offset_ms
        self.uncertainty_ms = uncertainty_ms
        self.flying = 0
        self.done_at: list[float] = []
        self.polling = False
        self.limiter = Limiter([Limit("REQUEST_WEIGHT", exchange.amount, exchange.window_ms)])
        self.world.after(start_s, self.pump)

    def moment(self) -> Moment:
        believed = self.exchange.time_ms() + self.offset_ms
        return Moment(self.world.now, believed - self.uncertainty_ms, believed + self.uncertainty_ms)

    def one_way_s(self) -> float:
        return self.world.random.uniform(*self.latency_s)

    def pump(self) -> None:
        while self.left and self.flying < self.most:
            outcome = self.limiter.take(self.weight, self.moment())
            if not isinstance(outcome, Ticket):
                if not self.polling:
                    self.polling = True
                    self.world.after(outcome.poll_s, self.poll)
                return
            self.left -= 1
            self.flying += 1
            self.send(outcome)

    def poll(self) -> None:
        self.polling = False
        self.pump()

    def send(self, ticket: Ticket) -> None:
        began = self.moment()
        self.world.after(self.one_way_s(), lambda: self.arrive(ticket, began))

    def arrive(self, ticket: Ticket, began: Moment) -> None:
        used = self.exchange.count(self.weight, self.name)
        self.world.after(self.exchange.wait_s() + self.one_way_s(), lambda: self.answer(ticket, used, began))

    def answer(self, ticket: Ticket, used: int, began: Moment) -> None:
        self.flying -= 1
        self.done_at.append(self.world.now)
        usage = Usage("REQUEST_WEIGHT", self.exchange.window_ms, used)
        self.limiter.answered(ticket, (usage,), self.moment(), began)
        self.pump()


class Busy(Process):
    """A process on a busy machine: now and then it stands still, and what it should do has to wait."""

    def __init__(
        self,
        exchange: Exchange,
        name: str,
        *,
        stalls_per_s: float,
        stall_s: tuple[float, float] = (0.020, 0.060),
        **options: object,
    ) -> None:
        self.awake_at = 0.0
        self.stalls_per_s = stalls_per_s
        self.stall_s = stall_s
        super().__init__(exchange, name, **options)
        self.stall()

    def stall(self) -> None:
        if self.world.now > 0:
            self.awake_at = self.world.now + self.world.random.uniform(*self.stall_s)
        self.world.after(self.world.random.expovariate(self.stalls_per_s), self.stall)

    def awake(self, act: Callable[[], None]) -> None:
        """Act now, or when the process goes on."""
        if self.world.now < self.awake_at:
            self.world.after(self.awake_at - self.world.now, lambda: self.awake(act))
        else:
            act()

    def poll(self) -> None:
        self.awake(super().poll)

    def send(self, ticket: Ticket) -> None:
        send = super().send
        self.world.after(self.world.random.uniform(0.0005, 0.003), lambda: self.awake(lambda: send(ticket)))

    def answer(self, ticket: Ticket, used: int, began: Moment) -> None:
        answer = super().answer
        self.awake(lambda: answer(ticket, used, began))
