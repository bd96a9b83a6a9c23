"""Every form of a moment, under any time zone of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.errors import ValidationError
from cryptox.model.time import iso, needs_now, to_ms

NOON = 1_704_110_400_000  # 2024-01-01T12:00:00Z, counted by hand: 19723 days and a half
NOW = 1_711_886_400_123  # 2024-03-31T12:00:00.123Z
MIDNIGHT = NOON - 43_200_000

SAME_NOON: list[Any] = [
    "2024-01-01 12:00", "2024-01-01T12:00", "2024-01-01T12:00:00Z", "2024-01-01 12:00:00.000", "2024-1-1 12:00",
    "2024-01-01T14:00+02:00", "2024-01-01T07:00:00-0500", "2024-01-01T13:00:00.000000+01", "  2024-01-01 12:00 UTC ",
    "2024-01-01t12:00:00.000999z", NOON, NOON * 1000, NOON * 1000 + 999, str(NOON),
    datetime(2024, 1, 1, 12), datetime(2024, 1, 1, 12, tzinfo=UTC), datetime(2024, 1, 1, 12, 0, 0, 999),
    datetime(2024, 1, 1, 21, tzinfo=ZoneInfo("Asia/Tokyo")),
    datetime(2024, 1, 1, 6, 30, tzinfo=timezone(-timedelta(hours=5, minutes=30))),
    pd.Timestamp("2024-01-01 12:00"), pd.Timestamp("2024-01-01 12:00", tz="UTC"),
    pd.Timestamp("2024-01-01 07:00", tz="America/New_York"), pd.Timestamp("2024-01-01 12:00:00.000000001"),
    np.datetime64("2024-01-01T12:00"), np.datetime64("2024-01-01T12:00:00.000000000"), np.int64(NOON), np.uint64(NOON),
]  # fmt: skip


@pytest.fixture(params=["UTC", "Asia/Tokyo", "America/New_York", "Pacific/Chatham"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if not hasattr(time, "tzset"):
        pytest.skip("this system cannot change the time zone of a running process")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("zone")
def test_all_forms_of_one_instant_are_one_under_any_time_zone() -> None:
    assert {repr(form): to_ms(form, now_ms=NOW) for form in SAME_NOON} == {repr(form): NOON for form in SAME_NOON}
    midnights: list[Any] = ["2024-01-01", date(2024, 1, 1), np.datetime64("2024-01-01"), np.datetime64("2024-01")]
    assert [to_ms(form, now_ms=NOW) for form in midnights] == [MIDNIGHT] * 4
    assert iso(NOON) == "2024-01-01T12:00:00Z"
    assert iso(-1) == "-1 ms"
    assert iso(2**62) == f"{2**62} ms"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("now", "2024-03-31 12:00:00.123"),
        ("today", "2024-03-31"),
        ("Yesterday", "2024-03-30"),
        ("3 days ago", "2024-03-28 12:00:00.123"),
        ("1 day ago", "2024-03-30 12:00:00.123"),
        ("a day ago", "2024-03-30 12:00:00.123"),
        ("an hour ago", "2024-03-31 11:00:00.123"),
        ("2 weeks ago", "2024-03-17 12:00:00.123"),
        ("90 minutes ago", "2024-03-31 10:30:00.123"),
        ("15 min ago", "2024-03-31 11:45:00.123"),
        ("24h ago", "2024-03-30 12:00:00.123"),
        ("10 seconds ago", "2024-03-31 11:59:50.123"),
        ("1 month ago", "2024-02-29 12:00:00.123"),
        ("13 months ago", "2023-02-28 12:00:00.123"),
        ("3 months ago", "2023-12-31 12:00:00.123"),
        ("1 year ago", "2023-03-31 12:00:00.123"),
    ],
)
def test_relative_forms_count_from_the_time_given(text: str, wanted: str) -> None:
    assert needs_now(text)
    assert to_ms(text, now_ms=NOW) == pd.Timestamp(wanted, tz="UTC").value // 10**6


@pytest.mark.parametrize("value", [*SAME_NOON, "2024-01-01", date(2024, 1, 1), "", "nonsense", None, 3.5])
def test_absolute_forms_do_not_ask_for_now(value: Any) -> None:
    assert not needs_now(value)


@given(st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30)), st.integers(-1439, 1439))
def test_texts_and_datetimes_agree_with_integer_arithmetic(moment: datetime, offset: int) -> None:
    wanted = (moment - datetime(1970, 1, 1)) // timedelta(milliseconds=1)
    assert to_ms(moment, now_ms=NOW) == wanted
    assert to_ms(moment.isoformat(), now_ms=NOW) == wanted
    shifted = moment.replace(tzinfo=UTC)
    if datetime(2, 1, 1) < moment < datetime(9999, 12, 29):
        shifted = shifted.astimezone(timezone(timedelta(minutes=offset)))
    assert to_ms(shifted, now_ms=NOW) == wanted
    assert to_ms(shifted.isoformat(), now_ms=NOW) == wanted
    assert to_ms(iso(wanted), now_ms=NOW) == wanted


def test_a_repeated_hour_is_told_apart_by_fold() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = to_ms(datetime(2024, 10, 27, 2, 30, tzinfo=berlin), now_ms=NOW)
    assert to_ms(datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=berlin), now_ms=NOW) - first == 3_600_000


@pytest.mark.parametrize(
    ("value", "guess"),
    [
        (1_704_110_400, NOON),
        (np.int64(1_704_110_400), NOON),
        (1_704_110_400.5, NOON + 500),
        (float(NOON), NOON),
        (NOON * 10**6, NOON),
        ("20240101", "2024-01-01"),
        ("2024/01/31", "2024-01-31"),
        ("2024-01", "2024-01-01"),
        ("5 m ago", "5 minutes ago"),
        ("1969-12-31 23:59", "1970-01-01"),
        (datetime(1, 1, 1), "1970-01-01"),
        ("99 years ago", "1970-01-01"),
        ("999999999 years ago", "1970-01-01"),
    ],
)
def test_a_near_miss_is_refused_with_what_was_meant(value: Any, guess: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        to_ms(value, now_ms=NOW, name="start")
    assert caught.value.suggested == {"start": guess}
    assert "start" in str(caught.value)
    assert repr(guess) in caught.value.recovery_suggestions[0]
    assert to_ms(guess, now_ms=NOW) >= 0


@pytest.mark.parametrize(
    "value",
    [None, True, False, np.bool_(True), float("nan"), 1e300, pd.NaT, np.datetime64("NaT", "ms"), "", " ", "soon",
     "2024-02-30", "2024-13-01", "2024-01-01 25:00",
     "2024-01-01 12:00+24:00", "in 3 days", "-3 days ago", "3 fortnights ago",
     "１９99-01-01", "2024-99", "9" * 5000, 10**5000, 0, -1, 10**20, 10**14, [], {}, b"2024-01-01", timedelta(1),
     np.timedelta64(1, "ms"), np.array([NOON]), np.array(NOON), object()],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_everything_else_is_refused_with_advice(value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        to_ms(value, now_ms=NOW, name="end")
    assert caught.value.suggested is None
    assert any("2024-01-01" in line for line in caught.value.recovery_suggestions)
    assert len(str(caught.value)) < 250


def test_seconds_are_named_as_such() -> None:
    with pytest.raises(ValidationError, match=r"looks like seconds.*1704110400000 is 2024-01-01T12:00:00Z"):
        to_ms(1_704_110_400, now_ms=NOW)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "1970-01-01T00:00:00Z"), (NOW, "2024-03-31T12:00:00.123Z"), (NOON + 7, "2024-01-01T12:00:00.007Z")],
)
def test_iso(value: int, text: str) -> None:
    assert iso(value) == text


def test_neither_numpy_nor_pandas_is_loaded() -> None:
    code = (
        "import sys, cryptox.model.time as t; t.to_ms('2024-01-01', now_ms=0)\n"
        "try: t.to_ms(object(), now_ms=0)\nexcept Exception: pass\n"
        "print([m for m in ('numpy', 'pandas') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("text", ["146138514283-06-19T07:45:04", "12626367463885247-04-15", "10000", "1969-12-31"])
def test_numpy_times_beyond_the_calendar_do_not_wrap_around(text: str) -> None:
    with pytest.raises(ValidationError, match="lies before 1970 or after the year 9999"):
        to_ms(np.datetime64(text), now_ms=0)


@pytest.mark.parametrize(("count", "unit"), [(1_500_000_000, "ns"), (1_500_000_000_000, "ps"), (15 * 10**17, "as")])
def test_numpy_times_of_the_finest_units(count: int, unit: str) -> None:
    assert to_ms(np.datetime64(count, unit), now_ms=0) == 1_500
