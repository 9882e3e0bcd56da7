"""Read and unread in the sandbox: marking, and replies that a test orders."""

import pytest

from clicksend.sandbox.world.seed_data import CUSTOMERS, NEWSLETTER, OPT_OUTS
from tests.sandbox.runner import DAY, EPOCH, walk

RECEIPTS = ("/sms/receipts", "/mms/receipts", "/voice/receipts")
COLLECTIONS = ("/sms/inbound", *RECEIPTS)


def mark(call, path, date_before=None):
    """Mark as read; in the older documentation calls want the date in the query, the others in the body."""
    given = {} if date_before is None else {"date_before": date_before}
    if path.startswith("/voice"):
        return call("PUT", f"{path}-read", params=given)
    return call("PUT", f"{path}-read", given or None)


@pytest.mark.usefixtures("documented")
@pytest.mark.parametrize("path", COLLECTIONS)
def test_date_before(box, session, call, path):
    times = [row["timestamp"] for row in walk(session, box, path)]
    first, last = times[len(times) // 3], times[2 * len(times) // 3]
    assert mark(call, path, first) is None
    assert [row["timestamp"] for row in walk(session, box, path)] == [t for t in times if t >= first]
    box.control("POST", "switches", {"date_before": "inclusive"})
    mark(call, path, str(last))
    assert [row["timestamp"] for row in walk(session, box, path)] == [t for t in times if t > last]
    mark(call, path, 1)
    mark(call, path, 0)
    assert walk(session, box, path)
    assert mark(call, path) is None
    assert walk(session, box, path) == []
    box.advance(30 * DAY)
    assert walk(session, box, path)


@pytest.mark.parametrize("channel", ["sms", "mms", "voice"])
@pytest.mark.parametrize(("where", "in_query"), [
    ("body", ()), ("query", ("sms", "mms", "voice")), ("query_for_voice", ("voice",)),
])  # fmt: skip
def test_a_date_where_it_is_not_looked_for_marks_all(box, session, call, channel, where, in_query):
    box.control("POST", "switches", {"legacy_paths": "served", "date_before_in": where})
    right, wrong = ("params", "body") if channel in in_query else ("body", "params")
    path = f"/{channel}/receipts"
    before = walk(session, box, path)
    call("PUT", f"{path}-read", **{right: {"date_before": 1}})
    assert walk(session, box, path) == before != []
    call("PUT", f"{path}-read", **{wrong: {"date_before": 1}})
    assert walk(session, box, path) == []


@pytest.mark.parametrize(("time", "name"), [("sent", "timestamp_send"), ("reported", "timestamp")])
def test_which_time_of_a_receipt_counts(box, session, call, time, name):
    box.control("POST", "switches", {"date_before_time": time})
    before = walk(session, box, "/sms/receipts")
    cut = sorted(row[name] for row in before)[len(before) // 2]
    call("PUT", "/sms/receipts-read", {"date_before": cut})
    assert walk(session, box, "/sms/receipts") == [row for row in before if row[name] >= cut]


@pytest.mark.parametrize("wrong", ["yesterday", 1.5, {}, True])
def test_a_date_that_is_none_marks_nothing(box, session, call, wrong):
    before = walk(session, box, "/sms/inbound")
    call("PUT", "/sms/inbound-read", {"date_before": wrong}, status=200 if wrong is True else 400)
    assert walk(session, box, "/sms/inbound") == before


def test_what_is_read_is_still_found(box, session, call):
    receipts, replies = walk(session, box, "/sms/receipts"), walk(session, box, "/sms/inbound")
    answered = next(row for row in replies if row["original_message_id"])
    paths = (f"/sms/receipts/{receipts[0]['message_id']}", f"/sms/inbound/{answered['original_message_id']}")
    before = [call("GET", path) for path in paths]
    call("PUT", "/sms/receipts-read")
    call("PUT", "/sms/inbound-read")
    assert [call("GET", path) for path in paths] == before


def test_one_message(box, session, call):
    replies = walk(session, box, "/sms/inbound")
    path = f"/sms/inbound-read/{replies[3]['message_id']}"
    assert [call("PUT", path), call("PUT", path), call("PUT", "/sms/inbound-read/1")] == [1, 0, 0]
    assert walk(session, box, "/sms/inbound") == replies[:3] + replies[4:]


def test_what_may_not_be_served(box, call):
    box.control("POST", "switches", {"voice_access": False})
    call("PUT", "/mms/receipts-read", status=404)
    call("PUT", "/voice/receipts-read", status=404)
    box.control("POST", "switches", {"legacy_paths": "served"})
    call("PUT", "/mms/receipts-read")
    call("PUT", "/voice/receipts-read", status=403)


def twice(session, box):
    """Find somebody who is a contact of two lists."""
    lists = [row["list_id"] for row in walk(session, box, "/lists") if row["list_id"] != OPT_OUTS]
    known = {}
    for key in lists:
        for row in walk(session, box, f"/lists/{key}/contacts"):
            known.setdefault(row["phone_number"], {})[key] = row
    return next(rows for rows in known.values() if len(rows) > 1)


@pytest.mark.parametrize("body", ["STOP", "stop please", " Stop\n"])
def test_a_stop_moves_one_contact(box, session, body):
    first, second = list(twice(session, box).values())[:2]
    number = first["phone_number"]
    box.advance(60)
    answer = box.control("POST", "reply", {"from": number, "body": body, "list_id": second["list_id"]})
    moved = {"list_id": second["list_id"], "contact_id": second["contact_id"]}
    assert answer == {"message_id": answer["message_id"], "opted_out": moved}
    opted_out = walk(session, box, f"/lists/{OPT_OUTS}/contacts")[-1]
    change = {"list_id": OPT_OUTS, "_list_name": "Opt-Out List", "date_added": EPOCH + 60}
    assert opted_out == second | change
    box.control("POST", "switches", {"moves_update": True})
    opted_out = walk(session, box, f"/lists/{OPT_OUTS}/contacts")[-1]
    assert opted_out == second | change | {"date_updated": EPOCH + 60}
    assert first in walk(session, box, f"/lists/{first['list_id']}/contacts")
    again = box.control("POST", "reply", {"from": number, "body": body})["opted_out"]
    assert again == {"list_id": first["list_id"], "contact_id": first["contact_id"]}
    assert walk(session, box, "/sms/inbound")[-1]["_keyword"] == "stop"


def test_a_reply_is_inbound_and_in_the_history(box, session, call):
    sent = next(row for row in walk(session, box, "/sms/history") if row["direction"] == "out")
    answer = box.control("POST", "reply", {"from": sent["to"], "body": "YES"})
    assert answer["opted_out"] is None
    (reply,) = [
        row for row in walk(session, box, "/sms/inbound") if row["message_id"] == answer["message_id"]
    ]
    assert (reply["from"], reply["body"], reply["timestamp"]) == (sent["to"], "YES", EPOCH)
    latest = [row for row in walk(session, box, "/sms/history") if row["to"] == sent["to"]][-1]
    assert reply["original_message_id"] == latest["message_id"]
    found = walk(session, box, "/sms/history", q=f"message_id:{answer['message_id']}")
    assert [(row["direction"], row["status"]) for row in found] == [("in", "Received")]
    stranger = box.control("POST", "reply", {"from": "+61 400 000 001", "body": ""})
    assert stranger["message_id"] != answer["message_id"]
    assert walk(session, box, "/sms/inbound")[-1]["original_message_id"] == ""


def test_a_stop_without_anybody_or_anywhere(box, session, call):
    number = walk(session, box, f"/lists/{CUSTOMERS}/contacts")[0]["phone_number"]
    orders = ({"from": "+61400000001"}, {"from": number, "list_id": 1})
    for order in orders:
        assert box.control("POST", "reply", order | {"body": "STOP"})["opted_out"] is None
    call("DELETE", f"/lists/{OPT_OUTS}")
    box.control("POST", "reply", {"from": number, "body": "STOP"})
    assert walk(session, box, f"/lists/{CUSTOMERS}/contacts")[0]["phone_number"] == number


@pytest.mark.parametrize(("order", "sentence"), [
    ({"from": "somebody", "body": "STOP"}, "telephone number"),
    ({"from": "+61400000001"}, "body"),
    ({"from": "+61400000001", "body": "STOP", "list": NEWSLETTER}, "list"),
])  # fmt: skip
def test_wrong_replies_are_explained(box, order, sentence):
    with pytest.raises(ValueError, match=sentence):
        box.control("POST", "reply", order)
