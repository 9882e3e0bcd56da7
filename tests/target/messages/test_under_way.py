"""What another run is sending just now: not sent twice, and passed by no STATE before it is known."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clicksend.errors import StoppedError
from clicksend.ledger.ledger import Ledger
from clicksend.ledger.records import Claim, Outcome
from target_clicksend.messages.send import ApiRoute, Sender
from target_clicksend.messages.under_way import PATIENCE
from tests.conftest import FakeClock
from tests.target.messages.cases import posts
from tests.target.runner import state, stream_of

SINK = "sms_messages"
ROWS = [{"idempotency_key": f"{number}", "to": f"+6149157015{number}", "body": "Hi"} for number in range(6)]
LINES = [*stream_of(SINK, ROWS), state({"all": True})]
LEASE = 60


class Waits(FakeClock):
    """A clock that turns the ledger's, and lets something happen at a moment of the waiting."""

    def __init__(self, out, *events):
        super().__init__()
        self._out, self._events = out, list(events)

    def sleep(self, seconds):
        super().sleep(seconds)
        self._out.now += timedelta(seconds=seconds)
        if self._events:
            self._events.pop(0)()


@pytest.fixture
def other(out):
    """Return another run: its ledger, with the keys of two rows claimed and not answered."""
    out.send({"idempotency_key": "first"})
    where = {"api_url": out.api_url, "user_id": "672721", "clear": [], "now": lambda: out.now}
    with Ledger.open(out.ledger_url, **where) as ledger:
        yield Other(ledger)


class Other:
    def __init__(self, ledger):
        self._claims = ledger.claims
        self.claim("2", "3")

    def claim(self, *keys):
        wanted = [
            Claim(key=key, stream="s", custom_string=key, recipient_hash="h", body_hash="b") for key in keys
        ]
        self._claims.claim("other", SINK, wanted, lease_seconds=LEASE)

    def settle(self, outcome, *keys):
        found = [Outcome(sink=SINK, key=key, stream="s", outcome=outcome, reason="x") for key in keys]
        self._claims.settle("other", found)


def sent(ran):
    return [len(body["messages"]) for body in posts(ran)]


CAPS = pytest.mark.parametrize("caps", [{}, {"max_messages_per_run": 6}], ids=["batch", "spool"])
SIZES = pytest.mark.parametrize("size", [1, 2, 1000])


@CAPS
@SIZES
def test_what_the_other_run_sends_is_a_duplicate(out, other, caps, size):
    clock = Waits(out, lambda: other.settle("sent", "2"), lambda: other.settle("sent", "3"))
    ran = out.run(LINES, clock=clock, batch_size_rows=size, **caps)
    assert (ran.rows(SINK), ran.code, ran.states) == ({"sent": 4, "duplicate": 2}, 0, [{"all": True}])
    assert len(clock.slept) == 2
    assert out.counts(ran) == {SINK: {"sent": 4, "duplicate": 2}}


@CAPS
@SIZES
@pytest.mark.parametrize("outcome", ["failed", "rejected"])
def test_what_the_other_run_did_not_send_is_sent_or_comes_again(out, other, caps, size, outcome):
    clock = Waits(out, lambda: other.settle(outcome, "2", "3"))
    ran = out.run(LINES, clock=clock, batch_size_rows=size, **caps)
    # Nobody has counted it for the caps.
    expected = ({"sent": 4, "held": 2}, []) if caps else ({"sent": 6}, [{"all": True}])
    assert (ran.rows(SINK), ran.states, ran.code) == (*expected, 0)
    again = out.run(LINES, **caps)
    assert (sum(sent(ran)) + sum(sent(again)), again.states) == (6, [{"all": True}])


