"""Candles from digits: right or None, against a regular expression and Python's integers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptox.venues.binance.digits import kline_columns

_TIME, _NUMBER = rb"(0|[1-9]\d{0,15})", rb'"(\d{1,16}\.\d{8})"'
_FIELDS = [_TIME, *[_NUMBER] * 5, _TIME, _NUMBER, _TIME, *[_NUMBER] * 2, rb'"0"']
_ROW = re.compile(rb"\[" + rb",".join(_FIELDS) + rb"\]")
_BODY = re.compile(rb"\[(" + _ROW.pattern + rb",)*" + _ROW.pattern + rb"\]")


def plainly(body: bytes) -> list[list[int]] | None:
    """The columns, slowly; None for a body that is not as Binance writes it."""
    if not _BODY.fullmatch(body):
        return None
    rows = [[int(text.replace(b".", b"")) for text in match.groups()] for match in _ROW.finditer(body)]
    return [list(column) for column in zip(*rows, strict=True)]


def quickly(body: bytes) -> list[list[int]] | None:
    found = kline_columns(body)
    if found is None:
        return None
    integers, numbers = (one.tolist() for one in found)
    return [integers[0], *numbers[:5], integers[1], numbers[5], integers[2], *numbers[6:]]


COUNT = st.one_of(st.integers(0, 999), st.integers(10**12, 10**13), st.integers(0, 10**16 - 1))
DECIMAL = st.builds(
    "{}.{:08d}".format,
    st.one_of(st.integers(0, 99), st.integers(10**7, 10**9), st.integers(0, 10**16 - 1)),
    st.integers(0, 10**8 - 1),
)
ROWS = st.lists(st.tuples(COUNT, st.tuples(*[DECIMAL] * 8), COUNT, COUNT), min_size=1, max_size=4)


def written(rows: list[tuple[int, tuple[str, ...], int, int]]) -> bytes:
    lines = []
    for opened, numbers, closed, trades in rows:
        texts = [f'"{text}"' for text in numbers]
        fields = [str(opened), *texts[:5], str(closed), texts[5], str(trades), *texts[6:], '"0"']
        lines.append(f"[{','.join(fields)}]")
    return f"[{','.join(lines)}]".encode()


@settings(max_examples=100, deadline=None)
@given(ROWS)
def test_the_digits_are_read_as_they_stand(rows: list[tuple[int, tuple[str, ...], int, int]]) -> None:
    body = written(rows)
    expected = plainly(body)
    assert expected is not None
    assert quickly(body) == expected


BODY = written([(1634943780000, ("60685.22000000",) * 4 + ("0.00000001",) * 4, 1634943839999, 617)] * 2)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(BODY) - 1), st.sampled_from(b'0123456789."[],-+ e\n/:\x00\xb5\xff'), st.integers(0, 2))
def test_any_changed_byte_is_seen(at: int, byte: int, kind: int) -> None:
    middle = {0: bytes([byte]), 1: b"", 2: bytes([byte, BODY[at]])}[kind]  # replaced, dropped, put before
    body = BODY[:at] + middle + BODY[at + 1 :]
    assert quickly(body) == plainly(body)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"[[]]", b"[[,,,,,,,,,,,]]", b"{}", BODY[:-1], BODY + b"\n", BODY[1:], b"[" * 20 + b"]" * 20]
)
def test_other_bodies_are_left_to_the_usual_way(body: bytes) -> None:
    assert kline_columns(body) is None


def test_every_byte_matters_everywhere() -> None:
    for at in range(len(BODY)):
        body = BODY[:at] + b"x" + BODY[at + 1 :]
        assert kline_columns(body) is None, at
