"""What arrives at ClickSend of a row: each field, in its place and its unit."""

import pytest

from clicksend.ledger.records import outcome_id_of
from tests.sandbox.runner import EPOCH
from tests.target.messages.cases import CHANNELS, OTHER, ROWS, TO, posts

AHEAD = 86_400
TOKEN = 44


def sent(ran, path="/sms/send"):
    """Return the messages of all POSTs of a run."""
    return [message for body in posts(ran, path) for message in body["messages"]]


@pytest.mark.parametrize("sink", CHANNELS)
def test_the_required_columns_are_enough(out, sink):
    ran = out.send({}, sink=sink)
    assert (ran.rows(sink), ran.code) == ({"sent": 1}, 0)
    (body,) = posts(ran, f"/{CHANNELS[sink]}/send")
    (message,) = body.pop("messages")
    assert len(message["custom_string"]) == TOKEN
    own = {
        "voice_messages": {"voice": "female", "lang": "en-au", "require_input": 0, "machine_detection": 0},
        "mms_messages": {"subject": "Sale", "from": ""},
    }
    token = message["custom_string"]
    common = {"to": TO, "body": "Hello", "custom_string": token, "source": "singer-clicksend"}
    assert message == common | own.get(sink, {})
    tops = {
        "sms_messages": {"shorten_urls": False},
        "mms_messages": {"media_file": ROWS["mms_messages"]["media_file"]},
    }
    assert body == tops.get(sink, {})
    (arrived,) = out.arrivals
    assert (arrived["to"], arrived["body"], arrived["custom_string"]) == (TO, "Hello", token)
    assert out.query("select outcome, message_id, custom_string, campaign, currency from outcomes") == [
        ("sent", arrived["message_id"], token, None, "USD")
    ]


@pytest.mark.parametrize("sink", CHANNELS)
def test_all_columns(out, sink):
    row = {
        "from": "+61447254068",
        "schedule": (out.at + AHEAD) * 1000,
        "source": "shop",
        "country": "au",
        "to": "0491 570 156",
        "custom_string": "order 7",
        "campaign": "spring",
    }
    if sink != "voice_messages":
        row["from_email"] = "shop@example.com"
    ran = out.send(row, sink=sink, clear_keys=["campaign", "custom_string"])
    assert ran.rows(sink) == {"sent": 1}
    (message,) = sent(ran, f"/{CHANNELS[sink]}/send")
    assert message.items() >= (row | {"schedule": out.at + AHEAD, "to": TO, "country": "AU"}).items() - {
        ("campaign", "spring")
    }
    (arrived,) = out.arrivals
    assert (arrived["schedule"], arrived["custom_string"]) == (out.at + AHEAD, "order 7")
    assert out.query("select custom_string, campaign from outcomes") == [("order 7", "spring")]


@pytest.mark.parametrize(
    "given",
    [
        EPOCH + AHEAD,
        f"{EPOCH + AHEAD}",
        float(EPOCH + AHEAD),
        (EPOCH + AHEAD) * 1000,
        f"{EPOCH + AHEAD}.75",
        "2026-09-22T14:13:20Z",
        "2026-09-23T00:13:20+10:00",
        "2026-09-22 14:13:20",
    ],
)
def test_a_schedule_goes_out_in_seconds(out, given):
    ran = out.send({"schedule": given})
    assert [message["schedule"] for message in sent(ran)] == [EPOCH + AHEAD]


def test_one_that_has_just_passed_is_now(out):
    assert "schedule" not in sent(out.send({"schedule": out.at - 60}))[0]


def test_the_settings_source_and_shorten_urls(out):
    ran = out.send({}, {"source": "shop"}, source="warehouse", shorten_urls=True)
    (body,) = posts(ran)
    assert body["shorten_urls"] is True
    assert [message["source"] for message in body["messages"]] == ["warehouse", "shop"]


