"""WebSocket messages out of the bytes a server sends: many per chunk, no coroutine. Pure.

Whole messages are cut out right here; everything else (pings, pongs, closes, fragments) is handed frame by frame to
the protocol machine of the ``websockets`` package. Figures: ``benchmarks/sockets.py``.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from websockets.client import ClientProtocol

__all__ = ["LEAST_MOST_BYTES", "Fault", "Splitter"]

LEAST_MOST_BYTES = 2**16  # a 16-bit length is always allowed, so that the fast path need not ask
PROTOCOL_ERROR, TOO_BIG = 1002, 1009  # close codes, RFC 6455 section 7.4.1

_two_words = struct.Struct(">HH").unpack_from
_FINAL, _CONTROL, _MASKED = 0x80, 0x08, 0x80
_TEXT, _BINARY = 0x8100, 0x8200  # a final frame's first byte, as the upper half of a word
_WIDE, _WIDEST = 126, 127  # the length follows, in two or in eight bytes
_TEXT_WIDE, _BINARY_WIDE = _TEXT | _WIDE, _BINARY | _WIDE
_WHOLE = frozenset((_TEXT >> 8, _BINARY >> 8))
_LEGAL = _WHOLE | {0x00, 0x01, 0x02, 0x80, 0x88, 0x89, 0x8A}  # the first bytes that a frame without extensions can have
_MOST_CONTROL = 125


class Fault(NamedTuple):
    """Why the other side's bytes are not taken any more."""

    kind: Literal["protocol", "too_large"]
    text: str


class Splitter:
    """Cuts the stream of one connection into messages; keeps at most one unfinished message.

    Parameters
    ----------
    protocol
        The open client's machine: it answers pings and closes; collect ``protocol.data_to_send()`` after each ``feed``.
    most_bytes
        Size of the largest message taken, in bytes; at least ``LEAST_MOST_BYTES``. The same as the machine's.

    Attributes
    ----------
    pongs : list of bytes
        Payloads of the pongs of the last ``feed``.
    over : bool
        The other side closed or broke the rules: whatever else it sends is dropped.
    fault : Fault or None
        What rule it broke.
    """

    def __init__(self, protocol: ClientProtocol, *, most_bytes: int) -> None:
        if most_bytes < LEAST_MOST_BYTES:
            raise ValueError(f"most_bytes must be at least {LEAST_MOST_BYTES}, not {most_bytes}")
        self._protocol = protocol
        self._most = most_bytes
        self._tail: bytes | bytearray = b""  # of a frame that is not whole yet
        self._need = 0  # bytes of that frame from its beginning, as far as is known
        self._message: bytearray | None = None  # a fragmented message so far
        self.pongs: list[bytes] = []
        self.over = False
        self.fault: Fault | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The whole messages that these bytes complete, text and binary alike, in order; text is not checked."""
        if self.pongs:
            self.pongs = []
        if self.over:
            return []
        messages: list[bytes] = []
        at, size = self._complete(data, messages) if self._need else 0, len(data)
        while at < size and not self.over:
            if self._message is None:
                at = _cut(data, at, messages)
                if at == size:
                    break
            at = self._other(data, at, messages)
            if self._need:
                self._tail = data[at:]
                break
        return messages

    def _complete(self, data: bytes, messages: list[bytes]) -> int:
        """Make the unfinished frame whole, if these bytes do; how many of them it took.

        Only that one frame is put together: joining it with the whole chunk would copy everything once more.
        """
        at = 0
        while self._need:
            missing = self._need - len(self._tail)
            if len(data) - at < missing:
                self._keep(data[at:])
                return len(data)
            frame = b"".join((self._tail, data[at : at + missing]))
            at += missing
            self._tail, self._need = b"", 0
            self._other(frame, 0, messages)
            if self._need:  # more than that, as its header now says
                self._tail = frame
        return at

    def _keep(self, data: bytes) -> None:
        if not isinstance(self._tail, bytearray):
            self._tail = bytearray(self._tail)
        self._tail += data

    def _other(self, data: bytes, at: int, messages: list[bytes]) -> int:
        """Take one frame of any kind: the position after it, or unmoved with ``_need`` set where it is not whole."""
        have = len(data) - at
        if have < 2:
            self._need = 2
            return at
        first, size = data[at], data[at + 1]
        if first not in _LEGAL:
            return self._refuse(data, Fault("protocol", f"no frame begins with the byte {first:#04x}"))
        if size & _MASKED:
            return self._refuse(data, Fault("protocol", "a server must not mask its frames"))
        if first & _CONTROL and size > _MOST_CONTROL:
            return self._refuse(data, Fault("protocol", "a control frame is longer than 125 bytes"))
        header = 2 + (2 if size == _WIDE else 8 if size == _WIDEST else 0)
        if have < header:
            self._need = header
            return at
        start = at + header
        if header > 2:
            size = int.from_bytes(data[at + 2 : start], "big")
        if size > self._most:
            return self._refuse(data, Fault("too_large", f"a message of {size} bytes; {self._most} are taken"))
        end = start + size
        if end > len(data):
            self._need = end - at
            return at
        if first in _WHOLE and self._message is None:
            messages.append(data[start:end])
            return end
        return end if self._hand_over(data[at:end], messages) else len(data)

    def _refuse(self, data: bytes, fault: Fault) -> int:
        self.over = True
        self.fault = fault
        self._protocol.fail(TOO_BIG if fault.kind == "too_large" else PROTOCOL_ERROR, fault.text)
        return len(data)

    def _hand_over(self, frame: bytes, messages: list[bytes]) -> bool:
        """Let the machine take one whole frame; whether more may follow."""
        from websockets.exceptions import PayloadTooBig
        from websockets.frames import Opcode
        from websockets.http11 import Request, Response

        protocol = self._protocol
        protocol.receive_data(frame)
        for event in protocol.events_received():
            if isinstance(event, (Request, Response)):
                continue
            if event.opcode is Opcode.PONG:
                self.pongs.append(bytes(event.data))
            elif event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._join(bytes(event.data), event.fin, messages)
        if protocol.parser_exc is not None:
            kind: Literal["protocol", "too_large"]
            kind = "too_large" if isinstance(protocol.parser_exc, PayloadTooBig) else "protocol"
            self.fault = Fault(kind, str(protocol.parser_exc))
        self.over = self.fault is not None or protocol.close_rcvd is not None
        return not self.over

    def _join(self, data: bytes, final: bool, messages: list[bytes]) -> None:
        # One growing array, not a list: fragments without content would fill a list without end.
        if self._message is None:
            self._message = bytearray()
        self._message += data
        if final:
            messages.append(bytes(self._message))
            self._message = None


def _cut(data: bytes, at: int, messages: list[bytes]) -> int:
    """Append the whole, unfragmented messages from ``at`` on; the position of the first frame that is something else.

    The hot path of all streams: about 0.16 µs a message.
    """
    add = messages.append
    size = len(data)
    last = size - 4
    while at <= last:
        head, length = _two_words(data, at)
        if head == _TEXT_WIDE or head == _BINARY_WIDE:  # noqa: SIM109 - two comparisons of ints are the fastest
            start = at + 4
        elif _TEXT <= head < _TEXT_WIDE or _BINARY <= head < _BINARY_WIDE:
            start = at + 2
            length = head & 0x7F
        else:
            return at
        end = start + length
        if end > size:
            return at
        add(data[start:end])
        at = end
    return at
