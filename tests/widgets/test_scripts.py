"""The page's side of candles, run by node: it makes the same of changes as the painter meant."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.resources import files
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from cryptox.widgets import klines

NODE = shutil.which("node")
SCRIPT = files("cryptox.widgets") / "js" / "klines.js"
PROGRAM = """
const told = JSON.parse(require("fs").readFileSync(0, "utf-8"));
const said = told.map(({ first, changes }) => changes.map((change) => {
  const wholes = Object.entries(change.of).map(([symbol, step]) => apply_candles(first.of[symbol], step));
  return [structuredClone(first), wholes];
}));
console.log(JSON.stringify(said));
"""


def candles(random: Random, first: int, size: int) -> dict[str, Any]:
    rows = [[(first + at) * 60_000, *(random.randint(9900, 10100) / 100 for _ in range(5))] for at in range(size)]
    return {"interval": "1m", "of": {"A": {"digits": 2, "volume_digits": 2, "rows": rows}}}


def story(random: Random) -> list[dict[str, Any]]:
    """A window that moves on, whose last candle changes, and now and then something else."""
    pictures = [candles(random, 0, random.randint(0, 6))]
    for _ in range(12):
        rows = [list(row) for row in pictures[-1]["of"]["A"]["rows"]]
        match random.choice(["last", "next", "slide", "other"]):
            case "last" if rows:
                rows[-1][4] = random.randint(9900, 10100) / 100
            case "next" if rows:
                rows.append([rows[-1][0] + 60_000, 1.0, 2.0, 0.5, 1.5, 7.0])
            case "slide" if rows:
                rows = [*rows[1:], [rows[-1][0] + 60_000, 1.0, 2.0, 0.5, 1.5, 7.0]]
            case _:
                rows = candles(random, random.randint(0, 9), random.randint(0, 6))["of"]["A"]["rows"]
        pictures.append({"interval": "1m", "of": {"A": {"digits": 2, "volume_digits": 2, "rows": rows}}})
    return pictures


@pytest.mark.skipif(NODE is None, reason="there is no node to run the page's scripts")
def test_the_page_makes_of_changes_what_the_painter_meant() -> None:
    random, told, wanted = Random(6), [], []
    for _ in range(200):
        pictures = story(random)
        steps = [(klines.change(before, after), before, after) for before, after in pairwise(pictures)]
        steps = [step for step in steps if step[0] is not None]
        told.append({"first": pictures[0], "changes": [change for change, _, _ in steps]})
        wanted.append([(before, after) for _, before, after in steps])
    assert NODE is not None
    done = subprocess.run(
        [NODE, "-e", SCRIPT.read_text("utf-8") + PROGRAM],
        input=json.dumps(told), capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    for came, meant in zip(json.loads(done.stdout), wanted, strict=True):
        for (picture, wholes), (before, after) in zip(came, meant, strict=True):
            assert picture == after
            assert wholes == [not only_last_differs(before["of"]["A"]["rows"], after["of"]["A"]["rows"])]


@pytest.mark.skipif(NODE is None, reason="there is no node to run the page's scripts")
@pytest.mark.parametrize(
    ("interval", "before"), [("1m", 60_000), ("15m", 900_000), ("4h", 14_400_000), ("1w", 604_800_000)]
)
def test_a_chart_of_no_candle_says_so_and_one_of_a_lone_candle_knows_its_width(interval: str, before: int) -> None:
    program = """
    const row = [1717243200000, 1, 3, 0.5, 2, 7];
    const drawn = [[], [row], [row, row]].map((rows) => [
      candle_traces(rows, {}, told), candle_layout({}, { rows, digits: 2, volume_digits: 2 })]);
    console.log(JSON.stringify(drawn.map(([traces, layout]) => [
      traces.map((trace) => trace.x.map((x) => Date.parse(x + "Z"))), traces[0].open, traces[1].y,
      layout.xaxis.visible && layout.yaxis.visible, layout.annotations.map((one) => one.text)])));
    """
    assert NODE is not None
    command = [NODE, "-e", f"const told = {json.dumps(interval)};" + SCRIPT.read_text("utf-8") + program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    none, one, two = json.loads(done.stdout)
    now = 1717243200000
    assert none == [[[], [], [], []], [], [], False, ["No candle yet."]]
    assert one == [[[now - before], [now - before], [now], [now]], [None], [None], True, []]
    assert two == [[[now]] * 4, [1], [7], True, []]


def only_last_differs(before: list[Any], after: list[Any]) -> bool:
    """Whether the forming candle alone has moved, for which the page keeps its long trace."""
    return bool(before) and len(before) == len(after) and before[:-1] == after[:-1] and before[-1][0] == after[-1][0]
