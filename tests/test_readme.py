"""The README is short, the tables of README and docs are those of the code, and links lead somewhere."""

import io
import re
import runpy
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from demo.answers import Answers, Figures, show

ROOT = Path(__file__).parents[1]
TABLES = runpy.run_path(str(ROOT / "docs" / "tables.py"))
FILES = TABLES["FILES"]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_stranger_can_read_it_in_a_few_minutes():
    assert len(README.splitlines()) <= 150


def test_the_demo_ends_as_it_shows():
    """Figures differ from run to run; what they are called does not."""
    figures = Figures(225, 205, 11, 0, 9, 68, Decimal("16.3766"), 63, 26, 0)
    moment, money = datetime(2026, 11, 30, tzinfo=UTC), Decimal(1)
    answers = Answers(moment, figures, figures, 0, "USD", money, money, money, money)
    console = Console(file=io.StringIO(), width=110)
    show(answers, console)
    (shown,) = re.findall(r"^```text\n(Answers as of .*?)^```$", README, re.MULTILINE | re.DOTALL)

    def words(text):
        return re.sub(r"[\d.,:%-]+|[^\w\n]+", " ", text).split()

    assert words(shown) == words(console.file.getvalue())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_tables_are_current(file):
    text = file.read_text(encoding="utf-8")
    assert text == TABLES["with_tables"](text), "run: python docs/tables.py"


def test_a_table_is_made_anew():
    text = (ROOT / "docs" / "tap.md").read_text(encoding="utf-8")
    assert text.count("| `sms_history` |") == 1
    assert TABLES["with_tables"](text.replace("| `sms_history` |", "")) == text


def test_every_table_is_somewhere():
    everything = "".join(file.read_text(encoding="utf-8") for file in FILES)
    for name in ("streams", "sinks", "tap settings", "target settings", "errors", "versions"):
        assert everything.count(f"<!-- {name} -->\n|") == 1


def test_every_promise_has_its_tests():
    promises = re.findall(r"^- \*\*(.+?)\.\*\*", README, re.MULTILINE)
    page = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^\| (\w[^|]*) \| (`[\w/]+test_.*`) \|$", page, re.MULTILINE))
    assert list(shown) == promises
    for tests in shown.values():
        for name in re.findall(r"`([\w/]+\.py)`", tests):
            assert (ROOT / "tests" / name).exists(), name


def anchors(page):
    """Return what GitHub calls the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_links_lead_to_files_and_headings(file):
    for target in re.findall(r"\]\(([^):]+)\)", file.read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        page = file.parent / name if name else file
        assert page.exists(), target
        assert not anchor or anchor in anchors(page), target


def test_every_page_is_reached_from_the_readme():
    pages = set(re.findall(r"\]\(docs/([\w-]+\.md)", README))
    for page in sorted(pages):
        pages |= set(re.findall(r"\]\(([\w-]+\.md)", (ROOT / "docs" / page).read_text(encoding="utf-8")))
    assert pages >= {file.name for file in FILES} - {"README.md"}
