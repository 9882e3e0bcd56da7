"""What the sandbox answers to calls that send: a row for each message, and what is wrong with it."""

from uuid import UUID

import phonenumbers
import pytest
import requests

from clicksend.sandbox.simulation import RETENTION
from clicksend.sandbox.world.phones import country, recipient
from clicksend.sandbox.world.seed_data import CUSTOMERS, EMPTY
from tests.sandbox.runner import BEARER, DAY, EPOCH, walk

ACCEPTED = {
    *("direction", "date", "to", "body", "from", "schedule", "message_id", "message_parts", "message_price"),
    *("from_email", "list_id", "custom_string", "contact_id", "user_id", "subaccount_id"),
    *("is_shared_system_number", "country", "carrier", "status"),
}
REJECTED = {
    *("to", "body", "from", "schedule", "message_id", "custom_string", "is_shared_system_number", "status"),
}
BLOCKED = REJECTED | {"message_parts", "message_price", "country", "carrier"}
CHANNELS = ["sms", "mms", "voice"]
TO, OTHER = "+61412345678", "+61412345679"


def statuses(data):
    return [row["status"] for row in data["messages"]]


def switch(box, **switches):
    box.control("POST", "switches", switches)


def test_three_shapes(box, send):
    switch(box, enabled_countries=["AU", "NZ"])
    data = send({"custom_string": "k-1", "from": "ACME"}, {"to": "+33612345678"}, {"to": "+000"})
    accepted, blocked, rejected = data["messages"]
    assert (set(accepted), set(blocked), set(rejected)) == (ACCEPTED, BLOCKED, REJECTED)
    assert accepted | {"message_id": "", "carrier": ""} == {
        "direction": "out",
        "date": EPOCH,
        "to": TO,
        "body": "Hello",
        "from": "ACME",
        "schedule": EPOCH,
        "message_id": "",
        "message_parts": 1,
        "message_price": "0.0792",
        "from_email": None,
        "list_id": None,
        "custom_string": "k-1",
        "contact_id": None,
        "user_id": 672721,
        "subaccount_id": 717411,
        "is_shared_system_number": False,
        "country": "AU",
        "carrier": "",
        "status": "SUCCESS",
    }
    assert [blocked[name] for name in ("status", "schedule", "message_parts", "message_price")] == [
        *("COUNTRY_NOT_ENABLED", "", 0, "0.0000"),
    ]
    assert [rejected[name] for name in ("to", "from", "schedule")] == ["+000", "", ""]
    del data["messages"]
    assert data.pop("_currency")["currency_name_short"] == "USD"
    assert data == {"total_price": 0.0792, "total_count": 3, "queued_count": 1, "blocked_count": 1}


def test_success_when_everything_failed(send):
    data = send({"to": "+000"}, {"body": " "})
    assert (data["total_price"], data["total_count"], data["queued_count"]) == (0, 2, 0)
    assert isinstance(data["total_price"], int)


@pytest.mark.parametrize("types", [0, 1], ids=["live", "legacy"])
@pytest.mark.parametrize("channel", CHANNELS)
def test_the_currency_has_two_names(boxes, send, channel, types):
    boxes[types].control("POST", "reset")
    data = send(channel=channel, box=boxes[types])
    currency = {"sms": ["_currency", "currency"], "mms": [None, "_currency"]}
    names = currency.get(channel, currency["sms"])
    assert ({*data} & {"_currency", "currency"} or {None}) == {names[types]}
    assert ("blocked_count" in data) == (types == 0 and channel != "mms")
    (row,) = data["messages"]
    assert isinstance(row["message_price"], float if types and channel != "mms" else str)
    assert ("date_added" in row) == (channel == "voice" and types == 0)


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ({"to": ""}, "MISSING_REQUIRED_FIELDS"),
        ({"to": None}, "MISSING_REQUIRED_FIELDS"),
        ({"body": ""}, "EMPTY_MESSAGE"),
        ({"body": None}, "EMPTY_MESSAGE"),
        ({"to": "0"}, "INVALID_RECIPIENT"),
        ({"to": "somebody"}, "INVALID_RECIPIENT"),
        ({"to": "12"}, "INVALID_RECIPIENT"),
        ({"to": "0412 345 678", "country": "AU"}, "SUCCESS"),
        ({"to": "0412 345 678", "country": "XX"}, "INVALID_RECIPIENT"),
        ({"to": "801 923 4886"}, "SUCCESS"),
        ({"from": "ACME COMPANY"}, "INVALID_SENDER_ID"),
        ({"from": "TwelveLetter"}, "INVALID_SENDER_ID"),
        ({"from": "ElevenLette"}, "SUCCESS"),
        ({"from": "+61447254068"}, "SUCCESS"),
        ({"schedule": "tomorrow"}, "INVALID_SCHEDULE"),
        ({"schedule": 1e9}, "INVALID_SCHEDULE"),
        ({"list_id": 1}, "NOT_ENOUGH_PERMISSION_TO_LIST_ID"),
        ({"list_id": "x"}, "NOT_ENOUGH_PERMISSION_TO_LIST_ID"),
    ],
)
@pytest.mark.parametrize("channel", CHANNELS)
def test_statuses(send, channel, message, status):
    assert statuses(send(message, channel=channel)) == [status]


