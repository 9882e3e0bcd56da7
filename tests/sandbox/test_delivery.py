"""What becomes of a message that was sent to the sandbox: history, reports, replies, cancelling."""

import pytest

from clicksend.sandbox.simulation import RETENTION
from clicksend.sandbox.world.seed_data import CUSTOMERS, OPT_OUTS
from tests.sandbox.runner import DAY, EPOCH, walk

CHANNELS = ["sms", "mms", "voice"]
LATER = EPOCH + 3600
UNKNOWN = "00000000-0000-0000-0000-000000000000"
RECIPIENTS = [f"+614123{number:05}" for number in range(400)]


def many(send, channel="sms", **message):
    """Send to all recipients; return the ids."""
    data = send(*({"to": to, **message} for to in RECIPIENTS), channel=channel)
    return [row["message_id"] for row in data["messages"]]


def history(session, box, channel, keys):
    """Return the rows of these messages, by id."""
    return {
        row["message_id"]: row
        for row in walk(session, box, f"/{channel}/history")
        if row["message_id"] in set(keys)
    }


@pytest.mark.parametrize("types", [0, 1], ids=["live", "legacy"])
@pytest.mark.parametrize("channel", CHANNELS)
def test_it_is_in_the_history_of_its_channel(boxes, session, send, channel, types):
    box = boxes[types]
    box.control("POST", "reset")
    before = box.state()["rows"]
    message = {"custom_string": "k-1", "from": "ACME", "body": "Grüße", "from_email": "a@example.com"}
    (sent,) = send(message, channel=channel, box=box)["messages"]
    send({"to": "+000"}, channel=channel, box=box)
    (row,) = history(session, box, channel, [sent["message_id"]]).values()
    for name in ("to", "from", "body", "custom_string", "country"):
        assert row[name] == sent[name]
    assert float(row["message_price"]) == float(sent["message_price"])
    assert int(row["date" if channel == "sms" else "date_added"]) == EPOCH
    assert row["status"] == ("Queued:WaitSend" if channel == "mms" else "Queued")
    assert row["status_code"] is None
    own = {"sms": ["from_email"], "mms": ["from_email", "subject", "_media_file_url"]}
    given = message | {"subject": "Photo", "_media_file_url": "https://example.com/x.jpg"}
    given |= {"lang": "en-us", "voice": "female", "require_input": 0, "machine_detection": 0}
    for name in own.get(channel, ["lang", "voice", "require_input", "machine_detection"]):
        assert row[name] == given[name]
    after = box.state()["rows"]
    assert {name for name in after if after[name] != before[name]} - {"account_usage"} == {
        f"{channel}_history"
    }


def test_history_may_lag(box, session, send):
    box.control("POST", "switches", {"history_lag": 30})
    (sent,) = send()["messages"]
    for seconds, found in ((0, 0), (29, 0), (1, 1)):
        box.advance(seconds)
        assert len(history(session, box, "sms", [sent["message_id"]])) == found
    assert len(box.control("GET", "arrivals")) == 1


@pytest.mark.long
@pytest.mark.usefixtures("documented")
@pytest.mark.parametrize(("channel", "codes"), [
    ("sms", {"200", "201", "301"}),
    ("mms", {"Completed", "Failed", None}),
    ("voice", {"201", "301"}),
])  # fmt: skip
def test_it_moves_with_the_clock(box, session, send, channel, codes):
    keys = many(send, channel)
    start = {row["status"] for row in history(session, box, channel, keys).values()}
    assert start <= {"Queued", "Queued:WaitSend"}
    box.advance(300)
    underway = history(session, box, channel, keys).values()
    assert {row["status"] for row in underway} > {"Sent"}
    box.advance(4 * DAY)
    settled = history(session, box, channel, keys)
    assert {row["status_code"] for row in settled.values()} == codes
    receipts = [row for row in walk(session, box, f"/{channel}/receipts") if row["message_id"] in settled]
    final = {row["message_id"]: str(row["status_code"]) for row in receipts}
    assert final.items() <= {key: row["status_code"] for key, row in settled.items()}.items()
    assert len(final) > len(keys) * 3 // 4
    assert {row["message_type"] for row in receipts} == {channel}


