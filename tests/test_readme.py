"""The tables of README and docs are those of the code, and links lead somewhere."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLES = runpy.run_path(str(ROOT / "docs" / "tables.py"))
FILES = TABLES["FILES"]


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
    for name in ("streams", "sinks", "tap settings", "target settings", "errors"):
        assert everything.count(f"<!-- {name} -->\n|") == 1


def test_every_promise_has_its_tests():
    promises = re.findall(
        r"^- \*\*(.+?)\.\*\*", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    page = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^\| (\w[^|]*) \| (`[\w/]+test_.*`) \|$", page, re.MULTILINE))
    assert list(shown) == promises
    for tests in shown.values():
        for name in re.findall(r"`([\w/]+\.py)`", tests):
            assert (ROOT / "tests" / name).exists(), name


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_links_lead_to_files(file):
    for target in re.findall(r"\]\(([^):]+)\)", file.read_text(encoding="utf-8")):
        assert (file.parent / target).exists(), target
