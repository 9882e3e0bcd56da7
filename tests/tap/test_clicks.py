"""Clicks on shortened links: of every message that has one, for a few days, and of no other."""

import json
from datetime import datetime

import pytest

from clicksend import errors
from clicksend.sandbox import Sandbox
from tests.contract.recorded_server import RecordedServer, recorded
from tests.sandbox.runner import EPOCH
from tests.tap.runner import Output, run_tap

HOUR, DAY = 3600, 86_400
GONE = {"Failed", "Cancelled", "CancelledAfterReview"}
STATISTICS = "/short-url/statistics/quick_sms/"
TRACKING = "/short-url/tracking/"


def linked(sandbox, connect, gone=GONE):
    """Return the messages that were sent with a short link, by id in lower case."""
    page, found = 1, {}
    while rows := connect(sandbox.api_url).get("/sms/history", {"limit": 100, "page": page}).data["data"]:
        page += 1
        found |= {
            row["message_id"].lower(): row
            for row in rows
            if row["direction"] == "out" and "smsu.io/" in row["body"] and row["status"] not in gone
        }
    return found


def asked(sandbox, prefix, seen=0):
    paths = [one["path"] for one in sandbox.requests()[seen:]]
    return [path.removeprefix(prefix) for path in paths if path.startswith(prefix)]


def answer(sandbox, path, body, **query):
    rule = {"path": path, "kind": "body", "body": json.dumps(body), "times": -1, "query": query}
    sandbox.control("POST", "faults", rule)


def keys(output):
    names = ("message_id", "long_url_id", "position")
    return [tuple(row[name] for name in names) for row in output.rows("link_clicks")]


def test_one_request_for_each_message_with_a_short_link_and_one_for_each_that_was_opened(sandbox, connect):
    messages = linked(sandbox, connect)
    output = run_tap(sandbox.api_url, "link_clicks")
    assert len(messages) > 5
    assert sorted(asked(sandbox, STATISTICS)) == sorted(messages)
    opened = {row["long_url_id"] for row in output.rows("link_clicks") if row["open_count"]}
    assert sorted(asked(sandbox, TRACKING)) == sorted(opened)
    assert {row["message_id"].lower() for row in output.rows("link_clicks")} == messages.keys()


def test_the_rows_say_what_clicksend_says(sandbox, connect):
    messages = linked(sandbox, connect)
    client = connect(sandbox.api_url)
    for row in run_tap(sandbox.api_url, "link_clicks").rows("link_clicks"):
        message = messages[row["message_id"].lower()]
        (counts,) = client.get(STATISTICS + row["message_id"].lower()).data["data"]
        assert row["open_count"] == counts["links"]["opened_total"]
        assert datetime.fromisoformat(row["date"]).timestamp() == message["date"]
        if row["open_count"]:
            (recipient,) = client.get(TRACKING + row["long_url_id"]).data["data"]
            assert datetime.fromisoformat(row["date_opened"]).timestamp() == recipient["date_opened"]
            assert row["phone_number"] == message["to"] == recipient["contact"]["phone_number"]
            assert row["user_device"] == recipient["user_device"]
        else:
            assert row["date_opened"] is row["phone_number"] is None


@pytest.mark.long
def test_a_later_run_asks_for_what_may_still_be_opened_only(connect):
    with Sandbox(messages=9000, contacts=50, epoch=EPOCH) as box:
        output = run_tap(box.api_url, "link_clicks")
        loaded, changed, runs = dict(zip(keys(output), output.rows("link_clicks"), strict=True)), 0, []
        step = 3
        for _ in range(0, 120, step):
            box.advance(step * HOUR)
            seen = len(box.requests())
            output = run_tap(box.api_url, "link_clicks", state=output.state)
            runs.append((box.state()["now"], asked(box, STATISTICS, seen)))
            rows = dict(zip(keys(output), output.rows("link_clicks"), strict=True))
            changed += sum(key in loaded and loaded[key] != row for key, row in rows.items())
            loaded |= rows
        assert changed > 2
        messages = linked(box, connect, gone=())
        due = {key: int(row["schedule"] or row["date"]) for key, row in messages.items()}
        for now, some in runs:
            assert all(due[key] >= now - 5 * DAY for key in some)
        output = run_tap(box.api_url, "link_clicks")
        found = dict(zip(keys(output), output.rows("link_clicks"), strict=True))
        # What was scheduled far ahead is looked at again once a day, as its delivery is.
        at_once = {key for key in found if due[key[0].lower()] == messages[key[0].lower()]["date"]}
        assert {key: loaded[key] for key in at_once} == {key: found[key] for key in at_once}
        assert loaded.keys() >= found.keys()


def test_pages_of_recipients_by_the_query_of_the_next_page(sandbox, connect):
    (message, *_) = linked(sandbox, connect)
    (counts,) = connect(sandbox.api_url).get(STATISTICS + message).data["data"]
    key = counts["long_url_id"]
    answer(
        sandbox,
        STATISTICS + message,
        {"data": [counts | {"links": {"total": 3, "opened_unique": 2, "opened_total": 9, "unopened": 1}}]},
    )
    rows = [
        {
            "open_count": count,
            "date_opened": 1_785_000_000 + count,
            "contact": {"phone_number": f"+6141{count}"},
        }
        for count in (5, 4, 0)
    ]
    link = f"https://rest.clicksend.com/v3{TRACKING}{key}?offset=a%2Bb%3D&limit=100&direction=forward"
    page = {"total": 3, "per_page": 100, "current_page_size": 2}
    answer(sandbox, TRACKING + key, {**page, "data": rows[2:]}, offset="a+b=", direction="forward")
    answer(sandbox, TRACKING + key, {**page, "data": rows[:2], "next_page_url": link})
    output = run_tap(sandbox.api_url, "link_clicks")
    found = [row for row in output.rows("link_clicks") if row["long_url_id"] == key]
    assert [(row["position"], row["open_count"]) for row in found] == [(1, 5), (2, 4), (3, 0)]
    assert [row["phone_number"] for row in found] == ["+61415", "+61414", "+61410"]


