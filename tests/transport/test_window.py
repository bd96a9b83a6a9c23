"""How much is kept back for what no count has told yet."""

from __future__ import annotations

import pytest

from cryptox.transport.clock import Moment
from cryptox.transport.messages import Limit
from cryptox.transport.window import Window

BASE = 1_767_225_600_000  # a full minute


def at(seconds: float) -> Moment:
    return Moment(seconds, BASE + seconds * 1000, BASE + seconds * 1000)


def beside_others(trip_s: float = 0.05) -> Window:
    """200 a second of which others take 160 evenly; we asked for 2 every 0.1 s, last at 0.5 s of the seventh second."""
    window = Window(Limit("REQUEST_WEIGHT", 200, 1000))
    for second in range(-6, 1):
        for step in range(1, 10 if second < 0 else 6):
            sent = at(second + step / 10)
            answered = at(second + step / 10 + trip_s)
            window.roll(sent)
            note = window.sent(2, sent)
            window.roll(answered)
            counted = 160 * (step / 10 + trip_s / 2) + 2 * step
            window.answered(note, round(counted), answered)
    return window


def test_the_others_are_known() -> None:
    window = beside_others()
    assert (window.counted, window.own) == (94, 10)
    assert window._pace() == pytest.approx(0.16, rel=0.02)


def test_while_answers_are_late_as_much_is_kept_back_as_when_they_were_asked_for() -> None:
    window = beside_others()
    window.roll(at(0.92))
    assert window.judge(10, 0, at(0.92), 1.0).granted
    assert not window.judge(2, 8, at(0.92), 1.0).granted


def test_an_old_count_is_not_gone_by_when_no_new_one_can_come_in_this_window() -> None:
    window = beside_others()
    window.roll(at(0.96))
    assert window.judge(10, 0, at(0.94), 1.0).granted
    assert not window.judge(10, 0, at(0.96), 1.0).granted
    assert window.judge(2, 0, at(0.96), 1.0).granted


@pytest.mark.parametrize(("trip_s", "age_ms"), [(0.05, 25.0), (0.3, 275.0)])
def test_a_count_is_as_old_as_the_request_that_it_answers_but_for_half_the_shortest_trip(trip_s, age_ms) -> None:
    window = beside_others()
    sent, answered = at(0.6), at(0.6 + trip_s)
    window.roll(sent)
    note = window.sent(2, sent)
    window.roll(answered)
    window.answered(note, 112, answered)
    assert (0.6 + trip_s) * 1000 - (window._counted_ms - BASE) == pytest.approx(age_ms)


def test_what_is_urgent_goes_while_there_is_room_whatever_others_may_yet_use() -> None:
    minute = Limit("REQUEST_WEIGHT", 6_000, 60_000)
    window = Window(minute)
    start = Moment(100.0, 1_800_000_000_000.0, 1_800_000_000_010.0)
    window.roll(start)
    later = Moment(110.0, start.low_ms + 10_000, start.high_ms + 10_000)
    window.roll(later)
    window.answered(window.sent(20, later), 2_000, Moment(110.1, later.low_ms + 100, later.high_ms + 100))
    now = Moment(110.2, later.low_ms + 200, later.high_ms + 200)
    assert not window.judge(1_000, 0, now, 1.0).granted  # at that pace others will take all
    assert window.judge(1_000, 0, now, 1.0, urgent=True).granted
    assert not window.judge(3_990, 0, now, 1.0, urgent=True).granted


def test_what_is_urgent_waits_for_no_answers_at_the_beginning_of_a_window() -> None:
    window = Window(Limit("REQUEST_WEIGHT", 6_000, 60_000))
    start = Moment(100.0, 1_800_000_000_000.0, 1_800_000_000_010.0)
    window.roll(start)
    window.answered(window.sent(20, start), 20, Moment(100.1, start.low_ms + 100, start.high_ms + 100))
    now = Moment(161.0, start.low_ms + 61_000, start.high_ms + 61_000)
    window.roll(now)
    for _ in range(4):
        assert window.judge(20, 0, now, 1.0).granted
        window.sent(20, now)
    assert not window.judge(20, 80, now, 1.0).granted  # a download waits to be told a count
    assert window.judge(20, 80, now, 1.0, urgent=True).granted
    assert not window.judge(20, 4_000, now, 1.0, urgent=True).granted
    assert not window.judge(3_000, 80, now, 1.0, urgent=True).granted


