"""Histories over many runs: nothing missed, nothing stale, the bookmark never ahead of what can change."""

from datetime import UTC, datetime

import pytest

from clicksend.sandbox import Sandbox
from tap_clicksend.state import seconds_of
from tap_clicksend.streams import ALL
from tap_clicksend.tap import TapClickSend
from tests.conftest import budget
from tests.tap.moving_history import MovingHistory
from tests.tap.runner import CREDENTIALS, Output, catalog_of, run_tap

STREAMS = {stream.name: stream for stream in ALL}
HISTORIES = ["sms_history", "mms_history", "voice_history"]
DAY = 86_400
NOW = 1_790_000_000


def iso(seconds):
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def passed(row, now, days):
    """Whether a message does not hold the bookmark."""
    return (
        row["date"] < iso(now - days * DAY)
        or row["direction"] == "in"
        or row["status_code"] in ("201", "301")
        or row["status"] in ("Failed", "Cancelled", "CancelledAfterReview")
        or (row["schedule"] or "") > iso(now + days * DAY)
    )


def waits(row, state, stream):
    """Whether a message is due to be read again."""
    bookmark = state["bookmarks"][stream]
    date = row[STREAMS[stream].replication_key]
    windows = [*bookmark.get("open_windows", []), [bookmark["replication_key_value"], "9999", ""]]
    return any(since <= date < until for since, until, _ in windows)


