"""Orders under a campaign of faults: what each call said of its order against the exchange's own record.

    python benchmarks/orders_campaign.py                      # 10,000 orders on virtual time
    python benchmarks/orders_campaign.py --orders 2000 --seed 3
    python benchmarks/orders_campaign.py --sockets 300        # over sockets, in real time

Tasks of several accounts place, cancel, replace and amend orders and order lists of all kinds on a paper exchange while
requests and answers are lost, late, cut and replaced, the exchange is down or bans, its clock jumps, and processes die:
a session is then thrown away with all it knew but its journal, and the next one of that key settles what it left.
Afterwards each call is compared with what the exchange did for it: at most once, and what the call said must be so. It
prints what was done and fails where anything is wrong.
"""

from __future__ import annotations

import argparse
import logging
import re

from orders.campaign import report
from orders.runs import on_virtual_time, over_sockets

__all__ = ["on_virtual_time", "over_sockets", "report"]


def main() -> int:
    """Run it; 1 where anything is wrong."""
    from measure import machine, show

    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--orders", type=int, default=10_000)
    arguments.add_argument("--sockets", type=int, help="so many orders over sockets, in real time")
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    logging.getLogger("cryptox").setLevel(logging.CRITICAL)
    campaign = over_sockets(given.sockets, given.seed) if given.sockets else on_virtual_time(given.orders, given.seed)
    print(machine())
    show([("what", "in this campaign"), *map(row, report(campaign).splitlines())])
    return 1 if campaign.wrong else 0


def row(line: str) -> tuple[str, ...]:
    """A line of the report as cells; what was wrong has none."""
    what, _, said = (re.sub("  +", "  ", line.strip())).partition("  ")
    return (what, said) if said else ("wrong", what)


if __name__ == "__main__":
    raise SystemExit(main())
