"""The blotter: whatever is told of an order, in whatever order and however often, the end is what is true."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptox.model.account import Balance
from cryptox.model.orders import Fill, Order
from cryptox.sessions.blotter import Blotter, Refused

D = Decimal


BTC: dict[str, Any] = {"symbol": "BTCUSDT", "order_id": 5, "side": "buy"}


def order(**values: Any) -> Order:
    ours = {"client_order_id": "a", "type": "LIMIT", "status": "new", "price": D(100), "quantity": D(10)}
    return Order(**{**BTC, **ours, "time_in_force": "GTC", "time_ms": 1_000, "updated_ms": 1_000, **values})


def fill(number: int, quantity: str = "1", **values: Any) -> Fill:
    amounts = {"price": D(100), "quantity": D(quantity), "quote_quantity": D(quantity) * 100, "fee": D("0.001")}
    rest = {"id": number, "time_ms": 1_000 + number, "fee_asset": "BTC", "maker": True}
    return Fill(**{**BTC, **amounts, **rest, **values})


@st.composite
def histories(draw: st.DrawFn) -> list[Order]:
    """The true states of one order, first to last; fills are those of each step."""
    now = 1_000
    state = order(status=draw(st.sampled_from(["new", "pending_new"])), working_ms=None, is_working=False)
    states = [state]
    trade = 0
    if state.status == "pending_new" or draw(st.booleans()):
        now += draw(st.integers(0, 2))
        state = state.changed(status="new", working_ms=now, is_working=True, updated_ms=now)
        states.append(state)
    steps = draw(st.lists(st.sampled_from(["fill", "amend", "prevent"]), max_size=6))
    for number, step in enumerate(steps):
        room = state.remaining
        assert room is not None
        assert state.quantity is not None
        assert state.quote_filled is not None
        if room <= 1:
            break
        now += draw(st.integers(0, 2))
        if step == "fill":
            trade += 1
            part = D(draw(st.integers(1, int(room) - 1)))
            state = state.changed(
                filled=state.filled + part,
                quote_filled=state.quote_filled + part * 100,
                status="partially_filled",
                fills=(fill(trade, str(part), time_ms=now),),
            )
        elif step == "prevent":
            state = state.changed(prevented=state.prevented + 1, fills=())
        else:
            state = state.changed(quantity=state.quantity - 1, client_order_id=f"amended-{number}", fills=())
        state = state.changed(updated_ms=now)
        states.append(state)
    end = draw(st.sampled_from([None, "filled", "canceled", "expired", "expired_in_match"]))
    if end is not None:
        now += draw(st.integers(0, 2))
        room = state.remaining
        assert room is not None
        assert state.quote_filled is not None
        last: dict[str, Any] = {"status": end, "updated_ms": now, "fills": ()}
        if end == "filled":
            last |= {"filled": state.filled + room, "quote_filled": state.quote_filled + room * 100}
            last["fills"] = (fill(trade + 1, str(room), time_ms=now),)
        elif end == "expired":
            last["expiry_reason"] = "OCO_TRIGGER"
        states.append(state.changed(**last))
    return states


def as_event(state: Order) -> Order:
    """As a report tells it: what prevention took is not in most of them."""
    return state.changed(prevented=D(0))


def as_query(state: Order) -> Order:
    """As a query tells it: without fills, and without why it expired."""
    return state.changed(fills=(), expiry_reason=None)


def as_cancel(state: Order) -> Order:
    """As the answer to a cancel or an amend tells it."""
    return state.changed(fills=(), time_ms=None, working_ms=None, is_working=None, expiry_reason=None)


TELLINGS = [as_event, as_query, as_cancel]


@st.composite
def tellings(draw: st.DrawFn) -> tuple[list[Order], list[Order]]:
    """A true history, and all of its events once or more with any answers between, in any order."""
    states = draw(histories())
    told = [as_event(state) for state in states]
    told.append(as_query(states[-1]))  # prevention is told by a query, if by nothing else
    more = draw(st.lists(st.tuples(st.sampled_from(states), st.sampled_from(TELLINGS)), max_size=8))
    told += [way(state) for state, way in more]
    return states, draw(st.permutations(told))


def advance(one: Order | None) -> tuple[Any, ...]:
    if one is None:
        return (-1,)
    assert one.quantity is not None
    return (2 if one.is_final else 0 if one.status == "pending_new" else 1, one.filled, -one.quantity, one.prevented)


@settings(max_examples=500, deadline=None)
@given(tellings())
def test_any_order_of_telling_ends_with_the_truth(case: tuple[list[Order], list[Order]]) -> None:
    states, told = case
    seen: list[Refused] = []
    blotter = Blotter(seen.append)
    former = advance(None)
    for one in told:
        blotter.apply_order(one)
        now = advance(blotter.order("BTCUSDT", 5))
        assert all(new >= old for new, old in zip(now, former, strict=False)), (former, now)
        former = now
    known = blotter.order("BTCUSDT", 5)
    assert known == states[-1]  # every column of it
    fills = [one for state in states for one in state.fills]
    assert list(known.fills) == sorted(fills, key=lambda one: (one.time_ms, one.id)) == blotter.fills()
    assert blotter.short_of_fills() == []
    assert (seen, blotter.refused) == ([], 0)
    assert blotter.open_orders() == ([states[-1]] if states[-1].is_active else [])
    assert blotter.by_client_id("BTCUSDT", states[-1].client_order_id) == states[-1]
    assert blotter.by_client_id("BTCUSDT", "a") == states[-1]  # as it was called before it was amended
    assert not any(blotter.apply_order(one) for one in told)  # told again: nothing new


@settings(max_examples=200, deadline=None)
@given(tellings(), st.data())
def test_a_part_of_the_telling_ends_with_the_furthest_told(case: tuple[list[Order], list[Order]], data: Any) -> None:
    _, told = case
    some = data.draw(st.lists(st.sampled_from(told), min_size=1))
    blotter = Blotter()
    for one in some:
        blotter.apply_order(one)
    known = blotter.order("BTCUSDT", 5)
    assert known is not None
    furthest = max(some, key=lambda one: advance(one)[:3])
    assert advance(known)[:3] == advance(furthest)[:3]
    assert (known.status, known.client_order_id) == (furthest.status, furthest.client_order_id)
    assert blotter.refused == 0


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (order(status="canceled", filled=D(1)), order(status="partially_filled", filled=D(2))),
        (order(status="partially_filled", filled=D(2)), order(status="canceled", filled=D(1))),
        (order(status="canceled"), order(status="expired")),
        (order(status="filled", filled=D(10)), order(status="canceled", filled=D(10))),
        (order(status="filled", filled=D(9)), order(status="filled", filled=D(10))),
        (order(quantity=D(5)), order(status="partially_filled", filled=D(1))),  # an amend that was taken back
        (order(status="pending_new", filled=D(1)), order(status="new")),
        (order(), order(side="sell")),
        (order(), order(type="LIMIT_MAKER")),
    ],
)
def test_what_is_impossible_is_refused_and_told(known: Order, told: Order) -> None:
    seen: list[Refused] = []
    blotter = Blotter(seen.append)
    assert blotter.apply_order(known)
    assert not blotter.apply_order(told)
    assert blotter.order("BTCUSDT", 5) == known
    assert blotter.refused == 1
    assert [one.order for one in seen] == [told]
    assert seen[0].why


def test_an_id_is_unique_within_its_symbol_only() -> None:
    blotter = Blotter()
    blotter.apply_order(order(fills=(fill(1),), filled=D(1), status="partially_filled"))
    blotter.apply_order(order(symbol="ETHUSDT", side="sell", fills=(fill(1, symbol="ETHUSDT"),)))
    assert [one.symbol for one in blotter.open_orders()] == ["BTCUSDT", "ETHUSDT"]
    assert [one.side for one in blotter.open_orders("ETHUSDT")] == ["sell"]
    assert len(blotter.fills()) == 2
    assert [one.symbol for one in blotter.fills("ETHUSDT")] == ["ETHUSDT"]
    assert blotter.fills("BTCUSDT", 6) == []


@given(st.permutations([
    order(order_id=5, status="filled", filled=D(10), updated_ms=1_001),
    order(order_id=5),
    order(order_id=7, time_ms=1_002, updated_ms=1_002),
    order(order_id=3, client_order_id="b"),
    order(order_id=3, quantity=D(9), updated_ms=1_001),  # amended, and called "a" now
]))  # fmt: skip
def test_a_client_id_means_the_newest_order(told: list[Order]) -> None:
    blotter = Blotter()
    for one in told:
        blotter.apply_order(one)
    found = blotter.by_client_id("BTCUSDT", "a")
    assert found is not None
    assert found.order_id == 7
    former = blotter.by_client_id("BTCUSDT", "b")
    assert former is not None
    assert (former.order_id, former.client_order_id) == (3, "a")
    assert blotter.by_client_id("BTCUSDT", "c") is None
    assert blotter.by_client_id("ETHUSDT", "a") is None


def test_the_one_that_has_the_name_goes_before_one_that_had_it() -> None:
    blotter = Blotter()
    blotter.apply_order(order(order_id=7))
    blotter.apply_order(order(order_id=7, client_order_id="b", quantity=D(9)))
    blotter.apply_order(order(order_id=3))
    found = blotter.by_client_id("BTCUSDT", "a")
    assert found is not None
    assert found.order_id == 3


def test_a_market_order_for_an_amount_may_grow() -> None:
    blotter = Blotter()
    market = {"type": "MARKET", "price": None, "quote_quantity": D(500), "time_in_force": None}
    blotter.apply_order(order(quantity=D(4), **market))
    done = order(quantity=D(5), filled=D(5), status="filled", **market)
    assert blotter.apply_order(done)
    assert not blotter.apply_order(order(quantity=D(4), **market))
    assert blotter.order("BTCUSDT", 5) == done
    assert blotter.refused == 0


def test_a_quantity_that_was_not_known_becomes_known() -> None:
    blotter = Blotter()
    blotter.apply_order(order(status="pending_new", quantity=None))
    assert blotter.apply_order(order(quantity=D(3), updated_ms=1_005))
    assert not blotter.apply_order(order(status="pending_new", quantity=None))
    found = blotter.order("BTCUSDT", 5)
    assert found is not None
    assert (found.quantity, found.status) == (D(3), "new")


def test_an_amount_that_is_not_told_is_taken_of_the_same_state_only() -> None:
    blotter = Blotter()
    blotter.apply_order(order(status="partially_filled", filled=D(1), quote_filled=D(100)))
    blotter.apply_order(order(status="partially_filled", filled=D(2), quote_filled=None))
    found = blotter.order("BTCUSDT", 5)
    assert found is not None
    assert found.quote_filled is None
    assert blotter.apply_order(order(status="partially_filled", filled=D(2), quote_filled=D(200)))
    found = blotter.order("BTCUSDT", 5)
    assert found is not None
    assert found.quote_filled == D(200)


def test_a_fill_counts_once_and_those_without_a_number_by_what_they_say() -> None:
    blotter = Blotter()
    assert blotter.apply_fill(fill(1))
    assert not blotter.apply_fill(fill(1, fee=D(0)))
    assert blotter.apply_fill(fill(-1, "2"))
    assert not blotter.apply_fill(fill(-1, "2"))
    assert blotter.apply_fill(fill(-1, "3"))
    assert sorted(one.quantity for one in blotter.fills()) == [1, 2, 3]


def test_fills_that_are_missing_are_known_to_be_missing() -> None:
    blotter = Blotter()
    half = order(status="partially_filled", filled=D(3), fills=(fill(1),))
    blotter.apply_order(half)
    assert blotter.short_of_fills() == [half]
    assert blotter.apply_fill(fill(2, "2"))
    assert blotter.short_of_fills() == []


def test_a_trade_with_oneself_is_an_execution_of_either_order() -> None:
    blotter = Blotter()
    for number, side in ((5, "buy"), (6, "sell")):
        done = order(order_id=number, client_order_id=side, side=side, status="filled", filled=D(10))
        one = fill(1, "10", order_id=number, side=side)
        assert blotter.apply_order(done.changed(fills=(one,)))
        assert blotter.knows_fill(one)
        assert blotter.order("BTCUSDT", number) == done.changed(fills=(one,))
    assert blotter.short_of_fills() == []
    assert [one.side for one in sorted(blotter.fills(), key=lambda one: one.order_id)] == ["buy", "sell"]


def test_an_order_whose_fills_make_room_goes_with_them() -> None:
    blotter = Blotter(most_fills=3)
    done = [
        order(order_id=number, client_order_id=str(number), status="filled", filled=D(2)).changed(
            fills=tuple(fill(10 * number + n, order_id=number) for n in (1, 2))
        )
        for number in (1, 2)
    ]
    for one in done:
        assert blotter.apply_order(one)
    assert [one.order_id for one in blotter.orders()] == [2]
    assert blotter.short_of_fills() == []  # what was forgotten is not asked for
    assert not blotter.apply_order(done[1])


def test_fills_of_an_open_order_that_are_too_many_still_count() -> None:
    blotter = Blotter(most_fills=2)
    for number in range(1, 5):
        told = order(status="partially_filled", filled=D(number), updated_ms=1_000 + number)
        assert blotter.apply_order(told.changed(fills=(fill(number),)))
    assert [one.id for one in blotter.fills()] == [3, 4]
    assert blotter.short_of_fills() == []
    for number in range(1, 5):
        assert not blotter.apply_fill(fill(number))  # told again, after they had to be forgotten
    assert blotter.apply_order(order(status="filled", filled=D(10), updated_ms=2_000))
    assert blotter.is_short("BTCUSDT", 5)
    assert not blotter.apply_fill(fill(1))
    assert blotter.apply_fill(fill(5, "6"))
    assert not blotter.is_short("BTCUSDT", 5)


def test_an_exchange_that_began_again_gives_ids_out_anew() -> None:
    old = order(status="filled", filled=D(10), fills=(fill(1, "10"),), updated_ms=2_000)
    new = order(client_order_id="new", time_ms=500_000, updated_ms=500_000)
    for told in ([old, new], [new, old]):
        blotter = Blotter()
        for one in told:
            blotter.apply_order(one)
        assert blotter.order("BTCUSDT", 5) == new
        assert blotter.open_orders() == [new]
        assert blotter.refused == 0
        assert blotter.by_client_id("BTCUSDT", "a") is None
        assert blotter.fills() == []


def test_forgotten_orders_leave_nothing() -> None:
    blotter = Blotter()
    blotter.apply_order(order(fills=(fill(1),), filled=D(1)))
    assert blotter.forget("BTCUSDT", 5) == order(filled=D(1))
    assert blotter.forget("BTCUSDT", 5) is None
    assert (blotter.orders(), blotter.fills(), blotter.by_client_id("BTCUSDT", "a")) == ([], [], None)


def test_orders_are_found_by_ids_lists_and_whether_they_have_ended() -> None:
    blotter = Blotter()
    for number, status in ((5, "new"), (6, "canceled"), (7, "pending_new"), (8, "filled")):
        legs = {"order_list_id": 3} if number > 6 else {}
        blotter.apply_order(order(order_id=number, client_order_id=f"c{number}", status=status, **legs))
    blotter.apply_order(order(order_id=9, client_order_id="c9", symbol="ETHUSDT", order_list_id=3))
    assert blotter.numbers("BTCUSDT") == ({5, 7}, {6, 8})
    assert blotter.numbers("LTCUSDT") == (frozenset(), frozenset())
    assert sorted(one.order_id for one in blotter.of_list("BTCUSDT", 3)) == [7, 8]
    for named in ((6, None), (None, "c6"), (6, "c5")):
        found = blotter.named("BTCUSDT", *named)
        assert found is not None
        assert found.order_id == 6
    assert blotter.named("BTCUSDT", None, None) is None


def test_memory_is_bounded_and_open_orders_are_kept() -> None:
    blotter = Blotter(most_final=3, most_fills=4)
    blotter.apply_order(order(order_id=1))
    for number in range(2, 10):
        done = order(order_id=number, client_order_id=str(number), status="filled", filled=D(10))
        blotter.apply_order(done.changed(fills=(fill(number, "10", order_id=number),)))
    assert [one.order_id for one in blotter.orders()] == [1, 7, 8, 9]
    assert [one.id for one in blotter.fills()] == [7, 8, 9]
    assert blotter.by_client_id("BTCUSDT", "3") is None
    for number in range(20, 30):
        blotter.apply_fill(fill(number, order_id=1))
    assert [one.id for one in blotter.fills()] == [26, 27, 28, 29]


def balance(asset: str, free: str, locked: str = "0") -> Balance:
    return Balance(asset=asset, free=D(free), locked=D(locked))


@given(st.permutations([(1, "5"), (2, "4"), (3, "6"), (3, "6"), (1, "5")]))
def test_the_newest_balance_counts(told: list[tuple[int, str]]) -> None:
    blotter = Blotter()
    for updated, free in told:
        blotter.apply_balance(balance("BTC", free), updated)
    assert blotter.balances() == {"BTC": balance("BTC", "6")}


def test_a_balance_says_whether_it_is_news() -> None:
    blotter = Blotter()
    assert blotter.apply_balance(balance("BTC", "5"), 10)
    assert not blotter.apply_balance(balance("BTC", "5"), 11)
    assert not blotter.apply_balance(balance("BTC", "7"), 10)  # older than what is known
    assert blotter.apply_balance(balance("BTC", "7"), 11)  # told last
    assert blotter.balances()["BTC"].total == 7


def test_what_an_account_does_not_tell_is_zero_unless_something_newer_is_known() -> None:
    blotter = Blotter()
    blotter.apply_balance(balance("BTC", "5"), 10)
    blotter.apply_balance(balance("ETH", "5"), 30)
    assert blotter.apply_balances([balance("USDT", "1")], 20)
    assert blotter.balances() == {"BTC": balance("BTC", "0"), "ETH": balance("ETH", "5"), "USDT": balance("USDT", "1")}


def test_of_equal_states_the_one_told_of_later_counts() -> None:
    blotter = Blotter()
    pegged = order(price=D(101), updated_ms=1_005)
    blotter.apply_order(pegged)
    assert not blotter.apply_order(order(price=D(100), updated_ms=1_004))
    assert blotter.order("BTCUSDT", 5) == pegged
    assert blotter.apply_order(order(price=D(102), updated_ms=1_006))
    found = blotter.order("BTCUSDT", 5)
    assert found is not None
    assert (found.price, found.updated_ms) == (D(102), 1_006)


def test_the_time_of_the_last_change_never_goes_back() -> None:
    blotter = Blotter()
    blotter.apply_order(order(updated_ms=1_005))
    blotter.apply_order(order(status="partially_filled", filled=D(1), updated_ms=1_003))
    found = blotter.order("BTCUSDT", 5)
    assert found is not None
    assert (found.filled, found.updated_ms) == (D(1), 1_005)


def test_an_account_that_is_told_to_the_millisecond_counts_before_what_was_known_of_that_millisecond() -> None:
    blotter = Blotter()
    for asset in ("BTC", "ETH", "BNB"):
        blotter.apply_balance(balance(asset, "5"), 10_400)
    blotter.apply_balance(balance("BNB", "5"), 11_000)
    told = [balance(asset, "6") for asset in ("BTC", "ETH", "BNB")]
    assert blotter.apply_balances(told, 10_000, within=1_000, newer={"ETH"})
    assert [one.free for one in blotter.balances().values()] == [5, 6, 5]  # BNB, BTC, ETH
    assert blotter.apply_balance(balance("BTC", "7"), 10_300)  # within that millisecond, and told afterwards


@given(tellings())
def test_what_is_known_of_fills_is_kept_in_step(case: tuple[list[Order], list[Order]]) -> None:
    _, told = case
    blotter = Blotter(most_fills=2)
    counted: dict[int, Decimal] = {}
    for one in told:
        blotter.apply_order(one)
        for known in blotter.orders():
            fills = blotter.fills(known.symbol, known.order_id)
            assert len(fills) <= 2
            assert all(blotter.knows_fill(fill) for fill in fills)
            counted |= {fill.id: fill.quantity for fill in one.fills}
            assert blotter.is_short("BTCUSDT", 5) == (sum(counted.values()) < known.filled)
