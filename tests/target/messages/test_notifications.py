"""Notifications: templates of the hub, through a hub that may serve nothing else."""

import json

import pytest

from clicksend.errors import SettingsError
from clicksend.sandbox import API_KEY
from tests.target.messages.cases import OTHER, TO
from tests.target.runner import stream_of

ROW = {"to": TO, "template_id": "order_update", "variables": {"name": "Zoë", "order": 17}}


@pytest.fixture
def notify(out):
    """Return a function that sends rows through the hub."""

    def notify(*rows, **config):
        hub = {"api_url": None, "hub_url": out.url, "username": None, "api_key": API_KEY}
        return out.run(stream_of("notifications", [ROW | row for row in rows]), **hub, **config)

    return notify


def shown(out):
    return out.control("GET", "notifications")


def calls(ran):
    return [one["body"] for one in ran.requests if one["path"] == "/v1/run"]


def test_what_the_hub_gets(out, notify):
    ran = notify({"locale": "fr-FR"})
    ((token,),) = out.query("select custom_string from outcomes")
    inputs = {
        "to": TO,
        "template_id": "order_update",
        "variables": {"name": "Zoë", "order": "17"},
        "locale": "fr-FR",
        "correlation_id": token,
    }
    assert calls(ran) == [{"model": "prelude/notify-send", "inputs": inputs}]
    (sent,) = shown(out)
    assert (sent["correlation_id"], "schedule_at" in sent) == (token, False)
    assert out.query("select outcome, message_id, custom_string from outcomes") == [
        ("sent", sent["id"], token)
    ]
    assert (ran.rows("notifications"), ran.code) == ({"sent": 1}, 0)
    assert notify({}).rows("notifications") == {"duplicate": 1}
    assert len(shown(out)) == 1


@pytest.mark.parametrize(
    "variables",
    ['{"name": "Zoë", "order": 17}', {"name": " Zoë ", "order": "17"}, {"order": 17, "name": "Zoë"}],
)
def test_variables_as_an_object_or_as_text(out, notify, variables):
    assert notify({"variables": variables}).rows("notifications") == {"sent": 1}
    assert shown(out)[0]["variables"] == {"name": "Zoë", "order": "17"}


@pytest.mark.parametrize(
    ("order", "expected"),
    [("2.00", "2.00"), ("17.0", "17.0"), ("4.90", "4.90"), ("1e2", "100"), ("100", "100"), ("true", "true")],
)
def test_numbers_keep_their_digits(out, notify, order, expected):
    text = f'{{"name": "Zoë", "order": {order}}}'
    row = json.dumps({"id": 2, **ROW} | {"variables": 1}).replace('"variables": 1', f'"variables": {text}')
    lines = stream_of("notifications", [ROW | {"variables": text}])
    lines.append(f'{{"type": "RECORD", "stream": "notifications", "record": {row}}}')
    hub = {"api_url": None, "hub_url": out.url, "username": None, "api_key": API_KEY}
    assert out.run(lines, **hub).rows("notifications") == {"sent": 2}
    assert [one["variables"]["order"] for one in shown(out)] == [expected, expected]


@pytest.mark.parametrize("variables", [None, {}, "{}", "", " ", "\ufeff"])
def test_a_template_without_variables(out, notify, variables):
    assert notify({"template_id": "plain", "variables": variables}).rows("notifications") == {"sent": 1}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"to": "0491"}, "to has too few or too many digits"),
        ({"to": None}, "to is missing"),
        ({"template_id": ""}, "template_id is missing"),
        ({"variables": "Zoë"}, "variables is not an object"),
        ({"variables": [1]}, "variables is not an object"),
        ({"variables": 0}, "variables is not an object"),
        ({"variables": {"name": None, "order": "1"}}, "variables has a value that is not text"),
        (
            {"variables": {"name": {}, "order": "1"}},
            "variables has a value that is not text, a number or a boolean",
        ),
        *(
            ({"variables": {"name": word, "order": "1"}}, "variables has a value that is a word for nothing")
            for word in ("null", "NaN", " None\u200b", "NAT", "<NA>", "nil")
        ),
        *(
            ({"variables": text}, "variables is not an object")
            for text in (
                "[" * 200_000,
                '{"a":' * 200_000,
                "[" * 200_000 + "]" * 200_000,
                '{"a": 1e9999999999999999999}',
            )
        ),
        ({"variables": '{"name": NaN, "order": 1}'}, "name is not a number that can be written"),
        ({"variables": {"name": "x"}}, "POST /v1/run answered 400 invalid_template_variables"),
        ({"template_id": "nothing"}, "POST /v1/run answered 400 invalid_template"),
        ({"schedule": "soon"}, "schedule is not a time"),
        ({"schedule": 1_600_000_000}, "expired: its schedule is over an hour past"),
        ({"schedule": 1_790_000_000 + 100 * 86_400}, "POST /v1/run answered 400 invalid_request"),
    ],
)
def test_rejected(out, notify, row, reason):
    ran = notify(row, {"to": OTHER})
    assert (ran.rows("notifications"), ran.code) == ({"rejected": 1, "sent": 1}, 0)
    assert ran.reasons("notifications")[0].startswith(reason)
    assert "Zo" not in ran.reasons("notifications")[0]


