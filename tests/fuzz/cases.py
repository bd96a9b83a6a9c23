"""One case: some bytes given to one decoder, and what is wrong with what came of it, if anything is."""

from __future__ import annotations

import hashlib
import random
import time
import traceback
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

from decoders import DECODERS, Decoder
from mutations import mutated

__all__ = ["CORPUS", "Fault", "made", "minimised", "seeds", "store", "try_case"]

CORPUS = Path(__file__).parent / "corpus"
MOST_CPU_S = 4.0  # of processor time; what is fast takes a thousandth of it
MOST_MEMORY = 64 << 20  # bytes beyond what the message itself may take
PER_BYTE = 400  # bytes of memory for a byte of the message


@dataclass(frozen=True)
class Fault:
    """What is wrong. Two faults of one ``kind`` and ``place`` are the same defect."""

    kind: str
    place: str
    text: str


def seeds(decoder: Decoder) -> dict[str, bytes]:
    """The stored corpus of a decoder: name of the file, its bytes."""
    folder = CORPUS / decoder.name
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def made(name: str, found: list[bytes], number: int | str) -> bytes:
    """The mutation of that number."""
    source = random.Random(f"{name}:{number}")
    return mutated(source.choice(found), found, source)


def try_case(decoder: Decoder, body: bytes, *, memory: bool = False, is_second: bool = False) -> Fault | None:
    """What is wrong with the decoder, as far as these bytes show; None for nothing.

    Parameters
    ----------
    memory
        Whether to watch the memory that it takes as well, which makes it several times as slow.
    is_second
        What was slow is tried once more.
    """
    if memory:
        tracemalloc.start()
    began = time.thread_time()
    try:
        decoder.read(body)
    except decoder.raises:
        pass
    except Exception as error:
        return Fault(type(error).__name__, _place(error), f"{type(error).__name__}: {error}"[:300])
    finally:
        peak = tracemalloc.get_traced_memory()[1] if memory else 0
        tracemalloc.stop()
    took_s = time.thread_time() - began
    if took_s > MOST_CPU_S and not is_second:
        return try_case(decoder, body, memory=memory, is_second=True)  # the first one may have imported half of Python
    if took_s > MOST_CPU_S:
        return Fault("slow", decoder.name, f"{took_s:.1f} s of processor time for {len(body)} bytes")
    if peak > MOST_MEMORY + PER_BYTE * len(body):
        return Fault("memory", decoder.name, f"{peak >> 20} MB of memory for {len(body)} bytes")
    return None


def minimised(decoder: Decoder, body: bytes, fault: Fault, *, most: int = 3_000) -> bytes:
    """The least part of a case that shows the same fault, after at most so many tries."""
    if fault.kind == "RecursionError":
        return body  # a depth that just is too much here is not so on another interpreter
    size, memory = max(1, len(body) // 2), fault.kind == "memory"
    while size and most > 0:
        at = 0
        while at < len(body) and most > 0:
            less = body[:at] + body[at + size :]
            most -= 1
            found = try_case(decoder, less, memory=memory)
            if found is not None and (found.kind, found.place) == (fault.kind, fault.place):
                body = less
            else:
                at += size
        size //= 2
    return body


def store(decoder: Decoder, body: bytes, fault: Fault) -> Path:
    """Put a case into the corpus, under the name of its fault."""
    path = CORPUS / decoder.name / f"found_{fault.kind.lower()}_{hashlib.sha256(body).hexdigest()[:8]}"
    path.write_bytes(body)
    return path


def _place(error: BaseException) -> str:
    """The innermost line of cryptox, or of the table of decoders."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [one for one in frames if "cryptox" in Path(one.filename).parts or "cryptox/" in one.filename]
    last = (ours or frames)[-1]
    return f"{Path(last.filename).name}:{last.lineno}" + (f" ({last.line})" if last.line else "")


assert all((CORPUS / name).is_dir() for name in DECODERS), "a decoder without a corpus"
