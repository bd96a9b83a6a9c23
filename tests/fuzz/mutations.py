"""What a fault, a foe or a proxy makes of a message: seeded, so that the same number gives the same bytes. Pure."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

__all__ = ["mutated"]

MOST = 200_000  # bytes of a mutation: what grows must not grow without end
MOST_NESTED = 300  # brackets of a document that is taken apart: some Pythons decode deeper ones, others do not
EXTREMES = [
    "0", "-1", "1e999", "-1e999", "1e-999", "1e400", "1E+999999999", "-0", "0.1e1", "NaN", "Infinity", "127", "255",
    "65535", "2147483647", "2147483648", "4294967295", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616",
    "1" + "0" * 40, "1" + "0" * 400, "9" * 5000, "0." + "0" * 50 + "1", "0." + "1" * 5000, "1.", ".5", "",
]  # fmt: skip
TEXTS = [
    "NaN", "sNaN", "-Infinity", "1e5", "1E+999999999", "1E-999999999", "0x10", "1_000", " 1", "٣", "1.2.3", "-", "\0",
    "\ud800", "é" * 40, "<html>", "x" * 3000, "true", "", "null", "2024-01-01", "SELL", "NOVEL", "1" * 400, "-1",
    "0.000000001", "9" * 39, "92233720368547758.08",
]  # fmt: skip
WORDS = [b"\x00" * 4, b"\xff" * 4, b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\xff" * 8, b"\xff" * 7 + b"\x7f"]
WORDS += [b"\x00" * 7 + b"\x80", b"\xff\xff", b"\x00", b"\x7f", b"\x80", b"\xff"]
BROKEN = [b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\x00", b"\xef\xbb\xbf", b"\x1f\x8b", b"\n"]
DEPTHS = [40, 400, 1_000, 3_000, 100_000]
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
RAW = "\x01raw\x01"  # what follows stands in JSON without quotes


def mutated(seed: bytes, others: list[bytes], source: random.Random) -> bytes:
    """A mutation of ``seed``, with parts of ``others`` in it now and then."""
    found = seed
    for _ in range(source.choice((1, 1, 1, 2, 3))):
        found = _once(found, others, source)
    return found[:MOST]


def _once(seed: bytes, others: list[bytes], source: random.Random) -> bytes:
    if source.random() < 0.5:
        lines = seed.split(b"\n")
        at = source.randrange(len(lines))
        begin = min((place for place in map(lines[at].find, (b"{", b"[")) if place >= 0), default=-1)
        if begin >= 0:
            lines[at] = lines[at][:begin] + _as_json(lines[at][begin:], source)
            return b"\n".join(lines)
    return source.choice(BYTES)(seed, others, source)


def _flip(seed: bytes, _: list[bytes], source: random.Random) -> bytes:
    if not seed:
        return seed
    out = bytearray(seed)
    out[source.randrange(len(out))] ^= 1 << source.randrange(8)
    return bytes(out)


def _cut(seed: bytes, _: list[bytes], source: random.Random) -> bytes:
    return seed[: source.randint(0, len(seed))]


def _drop(seed: bytes, _: list[bytes], source: random.Random) -> bytes:
    begin, end = _range(seed, source)
    return seed[:begin] + seed[end:]


def _double(seed: bytes, _: list[bytes], source: random.Random) -> bytes:
    begin, end = _range(seed, source)
    return seed[:end] + seed[begin:end] * source.choice((1, 1, 2, 50)) + seed[end:]


def _word(seed: bytes, _: list[bytes], source: random.Random) -> bytes:
    """An extreme in the place of some bytes: claimed lengths among them."""
    word, at = source.choice(WORDS), source.randint(0, len(seed))
    return seed[:at] + word + seed[at + len(word) :]


def _broken(seed: bytes, _: list[bytes], source: random.Random) -> bytes:
    at = source.randint(0, len(seed))
    return seed[:at] + source.choice(BROKEN) + seed[at:]


def _number(seed: bytes, _: list[bytes], source: random.Random) -> bytes:
    found = list(NUMBER.finditer(seed))
    if not found:
        return _flip(seed, _, source)
    one = source.choice(found)
    return seed[: one.start()] + source.choice(EXTREMES).encode() + seed[one.end() :]


def _splice(seed: bytes, others: list[bytes], source: random.Random) -> bytes:
    other = source.choice(others)
    return seed[: source.randint(0, len(seed))] + other[source.randint(0, len(other)) :]


def _deep(seed: bytes, _: list[bytes], source: random.Random) -> bytes:
    """Lists in lists, or objects in objects, where a number stands."""
    found = list(NUMBER.finditer(seed))
    begin, end = source.choice(found).span() if found else (0, len(seed))
    return seed[:begin] + _nested(source) + seed[end:]


BYTES: list[Callable[[bytes, list[bytes], random.Random], bytes]] = [
    *(_flip, _flip, _cut, _drop, _double, _word, _word, _word, _broken, _number, _number, _splice, _deep),
]


def _range(seed: bytes, source: random.Random) -> tuple[int, int]:
    begin = source.randint(0, len(seed))
    return begin, min(len(seed), begin + source.choice((1, 2, 4, 8, 30, 200)))


def _nested(source: random.Random) -> bytes:
    depth = source.choice(DEPTHS)
    return b"[" * depth + b"]" * depth if source.random() < 0.5 else b'{"a":' * depth + b"0" + b"}" * depth


def _as_json(text: bytes, source: random.Random) -> bytes:
    """The same document with one value removed, renamed, doubled, or of another type or size."""
    if text.count(b"[") + text.count(b"{") > MOST_NESTED:
        return _flip(text, [], source)
    try:
        root = [json.loads(text)]
    except (ValueError, RecursionError):
        return _flip(text, [], source)
    places = list(_places(root))
    holder, key = source.choice(places)
    match source.randrange(7):
        case 0 if holder is not root:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[source.choice(TEXTS)] = holder.pop(key)
        case 2 if isinstance(holder, list) and holder is not root:
            holder[key:key] = [holder[key]] * source.choice((1, 3, 40))
        case 3:
            holder[key] = source.choice([None, True, {}, [], [[]], {"code": []}, [None], -1, "", {"e": 1}])
        case 4:
            holder[key] = source.choice(TEXTS)
        case 5:
            other, place = source.choice(places)
            holder[key] = json.loads(json.dumps(other[place]))
        case _:
            extreme = source.choice(EXTREMES)
            holder[key] = extreme if isinstance(holder[key], str) else RAW + (extreme or "0") + RAW
    made = json.dumps(root[0], separators=(",", ":"), ensure_ascii=source.random() < 0.5)
    return (
        made.replace(json.dumps(RAW)[1:-1], RAW)
        .replace(f'"{RAW}', "")
        .replace(f'{RAW}"', "")
        .encode("utf-8", "surrogatepass")
    )


def _places(node: Any) -> Any:
    """Every value of a document: what holds it, and under which key."""
    pairs = list(node.items() if isinstance(node, dict) else enumerate(node))
    for key, value in pairs:
        yield node, key
        if isinstance(value, dict | list):
            yield from _places(value)
