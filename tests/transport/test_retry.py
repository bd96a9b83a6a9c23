"""Back-off with full jitter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.transport.retry import Retry


def test_pauses_double_up_to_the_cap() -> None:
    retry = Retry(attempts=9, base_s=0.5, cap_s=3.0)
    assert [retry.ceiling_s(n) for n in range(1, 6)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert retry.pause_s(2, 0.25, left_s=10.0) == 0.25


def test_it_gives_up_after_the_last_attempt_or_without_time() -> None:
    retry = Retry(attempts=3, base_s=1.0, cap_s=8.0)
    assert retry.pause_s(2, 0.5, left_s=9.0) == 1.0
    assert retry.pause_s(3, 0.5, left_s=9.0) is None
    assert retry.pause_s(2, 0.5, left_s=1.0) is None
    assert Retry(attempts=1).pause_s(1, 0.0, left_s=9.0) is None


def test_who_persists_tries_on_in_a_quarter_of_the_time_left() -> None:
    retry = Retry(attempts=3, base_s=1.0, cap_s=1.0)
    assert retry.pause_s(3, 0.5, left_s=9.0, persistent=True) == 0.5
    assert retry.pause_s(3, 0.5, left_s=1.0, persistent=True) == 0.25
    assert retry.pause_s(2, 0.5, left_s=1.0, persistent=True) == 0.5
    assert retry.pause_s(3, 0.5, left_s=-1.0, persistent=True) is None


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True), st.floats(0, 100))
def test_a_pause_is_between_nothing_and_its_ceiling_and_leaves_time(failures: int, draw: float, left_s: float) -> None:
    retry = Retry(attempts=20_000)
    pause = retry.pause_s(failures, draw, left_s)
    if pause is None:
        assert draw * retry.ceiling_s(failures) >= left_s
    else:
        assert 0 <= pause <= retry.ceiling_s(failures) <= retry.cap_s
        assert pause < left_s


@pytest.mark.parametrize("bad", [{"attempts": 0}, {"base_s": -1.0}, {"base_s": 9.0, "cap_s": 1.0}])
def test_senseless_settings_are_refused(bad: dict) -> None:
    with pytest.raises(ValueError, match="attempts must be"):
        Retry(**bad)