class TestIncremental:
    """Histories move on, and read again only what may have changed."""

    @pytest.mark.parametrize("stream", HISTORIES)
    def test_the_second_run_reads_what_is_new_and_what_may_have_changed(self, sandbox, stream):
        first = run_tap(sandbox.api_url, stream)
        sandbox.advance(20 * DAY)
        second = run_tap(sandbox.api_url, stream, state=first.state)
        loaded = {row["message_id"]: row for row in first.rows(stream)}
        assert 0 < len(second.rows(stream)) < len(loaded)
        loaded |= {row["message_id"]: row for row in second.rows(stream)}
        # Retention drops the oldest rows from the API, not from the warehouse.
        now = {row["message_id"]: row for row in run_tap(sandbox.api_url, stream).rows(stream)}
        assert now.items() <= loaded.items()
        assert len(now) > len(first.rows(stream)) / 2

    def test_a_run_without_news_does_not_move_the_bookmark_back(self, sandbox):
        first = run_tap(sandbox.api_url, *HISTORIES)
        second = run_tap(sandbox.api_url, *HISTORIES, state=first.state)
        assert second.state == first.state

    def test_the_bookmark_waits_for_what_can_still_change(self, sandbox):
        now = sandbox.state()["now"]
        for days in (0, 4):
            output = run_tap(sandbox.api_url, "sms_history", settle_days=days)
            unsettled = [row["date"] for row in output.rows("sms_history") if not passed(row, now, days)]
            bookmark = output.state["bookmarks"]["sms_history"]["replication_key_value"]
            assert bookmark == min([iso(now - 3600), *unsettled])
            assert bool(unsettled) == bool(days)

    def test_what_is_scheduled_far_ahead_is_looked_at_again_when_due(self, sandbox):
        now = sandbox.state()["now"]
        first = run_tap(sandbox.api_url, "sms_history")
        bookmark = first.state["bookmarks"]["sms_history"]
        waiting = [
            row
            for row in first.rows("sms_history")
            if row["status"] == "Scheduled" and row["date"] < bookmark["replication_key_value"]
        ]
        assert waiting
        for row in waiting:
            assert any(
                since <= row["date"] < until and due <= row["schedule"]
                for since, until, due in bookmark["open_windows"]
            )
        again = run_tap(sandbox.api_url, "sms_history", state=first.state)
        ids = {row["message_id"] for row in waiting}
        assert not ids & {row["message_id"] for row in again.rows("sms_history")}
        state, loaded = first.state, {}
        for _ in range(12):
            sandbox.advance(5 * DAY)
            output = run_tap(sandbox.api_url, "sms_history", state=state)
            state = output.state
            loaded |= {row["message_id"]: row for row in output.rows("sms_history")}
        assert {loaded[message_id]["status"] for message_id in ids} & {"Scheduled", "Queued"} == set()
        left = state["bookmarks"]["sms_history"].get("open_windows", [])
        assert not [window for window in left if window[2] <= iso(now)]

    @pytest.mark.parametrize("date_filter", ["inclusive", "exclusive", "ignored"])
    def test_start_and_end_cut_to_the_second_whatever_the_server_includes(self, sandbox, date_filter):
        rows = sorted(
            run_tap(sandbox.api_url, "sms_history").rows("sms_history"), key=lambda row: row["date"]
        )
        start, end = rows[100]["date"], rows[200]["date"]
        expected = {row["message_id"] for row in rows if start <= row["date"] < end}
        sandbox.control("POST", "switches", {"date_filter": date_filter})
        output = run_tap(sandbox.api_url, "sms_history", start_date=start, end_date=end)
        assert {row["message_id"] for row in output.rows("sms_history")} == expected
        bookmark = output.state["bookmarks"]["sms_history"]
        assert bookmark["replication_key_value"] == end

    def test_windows_that_are_due_together_all_stay_open_until_they_are_done(self):
        with Sandbox(seed=2, messages=450, contacts=20, epoch=NOW) as box:
            state = run_tap(box.api_url, "sms_history").state
            bookmark = state["bookmarks"]["sms_history"]
            windows = bookmark["open_windows"]
            assert len(windows) > 1
            bookmark["open_windows"] = [[since, until, iso(NOW - DAY)] for since, until, _ in windows]
            again = run_tap(box.api_url, "sms_history", state=state).state["bookmarks"]["sms_history"]
            assert again["open_windows"] == windows

    def test_a_run_a_day_leaves_nothing_stale(self):
        """Several windows can be due in one run, and some of them again later."""
        with Sandbox(seed=1, messages=budget(600, 3000), contacts=20, epoch=NOW) as box:
            state, loaded = None, {}
            for _ in range(12):
                output = run_tap(box.api_url, *HISTORIES, state=state)
                state = output.state
                for stream in HISTORIES:
                    loaded |= {row["message_id"]: row for row in output.rows(stream)}
                box.advance(DAY)
            output = run_tap(box.api_url, *HISTORIES, state=state)
            for stream in HISTORIES:
                loaded |= {row["message_id"]: row for row in output.rows(stream)}
            whole = run_tap(box.api_url, *HISTORIES)
            stale = [
                row["message_id"]
                for stream in HISTORIES
                for row in whole.rows(stream)
                if loaded[row["message_id"]] != row and not waits(row, output.state, stream)
            ]
            assert stale == []

    def test_an_end_date_never_moves_a_bookmark_back(self, sandbox):
        state = run_tap(sandbox.api_url, "sms_history").state
        again = run_tap(sandbox.api_url, "sms_history", state=state, end_date="2026-01-01")
        assert again.state == state

    def test_a_start_date_moved_back_is_reported_with_the_command_that_backfills(self, sandbox, caplog):
        state = run_tap(sandbox.api_url, "sms_history", start_date="2026-09-01").state
        assert state["bookmarks"]["sms_history"]["start_date"] == "2026-09-01T00:00:00+00:00"
        assert "moved" not in caplog.text
        again = run_tap(sandbox.api_url, "sms_history", start_date="2026-08-01", state=state)
        assert "TAP_CLICKSEND_END_DATE=2026-09-01T00:00:00+00:00 meltano run" in caplog.text
        assert again.state["bookmarks"]["sms_history"]["start_date"] == "2026-09-01T00:00:00+00:00"

    def test_full_table_in_the_catalog_reads_all_and_keeps_no_bookmark(self, sandbox):
        catalog = catalog_of("sms_history")
        for entry in catalog["streams"]:
            if entry["stream"] == "sms_history":
                entry["replication_method"] = "FULL_TABLE"
        output = Output()
        config = {"api_url": sandbox.api_url, **CREDENTIALS}
        TapClickSend(config=config, catalog=catalog, message_writer=output).sync_all()
        assert len(output.rows("sms_history")) == sandbox.state()["rows"]["sms_history"]
        kept = output.state["bookmarks"]["sms_history"].keys()
        assert not kept & {"replication_key", "replication_key_value", "open_windows"}

    def test_full_table_reads_all_whatever_the_state_says(self, sandbox):
        state = run_tap(sandbox.api_url, "sms_history").state
        catalog = catalog_of("sms_history")
        (entry,) = (entry for entry in catalog["streams"] if entry["stream"] == "sms_history")
        entry["replication_method"] = "FULL_TABLE"
        output = Output()
        config = {"api_url": sandbox.api_url, **CREDENTIALS}
        TapClickSend(config=config, catalog=catalog, state=state, message_writer=output).sync_all()
        assert len(output.rows("sms_history")) == sandbox.state()["rows"]["sms_history"]