@pytest.mark.parametrize("schedule", [1_790_003_600, 1_790_003_600_000, "2026-09-21T15:13:20Z"])
def test_a_schedule_is_a_time_with_a_zone(out, notify, schedule):
    assert notify({"schedule": schedule}).rows("notifications") == {"sent": 1}
    assert shown(out)[0]["schedule_at"] == "2026-09-21T15:13:20+00:00"


def test_a_schedule_without_a_zone_is_the_rows(out, notify):
    row = {"schedule": "2026-09-22 09:00", "time_zone": "Australia/Sydney"}
    assert "1 time of schedule has no zone: read as Australia/Sydney." in notify(row, dry_run=True).notes
    assert notify(row).rows("notifications") == {"sent": 1}
    assert shown(out)[0]["schedule_at"] == "2026-09-21T23:00:00+00:00"


def test_quiet_hours_count_here_too(out, notify):
    row = {"time_zone": "Australia/Melbourne"}
    notify(row, quiet_hours={"start": "21:00", "end": "08:00"})
    assert shown(out)[0]["schedule_at"] == "2026-09-21T22:00:00+00:00"


@pytest.mark.parametrize("paths", ["not_found", "not_allowed"])
def test_a_hub_that_serves_nothing_else(out, notify, paths):
    out.switch(hub_paths=paths)
    rows = [{"opted_out": False}, {"to": OTHER, "opted_out": True}, {"to": "0491 570 158", "opted_out": 0}]
    ran = notify(*rows, opt_out="column", default_country="AU")
    assert (ran.rows("notifications"), ran.code) == ({"sent": 2, "suppressed": 1}, 0)
    assert [one["path"] for one in ran.requests] == ["/account", "/v1/run", "/v1/run"]
    again = notify(*rows, opt_out="column", default_country="AU")
    assert again.rows("notifications") == {"duplicate": 2, "suppressed": 1}
    refused = notify({"id": 9}, opt_out="enforce")
    assert (refused.code, len(shown(out))) == (1, 2)
    assert "opt_out: column" in str(refused.error)


def test_other_sinks_say_that_the_hub_does_not_serve_them(out):
    out.switch(hub_paths="not_found")
    hub = {"api_url": out.hub_api_url, "username": None}
    ran = out.send({}, **hub)
    assert (ran.code, out.arrivals) == (1, [])
    assert "This hub does not serve ClickSend's API: connect directly" in str(ran.error)


def test_the_ledger_learns_whose_it_is_when_the_hub_says_so(out, notify):
    out.switch(hub_paths="not_found")
    assert notify({}).code == 0
    assert out.query("select name from meta where name = 'user_id'") == []
    out.switch(hub_paths="served")
    assert notify({}, {"to": OTHER}).rows("notifications") == {"duplicate": 1, "sent": 1}
    assert out.query("select value from meta where name = 'user_id'") == [("672721",)]
    out.switch(hub_paths="not_found")
    assert notify({}).rows("notifications") == {"duplicate": 1}


def test_without_a_key_for_the_hub(out):
    ran = out.run(stream_of("notifications", [ROW]))
    assert isinstance(ran.error, SettingsError)
    assert "set SKILLBOSS_API_KEY" in str(ran.error)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"kind": "reset_after"}, "unknown"),
        ({"kind": "status_after", "status": 500}, "unknown"),
        ({"kind": "status_after", "status": 408, "body": {"error": {"code": "timeout"}}}, "unknown"),
        ({"kind": "html_after"}, "unknown"),
        ({"kind": "status", "status": 401, "body": {"error": {"code": "invalid_api_key"}}}, "failed"),
        ({"kind": "status", "status": 402, "body": {"error": {"code": "insufficient_balance"}}}, "failed"),
    ],
)
def test_lost_answers_and_refusals(out, notify, fault, outcome):
    out.fault(path="/v1/run", times=-1, **fault)
    ran = notify({})
    assert (ran.rows("notifications"), out.counts(ran)) == ({outcome: 1}, {"notifications": {outcome: 1}})
    assert ran.code == (3 if outcome == "unknown" else 1)
    out.control("DELETE", "faults")
    again = notify({})
    assert again.rows("notifications") == ({"duplicate": 1} if outcome == "unknown" else {"sent": 1})
    assert len(shown(out)) == 1


def test_a_dry_run(out, notify):
    ran = notify({"schedule": out.at + 3600}, {"to": "x"}, dry_run=True)
    assert (ran.rows("notifications"), calls(ran)) == ({"dry_run": 1, "rejected": 1}, [])
    (sample,) = ran.report["samples"]
    assert (sample["to"], sample["schedule_at"], sample["variables"]) == (
        "+614915*****",
        "2026-09-21T15:13:20+00:00",
        {"name": "Zoë", "order": "17"},
    )


def test_a_test_recipient_and_a_cap(out, notify):
    assert notify({}, {"to": OTHER}, max_messages_per_run=1).rows("notifications") == {"held": 2}
    mine = "+61491570159"
    assert notify({}, {"to": OTHER}, test_recipient=mine).rows("notifications") == {"sent": 2}
    assert [one["to"] for one in shown(out)] == [mine, mine]
    assert notify({}, {"to": OTHER}).rows("notifications") == {"sent": 2}


def test_columns_that_go_nowhere_are_said(notify):
    assert "colour is not written" in notify({"colour": 1}).notes
