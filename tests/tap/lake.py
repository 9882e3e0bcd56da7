"""Views over the tap's Parquet files, as docs/python.md has them, for any stream."""

from __future__ import annotations

import re
from pathlib import Path

from tap_clicksend.tap import TapClickSend

PAGE = (Path(__file__).parents[2] / "docs" / "python.md").read_text(encoding="utf-8")
_HISTORY, _WHOLE = re.findall(r"^create or replace view [^;]*;", PAGE, re.MULTILINE)


def view(files: Path, stream: str) -> str:
    """Return the SQL that makes the view ``clicksend.<stream>`` over these files."""
    kind = TapClickSend(validate_config=False, config={"ledger_url": "sqlite:///x.db"}).streams[stream]
    written = (_WHOLE, "contacts", "list_id, contact_id"), (_HISTORY, "sms_history", "message_id")
    text, name, keys = written[0 if kind.marks_deleted else 1]
    for old, new in (
        (f"clicksend.{name} as", f"clicksend.{stream} as"),
        (f"'files/{name}/", f"'{files}/{stream}/"),
        (f"partition by {keys} ", f"partition by {', '.join(kind.primary_keys)} "),
    ):
        assert old in text
        text = text.replace(old, new)
    return text
