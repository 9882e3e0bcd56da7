"""The streams that are off unless selected: campaigns, what the account is and rents and pays, reports."""

import json
import re
from decimal import Decimal

import pytest
from jsonschema import Draft202012Validator

from clicksend import errors
from tap_clicksend.streams import ALL
from tap_clicksend.tap import TapClickSend
from tests.contract.recorded_server import RecordedServer, recorded
from tests.tap.runner import Output, run_tap

DAY = 86_400
JANUARY_15 = 1_800_000_000
"""A day in 2027, ahead of the box's clock."""
BEYOND = {stream.name: stream for stream in ALL if not stream.selected_by_default}
REPORTS = {"account_usage", "statistics_sms", "statistics_voice"}
PAGED = sorted(BEYOND.keys() - REPORTS - {"link_clicks"})


def keys(output, stream):
    return [tuple(row[key] for key in BEYOND[stream].primary_keys) for row in output.rows(stream)]


def without(rows, *names):
    return [{name: value for name, value in row.items() if name not in names} for row in rows]


def run_recorded(variant, *streams):
    with RecordedServer(variant) as server:
        return run_tap(server.api_url, *streams)


def pattern(stream):
    """A shell pattern for its paths."""
    return re.sub(r"{\w+}", "*", BEYOND[stream].path)


def forbid(box, stream):
    rule = {"path": pattern(stream), "kind": "status", "status": 403, "times": -1}
    box.control("POST", "faults", rule)


def test_they_are_off_and_never_requested_unless_selected(sandbox):
    assert len(BEYOND) == 10
    catalog = TapClickSend(validate_config=False).catalog_dict["streams"]
    roots = {
        entry["stream"]: next(m["metadata"] for m in entry["metadata"] if not m["breadcrumb"])
        for entry in catalog
    }
    off = {name for name, root in roots.items() if root["selected-by-default"] is False}
    assert off == BEYOND.keys()
    config = {"api_url": sandbox.api_url, "username": "sandbox", "api_key": "sandbox-key"}
    TapClickSend(config=config, message_writer=Output()).sync_all()
    paths = {request["path"] for request in sandbox.requests()}
    assert "/sms/history" in paths
    assert not [path for path in paths if path in {stream.path for stream in BEYOND.values()}]
    assert not [path for path in paths if path.startswith("/account/usage")]


@pytest.mark.parametrize("stream", sorted(BEYOND))
def test_complete_and_each_key_once(sandbox, stream):
    output = run_tap(sandbox.api_url, stream)
    found = keys(output, stream)
    assert len(found) == len(set(found)) == sandbox.state()["rows"][stream] > 0
    (schema,) = (m["schema"] for m in output.messages if m["type"] == "SCHEMA")
    for row in output.rows(stream):
        Draft202012Validator(schema).validate(row)
        assert row["extra"] is None
    marked = ["ACTIVATE_VERSION"] if stream in {"subaccounts", "numbers"} else ["RECORD"]
    assert output.kinds(stream)[-1:] == marked


@pytest.mark.parametrize("stream", sorted(BEYOND))
def test_no_permission_costs_one_stream_and_marks_nothing(sandbox, stream, caplog):
    forbid(sandbox, stream)
    output = run_tap(sandbox.api_url, stream, "sms_templates")
    assert output.kinds(stream) == ["SCHEMA"]
    assert output.rows("sms_templates")
    assert f"Going on without {stream}" in caplog.text


@pytest.mark.parametrize("stream", PAGED)
def test_recorded_rows_come_out_once(stream):
    output = run_recorded("live", stream)
    (key,) = BEYOND[stream].primary_keys
    sent = {str(row[key]) for row in recorded(f"{stream}.live")["data"]["data"]}
    assert sorted(str(row[key]) for row in output.rows(stream)) == sorted(sent)
    assert all(row["extra"] is None for row in output.rows(stream))


@pytest.mark.parametrize(
    "stream",
    [
        *("sms_campaigns", "mms_campaigns", "link_clicks", "transactions", "delivery_issues"),
        *("account_usage", "statistics_sms", "statistics_voice"),
    ],
)
def test_live_and_legacy_answers_give_the_same_rows(stream):
    live, legacy = (run_recorded(variant, stream).rows(stream) for variant in ("live", "legacy"))
    assert live == legacy
    assert live


