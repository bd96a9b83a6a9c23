"""SBE messages to and from the objects that the JSON API would have answered, driven by the schema.

Whatever the encoding calls skippable is skipped: surplus bytes of a block, messages longer than ours. What it calls
absent is null. Everything else that does not fit is an ``ExchangeError``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import zip_longest
from typing import Any

from cryptox.errors import ExchangeError

from .encoder import encode
from .schema import HEADER, UNKNOWN, UNKNOWN_WORD, Block, Data, Field, Form, Group, Message, Schema, Value, load

__all__ = ["decode", "decode_raw", "encode"]

Scope = Mapping[str, int]  # exponents seen so far, by name
Show = Callable[[Field, Any, Scope], Any]
Plan = tuple[tuple[Field, str, bool, Show], ...]  # field, where it goes, whether that is a plain key, how it shows

_ABSENT: Any = object()
_NON_REPRESENTABLE_ID = 999
_DEEPEST = 8  # nested messages; the deepest real one is an answer in a refused replacement in a WebSocketResponse
# Optional fields without a default are left out of JSON, save these, which it shows as null.
_SHOWN_AS_NULL = frozenset({"N", "apiKey", "authorizedSince", "userDataStream"})


def decode(body: bytes, *, microseconds: bool = False, schema: Schema | None = None) -> Any:
    """The object that the JSON API would have answered.

    Numbers that JSON sends as text are text; times are milliseconds (cut), or microseconds as if the request had
    asked for them. The ``id`` of a WebSocket answer stays text, because SBE does not tell 7 from "7".

    Raises
    ------
    ExchangeError
        The body is cut, of another schema, or holds a message that this schema cannot express.
    """
    return _decoder(schema or load(), False, microseconds).message(body, 0)


def decode_raw(body: bytes, *, schema: Schema | None = None) -> dict[str, Any]:
    """The fields by their names in the schema: mantissas, microseconds, names of enum values, None for null.

    Raises
    ------
    ExchangeError
        As ``decode``.
    """
    raw: dict[str, Any] = _decoder(schema or load(), True, True).message(body, 0)
    return raw


@lru_cache(maxsize=8)
def _decoder(schema: Schema, raw: bool, microseconds: bool) -> _Decoder:
    return _Decoder(schema, raw, microseconds)


class _Decoder:
    """Walks a body once; ``raw`` keeps the schema's own names and values."""

    def __init__(self, schema: Schema, raw: bool, microseconds: bool) -> None:
        self.schema = schema
        self.raw = raw
        self.shows = _RAW if raw else {**_JSON, Value.TIME: _integer if microseconds else _milliseconds}
        self.plans: dict[Block, Plan] = {}
        self.rules = {kind for kind, _ in schema.by_constant}  # lists of rules may hold kinds not known yet

    def message(self, body: bytes, depth: int, rule: str = "") -> Any:
        """A message with its header. ``rule`` names the constant of a list of rules, which may hold unknown ones."""
        if len(body) < HEADER.size:
            raise _cut(body, "ends within a message header")
        length, template, schema_id, version = HEADER.unpack_from(body)
        if schema_id != self.schema.id:
            raise ExchangeError(f"The answer is in SBE schema {schema_id}:{version}, not {self.schema.id}.")
        if depth > _DEEPEST:
            raise ExchangeError("The SBE answer nests messages without end.")
        found = self.schema.by_id.get(template)
        if found is None or template == _NON_REPRESENTABLE_ID:
            if rule:
                return {"_message": f"{UNKNOWN}Message"} if self.raw else {rule: UNKNOWN_WORD}
            raise ExchangeError(
                f"The answer (SBE template {template}, schema {schema_id}:{version}) cannot be expressed in the "
                f"schema that was asked for, {self.schema.id}:{self.schema.version}.",
                recovery_suggestions=['Ask with encoding="json", or bring cryptox up to date.'],
            )
        members, _ = self.block(found.block, body, HEADER.size, length, version, {}, depth)
        if not self.raw:
            return _finish(found, members)
        head = {"blockLength": length, "templateId": template, "schemaId": schema_id, "version": version}
        return {"_message": found.name, "_header": head, **members}

    def block(
        self, block: Block, body: bytes, at: int, length: int, version: int, scope: Scope, depth: int
    ) -> tuple[Any, int]:
        """A block with its groups and data: what it becomes, and where it ends."""
        if at + length > len(body):
            raise _cut(body, f"ends within a block of {length} bytes")
        out: dict[str, Any] = {}
        row: list[Any] = []
        member: Any = None
        plan = self.plans.get(block)
        if plan is None:
            plan = self._plan(block)
        if plan:
            values = (block.full if length >= block.size else block.layout(length)).unpack_from(body, at)
            if block.has_exponents:
                scope = {**scope, **_exponents(block, values)}
            for (one, path, is_key, show), value in zip_longest(plan, values):
                shown = show(one, None if value == one.null else value, scope)
                if shown is _ABSENT:
                    continue
                if is_key:
                    out[path] = shown
                else:
                    _put(out, row, path, shown)
        at += length
        for group in block.groups:
            member, at = self.group(group, body, at, version, scope, depth)
            if member or self.raw or not group.omit_empty:
                _put(out, row, group.name if self.raw else group.path, member)
        for data in block.data:
            member, at = self.data(data, body, at, version, depth)
            if member is not _ABSENT:
                _put(out, row, data.name if self.raw else data.path, member)
        if self.raw or block.form is Form.OBJECT:
            return out, at
        return (row if block.form is Form.ROW else None if member is _ABSENT else member), at

    def group(
        self, group: Group, body: bytes, at: int, version: int, scope: Scope, depth: int
    ) -> tuple[list[Any], int]:
        """The entries of a group; none where the server's version is older than the group."""
        if group.since > version:
            return [], at
        if at + group.header.size > len(body):
            raise _cut(body, f"ends before the group {group.name}")
        length, count = group.header.unpack_from(body, at)
        at += group.header.size
        smallest = length + group.block.smallest
        if count and (not smallest or count * smallest > len(body) - at):
            raise _cut(body, f"is too short for {count} entries of {group.name}")
        entries = []
        for _ in range(count):
            entry, at = self.block(group.block, body, at, length, version, scope, depth)
            entries.append(entry)
        return entries, at

    def data(self, data: Data, body: bytes, at: int, version: int, depth: int) -> tuple[Any, int]:
        """Text or a nested message."""
        size = 0
        if data.since <= version:
            start = at + data.length.size
            if start > len(body):
                raise _cut(body, f"ends before {data.name}")
            (size,) = data.length.unpack_from(body, at)
            at = start + size
            if at > len(body):
                raise _cut(body, f"ends within {data.name}")
        if not size and (data.optional or data.is_message or data.since > version):
            return self._absent(data), at
        content = body[at - size : at]
        if data.is_message:
            rule = f"{data.name}Type"
            return self.message(content, depth + 1, rule if rule in self.rules else ""), at
        try:
            return content.decode(), at
        except UnicodeDecodeError as error:
            raise ExchangeError(f"{data.name} in the SBE answer is not UTF-8.") from error

    def _absent(self, data: Data) -> Any:
        if self.raw or (data.default is None and data.path in _SHOWN_AS_NULL):
            return None
        return _ABSENT if data.default is None else data.default

    def _plan(self, block: Block) -> Plan:
        paths = [(one, one.name if self.raw else one.path) for one in block.members]
        plan = tuple((one, path, "." not in path and path != "[]", self.shows[one.value]) for one, path in paths)
        self.plans[block] = plan
        return plan


