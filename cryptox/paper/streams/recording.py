"""Recorded traffic through the streams: what was received once reaches subscribers byte for byte.

The form is that of hftbacktest's examples: gzip, a line for each message, ``<nanoseconds> <combined message>``.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from itertools import islice
from typing import NamedTuple

from cryptox._loop import apart
from cryptox.errors import ValidationError

from .hub import Hub
from .messages import Recorded

__all__ = ["Entry", "Replayed", "read_recording", "replay"]

CHUNK = 512  # messages between two looks at the clients
SOON_S = 0.0005  # what is due within this time goes out now
BLOCK = 1 << 20  # bytes that are unzipped at a time
MOST_LINE = 16 << 20  # what is longer is no message, and not kept whole
_LINE = re.compile(rb'(\d{1,19}) (\{"stream":"([^"]*)","data":(.*)\})\s*')


class Entry(NamedTuple):
    """A recorded message and when it was received."""

    time_ns: int
    message: Recorded


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did.

    Attributes
    ----------
    count
        Messages that somebody had subscribed to, and so were sent.
    messages
        Messages of the recording.
    others
        Lines that are no message of a stream (answers of REST among them); not sent.
    seconds
        Real time that it took.
    """

    count: int
    messages: int
    others: int
    seconds: float


def read_recording(path: str | os.PathLike[str]) -> Iterator[Entry | None]:
    """The messages of a recording; None for a line that holds none. Blank lines are passed over.

    Raises
    ------
    OSError : the file cannot be read, is no gzip, or is damaged.
    """
    names: dict[bytes, str] = {}
    try:
        with gzip.open(path, "rb") as plain:
            reader = BufferedReader(plain, BLOCK)
            while line := reader.readline(MOST_LINE):
                found = _LINE.fullmatch(line)
                if found is None:
                    if not line.isspace():
                        yield None
                    continue
                stamp, text, name, data = found.groups()
                stream = names.get(name) or names.setdefault(name, name.decode(errors="replace"))
                yield Entry(int(stamp), Recorded(stream, data, text))
    except (EOFError, zlib.error) as error:
        raise OSError(f"{os.fspath(path)} is damaged: {error}") from error


async def replay(hub: Hub, path: str | os.PathLike[str], *, speed: float | None) -> Replayed:
    """Send a recording to whoever has subscribed; the market's own events are held back meanwhile.

    Parameters
    ----------
    speed
        So many times as fast as it was recorded; clients that cannot follow are cut off as they always are. None: as
        fast as the slowest client reads.

    Raises
    ------
    OSError : the file cannot be read, or is no gzip.
    ValidationError : the speed is not above zero.
    """
    if speed is not None and not speed > 0:
        raise ValidationError(f"speed={speed!r} is not above zero.")
    loop = asyncio.get_running_loop()
    began = loop.time()
    sent = messages = others = 0
    start_ns: int | None = None
    lines = read_recording(path)
    with hub.held():
        while chunk := await apart(lambda: list(islice(lines, CHUNK))):
            due: list[Recorded] = []
            for line in chunk:
                if line is None:
                    others += 1
                    continue
                messages += 1
                start_ns = line.time_ns if start_ns is None else start_ns
                if speed is not None:
                    wait = began + (line.time_ns - start_ns) / 1e9 / speed - loop.time()
                    if wait > SOON_S:
                        sent += hub.publish(due)
                        due = []
                        await asyncio.sleep(wait)
                due.append(line.message)
            sent += hub.publish(due)
            if speed is None:
                await hub.drain()
    return Replayed(sent, messages, others, loop.time() - began)
