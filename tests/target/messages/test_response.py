"""Answers of sends: each message is judged by its own row, wherever that is."""

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicksend.ledger.records import key_id_of, outcome_id_of, token
from target_clicksend.messages.message import Message
from target_clicksend.messages.response import AMBIGUOUS, MISSING, NO_CREDIT, decimal_of, parse_send_response
from target_clicksend.row import Row

TO = "+61491570156"


def outgoing(number, custom_string=None, to=TO, body="Hello"):
    row = Row(number, "s", f"key-{number}", "{}", {})
    return Message(row=row, channel="sms", to=to, body=body, custom_string=custom_string or f"sc-{number}")


def judge(messages, rows):
    return parse_send_response(messages, {"messages": rows})


def answered(message, status="SUCCESS", **fields):
    row = {"to": message.to, "body": message.body, "custom_string": message.custom_string, "status": status}
    return row | {"message_id": f"ID-{message.row.number}"} | fields


STATUSES = {
    "SUCCESS": "sent",
    "THROTTLED": "failed",
    "INSUFFICIENT_CREDIT": "failed",
    "INTERNAL_ERROR": "unknown",
    "SOMETHING_IS_WRONG": "unknown",
    "INVALID_RECIPIENT": "rejected",
    "COUNTRY_NOT_ENABLED": "rejected",
    "A_STATUS_OF_TOMORROW": "rejected",
    "": "unknown",
    None: "unknown",
    7: "unknown",
}


@pytest.mark.parametrize(("status", "outcome"), STATUSES.items())
def test_a_status_is_an_outcome(status, outcome):
    (verdict,) = judge([outgoing(1)], [answered(outgoing(1), status)])
    assert verdict.outcome == outcome


def test_the_reason_names_the_status_and_no_prose():
    (refused,) = judge([outgoing(1)], [answered(outgoing(1), "INVALID_RECIPIENT")])
    assert refused.reason.endswith("INVALID_RECIPIENT")
    (prose,) = judge([outgoing(1)], [answered(outgoing(1), "Cannot send to +61491570156")])
    assert TO not in prose.reason
    (broke,) = judge([outgoing(1)], [answered(outgoing(1), "INSUFFICIENT_CREDIT")])
    assert broke.reason == NO_CREDIT


@pytest.mark.parametrize(
    ("parts", "price", "expected"),
    [
        (1, "0.0792", (1, "0.0792")),
        ("2.00", 0, (2, "0")),
        ("", "", (None, None)),
        (None, "NaN", (None, None)),
    ],
)
def test_parts_and_price_are_read_however_they_are_spelled(parts, price, expected):
    (verdict,) = judge([outgoing(1)], [answered(outgoing(1), message_parts=parts, message_price=price)])
    wanted = None if expected[1] is None else Decimal(expected[1])
    assert (verdict.parts, verdict.price) == (expected[0], wanted)


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", "free", "NaN", "sNaN", "-1", -5, -0.01, "-0.0001", "Infinity", "-inf", True, [], {}),
        *("0,08", "$0.001", 10**9, "1e400", "9" * 5000),
    ],
)
def test_what_is_no_price(value):
    assert decimal_of(value) is None
    (verdict,) = judge([outgoing(1)], [answered(outgoing(1), message_parts=value, message_price=value)])
    assert (verdict.outcome, verdict.parts, verdict.price) == ("sent", None, None)


@given(
    st.decimals()
    | st.floats()
    | st.integers()
    | st.text()
    | st.from_regex(r"-?\d{1,12}(\.\d+)?", fullmatch=True)
)
def test_no_price_lowers_a_sum(value):
    price = decimal_of(value)
    assert price is None or (price.is_finite() and price >= 0)


@given(st.lists(st.sampled_from([s for s in STATUSES if s]), min_size=1, max_size=30), st.randoms())
def test_the_order_of_the_answer_does_not_matter(statuses, rng: random.Random):
    messages = [outgoing(number) for number in range(len(statuses))]
    rows = [answered(message, status) for message, status in zip(messages, statuses, strict=True)]
    expected = [STATUSES[status] for status in statuses]
    rng.shuffle(rows)
    assert [verdict.outcome for verdict in judge(messages, rows)] == expected


@given(st.integers(1, 20), st.data())
def test_a_row_that_is_missing_leaves_its_message_unknown_and_no_other(count, data):
    messages = [outgoing(number) for number in range(count)]
    gone = data.draw(st.integers(0, count - 1))
    verdicts = judge(messages, [answered(one) for number, one in enumerate(messages) if number != gone])
    assert [v.outcome for v in verdicts] == ["unknown" if n == gone else "sent" for n in range(count)]
    assert verdicts[gone].reason == MISSING


def test_rows_that_share_a_custom_string_are_told_apart_by_recipient_then_body():
    one, two = outgoing(1, "promo"), outgoing(2, "promo", to="+61491570157")
    three = outgoing(3, "promo", body="Bye")
    rows = [answered(three, "INVALID_RECIPIENT"), answered(two, "THROTTLED"), answered(one)]
    assert [v.outcome for v in judge([one, two, three], rows)] == ["sent", "failed", "rejected"]


def test_what_cannot_be_told_apart_is_the_same_or_unknown():
    twins = [outgoing(1, "promo"), outgoing(2, "promo")]
    assert [v.outcome for v in judge(twins, [answered(one) for one in twins])] == ["sent", "sent"]
    mixed = [answered(twins[0]), answered(twins[1], "INVALID_RECIPIENT")]
    assert {(v.outcome, v.reason) for v in judge(twins, mixed)} == {("unknown", AMBIGUOUS)}
    assert {v.outcome for v in judge(twins, [answered(twins[0])])} == {"unknown"}


def test_two_rows_for_one_message_leave_it_unknown():
    rows = [answered(outgoing(1)), answered(outgoing(1), "INVALID_RECIPIENT")]
    assert judge([outgoing(1)], rows)[0].outcome == "unknown"


@pytest.mark.parametrize("rows", [[], [None], ["x"], [[]], [{}], [{"status": "SUCCESS"}]])
def test_rubbish_in_the_answer_leaves_messages_unknown(rows):
    assert judge([outgoing(1)], rows)[0].outcome == "unknown"


def test_a_token_fits_into_what_a_custom_string_may_have():
    custom_string = token("0" * 32, "1" * 8)
    assert len(custom_string) <= 50
    assert (outcome_id_of(custom_string), key_id_of(custom_string)) == ("0" * 32, "1" * 8)
    assert (outcome_id_of(f"sc-{'2' * 32}"), key_id_of(f"sc-{'2' * 32}")) == ("2" * 32, None)