def _exponents(block: Block, values: tuple[Any, ...]) -> dict[str, int]:
    pairs = zip(block.fields, values, strict=False)
    return {one.name: value for one, value in pairs if one.value is Value.EXPONENT and value != one.null}


def _put(out: dict[str, Any], row: list[Any], path: str, value: Any) -> None:
    """Place a value by its JSON path."""
    if path == "[]":
        row.append(value)
    elif "." in path and path != "..":
        outer, _, inner = path.partition(".")
        out.setdefault(outer, {})[inner] = value
    else:
        out[path] = value


def _finish(message: Message, shown: Any) -> Any:
    """What the schema does not say of JSON: the envelope of events, and three habits of the JSON API."""
    if message.is_event:
        event = {"e": message.event, **shown}
        subscription = event.pop("subscriptionId", None)
        return {"event": event} if subscription is None else {"subscriptionId": subscription, "event": event}
    if message.name == "KlinesResponse":
        for row in shown:
            row.append("0")  # a twelfth field that means nothing
    elif message.name == "WebSocketResponse":
        result = shown.get("result")
        if isinstance(result, dict) and "code" in result and "msg" in result:
            shown["error"] = shown.pop("result")
        if not shown["rateLimits"]:
            del shown["rateLimits"]
        if not shown.get("sbeSchemaIdVersionDeprecated"):
            shown.pop("sbeSchemaIdVersionDeprecated", None)
        shown["id"] = shown["id"] or None
    return shown