def test_receipts_carry_the_custom_string(box, session, send):
    send(*({"to": to, "custom_string": f"k{to}"} for to in RECIPIENTS))
    sent = {row["message_id"]: row["custom_string"] for row in box.control("GET", "arrivals")}
    box.advance(DAY)
    found = [row for row in walk(session, box, "/sms/receipts") if row["message_id"] in sent]
    assert found
    assert all(row["custom_string"] == sent[row["message_id"]] for row in found)


def test_replies(box, session, send):
    sent = dict(zip(RECIPIENTS, many(send, custom_string="k"), strict=True))
    box.advance(DAY)
    replies = [row for row in walk(session, box, "/sms/inbound") if row["from"] in sent]
    assert 10 < len(replies) < 100
    answered = [row for row in replies if row["original_message_id"]]
    assert all(row["original_message_id"] == sent[row["from"]] for row in answered)
    assert {row["custom_string"] for row in replies} == {"k"}
    assert not any(row["_keyword"] == "stop" for row in replies)  # they are in no list


@pytest.mark.long
def test_who_answers_stop_leaves_the_list(box, session, call, send):
    (made,) = [call("POST", "/lists", {"list_name": "Mine"})["list_id"]]
    for to in RECIPIENTS:
        call("POST", f"/lists/{made}/contacts", {"phone_number": to})
    send({"to": None, "list_id": made})
    box.advance(DAY)
    stopped = {row["from"] for row in walk(session, box, "/sms/inbound") if row["_keyword"] == "stop"}
    left = set(RECIPIENTS) - {row["phone_number"] for row in walk(session, box, f"/lists/{made}/contacts")}
    assert left
    assert left == stopped & set(RECIPIENTS)
    opted_out = walk(session, box, f"/lists/{OPT_OUTS}/contacts")
    assert left <= {row["phone_number"] for row in opted_out}


