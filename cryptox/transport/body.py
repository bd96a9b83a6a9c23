"""The bytes of an answer's body, unzipped as they arrive and never more than a bound."""

from __future__ import annotations

import zlib

__all__ = ["MAX_BODY", "BrokenBodyError", "Collector", "TooLargeError"]

MAX_BODY = 64 * 1024 * 1024


class BrokenBodyError(ValueError):
    """The compressed bytes are damaged or end too early."""


class TooLargeError(ValueError):
    """The decoded body passed the bound."""


class Collector:
    """Takes the body's pieces and gives the whole, decoded.

    Parameters
    ----------
    encoding
        The ``content-encoding`` header: empty, identity, gzip, x-gzip or deflate.
    most
        Bound of the decoded size in bytes.

    Raises
    ------
    BrokenBodyError
        The encoding is one we did not ask for.
    """

    def __init__(self, encoding: str = "", most: int = MAX_BODY) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._most = most
        self._inflater: zlib._Decompress | None = None
        encoding = encoding.strip().lower()
        if encoding in ("gzip", "x-gzip", "deflate"):
            self._inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
        elif encoding not in ("", "identity"):
            raise BrokenBodyError(f"content-encoding {encoding!r} was not asked for")
        self._fed = False

    def feed(self, piece: bytes) -> None:
        """Take the next piece; raises TooLargeError as soon as the bound is passed."""
        if self._inflater is None:
            self._keep(piece)
            return
        self._fed = self._fed or bool(piece)
        try:
            while piece:
                if self._inflater.eof:  # a further member: RFC 1952 allows several
                    self._inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
                self._keep(self._inflater.decompress(piece, self._most - self._size + 1))
                piece = self._inflater.unused_data or self._inflater.unconsumed_tail
        except zlib.error as error:
            raise BrokenBodyError(str(error)) from error

    def whole(self) -> bytes:
        """The decoded body; raises BrokenBodyError if the compressed bytes ended too early."""
        if self._inflater is not None and self._fed and not self._inflater.eof:
            raise BrokenBodyError("the compressed body ends too early")
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._most:
            raise TooLargeError(f"more than {self._most} bytes")
        if piece:
            self._pieces.append(piece)
