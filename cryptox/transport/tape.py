"""Recordings of stream traffic: a file of lines ``<receive time, ns> <JSON as received>``, gzipped or plain.

It is the form of hftbacktest's collector, so that files go both ways. Most lines are messages of a combined stream. An
answer over REST, such as the snapshot of an order book, is a line too. What else is worth knowing is told in *notes*,
lines of our own whose JSON begins with ``{"cryptox":``; readers that do not know them pass over them.

Nothing but the JSON of public messages comes into a file: no header, no address, no key, no signature.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

import msgspec

__all__ = ["Entry", "Writer", "is_zipped", "note", "note_in", "parse", "read", "render"]

BLOCK = 1 << 18  # bytes read at a time
MOST_LINE = 16 << 20  # a line that is longer is no message
MOST_DIGITS = 19  # of a time
_GZIP = b"\x1f\x8b"
_GZIP_BITS = 31  # zlib's word for "a gzip member"
_NOTE = b'{"cryptox":'
_LEVEL = 5
_BREAKS = bytes.maketrans(b"\r\n", b"  ")  # inside JSON they can only be white space


class Entry(NamedTuple):
    """A line: when its message was received, in wall clock ns, and the message as it came."""

    time_ns: int
    message: bytes


def render(time_ns: int, message: bytes) -> bytes:
    """The line of a message."""
    if b"\n" in message or b"\r" in message:
        message = message.translate(_BREAKS)
    return b"%d %s\n" % (time_ns, message)


def parse(line: bytes) -> Entry | None:
    """What a line holds; None for one that holds no message: blank, or cut off."""
    stamp, _, message = line.strip().partition(b" ")
    is_json = message.startswith((b"{", b"[")) and message.endswith((b"}", b"]"))
    return Entry(int(stamp), message) if is_json and stamp.isdigit() and len(stamp) <= MOST_DIGITS else None


def note(kind: str, **facts: Any) -> bytes:
    """A note: ``{"cryptox":"cut","streams":["btcusdt@trade"]}``."""
    return msgspec.json.encode({"cryptox": kind, **facts})


def note_in(message: bytes) -> Mapping[str, Any] | None:
    """The facts of a note, its kind under ``cryptox``; None for any other message."""
    if not message.startswith(_NOTE):
        return None
    try:
        facts = msgspec.json.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return facts if isinstance(facts, dict) and isinstance(facts.get("cryptox"), str) else None


def is_zipped(path: str | os.PathLike[str]) -> bool:
    """Whether a file to be written under that name is zipped: ``.gz`` says so."""
    return os.fspath(path).endswith(".gz")


def read(path: str | os.PathLike[str]) -> Iterator[Entry | None]:
    """The lines of a recording in their order; None for one that holds no message. Blank lines are passed over.

    A file that is still being written, or whose end is missing, is read as far as it goes.

    Raises
    ------
    OSError
        It cannot be read, or it is damaged before its end.
    """
    with open(path, "rb") as file:
        rest = b""
        for block in _plain(file, path):
            lines = (rest + block).split(b"\n")
            rest = lines.pop()
            if len(rest) > MOST_LINE:
                raise OSError(f"{os.fspath(path)} is no recording: a line of more than {MOST_LINE >> 20} MiB.")
            for line in lines:
                if line and not line.isspace():
                    yield parse(line)
        if rest.strip():
            yield _last(rest)


class Writer:
    """Writes a recording. Not for several threads at once; blocks while the disk does.

    Parameters
    ----------
    path
        The file, which must not be there yet, as its folder must. A name that ends in ``.gz`` is zipped.

    Raises
    ------
    FileExistsError
        There is such a file: a recording is never written over.
    OSError
        It cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.written = 0  # bytes in the file
        self._zip = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_BITS) if is_zipped(path) else None
        try:
            self._file: BinaryIO = open(path, "xb")  # noqa: SIM115 - closed by close()
        except FileExistsError as error:
            text = "A recording never overwrites a file; give another name, or delete it"
            raise FileExistsError(error.errno, text, os.fspath(path)) from error

    def write(self, lines: Iterable[bytes]) -> None:
        """Append rendered lines; ``flush`` puts them where others see them."""
        text = b"".join(lines)
        self._put(text if self._zip is None else self._zip.compress(text))

    def flush(self) -> None:
        """Make what has been written readable: a reader finds every line up to here."""
        if self._zip is not None:
            self._put(self._zip.flush(zlib.Z_SYNC_FLUSH))
        self._file.flush()

    def close(self) -> None:
        """End the file; a second time does nothing."""
        if self._file.closed:
            return
        try:
            if self._zip is not None:
                self._put(self._zip.flush())
        finally:
            self._file.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        """End the file."""
        self.close()

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self.written += len(data)


def _last(line: bytes) -> Entry | None:
    """A last line without its end: whole, or cut off in the middle."""
    found = parse(line)
    if found is None:
        return None
    try:
        msgspec.json.decode(found.message, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found


def _plain(file: BinaryIO, path: str | os.PathLike[str]) -> Iterator[bytes]:
    """The file's text in blocks."""
    block = file.read(BLOCK)
    if not block.startswith(_GZIP):
        while block:
            yield block
            block = file.read(BLOCK)
        return
    member = zlib.decompressobj(_GZIP_BITS)
    while block:
        try:
            text = member.decompress(block, BLOCK * 16)
        except zlib.error as error:
            raise OSError(f"{os.fspath(path)} is damaged: {error}") from error
        if text:
            yield text
        if member.eof:
            block, member = member.unused_data.lstrip(b"\0"), zlib.decompressobj(_GZIP_BITS)
        else:
            block = member.unconsumed_tail
        block = block or file.read(BLOCK)
