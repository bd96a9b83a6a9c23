"""One message in all the forms in which clients want it, each of them made once."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from cryptox.paper.sockets import frame

from .look import Event
from .writing import in_envelope, written

__all__ = ["Form", "Message", "Name", "Recorded", "SbeName", "Told", "plain"]

Form = tuple[bool, bool]  # combined, microseconds


class SbeName(NamedTuple):
    """A stream's name on a connection that wants SBE; the same text names another stream elsewhere."""

    text: str


Name = str | SbeName  # what a client has subscribed to, in JSON or in SBE


def plain(name: Name) -> str:
    """The name as a client says it."""
    return name.text if isinstance(name, SbeName) else name


class Message(Protocol):
    """Something to send to whoever has subscribed to ``stream``."""

    @property
    def stream(self) -> Name:
        """Whose readers get it."""

    def payload(self, form: Form) -> bytes:
        """The content of the message."""

    def frame(self, form: Form) -> bytes:
        """The whole frame."""


class Told:
    """An event of a source."""

    __slots__ = ("_event", "_frames", "_payloads", "stream")

    def __init__(self, stream: str, event: Event) -> None:
        self.stream, self._event = stream, event
        self._payloads: dict[Form, bytes] = {}
        self._frames: dict[Form, bytes] = {}

    def payload(self, form: Form) -> bytes:
        """The event as JSON, in an envelope where the form says so."""
        made = self._payloads.get(form)
        if made is None:
            combined, microseconds = form
            if combined:
                made = in_envelope(self.stream, self.payload((False, microseconds)))
            else:
                made = written(self._event, microseconds=microseconds)
            self._payloads[form] = made
        return made

    def frame(self, form: Form) -> bytes:
        """The same as a frame."""
        made = self._frames.get(form)
        if made is None:
            made = self._frames[form] = frame(self.payload(form))
        return made


class Recorded:
    """A recorded message: its bytes are sent as they are, whatever the unit of times."""

    __slots__ = ("_combined", "_combined_frame", "_raw", "_raw_frame", "stream")

    def __init__(self, stream: str, raw: bytes, combined: bytes) -> None:
        self.stream, self._raw, self._combined = stream, raw, combined
        self._raw_frame: bytes | None = None
        self._combined_frame: bytes | None = None

    def payload(self, form: Form) -> bytes:
        """The recorded text, or what its envelope held."""
        return self._combined if form[0] else self._raw

    def frame(self, form: Form) -> bytes:
        """The same as a frame."""
        if form[0]:
            if self._combined_frame is None:
                self._combined_frame = frame(self._combined)
            return self._combined_frame
        if self._raw_frame is None:
            self._raw_frame = frame(self._raw)
        return self._raw_frame
