"""Binance's SBE schema, parsed from its XML: what every message holds, where, and how JSON spells it.

Rules of layout: https://developers.binance.com/docs/binance-spot-api-docs/faqs/sbe_faq (July 2026) and the FIX SBE
standard, whose null values the schema leaves at their defaults. All sizes and offsets are in bytes.
"""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache, partial
from importlib import resources
from itertools import pairwise
from typing import Any
from xml.parsers import expat

from cryptox.errors import ExchangeError

__all__ = [
    "HEADER",
    "SPOT",
    "STREAMS",
    "UNKNOWN",
    "UNKNOWN_WORD",
    "Block",
    "Data",
    "Field",
    "Form",
    "Group",
    "Message",
    "Schema",
    "Value",
    "load",
    "parse",
]

HEADER = struct.Struct("<HHHH")  # block length, template id, schema id, version
UNKNOWN = "NonRepresentable"
UNKNOWN_WORD = "NON_REPRESENTABLE"
SPOT, STREAMS = "spot_3_5.xml", "stream_1_0.xml"

_MBX = "{https://developers.binance.com/docs/binance-spot-api-docs}"
_SBE = "{http://fixprotocol.io/2016/sbe}"
_FORMATS = {
    "int8": "b",
    "uint8": "B",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float": "f",
}
_WIDE = "16s"  # mantissa128
_WIDE_NULL = bytes(15) + b"\x80"


class Value(StrEnum):
    """What a field means."""

    INTEGER = "integer"
    TIME = "time"  # microseconds since the epoch; JSON has milliseconds
    EXPONENT = "exponent"  # of decimals later in the message; JSON has none
    DECIMAL = "decimal"  # mantissa; JSON has text
    FLOAT = "float"  # 32 bits; JSON has text with three decimals
    ENUM = "enum"
    SET = "set"
    FLAG = "flag"
    CONSTANT = "constant"  # takes no bytes


class Form(StrEnum):
    """What a block becomes in JSON."""

    OBJECT = "object"
    ROW = "row"  # a list of its fields: path "[]"
    MEMBER = "member"  # its only visible member itself: path ".."


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One field of fixed size. ``codes`` and ``words`` translate enums (code) and sets (bit): name and JSON word."""

    name: str
    value: Value
    format: str
    size: int
    null: Any
    optional: bool
    since: int
    path: str  # dotted name in JSON, "[]" for the next item of a row
    default: str | None  # what JSON shows for null
    exponent: str = ""
    codes: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    words: Mapping[str, int] = field(default_factory=dict)
    constant: str = ""  # "filterType.PriceFilter"
    constant_word: str = ""  # "PRICE_FILTER"


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Text or a nested message of variable length."""

    name: str
    length: struct.Struct
    is_message: bool
    optional: bool  # length 0 is null
    since: int
    path: str
    default: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """A repeating group. ``header`` holds block length and number of entries."""

    name: str
    header: struct.Struct
    block: Block
    since: int
    path: str
    omit_empty: bool


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Fields of fixed size (constants apart), then groups, then data of variable length."""

    fields: tuple[Field, ...]
    constants: tuple[Field, ...]
    groups: tuple[Group, ...]
    data: tuple[Data, ...]
    form: Form
    full: struct.Struct
    size: int
    smallest: int  # least bytes of an entry after its fixed block
    has_exponents: bool

    @property
    def members(self) -> tuple[Field, ...]:
        """Stored fields, then constants."""
        return self.fields + self.constants

    def layout(self, length: int, version: int | None = None) -> struct.Struct:
        """Layout of the fields that end within ``length`` bytes and exist in ``version``."""
        if length >= self.size and version is None:
            return self.full
        codes, end = "<", 0
        for one in self.fields:
            end += one.size
            if end > length or (version is not None and one.since > version):
                break
            codes += one.format
        return struct.Struct(codes)


@dataclass(frozen=True, eq=False)
class Message:
    """One message (template). Its block is compiled when it is first needed: few messages of the schema ever are."""

    name: str
    id: int
    compile: Callable[[], Block]

    @cached_property
    def block(self) -> Block:
        """What it holds."""
        return self.compile()

    @property
    def is_event(self) -> bool:
        """Whether it is pushed to a user, in JSON within an envelope."""
        return self.name.endswith("Event")

    @property
    def event(self) -> str:
        """The event's word in JSON: ``executionReport``."""
        return self.name[0].lower() + self.name[1:].removesuffix("Event")


