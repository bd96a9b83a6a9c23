"""Where an error leaves the house: its inner frames stay inside, the full chain stays behind as text.

Tools that print local variables (``%xmode Verbose``, rich with ``show_locals``) walk through the frames of an exception
and of its causes. What reaches the user therefore has one frame of ours and no chained exceptions; what was cut off is
kept as text, without any local value, for ``last_error()``.
"""

from __future__ import annotations

import functools
import inspect
import linecache
import re
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from types import FrameType, TracebackType
from typing import Any, Final, ParamSpec, Self, TypeVar

from cryptox._owner import PACKAGE, owner_of
from cryptox._secrets import is_secret, scrub
from cryptox.errors import CryptoxError

__all__ = ["PACKAGE", "boundary", "keep_users_frames", "last_error", "public", "remember"]

P = ParamSpec("P")
T = TypeVar("T")

SYMBOL_ARGUMENTS: Final = ("symbol", "symbols", "name")
NO_ERROR: Final = "no error so far"
_PLACE: Final = re.compile(r" ssl:(?:default|<[^>]*>)| at 0x[0-9a-f]+")  # in memory, which tells nobody anything
_ALWAYS_SAID: Final = ("interval", "type")  # what a call is about, and what an order does
_TO_WHOM: Final = ("connect", "use")
_WORDS: Final = (str, int, float)  # bool is an int
# Control flow, not failures: neither kept as the last error nor annotated.
_FLOW: Final = (KeyboardInterrupt, SystemExit, GeneratorExit, StopIteration, StopAsyncIteration)


class boundary:  # noqa: N801  # reads as a statement: `with boundary():`
    """Around the body of a public call: an error leaves it with that body's own frame and nothing inside it.

    The error's causes become text in ``technical_details`` and in :func:`last_error`.
    """

    __slots__ = ("_handled",)

    def __enter__(self) -> Self:
        """Note what the caller is handling at the moment: that stays the error's context."""
        self._handled = sys.exc_info()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        """Cut the error off, if there is one, and let it go on."""
        handled, self._handled = self._handled, None
        if error is None:
            return
        remember(error)
        _detach(error, handled)
        if frames is not None:
            if isinstance(error, CryptoxError) and frames.tb_frame.f_code is not _PUBLIC:
                code = frames.tb_frame.f_code
                # A class may stand under a name of the session, as its live feeds do.
                call = getattr(type(frames.tb_frame.f_locals.get("self")), "_called", "") + code.co_name
                if not code.co_name.startswith("_"):
                    passed = _passed(frames.tb_frame, error)
                    _mend_symbol(error, passed)
                    _complete(error, call, passed)
                    _say_whose(error, passed.get("self"), frames.tb_frame)
            frames.tb_next = None
            error.__traceback__ = frames


