"""Cutting a server's bytes into messages: the same messages however the bytes are chopped up."""

from __future__ import annotations

import gzip
import tracemalloc
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from cryptox.transport.frames import Splitter

MOST = 2**16 + 100


def machine(most: int = MOST) -> ClientProtocol:
    return ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN, max_size=most)


def splitter(most: int = MOST) -> tuple[Splitter, ClientProtocol]:
    protocol = machine(most)
    return Splitter(protocol, most_bytes=most), protocol


def wire(opcode: Opcode, data: bytes, *, final: bool = True, mask: bool = False) -> bytes:
    return Frame(opcode, data, final).serialize(mask=mask, extensions=[])


def sent(protocol: ClientProtocol) -> list[tuple[Opcode, bytes]]:
    """What the client wrote, read by the same package as a server."""
    from websockets.protocol import SERVER, Protocol

    server = Protocol(SERVER, state=State.OPEN)
    server.receive_data(b"".join(protocol.data_to_send()))
    return [(frame.opcode, bytes(frame.data)) for frame in server.events_received()]


def fed(cutter: Splitter, data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [message for start, end in pairwise(edges) for message in cutter.feed(data[start:end])]


SIZES = st.sampled_from([0, 1, 2, 3, 125, 126, 127, 200, 255, 256, 33_150, 65_535, 65_536])  # 33150 is 0x817e
PAYLOADS = st.builds(lambda size, byte: bytes([byte]) * size, SIZES, st.sampled_from([0x81, 0x7E, 0x00, 0x7B]))


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[bytes], list[bytes], list[bytes]]:
    """Bytes of a server, the messages in them, the pings and the pongs."""
    data, messages, pings, pongs = b"", [], [], []
    for _ in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(["text", "text", "binary", "ping", "pong", "parts"]))
        if kind in ("ping", "pong"):
            payload = draw(st.binary(max_size=125))
            (pings if kind == "ping" else pongs).append(payload)
            data += wire(Opcode[kind.upper()], payload)
        elif kind == "parts":
            parts = draw(st.lists(st.binary(max_size=300), min_size=2, max_size=5))
            messages.append(b"".join(parts))
            for at, part in enumerate(parts):
                data += wire(Opcode.CONT if at else Opcode.TEXT, part, final=at == len(parts) - 1)
                if draw(st.booleans()):
                    pings.append(b"between")
                    data += wire(Opcode.PING, b"between")
        else:
            messages.append(draw(PAYLOADS))
            data += wire(Opcode[kind.upper()], messages[-1])
    return data, messages, pings, pongs


@settings(max_examples=150, deadline=None)
@given(streams(), st.lists(st.integers(0, 2**20), max_size=12))
def test_any_chunks_give_the_same_messages_pongs_and_answers(stream, cuts) -> None:
    data, messages, pings, pongs = stream
    cutter, protocol = splitter()
    heard = []
    found = []
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in pairwise(edges):
        found += cutter.feed(data[start:end])
        heard += cutter.pongs
    assert found == messages
    assert all(type(message) is bytes for message in found)
    assert heard == pongs
    assert [payload for opcode, payload in sent(protocol) if opcode is Opcode.PONG] == pings
    assert not cutter.over


def test_byte_by_byte() -> None:
    data = wire(Opcode.TEXT, b"a" * 200) + wire(Opcode.PING, b"p") + wire(Opcode.BINARY, b"") + wire(Opcode.TEXT, b"xy")
    cutter, protocol = splitter()
    assert fed(cutter, data, list(range(len(data)))) == [b"a" * 200, b"", b"xy"]
    assert sent(protocol) == [(Opcode.PONG, b"p")]


def test_a_real_session_in_chunks_of_the_loops_size(shared: Path) -> None:
    with gzip.open(shared / "data/hftbacktest/btcusdt_20240808.gz", "rb") as file:
        lines = [line.split(b" ", 1)[1].strip() for line in file if b'"stream"' in line][:4_000]
    data = b"".join(wire(Opcode.TEXT, line) for line in lines)
    cutter, _ = splitter()
    assert [message for at in range(0, len(data), 2**16) for message in cutter.feed(data[at : at + 2**16])] == lines


