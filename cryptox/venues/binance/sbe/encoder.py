"""Objects of the JSON API as SBE messages, driven by the schema: the inverse of ``codec.decode``."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from .schema import HEADER, UNKNOWN_WORD, Block, Data, Field, Form, Message, Schema, Value, load

__all__ = ["encode"]

_LARGEST = 2**63 - 1
_USUAL_EXPONENT = -8  # where nothing says otherwise
_MICROSECONDS = 10**14  # times from here on are microseconds already


def encode(message: str | int, obj: Any, *, version: int | None = None, schema: Schema | None = None) -> bytes:
    """The message of that name or template id, header included, from the object that JSON would show.

    Parameters
    ----------
    message
        Name in the schema (``"ServerTimeResponse"``) or template id.
    obj
        As ``json.loads`` gives it. Times are milliseconds or, with 16 digits, microseconds. A value that JSON shows
        for null becomes null; what JSON leaves out becomes null, zero (decimals) or false. The exponent of decimals
        follows from their text. A nested message is an object that tells its kind, ``(message, obj)`` or bytes.
    version
        Of the header; fields that came later are left out. Default: the schema's.

    Raises
    ------
    ValueError
        The object does not have what the message must hold.
    """
    return _Encoder(schema or load(), version).message(message, obj)


class _Encoder:
    def __init__(self, schema: Schema, version: int | None) -> None:
        self.schema = schema
        self.version = version  # None: all that the schema has

    def message(self, name: str | int, obj: Any) -> bytes:
        found = self.schema[name]
        version = self.schema.version if self.version is None else self.version
        head = HEADER.pack(self._size(found.block), found.id, self.schema.id, version)
        return b"".join([head, *self._block(found.block, _inner(found, obj), {})])

    def _size(self, block: Block) -> int:
        return block.size if self.version is None else block.layout(block.size, self.version).size

    def _later(self, since: int) -> bool:
        return self.version is not None and since > self.version

    def _block(self, block: Block, obj: Any, scope: Mapping[str, int]) -> Iterator[bytes]:
        """The pieces of a block, its groups and its data."""
        if block.has_exponents:
            own = {one.name: _exponent(block, obj, one.name) for one in block.fields if one.value is Value.EXPONENT}
            scope = {**scope, **own}
        layout = block.full if self.version is None else block.layout(block.size, self.version)
        fields = [one for one in block.fields if not self._later(one.since)]
        values = [_wire(one, value, scope) for one, value in _members(block, obj) if one in fields]
        try:
            yield layout.pack(*values)
        except struct.error as error:
            raise ValueError(f"a value is out of the range of its field ({error}): {obj!r:.200}") from error
        for group in block.groups:
            if self._later(group.since):
                continue
            entries = (obj if group.path == ".." else _get(obj, group.path)) or []
            yield group.header.pack(self._size(group.block), len(entries))
            for entry in entries:
                yield from self._block(group.block, entry, scope)
        for data in block.data:
            if self._later(data.since):
                continue
            content = self._data(data, obj if block.form is Form.MEMBER else _get(obj, data.path))
            try:
                yield data.length.pack(len(content)) + content
            except struct.error as error:
                raise ValueError(f"{data.name} is too long: {len(content)} bytes") from error

    def _data(self, data: Data, value: Any) -> bytes:
        if isinstance(value, bytes):
            return value
        if data.is_message:
            if value is None:
                return b""
            if isinstance(value, tuple):
                return self.message(*value)
            return self.message(self._nested(data, value), value)
        if value is None or (data.optional and value == data.default):
            if not data.optional:
                raise ValueError(f"{data.name} is missing")
            return b""
        return str(value).encode()

    def _nested(self, data: Data, value: Mapping[str, Any]) -> str:
        """Which message an object is, from what it holds."""
        for (path, word), found in self.schema.by_constant.items():
            if value.get(path) == word:
                return found.name
        if UNKNOWN_WORD in value.values():
            return "NonRepresentableMessage"
        if "code" in value and "msg" in value:
            return "ErrorResponse"
        match data.name:
            case "cancelResponse" | "response":
                return "CancelOrderListResponse" if "contingencyType" in value else "CancelOrderResponse"
            case "newOrderResponse":
                kind = "Full" if "fills" in value else "Result" if "status" in value else "Ack"
                return f"NewOrder{kind}Response"
            case "data":
                return "CancelReplaceOrderResponse"
        raise ValueError(f"{data.name} does not tell which message it is; give (message, object) or bytes")


def _inner(message: Message, obj: Any) -> Any:
    """The object as the schema sees it, without what only JSON has around it."""
    if message.is_event and isinstance(obj, Mapping) and "event" in obj:
        return {**obj["event"], "subscriptionId": obj.get("subscriptionId")}
    if message.name == "WebSocketResponse":
        error = obj.get("error")
        number = obj.get("id")
        result = obj.get("result") if error is None else error
        return {**obj, "id": "" if number is None else str(number), "result": result}
    return obj


def _members(block: Block, obj: Any) -> Iterator[tuple[Field, Any]]:
    """Fields with their values in JSON."""
    if block.form is not Form.ROW:
        for one in block.fields:
            yield one, None if one.value is Value.EXPONENT else _get(obj, one.path)
        return
    row = iter(obj)
    for one in block.fields:
        yield one, next(row, None)


def _get(obj: Any, path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    for name in path.split("."):
        obj = obj.get(name) if isinstance(obj, Mapping) else None
    return obj


def _wire(one: Field, value: Any, scope: Mapping[str, int]) -> Any:
    """A value as its field packs it."""
    match one.value:
        case Value.EXPONENT:
            return scope[one.name]
        case Value.DECIMAL:
            return _mantissa(one, value, scope)
        case Value.FLOAT:
            return float("nan") if value is None or _is_default(one, Decimal(str(value))) else float(value)
        case Value.FLAG:
            return one.null if value is None and one.optional else int(bool(value))
        case Value.SET:
            return sum(1 << _code(one, word) for word in value or ())
        case Value.ENUM:
            return one.null if value is None else _code(one, value)
        case _:
            return _number(one, value)


def _number(one: Field, value: Any) -> Any:
    if value is None and not one.optional:
        raise ValueError(f"{one.path if one.path != '[]' else one.name} is missing")
    if value is None or _is_default(one, value):
        return one.null
    return value * 1000 if one.value is Value.TIME and value < _MICROSECONDS else value


def _mantissa(one: Field, value: Any, scope: Mapping[str, int]) -> Any:
    if value is None and one.optional:
        return one.null
    mantissa, decimals = _parts(value if value is not None else 0)
    shift = -scope[one.exponent] - decimals
    mantissa = mantissa * 10**shift if shift >= 0 else mantissa // 10**-shift  # only zeros are cut off
    if _is_default(one, mantissa):
        return one.null
    if one.size == 8:
        return mantissa
    try:
        return mantissa.to_bytes(one.size, "little", signed=True)
    except OverflowError as error:
        raise ValueError(f"{one.name} does not fit {one.size} bytes: {value}") from error


def _is_default(one: Field, value: Any) -> bool:
    """Whether JSON shows null as this value."""
    return one.optional and one.default is not None and value == Decimal(one.default)


def _code(one: Field, word: str) -> int:
    code = one.words.get(word)
    if code is None:
        raise ValueError(f"{one.name} has no value {word!r}")
    return code


def _parts(value: Any) -> tuple[int, int]:
    """Digits and number of decimals of a plain number."""
    text = value if isinstance(value, str) else format(Decimal(str(value)), "f")
    whole, _, fraction = text.partition(".")
    return int(whole + fraction), len(fraction)


def _exponent(block: Block, obj: Any, name: str) -> int:
    """The exponent that the texts of all decimals under it ask for; without their last zeros if 64 bits need that."""
    found = list(_decimals(block, obj, name))
    places = max((decimals for _, decimals, _ in found), default=-_USUAL_EXPONENT)
    if any(size == 8 and digits * 10 ** (places - decimals) > _LARGEST for digits, decimals, size in found):
        places = max(_needed(digits, decimals) for digits, decimals, _ in found)
    return -places


def _needed(digits: int, decimals: int) -> int:
    """Decimals without the zeros at their end."""
    while decimals and digits % 10 == 0:
        digits, decimals = digits // 10, decimals - 1
    return decimals


def _decimals(block: Block, obj: Any, name: str) -> Iterator[tuple[int, int, int]]:
    """Digits, number of decimals and bytes of the field, of each of them."""
    for one, value in _members(block, obj):
        if one.value is Value.DECIMAL and one.exponent == name and value is not None:
            yield *_parts(value), one.size
    for group in block.groups:
        if any(one.name == name for one in group.block.fields):
            continue  # the entries have an exponent of that name themselves
        for entry in (obj if group.path == ".." else _get(obj, group.path)) or ():
            yield from _decimals(group.block, entry, name)