@pytest.mark.parametrize(
    ("stream", "added"),
    [
        (
            "sms_campaigns",
            ["ip_address", "url_to_shorten", "unsubscribe_link", "senders", "_list_name", "extra"],
        ),
        (
            "subaccounts",
            ["access_smpp", "access_global_sending", "hide_pricing", "is_main", "sign_up_type"],
        ),
        (
            "numbers",
            ["number_guid", "type", "number_type", "status", "notes", "form_submission_id"],
        ),
    ],
)
def test_older_answers_have_fewer_fields_and_the_same_facts(stream, added):
    old = run_recorded("old", stream).rows(stream)
    live = run_recorded("live", stream).rows(stream)[: len(old)]
    assert without(old, *added) == without(live, *added)
    assert all(row["extra"] is None for row in old)


def test_older_usage_has_fewer_channels():
    old = run_recorded("old", "account_usage").rows("account_usage")
    assert {row["channel"] for row in old} == {"sms", "voice", "fax", "post", "email"}


def test_mms_campaigns_without_an_envelope(sandbox):
    """The current documentation shows none, older pages do."""
    usual = run_tap(sandbox.api_url, "mms_campaigns").rows("mms_campaigns")
    pager = recorded("mms_campaigns.live")["data"]
    rule = {"path": "/mms-campaigns", "kind": "body", "body": pager, "times": -1}
    sandbox.control("POST", "faults", rule)
    bare = run_tap(sandbox.api_url, "mms_campaigns").rows("mms_campaigns")
    assert len(usual) == 2
    assert bare == run_recorded("live", "mms_campaigns").rows("mms_campaigns")


def test_an_empty_page_of_numbers_in_its_recorded_form(sandbox):
    output = run_recorded("empty", "numbers")
    sandbox.control("POST", "switches", {"dedicated_numbers": False})
    for result in (output, run_tap(sandbox.api_url, "numbers")):
        # None there is an answer too: what was rented before is gone.
        assert result.kinds("numbers") == ["SCHEMA", "ACTIVATE_VERSION"]


class TestSubaccounts:
    """Who may use the account, without what opens it."""

    def test_their_keys_never_come_out(self, sandbox):
        for output in (run_recorded("live", "subaccounts"), run_tap(sandbox.api_url, "subaccounts")):
            written = json.dumps(output.messages)
            assert "api_key" not in written
            assert "NOTAREALKEY" not in written
            assert "LIVE-API-KEY" not in written

    def test_no_permission_is_a_warning(self, sandbox, caplog):
        sandbox.control("POST", "switches", {"subaccount_access": False})
        output = run_tap(sandbox.api_url, "subaccounts", "transactions")
        assert output.rows("transactions")
        assert output.kinds("subaccounts") == ["SCHEMA"]
        assert "Going on without subaccounts: the key belongs to a subaccount" in caplog.text

    def test_a_deleted_one_is_missing_from_a_version_that_is_activated(self, sandbox):
        before = set(keys(run_tap(sandbox.api_url, "subaccounts"), "subaccounts"))
        sandbox.advance(DAY)
        output = run_tap(sandbox.api_url, "subaccounts")
        assert before - set(keys(output, "subaccounts"))
        assert output.kinds("subaccounts")[-1] == "ACTIVATE_VERSION"


