"""The stream ``outcomes``: what target-clicksend made of each row, out of its ledger."""

import gzip
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import jsonschema
import pytest

from clicksend.errors import LedgerError, SettingsError
from clicksend.hashing import hasher
from clicksend.ledger.ledger import Ledger
from clicksend.ledger.outcomes import Outcomes
from clicksend.ledger.records import Outcome
from tap_clicksend.tap import TapClickSend
from tests.tap.runner import CREDENTIALS, Output, tap_command

BEGAN = datetime(2026, 10, 1, 12, tzinfo=UTC)
SENT = {
    "sink": "sms_messages",
    "stream": "texts",
    "outcome": "sent",
    "source_key": '{"id": 7}',
    "message_id": "1F021EF7-C2D2-6592-0000-000000000000",
    "parts": 2,
    "price": Decimal("0.1584"),
    "currency": "AUD",
    "custom_string": "sc-1",
}


class Now:
    def __init__(self):
        self.now = BEGAN

    def __call__(self):
        return self.now


@pytest.fixture
def now():
    return Now()


@pytest.fixture
def url(ledger_url):
    return ledger_url


@pytest.fixture
def ledger(url, now):
    with Ledger.open(url, api_url="http://127.0.0.1:1/v3", user_id="7", now=now) as ledger:
        yield ledger


def extract(url, state=None, **config):
    output = Output()
    tap = TapClickSend(
        config={"api_url": "http://127.0.0.1:1/v3", "ledger_url": url, **CREDENTIALS, **config},
        state=state,
        message_writer=output,
    )
    catalog = tap.catalog_dict
    for entry in catalog["streams"]:
        next(m["metadata"] for m in entry["metadata"] if not m["breadcrumb"])["selected"] = (
            entry["stream"] == "outcomes"
        )
    tap = TapClickSend(config=dict(tap.config), catalog=catalog, state=state, message_writer=output)
    tap.sync_all()
    return output


@pytest.mark.both_databases
def test_an_outcome_with_all_its_columns(ledger, url):
    ledger.outcomes.record("run 1", [Outcome(key="a", **SENT)])
    output = extract(url)
    (row,) = output.rows("outcomes")
    seen = {"source_key": {"id": 7}, "price": 0.1584, "run_id": "run 1"}
    seen["custom_string"] = ledger.privacy.fingerprint(SENT["custom_string"])
    assert row.items() >= (SENT | seen).items()
    assert row["created_at"] == row["updated_at"] == "2026-10-01T12:00:00+00:00"
    schema = next(m["schema"] for m in output.messages if m["type"] == "SCHEMA")
    jsonschema.Draft202012Validator(schema).validate(row)
    assert row.keys() == schema["properties"].keys()


def test_a_second_run_reads_what_changed_and_five_minutes_before_it(ledger, url, now):
    for minute in range(20):
        now.now = BEGAN + timedelta(minutes=minute)
        ledger.outcomes.record("run", [Outcome(key=f"k{minute}", **SENT)])
    first = extract(url)
    assert len(first.rows("outcomes")) == 20
    now.now += timedelta(minutes=1)
    ledger.outcomes.record("run", [Outcome(key="late", **SENT)])
    second = extract(url, first.state)
    assert {row["key"] for row in second.rows("outcomes")} == {f"k{n}" for n in range(14, 20)} | {"late"}
    assert extract(url, second.state).state == second.state


@pytest.mark.long
@pytest.mark.both_databases
def test_many_pages_come_once_each(ledger, url):
    ledger.outcomes.record("run", [Outcome(key=f"k{number}", **SENT) for number in range(3000)])
    rows = extract(url).rows("outcomes")
    assert len({row["outcome_id"] for row in rows}) == len(rows) == 3000


def test_what_another_process_writes_meanwhile_is_not_missed(ledger, url, now, monkeypatch):
    """Rows that change while they are read come in one of two runs, each once in a run."""
    for minute in range(3):
        now.now = BEGAN + timedelta(minutes=minute)
        ledger.outcomes.record(
            "run 1", [Outcome(key=f"k{number}", **SENT | {"outcome": "held"}) for number in range(1500)]
        )
    pages = Outcomes.changed_since

    def changed_since(self, moment):
        for page in pages(self, moment):
            yield page
            # As long as somebody reads, an hour passes between two pages, and the first rows change.
            now.now += timedelta(hours=1)
            ledger.outcomes.record("run 2", [Outcome(key=row["key"], **SENT) for row in page[:100]])

    monkeypatch.setattr(Outcomes, "changed_since", changed_since)
    first = extract(url)
    monkeypatch.undo()
    assert len({row["key"] for row in first.rows("outcomes")}) == len(first.rows("outcomes")) >= 1000
    newest = {row["key"]: row for row in first.rows("outcomes") + extract(url, first.state).rows("outcomes")}
    assert len(newest) == 1500
    held = {row["key"] for row in ledger.outcomes.newest(outcome="held")}
    assert {key for key, row in newest.items() if row["outcome"] == "held"} == held


