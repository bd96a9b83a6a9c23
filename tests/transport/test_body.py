"""The bytes of a body, in whatever pieces they come."""

from __future__ import annotations

import gzip
import zlib

import pytest

from cryptox.transport.body import BrokenBodyError, Collector, TooLargeError

TEXT = b'{"price":"64000.00000000"}' * 40


def collected(body: bytes, encoding: str, step: int, most: int = len(TEXT)) -> bytes:
    collector = Collector(encoding, most)
    for at in range(0, len(body), step):
        collector.feed(body[at : at + step])
    return collector.whole()


@pytest.mark.parametrize("step", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT)),
        (" X-GZIP ", gzip.compress(TEXT[:50]) + gzip.compress(b"") + gzip.compress(TEXT[50:])),
        ("deflate", zlib.compress(TEXT)),
    ],
)
def test_the_whole_comes_back_however_it_was_cut(encoding: str, body: bytes, step: int) -> None:
    assert collected(body, encoding, step) == TEXT


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_nothing_is_nothing(encoding: str) -> None:
    collector = Collector(encoding)
    collector.feed(b"")
    assert collector.whole() == b""


@pytest.mark.parametrize(("encoding", "body"), [("", TEXT), ("gzip", gzip.compress(TEXT))])
@pytest.mark.parametrize("step", [1, 10_000])
def test_one_byte_more_than_the_bound_is_too_large(encoding: str, body: bytes, step: int) -> None:
    assert len(collected(body, encoding, step, len(TEXT))) == len(TEXT)
    with pytest.raises(TooLargeError, match=f"more than {len(TEXT) - 1} bytes"):
        collected(body, encoding, step, len(TEXT) - 1)


def test_what_is_damaged_cut_or_was_not_asked_for_is_broken() -> None:
    zipped = gzip.compress(TEXT)
    for body in (zipped[:-1], zipped[:1], zipped[:-8] + b"\0" * 8, b"x" + zipped, zipped + b"tail"):
        with pytest.raises(BrokenBodyError):
            collected(body, "gzip", 10_000)
    with pytest.raises(BrokenBodyError, match="content-encoding 'br' was not asked for"):
        Collector("br")