@pytest.mark.parametrize(
    ("channel", "message", "status"),
    [
        ("voice", {"lang": ""}, "MISSING_REQUIRED_FIELDS"),
        ("voice", {"voice": None}, "MISSING_REQUIRED_FIELDS"),
        ("voice", {"lang": "tlh"}, "INVALID_LANG"),
        ("voice", {"lang": "pt-pt"}, "INVALID_VOICE"),
        ("voice", {"voice": "FEMALE"}, "INVALID_VOICE"),
        ("voice", {"lang": "pt-pt", "voice": "male"}, "SUCCESS"),
        ("mms", {"subject": ""}, "SUBJECT_REQUIRED"),
    ],
)
def test_statuses_of_one_channel(send, channel, message, status):
    assert statuses(send(message, channel=channel)) == [status]


@pytest.mark.parametrize(("url", "status"), [
    (None, "INVALID_MEDIA_FILE"),
    ("x.jpg", "INVALID_MEDIA_FILE"),
    ("ftp://example.com/x.jpg", "INVALID_MEDIA_FILE"),
    ("https://[", "INVALID_MEDIA_FILE"),
    ("https://example.com/x.PNG?size=2", "INVALID_MEDIA_FILE"),
    ("https://example.com/x.gif", "SUCCESS"),
    ("https://example.com/signed?key=x.png", "SUCCESS"),
])  # fmt: skip
def test_media_files(send, url, status):
    assert statuses(send(channel="mms", media_file=url)) == [status]


def test_where_the_media_file_is(box, send):
    message = {"media_file": "https://example.com/y.jpg"}
    assert statuses(send(message, channel="mms", media_file=None)) == ["INVALID_MEDIA_FILE"]
    switch(box, media_file="anywhere")
    (row,) = send(message, channel="mms", media_file=None)["messages"]
    assert (row["status"], row["_media_file_url"]) == ("SUCCESS", message["media_file"])


def test_the_same_again_is_throttled(box, send):
    assert statuses(send({}, {}, {"body": "Other"}, {"to": OTHER})) == [
        *("SUCCESS", "THROTTLED", "SUCCESS", "SUCCESS"),
    ]
    assert statuses(send(channel="voice")) == ["SUCCESS"]
    box.advance(9)
    assert statuses(send()) == ["THROTTLED"]
    box.advance(1)
    assert statuses(send()) == ["SUCCESS"]
    switch(box, throttle_seconds=0)
    assert statuses(send({}, {})) == ["SUCCESS", "SUCCESS"]


def test_a_list_is_one_row_for_each_contact(box, session, call, send):
    contacts = walk(session, box, f"/lists/{CUSTOMERS}/contacts")
    call("POST", f"/lists/{CUSTOMERS}/contacts", {"email": "only@example.com"})
    switch(box, throttle_seconds=0)  # some are in the list twice
    rows = send({"to": None, "list_id": CUSTOMERS})["messages"]
    assert sorted((row["to"], row["contact_id"], row["list_id"]) for row in rows) == (
        sorted((contact["phone_number"], contact["contact_id"], CUSTOMERS) for contact in contacts)
    )
    assert send({"list_id": str(EMPTY)})["messages"] == []


def test_too_many_recipients(box, send, session):
    switch(box, throttle_seconds=0)
    body = {"messages": [{"to": TO, "body": "x"}] * 1001}
    answer = session.post(f"{box.api_url}/sms/send", json=body, timeout=10).json()
    assert (answer["http_code"], answer["response_code"]) == (400, "TOO_MANY_RECIPIENTS")
    assert box.control("GET", "arrivals") == []
    switch(box, too_many_recipients="per_message")
    data = send(*[{}] * 1001)
    assert (data["queued_count"], statuses(data)[-1]) == (1000, "TOO_MANY_RECIPIENTS")


