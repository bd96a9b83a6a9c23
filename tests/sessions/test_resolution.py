"""What proves that a request was not carried out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.sessions.resolution import (
    APART_S,
    COMPANY_S,
    LATER_S,
    LONGEST_COMPANY_S,
    LONGEST_S,
    MOST_LOOKS,
    PAUSES_S,
    SETTLED_MS,
    SOON_S,
    Resolution,
)

SENT_MS = 1_700_000_000_000.0
WINDOW_MS = 2_000.0


def steady() -> Resolution:
    return Resolution(SENT_MS + WINDOW_MS, 100.0, sent_at=100.0, steady=True, window_ms=WINDOW_MS)


def test_two_queries_after_the_moment_prove_it() -> None:
    asked = steady()
    asked.told_time(SENT_MS + WINDOW_MS + SETTLED_MS + 1, 112.0)
    assert not asked.wants_time
    asked.found_nothing(112.1, 112.1, time_was_over=True)
    assert not asked.proven
    asked.found_nothing(112.1 + APART_S, 112.2 + APART_S, time_was_over=True)
    assert asked.proven


def test_two_queries_within_a_second_prove_nothing() -> None:
    asked = steady()
    asked.told_time(SENT_MS + WINDOW_MS + SETTLED_MS + 1, 112.0)
    asked.found_nothing(112.1, 112.1, time_was_over=True)
    asked.found_nothing(113.0, 113.0, time_was_over=True)
    assert not asked.proven


def test_the_moment_itself_is_not_past() -> None:
    asked = steady()
    asked.told_time(SENT_MS + WINDOW_MS + SETTLED_MS, 112.0)
    assert asked.wants_time


def test_queries_before_the_moment_count_for_nothing() -> None:
    asked = steady()
    for at in (100.0, 102.0, 104.0):
        asked.found_nothing(at, at, time_was_over=False)
    asked.told_time(SENT_MS + WINDOW_MS + SETTLED_MS + 1, 112.0)
    asked.found_nothing(112.0, 112.0, time_was_over=True)
    assert not asked.proven


def test_failed_queries_count_for_nothing() -> None:
    asked = steady()
    asked.told_time(SENT_MS + WINDOW_MS + SETTLED_MS + 1, 112.0)
    asked.found_nothing(112.0, 112.0, time_was_over=True)
    for _ in range(5):
        asked.could_not_ask()
    assert not asked.proven


def test_a_market_that_stands_is_judged_by_real_seconds() -> None:
    asked = Resolution(SENT_MS + WINDOW_MS, 100.0, sent_at=100.0, steady=False, window_ms=WINDOW_MS)
    asked.told_time(SENT_MS + 10**9, 105.0)  # a market may race: its time says nothing
    assert asked.wants_time
    asked.told_time(SENT_MS, 112.001)
    assert not asked.wants_time


def test_a_clock_set_forward_proves_nothing_by_itself() -> None:
    asked = steady()
    asked.told_time(SENT_MS + 10**9, 105.0)  # what was accepted at 101 may be inside the exchange until 111
    assert asked.wants_time
    asked.told_time(SENT_MS + 10**9, 112.0)
    assert not asked.wants_time


def test_what_a_dead_process_sent_is_judged_by_exchange_time_alone() -> None:
    asked = Resolution(SENT_MS + WINDOW_MS, 100.0, sent_at=None, steady=True, window_ms=WINDOW_MS)
    asked.told_time(SENT_MS + WINDOW_MS + SETTLED_MS + 1, 100.1)
    assert not asked.wants_time
    standing = Resolution(SENT_MS + WINDOW_MS, 100.0, sent_at=None, steady=False, window_ms=WINDOW_MS)
    standing.told_time(SENT_MS, 111.9)
    assert standing.wants_time


def test_after_the_moment_failed_queries_are_spaced_as_any_other() -> None:
    asked = steady()
    asked.told_time(SENT_MS + WINDOW_MS + SETTLED_MS + 1, 112.0)
    asked.found_nothing(112.0, 112.0, time_was_over=True)
    for _ in range(6):
        asked.could_not_ask()
    assert asked.pause_s(200.0, None) == SOON_S
    assert asked.pause_s(300.0, None) == LATER_S
    asked.found_nothing(300.0, 300.0, time_was_over=True)
    assert asked.proven
    assert asked.pause_s(300.0, None) == LATER_S


def test_a_query_may_take_longer_after_each_that_failed() -> None:
    asked = steady()
    took = []
    for _ in range(7):
        took.append(asked.look_s)
        asked.could_not_ask()
    assert took[::3] == [2.0, 2.5, 3.125]
    assert took == sorted(took)
    asked.found_nothing(110.0, 110.0, time_was_over=False)
    assert asked.look_s == 2.0


def test_pauses_grow_and_hit_the_moment() -> None:
    asked = steady()
    pauses = []
    for _ in range(8):
        pauses.append(asked.pause_s(100.0, SENT_MS))
        asked.could_not_ask()
    assert pauses == [*PAUSES_S, LONGEST_S, LONGEST_S]
    # one second before the moment, at it, and where nobody knows the exchange's time
    assert asked.pause_s(111.0, SENT_MS + 11_000) == pytest.approx(1.05)
    assert asked.pause_s(102.0, SENT_MS + 11_000) == LONGEST_S
    assert asked.pause_s(112.0, SENT_MS + WINDOW_MS + SETTLED_MS) == LONGEST_S
    assert asked.pause_s(111.0, None) == LONGEST_S
    assert asked.pause_s(400.0, SENT_MS + 300_000) == LATER_S


def test_a_query_that_takes_long_gets_company_while_somebody_waits() -> None:
    asked = steady()
    asked.begins(100.0)
    assert asked.pause_s(100.1, None, under_way=1, company=False) is None
    assert asked.pause_s(100.1, None, under_way=1, company=True) == pytest.approx(COMPANY_S - 0.1)
    asked.begins(100.0 + COMPANY_S)
    assert asked.pause_s(103.0, None, under_way=2, company=True) == 0.0
    assert asked.pause_s(103.0, None, under_way=MOST_LOOKS, company=True) is None


def test_company_comes_more_slowly_the_more_is_lost() -> None:
    asked, pauses = steady(), []
    for _ in range(8):
        asked.could_not_ask()
        asked.begins(100.0)
        pauses.append(asked.pause_s(100.0, None, under_way=2, company=True))
    assert pauses[0] == COMPANY_S * 1.25
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_COMPANY_S


def test_an_answer_ends_the_haste() -> None:
    """Others that are under way are no reason to ask: one has found nothing, and the next comes in its time."""
    asked = steady()
    asked.begins(100.0)
    asked.begins(101.0)
    asked.found_nothing(101.0, 101.1, time_was_over=False)
    assert asked.pause_s(101.1, SENT_MS, under_way=1, company=True) == 0.2


@pytest.mark.parametrize("reverse", [False, True])
def test_two_queries_at_the_same_time_prove_nothing(reverse: bool) -> None:
    """The one that began first may have been worked on last."""
    asked = steady()
    asked.told_time(SENT_MS + WINDOW_MS + SETTLED_MS + 1, 112.0)
    both = [(112.0, 114.0), (112.0 + APART_S, 113.5)]
    for began, answered in reversed(both) if reverse else both:
        asked.found_nothing(began, answered, time_was_over=True)
    assert not asked.proven
    assert asked.pause_s(114.0, None) == 0.0
    asked.found_nothing(114.0, 114.1, time_was_over=True)
    assert asked.proven


def test_an_answer_that_comes_late_counts_from_when_it_was_asked_for() -> None:
    asked = steady()
    asked.told_time(SENT_MS + WINDOW_MS + SETTLED_MS + 1, 112.0)
    asked.found_nothing(114.0, 114.1, time_was_over=True)
    asked.found_nothing(112.5, 114.2, time_was_over=True)  # was under way when the other began
    assert not asked.proven
    asked.found_nothing(112.6, 112.9, time_was_over=True)
    assert asked.proven


def test_a_late_answer_within_a_second_proves_nothing() -> None:
    asked = steady()
    asked.told_time(SENT_MS + WINDOW_MS + SETTLED_MS + 1, 112.0)
    asked.found_nothing(112.9, 113.0, time_was_over=True)
    asked.found_nothing(112.0, 112.5, time_was_over=True)
    assert not asked.proven


@pytest.mark.parametrize("queries", [[(112.0, 113.0), (113.0, 113.2)], [(113.0, 113.2), (112.0, 113.0)]])
def test_a_second_apart_is_enough(queries: list[tuple[float, float]]) -> None:
    asked = steady()
    asked.told_time(SENT_MS + WINDOW_MS + SETTLED_MS + 1, 112.0)
    for began, answered in queries:
        asked.found_nothing(began, answered, time_was_over=True)
    assert asked.proven


def test_real_time_counts_to_the_millisecond() -> None:
    asked = steady()
    asked.told_time(SENT_MS + 10**9, 111.999)
    assert asked.wants_time
    asked.told_time(SENT_MS + 10**9, 112.0)
    assert not asked.wants_time


def test_the_first_query_after_the_moment_does_not_wait() -> None:
    asked = steady()
    asked.told_time(SENT_MS + 10**9, 112.0)
    assert asked.pause_s(300.0, None) == 0.0  # though the doubt is minutes old
    asked.could_not_ask()
    assert asked.pause_s(112.0, None) == PAUSES_S[1]


def test_pauses_grow_with_answers_that_found_nothing() -> None:
    asked, pauses = steady(), []
    for at in range(4):
        asked.begins(100.0 + at)
        assert asked.pause_s(100.0 + at, SENT_MS, under_way=1) is None
        asked.found_nothing(100.0 + at, 100.0 + at, time_was_over=False)
        pauses.append(asked.pause_s(100.0 + at, SENT_MS))
    assert pauses == [0.2, 0.4, 0.8, 1.6]
    asked.begins(104.0)
    asked.could_not_ask()
    assert asked.pause_s(104.0, SENT_MS) == 3.0  # nothing is under way any more


def test_the_second_query_comes_a_second_after_the_first() -> None:
    asked = steady()
    asked.told_time(SENT_MS + WINDOW_MS + SETTLED_MS + 1, 112.0)
    asked.found_nothing(112.0, 112.0, time_was_over=True)
    assert asked.pause_s(112.25, None) == APART_S - 0.25


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["time", "nothing", "failed"]),
            st.floats(0.0, 6.0),
            st.integers(-5_000, 20_000),
            st.floats(0.0, 3.0),
        ),
        max_size=30,
    )
)
def test_proof_needs_all_of_it(told: list[tuple[str, float, int, float]]) -> None:
    """Whatever comes in whatever order: proven only after a late time, and by two nothings begun later.

    The second of them must have begun after the first was answered, and a second after it began.
    """
    asked, now, over = steady(), 100.0, False
    late: list[tuple[float, float]] = []
    for kind, pause, offset, took in told:
        now += pause
        if kind == "time":
            asked.told_time(SENT_MS + WINDOW_MS + offset, now)
            over = over or (offset > SETTLED_MS and now >= 100.0 + (WINDOW_MS + SETTLED_MS) / 1000)
        elif kind == "failed":
            asked.could_not_ask()
        else:
            asked.found_nothing(now, now + took, time_was_over=not asked.wants_time)
            if over:
                late.append((now, now + took))
        assert asked.wants_time is not over
        assert asked.proven == any(
            second - first >= APART_S and second >= end for first, end in late for second, _ in late
        )
