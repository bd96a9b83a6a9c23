"""The queue of a reader: bounded, the oldest go, and they are counted."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cryptox.sessions.live.queue import Queue
from cryptox.sessions.live.rows import Records


def rows(*numbers: int) -> Any:
    events: Any = list(numbers)
    return Records(events)


def queue(bound: int = 10) -> tuple[Queue, list[int]]:
    woken: list[int] = []
    return Queue(bound, lambda: woken.append(1)), woken


def test_events_come_out_in_order() -> None:
    made, woken = queue()
    made.put(rows(1, 2, 3))
    made.put(rows(4))
    assert made.take(2) == [1, 2]
    assert made.take() == [3, 4]
    assert made.take() == []
    assert len(woken) == 1


def test_the_oldest_are_dropped_and_counted() -> None:
    made, _ = queue(bound=4)
    made.put(rows(1, 2, 3))
    made.put(rows(4, 5, 6))
    assert (len(made), made.dropped) == (4, 2)
    assert made.take() == [3, 4, 5, 6]


def test_of_a_piece_that_is_too_large_the_newest_stay() -> None:
    made, _ = queue(bound=2)
    made.put(rows(*range(7)))
    assert made.take() == [5, 6]
    assert made.dropped == 5


def test_a_closed_queue_takes_nothing_and_wakes_its_reader() -> None:
    made, woken = queue()
    made.put(rows(1))
    made.close()
    made.put(rows(2))
    assert made.take() == []
    assert len(woken) == 2


@given(st.lists(st.one_of(st.integers(1, 6), st.integers(-6, -1)), max_size=40), st.integers(1, 12))
def test_it_is_a_list_that_forgets_its_head(steps: list[int], bound: int) -> None:
    made, _ = queue(bound)
    model: list[int] = []
    number = dropped = 0
    for step in steps:
        if step > 0:
            made.put(rows(*range(number, number + step)))
            model += range(number, number + step)
            number += step
            dropped += max(0, len(model) - bound)
            model = model[-bound:]
        else:
            assert made.take(-step) == model[:-step]
            model = model[-step:]
        assert (len(made), made.dropped) == (len(model), dropped)
