"""The ledger: one row for each key, counts for each run, and what is final stays."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import StatementError

from clicksend.errors import LedgerError
from clicksend.hashing import hasher
from clicksend.ledger.ledger import Ledger
from clicksend.ledger.records import FINAL, OUTCOMES
from tests.ledger.cases import ACCOUNT, claim, final, outcome, stored

KEY = "a key that nobody guesses"


def test_what_is_recorded_is_what_is_read(ledger, ledger_time):
    full = outcome(
        source_key='{"id": 1}',
        reason="phone number changed",
        message_id="1F2A",
        contact_id=2**62,
        object_id="9",
        parts=3,
        price=Decimal("0.00770"),
        currency="AUD",
        custom_string="ours",
        campaign="spring",
    )
    ledger.outcomes.record("run 1", [full])
    (row,) = ledger.outcomes.of_key("k")
    expected = {name: getattr(full, name) for name in full.__struct_fields__}
    expected |= {name: ledger.privacy.fingerprint(expected[name]) for name in ("custom_string", "campaign")}
    expected |= {"run_id": "run 1", "attempts": 1, "created_at": ledger_time(), "updated_at": ledger_time()}
    assert {name: row[name] for name in expected} == expected
    assert str(row["price"]) == "0.00770"
    assert len(row["outcome_id"]) == 32


def test_a_later_outcome_replaces_the_row_and_counts_the_attempts(ledger, ledger_time):
    ledger.outcomes.record("run 1", [outcome(name="rejected", reason="no list", contact_id=5)])
    before = ledger_time()
    ledger_time.advance(hours=1)
    ledger.outcomes.record("run 2", [outcome(name="created"), outcome(sink="contact_lists")])
    row = stored(ledger)["contacts"]
    assert (row["outcome"], row["reason"], row["contact_id"], row["run_id"]) == ("created", "", None, "run 2")
    assert (row["attempts"], row["created_at"], row["updated_at"]) == (2, before, ledger_time())
    assert stored(ledger)["contact_lists"]["attempts"] == 1


@pytest.mark.both_databases
def test_what_replaces_what(ledger):
    for before in sorted(OUTCOMES):
        for after in sorted(OUTCOMES):
            check_what_replaces_what(ledger, before, after)


def check_what_replaces_what(ledger, before, after):
    key = f"{before}, then {after}"
    ledger.outcomes.record("run 1", [outcome(key, before)])
    ledger.outcomes.record("run 2", [outcome(key, after)])
    counted_only = ("unchanged", "duplicate")
    stays = (
        after in counted_only
        or before == "sent"
        or (before == "unknown" and after != "sent")
        or (after == "dry_run" and before not in counted_only)
    )
    left = before if stays else after
    assert [row["outcome"] for row in ledger.outcomes.of_key(key)] == [left] * (left not in counted_only)
    assert final(ledger, "contacts", [key]) == ({key: left} if left in FINAL else {})


@pytest.mark.both_databases
def test_a_batch_may_name_a_key_twice(ledger):
    ledger.outcomes.record(
        "run 1", [outcome(name="sent"), outcome(name="rejected"), outcome(name="unchanged")]
    )
    assert stored(ledger)["contacts"]["outcome"] == "sent"
    assert ledger.outcomes.counts("run 1") == {
        ("contacts", name): 1 for name in ("sent", "rejected", "unchanged")
    }


@pytest.mark.both_databases
def test_counts_add_up(ledger):
    for _ in range(3):
        ledger.outcomes.record(
            "run 1", [outcome(str(n), "unchanged") for n in range(7)] + [outcome(sink="other")]
        )
    ledger.outcomes.record("run 2", [])
    assert ledger.outcomes.counts("run 1") == {("contacts", "unchanged"): 21, ("other", "created"): 3}
    assert ledger.outcomes.counts("run 2") == {}
    assert [row["key"] for row in ledger.outcomes.newest()] == ["k"]


def test_an_outcome_that_nobody_knows_leaves_no_trace(ledger):
    with pytest.raises(ValueError, match="not an outcome: done"):
        ledger.outcomes.record("run 1", [outcome("a"), outcome("b", "done")])
    assert ledger.outcomes.newest() == []
    assert ledger.outcomes.counts("run 1") == {}


@pytest.mark.both_databases
def test_final_takes_many_keys_and_tells_sinks_apart(ledger):
    ledger.outcomes.record("run 1", [outcome(str(n), "sent", "sms_messages") for n in range(2500)])
    assert final(ledger, "sms_messages", map(str, range(3000))) == {str(n): "sent" for n in range(2500)}
    assert final(ledger, "mms_messages", ["1"]) == {}


@pytest.mark.both_databases
def test_rows_may_hold_what_databases_do_not(ledger):
    texts = ["\0", "\ud83d", "é" * 10_000, "'; drop table outcomes; --", "", "%s :key"]
    ledger.outcomes.record("run 1", [outcome(text, "sent", "sms_messages", object_id=text) for text in texts])
    assert final(ledger, "sms_messages", [*texts, "other"]) == dict.fromkeys(texts, "sent")
    assert ledger.claims.claim("run 2", "sms_messages", map(claim, texts), lease_seconds=90) == set()
    assert ledger.outcomes.of_key("\0")[0]["object_id"] == "\N{REPLACEMENT CHARACTER}"


@pytest.mark.both_databases
def test_what_changed_comes_in_order_and_in_pages(ledger, ledger_time):
    start = ledger_time()
    for batch in range(5):
        ledger.outcomes.record(f"run {batch}", [outcome(f"{batch}-{n}") for n in range(700)])
        ledger_time.advance(minutes=1)
    pages = list(ledger.outcomes.changed_since())
    rows = [row for page in pages for row in page]
    assert max(map(len, pages)) <= 1000
    assert len({row["key"] for row in rows}) == len(rows) == 3500
    assert rows == sorted(rows, key=lambda row: (row["updated_at"], row["outcome_id"]))
    since = start + timedelta(minutes=3)
    later = [row for page in ledger.outcomes.changed_since(since) for row in page]
    assert later == [row for row in rows if row["updated_at"] >= since]
    assert len(later) == 1400


def test_what_changes_while_it_is_read_comes_again(ledger, ledger_time):
    ledger.outcomes.record("run 1", [outcome(str(n)) for n in range(1500)])
    pages = ledger.outcomes.changed_since()
    first = next(pages)
    ledger_time.advance(seconds=1)
    ledger.outcomes.record("run 2", [outcome(first[0]["key"], "updated")])
    assert [row["outcome"] for page in pages for row in page][-1] == "updated"


@pytest.mark.both_databases
def test_outcomes_are_listed_newest_first(ledger, ledger_time):
    for number, name in enumerate(["created", "rejected", "rejected"]):
        ledger.outcomes.record(
            f"run {number}", [outcome(str(number), name), outcome(str(number), name, "sms")]
        )
        ledger_time.advance(seconds=1)
    assert [row["key"] for row in ledger.outcomes.newest(sink="sms")] == ["2", "1", "0"]
    assert [row["key"] for row in ledger.outcomes.newest(outcome="rejected", limit=3)] == ["2", "2", "1"]
    assert {row["sink"] for row in ledger.outcomes.newest(run_id="run 0")} == {"contacts", "sms"}


@pytest.mark.both_databases
def test_pruning_keeps_what_is_open(ledger, ledger_time):
    ledger.claims.claim("run 1", "sms", [claim("open"), claim("sent")], lease_seconds=90)
    ledger.claims.settle("run 1", [outcome("sent", "sent", "sms")])
    ledger.outcomes.record("run 1", [outcome("old")])
    ledger.memory.add_opt_outs(["h"], source="list", kind="phone")
    ledger_time.advance(days=1)
    ledger.outcomes.record("run 2", [outcome("new")])
    assert ledger.outcomes.prune(ledger_time()) == 2
    assert {row["key"] for row in ledger.outcomes.newest()} == {"open", "new"}
    assert final(ledger, "sms", ["open", "sent"]) == {"open": "unknown"}
    assert ledger.claims.recently_sent(
        [("to-open", "body"), ("to-sent", "body")], since=ledger_time() - timedelta(2)
    ) == {("to-open", "body")}
    assert ledger.memory.opted_out(["h"]) == {"h"}
    assert ledger.outcomes.counts("run 1") == {("sms", "sent"): 1, ("contacts", "created"): 1}


@pytest.mark.both_databases
def test_forgetting_a_number_leaves_only_that_it_opted_out(ledger, ledger_time):
    one, other = ledger.privacy.hash("+61411111111"), ledger.privacy.hash("+61422222222")
    wanted = [
        claim("a", recipient_hash=one),
        claim("b", recipient_hash=one),
        claim("c", recipient_hash=other),
    ]
    ledger.claims.claim("run 1", "sms", wanted, lease_seconds=90)
    ledger.memory.add_opt_outs([one], source="reply", kind="phone")
    assert ledger.privacy.forget("+61 411 111 111").messages == 2
    assert ledger.claims.recently_sent([(one, "body"), (other, "body")], since=ledger_time()) == {
        (other, "body")
    }
    assert ledger.memory.opted_out([one]) == {one}
    ledger_time.advance(minutes=5)
    assert {c.key: c.recipient_hash for c in ledger.reconciliation.open_claims("sms")} == {
        "a": None,
        "b": None,
        "c": other,
    }


def test_opt_outs_of_a_list_go_with_it_and_replies_stay(ledger, ledger_time):
    ledger.memory.add_opt_outs(["a", "b", "b"], source="list", kind="phone")
    ledger.memory.add_opt_outs(["b"], source="reply", kind="phone")
    ledger_time.advance(days=1)
    started = ledger_time()
    ledger.memory.add_opt_outs(["c"], source="list", kind="email")
    assert ledger.memory.opted_out(["a", "b", "c", "d"]) == {"a", "b", "c"}
    assert ledger.memory.drop_opt_outs("list", seen_before=started) == 2
    assert ledger.memory.opted_out(["a", "b", "c", "d"]) == {"b", "c"}
    ledger.memory.add_opt_outs([], source="list", kind="phone")
    assert ledger.memory.opted_out([]) == set()


@pytest.mark.both_databases
def test_who_stays_on_the_list_stays_opted_out(ledger, ledger_time):
    for _ in range(3):
        started = ledger_time()
        ledger_time.advance(minutes=1)
        ledger.memory.add_opt_outs(["a", "b"], source="list", kind="phone")
        assert ledger.memory.drop_opt_outs("list", seen_before=started) == 0
        assert ledger.memory.opted_out(["a", "b"]) == {"a", "b"}
        ledger_time.advance(days=1)


@pytest.mark.both_databases
def test_a_person_undoes_a_stop_and_only_a_later_one_counts(ledger, ledger_time):
    number = "+61411111111"
    one, at = ledger.privacy.hash(number), ledger_time().timestamp()
    ledger.memory.add_stops({one: at, "other": at})
    ledger.memory.add_opt_outs(["listed"], source="list", kind="phone")
    ledger_time.advance(hours=1)
    assert ledger.memory.opt_in(number, "asked at the counter") == {"reply"}
    assert ledger.memory.opted_out([one, "other", "listed"]) == {"other", "listed"}
    for earlier in (at, at + 3600):
        ledger.memory.add_stops({one: earlier, "other": earlier})
        assert ledger.memory.opted_out([one, "other"]) == {"other"}
    ledger.memory.add_stops({one: at + 3601})
    assert ledger.memory.opted_out([one]) == {one}
    ledger_time.advance(hours=1)
    assert ledger.memory.opt_in(number, "again") == {"reply"}
    ledger.memory.add_stops({one: at + 3601})
    assert ledger.memory.opted_out([one]) == set()
    ledger.memory.add_stops({one: float("inf")})
    assert ledger.memory.opted_out([one]) == {one}


def test_a_list_and_an_opt_in_before_any_reply_was_read(ledger, ledger_time):
    number = "+61411111111"
    one, at = ledger.privacy.hash(number), ledger_time().timestamp()
    assert ledger.memory.opt_in(number, "asked") == set()
    ledger.memory.add_stops({one: at - 60})
    assert ledger.memory.opted_out([one]) == set()
    ledger.memory.add_opt_outs([one], source="list", kind="phone")
    assert ledger.memory.opt_in(number, "asked") == {"list"}
    assert ledger.memory.opted_out([one]) == {one}
    ledger.memory.add_stops({})


@pytest.mark.both_databases
def test_many_opt_outs(ledger):
    ledger.memory.add_opt_outs((f"{n:064}" for n in range(5000)), source="list", kind="phone")
    assert len(ledger.memory.opted_out([f"{n:064}" for n in range(2500, 7500)])) == 2500


@pytest.mark.both_databases
def test_memory_of_mirrors_and_contacts(ledger):
    ledger.memory.set_missing(1, {10: 1, 11: 2})
    ledger.memory.set_missing(2, {10: 1})
    ledger.memory.set_missing(1, {11: 3})
    assert (ledger.memory.missing(1), ledger.memory.missing(2), ledger.memory.missing(3)) == (
        {11: 3},
        {10: 1},
        {},
    )
    ledger.memory.set_missing(1, {})
    assert ledger.memory.missing(1) == {}
    ledger.memory.set_written({1: ("a", "b"), 2: ("c", "d")})
    ledger.memory.set_written({2: ("e", "f")})
    ledger.memory.set_written({})
    assert ledger.memory.written([1, 2, 3]) == {1: ("a", "b"), 2: ("e", "f")}


@pytest.mark.both_databases
def test_cursors(ledger):
    assert ledger.memory.cursor("opt_outs_read_at") is None
    ledger.memory.set_cursor("opt_outs_read_at", "2026-11-01")
    ledger.memory.set_cursor("opt_outs_read_at", "2026-11-02")
    assert ledger.memory.cursor("opt_outs_read_at") == "2026-11-02"
    ledger.memory.set_cursor("schema_version", "900")
    assert ledger.memory.cursor("schema_version") == "900"


@given(number=st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True))
def test_hashes_are_the_taps(tmp_path_factory, number):
    url = f"sqlite:///{tmp_path_factory.getbasetemp()}/hashes.db"
    with Ledger.open(url, **ACCOUNT, pii_key=KEY) as ledger:
        assert ledger.privacy.hash(number) == hasher(KEY)(number) == ledger.privacy.fingerprint(number)


def test_a_fingerprint_tells_spellings_apart(ledger):
    assert ledger.privacy.hash("Ann@example.org ") == ledger.privacy.hash("ann@example.org")
    assert len({ledger.privacy.fingerprint(text) for text in ("STOP", "stop", "stop ", "\ud800")}) == 4


@pytest.mark.both_databases
def test_times_have_a_zone(ledger):
    with pytest.raises(StatementError, match="needs a time zone"):
        ledger.outcomes.prune(datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.both_databases
def test_times_are_compared_whatever_the_zones_of_clocks(ledger, ledger_time):
    """A lease that a worker in Perth took holds for one in New York."""
    # No other test has these times: how they are stored is remembered by moment, whatever its zone.
    ledger_time.advance(days=977, microseconds=1)
    began = ledger_time()

    def turn(minutes, hours):
        ledger_time.time = (began + timedelta(minutes=minutes)).astimezone(timezone(timedelta(hours=hours)))

    for minutes, hours, key in ((0, 8, "a"), (1, -5, "b"), (2, 14, "c"), (3, 0, "d")):
        turn(minutes, hours)
        ledger.outcomes.record("run 1", [outcome(key)])
    changed = [row["key"] for page in ledger.outcomes.changed_since(began) for row in page]
    assert changed == ["a", "b", "c", "d"]
    turn(4, 8)
    ledger.claims.claim("run 1", "sms_messages", [claim("e")], lease_seconds=60)
    turn(4.5, -5)
    assert ledger.reconciliation.open_claims("sms_messages") == []
    turn(5, 14)
    assert [one.key for one in ledger.reconciliation.open_claims("sms_messages")] == ["e"]


def test_another_port_of_this_machine_is_the_same_account(ledger_url):
    Ledger.open(ledger_url, **ACCOUNT | {"api_url": "http://127.0.0.1:8640/v3"}).close()
    Ledger.open(ledger_url, **ACCOUNT | {"api_url": "http://127.0.0.1:8026/v3"}).close()
    with pytest.raises(LedgerError, match="another ledger"):
        Ledger.open(ledger_url, **ACCOUNT | {"api_url": "https://127.0.0.1.example.com:8026/v3"})


def test_another_port_of_another_machine_is_another_server(ledger_url):
    Ledger.open(ledger_url, **ACCOUNT | {"api_url": "https://proxy.example.com:8640/v3"}).close()
    with pytest.raises(LedgerError, match="another ledger"):
        Ledger.open(ledger_url, **ACCOUNT | {"api_url": "https://proxy.example.com:8026/v3"})
    with pytest.raises(LedgerError, match="another ledger"):
        Ledger.open(ledger_url, **ACCOUNT | {"api_url": "https://proxy.example.com/v3"})


@pytest.mark.parametrize("other", [{"user_id": "8"}, {"api_url": "https://api.skillboss.com/clicksend/v3"}])
def test_another_account_is_refused(ledger_url, other):
    Ledger.open(ledger_url, **ACCOUNT).close()
    with pytest.raises(LedgerError, match=next(iter(other))):
        Ledger.open(ledger_url, **ACCOUNT | other)
    Ledger.open(ledger_url, **ACCOUNT | {"api_url": ACCOUNT["api_url"] + "/"}).close()


class TestContactsOfKeys:
    """Which contact the key of a row was last."""

    @pytest.mark.both_databases
    def test_the_newest_is_known(self, ledger):
        ledger.memory.set_contacts({"a": (1, 10), "b": (1, 11)})
        ledger.memory.set_contacts({"b": (2, 12), "c": (0, 2**40)})
        ledger.memory.set_contacts({})
        wanted = dict.fromkeys("abcd", ())
        assert ledger.memory.contacts_of(wanted) == {"a": (1, 10), "b": (2, 12), "c": (0, 2**40)}
        assert ledger.memory.contacts_of({}) == {}

    def test_earlier_spellings_count_until_there_is_a_newer_one(self, ledger):
        ledger.memory.set_contacts({"old": (1, 10), "older": (1, 11)})
        wanted = {"new": ("older", "old"), "other": ("never",)}
        assert ledger.memory.contacts_of(wanted)["new"] in [(1, 10), (1, 11)]
        ledger.memory.set_contacts({"new": (2, 12)})
        assert ledger.memory.contacts_of(wanted) == {"new": (2, 12)}

    @pytest.mark.both_databases
    def test_thousands(self, ledger):
        contacts = {f"k{number}": (1, number) for number in range(3000)}
        ledger.memory.set_contacts(contacts)
        assert ledger.memory.contacts_of(dict.fromkeys(contacts, ())) == contacts
