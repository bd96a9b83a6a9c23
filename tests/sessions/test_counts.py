"""How many orders an account may place."""

from __future__ import annotations

from cryptox.sessions.counts import OrderCounts
from cryptox.transport.messages import Limit, Usage

TEN_S = Limit("ORDERS", 3, 10_000)
DAY = Limit("ORDERS", 5, 86_400_000)
NOON = 1_700_000_000_000 // 86_400_000 * 86_400_000


def test_a_window_that_is_full_has_room_at_its_end() -> None:
    counts = OrderCounts([TEN_S])
    for _ in range(3):
        assert counts.wait_ms(1, NOON + 4_000) == 0
        counts.placed(1, NOON + 4_000)
    assert counts.wait_ms(1, NOON + 4_000) == 6_000
    assert counts.wait_ms(1, NOON + 10_000) == 0


def test_a_list_needs_room_for_all_its_orders() -> None:
    counts = OrderCounts([TEN_S])
    counts.placed(1, NOON)
    assert counts.wait_ms(2, NOON) == 0
    assert counts.wait_ms(3, NOON) == 10_000


def test_the_longest_wait_of_all_windows() -> None:
    counts = OrderCounts([TEN_S, DAY])
    for at in (0, 0, 0, 10_000, 10_000):
        counts.placed(1, NOON + at)
    assert counts.wait_ms(1, NOON + 20_000) == 86_400_000 - 20_000


def test_the_exchanges_own_count_replaces_ours() -> None:
    counts = OrderCounts([TEN_S])
    counts.placed(3, NOON)
    counts.told([Usage("ORDERS", 10_000, 1), Usage("ORDERS", 60_000, 9)], NOON + 500)
    assert counts.used(NOON + 600) == ((TEN_S, 1),)
    assert counts.wait_ms(2, NOON + 600) == 0


def test_new_limits_keep_what_is_counted() -> None:
    counts = OrderCounts([TEN_S])
    counts.placed(2, NOON)
    wider = Limit("ORDERS", 10, 10_000)
    counts.learn([wider, DAY])
    assert counts.used(NOON) == ((wider, 2), (DAY, 0))


def test_without_limits_nothing_waits() -> None:
    assert OrderCounts().wait_ms(100, NOON) == 0
