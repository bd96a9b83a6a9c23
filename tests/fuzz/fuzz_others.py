"""Decoders of streams, user events, files that are read back, and what clients say to the paper exchange."""

from __future__ import annotations

import gzip
import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from fuzz_table import VENUE, decoder, tried

from cryptox.errors import ConfigurationError, ExchangeError, ValidationError
from cryptox.paper.refusals import Refused
from cryptox.paper.streams.control import Mistaken, read_command
from cryptox.paper.streams.opening import read_opening
from cryptox.paper.streams.recording import read_recording
from cryptox.paper.table_file import read_candles
from cryptox.paper.wsapi.requests import Unread, read_call
from cryptox.sessions import keyring
from cryptox.sessions.journal import Journal
from cryptox.table import attrs
from cryptox.transport import tape
from cryptox.transport.body import BrokenBodyError, Collector, TooLargeError
from cryptox.transport.stops import Stops
from cryptox.venues.binance.sequence import LocalBook
from cryptox.venues.binance.userdata import Codec

# Streams and user events.


@decoder()
def stream_events(body: bytes) -> None:
    """Frames, a line each, through everything that a feed does with them; nothing is raised, ever."""
    frames = body.split(b"\n")
    arrived = VENUE.inbox().read(frames, 1)
    for frame in frames:
        VENUE.stream_in(frame)
    for _, told in arrived.told:
        told.keys(), told.event_time_ms, len(told)
        if told._reader.pack_rows is not None:
            told.pack(told.rows)
        if told._reader.event is not None:
            assert len(told.events()) == len(told.rows)
            told.newest()
        else:
            book = LocalBook("BTCUSDT")
            for row in told.rows:
                tried(ExchangeError, book.diff, row)
            tried(ExchangeError, book.diffs, told.rows)
            book.top()
        for row in told.rows:
            text = msgspec.json.encode({"stream": "x", "data": row})
            assert msgspec.json.encode({"stream": "x", "data": told._reader.row(text)}) == text


@decoder()
def user_events(body: bytes) -> None:
    """Frames, a line each; what cannot be read is a notice or an error in a reply."""
    reader = Codec("binance")
    for frame in body.split(b"\n"):
        repr(reader.read(frame, 1))


# Files that are read back.

_folder = tempfile.TemporaryDirectory(prefix="fuzz-")
FOLDER = Path(_folder.name)


@contextmanager
def file(name: str, body: bytes) -> Iterator[Path]:
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    yield path


def _listed(read_all: Callable[[Any], Iterator[Any]], path: Path) -> list[Any]:
    return list(read_all(path))


def taped(body: bytes, name: str) -> None:
    with file(name, body) as path:
        entries = tried(OSError, _listed, tape.read, path)
    for entry in entries or ():
        if entry is not None:
            assert tape.parse(tape.render(*entry)) == entry, "a line is read another way again"
            tape.note_in(entry.message), VENUE.stream_in(entry.message), VENUE.snapshot_in(entry.message)


@decoder(OSError, weight=3)
def tape_lines(body: bytes) -> None:
    taped(body, "tape.jsonl")


@decoder(OSError, weight=3)
def tape_zipped(body: bytes) -> None:
    taped(body, "tape.gz")


@decoder(OSError, weight=5)
def paper_recording(body: bytes) -> None:
    """What the paper exchange replays; as it is, and zipped."""
    for content in (body, gzip.compress(body, 1)):
        with file("recording.gz", content) as path:
            tried(OSError, _listed, read_recording, path)


@decoder()
def journal(body: bytes) -> None:
    """The journal of orders: what cannot be read is passed over, for an order must not fail for it."""
    with file("orders/binance-abc-2026-06-01.jsonl", body):
        kept = Journal("binance", "abc", FOLDER)
        entries, given = kept.read()
    for entry in entries:
        assert abs(entry.sent_ms) < 2**63, "a time beyond 64 bits"
        assert abs(entry.accepted_until_ms) < 2**63, "a time beyond 64 bits"
        assert 0 <= entry.process < 2**31, "a process that none is"
        repr(entry)
    assert all(isinstance(name, str) and abs(number) < 2**63 for name, number in given.items())


@decoder()
def stop_file(body: bytes) -> None:
    """Where nothing may be sent until T: a broken file counts as absent, and no one is locked out for good."""
    stops = Stops("https://api.binance.com", folder=FOLDER, wall=lambda: 1e9)
    assert stops.path is not None
    stops.path.write_bytes(body)
    stop = stops.current()
    assert stop is None or 0 < stops.left_s(stop) <= 3 * 86400 + 3600


@decoder(ValidationError, ConfigurationError, weight=20)
def candles_csv(body: bytes) -> None:
    with file("candles.csv", body) as path:
        tried((ValidationError, ConfigurationError), read_candles, path, "candles.csv")


@decoder(ValidationError, ConfigurationError, weight=20)
def candles_zipped(body: bytes) -> None:
    with file("candles.csv.gz", body) as path:
        tried((ValidationError, ConfigurationError), read_candles, path, "candles.csv.gz")


@decoder(ValidationError, ConfigurationError, weight=20)
def candles_parquet(body: bytes) -> None:
    with file("candles.parquet", body) as path:
        tried((ValidationError, ConfigurationError), read_candles, path, "candles.parquet")


@decoder(ValidationError, ConfigurationError, weight=20)
def candles_feather(body: bytes) -> None:
    with file("candles.feather", body) as path:
        tried((ValidationError, ConfigurationError), read_candles, path, "candles.feather")


@decoder()
def frame_attributes(body: bytes) -> None:
    """What a table of Arrow carries of its making."""
    assert isinstance(attrs._read(body), dict)


@decoder(ConfigurationError)
def keyring_entry(body: bytes) -> None:
    tried(ConfigurationError, keyring._read, body.decode("utf-8", "replace"), "binance", "me")


# What clients say to the paper exchange, and bodies on their way.


@decoder(Unread)
def paper_call(body: bytes) -> None:
    tried(Unread, read_call, body.decode("utf-8", "surrogateescape"))


@decoder(Mistaken)
def paper_command(body: bytes) -> None:
    tried(Mistaken, read_command, body)


@decoder(Refused)
def paper_opening(body: bytes) -> None:
    tried(Refused, read_opening, body.decode("utf-8", "surrogateescape"))


@decoder(BrokenBodyError, TooLargeError)
def zipped_body(body: bytes) -> None:
    """A body in pieces, bound to 1 MB whatever it unpacks to."""
    for encoding in ("gzip", "deflate", "identity"):

        def whole(encoding: str = encoding) -> bytes:
            found = Collector(encoding, most=1 << 20)
            for at in itertools.count(0, 1000):
                if at >= len(body):
                    return found.whole()
                found.feed(body[at : at + 1000])
            raise AssertionError

        assert len(tried((BrokenBodyError, TooLargeError), whole) or b"") <= 1 << 20
