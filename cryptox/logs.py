"""Logs: stdlib logging, events with fields, nothing secret. Nothing is configured until ``configure`` is called.

An event is a name in ``noun.verb`` and fields, never a sentence: ``event(log, "order.sent", symbol="BTCUSDT")``.
Loggers are named ``cryptox.<module>``; ``category`` groups events as api, websocket, trading or system.
"""

from __future__ import annotations

import functools
import inspect
import json
import logging
import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, ParamSpec, Self, TextIO, TypeVar, cast

from cryptox._secrets import HIDDEN, is_secret, printable, scrub

__all__ = [
    "clear_context",
    "configure",
    "context",
    "error_with_exception",
    "event",
    "get_context",
    "logger",
    "redact",
    "set_context",
    "with_timing",
]

P = ParamSpec("P")
R = TypeVar("R")

_ROOT = "cryptox"
_CATEGORIES = {
    "order": "trading",
    "trade": "trading",
    "balance": "trading",
    "journal": "trading",
    "request": "api",
    "answer": "api",
    "limit": "api",
    "breaker": "api",
    "clock": "api",
    "page": "api",
    "bulk": "api",
    "socket": "websocket",
    "stream": "websocket",
    "user_stream": "websocket",
    "feed": "websocket",
    "record": "websocket",
    "replay": "websocket",
    "session": "system",
    "task": "system",
    "health": "system",
    "keyring": "system",
    "call": "system",
    "closer": "system",
    "loop": "system",
    "progress": "system",
    "view": "system",
    "store": "system",
}
_context: ContextVar[Mapping[str, Any] | None] = ContextVar("cryptox_log_context", default=None)

logging.getLogger(_ROOT).addHandler(logging.NullHandler())


def logger(name: str) -> logging.Logger:
    """The logger of a module of ours: ``logger(__name__)``."""
    return logging.getLogger(name if name == _ROOT or name.startswith(_ROOT + ".") else f"{_ROOT}.{name}")


def event(log: logging.Logger, name: str, /, *, level: int = logging.INFO, **fields: Any) -> None:
    """Write one event, ``noun.verb``, with its fields and those of the context; secrets are hidden."""
    _write(log, level, name, fields)


def _write(log: logging.Logger, level: int, name: str, fields: Mapping[str, Any]) -> None:
    if not log.isEnabledFor(level):
        return
    facts = redact({"category": _category(name), **get_context(), **fields})
    text = " ".join([name, *(f"{key}={value}" for key, value in facts.items())])
    log.log(level, "%s", text, extra={"event": name, "fields": facts}, stacklevel=3)


def _category(name: str) -> str:
    """The group of an event by its noun: api, websocket, trading or system; yours are system, unless ours has it."""
    return _CATEGORIES.get(name.partition(".")[0], "system")