def test_a_clock_that_is_ahead_hides_nothing(ledger, url, now):
    now.now = datetime.now(UTC) + timedelta(hours=1)
    ledger.outcomes.record("run", [Outcome(key="ahead", **SENT)])
    first = extract(url)
    assert len(first.rows("outcomes")) == 1
    now.now = datetime.now(UTC)
    ledger.outcomes.record("run", [Outcome(key="right", **SENT)])
    assert {row["key"] for row in extract(url, first.state).rows("outcomes")} == {"ahead", "right"}


BROUGHT = {"key": "welcome-61411222333", "custom_string": "for Quentin", "campaign": "autumn"}


@pytest.mark.parametrize("pii", ["keep", "hash", "drop"])
def test_what_rows_brought_is_personal(url, now, pii):
    """The key of the tap's own hashes need not be the ledger's."""
    key, clear = "a key that nobody guesses", ("custom_string", "campaign")
    with Ledger.open(url, api_url="http://127.0.0.1:1/v3", user_id="7", now=now, clear=clear) as ledger:
        ledger.outcomes.record("run", [Outcome(**SENT | BROUGHT)])
    (row,) = extract(url, pii=pii, pii_key=key).rows("outcomes")
    wanted = {
        "keep": BROUGHT,
        "hash": {name: hasher(key)(value) for name, value in BROUGHT.items()},
        "drop": dict.fromkeys(BROUGHT),
    }
    assert row.items() >= wanted[pii].items()
    assert row["source_key"] == ({"id": 7} if pii == "keep" else None)
    assert (row["message_id"], row["outcome"]) == (SENT["message_id"], "sent")


def test_a_key_property_may_have_any_name(ledger, url):
    about = SENT | {"source_key": '{"token": "x", "api_key": 1}'}
    ledger.outcomes.record(
        "run", [Outcome(key="a", **about), Outcome(key="b", **SENT | {"source_key": None})]
    )
    found = {row["key"]: row["source_key"] for row in extract(url).rows("outcomes")}
    assert found == {"a": {"token": "x", "api_key": 1}, "b": None}


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_batch_files(ledger, url, tmp_path, form):
    from pyarrow import parquet

    ledger.outcomes.record("run", [Outcome(key=f"k{number}", **SENT) for number in range(2500)])
    config = {"encoding": {"format": form}, "storage": {"root": tmp_path.as_uri()}}
    output = extract(url, batch_config=config)
    (message,) = (m for m in output.messages if m["type"] == "BATCH")
    (path,) = (name.removeprefix("file://") for name in message["manifest"])
    if form == "jsonl":
        with gzip.open(path) if path.endswith("gz") else open(path) as lines:  # noqa: PTH123
            assert sum(1 for _ in lines) == 2500
    else:
        table = parquet.read_table(path)
        assert table.num_rows == 2500
        assert table["price"][0].as_py() == SENT["price"]
    assert extract(url, output.state, batch_config=config).state == output.state


def test_an_empty_ledger_has_no_rows_and_leaves_no_bookmark(ledger, url):
    output = extract(url)
    assert output.rows("outcomes") == []
    assert "replication_key_value" not in output.state.get("bookmarks", {}).get("outcomes", {})


def test_no_ledger_is_said_in_a_sentence(url):
    with pytest.raises(LedgerError, match=r"no ledger|does not exist"):
        extract(url)


def test_a_state_that_is_none_is_a_settings_error(ledger, url):
    with pytest.raises(SettingsError, match="state of outcomes"):
        extract(url, {"bookmarks": {"outcomes": {"replication_key_value": "yesterday"}}})


def test_without_ledger_url_there_is_no_such_stream():
    assert "outcomes" not in {
        s["stream"] for s in TapClickSend(validate_config=False).catalog_dict["streams"]
    }


def test_columns_can_be_left_out_and_mapped(ledger, url):
    ledger.outcomes.record("run", [Outcome(key="a", **SENT)])
    maps = {"outcomes": {"outcome_id": "outcome_id", "upper": "outcome.upper()", "__else__": None}}
    (row,) = extract(url, stream_maps=maps).rows("outcomes")
    assert row["upper"] == "SENT"
    assert "message_id" not in row


def test_the_command_needs_no_api_for_it(ledger, url, tmp_path):
    ledger.outcomes.record("run", [Outcome(key="a", **SENT)])
    config = {"api_url": "http://127.0.0.1:1/v3", "ledger_url": url, **CREDENTIALS}
    done = tap_command(tmp_path, config, "--discover")
    assert done.returncode == 0
    assert '"outcomes"' in done.stdout
