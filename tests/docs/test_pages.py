"""The code on every page runs, in order, on a paper exchange whose clock stands still; and pages name what is there."""

from __future__ import annotations

import ast
import asyncio
import dataclasses
import doctest
import inspect
import io
import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import cryptox as cx
from cryptox import cli, settings
from cryptox.errors import CryptoxError
from cryptox.model import account, book, events, orders, updates
from cryptox.paper import process

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
    if "_build" not in path.parts
)
FENCE = re.compile(r"^(?P<indent>[ ]*)```(?P<kind>[^`\n]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the line its text begins at, its text."""

    kind: str
    line: int
    text: str


def blocks(text: str, *kinds: str) -> list[Block]:
    """Fenced blocks of these languages."""
    found = []
    for match in FENCE.finditer(text):
        if match["kind"] in kinds:
            indent = len(match["indent"])
            lines = [line[indent:] for line in match["text"].splitlines()]
            found.append(Block(match["kind"], text.count("\n", 0, match.start()) + 2, "\n".join(lines) + "\n"))
    return found


def run(block: Block, page: str, names: dict[str, Any]) -> None:
    """Run a block in the page's names: a program, or prompts whose answers must be the ones shown."""
    if block.kind == "pycon":
        test = doctest.DocTestParser().get_doctest(block.text, names, page, page, block.line - 1)
        said = io.StringIO()
        options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
        failed = doctest.DocTestRunner(optionflags=options).run(test, out=said.write, clear_globs=False).failed
        names.update(test.globs)
        assert not failed, said.getvalue()
        return
    # Line numbers in a traceback are those of the page.
    program = compile("\n" * (block.line - 1) + block.text, page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if program.co_flags & inspect.CO_COROUTINE:
        asyncio.run(eval(program, names))
    else:
        exec(program, names)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks((ROOT / page).read_text("utf-8"), "python", "pycon")]
)
def test_the_code_on_the_page_runs(
    page: str, frozen: cx.PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}  # a page brings all that its code needs
    for block in blocks((ROOT / page).read_text(encoding="utf-8"), "python", "pycon"):
        run(block, page, names)


def test_the_calls_in_the_readmes_table_work(frozen: cx.PaperExchange) -> None:
    text = FENCE.sub("", (ROOT / "README.md").read_text(encoding="utf-8"))
    calls = re.findall(r"`((?:cx\.|session\.|async with cx\.)[^`]*\(.*?\))`", text)
    assert len(calls) >= 23
    with cx.connect("paper") as session:
        for call in calls:
            run(Block("python", 1, call + "\n"), f"README.md: {call}", {"cx": cx, "session": session})


def test_a_wrong_page_is_noticed(frozen: cx.PaperExchange) -> None:
    page = '# Page\n\n```python\nframe = cx.klines("BTCUSDT", "1h", 3)\n```\n\n```pycon\n>>> len(frame)\n4\n```\n'
    program, prompt = blocks(page, "python", "pycon")
    assert (program.line, prompt.line) == (4, 8)
    names: dict[str, Any] = {"cx": cx}
    run(program, "page.md", names)
    with pytest.raises(AssertionError, match=r"File \"page.md\", line 8(.|\n)*Expected:\n +4\n +Got:\n +3"):
        run(prompt, "page.md", names)
    with pytest.raises(cx.errors.BadSymbol):
        run(Block("python", 1, 'cx.klines("BTCUSD")\n'), "page.md", names)


def commands() -> list[tuple[str, str]]:
    """Every line of a shell block that calls cryptox, with its page."""
    found = []
    for page in PAGES:
        for block in blocks((ROOT / page).read_text(encoding="utf-8"), "sh", "console"):
            lines = block.text.replace("\\\n", " ").splitlines()
            found += [(page, line.removeprefix("$ ")) for line in lines if re.match(r"(\$ )?(\w+=\S* )*cryptox ", line)]
    return found


@pytest.mark.parametrize(("page", "line"), commands())
def test_the_commands_on_the_pages_exist(page: str, line: str) -> None:
    words = shlex.split(line, comments=True)
    words = words[words.index("cryptox") + 1 :]
    told = cli._parser().parse_args(words)
    if words[0] == "paper":
        process._parser().parse_args(told.rest)


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_somewhere(page: str) -> None:
    text = FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    inside = [target for target in targets if target and not re.match(r"\w+:", target)]
    # The site has the notebooks beside its pages; conf.py copies them there.
    there = [target for target in inside if not target.startswith("notebooks/") or page == "README.md"]
    assert [target for target in there if not os.path.exists((ROOT / page).parent / target)] == []


def test_the_page_of_settings_names_all_of_them() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    names = [field.name for field in dataclasses.fields(settings.Settings)]
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "cryptox").rglob("*.py")]
    names += {name for source in sources for name in re.findall(r"\"((?:BINANCE|CRYPTOX)_[A-Z_]+)\"", source)}
    assert len(names) > 20
    assert [name for name in names if f"`{name}`" not in text] == []


def test_the_reference_has_every_call_and_record() -> None:
    text = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    told = set(re.findall(r"\w+", " ".join(re.findall(r"(?:auto\w+:: .*|:members:.*)", text))))
    own = [name for name in vars(cx.Session) if not name.startswith("_")]
    assert len(own) > 40
    assert [name for name in own if name not in told and name not in cx.__all__] == []
    records = [*account.__all__, *orders.__all__, *updates.__all__, *book.__all__, *events.__all__]
    constants = [name for name in records if name.isupper() or name in ("Level", "moment")]
    assert [name for name in records if name not in told and name not in constants] == []


def test_the_page_of_errors_names_all_of_them() -> None:
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert [name for name in cx.errors.__all__ if name not in text] == []
    attributes = [name for name in vars(CryptoxError("x")) if not name.startswith("_")]
    assert [name for name in (*attributes, "category", "severity") if f"`{name}`" not in text] == []
