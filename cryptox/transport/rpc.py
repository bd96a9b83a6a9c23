"""Ask and answer by number over one connection, with events beside. Knows no exchange: a codec says what is what."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from cryptox.errors import CryptoxError, NetworkError

from .private import require_private
from .proxies import Proxies
from .socket import Ended, Socket, Terms

__all__ = ["Codec", "Reply", "Rpc"]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a question: its result, or why there is none.

    ``number`` is None where the answer does not say to which question.
    """

    number: int | None
    result: Any = None
    error: CryptoxError | None = None


class Codec(Protocol):
    """Reads what comes on a connection."""

    def read(self, frame: bytes, received_ns: int) -> Any:
        """A ``Reply``, or anything else: an event. Never raises for what the other side sent."""


class Rpc:
    """An open connection on which one asks; made by ``connect``.

    Attributes
    ----------
    socket
        The connection itself.
    """

    def __init__(self, host: str, codec: Codec, on_event: Callable[[Any], None]) -> None:
        self._host = host
        self._codec = codec
        self._on_event = on_event
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self.socket: Socket

    @classmethod
    async def connect(
        cls,
        url: str,
        codec: Codec,
        *,
        on_event: Callable[[Any], None],
        terms: Terms | None = None,
        proxies: Proxies | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> Rpc:
        """An open connection.

        Parameters
        ----------
        url
            ``wss://``, or ``ws://`` to this machine: questions may be signed.
        codec
            Reads what comes.
        on_event
            Called on the loop with everything that answers no question of ours, in the order it came.
        terms, proxies, tls
            As of ``Socket.connect``.

        Raises
        ------
        ConfigurationError
            The address would show keys to others; and whatever ``Socket.connect`` raises.
        """
        require_private(url)
        made = cls(urlsplit(url).hostname or "", codec, on_event)
        made.socket = await Socket.connect(url, on_frames=made._frames, terms=terms, proxies=proxies, tls=tls)
        made.socket.closed.add_done_callback(made._ended)
        return made

    def __repr__(self) -> str:
        """The connection, and how many answers are waited for."""
        return f"<Rpc {self.socket!r}, {len(self._waiting)} open questions>"

    @property
    def is_open(self) -> bool:
        """Whether one can ask."""
        return self.socket.is_open

    async def ask(self, write: Callable[[int], bytes], *, timeout_s: float) -> Any:
        """The result of a question.

        Parameters
        ----------
        write
            The question's text, given its number. It is called once, and what it returns is kept by nobody: it may
            bear a signature.
        timeout_s
            Seconds to wait for the answer.

        Raises
        ------
        NotSent
            The connection is not open.
        NetworkError
            It ended before the answer came, or the answer did not come in time; ``context["sent"]`` is True.
        CryptoxError
            The refusal, as the codec reads it.
        """
        self._number += 1
        number = self._number
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            failure = self._put(write, number)
            if failure is not None:
                raise failure
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            raise self._unanswered(f"did not answer within {timeout_s:g} s") from None
        finally:
            self._waiting.pop(number, None)
            if not answer.cancel() and not answer.cancelled():
                answer.exception()  # has been looked at, whoever was cancelled

    async def close(self) -> Ended:
        """End the connection; open questions get a ``NetworkError``."""
        return await self.socket.close()

    def _put(self, write: Callable[[int], bytes], number: int) -> CryptoxError | None:
        try:
            self.socket.send(write(number))
        except CryptoxError as error:
            # Without the frames it came through, which hold the text.
            error.__cause__ = error.__context__ = None
            return error.with_traceback(None)
        return None

    def _frames(self, frames: list[bytes], received_ns: int) -> None:
        for frame in frames:
            read = self._codec.read(frame, received_ns)
            answer = self._waiting.get(read.number) if isinstance(read, Reply) and read.number is not None else None
            if answer is None:
                self._on_event(read)
            elif not answer.done():
                if read.error is None:
                    answer.set_result(read.result)
                else:
                    answer.set_exception(read.error)

    def _ended(self, ended: asyncio.Future[Ended]) -> None:
        end = ended.result()
        what = f"ended the connection before it answered: {end.text or end.reason}"
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(self._unanswered(what))

    def _unanswered(self, what: str) -> NetworkError:
        return NetworkError(f"{self._host} {what}.", context={"host": self._host, "sent": True})
