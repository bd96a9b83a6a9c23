"""The stored corpus, and mutations of it, through every decoder: nothing but what each one may raise comes out.

``python benchmarks/fuzz.py`` tries others for as long as it is told, and stores what it finds in the corpus.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import cases
import mutations
from decoders import DECODERS, Decoder

ROOT = Path(__file__).resolve().parent.parent.parent
TRIED = 100  # mutations of each decoder
SMALL = 120_000  # bytes of the whole corpus


def shown(decoder: Decoder, body: bytes, what: str, *, memory: bool = False) -> None:
    fault = cases.try_case(decoder, body, memory=memory)
    assert fault is None, f"{decoder.name}, {what}: {fault.text}\nat {fault.place}\n{body[:400]!r}"


@pytest.mark.parametrize("name", DECODERS)
def test_the_corpus_and_its_mutations(name: str) -> None:
    decoder = DECODERS[name]
    stored = cases.seeds(decoder)
    for file, body in stored.items():
        shown(decoder, body, file)
    found = list(stored.values())
    for number in range(TRIED // decoder.weight):
        shown(decoder, cases.made(name, found, number), f"mutation {number}")


@pytest.mark.parametrize("name", DECODERS)
def test_nesting_beyond_any_depth(name: str) -> None:
    decoder = DECODERS[name]
    for file, body in list(cases.seeds(decoder).items())[:2]:
        for nested in (b"[" * 50_000 + b"]" * 50_000, b'{"a":' * 2_000 + b"0" + b"}" * 2_000):
            for number in list(mutations.NUMBER.finditer(body))[:1]:
                shown(decoder, body[: number.start()] + nested + body[number.end() :], f"{file}, nested")


LENGTHS = [b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\xff\xff"]
BINARY = [name for name in DECODERS if name.startswith("sbe_")]


@pytest.mark.parametrize("name", BINARY)
def test_a_claimed_length_takes_no_memory(name: str) -> None:
    decoder = DECODERS[name]
    stored = cases.seeds(decoder)
    for number in range(30):
        source = random.Random(f"{name}:{number}")
        file, word = source.choice(list(stored)), source.choice(LENGTHS)
        body, at = stored[file], source.randrange(max(1, len(stored[file])))
        shown(decoder, body[:at] + word + body[at + len(word) :], f"{file}, {word!r} at {at}", memory=True)


def reckless(body: bytes) -> None:
    """A decoder with every fault there is."""
    if b"key" in body:
        raise KeyError("key")
    if b"long" in body:
        bytearray(2 * cases.MOST_MEMORY)
    if b"fine" in body:
        raise ValueError("may be raised")


def test_what_a_decoder_must_not_do_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = Decoder("reckless", reckless, (ValueError,))
    assert cases.try_case(decoder, b"fine", memory=True) is None
    fault = cases.try_case(decoder, b"a key among others")
    assert fault is not None
    assert fault.kind == "KeyError"
    assert cases.minimised(decoder, b"a key among others", fault) == b"key"
    long = cases.try_case(decoder, b"a long one", memory=True)
    assert long is not None
    assert long.kind == "memory"
    monkeypatch.setattr(cases, "MOST_CPU_S", -1.0)
    slow = cases.try_case(decoder, b"")
    assert slow is not None
    assert slow.kind == "slow"


def test_a_number_stands_for_one_case() -> None:
    found = list(cases.seeds(DECODERS["placed"]).values())
    made = [cases.made("placed", found, number) for number in range(100)]
    assert made == [cases.made("placed", found, number) for number in range(100)]
    assert len(set(made)) > 90
    assert all(len(one) <= mutations.MOST for one in made)


def test_the_corpus_is_small_and_whole() -> None:
    files = [path for path in cases.CORPUS.rglob("*") if path.is_file()]
    assert {path.parent.name for path in files if path.parent != cases.CORPUS} == set(DECODERS)
    assert sum(path.stat().st_size for path in files) < SMALL