BOOKMARK = {"replication_key": "date", "replication_key_value": iso(NOW - 20 * DAY)}


def test_a_bookmark_moves_forward_only():
    tap = TapClickSend(
        config={"api_url": "http://127.0.0.1:9/v3", **CREDENTIALS},
        catalog=catalog_of("sms_history"),
        state={"bookmarks": {"sms_history": dict(BOOKMARK)}},
    )
    stream = tap.streams["sms_history"]
    assert stream.advance(NOW - 30 * DAY) == NOW - 20 * DAY
    assert stream.stream_state["replication_key_value"] == iso(NOW - 20 * DAY)
    assert stream.advance(NOW - 10 * DAY) == NOW - 10 * DAY
    assert stream.stream_state["replication_key_value"] == iso(NOW - 10 * DAY)


class Undelivered(MovingHistory):
    """No message has arrived yet."""

    def answer(self, query):
        page = super().answer(query)
        return page | {"data": [row | {"status_code": "200"} for row in page["data"]]}


@pytest.mark.parametrize("days", [0.5, 1.25, 2])
def test_days_to_settle_may_have_a_fraction(days):
    ages = {f"{number:036}": int((days + number / 20) * DAY) for number in range(-3, 4)}
    history = Undelivered({name: NOW - age for name, age in ages.items()}, {}, NOW)
    bookmark = history.run(settle_days=days).state["bookmarks"]["sms_history"]
    assert bookmark["replication_key_value"] == iso(NOW - days * DAY)


@pytest.mark.parametrize("fraction", ["", ".4", ".9", ".999999"])
@pytest.mark.parametrize("zone", ["", "Z", "+02:00"])
def test_a_state_s_fraction_of_a_second_is_no_second_more(fraction, zone):
    whole = seconds_of(f"2026-10-01T00:00:00{zone}", "sms_history")
    assert seconds_of(f"2026-10-01T00:00:00{fraction}{zone}", "sms_history") == whole
    assert whole == 1_790_812_800 - 7200 * (zone == "+02:00")


def test_what_was_looked_at_again_is_in_the_state_at_once():
    """A run that is killed does not look at it a third time."""
    days = range(40, 37, -1)
    rows = {f"{day:036}": NOW - day * DAY + 60 for day in days}
    windows = [[iso(NOW - day * DAY), iso(NOW - (day - 1) * DAY), iso(NOW - DAY)] for day in days]
    state = {"bookmarks": {"sms_history": BOOKMARK | {"open_windows": windows}}}
    output = MovingHistory(rows, {}, NOW).run(state=state)
    seen, waiting = [], []
    for message in output.messages:
        if message["type"] == "RECORD":
            seen.append(message["record"]["message_id"])
        elif message["type"] == "STATE":
            bookmark = message["value"]["bookmarks"]["sms_history"]
            waiting.append((len(seen), bookmark.get("open_windows", [])))
    assert waiting[:4] == [(number, windows[number:]) for number in range(4)]
