"""What is true whatever users do: random orders of four accounts in a moving market."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptox.paper.refusals import Refused
from cryptox.paper.trading.accounts import Rates
from cryptox.paper.trading.reports import Execution, PositionReport
from cryptox.venues.binance.words import ExecutionType, SelfTradePrevention, Side

SIDES = st.sampled_from(["BUY", "SELL"])
UIDS = st.integers(1, 4)
MODES = st.sampled_from(list(SelfTradePrevention))
QUANTITIES = st.integers(1, 250)
PRICES = st.integers(9_990, 10_012)

LIMITS = st.tuples(
    st.just("limit"),
    UIDS,
    SIDES,
    QUANTITIES,
    PRICES,
    MODES,
    st.sampled_from(["LIMIT", "LIMIT", "ICEBERG", "IOC", "FOK", "LIMIT_MAKER"]),
)
MARKETS = st.tuples(st.just("market"), UIDS, SIDES, QUANTITIES, MODES, st.booleans())
STOPS = st.tuples(
    st.just("stop"),
    UIDS,
    SIDES,
    QUANTITIES,
    PRICES,
    st.sampled_from(["STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT", "TRAILING"]),
    st.integers(1, 8),
)
LISTS = st.tuples(
    st.just("list"), UIDS, SIDES, QUANTITIES, PRICES, st.sampled_from(["OCO", "OTO", "OTOCO", "OPO", "OPOCO"])
)
CANCELS = st.tuples(st.just("cancel"), UIDS, st.integers(0, 50))
AMENDS = st.tuples(st.just("amend"), UIDS, st.integers(0, 50), st.integers(1, 200))
LOCKS = st.tuples(st.just("lock"), UIDS, st.sampled_from(["USDT", "BTC"]), st.integers(-(10**7), 3 * 10**7))
RESTARTS = st.just(("restart",))
TIMES = st.tuples(st.just("time"), st.integers(1, 400))
ACTS = st.lists(st.one_of(LIMITS, LIMITS, MARKETS, STOPS, LISTS, CANCELS, AMENDS, LOCKS, TIMES, RESTARTS), max_size=40)
TAPE = st.lists(st.tuples(st.integers(1, 5000), PRICES, st.integers(1, 120), st.booleans()), max_size=40)
BOOKS = st.lists(st.tuples(st.integers(1, 50), st.integers(9_994, 10_008), st.integers(1, 90)), max_size=12)


def pair(scene: Any, side: str, quantity: int, price: int, away: int = 6) -> tuple[Any, Any]:
    low, high = price - away, price + away
    if side == "SELL":
        stop = scene.ticket(side, "STOP_LOSS_LIMIT", quantity, low - 2, stop=low)
        return scene.ticket(side, "LIMIT_MAKER", quantity, high), stop
    return scene.ticket(side, "STOP_LOSS", quantity, stop=high), scene.ticket(side, "LIMIT_MAKER", quantity, low)


def act(scene: Any, what: str, *rest: Any) -> None:
    if what == "time":
        scene.now_us += rest[0] * 10_000
        scene.engine.advance(scene.now_us)
        return
    if what == "restart":
        scene.restart()
        return
    uid = rest[0]
    if what in ("cancel", "amend"):
        mine = scene.records.open_orders(uid)
        if mine and what == "cancel":
            scene.cancel(mine[rest[1] % len(mine)])
        elif mine:
            scene.engine.amend(mine[rest[1] % len(mine)], rest[2], "", scene.now_us)
    elif what == "lock":
        scene.engine.lock(scene.accounts[uid], *rest[1:], scene.now_us)
    elif what == "limit":
        _, side, quantity, price, mode, kind = rest
        more: dict[str, Any] = {"prevention": mode}
        if kind in ("IOC", "FOK"):
            more["time_in_force"] = kind
        if kind == "ICEBERG":
            more["iceberg"] = max(1, quantity // 4)
        scene.place(uid, side, "LIMIT_MAKER" if kind == "LIMIT_MAKER" else "LIMIT", quantity, price, **more)
    elif what == "market":
        _, side, quantity, mode, by_quote = rest
        if by_quote:
            scene.place(uid, side, "MARKET", quote_quantity=quantity * 99_990, prevention=mode)
        else:
            scene.place(uid, side, "MARKET", quantity, prevention=mode)
    elif what == "stop":
        _, side, quantity, price, kind, away = rest
        if kind == "TRAILING":
            scene.place(uid, side, "STOP_LOSS_LIMIT", quantity, price, trailing_delta=away)
        else:
            limit = price + (away if side == "BUY" else -away) if kind.endswith("LIMIT") else 0
            scene.place(uid, side, kind, quantity, limit, stop=price)
    else:
        _, side, quantity, price, kind = rest
        other = "SELL" if side == "BUY" else "BUY"
        if kind == "OCO":
            scene.place_list(uid, *pair(scene, side, quantity, scene.engine.last_price("BTCUSDT", scene.now_us)))
            return
        bought = kind.startswith("OPO")
        side, other = ("BUY", "SELL") if bought else (side, other)
        working = scene.ticket(side, "LIMIT", quantity, price)
        pending = 0 if bought else quantity
        legs = (scene.ticket(other, "LIMIT", pending, price),)
        if kind.endswith("CO"):
            legs = pair(scene, other, pending, price)
        scene.place_list(uid, *legs, working=working, takes_bought=bought)


def made(scenes: Any, tape: Any, books: Any, rates: Rates) -> Any:
    scene = scenes(rates=rates)
    for after, price, quantity, sold in sorted(tape):
        scene.market.then(after, price, quantity, sold=sold)
    for tick, middle, quantity in sorted(books):
        bids = [(middle - 1 - n, quantity + n) for n in range(8)]
        scene.market.book(tick * 100, bids, [(middle + 1 + n, quantity + n) for n in range(8)])
    scene.accounts[2].takes_discount = True
    for account in scene.accounts.values():
        account.balance("USDT").free = 4 * 10**7
        account.balance("BTC").free = 4 * 10**5
        account.balance("BNB").free = 10**3
    return scene


def check_priority(scene: Any) -> None:
    """Of resting orders at one price none has been filled as a maker while an older one was not done."""
    board = scene.engine._boards.get("BTCUSDT")
    if board is None:
        return
    for resting in (board.bids, board.asks):
        for price in resting.prices():
            queue = list(resting.queue(price))
            assert [order.ahead for order in queue] == sorted(order.ahead for order in queue)
            for order in queue[1:]:
                if not order.iceberg and not any(one.iceberg for one in queue):
                    assert not any(fill.is_maker for fill in scene.fills(order))


def check_trades(scene: Any, totals: dict[tuple[int, str], int]) -> None:
    """Prints and fills are the same trades; what came and went by fills and transfers is what there is."""
    by_id: dict[int, list[Any]] = defaultdict(list)
    worth = dict(totals)
    for uid in scene.accounts:
        for fill in scene.records.fills_of(uid, "BTCUSDT"):
            by_id[fill.trade_id].append(fill)
            sign = 1 if fill.side is Side.BUY else -1
            worth[uid, "BTC"] += sign * fill.quantity * 1000
            worth[uid, "USDT"] -= sign * fill.quote
            worth[uid, fill.commission_asset] -= fill.commission
        for match in scene.records.prevented_of(uid, "BTCUSDT"):
            maker = scene.records.order("BTCUSDT", match.maker_order_id)
            taker = scene.records.order("BTCUSDT", match.taker_order_id)
            if match.mode is SelfTradePrevention.TRANSFER and maker.account != taker.account:
                order = maker if maker.account == uid else taker
                sign = 1 if order.side is Side.BUY else -1
                worth[uid, "BTC"] += sign * match.maker_quantity * 1000
                worth[uid, "USDT"] -= sign * match.maker_quantity * match.price * 10
    prints = scene.engine.prints.of("BTCUSDT")
    assert sorted(by_id) == [one.before + number for number, one in enumerate(prints)]
    for number, printed in zip(sorted(by_id), prints, strict=True):
        fills = by_id[number]
        assert 1 <= len(fills) <= 2
        assert {fill.quantity for fill in fills} == {printed.quantity}
        assert {fill.price for fill in fills} == {printed.price}
        if len(fills) == 2:
            assert {fill.side for fill in fills} == {Side.BUY, Side.SELL}
            assert fills[0].quote == fills[1].quote
            assert fills[0].is_maker != fills[1].is_maker
        assert all(fill.is_maker == ((fill.side is Side.BUY) == printed.buyer_is_maker) for fill in fills)
    for (uid, asset), atoms in worth.items():
        assert atoms == sum(scene.balance(uid, asset)), (uid, asset)


def check_story(scene: Any, reports: list[Any], totals: dict[tuple[int, str], tuple[int, int]]) -> None:
    """Replayed, the reports end where the records are."""
    balances, newest = dict(totals), {}
    executed: dict[int, int] = defaultdict(int)
    ids = [one.id for one in reports if isinstance(one, Execution)]
    assert ids == list(range(1, len(ids) + 1))
    for one in reports:
        if isinstance(one, PositionReport):
            for asset, free, locked in one.balances:
                balances[one.account, asset] = (free, locked)
        elif isinstance(one, Execution):
            seen = newest.get(one.order.id)
            assert seen is None or seen.is_open  # nothing happens to an order after its end
            assert (one.kind is ExecutionType.TRADE) == (one.fill is not None)
            executed[one.order.id] += one.fill.quantity if one.fill else 0
            assert executed[one.order.id] == one.order.executed
            newest[one.order.id] = one.order
    for order in scene.records.all_orders():
        told = newest[order.id]
        for name in ("status", "executed", "quote", "prevented", "working_us", "expiry_reason", "client_id"):
            assert getattr(told, name) == getattr(order, name), name
    for (uid, asset), pair_ in balances.items():
        assert scene.balance(uid, asset) == pair_


@settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(acts=ACTS, tape=TAPE, books=BOOKS, maker=st.sampled_from([0, 75_000]))
def test_always(scenes, acts, tape, books, maker):
    scene = made(scenes, tape, books, Rates(maker, 2 * maker))
    before = {(uid, asset): scene.balance(uid, asset) for uid in scene.accounts for asset in ("USDT", "BTC", "BNB")}
    reports: list[Any] = []
    for one in acts:
        try:
            act(scene, *one)
        except Refused as refusal:
            assert int(refusal.code) in (-2010, -2011, -2038)  # noqa: PT017
        reports += scene.reports()
        scene.check()
        check_priority(scene)
    check_trades(scene, {key: sum(pair_) for key, pair_ in before.items()})
    check_story(scene, reports + scene.reports(), before)
    for uid in scene.accounts:
        for order in scene.records.open_orders(uid):
            if order.is_open:
                scene.cancel(order)
        outside = scene.accounts[uid].external
        assert all(one.locked == outside.get(asset, 0) for asset, one in scene.accounts[uid].balances.items())
    assert not any(board.is_watched for board in scene.engine._boards.values())
