"""Requests of the last minutes, counted in slots of ten seconds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cryptox.transport.tally import SLOT_S, WINDOW_S, Figures, Tally

EVENTS = st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=60)


def test_nothing_was_asked() -> None:
    assert Tally().figures(5.0) == Figures(0, 0, None)


def test_errors_and_the_last_success() -> None:
    tally = Tally()
    for now, ok in ((1.0, True), (2.0, False), (3.0, True), (4.0, False)):
        tally.note(now, ok=ok)
    assert tally.figures(5.0) == Figures(4, 2, 3.0, 1)


def test_what_is_old_is_forgotten_but_for_the_last_success() -> None:
    tally = Tally()
    tally.note(1.0, ok=True)
    assert tally.figures(WINDOW_S) == Figures(1, 0, 1.0)
    assert tally.figures(WINDOW_S + SLOT_S) == Figures(0, 0, 1.0)


@given(EVENTS)
def test_it_counts_the_window_to_a_slot(events: list[tuple[float, bool]]) -> None:
    tally, now, seen = Tally(), 0.0, []
    for step, ok in events:
        now += step
        tally.note(now, ok=ok)
        seen.append((now, ok))
    figures = tally.figures(now)
    surely = [one for one in seen if one[0] > now - WINDOW_S]
    maybe = [one for one in seen if one[0] > now - WINDOW_S - SLOT_S]
    assert len(surely) <= figures.requests <= len(maybe)
    assert sum(not ok for _, ok in surely) <= figures.errors <= sum(not ok for _, ok in maybe)
    assert figures.last_success_at == max((at for at, ok in seen if ok), default=None)