@dataclass(frozen=True, eq=False)
class Schema:
    """All messages of a schema."""

    id: int
    version: int
    by_id: Mapping[int, Message]
    by_name: Mapping[str, Message]

    @cached_property
    def by_constant(self) -> Mapping[tuple[str, str], Message]:
        """Nested messages (filters, rules) by a constant's path and JSON word."""
        return {
            (one.path, one.constant_word): message for message in self.by_id.values() for one in message.block.constants
        }

    def __getitem__(self, message: str | int) -> Message:
        """The message of that name or template id; ExchangeError for none."""
        found = self.by_name.get(message) if isinstance(message, str) else self.by_id.get(message)
        if found is None:
            raise ExchangeError(f"SBE schema {self.id}:{self.version} has no message {message!r}.")
        return found


@lru_cache(maxsize=2)
def load(file: str = SPOT) -> Schema:
    """A schema that comes with cryptox (``SPOT`` or ``STREAMS``), parsed once."""
    return parse(resources.files(__package__).joinpath(file).read_text(encoding="utf-8"))


def parse(xml: str) -> Schema:
    """A schema from its XML text. Of messages the text is kept: few are ever looked into, and trees take more room."""
    outline = _Outline(xml.encode())
    types = _Types(outline.tree("types"))
    messages = [
        Message(at["name"], int(at["id"]), partial(_compiled, types, outline.within(text)))
        for name, at, text in outline.parts
        if name == f"{_SBE[1:-1]} message"
    ]
    return Schema(
        int(outline.root["id"]),
        int(outline.root["version"]),
        {message.id: message for message in messages},
        {message.name: message for message in messages},
    )


def _compiled(types: _Types, xml: bytes) -> Block:
    return types.block(ET.fromstring(xml)[0])  # noqa: S314  # a part of what was parsed


class _Outline:
    """What stands right below the root of a document: name, attributes and text of each part."""

    def __init__(self, xml: bytes) -> None:
        self.root: dict[str, str] = {}
        self.parts: list[tuple[str, dict[str, str], bytes]] = []
        spaces: list[str] = []
        starts: list[tuple[str, dict[str, str], int]] = []
        depth = 0

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal depth
            if depth == 0:
                self.root = attributes
            elif depth == 1:
                starts.append((name, attributes, parser.CurrentByteIndex))
            depth += 1

        def end(name: str) -> None:
            nonlocal depth
            depth -= 1
            if depth == 0:
                starts.append((name, {}, parser.CurrentByteIndex))

        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartNamespaceDeclHandler = lambda prefix, uri: spaces.append(f' xmlns:{prefix}="{uri}"')
        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.Parse(xml, True)
        for (name, attributes, begins), (_, _, ends) in pairwise(starts):
            self.parts.append((name, attributes, xml[begins:ends]))
        self._open = f"<part{''.join(spaces)}>".encode()

    def within(self, text: bytes) -> bytes:
        """The text of a part as a document of its own."""
        return self._open + text + b"</part>"

    def tree(self, name: str) -> ET.Element:
        """All parts of that name."""
        text = b"".join(text for part, _, text in self.parts if part == name)
        root = ET.fromstring(self.within(text))  # noqa: S314  # a part of what was parsed
        for node in root.iter():  # it is kept, and this is what only people read
            node.attrib.pop("description", None)
        return root


