"""Recordings as files: what was written is read again, however the file ended."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptox.transport import tape
from cryptox.transport.tape import Entry, Writer

MESSAGE = b'{"stream":"btcusdt@trade","data":{"e":"trade","t":1}}'

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
messages = st.dictionaries(st.text(), values, min_size=1).flatmap(
    lambda value: st.sampled_from([None, 1]).map(
        lambda indent: json.dumps(value, ensure_ascii=False, indent=indent).encode("utf-8", "surrogatepass")
    )
)


def everything(path: Path) -> list[Entry | None]:
    return list(tape.read(path))


def write(path: Path, entries: list[Entry]) -> None:
    with Writer(path) as writer:
        writer.write(tape.render(*entry) for entry in entries)


@settings(deadline=None)
@given(st.integers(0, 10**19 - 1), messages)
def test_a_line_gives_back_what_it_was_made_of(time_ns: int, message: bytes) -> None:
    line = tape.render(time_ns, message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    found = tape.parse(line)
    assert found is not None
    assert found.time_ns == time_ns
    assert json.loads(found.message) == json.loads(message)
    if b"\n" not in message:
        assert found.message == message


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"   \r\n",
        b"12",
        b"12 ",
        b"x {}",
        b'12 {"a":1',
        b"12 null",
        b"-1 {}",
        b"1" * 5_000 + b" {}",
        "१ {}".encode(),
    ],
)
def test_what_is_no_line_holds_nothing(line: bytes) -> None:
    assert tape.parse(line) is None


@pytest.mark.parametrize("name", ["tape.gz", "tape.jsonl"])
def test_a_file_is_read_as_it_was_written(tmp_path: Path, name: str) -> None:
    entries = [Entry(1_723_161_253_937_085_768 + i, MESSAGE.replace(b":1}", b":%d}" % i)) for i in range(20_000)]
    write(tmp_path / name, entries)
    assert everything(tmp_path / name) == entries
    raw = (tmp_path / name).read_bytes()
    assert raw.startswith(b"\x1f\x8b") == name.endswith(".gz")
    text = gzip.decompress(raw) if name.endswith(".gz") else raw
    assert text == b"".join(b"%d %s\n" % entry for entry in entries)


@pytest.mark.parametrize("name", ["tape.gz", "tape.jsonl"])
def test_a_file_can_be_read_after_each_flush(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    entries = [Entry(i, MESSAGE) for i in range(5)]
    with Writer(path) as writer:
        for count, entry in enumerate(entries, start=1):
            writer.write([tape.render(*entry)])
            writer.flush()
            assert everything(path) == entries[:count]
            assert writer.written == path.stat().st_size
    writer.close()
    assert everything(path) == entries


@pytest.mark.parametrize("name", ["tape.gz", "tape.jsonl"])
@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_cut_file_is_read_as_far_as_it_goes(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("cut") / name
    entries = [Entry(10 * i, b'{"stream":"a","data":{"deep":{"er":%d}}}' % i) for i in range(30)]
    write(path, entries)
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    found = everything(path)
    kept = found if not found or found[-1] is not None else found[:-1]
    assert kept == entries[: len(kept)]
    assert None not in kept
    if name == "tape.jsonl":
        ends = [match.end() for match in re.finditer(rb"\n", whole)]
        assert len(kept) in (sum(end <= cut for end in ends), sum(end - 1 <= cut for end in ends))
    if cut == len(whole):
        assert found == entries


def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    write(tmp_path / "tape.gz", [Entry(1, MESSAGE)])
    with pytest.raises(FileExistsError, match="never overwrites a file; give another name"):
        Writer(tmp_path / "tape.gz")
    assert everything(tmp_path / "tape.gz") == [Entry(1, MESSAGE)]


def test_recordings_put_one_after_another_are_one(tmp_path: Path) -> None:
    for name, at in (("a.gz", 1), ("b.gz", 2)):
        write(tmp_path / name, [Entry(at, MESSAGE)])
    both = tmp_path / "both"
    both.write_bytes((tmp_path / "a.gz").read_bytes() + (tmp_path / "b.gz").read_bytes())
    assert everything(both) == [Entry(1, MESSAGE), Entry(2, MESSAGE)]


def test_damage_is_told_and_foreign_lines_are_none(tmp_path: Path) -> None:
    path = tmp_path / "tape"
    path.write_bytes(b"# begin\n\n7 " + MESSAGE + b"\r\nhttps://example.com -> 1: {}\n")
    assert everything(path) == [None, Entry(7, MESSAGE), None]
    zipped = bytearray(gzip.compress(b"%d %s\n" % (7, MESSAGE) * 4_000, mtime=0))
    zipped[len(zipped) // 2 : len(zipped) // 2 + 40] = b"\xff" * 40
    path.write_bytes(zipped)
    with pytest.raises(OSError, match="is damaged"):
        everything(path)
    path.write_bytes(b"x" * (tape.MOST_LINE + 2 * tape.BLOCK))
    with pytest.raises(OSError, match="is no recording"):
        everything(path)


def test_notes_are_told_from_messages() -> None:
    assert tape.note("cut", streams=["a"]) == b'{"cryptox":"cut","streams":["a"]}'
    assert tape.note_in(tape.note("cut", streams=["a"])) == {"cryptox": "cut", "streams": ["a"]}
    assert tape.note_in(MESSAGE) is None
    assert tape.note_in(b'{"cryptox":1}') is None
    assert tape.note_in(b'{"cryptox":"cut') is None


def test_the_real_recording_is_read_as_a_plain_reading_of_it(shared: Path) -> None:
    """Five minutes of BTCUSDT, recorded by hftbacktest's author on 2024-08-08; see shared/data/README.md."""
    path = shared / "data/hftbacktest/btcusdt_20240808.gz"
    lines = [line.split(b" ", 1) for line in gzip.decompress(path.read_bytes()).splitlines() if line.strip()]
    assert len(lines) == 3_451 + 28_040 + 9_757 + 1
    assert everything(path) == [Entry(int(stamp), message) for stamp, message in lines]