def redact(value: Any) -> Any:
    """A copy in which values named like secrets are hidden, and texts like ``signature=...`` as well."""
    if isinstance(value, Mapping):
        return {str(k): HIDDEN if is_secret(str(k)) and v is not None else redact(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return scrub(value if isinstance(value, str) else repr(value))


def set_context(**fields: Any) -> None:
    """Add fields to every later event of this thread or task."""
    _context.set({**get_context(), **fields})


def get_context() -> dict[str, Any]:
    """The fields that events of this thread or task carry."""
    return dict(_context.get() or {})


def clear_context() -> None:
    """Forget the fields of this thread or task."""
    _context.set(None)


class context:  # noqa: N801 - reads as what it gives: `with context(user="ann"):`
    """Carry these fields inside the ``with`` block only."""

    __slots__ = ("_before", "_fields")

    def __init__(self, **fields: Any) -> None:
        self._fields = fields
        self._before: list[Token[Mapping[str, Any] | None]] = []

    def __enter__(self) -> None:
        self._before.append(_context.set({**(_context.get() or {}), **self._fields}))

    def __exit__(self, *_: object) -> None:
        _context.reset(self._before.pop())


class with_timing(ContextDecorator):  # noqa: N801 - reads as a verb: `with with_timing(...)`, `@with_timing(...)`
    """Write one event at the end, with ``duration_ms`` and ``status`` (ok or error).

    Works as a context manager and as a decorator of functions and of coroutine functions.
    """

    def __init__(self, message: str, *, log: logging.Logger | None = None, level: int = logging.INFO, **fields: Any):
        self._args = (message, log, level, fields)
        self._began: list[float] = []

    def __enter__(self) -> Self:
        self._began.append(time.perf_counter())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        message, log, level, fields = self._args
        took = {"duration_ms": round((time.perf_counter() - self._began.pop()) * 1000, 3)}
        outcome = {"status": "ok"} if kind is None else {"status": "error", "error_type": kind.__name__}
        height = level if kind is None else max(level, logging.ERROR)
        _write(log or logging.getLogger(_ROOT), height, message, {**fields, **took, **outcome})

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:  # type: ignore[override]  # keeps the signature
        """Time every call of ``function``."""
        message, log, level, fields = self._args
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
                with with_timing(message, log=log, level=level, **fields):
                    return await function(*args, **kwargs)

            return cast("Callable[P, R]", awaited)

        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            with with_timing(message, log=log, level=level, **fields):
                return function(*args, **kwargs)

        return called


def error_with_exception(
    message: str, error: BaseException, *, log: logging.Logger | None = None, **fields: Any
) -> None:
    """Write an error event with type, text and the chain of causes, but no frames (they may hold arguments)."""
    chain: list[str] = []
    link: BaseException | None = error
    while link is not None and len(chain) < 10:
        chain.append(f"{type(link).__name__}: {link}")
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    facts = {"error_type": type(error).__name__, "chain": chain, **fields}
    _write(log or logging.getLogger(_ROOT), logging.ERROR, message, facts)


class _Console(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        return f"{moment} {record.levelname:<7} {record.name:<24} {printable(redact(record.getMessage()))}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        named = getattr(record, "event", None)
        head = {"time": moment, "level": record.levelname.lower(), "logger": record.name}
        told = {"event": named} if named else {"message": redact(record.getMessage())}
        return json.dumps(_finite({**getattr(record, "fields", {}), **head, **told}), default=repr, ensure_ascii=False)


def _finite(value: Any) -> Any:
    """A copy with numbers that JSON has no word for as text: readers refuse a whole line for one of them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list) else value


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, so that ``configure`` can be called again without writing every line twice."""


def configure(
    level: str | int | None = None,
    format: Literal["console", "json"] = "console",  # noqa: A002 - the name that API.md gives it
    *,
    stream: TextIO | None = None,
) -> None:
    """Show the logs of cryptox.

    Parameters
    ----------
    level
        ``"DEBUG"``, ``"INFO"``, ... or a number; None takes ``CRYPTOX_LOG_LEVEL``, else INFO.
    format
        ``"console"`` for people, ``"json"`` for machines: one object a line.
    stream
        Where to; standard error unless given.

    Raises
    ------
    ConfigurationError
        No such level or format.
    """
    from cryptox.errors import ConfigurationError

    if format not in ("console", "json"):
        raise ConfigurationError(f"format is console or json, not {format!r}")
    wanted = level if level is not None else os.environ.get("CRYPTOX_LOG_LEVEL", "INFO")
    known = logging.getLevelNamesMapping()
    number = wanted if isinstance(wanted, int) else known.get(wanted.strip().upper())
    if number is None:
        raise ConfigurationError(f"there is no log level {wanted!r}; levels are {', '.join(sorted(known))}")
    root = logging.getLogger(_ROOT)
    for old in [handler for handler in root.handlers if isinstance(handler, _Handler)]:
        root.removeHandler(old)
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(_Json() if format == "json" else _Console())
    root.addHandler(handler)
    root.setLevel(number)
    root.propagate = False
