"""Ranges as users write them: refused without exchange time only where it cannot matter."""

from __future__ import annotations

import numpy as np
import pytest

from cryptox.errors import ValidationError
from cryptox.sessions.window import Window

NOON = 1_717_243_200_000  # 2024-06-01 12:00, exchange time; this machine's clock is elsewhere
DAY = 86_400_000


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("3 days ago", "2024-06-01 11:00", (NOON - 3 * DAY, NOON - 3_600_000)),
        ("2024-05-20", "1 week ago", (NOON - 12 * DAY - DAY // 2, NOON - 7 * DAY)),
        ("today", "3 hours ago", (NOON - DAY // 2, NOON - DAY // 8)),
        ("2024-06-01 11:00", "2099-01-01", (NOON - 3_600_000, NOON)),
    ],
)
def test_relative_times_are_judged_by_exchange_time(start: str, end: str, found: tuple[int, int]) -> None:
    window = Window(start, end)
    window.check()
    assert window.resolve(NOON) == found


@pytest.mark.parametrize("end", ["2024-05-20", "4 days ago"])
def test_a_relative_start_after_the_end_is_refused_by_exchange_time(end: str) -> None:
    with pytest.raises(ValidationError, match=r"start \(3 days ago\) lies after end") as caught:
        Window("3 days ago", end).resolve(NOON)
    assert caught.value.suggested == {"start": end, "end": "3 days ago"}


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("2024-05-02", "2024-05-01", "lies after end"),
        (NOON, "2024-05-01", "lies after end"),
        ("3 dys ago", "2024-05-01", "start='3 dys ago'"),
        ("3 days ago", np.datetime64("NaT", "ms"), "end is NaT"),
    ],
)
def test_what_no_clock_can_mend_is_refused_at_once(start: object, end: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Window(start, end).check()