def _cut(body: bytes, how: str) -> ExchangeError:
    excerpt = body[:48].hex() + ("..." if len(body) > 48 else "")
    return ExchangeError(f"The SBE answer is cut: it {how}.", technical_details=f"{len(body)} bytes: {excerpt}")


def _without(one: Field) -> Any:
    """What JSON shows for null."""
    return None if one.path in _SHOWN_AS_NULL or one.path == "[]" else _ABSENT


def _integer(one: Field, value: Any, _scope: Scope) -> Any:
    if value is None:
        return _without(one) if one.default is None else int(one.default)
    return value


def _milliseconds(one: Field, value: Any, scope: Scope) -> Any:
    return _integer(one, value, scope) if value is None else value // 1000


def _decimal(one: Field, value: Any, scope: Scope) -> Any:
    exponent = scope.get(one.exponent)
    if value is None or exponent is None:
        if one.default is None:
            return _without(one)
        value, exponent = int(one.default), -8 if exponent is None else exponent
    mantissa = int.from_bytes(value, "little", signed=True) if isinstance(value, bytes) else value
    if exponent >= 0:
        return str(mantissa * 10**exponent)
    digits = str(mantissa) if mantissa >= 0 else str(-mantissa)
    if len(digits) <= -exponent:
        digits = digits.zfill(1 - exponent)
    sign = "" if mantissa >= 0 else "-"
    return f"{sign}{digits[:exponent]}.{digits[exponent:]}"


def _float(one: Field, value: Any, _scope: Scope) -> Any:
    if value is None or value != value:
        return _without(one) if one.default is None else f"{float(one.default):.3f}"
    return f"{value:.3f}"


def _enum(one: Field, value: Any, _scope: Scope) -> Any:
    if value is None:
        return _without(one) if one.default is None else one.default
    return one.codes.get(value, (UNKNOWN, UNKNOWN_WORD))[1]


def _flag(one: Field, value: Any, _scope: Scope) -> Any:
    if value is None:
        return _without(one) if one.default is None else one.default == "true"
    if value > 1:
        raise ExchangeError(f"{one.name} in the SBE answer is {value}, neither true nor false.")
    return value == 1


def _chosen(one: Field, value: int) -> list[int]:
    """Bits that are set; those that the schema does not know stand as its highest one."""
    bits = [bit for bit in one.codes if value >> bit & 1]
    unknown = value & ~sum(1 << bit for bit in one.codes)
    highest = max(one.codes)
    return [*bits, highest] if unknown and highest not in bits else bits


def _set(one: Field, value: Any, _scope: Scope) -> Any:
    return _without(one) if value is None else [one.codes[bit][1] for bit in _chosen(one, value)]


def _hidden(_one: Field, _value: Any, _scope: Scope) -> Any:
    return _ABSENT


def _constant(one: Field, _value: Any, _scope: Scope) -> Any:
    return one.constant_word


def _raw(one: Field, value: Any, _scope: Scope) -> Any:
    """A value as the schema names it."""
    match one.value:
        case Value.CONSTANT:
            return f"const:{one.constant}"
        case _ if value is None or value != value:
            return None
        case Value.ENUM | Value.FLAG:
            return one.codes.get(value, (UNKNOWN, UNKNOWN_WORD))[0]
        case Value.SET:
            return [one.codes[bit][0] for bit in _chosen(one, value)]
        case _:
            return int.from_bytes(value, "little", signed=True) if isinstance(value, bytes) else value


_RAW: Mapping[Value, Show] = dict.fromkeys(Value, _raw)
_JSON: Mapping[Value, Show] = {
    Value.INTEGER: _integer,
    Value.EXPONENT: _hidden,
    Value.DECIMAL: _decimal,
    Value.FLOAT: _float,
    Value.ENUM: _enum,
    Value.SET: _set,
    Value.FLAG: _flag,
    Value.CONSTANT: _constant,
}
