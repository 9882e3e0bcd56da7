"""The README's tables are those of the code."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_tables_are_current():
    tables = runpy.run_path(str(ROOT / "docs" / "tables.py"))
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text == tables["with_tables"](text), "run: python docs/tables.py"
    assert text.count("| `sms_history` |") == 1
    assert tables["with_tables"](text.replace("| `sms_history` |", "")) == text
