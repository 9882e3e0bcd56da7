"""Who has opted out gets nothing, however many rows there are, and when nobody knows, nobody does."""

import pytest

from clicksend.ledger.ledger import Ledger
from tests.target.messages.cases import OTHER, TO, posts

LIST = 3555277
MANY = [{"to": f"+6149157{n:04}", "body": f"{n}"} for n in range(60)]
SECOND = MANY[1]["to"]


def asked(ran, path):
    return [one["query"] for one in ran.requests if one["path"].endswith(path) and one["method"] == "GET"]


def listed(call, number):
    call("POST", f"/lists/{LIST}/contacts", {"phone_number": number})


@pytest.mark.parametrize("sink", ["sms_messages", "mms_messages", "voice_messages"])
def test_few_recipients_are_asked_for(out, call, sink):
    listed(call, OTHER)
    out.reply("+61491570158", "Stop please")
    ran = out.send({}, {"to": OTHER}, {"to": "+61491570158"}, sink=sink, opt_out="enforce")
    assert (ran.rows(sink), ran.code) == ({"sent": 1, "suppressed": 2}, 0)
    assert ran.reasons(sink) == ["the recipient has opted out"]
    assert [one["to"] for one in out.arrivals] == [TO]
    assert not [
        one for one in asked(ran, "/contacts") + asked(ran, "/sms/history") if "," in one.get("q", "")
    ]
    assert out.counts(ran) == {sink: {"sent": 1, "suppressed": 2}}


@pytest.mark.parametrize("rows", [[{}, {"to": OTHER}], MANY], ids=["few", "many"])
def test_a_stop_between_two_runs(out, rows):
    number = rows[1].get("to", OTHER)
    assert out.send(*rows, opt_out="enforce").rows("sms_messages") == {"sent": len(rows)}
    out.advance(7200)
    out.reply(number, "STOP")
    again = [{**row, "id": f"again {n}"} for n, row in enumerate(rows)]
    ran = out.send(*again, opt_out="enforce")
    assert ran.rows("sms_messages") == {"sent": len(rows) - 1, "suppressed": 1}
    assert [one["to"] for one in out.arrivals].count(number) == 1
    assert out.send(*again, opt_out="enforce").rows("sms_messages") == {
        "duplicate": len(rows) - 1,
        "suppressed": 1,
    }


@pytest.mark.parametrize("reply", ["no stop please", "Take me off your list", "ARRET", "baja por favor"])
def test_a_stop_in_other_words(out, reply):
    out.reply(OTHER, reply)
    ran = out.send({}, {"to": OTHER}, opt_out="enforce")
    assert ran.rows("sms_messages") == {"sent": 1, "suppressed": 1}
    assert [one["to"] for one in out.arrivals] == [TO]


@pytest.mark.parametrize("rows", [[{}, {"to": OTHER}], MANY], ids=["few", "many"])
def test_the_report_names_replies_to_look_at_by_their_ids_only(out, rows):
    number, text = rows[1].get("to", OTHER), "My house is two streets from the bus stop, on the left"
    before = out.send(*rows, opt_out="enforce", dry_run=True).report["replies_to_look_at"]
    for _ in range(60):
        out.reply(number, text)
    ran = out.send(*rows, opt_out="enforce")
    assert ran.rows("sms_messages") == {"sent": len(rows)}
    found = ran.report["replies_to_look_at"]
    assert found["count"] == before["count"] + 60
    assert len(set(found["message_ids"])) == 50
    assert number not in str(ran.report)
    assert "bus stop" not in str(ran.report)


@pytest.mark.parametrize("rows", [[{}, {"to": OTHER}], MANY], ids=["few", "many"])
def test_an_opt_in_between_two_runs(out, rows):
    number = rows[1].get("to", OTHER)
    out.reply(number, "STOP")
    assert out.send(*rows, opt_out="enforce").rows("sms_messages") == {"sent": len(rows) - 1, "suppressed": 1}
    out.advance(60)
    with Ledger.existing(out.ledger_url, now=lambda: out.now) as ledger:
        assert ledger.memory.opt_in(number, "came to the counter") == {"reply"}
    keywords = {"opt_out_keywords": ["STOP", "BASTA"]}
    ran = out.send(*rows, opt_out="enforce", **keywords)
    assert ran.rows("sms_messages") == {"duplicate": len(rows) - 1, "sent": 1}
    assert [one["to"] for one in out.arrivals].count(number) == 1
    out.advance(60)
    out.reply(number, "STOP")
    out.advance(7200)
    again = [{**row, "id": f"again {n}"} for n, row in enumerate(rows)]
    ran = out.send(*again, opt_out="enforce", **keywords)
    assert ran.rows("sms_messages") == {"sent": len(rows) - 1, "suppressed": 1}
    assert "counter" not in str(ran.report)


def test_a_large_run_reads_the_list_and_the_replies_since_the_last(out, call):
    first = out.send(*MANY, opt_out="enforce")
    out.advance(7200)
    listed(call, SECOND)
    ran = out.send(*[row | {"id": 100 + n} for n, row in enumerate(MANY)], opt_out="enforce")
    assert ran.rows("sms_messages") == {"sent": 59, "suppressed": 1}
    (contacts,), histories = asked(ran, "/contacts"), asked(ran, "/sms/history")
    replies = [one for one in histories if one.get("q") == "status:Received"]
    assert int(replies[0]["date_from"]) == out.at - 7200 - 3600
    assert len(replies) == 1
    # The list is read whole each time: whether who was moved into it shows among what changed is unknown.
    assert "updated_after" not in contacts
    assert "date_from" not in asked(first, "/sms/history")[0]


