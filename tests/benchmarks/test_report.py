"""The program that writes measured tables into the page, and the summaries that are put together from it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = "# Page\n\n<!-- measured: one -->\n\nold | 1\n\n<!-- end of one -->\n\nProse stays.\n\n"
OTHER = "<!-- measured: other -->\n\nkept\n\n<!-- end of other -->\n"
PROGRAM = """
import sys
from measure import machine, show
print(machine())
show([("client", "time"), ("a|b", "1 s")], "Two words.")
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import report

    yield report
    for name in ("report", "summary", "measure", "venvs"):
        if name not in before:
            sys.modules.pop(name, None)


def test_it_writes_between_the_markers_and_leaves_the_rest(program: Any) -> None:
    page = program.written(PAGE + OTHER, "one", "new")
    assert page == PAGE.replace("old | 1", "new") + OTHER
    assert program.written(page, "one", "new") == page


@pytest.mark.parametrize("text", ["", PAGE + PAGE, PAGE.replace("<!-- end of one -->", "")])
def test_a_page_without_the_markers_is_left_alone(program: Any, text: str) -> None:
    with pytest.raises(ValueError, match="no place for one"):
        program.written(text, "one", "new")


def test_rows_come_back_as_they_were_written(program: Any) -> None:
    rows = [["client", "time"], ["a", "1.0 s"], ["", "2"]]
    page = program.written(PAGE, "one", "Head, of 5.\n\n" + program.markdown(rows))
    assert program.rows_of(page, "one") == rows


def test_a_program_is_run_and_its_tables_written_with_command_day_and_machine(
    program: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    benchmarks = tmp_path / "benchmarks"
    benchmarks.mkdir()
    (benchmarks / "some.py").write_text(PROGRAM)
    (benchmarks / "measure.py").write_text((ROOT / "benchmarks" / "measure.py").read_text(encoding="utf-8"))
    page = tmp_path / "page.md"
    page.write_text(PAGE + OTHER)
    monkeypatch.setattr(program, "ROOT", tmp_path)
    monkeypatch.setattr(program, "PAGE", page)
    monkeypatch.setattr(program, "SUMMARIES", ())
    monkeypatch.setattr(program, "summary", lambda rows_of: [["nothing"]])
    found = {"one": program.Section("some.py 0", packages="pytest"), "other": program.Section("some.py 3")}
    monkeypatch.setattr(program, "SECTIONS", found)
    monkeypatch.setattr(sys, "argv", ["report.py"])
    assert program.main() == 1  # the other one failed
    text = page.read_text()
    assert text.endswith("Prose stays.\n\n" + OTHER)
    head, about, *table = program.between(text, "one").strip().split("\n\n")
    assert re.fullmatch(
        rf"`python benchmarks/some.py 0`, 20\d\d-\d\d-\d\d, load [0-9.]+ before, [0-9.]+ at the end; "
        rf"Python .*cores; pytest {pytest.__version__}\.",
        head,
    )
    assert about == "Two words."
    assert table == ["| client | time |\n| --- | --- |\n| a\\|b | 1 s |"]


def test_every_section_has_its_place_and_its_program(program: Any) -> None:
    text = program.PAGE.read_text(encoding="utf-8")
    for name, section in program.SECTIONS.items():
        assert program.between(text, name).strip(), name
        assert (ROOT / "benchmarks" / section.command.split()[0]).exists()
    assert set(re.findall(r"<!-- measured: (.*) -->", text)) == program.SECTIONS.keys()
    assert sum(section.seconds for section in program.SECTIONS.values() if not section.is_long) < 480


def test_the_summaries_have_the_figures_of_the_page(program: Any) -> None:
    text = program.PAGE.read_text(encoding="utf-8")
    body = program.markdown(program.summary(lambda name: program.rows_of(text, name)))
    assert body.count("\n| ") >= 7
    assert body.count("–") < 10
    for page in program.SUMMARIES:
        assert program.between(page.read_text(encoding="utf-8"), "summary").strip() == body, page
