"""Every decoder, given what a fault, a foe or a proxy makes of its messages, for as long as it is told.

    nice python benchmarks/fuzz.py --minutes 5
    python benchmarks/fuzz.py --only journal user_events --seconds 20 --seed 7 --dry

The decoders, the stored corpus and the mutations are those of ``tests/fuzz``, whose quick test tries some hundred of
each. Here the seed is another with each run (it is printed; the same one tries the same cases in the same order). What
raises that its decoder may not raise, takes seconds or memory beyond its size, or is read in two ways, is made as small
as possible and put into the corpus, where the tests find it. Code 1 where there is one.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import resource
import sys
import time
from collections import Counter
from pathlib import Path

from measure import machine, show

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "fuzz"))

import cases
from decoders import DECODERS

ROUND = 50  # cases of a decoder before the next has its turn
MEMORY_EACH = 16  # one case of so many is watched for memory, and so takes longer
STUCK_S = 40  # nothing takes so long: where it was is printed, and the program ends
MOST_MEMORY = 8 << 30  # of the process, beyond which an allocation fails and is a fault


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--minutes", type=float, default=1.0)
    asked.add_argument("--seconds", type=float)
    asked.add_argument("--seed", type=int, default=None)
    asked.add_argument("--only", nargs="*", choices=list(DECODERS), default=list(DECODERS))
    asked.add_argument("--dry", action="store_true", help="tell what is found, and store nothing")
    told = asked.parse_args()
    seed = random.SystemRandom().randrange(10**9) if told.seed is None else told.seed
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    print(f"seed {seed}, {machine()}", flush=True)
    tried, faults = run(told.only, seed, told.seconds or 60 * told.minutes, is_dry=told.dry)
    rows = [("decoder", "stored", "tried", "found")]
    for name in told.only:
        found = sum(1 for where, *_ in faults if where == name)
        rows.append((name, str(len(cases.seeds(DECODERS[name]))), f"{tried[name]:,}", str(found)))
    show([*rows, ("all", "", f"{tried.total():,}", str(len(faults)))])
    return 1 if faults else 0


def run(names: list[str], seed: int, seconds: float, *, is_dry: bool) -> tuple[Counter[str], set[tuple[str, str, str]]]:
    """How many cases of each were tried, and the faults: decoder, kind and place."""
    tried: Counter[str] = Counter()
    faults: set[tuple[str, str, str]] = set()
    stored = {name: list(cases.seeds(DECODERS[name]).values()) for name in names}
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        for name in names:
            one = DECODERS[name]
            for _ in range(max(1, ROUND // one.weight)):
                number = tried[name]
                body = cases.made(name, stored[name], f"{seed}:{number}")
                faulthandler.dump_traceback_later(STUCK_S, exit=True)
                fault = cases.try_case(one, body, memory=number % MEMORY_EACH == 0)
                faulthandler.cancel_dump_traceback_later()
                tried[name] += 1
                if fault is None or (name, fault.kind, fault.place) in faults:
                    continue
                faults.add((name, fault.kind, fault.place))
                body = cases.minimised(one, body, fault, most=4 if fault.kind == "slow" else 3_000)
                where = "" if is_dry else f" -> {cases.store(one, body, fault).name}"
                print(f"{name}: {fault.text}\n  at {fault.place}\n  {body[:200]!r}{where}", flush=True)
    return tried, faults


if __name__ == "__main__":
    sys.exit(main())
