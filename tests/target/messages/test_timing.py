"""When messages go out: quiet hours of the recipient, and so many a minute. It is 14:13 UTC."""

from datetime import datetime, timedelta

import pytest

from clicksend.errors import SettingsError
from tests.conftest import FakeClock
from tests.target.messages.cases import CHANNELS, OTHER, TO, posts
from tests.target.runner import record, schema, state

QUIET = {"start": "21:00", "end": "08:00"}
BRITISH = "+447400123456"
OPENS = 1_790_028_000  # 08:00 in Melbourne, where it is 00:13


def test_a_message_waits_at_clicksend_until_quiet_hours_end(out):
    rows = [{"time_zone": "Australia/Melbourne"}, {"to": BRITISH}, {"to": OTHER, "purpose": "transactional"}]
    ran = out.send(*rows, quiet_hours=QUIET)
    assert ran.rows("sms_messages") == {"sent": 3}
    (body,) = posts(ran)
    assert [message.get("schedule") for message in body["messages"]] == [
        OPENS,
        None,
        None,
    ]


def test_a_schedule_in_quiet_hours_moves_to_their_end(out):
    at = OPENS + 15 * 3600  # 23:00
    ran = out.send({"time_zone": "Australia/Melbourne", "schedule": at}, quiet_hours=QUIET)
    assert posts(ran)[0]["messages"][0]["schedule"] == OPENS + 86_400


def test_a_number_may_be_in_several_zones(out):
    ran = out.send({}, quiet_hours=QUIET)
    assert posts(ran)[0]["messages"][0]["schedule"] > OPENS, "Perth is two hours behind"


def test_a_held_row_comes_again_and_keeps_the_state_back(out):
    hold = {**QUIET, "policy": "hold"}
    rows = [
        {"id": 1, "to": BRITISH, "body": "a"},
        {"id": 2, "to": TO, "body": "b"},
        {"id": 3, "to": BRITISH, "body": "c"},
    ]
    lines = [schema("sms_messages", ["id", "to", "body"])]
    for row in rows:
        lines += [record("sms_messages", row), state({"row": row["id"]})]
    ran = out.run(lines, quiet_hours=hold)
    assert (ran.rows("sms_messages"), ran.code, ran.states[-1]) == ({"sent": 2, "held": 1}, 0, {"row": 1})
    assert ran.reasons("sms_messages") == ["quiet hours where the recipient is"]
    assert out.query("select outcome from outcomes where outcome != 'sent'") == [("held",)]
    out.advance(12 * 3600)
    again = out.run(lines, quiet_hours=hold)
    assert (again.rows("sms_messages"), again.states[-1]) == ({"duplicate": 2, "sent": 1}, {"row": 3})


def test_a_schedule_in_quiet_hours_that_would_be_held_for_ever(out):
    row = {"time_zone": "Australia/Melbourne", "schedule": OPENS + 15 * 3600}
    ran = out.send(row, quiet_hours={**QUIET, "policy": "hold"})
    assert ran.rows("sms_messages") == {"rejected": 1}


@pytest.mark.parametrize("zone", ["GMT", "Z", "Etc/UTC"])
def test_utc_by_its_other_names(out, zone):
    times = {"start": f"{out.now:%H:%M}", "end": f"{out.now + timedelta(minutes=5):%H:%M}"}
    ran = out.send({"time_zone": zone}, quiet_hours={**times, "policy": "hold"}, time_zone=zone)
    assert ran.rows("sms_messages") == {"held": 1}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"time_zone": "EST"}, "time_zone is not a zone of the IANA data base"),
        ({"time_zone": "Mars/Olympus"}, "time_zone is not a zone of the IANA data base"),
        ({"to": "+88213123456"}, "nobody knows the zone of this number: add a column time_zone"),
    ],
)
def test_zones_that_nobody_knows(out, row, reason):
    ran = out.send(row, quiet_hours=QUIET)
    assert (ran.rows("sms_messages"), ran.reasons("sms_messages")[0][: len(reason)]) == (
        {"rejected": 1},
        reason,
    )


LOCAL = {"schedule": "2026-09-22 09:00:00"}


@pytest.mark.parametrize(
    ("row", "config", "schedule"),
    [
        ({"time_zone": "Australia/Sydney"}, {}, "2026-09-21T23:00:00Z"),
        ({"time_zone": "Australia/Sydney"}, {"time_zone": "Europe/Berlin"}, "2026-09-21T23:00:00Z"),
        ({}, {"time_zone": "Europe/Berlin"}, "2026-09-22T07:00:00Z"),
        ({}, {}, "2026-09-22T09:00:00Z"),
    ],
)
@pytest.mark.parametrize("sink", ["sms_messages", "mms_messages", "voice_messages"])
def test_nine_oclock_is_where_the_row_is(out, sink, row, config, schedule):
    ran = out.send(LOCAL | row, sink=sink, **config)
    assert ran.rows(sink) == {"sent": 1}
    (message,) = posts(ran, f"/{CHANNELS[sink]}/send")[0]["messages"]
    assert message["schedule"] == datetime.fromisoformat(schedule).timestamp()


