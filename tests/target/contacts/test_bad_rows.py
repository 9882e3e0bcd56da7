"""Rows that cannot be written are rejected with a reason a person can act on; the others go through."""

import json
import re
import sqlite3
from collections import Counter
from contextlib import closing

import pytest

from clicksend.sandbox.world.seed_data import EMPTY, VIP
from tests.target.runner import schema

P = "phone_number"
GOOD = "+61411111111"
TWO_LISTS = {"list_name": "Two", "list_id": None}

BAD = {
    "no phone and no e-mail": ({P: None}, "a contact needs one of phone_number, email, fax_number"),
    "no columns for them": ({P: ..., "first_name": "Anna"}, "a contact needs one of"),
    "an empty number": ({P: ""}, "a contact needs one of"),
    "a blank number": ({P: " \t\n"}, "a contact needs one of"),
    "an e-mail, but no number": ({P: None, "email": "anna@example.com"}, "has no phone_number"),
    "a word": ({P: "unknown"}, "phone_number is not a valid phone number"),
    "a number and a word": ({P: "+61411111111 or 5"}, "phone_number has letters"),
    "a word and a number": ({P: "Anna +61411111111"}, "phone_number has letters"),
    "a vanity number": ({P: "1-800-FLOWERS"}, "phone_number has letters"),
    "an extension": ({P: "+61 411 111 111 ext. 5"}, "phone_number has an extension"),
    "an extension with x": ({P: "+61411111111x22"}, "phone_number has an extension"),
    "an extension in a tel URI": ({P: "tel:+61411111111;ext=22"}, "phone_number has an extension"),
    "too short": ({P: "+6141"}, "too few or too many digits"),
    "too long": ({P: "+614111111111111"}, "too few or too many digits"),
    "far too long": ({P: "+" + "6" * 200}, "is not a valid phone number"),
    "without an area code": ({P: "923-4886"}, "too few or too many digits"),
    "an emergency number": ({P: "911"}, "too few or too many digits"),
    "a short code": ({P: "12345"}, "too few or too many digits"),
    "of no country": ({P: "+999123456789"}, "is not a valid phone number"),
    "country code only": ({P: "+61"}, "is not a valid phone number"),
    "of another country without a plus": ({P: "61411111111"}, "too few or too many digits"),
    "two numbers": ({P: "+61411111111 / +61422222222"}, "may hold two numbers"),
    "a plus": ({P: "+"}, "is not a valid phone number"),
    "zeros": ({P: "+000000000000"}, "is not a valid phone number"),
    "punctuation": ({P: "()-"}, "is not a valid phone number"),
    "emoji": ({P: "📞"}, "is not a valid phone number"),
    "true as a number": ({P: True}, "is not a valid phone number"),
    "zero as a number": ({P: 0}, "too few or too many digits"),
    "negative": ({P: -5}, "is not a valid phone number"),
    "a fraction": ({P: 614.5}, "phone_number"),
    "NaN": ({P: float("nan")}, "phone_number is not a number"),
    "infinity": ({P: float("-inf")}, "phone_number is not a number"),
    "a nested number": ({P: {"mobile": GOOD}}, "phone_number holds an object: it takes text"),
    "a list of numbers": ({P: [GOOD]}, "phone_number holds a list: it takes text"),
    "an empty list of numbers": ({P: []}, "phone_number holds a list"),
    "a bad fax number": ({"fax_number": "none"}, "fax_number is not a valid phone number"),
    "no e-mail address": ({"email": "anna"}, "email is not a valid e-mail address"),
    "an e-mail address without a domain": ({"email": "anna@"}, "email is not a valid e-mail address"),
    "an e-mail address without a dot": ({"email": "anna@localhost"}, "email is not a valid e-mail address"),
    "an e-mail address that ends with a dot": (
        {"email": "anna@example."},
        "email is not a valid e-mail address",
    ),
    "two e-mail addresses": ({"email": "a@example.com;b@example.com"}, "email is not a valid e-mail address"),
    "an e-mail address with a name": (
        {"email": "Anna <a@example.com>"},
        "email is not a valid e-mail address",
    ),
    "an e-mail address with a space": ({"email": "an na@example.com"}, "email is not a valid e-mail address"),
    "zero width in an e-mail": ({"email": "a\N{ZERO WIDTH SPACE}@example.com"}, "email holds an invisible"),
    "a direction in an e-mail": (
        {"email": "a@example.com\N{RIGHT-TO-LEFT MARK}"},
        "email holds an invisible",
    ),
    "an e-mail that is a number": ({"email": 7}, "email is not a valid e-mail address"),
    "a nested name": ({"first_name": {"en": "Anna"}}, "first_name holds an object"),
    "a list of names": ({"last_name": ["Smith"]}, "last_name holds a list"),
    "a long name": ({"first_name": "n" * 10_000}, "first_name has 10,000 characters; 1,000 are the most"),
    "a long organisation": ({"organization_name": "n" * 1001}, "organization_name has 1,001 characters"),
    "NUL": ({"first_name": "An\0na"}, "first_name holds a NUL character"),
    "NUL in a number": ({P: "+6141111\x001111"}, "phone_number holds a NUL character"),
    "half a character": ({"first_name": "\ud83d"}, "first_name holds half a character"),
    "the other half": ({"custom_4": "x\udc00"}, "custom_4 holds half a character"),
    "NaN in a field": ({"custom_1": float("nan")}, "custom_1 is not a number"),
    "an endless number in a field": ({"custom_1": "RAW 1e999"}, "custom_1 is not a number"),
    "more digits than anybody reads": ({"custom_1": "RAW " + "9" * 3000}, "custom_1 is not a number"),
    "deep nesting": ({"custom_1": "RAW " + "[" * 500 + "]" * 500}, "custom_1 holds a list"),
    "an object as an address": ({"address_line_1": {"street": "x"}}, "address_line_1 holds an object"),
    "a list id that is not there": ({"list_id": 1}, "list_id names a list that does not exist"),
    "a list id with words": ({"list_id": "VIP"}, "list_id is not a whole number"),
    "a negative list id": ({"list_id": -1}, "list_id is not a whole number"),
    "a broken list id": ({"list_id": 3.7}, "list_id is not a whole number"),
    "a huge list id": ({"list_id": 2**63}, "list_id is not a whole number"),
    "an endless list id": ({"list_id": float("inf")}, "list_id is not a number"),
    "true as a list id": ({"list_id": True}, "list_id is not a whole number"),
    "a list as a list id": ({"list_id": [EMPTY]}, "list_id holds a list"),
    "other digits in a list id": ({"list_id": "٣٥٥٥٢٨٢"}, "list_id is not a whole number"),
    "superscript digits": ({"list_id": "3²"}, "list_id is not a whole number"),
    "a list name that is not there": (
        {"list_name": "Nobody", "list_id": None},
        "there is no list of this list_name",
    ),
    "a list name of two": (TWO_LISTS, "list_name names 2 lists: use list_id"),
    "a list name that is an object": ({"list_name": {}, "list_id": None}, "list_name holds an object"),
    "no list": ({"list_id": None}, "it names no list: give list_id or list_name"),
    "list 0": ({"list_id": 0}, "it names no list"),
    "a contact id with words": ({"contact_id": "x"}, "contact_id is not a whole number"),
    "true as a contact id": ({"contact_id": True}, "contact_id is not a whole number"),
    "a huge contact id": ({"contact_id": 10**25}, "contact_id is not a whole number"),
    "a contact id with a fraction": ({"contact_id": "1.5"}, "contact_id is not a whole number"),
    "nobody's contact id": ({"contact_id": 1, P: None}, "contact_id does not exist in this account"),
    "copy that is neither": ({"copy": "perhaps"}, "copy is neither true nor false"),
    "copy that is a list": ({"copy": []}, "copy holds a list"),
    "a deletion of nobody": ({"_sdc_deleted_at": "2026-01-31", P: None}, "has no phone_number"),
}
NAMELESS = {
    "no key": ({"id": None}, "key property id is missing"),
    "a deletion that is a word": ({"_sdc_deleted_at": "perhaps"}, "_sdc_deleted_at says neither"),
    "a deletion that is an object": ({"_sdc_deleted_at": {}}, "_sdc_deleted_at says neither"),
    "an empty row": ({}, "it is not an object, or has no columns"),
    "no object": ("text", "it is not an object, or has no columns"),
    "a list": ([1], "it is not an object, or has no columns"),
    "null": (None, "it is not an object, or has no columns"),
}
"""Rows that are rejected before their key is read."""
VALUES = [
    "unknown",
    "FLOWERS",
    "+6141",
    "61411111111",
    "923-4886",
    "anna@",
    "Anna",
    "Nobody",
    "perhaps",
    "n" * 9,
]