@pytest.mark.parametrize(
    ("data", "kind", "code"),
    [
        (wire(Opcode.TEXT, b"masked", mask=True), "protocol", 1002),
        (wire(Opcode.PING, b"", mask=True), "protocol", 1002),
        (b"\xc1\x01a", "protocol", 1002),  # compressed, which was never agreed
        (b"\x83\x01a", "protocol", 1002),  # an opcode that does not exist
        (b"HTTP/1.1 200 OK\r\n\r\n", "protocol", 1002),
        (b"\x09\x00", "protocol", 1002),  # a ping in pieces
        (b"\x89\x7e\x00\x7e" + b"p" * 126, "protocol", 1002),  # a ping too long
        (wire(Opcode.CONT, b"of nothing"), "protocol", 1002),
        (b"\x81\xff", "protocol", 1002),
        (wire(Opcode.TEXT, b"a", final=False) + wire(Opcode.TEXT, b"b"), "protocol", 1002),
        (b"\x88\x01\x03", "protocol", 1002),  # half a close code
        (b"\x81\x7f" + (MOST + 1).to_bytes(8, "big"), "too_large", 1009),  # refused by its header alone
        (b"\x81\x7f" + b"\xff" * 8, "too_large", 1009),
        (wire(Opcode.TEXT, b"a" * 65_000, final=False) + wire(Opcode.CONT, b"b" * 637), "too_large", 1009),
    ],
    ids=lambda value: f"{len(value)} bytes" if isinstance(value, bytes) else None,  # masks are drawn at random
)
def test_what_breaks_the_rules_ends_it_after_what_came_before(data: bytes, kind: str, code: int) -> None:
    for cut in (0, 1, 2, 3):
        cutter, protocol = splitter()
        messages = fed(cutter, wire(Opcode.TEXT, b"good") + data + wire(Opcode.TEXT, b"late"), [6 + cut])
        assert messages == [b"good"]
        assert cutter.over
        assert cutter.fault is not None
        assert cutter.fault.kind == kind
        [(opcode, payload)] = sent(protocol)
        assert (opcode, Close.parse(payload).code) == (Opcode.CLOSE, code)
        assert cutter.feed(wire(Opcode.TEXT, b"later")) == []


@pytest.mark.parametrize("header", [b"\x89\x7e", b"\x81\x80", b"\x81\x7f" + b"\x01" * 8, b"\xf1\x7f"])
def test_a_header_that_breaks_the_rules_is_refused_before_its_payload_comes(header: bytes) -> None:
    cutter, _ = splitter()
    assert cutter.feed(header) == []
    assert cutter.fault is not None


def test_a_close_is_answered_and_ends_it_without_fault() -> None:
    cutter, protocol = splitter()
    close = Close(1001, "Server shutdown").serialize()
    data = wire(Opcode.TEXT, b"last") + wire(Opcode.CLOSE, close) + wire(Opcode.TEXT, b"late")
    assert cutter.feed(data) == [b"last"]
    assert (cutter.over, cutter.fault) == (True, None)
    assert sent(protocol) == [(Opcode.CLOSE, close)]


def test_the_largest_message_is_taken_whole_or_in_parts() -> None:
    cutter, _ = splitter()
    whole = wire(Opcode.TEXT, b"a" * MOST)
    parts = wire(Opcode.TEXT, b"a" * 60_000, final=False) + wire(Opcode.CONT, b"a" * (MOST - 60_000))
    assert fed(cutter, whole + parts, [5, 70_000]) == [b"a" * MOST] * 2


def test_an_endless_message_of_nothing_takes_no_memory() -> None:
    cutter, _ = splitter()
    cutter.feed(wire(Opcode.TEXT, b"", final=False))
    nothing = wire(Opcode.CONT, b"", final=False) * 1_000
    cutter.feed(nothing)
    tracemalloc.start()
    try:
        for _ in range(4):
            cutter.feed(nothing)
        assert tracemalloc.get_traced_memory()[0] < 20_000
    finally:
        tracemalloc.stop()
    assert cutter.feed(wire(Opcode.CONT, b"end")) == [b"end"]


def test_a_long_message_in_tiny_pieces_is_not_copied_each_time() -> None:
    most = 2**23
    data = wire(Opcode.TEXT, b"a" * most)
    cutter, _ = splitter(most)
    step = 500  # 16,778 pieces: 70 GB would be copied if each were joined to what came before
    assert [len(m) for at in range(0, len(data), step) for m in cutter.feed(data[at : at + step])] == [most]


def test_a_limit_below_sixteen_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="65536"):
        Splitter(machine(), most_bytes=65_535)