def test_a_page_that_leads_to_itself_is_an_error(sandbox, connect):
    rows = [{"open_count": 1, "date_opened": 1_785_000_000, "contact": {}}]
    page = {"total": 9, "per_page": 100, "current_page_size": 1, "data": rows}
    answer(sandbox, TRACKING + "*", {**page, "next_page_url": "https://rest.clicksend.com/v3/x?offset=a"})
    with pytest.raises(errors.UnexpectedAnswerError, match="the same page"):
        run_tap(sandbox.api_url, "link_clicks")


def test_both_spellings_of_an_id_are_asked_for_before_it_is_unknown(sandbox, connect, caplog):
    messages = linked(sandbox, connect)
    path = {"path": STATISTICS + "*", "kind": "status", "status": 404, "times": -1}
    sandbox.control("POST", "faults", path)
    output = run_tap(sandbox.api_url, "link_clicks")
    spelled = [name for row in messages.values() for name in (row["message_id"], row["message_id"].lower())]
    assert sorted(asked(sandbox, STATISTICS)) == sorted(spelled)
    assert output.rows("link_clicks") == []
    assert f"knows none of the {len(messages)} messages that have a shortened link" in caplog.text


def test_all_links_share_a_rate_limit(sandbox, connect):
    client = connect(sandbox.api_url)
    for message in linked(sandbox, connect):
        (counts,) = client.get(STATISTICS + message).data["data"]
        client.get(TRACKING + counts["long_url_id"])
    assert client.limits.keys() == {f"GET {STATISTICS}{{id}}", f"GET {TRACKING}{{id}}"}


def test_several_recipients_nobody_of_whom_opened_the_link(sandbox, connect):
    (message, *_) = linked(sandbox, connect)
    links = {"total": 4, "opened_unique": 0, "opened_total": 0, "unopened": 4}
    answer(sandbox, STATISTICS + message, {"data": [{"long_url_id": "quick_sms-x", "links": links}]})
    output = run_tap(sandbox.api_url, "link_clicks")
    assert [key for key in keys(output) if key[1] == "quick_sms-x"] == [
        (message.upper(), "quick_sms-x", position) for position in (1, 2, 3, 4)
    ]
    assert "quick_sms-x" not in asked(sandbox, TRACKING)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"data": None},
        {"data": {}},
        {"data": [[]]},
        {"data": [{"links": {}}]},
        {"data": [{"long_url_id": "x"}]},
        {"data": [{"long_url_id": "x", "links": []}]},
        {"data": [{"long_url_id": "x", "links": {"total": 1}}]},
        {"data": [{"long_url_id": "x", "links": {"total": "one", "opened_total": 0}}]},
        {"data": [{"long_url_id": "x", "links": {"total": 1, "opened_total": None}}]},
    ],
    ids=str,
)
def test_other_shapes_are_errors(sandbox, body):
    answer(sandbox, STATISTICS + "*", body)
    output = Output()
    with pytest.raises(errors.UnexpectedAnswerError, match="GET /short-url/statistics"):
        run_tap(sandbox.api_url, "link_clicks", output=output)
    assert not output.state.get("bookmarks", {}).get("link_clicks", {}).get("replication_key_value")


def test_an_envelope_does_no_harm(sandbox, connect):
    usual = run_tap(sandbox.api_url, "link_clicks").rows("link_clicks")
    envelope = {"http_code": 200, "response_code": "SUCCESS", "response_msg": ""}
    client = connect(sandbox.api_url)
    for row in usual:
        message, key = row["message_id"].lower(), row["long_url_id"]
        answer(sandbox, STATISTICS + message, envelope | client.get(STATISTICS + message).data)
        answer(sandbox, TRACKING + key, envelope | {"data": client.get(TRACKING + key).data})
    assert run_tap(sandbox.api_url, "link_clicks").rows("link_clicks") == usual


@pytest.mark.parametrize("pii", ["hash", "drop"])
def test_no_row_is_lost_or_told_apart_by_a_person(sandbox, pii):
    usual, masked = (
        run_tap(sandbox.api_url, "link_clicks", **config)
        for config in ({}, {"pii": pii, "pii_key": "k" * 16})
    )
    assert keys(usual) == keys(masked)
    written = json.dumps(masked.messages)
    for row in usual.rows("link_clicks"):
        assert row["phone_number"] is None or row["phone_number"] not in written


def test_of_a_recorded_message(recorded_server):
    first, second = run_tap(recorded_server.api_url, "link_clicks").rows("link_clicks")
    (opened, unopened) = recorded("short_url_tracking")["data"]
    assert (first["open_count"], second["open_count"]) == (opened["open_count"], unopened["open_count"])
    assert (first["contact_id"], first["first_name"]) == (1411000001, "Zoé")
    assert second["phone_number"] == unopened["contact"]["phone_number"]
    assert first["extra"] is second["extra"] is None


@pytest.fixture
def recorded_server():
    with RecordedServer("live") as server:
        yield server