def test_a_clock_set_ahead_keeps_the_count_that_was_seen_of_the_window_to_come() -> None:
    window = Window(Limit("REQUEST_WEIGHT", 6_000, 60_000))
    start = Moment(59.0, BASE + 58_990, BASE + 59_010)
    window.roll(start)
    window.answered(window.sent(20, start), 100, Moment(59.1, BASE + 59_090, BASE + 59_110))
    edge = Moment(59.9, BASE + 59_880, BASE + 59_920)
    note = window.sent(4, edge)
    window.answered(note, 7, Moment(60.0, BASE + 59_980, BASE + 60_020))  # below 100: the next window has counted it
    assert (window.counted, window.own) == (100, 20)
    window.roll(Moment(60.1, BASE + 61_500, BASE + 61_510))
    assert window.index == BASE // 60_000 + 1
    assert (window.counted, window.own, window.opened) == (7, 4, True)


@pytest.mark.parametrize(("used", "counted_ms"), [(20, 150), (30, 50)])
def test_an_answer_without_a_count_makes_the_last_one_newer_only_where_nobody_else_is(
    used: int, counted_ms: int
) -> None:
    window = Window(Limit("REQUEST_WEIGHT", 6_000, 60_000))
    window.roll(at(1.0))
    window.answered(window.sent(20, at(1.0)), used, at(1.1))
    window.answered(window.sent(4, at(1.1)), None, at(1.2))
    assert (window.counted, window.own) == (max(used, 24), 24)
    assert window._counted_ms - BASE == 1000 + counted_ms


def test_what_never_left_leaves_its_place_in_the_opening() -> None:
    window = Window(Limit("REQUEST_WEIGHT", 6_000, 60_000))
    window.roll(at(1))
    first, second = window.sent(1, at(1)), window.sent(1, at(1))
    assert not window.judge(1, 2, at(1), 1.0).granted
    window.unsent(second)
    assert window.judge(1, 1, at(1), 1.0).granted
    window.roll(at(61))
    window.sent(1, at(61))
    window.sent(1, at(61))
    window.unsent(first)  # of the window before: it has no place in this one
    assert not window.judge(1, 2, at(61), 1.0).granted


def test_a_loss_that_is_told_with_a_moment_before_the_window_counts_for_nothing() -> None:
    window = Window(Limit("REQUEST_WEIGHT", 6_000, 60_000))
    window.roll(at(61))
    note = window.sent(5, at(61))
    window.lost(note, at(59))
    assert (window.counted, window.own) == (0, 0)
    window.lost(note, at(61))
    assert (window.counted, window.own) == (5, 5)


def test_round_trips_are_smoothed() -> None:
    window = Window(Limit("REQUEST_WEIGHT", 6_000, 60_000))
    window.roll(at(1))
    for sent, answered in ((1.0, 1.1), (2.0, 2.2), (3.0, 3.1)):
        window.answered(window.sent(1, at(sent)), 1, at(answered))
    assert window._round_trip_ms == pytest.approx(116)  # 100, then a fifth of the way to 200, and to 100


def test_a_surprise_beyond_the_pace_of_others_is_kept_back_for_the_next() -> None:
    window = beside_others()
    sent, answered = at(0.6), at(0.65)
    window.roll(answered)
    # Counted 0.1 s after the last: 16 of others were expected, and 19 came beside our 2.
    window.answered(window.sent(2, sent), 94 + 2 + 19, answered)
    assert 2.5 < window._burst < 5.5
    window.answered(window.sent(2, at(0.7)), 94 + 4 + 19 + 80, at(0.75))
    assert window._burst == 6  # three percent of the limit: more is somebody coming, which the pace learns


def test_a_clock_that_is_set_leaves_the_pace_of_others_as_it_was() -> None:
    window = beside_others()
    pace = window._pace()
    window.roll(Moment(100.0, BASE + 500_000, BASE + 500_000))  # six minutes ahead of the monotonic clock
    assert (window.counted, window.own, window.opened) == (0, 0, False)
    assert window._rate == pytest.approx(pace, rel=0.02)


def test_a_foothold_is_given_out_over_the_window() -> None:
    window = beside_others()
    foothold = window._foothold
    assert window._has_foothold(0, foothold * 0.59 - window.own, at(0.5))
    assert not window._has_foothold(0, foothold * 0.61 - window.own, at(0.5))
