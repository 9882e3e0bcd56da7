"""What messages cost in the sandbox, how many parts they have, and what a price changes: nothing."""

import random
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import requests
import smsutil

from clicksend.sandbox.world.segments import cut, parts
from tests.sandbox.runner import EPOCH, walk

CHANNELS = ["sms", "mms", "voice"]
ALPHABETS = ("abc ÄÖÜ@", "ab{}€", "ab жλ", "ab🎉👩‍🚀", "a^~[]\\|")


def balance(call):
    return Decimal(call("GET", "/account")["balance"])


def test_parts_are_those_of_an_independent_count():
    rng = random.Random(5)
    for alphabet in ALPHABETS:
        for length in [*range(1, 175), *range(300, 320), *range(450, 470), 1000]:
            body = "".join(rng.choices(alphabet, k=length))
            assert parts(body) == len(smsutil.split(body).parts), body


@pytest.mark.parametrize(
    ("body", "extension", "expected"),
    [
        ("a" * 158 + "€", "two_units", 1),
        ("a" * 159 + "€", "two_units", 2),
        ("a" * 152 + "€" + "a" * 152, "two_units", 3),
        ("a" * 69 + "€", "unicode", 1),
        ("a" * 70 + "€", "unicode", 2),
        ("a" * 160, "unicode", 1),
        ("ж" * 66 + "🎉" + "ж" * 67, "two_units", 3),
    ],
)
def test_what_is_two_units(body, extension, expected):
    assert parts(body, extension) == expected


@pytest.mark.parametrize("alphabet", [*ALPHABETS, "a\n"])
@pytest.mark.parametrize("most", [1, 2, 8])
def test_cut_is_the_longest_that_fits(alphabet, most):
    body = "".join(random.Random(most).choices(alphabet, k=3000))
    kept = cut(body, most)
    assert parts(kept) == most
    assert body.startswith(kept)
    if set(kept) == set(body):  # else the rest would change the coding
        assert parts(body[: len(kept) + 1]) == most + 1
    assert cut("Hello", most) == "Hello"


@pytest.mark.parametrize("limit", [1, 6, 8])
def test_the_account_limits_the_parts(box, session, call, send, limit):
    box.control("POST", "switches", {"part_limit": limit})
    assert call("GET", "/account")["setting_sms_message_char_limit"] == limit
    units = 160 if limit == 1 else 153 * limit
    (row,) = send({"body": "a" * 2000})["messages"]
    assert (row["message_parts"], row["body"]) == (limit, "a" * units)
    (kept,) = walk(session, box, "/sms/history", q=f"message_id:{row['message_id']}")
    assert (kept["message_parts"], kept["body"]) == (limit, "a" * units)
    (row,) = send({"body": "a" * units + "b"}, verb="price")["messages"]
    assert row["message_parts"] == limit


def test_the_extension_is_a_switch(box, send):
    body = {"body": "€" + "a" * 100}
    assert send(body)["messages"][0]["message_parts"] == 1
    box.control("POST", "switches", {"gsm_extension": "unicode", "throttle_seconds": 0})
    assert send(body)["messages"][0]["message_parts"] == 2


@pytest.mark.parametrize(
    ("channel", "body", "length", "expected"),
    [
        ("mms", "a" * 1600, 1500, 1),
        ("mms", "ж" * 600, 500, 1),
        ("voice", "a" * 300, 300, 1),
        ("voice", "a" * 301, 301, 2),
        ("voice", "ж" * 151, 151, 2),
        ("voice", "a" * 1300, 1200, 4),
        ("voice", "ж" * 700, 600, 4),
    ],
)
def test_other_channels_have_other_lengths(send, channel, body, length, expected):
    (row,) = send({"body": body}, channel=channel)["messages"]
    assert (len(row["body"]), row["message_parts"]) == (length, expected)


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_balance_falls_by_the_price(box, session, call, send, channel):
    before = balance(call)
    messages = [{"to": to} for to in ("+61412345678", "+12015550123", "+3545551234", "+000")]
    price = Decimal(str(send(*messages, channel=channel, verb="price")["total_price"]))
    assert balance(call) == before
    data = send(*messages, channel=channel)
    rows = data["messages"][:3]
    assert sum(Decimal(row["message_price"]) for row in rows) == price == Decimal(str(data["total_price"]))
    assert before - balance(call) == price > 0
    keys = {row["message_id"]: Decimal(row["message_price"]) for row in rows}
    kept = {row["message_id"]: row for row in walk(session, box, f"/{channel}/history")}
    assert {key: Decimal(kept[key]["message_price"]) for key in keys} == keys


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_price_changes_nothing(box, session, call, send, channel):
    before = box.state(), balance(call), walk(session, box, f"/{channel}/history")
    box.control("POST", "switches", {"throttle_seconds": 60})
    priced = send({"schedule": EPOCH + 60}, {"to": "+000"}, channel=channel, verb="price")
    box.control("POST", "switches", {"throttle_seconds": 10})
    assert priced["queued_count"] == 1
    assert (box.state(), balance(call), walk(session, box, f"/{channel}/history")) == before
    assert box.control("GET", "arrivals") == []
    sent = send(channel=channel)
    assert sent["queued_count"] == 1
    assert {row["message_id"] for row in priced["messages"]}.isdisjoint(
        row["message_id"] for row in sent["messages"]
    )