class _Types:
    """The named types of a schema, and the blocks made of them."""

    def __init__(self, root: ET.Element) -> None:
        self.named = {
            node.attrib["name"]: node for kind in ("type", "enum", "set") for node in root.findall(f"types/{kind}")
        }
        self.composites = {node.attrib["name"]: node for node in root.findall("types/composite")}

    def block(self, node: ET.Element) -> Block:
        """The block of a message or of a group's entry."""
        fields = [self._field(child) for child in node.findall("field")]
        groups = tuple(self._group(child) for child in node.findall("group"))
        data = tuple(self._data(child) for child in node.findall("data"))
        stored = tuple(one for one in fields if one.value is not Value.CONSTANT)
        full = struct.Struct("<" + "".join(one.format for one in stored))
        return Block(
            stored,
            tuple(one for one in fields if one.value is Value.CONSTANT),
            groups,
            data,
            _form(fields, groups, data, entry=node.tag == "group"),
            full,
            full.size,
            sum(group.header.size for group in groups) + sum(one.length.size for one in data),
            any(one.value is Value.EXPONENT for one in stored),
        )

    def _field(self, node: ET.Element) -> Field:
        kind = node.attrib["type"]
        definition = self.named.get(kind)
        codes = {} if definition is None else _codes(definition)
        constant = node.attrib.get("valueRef", "") if node.get("presence") == "constant" else ""
        value, code = self._value(kind, definition)
        return Field(
            name=node.attrib["name"],
            value=Value.CONSTANT if constant else value,
            format=code,
            size=struct.calcsize(f"<{code}"),
            null=_null(value, code),
            optional=node.get("presence") == "optional",
            since=int(node.get("sinceVersion", "0")),
            path=node.get(f"{_MBX}jsonPath", node.attrib["name"]),
            default=node.get(f"{_MBX}jsonDefaultValue"),
            exponent=node.get(f"{_MBX}exponent", ""),
            codes=codes,
            words={word: code for code, (_, word) in codes.items()},
            constant=constant,
            constant_word=dict(codes.values()).get(constant.partition(".")[2], ""),
        )

    def _value(self, kind: str, definition: ET.Element | None) -> tuple[Value, str]:
        """Meaning and struct format of a type."""
        if kind == "mantissa128":
            return Value.DECIMAL, _WIDE
        if definition is None:
            return (Value.FLOAT if kind == "float" else Value.INTEGER), _FORMATS[kind]
        if definition.tag == "enum":
            return (Value.FLAG if kind == "boolEnum" else Value.ENUM), _FORMATS[definition.attrib["encodingType"]]
        if definition.tag == "set":
            return Value.SET, _FORMATS[definition.attrib["encodingType"]]
        named = {"mantissa64": Value.DECIMAL, "exponent8": Value.EXPONENT, "utcTimestampUs": Value.TIME}
        return named.get(kind, Value.INTEGER), _FORMATS[definition.attrib["primitiveType"]]

    def _group(self, node: ET.Element) -> Group:
        return Group(
            name=node.attrib["name"],
            header=self._struct(node.get("dimensionType", "groupSizeEncoding")),
            block=self.block(node),
            since=int(node.get("sinceVersion", "0")),
            path=node.get(f"{_MBX}jsonPath", node.attrib["name"]),
            omit_empty=node.get(f"{_MBX}jsonOmitNull") == "true",
        )

    def _data(self, node: ET.Element) -> Data:
        kind = node.attrib["type"]
        return Data(
            name=node.attrib["name"],
            length=self._struct(kind),
            is_message="essageData" in kind,
            optional=kind.startswith("optional"),
            since=int(node.get("sinceVersion", "0")),
            path=node.get(f"{_MBX}jsonPath", node.attrib["name"]),
            default=node.get(f"{_MBX}jsonDefaultValue"),
        )

    def _struct(self, composite: str) -> struct.Struct:
        """Layout of a composite's fixed part."""
        parts = [part for part in self.composites[composite].findall("type") if part.get("length") != "0"]
        return struct.Struct("<" + "".join(_FORMATS[part.attrib["primitiveType"]] for part in parts))


def _form(fields: list[Field], groups: tuple[Group, ...], data: tuple[Data, ...], *, entry: bool) -> Form:
    if any(one.path == "[]" for one in fields):
        return Form.ROW
    if ".." in [*(one.path for one in groups), *(one.path for one in data)]:
        return Form.MEMBER
    # CancelOpenOrdersResponse lacks the path ".." that every other list of messages has; its JSON is a plain list.
    if entry and not fields and not groups and len(data) == 1 and data[0].is_message:
        return Form.MEMBER
    return Form.OBJECT


def _codes(definition: ET.Element) -> dict[int, tuple[str, str]]:
    """Code (enum) or bit (set) -> name and JSON word; where the schema states no word, it is the name in capitals."""
    return {
        int(node.text or ""): (node.attrib["name"], node.get(f"{_MBX}jsonValue", node.attrib["name"].upper()))
        for node in definition
        if node.tag in ("validValue", "choice")
    }


def _null(value: Value, code: str) -> Any:
    """The null value of a format by the SBE standard; a set and a NaN have none that compares equal."""
    if value is Value.SET or code == "f":
        return None
    if code == _WIDE:
        return _WIDE_NULL
    bits = 8 * struct.calcsize(f"<{code}")
    return -(1 << (bits - 1)) if code.islower() else (1 << bits) - 1