def test_a_batch_reads_nothing_that_the_one_before_has_read(out):
    ran = out.send(*MANY, opt_out="enforce", batch_size_rows=10)
    assert len(posts(ran)) == 6
    assert len(asked(ran, "/lists")) == 1
    assert len([one for one in asked(ran, "/contacts") if one.get("page", "1") == "1"]) == 1


def test_other_keywords_and_another_list(out, call):
    out.reply(TO, "Basta")
    listed(call, OTHER)
    config = {"opt_out": "enforce", "opt_out_keywords": ["BASTA"], "opt_out_list": "Empty list"}
    assert out.send({}, {"to": OTHER}, **config).rows("sms_messages") == {"suppressed": 1, "sent": 1}
    again = out.send({}, {"to": OTHER}, opt_out="enforce")
    assert again.rows("sms_messages") == {"suppressed": 1, "duplicate": 1}


@pytest.mark.parametrize("rows", [[{}], MANY], ids=["few", "many"])
@pytest.mark.parametrize("path", ["/lists", "/lists/*/contacts", "/sms/history"])
def test_what_nobody_knows_stops_the_run(out, rows, path):
    query = {"q": "status:Received"} if path == "/sms/history" and rows is MANY else {}
    out.fault(kind="status", path=path, query=query, times=-1, status=500)
    lines = [*rows]
    ran = out.send(*lines, opt_out="enforce", max_retries=0, send_without_old_ledger=True)
    assert (ran.code, out.arrivals, ran.states) == (1, [], [])
    assert "So nobody knows who has opted out, and nothing is sent" in str(ran.error)
    assert "opt_out: column" in str(ran.error)
    assert (ran.report["rows"], ran.report["rows_unfinished"]) == ({}, len(rows))


def test_what_was_known_an_hour_ago_is_too_old(out):
    assert out.send(*MANY, opt_out="enforce").code == 0
    out.fault(kind="status", path="/lists/*/contacts", times=-1, status=500)
    new = [row | {"id": 100 + n} for n, row in enumerate(MANY)]
    out.advance(3000)
    assert out.send(*new, opt_out="enforce", max_retries=0).rows("sms_messages") == {"sent": 60}
    out.advance(700)
    newer = [row | {"id": 200 + n} for n, row in enumerate(MANY)]
    ran = out.send(*newer, opt_out="enforce", max_retries=0)
    assert (ran.code, len(out.arrivals)) == (1, 120)
    assert out.send(*newer, opt_out="enforce", max_retries=0, opt_out_max_age=2).rows("sms_messages") == {
        "sent": 60
    }


def test_a_list_of_another_name(out):
    ran = out.send({}, opt_out="enforce", opt_out_list="Do not text")
    assert (ran.code, out.arrivals) == (1, [])
    assert "opt_out_list" in str(ran.error)


def test_a_hub_without_lists_is_told_of_the_column(out):
    out.fault(kind="status", path="/lists", status=404, times=-1)
    hub = {"api_url": out.hub_api_url, "username": None}
    ran = out.send({"opted_out": False}, opt_out="enforce", **hub)
    assert (ran.code, out.arrivals) == (1, [])
    assert "opt_out: column" in str(ran.error)
    rows = [{"opted_out": False}, {"opted_out": "true", "to": OTHER}, {"opted_out": None}, {}]
    ran = out.send(*rows, opt_out="column", **hub)
    assert ran.rows("sms_messages") == {"sent": 1, "suppressed": 1, "rejected": 2}
    assert {one["auth"] for one in ran.requests} == {"bearer"}


def test_the_column_alone(out):
    out.reply(TO, "STOP")
    rows = [{"opted_out": 0}, {"opted_out": 1, "to": OTHER}, {"to": OTHER}]
    ran = out.send(*rows, opt_out="column")
    assert ran.rows("sms_messages") == {"sent": 1, "suppressed": 1, "rejected": 1}
    assert set(ran.reasons("sms_messages")) == {
        "the row says that the recipient has opted out",
        "opted_out is missing or null, and opt_out: column goes by it alone",
    }
    assert not asked(ran, "/lists")


def test_the_column_counts_with_enforce_and_not_with_ignore(out, call):
    listed(call, OTHER)
    rows = [{"opted_out": True}, {"to": OTHER}]
    assert out.send(*rows, opt_out="enforce").rows("sms_messages") == {"suppressed": 2}
    ran = out.send(*rows, opt_out="ignore")
    assert (ran.rows("sms_messages"), asked(ran, "/lists")) == ({"sent": 2}, [])


def test_transactional_messages_are_not_spared(out):
    out.reply(TO, "STOP")
    ran = out.send({"purpose": "transactional"}, opt_out="enforce")
    assert ran.rows("sms_messages") == {"suppressed": 1}


def test_the_test_recipient_can_opt_out_too(out):
    out.reply(OTHER, "STOP")
    ran = out.send({}, {}, opt_out="enforce", test_recipient=OTHER)
    assert ran.rows("sms_messages") == {"suppressed": 2}