def public(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """A coroutine method as users of ``await`` see it: an error leaves it without its inner frames."""

    @functools.wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        """What users await."""
        with boundary():
            try:
                return await function(*args, **kwargs)
            except CryptoxError as error:
                signature = inspect.signature(function)
                arguments = _without_defaults(signature, signature.bind(*args, **kwargs).arguments)
                error.context["operation"] = function.__name__
                _locate(error, arguments)
                _mend_symbol(error, arguments)
                _complete(error, function.__name__, arguments)
                _say_whose(error, arguments.get("self"), inspect.currentframe())
                raise

    return call


async def _nothing() -> None:
    """Only to know the code that all public coroutine methods share."""


_PUBLIC: Final = public(_nothing).__code__


def last_error() -> str:
    """Full chain of the last error that left cryptox, as text: types, messages, causes, and where each was raised.

    Holds places and our own lines of code, never the values of variables.
    """
    return _kept.text


def remember(error: BaseException) -> None:
    """Keep the chain as text, and name the causes in the error itself; once per error."""
    if isinstance(error, _FLOW) or not isinstance(error, Exception) or getattr(error, "_remembered", False):
        return
    _kept.text = "\n".join(_chain(error, "", set()))
    causes = [_headline(cause) for cause in _causes(error) if type(cause).__name__ != "CancelledError"]
    if isinstance(error, CryptoxError):
        for cause in causes:
            if cause not in error.technical_details:
                error.technical_details += f"\nbecause of {cause}"
        if error.recovery_suggestions:  # Python prints notes below the traceback of a script; cards say it themselves
            error.add_note(
                scrub(
                    "\n            ".join(
                        [f"What to do: {error.recovery_suggestions[0]}", *error.recovery_suggestions[1:]]
                    )
                )
            )
    elif not (isinstance(error, OSError) and error.filename is not None):  # of a file that the user named
        error.add_note("This may be a defect of cryptox; last_error() has the full chain.")
    try:
        error._remembered = True  # type: ignore[attr-defined]  # a mark on a foreign object, for nested boundaries
    except AttributeError:
        return


def keep_users_frames(error: BaseException) -> None:
    """Cut an error that passed through the user's own coroutine: their frames stay, ours and all below them go."""
    remember(error)
    _detach(error, None)
    frames = list(_frames(error.__traceback__))
    while frames and _is_ours(frames[0]):
        frames.pop(0)
    theirs: list[TracebackType] = []
    for frame in frames:
        if _is_ours(frame):
            break
        theirs.append(frame)
    kept: TracebackType | None = None
    for frame in reversed(theirs):
        kept = TracebackType(kept, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    error.__traceback__ = kept


class _Kept:
    """The last chain, as text."""

    def __init__(self) -> None:
        self.text = NO_ERROR


_kept: Final = _Kept()


def _complete(error: CryptoxError, name: str, arguments: Mapping[str, Any]) -> None:
    """Make the suggestion a whole call: its name, and what the user passed and need not change."""
    if error.suggested is None:
        return
    call = error.suggested.get("call", name)
    given = {argument: value for argument, value in arguments.items() if argument != "self" and value is not None}
    plain = {argument: _plain(value) for argument, value in given.items() if not is_secret(argument)}
    passed = {argument: value for argument, value in plain.items() if value is not None}
    if call in _TO_WHOM and len(passed) < len(given):
        # What cannot be repeated here, a key or an exchange of the user's, says whom to talk to: no call without it.
        error.suggested.pop("call", None)
        return
    # A bulk call takes every argument of its single-request twin; others have arguments of their own.
    error.suggested = {"call": call, **(passed if call in (name, f"{name}_bulk") else {}), **error.suggested}


def _say_whose(error: CryptoxError, thing: object, frame: FrameType | None) -> None:
    """Say what the suggested call is to be made on: the outermost of ours that is known by a name has the last word."""
    if error.suggested is not None:
        error._owner = owner_of(thing, frame) or error._owner


def _passed(frame: FrameType, error: CryptoxError) -> dict[str, Any]:
    """The arguments of a frame's function that are not its defaults; of further ones those that were not at fault."""
    code, known = frame.f_code, frame.f_locals
    count = code.co_argcount + code.co_kwonlyargcount
    arguments = {name: known.get(name) for name in code.co_varnames[:count]}
    if code.co_flags & inspect.CO_VARKEYWORDS:
        further = known.get(code.co_varnames[count + bool(code.co_flags & inspect.CO_VARARGS)]) or {}
        arguments |= {name: value for name, value in further.items() if name != error.context.get("argument")}
    if known.get("keys"):  # they were given, and taken out of sight
        arguments["keys"] = known["keys"]
    owner = getattr(type(known.get("self")), code.co_name, None) or frame.f_globals.get(code.co_name)
    function = inspect.unwrap(owner) if callable(owner) else None
    if function is None or getattr(function, "__code__", None) is not code:
        return {name: value for name, value in arguments.items() if value is not False}
    return _without_defaults(inspect.signature(function), arguments)


def _without_defaults(signature: inspect.Signature, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that are worth saying: most are left out where they are as anyway."""
    defaults = {name: one.default for name, one in signature.parameters.items() if name not in _ALWAYS_SAID}
    return {
        name: value
        for name, value in arguments.items()
        if not (type(value) is type(defaults.get(name)) and isinstance(value, _WORDS) and value == defaults[name])
    }


def _locate(error: CryptoxError, arguments: Mapping[str, Any]) -> None:
    """Say whose call it was, of which symbol, where what raised it did not know."""
    session, symbol = arguments.get("self"), arguments.get("symbol")
    where = {"venue": getattr(getattr(session, "venue", None), "name", None), "user": getattr(session, "user", None)}
    if isinstance(symbol, str):
        where["symbol"] = _letters(symbol)
    for name, value in where.items():
        if isinstance(value, str):
            error.context.setdefault(name, value)


def _mend_symbol(error: CryptoxError, arguments: Mapping[str, Any]) -> None:
    """Put a suggested symbol where the user's stood: in the argument of that call, in its place of a list."""
    if error.suggested is None or "symbol" not in error.suggested:
        return
    for name in SYMBOL_ARGUMENTS:
        given = arguments.get(name)
        if given is None:
            continue
        better = error.suggested.pop("symbol")
        if isinstance(better, str) and not isinstance(given, str):
            bad = _letters(error.context.get("symbol", better))  # of a name that is none, its letters
            better = [better if _letters(one) == bad else one for one in _plain(list(given)) or ()]
        error.suggested[name] = better
        return


def _letters(symbol: object) -> str:
    """A symbol in any of its spellings, to compare."""
    return "".join(letter for letter in str(symbol).upper() if letter.isalnum())


def _plain(value: object) -> Any:
    """What to repeat of an argument in a call: the value, a time or an amount as text; None where that is not plain."""
    if hasattr(value, "_argument"):
        return value._argument
    if isinstance(value, Decimal) or (isinstance(value, float) and type(value) is not float):
        return f"{value:f}" if isinstance(value, Decimal) and value.is_finite() else str(value)
    if isinstance(value, (datetime, date)) or type(value).__name__ == "datetime64":
        return str(value)
    if isinstance(value, (list, tuple)):
        return list(value) if all(isinstance(item, str) for item in value) else None
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        number: Any = value
        return str(number) if number.dtype.kind == "f" else number.item()
    return value if isinstance(value, (str, int, float)) else None


def _detach(error: BaseException, handled: BaseException | None) -> None:
    """Part an error from its chain; what the caller was handling becomes its context."""
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            _detach(part, None)
            part.__traceback__ = None
    error.__cause__ = None
    error.__context__ = handled if handled is not error else None
    error.__suppress_context__ = False


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen = {id(error)}
    below = _next(error)
    while below is not None and id(below) not in seen:
        seen.add(id(below))
        yield below
        below = _next(below)


def _next(error: BaseException) -> BaseException | None:
    if error.__cause__ is not None:
        return error.__cause__
    return None if error.__suppress_context__ else error.__context__


def _chain(error: BaseException, indent: str, seen: set[int]) -> Iterator[str]:
    """The error with its facts and places, then what it came from."""
    if id(error) in seen:
        return
    seen.add(id(error))
    yield indent + _headline(error)
    if isinstance(error, CryptoxError):
        yield from _facts(error, indent + "  ")
    for frame in _frames(error.__traceback__):
        yield from _place(frame, indent + "  ")
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield indent + "part of it:"
            yield from _chain(part, indent + "    ", seen)
    below = _next(error)
    if below is not None and id(below) not in seen:
        yield indent + ("because of" if error.__cause__ is not None else "while handling")
        yield from _chain(below, indent, seen)


def _headline(error: BaseException) -> str:
    return scrub(_PLACE.sub("", f"{type(error).__name__}: {error}".rstrip(": ")))


def _facts(error: CryptoxError, indent: str) -> Iterator[str]:
    yield f"{indent}category {error.category}, severity {error.severity}, retryable {error.retryable}"
    if error.technical_details != error.user_message:
        yield from (indent + scrub(line) for line in error.technical_details.splitlines())
    if error.context:
        yield indent + scrub(", ".join(f"{name}={value}" for name, value in error.context.items()))


def _frames(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _is_ours(frame: TracebackType) -> bool:
    return frame.tb_frame.f_code.co_filename.startswith(PACKAGE)


def _place(frame: TracebackType, indent: str) -> Iterator[str]:
    code = frame.tb_frame.f_code
    yield f"{indent}at {code.co_filename}:{frame.tb_lineno} in {code.co_name}"
    # Lines of ours only: a line of the user's may hold a key.
    if _is_ours(frame):
        line = linecache.getline(code.co_filename, frame.tb_lineno).strip()
        if line:
            yield f"{indent}   {line}"
