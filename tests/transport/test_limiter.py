"""The limiter's rules one by one; the campaign shows them together."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptox.errors import ValidationError
from cryptox.transport.clock import Moment
from cryptox.transport.limiter import Limiter, Ticket, Wait
from cryptox.transport.messages import Limit, Usage

MINUTE = 60_000
WEIGHT = Limit("REQUEST_WEIGHT", 6000, MINUTE)
BASE = 1_767_225_600_000  # a full minute


def at(seconds: float, unsure_ms: float = 5.0) -> Moment:
    return Moment(seconds, BASE + seconds * 1000 - unsure_ms, BASE + seconds * 1000 + unsure_ms)


def used(count: int, window_ms: int = MINUTE) -> tuple[Usage, ...]:
    return (Usage("REQUEST_WEIGHT", window_ms, count),)


def granted(limiter: Limiter, weight: int, seconds: float) -> Ticket:
    outcome = limiter.take(weight, at(seconds))
    assert isinstance(outcome, Ticket), outcome
    return outcome


def refused(limiter: Limiter, weight: int, seconds: float) -> Wait:
    outcome = limiter.take(weight, at(seconds))
    assert isinstance(outcome, Wait)
    return outcome


def seen(limiter: Limiter, weight: int, seconds: float, count: int) -> None:
    limiter.answered(granted(limiter, weight, seconds), used(count), at(seconds + 0.05))


def acquainted(limit: Limit, *, share: float = 1.0) -> Limiter:
    """A limiter that has seen six windows in which nobody else sent anything."""
    limiter = Limiter([limit], share=share)
    for minute in range(-6, 0):
        seen(limiter, 1, minute * 60 + 1.0, 1)
        seen(limiter, 1, minute * 60 + 59.0, 2)
    return limiter


def test_after_one_header_five_pages_go_at_once() -> None:
    limiter = Limiter([WEIGHT, Limit("RAW_REQUESTS", 300_000, 300_000)])
    seen(limiter, 1, 10.0, 1)
    for _ in range(16):
        granted(limiter, 2, 10.06)


def test_five_pages_go_at_once_beside_somebody_who_was_here_before() -> None:
    limiter = Limiter([WEIGHT])
    seen(limiter, 1, 1.0, 501)
    for _ in range(5):
        granted(limiter, 2, 1.06)


def test_a_new_window_opens_with_four_until_its_first_header() -> None:
    limiter = Limiter([WEIGHT])
    seen(limiter, 1, 10.0, 1)
    tickets = [granted(limiter, 2, 60.1) for _ in range(4)]
    assert refused(limiter, 2, 60.1).least_s == 0.0
    limiter.lost(tickets[0], at(60.2))  # an answer that never comes must not close it for ever
    granted(limiter, 2, 60.2)
    refused(limiter, 2, 60.2)
    limiter.answered(tickets[1], used(4), at(60.3))
    granted(limiter, 2, 60.3)


def test_a_window_begins_only_when_that_is_certain() -> None:
    limiter = Limiter([WEIGHT])
    seen(limiter, 2, 10.0, 5999)
    refused(limiter, 2, 59.9)
    refused(limiter, 2, 60.004)
    granted(limiter, 2, 60.006)


def test_the_header_and_what_is_in_flight_count() -> None:
    limiter = acquainted(Limit("REQUEST_WEIGHT", 1000, MINUTE))
    seen(limiter, 1, 1.0, 1)
    granted(limiter, 600, 1.1)
    wait = refused(limiter, 400, 1.1)
    assert wait.least_s == pytest.approx(58.905)
    granted(limiter, 300, 1.1)


def test_the_reserve_is_three_percent_and_melts_towards_the_end() -> None:
    limiter = acquainted(Limit("REQUEST_WEIGHT", 1000, MINUTE))
    seen(limiter, 900, 0.1, 900)
    refused(limiter, 75, 0.2)
    ticket = granted(limiter, 65, 0.2)
    limiter.answered(ticket, used(965), at(0.3))
    refused(limiter, 25, 0.4)
    granted(limiter, 25, 50.0)


def test_weight_of_failed_requests_stays_counted_and_of_unsent_ones_does_not() -> None:
    limiter = acquainted(Limit("REQUEST_WEIGHT", 1000, MINUTE))
    seen(limiter, 1, 1.0, 1)
    lost, unsent = granted(limiter, 500, 1.1), granted(limiter, 400, 1.1)
    limiter.lost(lost, at(1.2))
    refused(limiter, 400, 1.2)
    limiter.unsent(unsent)
    granted(limiter, 400, 1.2)


def test_an_answer_from_before_the_boundary_does_not_fill_the_new_window() -> None:
    limiter = Limiter([WEIGHT])
    seen(limiter, 2, 50.0, 4000)
    late = granted(limiter, 2, 59.98)
    limiter.answered(late, used(4002), at(60.05))
    assert limiter.states(at(60.05))[0].used == 2  # only its own weight, to be safe
    granted(limiter, 2, 60.06)


def test_a_lower_header_shows_that_the_new_window_counted_it() -> None:
    limiter = Limiter([WEIGHT])
    seen(limiter, 2, 50.0, 3000)
    late = granted(limiter, 2, 59.98)
    limiter.answered(late, used(402), at(60.05))
    assert limiter.states(at(60.05))[0].used == 402


def test_a_lower_header_before_our_clock_says_so_is_kept_for_the_next_window() -> None:
    limiter = Limiter([WEIGHT])
    seen(limiter, 2, 50.0, 3000)
    late = granted(limiter, 2, 59.97)
    limiter.answered(late, used(302), at(59.997))  # within the clock's uncertainty of the boundary
    assert limiter.states(at(59.998))[0].used == 3000
    assert limiter.states(at(60.01))[0].used == 302


def test_a_clock_that_is_wrong_is_overruled_by_the_count() -> None:
    limiter = Limiter([WEIGHT])
    seen(limiter, 2, 30.0, 4000)
    seen(limiter, 2, 45.0, 40)
    assert limiter.states(at(46.0))[0].used == 40


def test_all_limits_must_have_room_and_a_raw_request_counts_one() -> None:
    limiter = Limiter([WEIGHT, Limit("RAW_REQUESTS", 3, 300_000), Limit("ORDERS", 1, 1000)])
    assert [limit.kind for limit in limiter.limits] == ["REQUEST_WEIGHT", "RAW_REQUESTS"]
    seen(limiter, 500, 200.0, 500)
    granted(limiter, 500, 200.1)
    refused(limiter, 2, 200.2)
    refused(limiter, 2, 262.0)
    granted(limiter, 2, 301.0)


def test_new_limits_keep_what_is_in_flight() -> None:
    limiter = Limiter([WEIGHT])
    seen(limiter, 1, 1.0, 1)
    ticket = granted(limiter, 150, 1.1)
    limiter.replace([Limit("REQUEST_WEIGHT", 200, 1000)])
    assert limiter.states(at(1.2))[0].in_flight == 150
    refused(limiter, 60, 1.2)
    limiter.answered(ticket, used(150, 1000), at(1.3))
    granted(limiter, 60, 2.1)


def test_a_stop_holds_for_all_and_only_grows() -> None:
    limiter = Limiter([WEIGHT])
    limiter.forbid(30.0, banned=True)
    limiter.forbid(20.0)
    assert limiter.banned
    assert refused(limiter, 1, 10.0) == Wait(20.0, 20.0, 20.0)
    granted(limiter, 1, 30.0)


def test_more_than_a_window_is_refused_at_once_and_a_share_is_kept() -> None:
    limiter = acquainted(Limit("REQUEST_WEIGHT", 100, MINUTE), share=0.5)
    with pytest.raises(ValidationError, match="costs 101"):
        limiter.take(101, at(1.0))
    seen(limiter, 1, 1.0, 1)
    granted(limiter, 40, 1.1)
    refused(limiter, 10, 1.1)
    granted(Limiter([Limit("REQUEST_WEIGHT", 100, MINUTE)], share=0.1), 50, 1.0)  # dearer than the share, but alone
    with pytest.raises(ValueError, match="share"):
        Limiter([WEIGHT], share=0.0)


def test_threads_together_get_no_more_than_one_would() -> None:
    limiter = acquainted(Limit("REQUEST_WEIGHT", 1000, MINUTE))
    seen(limiter, 1, 1.0, 1)
    taken: list[Ticket] = []

    def work() -> None:
        for _ in range(300):
            outcome = limiter.take(1, at(1.1))
            if isinstance(outcome, Ticket):
                taken.append(outcome)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 960 <= len(taken) <= 970


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["take", "answer", "lose", "unsend"]), st.floats(0, 0.4), st.integers(1, 60)),
        max_size=150,
    )
)
def test_alone_no_window_is_ever_overdrawn(steps: list[tuple[str, float, int]]) -> None:
    """The exchange counts a request when it is sent or when it is answered, whichever is worse for us."""
    limiter = Limiter([Limit("REQUEST_WEIGHT", 200, 1000)])
    counts: dict[int, int] = {}
    flying: list[tuple[Ticket, int]] = []
    now = 0.0
    for act, pause, weight in steps:
        now += pause
        moment = at(now, unsure_ms=3.0)
        if act == "take":
            outcome = limiter.take(weight, moment)
            if isinstance(outcome, Ticket):
                second = int(now)
                counts[second] = counts.get(second, 0) + weight
                assert counts[second] <= 200
                flying.append((outcome, counts[second]))
        elif flying:
            ticket, count = flying.pop(0)
            if act == "answer":
                limiter.answered(ticket, used(count, 1000), moment)
            else:
                limiter.lost(ticket, moment)


def test_a_jump_back_of_the_clock_moves_the_window_and_keeps_what_was_counted() -> None:
    limiter = acquainted(Limit("REQUEST_WEIGHT", 300, MINUTE))
    ahead = at(3601.0)._replace(at=1.0)
    first = limiter.take(1, ahead)
    flying = limiter.take(20, ahead)
    assert isinstance(first, Ticket)
    assert isinstance(flying, Ticket)
    limiter.answered(first, used(200), ahead._replace(at=1.1))
    state = limiter.states(at(1.2))[0]
    assert (state.used, state.in_flight) == (200, 20)
    limiter.answered(flying, used(250), at(1.3))
    assert limiter.states(at(1.4))[0].used == 250
    refused(limiter, 45, 1.4)
    assert refused(limiter, 60, 1.4).window_s == pytest.approx(58.605)
    granted(limiter, 2, 60.1)
    assert limiter.states(at(60.2))[0].used == 0


def test_after_a_jump_back_a_lower_header_corrects_what_was_kept() -> None:
    limiter = acquainted(Limit("REQUEST_WEIGHT", 300, MINUTE))
    outcome = limiter.take(1, at(3601.0)._replace(at=1.0))
    assert isinstance(outcome, Ticket)
    limiter.answered(outcome, used(250), at(3601.1)._replace(at=1.1))
    seen(limiter, 2, 1.2, 40)
    assert limiter.states(at(1.3))[0].used == 40


def test_after_a_jump_back_nothing_is_kept_from_before_the_window_began() -> None:
    limiter = Limiter([Limit("REQUEST_WEIGHT", 300, MINUTE)])
    outcome = limiter.take(1, at(3658.0)._replace(at=58.0))
    assert isinstance(outcome, Ticket)
    limiter.answered(outcome, used(290), at(3659.0)._replace(at=59.0))
    assert limiter.states(at(3659.5)._replace(at=59.5))[0].used == 290
    assert limiter.states(at(61.0))[0].used == 0


def test_after_a_jump_back_what_was_under_way_corrects_too() -> None:
    limiter = acquainted(Limit("REQUEST_WEIGHT", 300, MINUTE))
    first = limiter.take(1, at(3601.0)._replace(at=1.0))
    assert isinstance(first, Ticket)
    limiter.answered(first, used(280), at(3601.1)._replace(at=1.1))
    flying = limiter.take(2, at(3601.2)._replace(at=1.2))
    assert isinstance(flying, Ticket)
    assert limiter.states(at(1.3))[0].used == 280
    limiter.answered(flying, used(6), at(1.4))
    assert limiter.states(at(1.5))[0].used == 6


def test_a_jump_ahead_does_not_forget_what_this_window_counted() -> None:
    limiter = Limiter([Limit("REQUEST_WEIGHT", 300, MINUTE)])
    outcome = limiter.take(1, at(31.0)._replace(at=91.0))
    assert isinstance(outcome, Ticket)
    limiter.answered(outcome, used(290), at(31.1)._replace(at=91.1))
    assert limiter.states(at(91.2))[0].used == 290
    assert limiter.states(at(120.1))[0].used == 0


def test_an_answer_that_is_booked_late_is_no_jump_back() -> None:
    limiter = Limiter([WEIGHT])
    seen(limiter, 2, 50.0, 3000)
    late = granted(limiter, 2, 59.9)
    seen(limiter, 2, 60.1, 700)
    limiter.answered(late, used(3002), at(59.95))
    assert limiter.states(at(60.2))[0].used == 700


def test_a_count_at_a_boundary_before_any_other_teaches_nothing() -> None:
    """It may be the count of the window to come: to learn from it that others use nothing brings an overdraft."""
    limiter = Limiter([Limit("REQUEST_WEIGHT", 200, 1000)])
    ticket = limiter.take(2, at(0.98, unsure_ms=50.0))
    assert isinstance(ticket, Ticket)
    limiter.answered(ticket, used(4, 1000), at(1.01, unsure_ms=50.0))
    window = limiter._windows["REQUEST_WEIGHT", 1000]
    assert (window.index, window.opened) == (BASE // 1000, False)
    rate = window._rate
    limiter.states(at(1.06, unsure_ms=50.0))
    assert window.index == BASE // 1000 + 1
    assert window._rate == rate


def test_answers_that_told_nothing_do_not_close_the_window_for_ever() -> None:
    limiter = Limiter([WEIGHT])
    tickets = [limiter.take(2, at(59.0, unsure_ms=1000.0)) for _ in range(2)]
    for ticket in tickets:
        assert isinstance(ticket, Ticket)
        limiter.answered(ticket, used(2), at(59.05, unsure_ms=1000.0))
    assert isinstance(limiter.take(2, at(59.1, unsure_ms=1000.0)), Wait)
    granted(limiter, 2, 59.2)


def test_a_newcomer_assumes_others_until_it_has_looked_a_while() -> None:
    limiter = Limiter([Limit("REQUEST_WEIGHT", 200, 1000)])
    first = granted(limiter, 2, 0.003)
    limiter.answered(first, used(2, 1000), at(0.006))
    flying = [limiter.take(2, at(0.007)) for _ in range(50)]
    assert sum(isinstance(ticket, Ticket) for ticket in flying) <= 4


def test_a_count_that_is_never_told_holds_nothing_back_for_long() -> None:
    limiter = Limiter([Limit("RAW_REQUESTS", 1000, MINUTE)])
    for second in range(1, 40):
        limiter.answered(granted(limiter, 2, float(second)), (), at(second + 0.05))
    flying = [limiter.take(2, at(40.0)) for _ in range(900)]
    assert sum(isinstance(ticket, Ticket) for ticket in flying) > 800


def test_late_answers_of_the_window_before_do_not_hide_what_others_use() -> None:
    limiter = Limiter([Limit("REQUEST_WEIGHT", 200, 1000)])
    limiter.answered(granted(limiter, 2, 0.7), used(60, 1000), at(0.71))
    late = [granted(limiter, 2, 0.72) for _ in range(4)]
    fresh = granted(limiter, 2, 1.01)
    for place, ticket in enumerate(late):
        limiter.answered(ticket, used(62 + 2 * place, 1000), at(1.2))
    limiter.answered(fresh, used(26, 1000), at(1.21))
    state = limiter.states(at(1.22))[0]
    assert (state.used, state.others) == (26, 24)


def test_the_count_of_a_late_answer_is_as_old_as_its_request() -> None:
    limiter = Limiter([Limit("REQUEST_WEIGHT", 200, 1000)])
    limiter.answered(granted(limiter, 2, 0.1), used(2, 1000), at(0.11))
    limiter.answered(granted(limiter, 2, 0.4), used(50, 1000), at(0.7))
    assert limiter._windows["REQUEST_WEIGHT", 1000]._counted_ms - BASE == pytest.approx(405)


def test_an_assumed_limit_gives_way_to_a_count_that_was_accepted() -> None:
    limiter = Limiter([WEIGHT, Limit("RAW_REQUESTS", 61_000, 300_000)], assumed=True)
    seen(limiter, 2, 1.0, 8_000)
    assert isinstance(limiter.take(20, at(1.1), urgent=True), Wait)  # not even the question for the limits would go
    limiter.accepted(used(8_000))
    assert [limit.amount for limit in limiter.limits] == [12_000, 61_000]
    assert isinstance(limiter.take(20, at(1.2), urgent=True), Ticket)
    limiter.accepted(used(11_999))
    limiter.accepted(used(10**6, 1000))  # a window that is not known
    assert [limit.amount for limit in limiter.limits] == [12_000, 61_000]


def test_an_announced_limit_holds_whatever_was_accepted() -> None:
    limiter = Limiter([WEIGHT], assumed=True)
    assert limiter.assumed
    limiter.replace([WEIGHT])
    assert not limiter.assumed
    limiter.accepted(used(8_000))
    assert limiter.limits == (WEIGHT,)


RAW = Limit("RAW_REQUESTS", 300_000, 300_000)


@pytest.mark.parametrize("over", ["answered", "lost", "unsent"])
def test_a_request_from_before_a_limit_was_announced_counts_nothing_in_it(over: str) -> None:
    limiter = Limiter([WEIGHT])
    ticket = granted(limiter, 20, 1.0)
    limiter.replace([WEIGHT, RAW])
    if over == "answered":
        limiter.answered(ticket, used(20), at(1.1))
    elif over == "lost":
        limiter.lost(ticket, at(1.1))
    else:
        limiter.unsent(ticket)
    weight, raw = limiter._windows.values()
    assert (weight.counted, weight.opening) == {"answered": (20, 1), "lost": (20, 0), "unsent": (0, 0)}[over]
    assert (raw.counted, raw.own, raw.opening) == (0, 0, 0)


def test_a_loss_that_is_told_late_is_not_booked_to_the_window_that_has_begun() -> None:
    limiter = Limiter([WEIGHT])
    ticket = granted(limiter, 20, 59.0)
    granted(limiter, 2, 60.5)
    (window,) = limiter._windows.values()
    limiter.lost(ticket, at(59.9))  # this thread looked at the clock before the other one took its ticket
    assert (window.counted, window.own, window.opening) == (0, 0, 1)


def test_a_count_that_is_just_the_assumed_limit_does_not_raise_it() -> None:
    limiter = Limiter([WEIGHT], assumed=True)
    limiter.accepted(used(6_000))
    assert limiter.limits == (WEIGHT,)
    limiter.accepted(used(6_001))
    assert limiter.limits == (Limit("REQUEST_WEIGHT", 9_002, MINUTE),)


def test_what_never_left_gives_its_place_in_the_opening_back() -> None:
    limiter = Limiter([WEIGHT])
    granted(limiter, 1, 1.0)
    unsent = granted(limiter, 1, 1.0)
    refused(limiter, 1, 1.0)
    limiter.unsent(unsent)
    granted(limiter, 1, 1.0)
    assert [state.limit for state in limiter.states(at(1.0))] == [WEIGHT]


def test_limits_of_accounts_are_left_out_wherever_they_stand() -> None:
    raw = Limit("RAW_REQUESTS", 5, MINUTE)
    limiter = Limiter([Limit("ORDERS", 100, 10_000), WEIGHT, Limit("ORDERS", 9, 1000), raw])
    assert limiter.limits == (WEIGHT, raw)


def test_of_two_windows_that_refuse_the_later_one_counts() -> None:
    short = Limit("REQUEST_WEIGHT", 10, 1000)
    limiter = Limiter([short, Limit("REQUEST_WEIGHT", 20, MINUTE)])
    both = (Usage("REQUEST_WEIGHT", 1000, 10), Usage("REQUEST_WEIGHT", MINUTE, 20))
    limiter.answered(granted(limiter, 1, 1.1), both, at(1.2))
    wait = refused(limiter, 1, 1.3)
    assert wait.least_s == wait.window_s == pytest.approx(58.705)