@CAPS
def test_what_was_lost_with_the_other_run_is_unknown_once_its_lease_is_over(out, other, caps):
    clock = Waits(out)
    ran = out.run(LINES, clock=clock, **caps)
    assert (ran.rows(SINK), ran.code, ran.states) == ({"sent": 4, "duplicate": 2}, 3, [{"all": True}])
    assert LEASE <= sum(clock.slept) <= LEASE + 5
    assert (ran.report["unknown_open"], sum(sent(ran))) == (2, 4)


@CAPS
def test_no_run_waits_for_ever(out, other, caps):
    """The other run claims its rows again and again: it is slow, or our clock stands."""
    clock = FakeClock()
    ran = out.run(LINES, clock=clock, **caps)
    assert (ran.rows(SINK), ran.code, ran.states) == ({"sent": 4, "held": 2}, 0, [])
    assert PATIENCE <= sum(clock.slept) <= PATIENCE + 5
    assert ran.reasons(SINK) == ["another run was sending it, and what came of that was not known in time"]
    other.settle("sent", "2", "3")
    again = out.run(LINES, **caps)
    assert (again.rows(SINK), again.states, sent(again)) == ({"duplicate": 6}, [{"all": True}], [])


def test_it_is_looked_at_while_the_input_still_comes(out, other, monkeypatch):
    """So few rows are kept at a time, the state moves on, and nobody waits at the end."""
    post, clock = ApiRoute.post, FakeClock()

    def settling(self, messages, may_begin):
        if messages[0].row.key == "4":
            other.settle("sent", "2", "3")
        return post(self, messages, may_begin)

    monkeypatch.setattr(ApiRoute, "post", settling)
    lines = [
        one for row in stream_of(SINK, ROWS) for one in (row, state({"row": row.get("record", {}).get("id")}))
    ]
    ran = out.run(lines, clock=clock, batch_size_rows=1)
    assert (ran.rows(SINK), clock.slept) == ({"sent": 4, "duplicate": 2}, [])
    assert [one["row"] for one in ran.states if one["row"]] == [1, 2, 5, 6]


def test_a_stop_ends_the_waiting(out, other):
    def stop():
        raise StoppedError

    ran = out.run(LINES, clock=Waits(out, stop))
    assert (sent(ran), ran.states, ran.report["rows_unfinished"]) == ([4], [], 2)


def test_a_dry_run_waits_for_nobody(out, other):
    clock = FakeClock()
    ran = out.run(LINES, clock=clock, dry_run=True)
    assert (ran.rows(SINK), clock.slept) == ({"dry_run": 4, "duplicate": 2}, [])


@CAPS
def test_a_row_that_is_deleted_meanwhile_is_not_sent(out, other, caps):
    lines = stream_of(SINK, [*ROWS, {**ROWS[2], "_sdc_deleted_at": "2026-01-01"}])
    clock = Waits(out, lambda: other.settle("failed", "2", "3"))
    ran = out.run(lines, clock=clock, **caps)
    assert "2" not in str([one["idempotency_key"] for one in ROWS if one["to"] in str(posts(ran))])
    assert ran.rows(SINK) == {"sent": 4, "suppressed": 2, "held": 1} if caps else {"sent": 5, "suppressed": 2}


def claimed_between(monkeypatch, other, *keys):
    """Let another run claim keys after this one has looked, and before it claims them itself."""
    send = Sender.send

    def claiming(self, messages):
        monkeypatch.undo()
        other.claim(*keys)
        return send(self, messages)

    monkeypatch.setattr(Sender, "send", claiming)


@CAPS
@pytest.mark.parametrize(
    ("outcome", "expected"), [("sent", {"sent": 3, "duplicate": 3}), ("failed", {"sent": 4, "duplicate": 2})]
)
def test_what_another_run_claims_first(out, other, monkeypatch, caps, outcome, expected):
    other.settle("sent", "2", "3")
    claimed_between(monkeypatch, other, "4")
    ran = out.run(LINES, clock=Waits(out, lambda: other.settle(outcome, "4")), **caps)
    assert (ran.rows(SINK), ran.states, ran.code) == (expected, [{"all": True}], 0)
