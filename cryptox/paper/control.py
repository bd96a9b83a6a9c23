"""The control endpoint: what ``exchange.faults``, ``create_account`` and the clock offer, for programs in any language.

``POST`` a JSON object to ``PATH`` with the token in the header ``X-Paper-Token``; one command at a time::

    {"add": {"kind": "status", "error_code": -1007, "path": "order", "method": "POST", "times": 1}}
    {"list": true}    {"remove": 3}    {"clear": true}
    {"do": "cut", "rest": true}        {"do": "freeze", "seconds": 5}
    {"do": "end_user_streams"}         {"do": "shut_down", "seconds": 1}
    {"do": "ban", "seconds": 60}       {"do": "step_clock", "seconds": -3}    {"do": "trip_limit"}
    {"create_account": {"USDT": "1000"}}    (null: what the exchange gives)
    {"deposit": {"api_key": "...", "asset": "USDT", "amount": "10"}}
    {"lock": {"api_key": "...", "asset": "USDT", "amount": "10"}}
    {"advance": "1h"}

The answer is ``{"result": ...}`` or, with a status of 400 or more, ``{"error": {"type", "message", "suggestions"}}``.
The endpoint is not there unless it was asked for. It is closed to web pages: a request must name this machine in
``Host`` (no name that somebody's DNS points here) and must not come from another origin.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from cryptox.errors import ConfigurationError, CryptoxError, ValidationError

from .arguments import read_balances, text
from .fault_kinds import unknown
from .faults import Fault, Faults
from .state import State, told

__all__ = ["PATH", "TOKEN_HEADER", "Control", "control", "read_control"]

PATH = "/paper/v1/control"
TOKEN_HEADER = "X-Paper-Token"  # noqa: S105 - the header's name
LEAST_TOKEN = 16
MOST_BYTES = 64 * 1024  # of a request
READ_S = 5.0  # for a request to come in whole
HTTP_PORT = 80  # what a Host without a port means
LOOPBACK = ("127.0.0.1", "localhost", "::1")
ANYWHERE = ("0.0.0.0", "::")  # noqa: S104 - refused as names of this machine
# What can be done at once, with the arguments of each and their defaults; ... is what must be given.
DEEDS: dict[str, dict[str, Any]] = {
    "cut": {"rest": False},
    "freeze": {"seconds": ...},
    "end_user_streams": {"account": None},
    "shut_down": {"seconds": 0.0},
    "ban": {"seconds": ..., "address": None},
    "step_clock": {"seconds": ...},
    "trip_limit": {},
}
_NETLOC = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+))(?::([0-9]{1,5}))?")
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Control:
    """What the endpoint works on. ``host`` is where the exchange was told to listen."""

    token: str
    host: str
    faults: Faults
    state: State

    def __repr__(self) -> str:
        """Without the token."""
        return f"Control({self.host!r})"


def read_control(setting: Any) -> str | None:
    """The token that ``control=`` means: a fresh one for True, None for False, or the text itself.

    Raises
    ------
    ValidationError : another type, or a text that is too short or cannot stand in a header.
    """
    if isinstance(setting, bool) or setting is None:
        return secrets.token_urlsafe(32) if setting else None
    if not isinstance(setting, str) or len(setting) < LEAST_TOKEN or not re.fullmatch("[!-~]+", setting):
        raise ValidationError(
            "control= is neither True, False nor a token.",
            recovery_suggestions=[f"Give True for a random token, or {LEAST_TOKEN} or more letters, digits and signs."],
        )
    return setting


class _Refusal(Exception):
    """The request is not carried out."""

    def __init__(self, status: int, kind: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.kind, self.headers = status, kind, headers


async def control(request: Any, served: Control) -> Any:
    """The answer to a request to ``PATH``."""
    from aiohttp import web

    status, headers = 200, dict(_HEADERS)
    try:
        _check_sender(request, served)
        command = _read(await _body(request))
        told: dict[str, Any] = {"result": await _carry_out(command, served, request.transport)}
    except _Refusal as refusal:
        status = refusal.status
        headers.update(refusal.headers)
        told = {"error": _error(refusal.kind, str(refusal), [])}
    except CryptoxError as error:
        status = 409 if isinstance(error, ConfigurationError) else 400
        told = {"error": _error(type(error).__name__, error.user_message, error.recovery_suggestions)}
    return web.Response(status=status, body=msgspec.json.encode(told), headers=headers, content_type="application/json")


def _error(kind: str, message: str, suggestions: list[str]) -> dict[str, Any]:
    return {"type": kind, "message": message, "suggestions": suggestions}


def _check_sender(request: Any, served: Control) -> None:
    """Whether the request comes from a program that knows the token, and not from a web page."""
    hosts, origins = request.headers.getall("Host", []), request.headers.getall("Origin", [])
    address = request.transport.get_extra_info("sockname") if request.transport is not None else None
    if address is None or len(hosts) != 1 or not _is_own(hosts[0], served.host, address):
        raise _Refusal(403, "ForeignHost", "Host does not name this machine.")
    for origin in origins:
        scheme, _, netloc = origin.partition("://")
        if scheme != "http" or not _is_own(netloc, served.host, address):
            raise _Refusal(403, "ForeignOrigin", "Requests of other origins are not taken.")
    if request.method != "POST":
        raise _Refusal(405, "WrongMethod", "This address takes POST.", Allow="POST")
    given = request.headers.getall(TOKEN_HEADER, [])
    told = given[0].encode("utf-8", "surrogateescape") if len(given) == 1 else b""
    if not hmac.compare_digest(told, served.token.encode()):
        raise _Refusal(401, "WrongToken", f"The header {TOKEN_HEADER} does not carry this exchange's token.")


def _is_own(netloc: str, bound: str, address: tuple[Any, ...]) -> bool:
    """Whether ``name:port`` is this server: loopback, the address that was bound, or the one that was reached."""
    match = _NETLOC.fullmatch(netloc)
    if match is None or int(match[3] or HTTP_PORT) != address[1]:
        return False
    reached = str(address[0]).removeprefix("::ffff:")
    return (match[1] or match[2]).lower() in ({*LOOPBACK, bound.lower(), reached} - set(ANYWHERE))


async def _body(request: Any) -> bytes:
    if "Content-Encoding" in request.headers:
        raise _Refusal(415, "WrongEncoding", "The body must not be packed.")
    body = bytearray()
    try:
        async with asyncio.timeout(READ_S):
            async for piece in request.content.iter_any():
                body += piece
                if len(body) > MOST_BYTES:
                    raise _Refusal(413, "TooLarge", f"The body is longer than {MOST_BYTES} bytes.", Connection="close")
    except TimeoutError:
        raise _Refusal(408, "TooSlow", f"The body did not come within {READ_S:g} seconds.") from None
    return bytes(body)


def _read(body: bytes) -> dict[str, Any]:
    try:
        command = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):  # nested, or a number, without an end
        command = None
    if not isinstance(command, dict):
        raise ValidationError("The body is not a JSON object.")
    return command


async def _carry_out(command: dict[str, Any], served: Control, transport: Any) -> Any:
    """What a command leads to.

    Raises
    ------
    ValidationError : no such command, or an argument that cannot be.
    ConfigurationError : this exchange cannot do that.
    """
    named = [name for name in command if name in (*_COMMANDS, "do")]
    if len(named) != 1:
        raise ValidationError(f"A request has one of {', '.join((*_COMMANDS, 'do'))}; this one has {len(named)}.")
    (name,) = named
    try:
        if name == "do":
            return _do(command, served.faults, transport)
        if len(command) > 1:
            raise unknown("word beside a command", next(one for one in command if one != name), [])
        return await _COMMANDS[name](served, command[name])
    except OverflowError as error:  # of whole numbers that no clock can hold
        raise ValidationError("A number is out of range.") from error


def _do(command: Mapping[str, Any], faults: Faults, transport: Any) -> Any:
    deed = command["do"]
    known = DEEDS.get(deed) if isinstance(deed, str) else None
    if known is None:
        raise unknown("deed", deed, DEEDS)
    given = {name: value for name, value in command.items() if name != "do"}
    arguments = _arguments(f"deed {deed!r}", given, known)
    if deed == "cut":
        if not isinstance(arguments["rest"], bool):
            raise ValidationError(f"rest={arguments['rest']!r} is neither true nor false.")
        return faults.cut(rest=arguments["rest"], spared=transport)
    if arguments.get("address") is not None:
        text("address", arguments["address"])
    result = getattr(faults, deed)(**arguments)
    return _described(result) if isinstance(result, Fault) else result


def _arguments(what: str, given: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a command, with defaults for those left out."""
    if not isinstance(given, dict):
        raise ValidationError(f"The {what} takes an object with {', '.join(known)}.")
    for name in given:
        if name not in known:
            raise unknown(f"argument of the {what}", name, known)
    merged = {**known, **given}
    for name, value in merged.items():
        if value is ...:
            raise ValidationError(f"The {what} needs {name}.")
    return merged