def test_calls_take_their_flags_as_numbers(out):
    flags = [(True, False), ("true", "0"), ("1", None), (0, 1)]
    rows = [
        {"require_input": one, "machine_detection": other, "voice": "Male", "lang": "EN-US", "body": f"{n}"}
        for n, (one, other) in enumerate(flags)
    ]
    messages = sent(out.send(*rows, sink="voice_messages"), "/voice/send")
    found = [(message["require_input"], message["machine_detection"]) for message in messages]
    assert found == [(1, 0), (1, 0), (1, 0), (0, 1)]
    assert {(message["voice"], message["lang"]) for message in messages} == {("male", "en-us")}


def test_pictures_go_out_one_post_for_each_file(out):
    files = [f"https://example.com/{name}.jpg" for name in "abcab"]
    ran = out.send(
        *[{"media_file": one, "body": f"{number}"} for number, one in enumerate(files)], sink="mms_messages"
    )
    assert [
        (body["media_file"][-5:], [m["body"] for m in body["messages"]]) for body in posts(ran, "/mms/send")
    ] == [
        ("a.jpg", ["0", "3"]),
        ("b.jpg", ["1", "4"]),
        ("c.jpg", ["2"]),
    ]
    assert "media_file" not in sent(ran, "/mms/send")[0]
    assert ran.rows("mms_messages") == {"sent": 5}


@pytest.mark.long
def test_ten_thousand_rows_in_ten_posts(out):
    rows = [{"to": f"+614915{n:05}", "body": f"Grüße {n} 🎉 „€“ 你好"} for n in range(10_000)]
    ran = out.send(*rows)
    assert (ran.rows("sms_messages"), [len(body["messages"]) for body in posts(ran)]) == (
        {"sent": 10_000},
        [1000] * 10,
    )
    arrived = [(one["to"], one["body"]) for one in out.arrivals]
    assert arrived == [(row["to"], row["body"]) for row in rows]
    again = out.send(*rows)
    assert (again.rows("sms_messages"), posts(again)) == ({"duplicate": 10_000}, [])
    assert out.counts(again) == {"sms_messages": {"duplicate": 10_000}}


def test_batch_size(out):
    ran = out.send(*[{"to": f"+6149157000{n}"} for n in range(7)], batch_size_rows=3)
    assert [len(body["messages"]) for body in posts(ran)] == [3, 3, 1]


def test_what_the_message_is_found_by(out):
    ran = out.send(
        {}, {"to": OTHER, "custom_string": " own "}, {"to": OTHER, "body": "b", "custom_string": None}
    )
    tokens = [message["custom_string"] for message in sent(ran)]
    assert tokens[1] == " own "
    ids = dict(out.query("select key, outcome_id from outcomes"))
    assert set(ids.values()) > {outcome_id_of(tokens[0]), outcome_id_of(tokens[2])}


def test_a_template_fills_a_message(out):
    templates = {632497: "Hello {name}, this is a test message."}
    by_id = {"template_id": 632497, "body": None, "name": "Zoë"}
    by_name = {"template_name": "test template", "body": "", "NAME": "Łukasz", "unused": 1}
    ran = out.send(by_id, by_name, {"template_id": 632497, "body": None})
    assert ran.rows("sms_messages") == {"sent": 2, "rejected": 1}
    bodies = [message["body"] for message in sent(ran)]
    assert bodies == [templates[632497].format(name=name) for name in ("Zoë", "Łukasz")]
    assert ran.reasons("sms_messages") == [
        "its template needs a column name, which is missing, null or blank"
    ]
    assert not ran.report["notes"]


def test_a_column_that_goes_nowhere_is_said_once(out):
    ran = out.send(
        {"colour": 1, "made": out.at},
        {"colour": 2, "to": OTHER, "made": out.at},
        max_row_age_hours=1,
        created_at_column="made",
    )
    assert ran.rows("sms_messages") == {"sent": 2}
    assert ran.notes == (
        "sms_messages: colour is not written, there is no such field: rename the column with stream_maps, or"
        " add it to ignored_columns."
    )