@pytest.mark.parametrize("body", [None, {}, {"messages": []}, {"messages": {}}, {"messages": "x"}])
@pytest.mark.parametrize("path", ["/sms/send", "/mms/price", "/voice/send"])
def test_a_call_without_messages(call, path, body):
    assert call("POST", path, body, status=400) == {"messages": "Messages field is required."}


def test_what_makes_the_server_stumble(call, send):
    assert call("POST", "/sms/send", {"messages": [{"to": TO, "body": "x"}, 1]}, status=400) is None
    for wrong in ({"body": {}}, {"to": [TO]}, {"custom_string": {}}):
        send({}, wrong, status=400)
    assert statuses(send()) == ["SUCCESS"]  # nothing of those calls was sent


@pytest.mark.parametrize("order", ["as_sent", "reversed", "shuffled"])
def test_the_order_of_the_answer(box, send, order):
    switch(box, answer_order=order)
    bodies = [str(number) for number in range(12)]
    found = [row["body"] for row in send(*({"body": body} for body in bodies))["messages"]]
    assert sorted(found, key=int) == bodies
    assert (found == bodies, found == bodies[::-1]) == (order == "as_sent", order == "reversed")
    assert [row["body"] for row in box.control("GET", "arrivals")] == bodies


def test_a_row_is_missing(box, send):
    switch(box, answer_rows="one_missing")
    data = send({"body": "a"}, {"body": "b"}, {"body": "c"})
    assert [row["body"] for row in data["messages"]] == ["a", "c"]
    assert (data["total_count"], data["queued_count"]) == (3, 3)
    assert send({"body": "d"})["messages"] == []
    assert [row["body"] for row in box.control("GET", "arrivals")] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", EPOCH),
        (None, EPOCH),
        (0, EPOCH),
        (-5, EPOCH),
        (EPOCH - DAY, EPOCH),
        (EPOCH + 60, EPOCH + 60),
        (str(EPOCH + 60), EPOCH + 60),
        (EPOCH + RETENTION + 1, EPOCH + RETENTION + 1),
        (1735628400000, 1735628400000),
    ],
)
def test_schedules(box, send, given, expected):
    (row,) = send({"schedule": given})["messages"]
    assert (row["status"], row["schedule"]) == ("SUCCESS", expected)
    (arrived,) = box.control("GET", "arrivals")
    assert arrived["status"] == ("Queued" if expected == EPOCH else "Scheduled")


def test_test_numbers(box, session, send):
    test = {"to": "+61411111111", "schedule": EPOCH + 3600}
    (row,) = send(test)["messages"]
    assert (row["message_parts"], row["message_price"], row["schedule"]) == (0, "0.0000", EPOCH)
    (kept,) = walk(session, box, "/sms/history", q=f"message_id:{row['message_id']}")
    assert (kept["status"], kept["status_code"]) == ("Completed", None)
    box.advance(4 * DAY)
    receipts = walk(session, box, "/sms/receipts")
    assert row["message_id"] not in {receipt["message_id"] for receipt in receipts}
    switch(box, enabled_countries=["US"])
    assert statuses(send(test | {"body": "y"})) == ["COUNTRY_NOT_ENABLED"]


def test_identifiers(send):
    rows = {channel: send({}, {"to": "+000"}, channel=channel)["messages"] for channel in CHANNELS}
    versions = {
        channel: {UUID(row["message_id"]).version for row in found} for channel, found in rows.items()
    }
    assert versions == {"sms": {6}, "mms": {4}, "voice": {4}}
    identifiers = [row["message_id"] for found in rows.values() for row in found]
    assert identifiers == [one.upper() for one in identifiers]
    uuid = UUID(identifiers[0])
    ticks = int(uuid.hex[:12] + uuid.hex[13:16], 16)
    assert (ticks - 0x01B21DD213814000) // 10_000_000 == EPOCH


@pytest.mark.parametrize("body", [
    "9223372036854775808", "00012", "1F147915-84e0-6f63-a142-56b8e7ca430e", " padded ", "a\r\nb\tc", "true",
    '{"a": [1.10, null]}', "\\u00e9 \\ / '\"", "🎉👩‍🚀", "<b>&amp;</b>", "=1+1", "NULL",
])  # fmt: skip
def test_texts_stay_as_they_are(box, session, send, body):
    (row,) = send({"body": body, "custom_string": body})["messages"]
    (kept,) = walk(session, box, "/sms/history", q=f"message_id:{row['message_id']}")
    (arrived,) = box.control("GET", "arrivals")
    assert {one[name] for one in (row, kept, arrived) for name in ("body", "custom_string")} == {body}


