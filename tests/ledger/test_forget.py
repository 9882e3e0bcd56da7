"""clicksend ledger forget: what a number leads to is removed, and what stays is said."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner

from clicksend.cli import command as main
from clicksend.ledger.ledger import Ledger
from clicksend.ledger.privacy import written_forms
from tests.target.messages.cases import TO

SPELLED = [
    TO,
    "61491570156",
    61491570156,
    "0491570156",
    "0491 570 156",
    "491570156",
    "+61 491 570 156",
    "+61-491-570-156",
    "61 491 570 156",
    "0061491570156",
    "0491-570-156",
    "0491.570.156",
    "tel:+61-491-570-156",
]


@pytest.fixture
def forget(out):
    """Return a function that forgets a number; it returns what was said."""

    def forget(number="-", given=f"{TO}\n", code=0):
        arguments = ["ledger", "forget", number, "--ledger-url", out.ledger_url]
        result = CliRunner().invoke(main, arguments, input=given)
        assert result.exit_code == code, result.output
        return result.output

    return forget


@pytest.mark.parametrize("value", SPELLED, ids=repr)
@pytest.mark.parametrize("column", ["mobile", "idempotency_key", "custom_string"])
def test_keys_that_are_the_number_are_forgotten(out, forget, value, column):
    row = {"mobile": "x", "body": "Hello"} | {column: value if column == "mobile" else str(value)}
    other = row | {"mobile": "y", "to": "+61491570157", "idempotency_key": None}
    other["custom_string"] = f"about {value}"
    lines = (row, other)
    assert out.send(*lines, keys=["mobile"]).rows("sms_messages") == {"sent": 2}
    before = set(out.query("select key, source_key, custom_string from outcomes"))
    said = forget()
    assert "Removed from 1 message, and from the keys of 1 row." in said
    after = set(out.query("select key, source_key, custom_string from outcomes"))
    assert len(before & after) == 1
    ((key, source_key, custom_string),) = after - before
    if column == "custom_string":
        assert custom_string is None
    else:
        assert (key, set(json.loads(source_key).values())) == ("(forgotten)", {None})
    assert "Removed from 0 messages, and from the keys of 0 rows." in forget()
    # What was sent is known all the same, by nothing that shows the number.
    assert out.send(*lines, keys=["mobile"]).rows("sms_messages") == {"duplicate": 2}


def test_claims_lose_the_number_and_the_text(out, forget):
    out.send({}, {"to": "+61491570157", "body": "Other"})
    forget()
    found = out.query("select recipient_hash is null, body_hash is null, outcome from outcomes order by 1")
    assert found == [(0, 0, "sent"), (1, 1, "sent")]


def test_what_stays_is_said(out, forget):
    out.send({})
    with out.ledger() as ledger:
        hashed = ledger.privacy.hash(TO)
        ledger.memory.add_opt_outs([hashed], source="list", kind="phone")
        ledger.memory.add_stops({hashed: out.at})
    said = forget()
    assert "opted out (list, reply) stays" in said
    assert "docs/privacy.md" in said
    with out.ledger() as ledger:
        assert ledger.memory.opted_out([hashed]) == {hashed}
        ledger.memory.opt_in(TO, "came to the counter")
    assert "opted it in again stays, with the reason" in forget()


def test_an_older_ledgers_keys_are_forgotten(tmp_path):
    from tests.ledger.test_upgrade import dump_of

    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(dump_of(3))
    Ledger.existing(f"sqlite:///{path}").close()
    with Ledger.existing(f"sqlite:///{path}") as ledger:
        # A mobile in plain, one of a hash without a key, and the messages to them.
        done = [ledger.privacy.forget(f"+6141122233{number}") for number in (3, 4, 5)]
    assert [(one.messages, one.rows) for one in done] == [(2, 1), (2, 1), (2, 1)]


def test_a_number_has_all_its_spellings():
    assert set(map(str, SPELLED)) <= written_forms(TO)
    assert {"(202) 555-0123", "2025550123", "202-555-0123", "202.555.0123"} <= written_forms("+12025550123")


@pytest.mark.parametrize("given", ["", "\n", "12\n"])
def test_no_number_is_said(out, forget, given):
    out.send({})
    said = forget(given=given, code=2)
    assert ("standard input has no line" in said) == (not given.strip())
