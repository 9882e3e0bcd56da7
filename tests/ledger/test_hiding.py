"""What rows bring cannot be read from the bytes of a ledger, but for what says nothing about a person."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clicksend.ledger.ledger import Ledger
from clicksend.ledger.records import outcome_id, token
from tests.conftest import budget, is_said_by_us
from tests.ledger.cases import outcome
from tests.target.messages.cases import TO
from tests.target.runner import run_target, stream_of

SINK = "sms_messages"
NAME = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=6, max_size=40).filter(
    lambda text: not is_said_by_us(text)
)
DIGITS = st.integers(10**7, 10**15).map(str)
NUMBER = st.one_of(
    DIGITS,
    DIGITS.map("+{}".format),
    DIGITS.map("0{}".format),
    DIGITS.map(lambda text: f"({text[:4]}) {text[4:7]}-{text[7:]}"),
)
VALUE = st.one_of(
    NAME,
    NUMBER,
    NUMBER.map("welcome-{}".format),
    NUMBER.map("{}/2026-11".format),
    st.tuples(NAME, st.dates()).map(lambda both: f"{both[0]} {both[1]}"),
    st.emails(),
    NUMBER.map(lambda text: f"2026-01-01T00:00:00.{text}"),
    DIGITS.map(int),
    DIGITS.map(lambda text: f"1.{text}"),
    st.dictionaries(st.just("who"), NAME, min_size=1),
)


def bytes_of(folder):
    """Return all that is in the files of a ledger, its log included."""
    return b"".join(path.read_bytes() for path in Path(folder).glob("ledger.db*") if path.suffix != ".key")


def assert_hidden(value, held, empty=b""):
    """Check that a value is not in the bytes of a ledger, unless an empty one has it: the account."""
    for text in (value,) if isinstance(value, str) else map(str, getattr(value, "values", lambda: [value])()):
        for spelled in {text, text.strip(), json.dumps(text)[1:-1], text.casefold()}:
            assert spelled.encode() not in held or spelled.encode() in empty, value


@settings(max_examples=budget(10, 200), suppress_health_check=list(HealthCheck))
@given(st.lists(VALUE, min_size=4, max_size=12, unique_by=repr))
def test_what_rows_bring_cannot_be_read(box, values):
    box.control("POST", "reset")
    texts = [value if isinstance(value, str) else json.dumps(value) for value in values]
    rows = [{"to": TO, "body": f"Text {number}"} for number in range(len(values))]
    named = [row | {"name": value, "mobile": value} for row, value in zip(rows, values, strict=True)]
    owned = [
        row | {"idempotency_key": value, "body": f"Own {row['body']}"}
        for row, value in zip(rows, values, strict=True)
    ]
    labelled = [
        row | {"id": number, "campaign": text[:40], "custom_string": text[:40], "body": f"More {number}"}
        for number, (row, text) in enumerate(zip(rows, texts, strict=True))
    ]
    people = [{"phone_number": value, "email": value, "name": value} for value in values]
    with tempfile.TemporaryDirectory() as folder:
        config = {
            "ledger_url": f"sqlite:///{folder}/ledger.db",
            "opt_out": "ignore",
            "streams": dict.fromkeys(("named", "owned", "labelled"), SINK),
            "list_name": "New",
            "create_missing_lists": True,
        }
        lines = stream_of("named", named, ["name", "mobile"]) + stream_of("owned", owned, [])
        lines += stream_of("labelled", labelled) + stream_of("contacts", people, ["phone_number", "name"])
        Ledger.open(config["ledger_url"], api_url=box.api_url, user_id="672721").close()
        empty = bytes_of(folder)
        # Whoever has it open keeps its log from being folded into it.
        with Ledger.existing(config["ledger_url"]) as ledger:
            ran = run_target(box.api_url, [*lines, "no message " + texts[0]], **config)
            assert ran.error is None
            assert sum(ran.rows(SINK).values()) == 3 * len(values)
            assert (Path(folder) / "ledger.db-wal").stat().st_size
            held = bytes_of(folder)
            for value in values:
                assert_hidden(value, held, empty)
            again = run_target(box.api_url, lines, **config)
            assert again.rows(SINK).get("sent") is None
            assert len(ledger.outcomes.newest()) >= len(values)


CLEAR = [
    7,
    "9999999",
    "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "2026-11-29",
    "2026-11-29T10:00:00+00:00",
    True,
    "1.0",
    -5,
]
HIDDEN = [10_000_000, "0411222", "10:30:00", 1.5, "order-7"]


@pytest.mark.parametrize("value", [*CLEAR, *HIDDEN], ids=str)
def test_what_says_nothing_about_a_person_is_clear(out, value):
    out.send({"id": value}, {"id": 1, "idempotency_key": value, "body": "Other"})
    with out.ledger() as ledger:
        shown = {
            name: one
            for row in ledger.outcomes.newest()
            for name, one in json.loads(row["source_key"]).items()
        }
        assert (shown["id"] == value) == (value in CLEAR)
        assert (shown["idempotency_key"] == ledger.privacy.fingerprint(str(value))) == (value in HIDDEN)


ROW = {"Order": "order-7", "idempotency_key": "mine-1", "campaign": "autumn", "custom_string": "ref 1"}


@pytest.mark.parametrize("column", ["order", "idempotency_key", "campaign", "custom_string"])
def test_declared_columns_are_clear_and_no_others(out, column):
    named = {name: value for name, value in ROW.items() if name != "idempotency_key"}
    out.send(ROW, named | {"body": "Other"}, keys=["Order"], clear_keys=[column.upper()])
    held = bytes_of(out.folder)
    assert {name.lower() for name, value in ROW.items() if value.encode() in held} == {column}


def test_a_custom_string_reaches_clicksend_as_it_is_and_its_hash_is_kept(out):
    out.send({"custom_string": "for Quentin "}, {"body": "Other"})
    assert out.arrivals[0]["custom_string"] == "for Quentin "
    with out.ledger() as ledger:
        one, other = ledger.outcomes.newest()
        kept = {one["custom_string"], other["custom_string"]}
        assert ledger.privacy.fingerprint("for Quentin") in kept
        assert any(text.startswith("sc-") for text in kept)
        assert len(ledger.privacy.custom_strings("for Quentin") & kept) == 1


def test_a_person_finds_a_row_by_the_key_that_it_brought(out):
    key = "welcome-61411222333"
    out.send({"idempotency_key": key})
    with out.ledger() as ledger:
        assert [row["outcome"] for row in ledger.outcomes.of_key(key)] == ["sent"]
        assert ledger.claims.release([key], force=True) == []
        out.execute("update outcomes set outcome = 'unknown', lease_until = null")
        assert ledger.claims.release([key], force=True) == [key]


def test_only_the_token_of_its_own_key_stays(ledger):
    """Another row may bring what looks like one: a message in the history would stand for the wrong row."""
    key_id = ledger.privacy.key_id

    def kept(name, sink=SINK):
        one = outcome("key", "sent", sink, custom_string=name)
        return ledger.privacy.hide(one, sink).custom_string

    own = token(outcome_id(SINK, "key"), key_id)
    assert kept(own) == own
    for strange in (
        token(outcome_id(SINK, "another"), key_id),
        token(outcome_id("mms_messages", "key"), key_id),
    ):
        assert kept(strange) == ledger.privacy.fingerprint(strange)
    assert kept(" order 7 ") == kept("order 7") == ledger.privacy.fingerprint("order 7")


def test_a_campaign_is_kept_as_a_hash(ledger):
    one = outcome("key", "sent", SINK, campaign="Ann")
    assert ledger.privacy.hide(one, SINK).campaign == ledger.privacy.fingerprint("Ann")
