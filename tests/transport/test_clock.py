"""Exchange time is always between the bounds, whatever the latency."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.transport.clock import ExchangeClock

EPOCH = 1_767_225_600_000


def test_before_a_reading_limits_run_by_the_wall_clock_and_time_is_unknown() -> None:
    clock = ExchangeClock()
    assert not clock.known
    assert clock.stale(0.0, 0.0)
    assert clock.limit_now_ms(5.0, 1000.0) == (1_000_000.0, 1000.0)
    assert clock.uncertainty_ms(5.0) == math.inf
    with pytest.raises(LookupError):
        clock.now_ms(0.0)


@given(
    st.lists(st.tuples(st.floats(0.01, 300), st.floats(0, 0.5), st.floats(0, 0.5)), min_size=1, max_size=20),
    st.floats(-100e-6, 100e-6),
    st.floats(0, 60),
)
def test_the_true_time_is_within_the_bounds(readings, drift: float, later: float) -> None:
    clock = ExchangeClock()
    now = 0.0

    def true_ms(monotonic: float) -> float:
        return EPOCH + monotonic * 1000 * (1 + drift)

    for pause, there, back in readings:
        sent, now = now + pause, now + pause + there + back
        clock.observe(math.floor(true_ms(sent + there)), sent, now, wall_s=now)
        at = now + later
        assert clock.earliest_ms(at) <= true_ms(at) + 0.01
        assert abs(clock.now_ms(at) - true_ms(at)) <= clock.uncertainty_ms(at) + 0.01
        moment = clock.moment(at, at)
        assert moment.low_ms - 0.01 <= true_ms(at) <= moment.high_ms + 0.01
        assert clock.steady


def test_the_best_reading_is_kept_until_its_age_makes_it_worse() -> None:
    clock = ExchangeClock()
    clock.observe(EPOCH, 0.0, 0.010, wall_s=0.010)
    clock.observe(EPOCH + 1000, 0.9, 1.1, wall_s=1.1)  # a slow one tells less
    assert clock.uncertainty_ms(1.1) < 6.0
    clock.observe(EPOCH + 300_000, 299.98, 300.02, wall_s=300.02)
    assert clock.uncertainty_ms(300.02) == pytest.approx(20.5)


def test_it_is_stale_after_ten_minutes_or_a_jump() -> None:
    clock = ExchangeClock()
    clock.observe(EPOCH, 0.0, 0.01, wall_s=5000.0)
    assert not clock.stale(500.0, 5500.0)
    assert clock.stale(601.0, 5601.0)
    assert clock.stale(10.0, 5070.0)  # the machine slept for a minute
    assert clock.stale(10.0, 4000.0)  # somebody set the clock back


def test_after_a_jump_the_new_reading_replaces_the_old_without_a_doubt() -> None:
    clock = ExchangeClock()
    clock.observe(EPOCH, 0.0, 0.01, wall_s=5000.0)
    clock.observe(EPOCH + 70_000, 10.0, 10.2, wall_s=5070.2)  # slept 60 s: monotonic time stood
    assert clock.steady
    assert clock.now_ms(10.2) == pytest.approx(EPOCH + 70_100, abs=2)


@pytest.mark.parametrize("speed", [0.0, 60.0])
def test_a_market_that_stands_or_races_is_noticed(speed: float) -> None:
    clock = ExchangeClock()
    for second in range(3):
        clock.observe(EPOCH + second * 1000 * speed, second, second + 0.01, wall_s=second + 0.01)
    assert not clock.steady
    assert clock.now_ms(50.0) == clock.earliest_ms(50.0) == EPOCH + 2000 * speed
    assert clock.limit_now_ms(50.0, 70.0) == (70_000.0, 50.0)


def test_a_caller_may_say_so_and_take_it_back() -> None:
    clock = ExchangeClock()
    clock.observe(EPOCH, 0.0, 0.01, wall_s=0.01)
    clock.steady = False
    assert clock.limit_now_ms(1.0, 9.0) == (9000.0, 50.0)
    clock.steady = True
    assert clock.now_ms(1.0) == pytest.approx(EPOCH + 1000, abs=6)


def test_one_step_of_the_exchange_s_clock_is_forgiven_when_readings_agree_again() -> None:
    clock = ExchangeClock()
    clock.observe(EPOCH, 0.0, 0.01, wall_s=0.01)
    clock.observe(EPOCH + 6000, 1.0, 1.01, wall_s=1.01)
    assert not clock.steady
    clock.observe(EPOCH + 7000, 2.0, 2.01, wall_s=2.01)
    assert clock.steady
    assert clock.now_ms(2.0) == pytest.approx(EPOCH + 7000, abs=12)


def test_the_wall_clock_is_corrected_only_where_it_contradicts_the_readings() -> None:
    clock = ExchangeClock()
    assert clock.agreed_ms(0.0, 0.0) is None
    clock.observe(EPOCH, 0.0, 0.01, wall_s=EPOCH / 1000)
    within = clock.agreed_ms(1.0, (EPOCH + 1005) / 1000)
    assert within is not None
    assert within[0] == pytest.approx(EPOCH + 1005)
    assert within[1] == pytest.approx(EPOCH + 1001, abs=1.5) or within[1] > within[0]
    fast, slow = clock.agreed_ms(1.0, EPOCH / 1000 + 100), clock.agreed_ms(1.0, EPOCH / 1000 - 100)
    assert fast is not None
    assert slow is not None
    assert fast[0] == fast[1] == pytest.approx(EPOCH + 1001, abs=1.5)
    assert slow[0] == pytest.approx(EPOCH + 990, abs=1.5)
    clock.steady = False
    assert clock.agreed_ms(1.0, EPOCH / 1000) is None


def test_limits_run_by_exchange_time_between_its_bounds() -> None:
    clock = ExchangeClock()
    assert clock.moment(5.0, 1000.0) == (5.0, 999_000.0, 1_001_000.0)
    clock.observe(EPOCH, 0.0, 0.010, wall_s=50.0)
    moment = clock.moment(0.010, 50.0)
    assert moment.low_ms == pytest.approx(EPOCH)
    assert moment.high_ms == pytest.approx(EPOCH + 11)  # the exchange cuts its time to whole milliseconds
    assert clock.limit_now_ms(0.010, 50.0) == (pytest.approx(EPOCH + 5.5), pytest.approx(5.5))
    clock.steady = False
    assert clock.moment(1.0, 9.0) == (1.0, 8_950.0, 9_050.0)
