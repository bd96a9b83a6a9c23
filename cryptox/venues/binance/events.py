"""Messages of the market streams: bytes to rows of our tables, and rows to events.

Two steps, because most messages are never looked at one by one. ``Inbox.sort`` parts the frames of one wake-up by
stream without decoding them; the ``Reader`` of a stream's feed decodes its frames into wire structs (typed, no
dictionary), packs many of these into columns at once, and makes an event of one when somebody wants events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from cryptox.errors import ExchangeError

from .channels import SHUTDOWN_EVENT, SHUTDOWN_STREAM, Feed, Stream, read_stream
from .columns import excerpt
from .readers import READERS, Reader
from .wire.streams import ServerShutdown

__all__ = ["READERS", "Inbox", "Reader", "Refusal", "Reply", "Sorted", "reader_of"]

_OPENING = b'{"stream":"'  # of the combined form, as the exchange prints it
_AFTER = len(_OPENING)
_MOST_STREAMS = 4_096  # remembered by name
_MOST_TOLD = 1_000


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a control message: ``result`` is None for success, a list of names for LIST_SUBSCRIPTIONS."""

    id: int | str | None
    result: Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """A control message that was not accepted; ``id`` is None where the exchange does not say which."""

    id: int | str | None
    code: int
    message: str


@dataclass(slots=True)
class Sorted:
    """The frames of one wake-up.

    Attributes
    ----------
    streams
        Frames by stream, in the order in which they came.
    answers
        Replies and refusals of control messages.
    shutdown_ms
        When the exchange said that this connection ends soon; None where it did not.
    unknown
        Streams and events met for the first time that nobody here knows.
    errors
        One for each frame that could not be read.
    """

    streams: dict[Stream, list[bytes]]
    answers: tuple[Reply | Refusal, ...] = ()
    shutdown_ms: int | None = None
    unknown: tuple[str, ...] = ()
    errors: tuple[ExchangeError, ...] = ()


class _Words(Struct, rename={"event": "e", "event_time": "E"}):
    """What tells the kinds of messages apart."""

    stream: str | UnsetType = UNSET
    data: Raw | UnsetType = UNSET
    event: str | UnsetType = UNSET
    event_time: int | UnsetType = UNSET
    result: Raw | UnsetType = UNSET
    id: int | str | UnsetType | None = UNSET
    code: int | UnsetType = UNSET
    msg: str = ""
    error: _Error | UnsetType = UNSET


class _Error(Struct):
    code: int
    msg: str = ""


_words = msgspec.json.Decoder(_Words)
_shutdown = msgspec.json.Decoder(ServerShutdown)


class Inbox:
    """Parts the frames of a connection. Remembers only which unknown things have been told.

    Parameters
    ----------
    stream
        The one stream of a raw connection (``/ws/<stream>``), whose messages do not name it; None for combined ones.
    """

    def __init__(self, stream: str | None = None) -> None:
        self._only = None if stream is None else read_stream(stream)
        self._told: set[str] = set()
        self._streams: dict[bytes, Stream] = {}  # by the opening of their frames

    def sort(self, frames: Sequence[bytes]) -> Sorted:
        """The frames by stream, and what is no event of a stream."""
        found = Sorted({})
        opening, some = b"", list[bytes]()
        if frames and frames[0].startswith(_OPENING):
            opening = frames[0][: frames[0].find(b'"', _AFTER) + 1]
            only = self._streams.get(opening)
            if only is not None and all(map(bytes.startswith, frames, repeat(opening))):
                found.streams[only] = list(frames)  # as most often, in half the time
                return found
            opening = b""
        for frame in frames:
            if opening and frame.startswith(opening):  # the same stream as the frame before
                some.append(frame)
                continue
            start = frame[: frame.find(b'"', _AFTER) + 1] if frame.startswith(_OPENING) else b""
            stream = self._streams.get(start)
            if stream is None:
                stream = self._other(frame, found)
                if stream is None:
                    continue
                if start and len(self._streams) < _MOST_STREAMS:
                    self._streams[start] = stream
            some = found.streams.setdefault(stream, [])
            some.append(frame)
            opening = start
        return found

    def _other(self, frame: bytes, found: Sorted) -> Stream | None:
        """The stream of a frame that is not written the usual way, or of none seen before."""
        try:
            words = _words.decode(frame)
            if words.stream is not UNSET and words.data is not UNSET:
                return self._combined(words.stream, bytes(words.data), found)
            if words.error is not UNSET:
                found.answers += (Refusal(_id(words), words.error.code, words.error.msg),)
            elif words.code is not UNSET:
                found.answers += (Refusal(_id(words), words.code, words.msg),)
            elif words.id is not UNSET:
                result = None if words.result is UNSET else msgspec.json.decode(words.result)
                found.answers += (Reply(words.id, result),)
            elif words.event == SHUTDOWN_EVENT:
                found.shutdown_ms = _shutdown.decode(frame).event_time
            elif self._only is not None:
                return self._only
            else:
                self._tell(excerpt(frame) if words.event is UNSET else words.event, found)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            message = f"A message of a stream cannot be read: {error}"
            found.errors += (ExchangeError(message, technical_details=excerpt(frame)),)
        return None

    def _combined(self, name: str, data: bytes, found: Sorted) -> Stream | None:
        stream = read_stream(name)
        if name == SHUTDOWN_STREAM:
            found.shutdown_ms = _shutdown.decode(data).event_time
        elif stream is None:
            self._tell(name, found)
        return stream

    def _tell(self, what: str, found: Sorted) -> None:
        if what not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(what)
            found.unknown += (what,)


def reader_of(feed: Feed) -> Reader[Any] | None:
    """The reader of a feed; None for feeds that cryptox has no table or record for."""
    return READERS.get(feed)


def _id(words: _Words) -> int | str | None:
    return None if words.id is UNSET else words.id