def test_no_voice_access(box, call, send):
    switch(box, voice_access=False)
    send(channel="voice", status=403)
    send(channel="voice", verb="price", status=403)
    call("PUT", "/voice/cancel-all", status=403)
    call("PUT", "/voice/1/cancel", status=403)


def test_ordered_statuses(box, send):
    order = {"to": "+6141234*", "status": "INTERNAL_ERROR", "times": 2}
    assert box.control("POST", "statuses", order) == order | {"channel": "*"}
    box.control("POST", "statuses", {"to": "nobody", "status": "REGISTRATION_NEEDED", "channel": "sms"})
    data = send({}, {"to": OTHER}, {"body": "c"}, {"to": "nobody"})
    assert statuses(data) == ["INTERNAL_ERROR", "INTERNAL_ERROR", "SUCCESS", "REGISTRATION_NEEDED"]
    assert [set(row) for row in data["messages"]] == [REJECTED, REJECTED, ACCEPTED, BLOCKED]
    assert [order["times"] for order in box.control("GET", "statuses")] == [0, 0]
    assert statuses(send(verb="price")) == ["SUCCESS"]
    assert box.control("DELETE", "statuses") == {"cleared": 2}
    for wrong in ({"to": "*"}, {"to": "*", "status": "ok"}, {"to": "*", "status": "X", "times": -2}):
        with pytest.raises(ValueError, match=r"status|times"):
            box.control("POST", "statuses", wrong)


def test_one_message_can_spoil_the_call(box, send):
    box.control("POST", "statuses", {"to": OTHER, "status": "BAD_REQUEST", "times": -1})
    for _ in range(2):
        send({}, {"to": OTHER}, status=400)
    assert box.control("GET", "arrivals") == []
    assert statuses(send({})) == ["SUCCESS"]


def test_arrivals(box, send):
    data = [
        send({"custom_string": "a", "from": "ACME"}, {"to": "+000"}),
        send({"schedule": EPOCH + 60}, channel="mms"),
        send(channel="voice"),
    ]
    assert box.control("GET", "arrivals/count") == {"sms": 1, "mms": 1, "voice": 1}
    found = box.control("GET", "arrivals")
    assert found[0] == {
        "channel": "sms",
        "to": TO,
        "body": "Hello",
        "custom_string": "a",
        "message_id": data[0]["messages"][0]["message_id"],
        "from": "ACME",
        "schedule": EPOCH,
        "status": "Queued",
        "at": EPOCH,
    }
    assert [(row["channel"], row["status"]) for row in found[1:]] == [
        ("mms", "Scheduled"),
        ("voice", "Queued"),
    ]
    box.control("POST", "reset")
    assert box.control("GET", "arrivals") == []
    assert send({"custom_string": "a", "from": "ACME"}, {"to": "+000"}) == data[0]


def test_through_the_hub(box):
    url, body = f"{box.hub_api_url}/sms/send", {"messages": [{"to": TO, "body": "x"}]}
    answer = requests.post(url, json=body, headers=BEARER, timeout=10).json()
    assert answer["data"]["queued_count"] == 1
    box.control("POST", "switches", {"hub_envelope": True})
    box.control("POST", "faults", {"kind": "row_missing", "path": "/sms/send"})
    answer = requests.post(url, json=body, headers=BEARER, timeout=10).json()
    assert answer["result"]["data"]["messages"] == []


def test_thousands(box, session):
    """The requests keep their bodies, and nothing is lost."""
    for number in range(5):
        messages = [
            {"to": f"+614{number:04}{n:04}", "body": "x", "custom_string": str(n)} for n in range(1000)
        ]
        answer = session.post(f"{box.api_url}/sms/send", json={"messages": messages}, timeout=20)
        assert answer.json()["data"]["queued_count"] == 1000
    assert box.control("GET", "arrivals/count")["sms"] == 5000
    assert len(box.requests()[-1]["body"]["messages"]) == 1000
    box.advance(4 * DAY)
    assert {row["status"] for row in box.control("GET", "arrivals")} == {"Sent", "Completed", "Failed"}


def test_numbers_are_known_by_their_beginning():
    """A thousand messages need not be a thousand times the same parsing."""
    for region in phonenumbers.SUPPORTED_REGIONS:
        example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        if example is not None:
            number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            assert recipient(number) == (number, country(number))
    assert recipient("+61 412 345 678") == (TO, "AU")
    assert recipient("+610412345678") == (TO, "AU")
    assert recipient("+61٤12345678") == (TO, "AU")
    assert recipient("+1415555") is None
