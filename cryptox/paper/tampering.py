"""What faults do to WebSockets: messages lost, doubled, late or out of order, connections silent, calls unanswered.

One ``Tampering`` stands between the exchange and the clients of streams and of the WebSocket API. Lives on the
server's loop; timers and real time are given to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Protocol

from cryptox.venues.binance.channels import read_stream

from .fault_kinds import CALLS
from .faults import Fault, Faults, Seen, SeenFrame
from .refusals import Refused
from .sockets import Line, frame
from .spoiled import refusal_of
from .wsapi.connection import Outgoing, Sort
from .wsapi.requests import Call

__all__ = ["USER_DATA", "Meddling", "Tampering"]

USER_DATA = "userData"  # what faults call the stream of an account's events
DECIDING = ("drop", "reset", "status", "limit")  # kinds that decide on the answer to a call

Later = Callable[[float, Callable[[], None]], object]


class Client(Protocol):
    """Whoever a message goes to."""

    @property
    def line(self) -> Line:
        """The connection."""


@dataclass(frozen=True, slots=True)
class Meddling:
    """What faults do to one request of the WebSocket API.

    Attributes
    ----------
    kind
        Of the fault that decides, for the log.
    delay
        Seconds that the answer comes later.
    skew_us
        By how much ``time`` is wrong, in microseconds.
    accepted
        Whether the request is worked on.
    answer
        What is answered in the place of what it leads to.
    is_silent, is_cut
        There is no answer; the connection is reset.
    """

    kind: str
    delay: float = 0.0
    skew_us: int = 0
    accepted: bool = True
    answer: Refused | None = None
    is_silent: bool = False
    is_cut: bool = False


class Tampering:
    """Lets faults strike.

    Parameters
    ----------
    faults
        Those in force.
    later
        Calls a function after so many seconds, on the loop.
    wall
        Real seconds since the epoch.
    """

    def __init__(self, faults: Faults, later: Later, wall: Callable[[], float]) -> None:
        self._faults, self._later, self._wall = faults, later, wall
        self._held: dict[tuple[Line, str], list[bytes]] = {}  # by connection and stream: waits for the next message
        self._frozen: dict[Line, int] = {}  # how many times over

    def outgoing(self, connection: Client, stream: str | None, payload: bytes) -> Iterable[bytes]:
        """What goes out in the place of a message of the streams; control answers (no stream) are let pass."""
        if stream is None:
            return (payload,)
        return self._changed(connection.line, SeenFrame(stream, _event_of(stream), payload))

    def event(self, message: Outgoing) -> Iterable[bytes]:
        """What goes out in the place of a message of the WebSocket API; answers are let pass."""
        if message.sort is not Sort.EVENT:
            return (message.payload,)
        return self._changed(message.connection.line, SeenFrame(USER_DATA, message.name, message.payload))

    def meddle(self, call: Call) -> Meddling | None:
        """What happens to a request of the WebSocket API; None for nothing."""
        if not len(self._faults):
            return None
        name, twin, now = call.method.name, call.method.twin, self._wall()
        method, path = ("", name) if twin is None else (twin.method, twin.path)
        struck = self._faults.struck(Seen(method, path, call.params, {}, name), now, CALLS)
        return _meddling(struck, now) if struck else None

    def freeze(self, line: Line, seconds: float) -> None:
        """Let a connection fall silent for so long; of several such times the last end counts."""
        self._frozen[line] = self._frozen.get(line, 0) + 1
        line.freeze()
        self._later(seconds, partial(self._thaw, line))

    def release(self) -> None:
        """Send what is held back."""
        held, self._held = self._held, {}
        for (line, _), payloads in held.items():
            _send(line, payloads)

    def _changed(self, line: Line, seen: SeenFrame) -> list[bytes]:
        now, payloads = self._wall(), [seen.payload]
        held = self._held.get((line, seen.stream))
        frames = self._faults.frames
        for fault in frames:
            how = _how(fault)
            if how == "reorder" and held is not None:
                continue  # this is the message that the one held back waits for
            if not payloads or not fault.strikes(seen, now):
                continue
            if how == "freeze":
                self.freeze(line, fault.settings["seconds"])
            elif how == "duplicate":
                payloads = payloads * 2
            elif how == "reorder":
                payloads = self._hold(line, seen.stream, payloads, fault.settings["seconds"])
            elif how == "delay":
                self._later(fault.settings["seconds"], partial(_send, line, payloads))
                payloads = []
            else:
                payloads = []
        if payloads and held is not None:
            del self._held[line, seen.stream]
            payloads = payloads + held
        if not self._held and all(fault.is_over(now) for fault in frames):
            self._faults.rest(now)
        return payloads

    def _hold(self, line: Line, stream: str, payloads: list[bytes], seconds: float | None) -> list[bytes]:
        for key in [key for key in self._held if not key[0].is_open]:
            del self._held[key]
        self._held[line, stream] = payloads
        if seconds is not None:
            self._later(seconds, partial(self._give_up, line, stream, payloads))
        return []

    def _give_up(self, line: Line, stream: str, payloads: list[bytes]) -> None:
        """Send what still waits for the next message of its stream."""
        if self._held.get((line, stream)) is payloads:
            del self._held[line, stream]
            _send(line, payloads)

    def _thaw(self, line: Line) -> None:
        self._frozen[line] -= 1
        if not self._frozen[line]:
            del self._frozen[line]
            line.thaw()


def _send(line: Line, payloads: list[bytes]) -> None:
    line.write(b"".join(frame(payload, line.data) for payload in payloads))


@lru_cache(maxsize=4_096)
def _event_of(stream: str) -> str:
    found = read_stream(stream)
    return "" if found is None else found.channel.event or ""


def _how(fault: Fault) -> str:
    return str(fault.settings["how"]) if fault.kind == "frame" else "drop" if fault.kind == "skip_depth" else "freeze"


def _meddling(struck: list[Fault], now: float) -> Meddling:
    """The first fault that has an answer, or wants none, decides."""
    deciding = next((fault for fault in struck if fault.kind in DECIDING), None)
    kind = struck[0].kind if deciding is None else deciding.kind
    return Meddling(
        kind=kind,
        delay=sum(fault.delay() for fault in struck if fault.kind == "latency"),
        skew_us=sum(int(fault.settings["seconds"] * 1e6) for fault in struck if fault.kind == "skew"),
        accepted=all(fault.accepts for fault in struck),
        answer=refusal_of(deciding, now) if deciding is not None and kind in ("status", "limit") else None,
        is_silent=kind in ("drop", "reset"),
        is_cut=kind == "reset",
    )
