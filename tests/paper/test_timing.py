"""Timestamps and windows: every row of the rules, to the millisecond and the microsecond."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.paper.refusals import Refused
from cryptox.paper.timing import Timing, read_timing

NOW_MS = 1_767_225_600_123
NOW_US = NOW_MS * 1_000 + 456
AHEAD = (-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
OUTSIDE = (-1021, "Timestamp for this request is outside of the recvWindow.")


def refusal(params: dict[str, str], now_us: int = NOW_US) -> tuple[int, str] | None:
    try:
        read_timing(params).check(now_us)
    except Refused as refused:
        return int(refused.code), refused.text
    return None


@pytest.mark.parametrize(
    ("shift_ms", "window", "wanted"),
    [
        (0, None, None),
        (999, None, None),
        (1_000, None, AHEAD),
        (5_000, None, AHEAD),
        (-5_000, None, None),
        (-5_001, None, OUTSIDE),
        (-100, "100", None),
        (-101, "100", OUTSIDE),
        (0, "0", None),
        (-1, "0", OUTSIDE),
        (-60_000, "60000", None),
        (-60_001, "60000", OUTSIDE),
        (-7, "6.999", OUTSIDE),
        (-7, "7.000", None),
    ],
)
def test_timestamps_in_milliseconds(shift_ms: int, window: str | None, wanted: tuple[int, str] | None) -> None:
    params = {"timestamp": str(NOW_MS + shift_ms)} | ({} if window is None else {"recvWindow": window})
    assert refusal(params) == wanted


@pytest.mark.parametrize(
    ("shift_us", "window", "wanted"),
    [
        (999_999, None, None),
        (1_000_000, None, AHEAD),
        (-5_000_000, None, None),
        (-5_000_001, None, OUTSIDE),
        (-6_000_346, "6000.346", None),
        (-6_000_347, "6000.346", OUTSIDE),
    ],
)
def test_timestamps_in_microseconds(shift_us: int, window: str | None, wanted: tuple[int, str] | None) -> None:
    params = {"timestamp": str(NOW_US + shift_us)} | ({} if window is None else {"recvWindow": window})
    assert refusal(params) == wanted


@pytest.mark.parametrize(
    ("params", "code", "text"),
    [
        ({}, -1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed."),
        ({"timestamp": ""}, -1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed."),
        (
            {"timestamp": "1.5"},
            -1100,
            "Illegal characters found in parameter 'timestamp'; legal range is '^[0-9]{1,20}$'.",
        ),
        ({"timestamp": "-1"}, -1100, None),
        ({"timestamp": "now"}, -1100, None),
        ({"timestamp": "1" * 21}, -1100, None),
        ({"timestamp": "1", "recvWindow": ""}, -1105, "Parameter 'recvWindow' was empty."),
        ({"timestamp": "1", "recvWindow": "-5"}, -1100, None),
        ({"timestamp": "1", "recvWindow": "1e3"}, -1100, None),
        ({"timestamp": "1", "recvWindow": "5000.1234"}, -1111, "Parameter 'recvWindow' has too much precision."),
        ({"timestamp": "1", "recvWindow": "60000.001"}, -1131, "recvWindow must be less than 60000."),
        ({"timestamp": "1", "recvWindow": "60001"}, -1131, "recvWindow must be less than 60000."),
    ],
)
def test_what_cannot_be_read_is_refused(params: dict[str, str], code: int, text: str | None) -> None:
    found = refusal(params)
    assert found is not None
    assert found[0] == code
    assert text in (None, found[1])


def test_the_units_are_told_apart_by_size() -> None:
    assert read_timing({"timestamp": "999999999999999"}) == Timing(999_999_999_999_999_000, 5_000_000, 1_000)
    assert read_timing({"timestamp": "1000000000000000"}) == Timing(10**15, 5_000_000, 1)


@given(st.integers(-120_000, 120_000), st.integers(0, 60_000), st.integers(0, 999))
def test_a_timestamp_stands_for_its_window_and_less_than_a_second_ahead(shift: int, window: int, micros: int) -> None:
    now_us = NOW_MS * 1_000 + micros
    stands = refusal({"timestamp": str(NOW_MS + shift), "recvWindow": str(window)}, now_us) is None
    assert stands == (-window <= shift < 1_000)
