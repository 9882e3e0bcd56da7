"""Looking up what is unknown: only the message itself confirms it, and what is not found stays unknown."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.target.messages.cases import OTHER, TO, posts

SINK = "sms_messages"
PROMO = {"custom_string": "promo"}


@pytest.fixture(autouse=True)
def _nothing_hides_a_second_one(out):
    out.switch(throttle_seconds=0)


def lose(out, kind, sink="sms", **options):
    out.fault(method="POST", path=f"/{sink}/send", kind=kind, **options)


def outcomes(out):
    return dict(out.query("select source_key, outcome from outcomes"))


def test_an_older_message_with_its_custom_string_is_another_one(out, send):
    """Say, of another system, while an older claim makes the walk begin before it."""
    lose(out, "reset_before")
    out.send({"id": 1})
    out.advance(86_400)
    send({"to": TO, "body": "Hello", **PROMO})
    out.advance(86_400)
    lose(out, "reset_before")
    ran = out.send({"id": 2, **PROMO})
    assert (ran.code, outcomes(out)) == (3, {'{"id": 1}': "unknown", '{"id": 2}': "unknown"})


def test_another_text_with_its_custom_string_is_another_one(out, send):
    lose(out, "reset_before")
    out.send(PROMO)
    send({"to": TO, "body": "Bye", **PROMO})
    assert out.send(PROMO).code == 3
    send({"to": OTHER, "body": "Hello", **PROMO})
    assert out.send(PROMO).code == 3


@pytest.mark.parametrize("lost", [0, 1])
def test_of_two_texts_to_one_recipient_the_one_that_arrived_is_found(out, lost):
    for number in (0, 1):
        lose(out, "reset_before" if number == lost else "reset_after")
        out.send({"id": number, "body": f"Text {number}", **PROMO})
    assert out.send(PROMO | {"id": 9, "body": "Text 9"}).code == 3
    assert outcomes(out)[f'{{"id": {lost}}}'] == "unknown"
    assert outcomes(out)[f'{{"id": {1 - lost}}}'] == "sent"


def test_links_that_were_shortened_cannot_be_compared(out, send):
    for number, more in enumerate([{}, {"custom_string": "other"}]):
        lose(out, "reset_before")
        out.send(PROMO | {"id": number, "body": "See https://example.com"} | more, shorten_urls=True)
    send({"to": TO, "body": "See https://smsg.us/x", **PROMO})
    out.send({"id": 9}, shorten_urls=True)
    assert outcomes(out) == {'{"id": 0}': "sent", '{"id": 1}': "unknown", '{"id": 9}': "sent"}


def test_two_pictures_that_cannot_be_told_apart_stay_unknown(out):
    for number, kind in enumerate(["reset_before", "status_after"]):
        out.switch(history_lag=60)
        lose(out, kind, "mms")
        out.send(PROMO | {"id": number, "subject": f"S{number}"}, sink="mms_messages")
    out.advance(60)
    assert out.send({"id": 9}, sink="mms_messages").code == 3
    assert set(list(outcomes(out).values())[:2]) == {"unknown"}
    assert len(out.arrivals) == 2


def test_one_message_confirms_one_key(out):
    rows = [PROMO | {"id": number} for number in (1, 2)]
    lose(out, "row_missing")
    lose(out, "reset_before")
    ran = out.send(*rows, batch_size_rows=1)
    assert (ran.code, sorted(outcomes(out).values())) == (3, ["sent", "unknown"])
    for _ in range(2):
        assert out.send(*rows).code == 3
    assert sorted(outcomes(out).values()) == ["sent", "unknown"]
    assert len(out.arrivals) == 1


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_history_that_cannot_be_read_changes_nothing(out, status):
    lose(out, "reset_after")
    out.fault(method="GET", path="/sms/history", kind="status", status=status, times=-1)
    ran = out.send({}, {"to": OTHER}, batch_size_rows=1, send_without_old_ledger=True)
    assert (ran.code, ran.rows(SINK)) == (3, {"unknown": 1, "sent": 1})
    assert "unanswered messages could not be looked up" in ran.notes
    again = out.send({}, {"to": OTHER}, {"id": 3})
    assert (again.code, again.rows(SINK)) == (3, {"duplicate": 2, "sent": 1})
    out.control("DELETE", "faults")
    assert out.send({}).code == 0
    assert set(outcomes(out).values()) == {"sent"}
    assert len(out.arrivals) == 3


def test_an_input_without_rows_looks_up_too(out):
    out.switch(history_lag=60)
    lose(out, "reset_after")
    assert out.send({}).code == 3
    out.advance(60)
    from tests.target.runner import schema

    assert out.run([schema(SINK, ["id"])]).code == 0
    assert outcomes(out) == {'{"id": 1}': "sent"}


def test_what_was_received_confirms_nothing(out):
    lose(out, "reset_before")
    out.send(PROMO)
    out.reply(TO, "Hello")
    assert out.send(PROMO).code == 3


def test_a_server_whose_clock_is_behind_ours(out):
    """What went out seems to have gone before its claim."""
    out.now += timedelta(minutes=55)
    out.switch(history_lag=600)
    lose(out, "reset_after")
    assert out.send({}).code == 3
    out.switch(history_lag=0)
    ran = out.send({})
    assert (ran.code, outcomes(out)) == (0, {'{"id": 1}': "sent"})
    asked = [
        one["query"] for one in ran.requests if one["path"] == "/sms/history" and "date_from" in one["query"]
    ]
    assert int((out.now - timedelta(hours=1)).timestamp()) in {int(one["date_from"]) for one in asked}


def test_a_found_message_has_its_id_price_and_parts(out):
    lose(out, "reset_after")
    out.send({})
    (arrived,) = out.arrivals
    found = out.query("select outcome, message_id, parts, price, reason from outcomes")
    assert [one[:3] for one in found] == [("sent", arrived["message_id"], 1)]
    assert float(found[0][3]) > 0
    assert "found in the history" in found[0][4]


def test_a_reply_with_the_token_of_a_message_confirms_nothing(out):
    """A reply shows the custom_string of what it answers."""
    lose(out, "reset_before")
    (post,) = posts(out.send({}))
    row = {"direction": "in", "message_id": "a-reply", "date": out.at, "from": TO, "to": "+61411111111"}
    row |= {"custom_string": post["messages"][0]["custom_string"], "body": "Yes", "status": "Received"}
    body = {"http_code": 200, "response_code": "SUCCESS", "data": {"total": 1, "last_page": 1, "data": [row]}}
    for direction, expected in (("in", "unknown"), ("out", "sent")):
        row["direction"] = direction
        out.control("DELETE", "faults")
        out.fault(method="GET", path="/sms/history", kind="body", body=body, times=-1)
        out.send({})
        assert outcomes(out) == {'{"id": 1}': expected}


def test_equal_messages_that_all_arrived_are_all_found_at_once(out):
    """A run searches twice: before it sends, and at its end."""
    rows = [PROMO | {"id": number} for number in range(4)]
    out.switch(history_lag=60)
    lose(out, "reset_after")
    assert out.send(*rows).rows(SINK) == {"unknown": 4}
    out.switch(history_lag=0)
    out.advance(60)
    assert out.send(*rows).rows(SINK) == {"duplicate": 4}
    assert set(outcomes(out).values()) == {"sent"}
    assert len(out.arrivals) == 4