def test_a_dry_run_says_which_zones_were_meant(out):
    sydney = LOCAL | {"time_zone": "Australia/Sydney", "send_before": "2026-09-23 09:00"}
    rows = [LOCAL, sydney, sydney, LOCAL | {"time_zone": "EST"}, {"schedule": out.at + 60}, {}]
    ran = out.send(*rows, dry_run=True, time_zone="Europe/Berlin")
    assert ran.rows("sms_messages") == {"dry_run": 5, "rejected": 1}
    assert ran.report["notes"] == [
        "sms_messages: 2 times of schedule have no zone: read as Australia/Sydney.",
        "sms_messages: 1 time of schedule has no zone: read as Europe/Berlin.",
        "sms_messages: 2 times of send_before have no zone: read as Australia/Sydney.",
    ]
    assert not out.send(*rows, time_zone="Europe/Berlin").report["notes"]


def test_no_minute_is_open_everywhere(out):
    ran = out.send(
        {"to": "+12025550142"}, {"to": "+18005550142"}, quiet_hours={"start": "12:00", "end": "11:00"}
    )
    assert "add a column time_zone" in " ".join(ran.reasons("sms_messages"))


def test_what_opens_too_late_is_expired(out):
    row = {"time_zone": "Australia/Melbourne", "send_before": OPENS}
    ran = out.send(row, quiet_hours=QUIET)
    assert ran.reasons("sms_messages") == ["expired: it would be sent after send_before"]


def test_so_many_a_minute(out):
    clock = FakeClock()
    rows = [{"body": f"{number}"} for number in range(25)]
    ran = out.send(*rows, messages_per_minute=10, clock=clock)
    assert ran.rows("sms_messages") == {"sent": 25}
    assert [len(body["messages"]) for body in posts(ran)] == [10, 10, 5]
    assert clock.slept == [60, 60]


def test_all_sinks_share_the_minute(out):
    clock, lines = FakeClock(), []
    for sink in ("sms_messages", "voice_messages"):
        row = {"id": 1, "to": TO, "body": "Hello", "voice": "female", "lang": "en-au"}
        lines += [schema(sink, row), record(sink, row)]
    ran = out.run(lines, messages_per_minute=2, clock=clock)
    assert ran.report["rows"] == {"sms_messages": {"sent": 1}, "voice_messages": {"sent": 1}}
    assert clock.slept == [30]


def test_a_message_that_waited_is_judged_when_it_goes(out):
    class Turning(FakeClock):
        def sleep(self, seconds):
            super().sleep(seconds)
            out.advance(int(seconds))

    rows = [{"body": f"{number}", "send_before": out.at + 90} for number in range(4)]
    ran = out.send(*rows, messages_per_minute=1, clock=Turning())
    assert ran.rows("sms_messages") == {"sent": 2, "rejected": 2}
    assert ran.reasons("sms_messages") == ["expired: send_before has passed"]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"quiet_hours": {"start": "21:00"}}, "Setting quiet_hours needs end as a time like 21:00"),
        ({"quiet_hours": {**QUIET, "start": 21}}, "Setting quiet_hours"),
        ({"quiet_hours": {**QUIET, "end": "21:00"}}, "Setting quiet_hours has the same start and end"),
        ({"quiet_hours": {**QUIET, "policy": "drop"}}, "Setting quiet_hours"),
        ({"max_row_age_hours": 1}, "Setting max_row_age_hours needs created_at_column"),
        ({"test_recipient": "0491570156"}, "Setting test_recipient must be a number"),
        ({"opt_out_keywords": ["\U0001f6d1"]}, r"Setting opt_out_keywords\.0 must have a letter or a digit"),
        ({"opt_out_keywords": ["STOP", ""]}, r"Setting opt_out_keywords\.1 must not be blank"),
        ({"opt_out_keywords": []}, "Setting opt_out_keywords"),
        ({"batch_size_rows": 1001}, "Setting batch_size_rows must be at most 1000"),
        ({"messages_per_minute": 0}, "Setting messages_per_minute must be at least 1"),
        ({"time_zone": "EST"}, "Setting time_zone must be a zone of the IANA data base"),
        ({"time_zone": "Mars/Olympus"}, "Setting time_zone must be a zone of the IANA data base"),
        ({"time_zone": 10}, "Setting time_zone must be of type string"),
    ],
)
def test_settings_that_are_wrong(out, config, said):
    with pytest.raises(SettingsError, match=said):
        out.send({}, **config)