def test_the_same_calls_have_the_same_consequences(boxes, session, send):
    found = []
    for steps in (1, 7):
        boxes[0].control("POST", "reset")
        send(*({"to": to} for to in RECIPIENTS))
        for _ in range(steps):
            boxes[0].advance(7 * DAY // steps)
        found.append([
            walk(session, boxes[0], path) for path in ("/sms/history", "/sms/receipts", "/sms/inbound")
        ])  # fmt: skip
    assert found[0] == found[1]


def test_histories_stay_in_order(box, session, send):
    for _ in range(5):
        many(send)
        box.advance(DAY // 2)
    for path, name in (
        ("/sms/history", "date"),
        ("/sms/receipts", "timestamp"),
        ("/sms/inbound", "timestamp"),
    ):
        times = [row[name] for row in walk(session, box, path)]
        assert times == sorted(times)


def test_a_scheduled_message_waits(box, session, send):
    keys = many(send, schedule=LATER)
    box.advance(3599)
    assert {row["status"] for row in history(session, box, "sms", keys).values()} == {"Scheduled"}
    box.advance(4 * DAY)
    rows = history(session, box, "sms", keys).values()
    assert {row["status_code"] for row in rows} == {"200", "201", "301"}
    receipts = [row for row in walk(session, box, "/sms/receipts") if row["message_id"] in keys]
    assert {row["timestamp_send"] for row in receipts} == {LATER}
    assert min(row["timestamp"] for row in receipts) > LATER


@pytest.mark.parametrize("schedule", [EPOCH + RETENTION + 1, 1735628400000])
def test_a_schedule_too_far_ahead_is_never_sent(box, session, send, schedule):
    box.control("POST", "switches", {"retention": False})
    (sent,) = send({"schedule": schedule})["messages"]
    box.advance(RETENTION + 30 * DAY)
    (row,) = history(session, box, "sms", [sent["message_id"]]).values()
    assert (row["status"], row["schedule"]) == ("Scheduled", str(schedule))


@pytest.mark.parametrize("types", [0, 1], ids=["live", "legacy"])
@pytest.mark.parametrize("channel", CHANNELS)
def test_cancel(documented, session, call, send, channel, types):
    box = documented[types]
    rows = send({"schedule": LATER}, {"body": "now"}, channel=channel, box=box)["messages"]
    keys = [row["message_id"] for row in rows]
    others = {"sms": "voice", "mms": "sms", "voice": "mms"}
    call("PUT", f"/{others[channel]}/{keys[0]}/cancel", status=404, box=box)
    data = call("PUT", f"/{channel}/{keys[0].lower()}/cancel", box=box)
    assert data == ([] if types or channel == "voice" else None)
    for late in (keys[0], keys[1], UNKNOWN):
        assert call("PUT", f"/{channel}/{late}/cancel", status=404, box=box) is None
    box.advance(4 * DAY)
    found = history(session, box, channel, keys)
    assert (found[keys[0]]["status"], found[keys[0]]["status_code"]) == ("Cancelled", None)
    assert found[keys[1]]["status"] != "Cancelled"
    assert keys[0] not in {row["message_id"] for row in walk(session, box, f"/{channel}/receipts")}


def test_what_was_cancelled_has_no_consequences(box, session, call, send):
    many(send, schedule=LATER, custom_string="k")
    assert call("PUT", "/sms/cancel-all", {"custom_string": "k"})["count"] >= len(RECIPIENTS)
    box.advance(4 * DAY)
    assert {row["status"] for row in box.control("GET", "arrivals")} == {"Cancelled"}
    assert not {row["from"] for row in walk(session, box, "/sms/inbound")} & set(RECIPIENTS)
    issues = {row["message_id"] for row in walk(session, box, "/delivery-issues")}
    assert not issues & {row["message_id"] for row in box.control("GET", "arrivals")}


def test_too_late_to_cancel(box, call, send):
    (row,) = send({"schedule": LATER})["messages"]
    box.advance(3600 + 60)
    call("PUT", f"/sms/{row['message_id']}/cancel", status=404)


@pytest.mark.usefixtures("documented")
@pytest.mark.parametrize("channel", CHANNELS)
def test_cancel_all(box, session, call, send, channel):
    messages = [{"schedule": LATER, "custom_string": name, "body": name} for name in ("a", "b", "b", "*")]
    box.control("POST", "switches", {"throttle_seconds": 0})
    send(*messages, {"custom_string": "b"}, channel=channel)
    send({"schedule": LATER, "custom_string": "b"}, channel="sms" if channel == "voice" else "voice")
    path = f"/{channel}/cancel-all"
    if channel == "sms":
        assert call("PUT", path, {"custom_string": "c"}) == {"count": 0}
        assert call("PUT", path, {"custom_string": "b"}) == {"count": 2}
        assert call("PUT", path, {"custom_string": "*"}) == {"count": 1}
        call("PUT", path, {"custom_string": {}}, status=400)
    assert call("PUT", path)["count"] >= 1  # the made-up world has scheduled messages too
    assert call("PUT", path, {}) == {"count": 0}
    assert "Scheduled" not in {row["status"] for row in walk(session, box, f"/{channel}/history")}
    assert [row["status"] for row in box.control("GET", "arrivals")][-1] == "Scheduled"


@pytest.mark.parametrize(("how", "counts"), [
    ("exact", [0, 2]), ("resembling", [4, 0]), ("ignored", [6, 0]),
])  # fmt: skip
def test_what_a_filter_of_cancel_all_takes(box, call, send, how, counts):
    call("PUT", "/sms/cancel-all")
    box.control("POST", "switches", {"throttle_seconds": 0, "cancel_filter": how})
    names = ("otp:4", "otp:4", "OTP:42", "x otp:4 y", "a", "")
    send(*[{"schedule": LATER, "custom_string": name, "body": f"To {name}"} for name in names])
    found = [call("PUT", "/sms/cancel-all", {"custom_string": name})["count"] for name in ("OTP:4", "otp:4")]
    assert found == counts


def test_calls_are_cancelled_without_a_filter(box, call, send):
    """No source shows one."""
    call("PUT", "/voice/cancel-all")
    send(*[{"schedule": LATER, "custom_string": name, "body": name} for name in "ab"], channel="voice")
    assert call("PUT", "/voice/cancel-all", {"custom_string": "a"}) == {"count": 2}


def test_picture_messages_may_not_be_cancelled(box, call, send):
    (row,) = send({"schedule": LATER}, channel="mms")["messages"]
    call("PUT", f"/mms/{row['message_id']}/cancel", status=404)
    call("PUT", "/mms/cancel-all", status=404)
    box.control("POST", "switches", {"legacy_paths": "served"})
    call("PUT", f"/mms/{row['message_id']}/cancel")


def test_a_contact_that_is_sent_to_may_go(box, call, send):
    send({"to": None, "list_id": CUSTOMERS})
    call("DELETE", f"/lists/{CUSTOMERS}")
    box.advance(4 * DAY)
    assert "Queued" not in {row["status"] for row in box.control("GET", "arrivals")}
