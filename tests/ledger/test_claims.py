"""Claims: handed out once, ended by what was answered, reopened by people only."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from clicksend.errors import LedgerError
from clicksend.ledger.records import Confirmation, outcome_id
from tests.ledger.cases import claim, final, outcome, stored

pytestmark = pytest.mark.both_databases

SINK = "sms_messages"
LEASE = {"lease_seconds": 90}


def answer(key, name="sent", **about):
    return outcome(key, name, SINK, **about)


def confirmation(key, message_id="M1", **about):
    return Confirmation(outcome_id=outcome_id(SINK, key), message_id=message_id, **about)


def test_a_key_is_claimed_once(ledger, ledger_time):
    wanted = [claim("a"), claim("b"), claim("a", custom_string="second")]
    assert ledger.claims.claim("run 1", SINK, wanted, **LEASE) == {"a", "b"}
    assert ledger.claims.claim("run 2", SINK, [claim("b"), claim("c")], **LEASE) == {"c"}
    ledger_time.advance(days=400)
    assert ledger.claims.claim("run 3", SINK, [claim("a"), claim("b"), claim("c")], **LEASE) == set()
    assert ledger.claims.claim("run 3", SINK, [], **LEASE) == set()
    assert ledger.claims.claim("run 3", "mms_messages", [claim("a")], **LEASE) == {"a"}
    row, kept = stored(ledger, "a")[SINK], ledger.privacy.fingerprint("token-a")
    assert (row["outcome"], row["run_id"], row["custom_string"]) == ("unknown", "run 1", kept)
    assert "no answer was recorded" in row["reason"]
    assert ledger.outcomes.counts("run 1") == {}


GIVEN = {"custom_string": "token-a", "campaign": "x"}
"""What is kept as a hash."""


def test_an_answer_ends_a_claim_and_is_counted(ledger, ledger_time):
    ledger.claims.claim(
        "run 1", SINK, [claim("a", source_key='{"id": 1}', campaign="x"), claim("b")], **LEASE
    )
    ledger_time.advance(seconds=2)
    ledger.claims.settle(
        "run 1", [answer("a", message_id="M1", price=Decimal("0.07")), answer("b", "rejected")]
    )
    row = stored(ledger, "a")[SINK]
    expected = {"outcome": "sent", "reason": "", "message_id": "M1", "price": Decimal("0.07"), "attempts": 1}
    expected |= {name: ledger.privacy.fingerprint(text) for name, text in GIVEN.items()}
    expected |= {"source_key": '{"id": 1}', "stream": "texts"}
    assert {name: row[name] for name in expected} == expected
    assert row["updated_at"] - row["created_at"] == timedelta(seconds=2)
    assert ledger.outcomes.counts("run 1") == {(SINK, "sent"): 1, (SINK, "rejected"): 1}
    assert ledger.claims.claim("run 2", SINK, [claim("a"), claim("b")], **LEASE) == {"b"}
    assert stored(ledger, "b")[SINK]["attempts"] == 2


def test_a_batch_of_many(ledger):
    keys = [str(n) for n in range(3500)]
    assert ledger.claims.claim("run 1", SINK, map(claim, keys), **LEASE) == set(keys)
    ledger.claims.settle("run 1", [answer(key, "sent" if int(key) % 2 else "failed") for key in keys])
    again = {key for key in keys if int(key) % 2 == 0}
    assert ledger.claims.claim("run 2", SINK, map(claim, keys), **LEASE) == again


def test_what_was_answered_as_unknown_is_open_at_once_and_the_rest_after_its_lease(ledger, ledger_time):
    ledger.claims.claim("run 1", SINK, [claim("a"), claim("b"), claim("c")], **LEASE)
    ledger.claims.claim("run 1", "voice_messages", [claim("d")], **LEASE)
    claimed_at = ledger_time()
    ledger_time.advance(seconds=30)
    assert ledger.reconciliation.open_claims(SINK) == []
    ledger.claims.settle("run 1", [answer("a", "unknown", reason="timed out"), answer("c")])
    (found,) = ledger.reconciliation.open_claims(SINK)
    assert (found.key, found.custom_string) == ("a", ledger.privacy.fingerprint("token-a"))
    assert found.recipient_hash == "to-a"
    assert (found.claimed_at, found.run_id, found.stream) == (claimed_at, "run 1", "texts")
    assert stored(ledger, "a")[SINK]["reason"] == "timed out"
    ledger_time.advance(seconds=60)
    assert [one.key for one in ledger.reconciliation.open_claims(SINK)] == sorted(
        ["a", "b"], key=lambda k: outcome_id(SINK, k)
    )


def test_an_unknown_outcome_without_a_claim_is_open_too(ledger, ledger_time):
    ledger.outcomes.record("run 1", [answer("a", "unknown")])
    (found,) = ledger.reconciliation.open_claims(SINK)
    assert (found.custom_string, found.recipient_hash, found.claimed_at) == (None, None, ledger_time())


def test_a_message_found_in_the_history_confirms_one_key(ledger, ledger_time):
    ledger.claims.claim("run 1", SINK, [claim("a"), claim("b"), claim("c")], **LEASE)
    ledger.claims.settle("run 1", [answer("c", message_id="M3")])
    assert ledger.reconciliation.message_ids(SINK, ["M1", "M3"]) == {"M3"}
    assert ledger.reconciliation.message_ids("mms_messages", ["M3"]) == set()
    ledger_time.advance(minutes=5)
    price = {"parts": 2, "price": Decimal("0.14"), "currency": "AUD"}
    found = [confirmation("a", **price), confirmation("b"), confirmation("c", "M4"), confirmation("z", "M5")]
    assert ledger.reconciliation.confirm(found) == {outcome_id(SINK, "a")}
    assert ledger.reconciliation.confirm([confirmation("b", "M3")]) == set()
    row = stored(ledger, "a")[SINK]
    assert {name: row[name] for name in price} == price
    assert (row["outcome"], row["message_id"], row["updated_at"]) == ("sent", "M1", ledger_time())
    assert stored(ledger, "b")[SINK]["outcome"] == "unknown"
    assert stored(ledger, "c")[SINK]["message_id"] == "M3"


def test_a_message_id_of_another_sink_is_not_taken(ledger, ledger_time):
    """Each channel has message ids of its own."""
    ledger.claims.claim("run 1", "voice_messages", [claim("v")], **LEASE)
    ledger.claims.settle("run 1", [outcome("v", "sent", "voice_messages", message_id="M1")])
    ledger.claims.claim("run 1", SINK, [claim("a")], **LEASE)
    ledger_time.advance(minutes=5)
    assert ledger.reconciliation.message_ids("voice_messages", ["M1", "M2"]) == {"M1"}
    assert ledger.reconciliation.message_ids(SINK, ["M1", "M2"]) == set()
    assert ledger.reconciliation.confirm([confirmation("a", "M1")]) == {outcome_id(SINK, "a")}


def test_a_new_claim_forgets_what_an_old_answer_said(ledger):
    old = {"price": Decimal("9.9"), "parts": 7, "currency": "AUD", "message_id": "M0", "campaign": "old"}
    ledger.outcomes.record("run 1", [answer("a", "rejected", **old)])
    ledger.claims.claim("run 2", SINK, [claim("a")], **LEASE)
    row = stored(ledger, "a")[SINK]
    assert {name: row[name] for name in old} == dict.fromkeys(old)


def test_an_answer_after_its_confirmation_changes_nothing(ledger):
    ledger.claims.claim("run 1", SINK, [claim("a")], **LEASE)
    ledger.claims.settle("run 1", [answer("a", "unknown")])
    ledger.reconciliation.confirm([confirmation("a")])
    before = stored(ledger, "a")
    for run_id in ("run 1", "run 2"):
        for name in ("rejected", "failed", "unknown"):
            ledger.claims.settle(run_id, [answer("a", name)])
            assert stored(ledger, "a") == before, (run_id, name)


def test_people_reopen_what_is_unknown_and_old_enough(ledger, ledger_time):
    ledger.claims.claim("run 1", SINK, [claim("a")], **LEASE)
    ledger_time.advance(hours=1)
    ledger.claims.claim("run 2", SINK, [claim("b"), claim("c")], **LEASE)
    ledger.claims.settle("run 2", [answer("c")])
    ledger_time.advance(hours=23, minutes=30)
    with pytest.raises(LedgerError, match=r"1 of 2 .* --force"):
        ledger.claims.release(["a", "b", "c"])
    assert final(ledger, SINK, ["a", "b", "c"]) == {"a": "unknown", "b": "unknown", "c": "sent"}
    assert ledger.claims.release(["a", "c", "nobody's"]) == ["a"]
    assert ledger.claims.release(run_id="run 2", force=True) == ["b"]
    assert ledger.claims.release([]) == []
    assert stored(ledger, "b")[SINK]["outcome"] == "held"
    assert ledger.claims.recently_sent([("to-b", "body")], since=ledger_time() - timedelta(7)) == set()
    assert ledger.claims.claim("run 3", SINK, [claim("a"), claim("b"), claim("c")], **LEASE) == {"a", "b"}


def test_releasing_a_run_leaves_what_others_may_have_sent(ledger, ledger_time):
    for run_id, key in (("run 1", "a"), ("run 2", "b"), ("run 3", "c")):
        ledger.claims.claim(run_id, SINK, [claim(key)], **LEASE)
    ledger_time.advance(hours=25)
    assert ledger.claims.release(run_id="run 2") == ["b"]
    assert ledger.claims.release(["a", "c"], run_id="run 3") == ["c"]
    assert final(ledger, SINK, ["a", "b", "c"]) == {"a": "unknown"}


def test_a_claim_is_as_old_as_its_message_whatever_was_learned_since(ledger, ledger_time):
    ledger.claims.claim("run 1", SINK, [claim("a")], **LEASE)
    ledger_time.advance(hours=23)
    ledger.claims.settle("run 1", [answer("a", "unknown")])
    with pytest.raises(LedgerError, match=r"1 of 1 .* --force"):
        ledger.claims.release(["a"])
    ledger_time.advance(hours=1, seconds=1)
    assert ledger.claims.release(["a"]) == ["a"]


def test_a_key_is_found_in_each_sink_though_its_run_counted_nothing(ledger, ledger_time):
    ledger.outcomes.record("run 1", [outcome("a")])
    ledger.claims.claim("run 2", SINK, [claim("a")], lease_seconds=90)
    ledger_time.advance(days=2)
    ledger.claims.release(["a"])
    assert {row["sink"]: row["outcome"] for row in ledger.outcomes.of_key("a")} == {
        "contacts": "created",
        SINK: "held",
    }


def test_nobody_reopens_what_may_be_under_way(ledger, ledger_time):
    ledger.claims.claim("run 1", SINK, [claim("a")], **LEASE)
    ledger_time.advance(seconds=89)
    with pytest.raises(LedgerError, match="under way"):
        ledger.claims.release(["a"], force=True)
    ledger_time.advance(seconds=2)
    assert ledger.claims.release(["a"], force=True) == ["a"]


def test_releasing_everything_by_mistake_is_refused(ledger):
    with pytest.raises(LedgerError, match="Name the keys"):
        ledger.claims.release(force=True)


@pytest.mark.parametrize("name", ["rejected", "suppressed", "failed"])
def test_retry_shows_who_waits(ledger, name):
    ledger.outcomes.record("run 1", [answer("a", name), answer("b"), outcome("c", name)])
    assert ledger.claims.retry(name, sink="sms_messages") == ["a"]
    assert ledger.claims.retry(name, run_id="run 2") == []
    assert ledger.claims.retry(name, run_id="run 1") == ["c"]
    assert stored(ledger, "a")[SINK]["outcome"] == "held"


@pytest.mark.parametrize("name", ["sent", "unknown", "created", "nonsense"])
def test_retry_reopens_nothing_final(ledger, name):
    with pytest.raises(LedgerError, match="can be retried"):
        ledger.claims.retry(name)


@pytest.mark.parametrize(
    ("late", "left", "sendable"),
    [("sent", "sent", False), ("unknown", "unknown", False), ("rejected", "held", True)],
)
def test_an_answer_that_comes_after_the_release(ledger, ledger_time, late, left, sendable):
    ledger.claims.claim("run 1", SINK, [claim("a")], **LEASE)
    ledger_time.advance(days=2)
    ledger.claims.release(["a"])
    ledger.claims.settle("run 1", [answer("a", late)])
    assert stored(ledger, "a")[SINK]["outcome"] == left
    assert bool(ledger.claims.claim("run 2", SINK, [claim("a")], **LEASE)) is sendable


@pytest.mark.parametrize("late", ["sent", "unknown", "rejected"])
def test_an_answer_that_comes_after_another_run_has_claimed_the_key(ledger, ledger_time, late):
    ledger.claims.claim("run 1", SINK, [claim("a")], **LEASE)
    ledger_time.advance(days=2)
    ledger.claims.release(["a"])
    ledger.claims.claim("run 2", SINK, [claim("a")], **LEASE)
    ledger.claims.settle("run 1", [answer("a", late)])
    assert ledger.reconciliation.open_claims(SINK) == []  # run 2 is still sending
    assert bool(final(ledger, SINK, ["a"]))
    ledger.claims.settle("run 2", [answer("a", "rejected")])
    # Only if both say that nothing was sent, the key may be sent again.
    assert bool(ledger.claims.claim("run 3", SINK, [claim("a")], **LEASE)) is (late == "rejected")


def test_the_duplicate_window(ledger, ledger_time):
    wanted = [claim("a"), claim("b"), claim("c", recipient_hash=None), claim("d")]
    ledger.claims.claim("run 1", SINK, wanted, **LEASE)
    ledger.claims.settle("run 1", [answer("a"), answer("d", "rejected")])
    start = ledger_time()
    ledger_time.advance(hours=5)
    pairs = [("to-a", "body"), ("to-a", "other"), ("to-b", "body"), ("to-d", "body"), ("to-e", "body")]
    assert ledger.claims.recently_sent(pairs, since=start) == {("to-a", "body"), ("to-b", "body")}
    assert ledger.claims.recently_sent(pairs, since=start + timedelta(seconds=1)) == set()
    assert ledger.claims.recently_sent([(f"to-{n}", "body") for n in range(3000)], since=start) == set()


def test_what_was_sent_is_not_called_off(ledger, ledger_time):
    ledger.claims.claim("run 1", SINK, [claim("a"), claim("b")], **LEASE)
    ledger.claims.settle("run 1", [answer("a", message_id="M1")])
    assert ledger.claims.cancel_unsent("run 2", SINK, [claim("a"), claim("b"), claim("c")], "why") == {"c"}
    assert final(ledger, SINK, "abc") == {"a": "sent", "b": "unknown", "c": "cancelled"}
    assert ledger.claims.claim("run 3", SINK, [claim("c")], **LEASE) == set()


def test_a_retry_is_of_what_it_names(ledger):
    for run_id, key, sink in (("run 1", "a", SINK), ("run 2", "b", SINK), ("run 1", "c", "contacts")):
        ledger.outcomes.record(run_id, [outcome(key, "rejected", sink)])
    assert ledger.claims.retry("rejected", sink="contacts") == ["c"]
    assert ledger.claims.retry("rejected", run_id="run 2") == ["b"]
    assert ledger.claims.retry("rejected", sink=SINK, run_id="run 1") == ["a"]