async def _add(served: Control, given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or "kind" not in given:
        raise ValidationError("A fault is an object with kind, and its settings.")
    for name in ("self", "when"):
        if name in given:
            raise ValidationError(f"{name!r} cannot be given here: predicates are Python's alone.")
    return _described(served.faults.add(**given))


async def _remove(served: Control, number: Any) -> bool:
    if isinstance(number, bool) or not isinstance(number, int):
        raise ValidationError(f"{number!r} is not the id of a fault.")
    there = any(fault.id == number for fault in served.faults)
    served.faults.remove(number)
    return there


async def _clear(served: Control, said: Any) -> None:
    _must_be_true("clear", said)
    served.faults.clear()


async def _list(served: Control, said: Any) -> list[dict[str, Any]]:
    _must_be_true("list", said)
    return [_described(fault) for fault in served.faults]


async def _create_account(served: Control, balances: Any) -> dict[str, str]:
    amounts = read_balances(balances)
    with told():
        key = await served.state.desk.run(served.state.new_account(amounts))
    return {"api_key": key.api_key, "secret_key": key.secret}


async def _deposit(served: Control, given: Any) -> None:
    await _moved(served, "deposit", given, served.state.new_deposit)


async def _lock(served: Control, given: Any) -> None:
    await _moved(served, "lock", given, served.state.new_lock)


async def _moved(
    served: Control, name: str, given: Any, new_job: Callable[[int, str, Any], Callable[[int], None]]
) -> None:
    """Move money of an account."""
    arguments = _arguments(name, given, {"api_key": ..., "asset": ..., "amount": ...})
    key = served.state.accounts.by_api_key(text("api_key", arguments["api_key"]))
    if key is None:
        raise ValidationError("No account of this exchange has that key.")
    job = new_job(key.account, arguments["asset"], arguments["amount"])
    with told():
        await served.state.desk.run(job)


async def _advance(served: Control, by: Any) -> int:
    served.state.clock.advance(by)
    return served.state.clock.now_ms()


_COMMANDS: dict[str, Callable[[Control, Any], Awaitable[Any]]] = {
    "add": _add,
    "remove": _remove,
    "clear": _clear,
    "list": _list,
    "create_account": _create_account,
    "deposit": _deposit,
    "lock": _lock,
    "advance": _advance,
}


def _must_be_true(name: str, said: Any) -> None:
    if said is not True:
        raise ValidationError(f"{name}={said!r} is not true.")


def _described(fault: Fault) -> dict[str, Any]:
    """A fault for JSON: what it is, whom it hits, how often it has."""
    found: dict[str, Any] = {"id": fault.id, "kind": fault.kind, "hits": fault.hits}
    for name in ("path", "method", "stream", "event", "times"):
        if getattr(fault, name) is not None:
            found[name] = getattr(fault, name)
    if fault.when is not None:
        found["when"] = "a predicate"
    found.update(after=fault.after, probability=fault.probability)
    found["settings"] = {
        name: value.decode("latin-1") if isinstance(value, bytes) else value for name, value in fault.settings.items()
    }
    return found