def test_a_price_looks_like_a_send(send):
    (row,) = send(verb="price")["messages"]
    assert row.keys() == {
        *("to", "body", "from", "schedule", "message_parts", "message_price", "custom_string", "country"),
        *("status", "date", "message_id", "contact_id", "is_shared_system_number"),
    }
    assert (row["status"], row["date"]) == ("SUCCESS", "")


def test_cancelling_gives_the_price_back(call, send):
    before = balance(call)
    (row,) = send({"schedule": EPOCH + 3600})["messages"]
    assert balance(call) < before
    call("PUT", f"/sms/{row['message_id']}/cancel")
    assert balance(call) == before


@pytest.mark.parametrize("how", ["per_message", "payment_required"])
def test_credit_is_used_up(box, session, call, send, how):
    box.control("POST", "balance", {"balance": "0.20"})
    box.control("POST", "switches", {"no_credit": how})
    messages = [{"body": body} for body in "abc"]
    if how == "payment_required":
        body = {"messages": [{"to": "+61412345678"} | message for message in messages]}
        answer = session.post(f"{box.api_url}/sms/send", json=body, timeout=10)
        assert (answer.status_code, answer.json()["response_code"]) == (402, "INSUFFICIENT_CREDIT")
        assert (balance(call), box.control("GET", "arrivals")) == (Decimal("0.2"), [])
        return
    data = send(*messages)
    assert [row["status"] for row in data["messages"]] == ["SUCCESS", "SUCCESS", "INSUFFICIENT_CREDIT"]
    assert (data["total_price"], balance(call)) == (0.1584, Decimal("0.0416"))
    assert [row["status"] for row in send({"to": "+12015550123"})["messages"]] == ["SUCCESS"]
    box.control("POST", "balance", {"balance": "5"})
    assert [row["status"] for row in send({"body": "c"})["messages"]] == ["SUCCESS"]  # it is not throttled


def test_the_documented_user_without_credit(box):
    auth = ("nocredit", "sandbox-key")
    body = {"messages": [{"to": "+61412345678", "body": "x"}, {"to": "+61411111111", "body": "x"}]}
    answer = requests.post(f"{box.api_url}/sms/send", json=body, auth=auth, timeout=10).json()
    assert [row["status"] for row in answer["data"]["messages"]] == ["INSUFFICIENT_CREDIT", "SUCCESS"]
    account = requests.get(f"{box.api_url}/account", auth=auth, timeout=10).json()["data"]
    assert account["balance"] == "0.000000"


@pytest.mark.parametrize("wrong", ["-1", "much", "1.0000001", ""])
def test_a_balance_that_is_none(box, call, wrong):
    before = balance(call)
    with pytest.raises(ValueError, match="balance"):
        box.control("POST", "balance", {"balance": wrong})
    assert balance(call) == before


@pytest.mark.parametrize("channel", CHANNELS)
def test_usage_and_statistics_count_it(get, send, channel):
    now = datetime.fromtimestamp(EPOCH, UTC)

    def counts():
        usage = get(f"/account/usage/{now.year}/{now.month}/subaccount")[f"{channel}_total"]
        found = [(usage["count"], usage["price"])]
        if channel != "mms":
            total = get(f"/statistics/{channel}")["total"]["outbound"]
            found.append((total["count"], total["price"]))
        return found

    before = counts()
    data = send({"body": "a" * 301}, {"to": "+12015550123"}, channel=channel)
    sent = [sum(row["message_parts"] for row in data["messages"]), 2]
    for (count, price), (count_before, price_before), more in zip(counts(), before, sent, strict=False):
        assert count == count_before + more
        assert price == pytest.approx(price_before + data["total_price"])