def line_of(number, row):
    """Return a RECORD; what begins with RAW is JSON as it is."""
    if row:
        row = {"id": number, P: GOOD, "list_id": EMPTY, **row} if isinstance(row, dict) else row
        row = (
            {name: value for name, value in row.items() if value is not ...} if isinstance(row, dict) else row
        )
    text = json.dumps({"type": "RECORD", "stream": "contacts", "record": row})
    return re.sub(r'"RAW ([^"]*)"', r"\1", text)


def run_between(write, rows):
    """Run the target with those rows, of which the first and the last are good."""
    rows = [{P: "+61422222220"}, *rows, {P: "+61422222221"}]
    columns = dict.fromkeys(
        ["id", P, "list_id", *(name for row in rows if isinstance(row, dict) for name in row)]
    )
    lines = [line_of(number, row) for number, row in enumerate(rows)]
    return write([schema("contacts", columns), *lines], raw=True, fail_on_rejected=1)


def test_bad_rows(call, write, people, caplog, tmp_path):
    for _ in range(2):
        call("POST", "/lists", {"list_name": "Two"})
    with caplog.at_level("DEBUG"):
        ran = run_between(write, [row for row, _ in BAD.values()])
    assert (ran.rows(), ran.code) == ({"created": 2, "rejected": len(BAD)}, 0)
    assert {one[P] for one in people(EMPTY)} == {"+61422222220", "+61422222221"}
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as ledger:
        said = {
            json.loads(key)["id"]: reason
            for key, reason in ledger.execute(
                "select source_key, reason from outcomes where outcome = 'rejected'"
            )
        }
    wrong = {
        kind: (reason, said.get(number))
        for number, (kind, (_, reason)) in enumerate(BAD.items(), 1)
        if reason not in said.get(number, "")
    }
    assert wrong == {}
    text = caplog.text + "".join(said.values())
    assert not [value for value in VALUES if value in text]


