"""Reading opt-outs without a server: what an answer proves, and which of several replies counts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from clicksend.client import Answer
from target_clicksend.messages.gates.opt_out_reader import OptOutReader

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
AT = int(NOW.timestamp())
STOPPER, OTHER = "+61411222333", "+61411222334"


class Api:
    """A client whose server has replies; ``search`` says what it finds of them by ``q``."""

    def __init__(self, *replies, search=lambda _, rows: rows, total=None):
        self.replies, self.search, self.total, self.listed = list(replies), search, total, []
        self.list_total = 0

    def get(self, path, params):
        if path.startswith("/lists"):
            return Answer({"data": self.listed, "total": self.list_total, "last_page": 1}, NOW)
        rows = [row for row in self.replies if int(row["date"]) >= params.get("date_from", 0)]
        rows = self.search(params["q"], rows) if "q" in params else rows
        whole = str(params.get("q")).startswith("from:")
        total = len(rows) if self.total is None or whole else self.total
        return Answer({"data": rows, "total": total or None, "last_page": 1}, NOW)

    def map(self, function, values):
        return [function(one) for one in values]


def reply(message_id, body="STOP", at=AT, sender=STOPPER):
    return {"message_id": message_id, "direction": "in", "from": sender, "body": body, "date": at}


@pytest.fixture
def reader(ledger):
    return lambda api: OptOutReader(api, ledger, ["STOP"], "AU")


def is_out(ledger, number=STOPPER):
    return bool(ledger.memory.opted_out([ledger.privacy.hash(number)]))


@pytest.mark.parametrize("is_reversed", [False, True])
def test_of_two_stops_the_later_counts(ledger, ledger_time, reader, is_reversed):
    """One before an opt-in and one after it, read at once."""
    ledger_time.time = NOW
    ledger.memory.opt_in(STOPPER, "asked")
    rows = [reply("M1", at=AT - 60), reply("M2", at=AT + 60)]
    reader(Api(*(rows[::-1] if is_reversed else rows))).read_replies(None)
    assert is_out(ledger)


def test_a_stop_before_an_opt_in_does_not_count(ledger, ledger_time, reader):
    ledger_time.time = NOW
    ledger.memory.opt_in(STOPPER, "asked")
    reader(Api(reply("M1", at=AT - 60))).read_replies(None)
    assert not is_out(ledger)


@pytest.mark.parametrize("since", [None, AT - 3600])
def test_where_the_search_finds_no_reply_all_is_read(ledger, reader, since):
    api = Api(reply("M1"), search=lambda *_: [])
    reader(api).read_replies(since)
    assert is_out(ledger)


@pytest.mark.parametrize("found", ["M0", "M1"])
def test_a_search_that_does_not_find_what_is_there_proves_nothing(reader, found):
    """More replies than a page; the newest of one sender is known, and must be among what is found of it."""
    replies = [reply("M1", "Hello"), reply("M0", "Hi", AT - 60)]

    def search(terms, rows):
        field, _, value = terms.partition(":")
        if field == "status":
            return rows[:1]
        return [row for row in rows if row["message_id"] == found and row["from"] == value]

    assert reader(Api(*replies, search=search, total=500)).ask([OTHER], []) is (found == "M1")


@pytest.mark.parametrize(("total", "is_all"), [(1, True), (2, False), (None, False)])
def test_a_list_is_whole_only_where_it_counts_no_more_than_it_shows(ledger, reader, total, is_all):
    api = Api(reply("M1", "Hello"))
    api.listed, api.list_total = [{"contact_id": 1, "phone_number": STOPPER}], total
    assert reader(api).ask([OTHER], [1]) is is_all
    assert is_out(ledger)


@pytest.mark.parametrize("date", ["", None, "soon"])
def test_a_stop_without_a_date_is_newer_than_any_opt_in(ledger, reader, date):
    ledger.memory.opt_in(STOPPER, "asked")
    api = Api()
    api.get = lambda *_: Answer([reply("M1") | {"date": date}], NOW)
    reader(api).read_replies(None)
    assert is_out(ledger)
