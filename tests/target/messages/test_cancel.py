"""Cancelling without a server: what an answer proves, and who is cancelled though another cannot be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from clicksend.client import Answer
from clicksend.errors import NotFoundError, UnexpectedAnswerError, UnreachableError
from clicksend.ledger.records import Claim, Outcome
from target_clicksend.messages.cancel import Recall, Scheduled, cancel, cancel_opted_out
from target_clicksend.report import Report
from target_clicksend.row import Row

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SINK = "sms_messages"


class Api:
    """A client whose server has some messages; those in ``gone`` can no longer be cancelled.

    ``totals`` are what its pages count, if that is not the messages of the first one.
    """

    def __init__(self, *rows, gone=(), broken=(), totals=None):
        self.rows, self.gone, self.broken = list(rows), gone, broken
        self.totals = totals
        self.puts, self.gets = [], []

    def get(self, path, params):
        self.gets.append((path, params))
        rows = self.rows if params["page"] == 1 else []
        totals = self.totals or [len(self.rows)]
        pager = {"total": totals[params["page"] - 1], "last_page": len(totals), "per_page": 100}
        return Answer({"data": rows, **pager}, NOW)

    def put(self, path, **_):
        message_id = path.split("/")[2]
        self.puts.append(path)
        if message_id in self.broken:
            raise UnreachableError("It broke.")
        if message_id in self.gone:
            raise NotFoundError(f"PUT {path}", 404, "NOT_FOUND")

    def map(self, function, values):
        return [function(one) for one in values]


def row(message_id, status="Scheduled", custom_string="a"):
    return {"message_id": message_id, "status": status, "custom_string": custom_string}


@pytest.mark.parametrize(
    ("shown", "is_cancelled"),
    [
        ([row("M-1", "Cancelled")], True),
        ([row("m-1", "Cancelled")], True),
        ([row("M-1", "Sent")], False),
        ([row("M-1", "Scheduled")], False),
        ([row("M-2", "Cancelled")], False),
        ([row("M-2", "Cancelled"), row("M-1", "Delivered")], False),
        ([], False),
    ],
)
def test_what_is_not_there_is_cancelled_only_where_the_history_says_so(shown, is_cancelled):
    assert cancel(Api(*shown, gone=["M-1"]), "sms", "M-1") is is_cancelled


def test_what_is_scheduled_is_found_whatever_its_blanks_and_its_letters():
    api = Api(
        row("M1", custom_string=" a "),
        row("M2", "scheduled"),
        row("M3", "Sent"),
        row("M4", custom_string="A"),
        row("M5", custom_string=None),
    )
    scheduled = Scheduled(api, "sms")
    assert scheduled.resembling("A") == 3
    assert scheduled.cancel(" a", [], 0) == ["M1", "M2"]
    assert scheduled.cancel("a", [], 0) == []


def test_what_the_history_does_not_show_yet_is_cancelled_and_each_once():
    api = Api(row("M1"))
    assert Scheduled(api, "sms").cancel("a", ["M0", "M1"], 0) == ["M0", "M1"]
    assert api.puts == ["/sms/M0/cancel", "/sms/M1/cancel"]


def test_after_an_unanswered_message_the_history_is_read_anew():
    api = Api(row("M1"))
    scheduled = Scheduled(api, "sms")
    assert scheduled.cancel("b", [], 0) == []
    api.rows.append(row("M2", custom_string="b"))
    assert scheduled.cancel("b", [], 0) == []
    assert scheduled.cancel("b", [], 1) == ["M2"]


@pytest.mark.parametrize("totals", [[2], [2, 1]], ids=["miscounts", "one slipped as another went"])
def test_a_history_that_shows_less_than_it_counts_says_nothing(totals):
    api = Api(row("M1"), totals=totals)
    with pytest.raises(UnexpectedAnswerError, match="fewer messages than it counts"):
        Scheduled(api, "sms").cancel("a", [], 0)
    assert api.puts == []


@pytest.fixture
def run(ledger, ledger_time):
    """Return a run that remembers what it says."""
    run = SimpleNamespace(
        id="run 2",
        ledger=ledger,
        now=ledger_time,
        dry_run=False,
        client=Api(),
        config={"cancel_deleted": True},
        report=Report(dry_run=False),
        warnings=[],
        errors=[],
    )
    run.warn, run.error = run.warnings.append, run.errors.append
    return run


def send(ledger, key, message_id, at, sink=SINK):
    wanted = Claim(
        key=key,
        stream="texts",
        custom_string=f"token {key}",
        recipient_hash=ledger.privacy.hash("+61411111111"),
        body_hash="body",
        scheduled_for=at,
    )
    ledger.claims.claim("run 1", sink, [wanted], lease_seconds=60)
    sent = Outcome(sink=sink, key=key, stream="texts", outcome="sent", message_id=message_id)
    ledger.claims.settle("run 1", [sent])


@pytest.mark.parametrize("broken", ["M1", "M2", "M3"])
def test_one_that_cannot_be_cancelled_keeps_no_other_from_it(run, broken):
    for number in (1, 2, 3):
        send(run.ledger, f"key {number}", f"M{number}", run.now() + timedelta(days=1))
    run.client.broken = [broken]
    assert cancel_opted_out(run, None, ["+61411111111"]) == 2
    assert len(run.client.puts) == 3
    left = run.ledger.schedules.message_ids(SINK, None)
    assert left == [broken]
    (said,) = run.errors
    assert "could not be cancelled" in said


def test_pictures_and_what_is_too_late_are_errors_too(run):
    at = run.now() + timedelta(days=1)
    send(run.ledger, "key 1", "M1", at, "mms_messages")
    send(run.ledger, "key 2", "M2", at)
    run.client.gone = ["M2"]
    assert cancel_opted_out(run, None, ["+61411111111"]) == 0
    assert sorted(said.rpartition(": ")[2] for said in run.errors) == [
        "ClickSend cannot cancel picture messages",
        "it was too late",
    ]


def test_what_is_due_is_asked_back_and_no_error_when_it_has_gone(run):
    """Whose clock is right nobody knows; somebody may have answered STOP to it."""
    at = run.now() - timedelta(seconds=1)
    for number, sink in enumerate((SINK, SINK, "mms_messages"), 1):
        send(run.ledger, f"key {number}", f"M{number}", at, sink)
    run.client.gone = ["M2"]
    assert cancel_opted_out(run, None, ["+61411111111"]) == 1
    assert sorted(run.client.puts) == ["/sms/M1/cancel", "/sms/M2/cancel"]
    assert run.errors == []


@pytest.mark.parametrize(
    ("ahead", "about", "outcome", "asked"),
    [
        (1, {}, "cancelled", 1),
        (0, {}, "cancelled", 1),
        (-299, {}, "cancelled", 1),
        (-299, {"rows": [row("M1", "Sent")], "gone": ["M1"]}, "suppressed", 1),
        (-300, {}, "suppressed", 0),
        (None, {}, "suppressed", 0),
        (1, {"config": {"cancel_deleted": False}}, "suppressed", 0),
        (1, {"dry_run": True}, "dry_run", 0),
        (1, {"rows": [row("M1", "Sent")], "gone": ["M1"]}, "suppressed", 1),
        (1, {"broken": ["M1"]}, "failed", 1),
    ],
)
def test_a_deleted_rows_message_is_asked_back_only_while_it_may_wait(run, ahead, about, outcome, asked):
    send(run.ledger, "key", "M1", None if ahead is None else run.now() + timedelta(seconds=ahead))
    run.client = Api()
    for name, value in about.items():
        setattr(run if hasattr(run, name) else run.client, name, value)
    came, _ = Recall(run, SINK, "sms").recall(Row(1, "texts", "key", "{}", {}))
    assert (came, len(run.client.puts)) == (outcome, asked)
    (known,) = run.ledger.outcomes.known(SINK, {"key": ()}).values()
    assert known.outcome == ("cancelled" if outcome == "cancelled" else "sent")