class TestUsage:
    """Months: from start_date or four back, and once more the last two."""

    def run(self, box, **config):
        """Read them after the account, which tells the server's clock: no month is asked for to learn it."""
        return run_tap(box.api_url, "account", "account_usage", **config)

    def months(self, box, seen=0):
        paths = [one["path"] for one in box.requests()[seen:] if one["path"].startswith("/account/usage")]
        return sorted({tuple(map(int, path.split("/")[3:5])) for path in paths})

    @pytest.mark.parametrize(
        ("channel", "date"), [("sms", "date"), ("mms", "date_added"), ("voice", "date_added")]
    )
    def test_it_is_the_sum_of_the_history(self, sandbox, channel, date):
        output = run_tap(sandbox.api_url, "account_usage", f"{channel}_history")
        spent, parts = {}, {}
        for row in output.rows(f"{channel}_history"):
            if row.get("direction", "out") == "out":
                month = row[date][:7]
                spent[month] = spent.get(month, 0) + Decimal(str(row["message_price"]))
                parts[month] = parts.get(month, 0) + (row["message_parts"] or 0)
        usage = [row for row in output.rows("account_usage") if row["channel"] == channel]
        named = {f"{row['year']}-{row['month']:02}": row for row in usage}
        assert {month: Decimal(str(row["total_price"])) for month, row in named.items()} == spent
        assert {month: row["total_count"] for month, row in named.items()} == parts
        assert all(row["period"] == f"{month}-01T00:00:00+00:00" for month, row in named.items())

    def test_counts_are_integers_whatever_was_sent(self):
        rows = run_recorded("live", "account_usage").rows("account_usage")
        counts = {(row["channel"], row["username"]): row["total_count"] for row in rows}
        assert counts["sms", "harbour-books"] == 29
        assert counts["email", "harbour-books"] == 3992

    def test_later_runs_read_two_months(self, box):
        box.control("POST", "clock", {"now": JANUARY_15})
        first = self.run(box)
        assert self.months(box) == [(2026, 9), (2026, 10), (2026, 11), (2026, 12), (2027, 1)]
        assert first.state["bookmarks"]["account_usage"] == {
            "replication_key": "period",
            "replication_key_value": "2027-01-01T00:00:00+00:00",
        }
        box.control("POST", "clock", {"now": JANUARY_15 + 20 * DAY})
        seen = len(box.requests())
        second = self.run(box, state=first.state)
        assert self.months(box, seen) == [(2026, 12), (2027, 1), (2027, 2)]
        assert second.state["bookmarks"]["account_usage"]["replication_key_value"][:7] == "2027-02"

    def test_start_and_end_choose_months_and_never_move_the_bookmark_back(self, box):
        box.control("POST", "clock", {"now": JANUARY_15})
        state = self.run(box).state
        seen, dates = len(box.requests()), {"start_date": "2024-11-20", "end_date": "2025-02-01T00:00:00Z"}
        self.run(box, **dates)
        assert self.months(box, seen) == [(2024, 11), (2024, 12), (2025, 1)]
        assert self.run(box, state=state, **dates).state == state

    def test_a_broken_month_ends_the_run_with_the_bookmark_before_it(self, box):
        box.control("POST", "clock", {"now": JANUARY_15})
        rule = {"path": "/account/usage/2026/12/*", "kind": "status", "status": 500, "times": -1}
        box.control("POST", "faults", rule)
        output = Output()
        with pytest.raises(errors.ServerError):
            self.run(box, output=output)
        bookmark = output.state.get("bookmarks", {}).get("account_usage", {})
        assert bookmark.get("replication_key_value", "")[:7] <= "2026-11"


class TestStatistics:
    """Thirty days, flattened, under both names that the answers use."""

    def test_nested_counts_become_columns(self):
        (*_, day) = run_recorded("legacy", "statistics_sms").rows("statistics_sms")
        assert day == {
            "date": "2026-05-06T00:00:00+00:00",
            "outbound_count": 132,
            "outbound_price": 9.24,
            "inbound_count": 0,
            "inbound_price": None,
            "bounced_count": 0,
            "bounced_price": None,
            "extra": None,
        }

    def test_they_count_what_the_history_holds(self, sandbox):
        output = run_tap(sandbox.api_url, "statistics_sms", "sms_history")
        for day in output.rows("statistics_sms"):
            rows = [row for row in output.rows("sms_history") if row["date"][:10] == day["date"][:10]]
            assert day["inbound_count"] == sum(row["direction"] == "in" for row in rows)
            assert day["outbound_count"] == sum(row["direction"] == "out" for row in rows)

    def test_no_voice_access_is_a_warning(self, sandbox, caplog):
        forbid(sandbox, "statistics_voice")
        run_tap(sandbox.api_url, "statistics_voice")
        assert "no voice access" in caplog.text


@pytest.mark.parametrize("stream", sorted(REPORTS))
@pytest.mark.parametrize("data", [[], {"total": {}}, "text", [1], {"stats": {}, "sms": [1]}])
def test_reports_of_another_shape(sandbox, stream, data):
    body = {"http_code": 200, "response_code": "SUCCESS", "data": data}
    sandbox.control("POST", "faults", {"path": pattern(stream), "kind": "body", "body": body, "times": -1})
    if data in ([], {"total": {}}):
        assert run_tap(sandbox.api_url, stream).rows(stream) == []
    else:
        with pytest.raises(errors.UnexpectedAnswerError, match="Check api_url"):
            run_tap(sandbox.api_url, stream)


def test_rules_are_read_through_the_client(sandbox, connect):
    client = connect(sandbox.api_url)
    for path in ("/automations/sms/inbound", "/automations/sms/receipts", "/automations/voice/receipts"):
        rules = client.get(path).data["data"]
        assert [rule["enabled"] for rule in rules if rule["action"] == "POLL"] == [0, 1]
