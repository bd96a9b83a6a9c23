"""What an order that comes in would meet: a plan, made without touching anything, carried out step by step later."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cryptox.venues.binance.words import SelfTradePrevention, Side

from .board import Board
from .orders import Order

__all__ = ["Plan", "Step", "Want", "plan"]


@dataclass(frozen=True, slots=True)
class Want:
    """What comes in."""

    side: Side
    uid: int
    prevention: SelfTradePrevention
    quantity: int = 0  # steps
    budget: int | None = None  # atoms of the quote asset, in the place of a quantity
    limit: int = 0  # ticks; 0 for any price


@dataclass(frozen=True, slots=True)
class Step:
    """One trade, or one that self-trade prevention does not let happen."""

    price: int
    steps: int  # traded, or moved by a transfer
    maker: Order | None  # None for the market's own
    mode: SelfTradePrevention | None = None  # None for a trade
    taker_loss: int = 0  # steps that prevention takes away
    maker_loss: int = 0


@dataclass(slots=True)
class Plan:
    """The steps in their order."""

    steps: list[Step] = field(default_factory=list)
    traded: int = 0  # steps
    moved: int = 0  # steps of transfers within a group of accounts
    prevented: int = 0  # steps taken from the one that comes in
    cost: int = 0  # atoms of the quote asset that it pays or gets
    left: int = 0  # steps, or atoms of the budget
    short: int = 0  # steps that were wanted when nothing was left to meet

    @property
    def base_steps(self) -> int:
        """Steps that leave a seller."""
        return self.traded + self.moved


def plan(board: Board, want: Want, group_of: Callable[[int], int]) -> Plan:
    """What would happen if ``want`` came in now. ``group_of`` gives the trade group of an account."""
    return _Planner(board, want, group_of).run()


class _Planner:
    def __init__(self, board: Board, want: Want, group_of: Callable[[int], int]) -> None:
        self.board, self.want, self.group_of = board, want, group_of
        self.plan = Plan(left=want.quantity if want.budget is None else want.budget)
        self.gone: set[int] = set()  # makers that prevention ends on the way

    def run(self) -> Plan:
        want, plan = self.want, self.plan
        sign = 1 if want.side is Side.BUY else -1
        makers = want.side.other
        queues = self.board.resting(makers)
        price = 0
        for price, own in self.board.depth(makers):
            if want.limit and price * sign > want.limit * sign:
                return plan
            for steps, maker in _at(own, list(queues.queue(price))):
                wanted = self._wanted(price)
                if not wanted:
                    self._finish(True)
                    return plan
                mode = None if maker is None else self._mode(maker)
                if mode is None:
                    self._trade(price, min(wanted, steps), maker)
                    self._finish(wanted < steps)  # a sale of all of it may come nearer to its budget one level deeper
                elif maker is not None and maker.id not in self.gone:
                    self._prevent(price, wanted, maker, mode)
        plan.short = self._wanted(price) if price else 0
        return plan

    def _finish(self, has_enough: bool) -> None:
        """What is left of a budget, once whole steps have come as near to it as they can, buys nothing deeper."""
        if has_enough and self.want.budget is not None:
            self.plan.left = 0

    def _wanted(self, price: int) -> int:
        """Steps wanted at a price."""
        if self.want.budget is None:
            return self.plan.left
        steps = self.board.grid.steps_for(self.plan.left, price)
        if self.want.side is Side.SELL:  # as near to the budget as whole steps come
            one = self.board.grid.quote(price, steps + 1) - self.plan.left
            steps += one < self.plan.left - self.board.grid.quote(price, steps)
        return steps

    def _spend(self, price: int, steps: int) -> int:
        quote = self.board.grid.quote(price, steps)
        self.plan.left = max(0, self.plan.left - (steps if self.want.budget is None else quote))
        return quote

    def _trade(self, price: int, steps: int, maker: Order | None) -> None:
        self.plan.steps.append(Step(price, steps, maker))
        self.plan.traded += steps
        self.plan.cost += self._spend(price, steps)

    def _mode(self, maker: Order) -> SelfTradePrevention | None:
        """What prevents a trade with this maker; None lets it happen."""
        mode, group = self.want.prevention, self.group_of(self.want.uid)
        if maker.account != self.want.uid and (group < 0 or self.group_of(maker.account) != group):
            return None
        if mode is SelfTradePrevention.TRANSFER and maker.prevention is not mode:
            return SelfTradePrevention.DECREMENT
        return None if mode is SelfTradePrevention.NONE else mode

    def _prevent(self, price: int, wanted: int, maker: Order, mode: SelfTradePrevention) -> None:
        plan, both = self.plan, SelfTradePrevention.EXPIRE_BOTH
        taker_loss = maker_loss = moved = 0
        if mode in (SelfTradePrevention.DECREMENT, SelfTradePrevention.TRANSFER):
            taker_loss = maker_loss = min(wanted, maker.open_quantity)
            if mode is SelfTradePrevention.TRANSFER and maker.account != self.want.uid:
                moved = taker_loss
        if mode in (SelfTradePrevention.EXPIRE_MAKER, both):
            maker_loss = maker.open_quantity
        if mode in (SelfTradePrevention.EXPIRE_TAKER, both):
            taker_loss = wanted
        if maker_loss == maker.open_quantity:
            self.gone.add(maker.id)
        plan.steps.append(Step(price, moved, maker, mode, taker_loss, maker_loss))
        plan.prevented += taker_loss
        plan.moved += moved
        quote = self._spend(price, taker_loss)
        self._finish(taker_loss == wanted)
        plan.cost += quote if moved else 0


def _at(own: int, queue: list[Order]) -> Iterator[tuple[int, Order | None]]:
    """What is offered at one price, in the order of time: the market's own, and users' slices."""
    used = 0
    slices = deque((order, order.ahead, order.visible, order.open_quantity) for order in queue)
    while slices:
        order, ahead, visible, rest = slices.popleft()
        before = min(ahead, own) - used
        if before > 0:
            used += before
            yield before, None
        yield visible, order
        rest -= visible
        if rest > 0:  # the next slice of an iceberg stands behind everything
            slices.append((order, own, min(order.iceberg or rest, rest), rest))
    if own > used:
        yield own - used, None