def test_rows_whose_key_is_not_read(write, people, caplog):
    with caplog.at_level("DEBUG"):
        ran = run_between(write, [row for row, _ in NAMELESS.values()])
    assert (ran.rows(), ran.code) == ({"created": 2, "rejected": len(NAMELESS)}, 0)
    assert {one[P] for one in people(EMPTY)} == {"+61422222220", "+61422222221"}
    said = {one["reason"]: one["rows"] for one in ran.report["reasons"]}
    for reason, count in Counter(reason for _, reason in NAMELESS.values()).items():
        assert [n for text, n in said.items() if reason in text] == [count], reason
    assert not [value for value in VALUES if value in "".join(said) + caplog.text]


def test_a_contact_stays_reachable(call, write, people):
    contact_id = call("POST", f"/lists/{EMPTY}/contacts", {P: GOOD})["contact_id"]
    rows = [{"contact_id": contact_id, P: None}, {"contact_id": contact_id, P: "", "list_id": VIP}]
    for row in rows:
        ran = write([row])
        assert (ran.rows(), ran.writes) == ({"rejected": 1}, [])
        assert "without any of phone_number, email, fax_number" in ran.reasons()[0]


def test_a_number_needs_a_country(box, write, monkeypatch):
    from target_clicksend.run import Run

    monkeypatch.setattr(Run, "country", None)
    ran = write([{P: "0411 111 111", "list_id": EMPTY}])
    assert "set default_country, or write it like +15551234567" in ran.reasons()[0]


@pytest.mark.parametrize(
    "key", ["RAW 1e999", "RAW 1e30", "RAW NaN", "RAW " + "9" * 3000, "\ud800", {"a": [1]}, 1.5, True]
)
def test_any_value_can_be_a_key(write, people, key):
    lines = [schema("contacts", ["id", P]), line_of(0, {"id": key})]
    assert write(lines, raw=True).rows() == {"created": 1}
    assert write(lines, raw=True).rows() == {"unchanged": 1}
