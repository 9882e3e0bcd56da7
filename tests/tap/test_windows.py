"""Histories in windows: complete while the world moves, resumable after each, right on any server."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clicksend.errors import UnexpectedAnswerError
from tap_clicksend.readers import windows
from tap_clicksend.readers.windows import Span
from tap_clicksend.rows.columns import iso
from tests.tap.moving_server import MovingServer
from tests.tap.runner import Output, run_tap

NOW = 1_790_000_000
DAY = 86_400


@pytest.fixture
def small_windows(monkeypatch):
    monkeypatch.setattr(windows, "LARGEST_WINDOW", 40)


@given(
    st.none() | st.integers(0, 10**9),
    st.integers(1, 10**9),
    st.integers(2, 200),
    st.integers(0, 2 * 10**9),
)
def test_parts_cover_a_span_without_gap_or_overlap(since, length, count, oldest):
    span = Span(since, (since or 0) + length)
    parts = span.parts(count, oldest)
    assert 1 <= len(parts) <= count
    assert (parts[0].since, parts[-1].until) == (since, span.until)
    assert all(left.until == right.since for left, right in pairwise(parts))
    assert all(part.since is None or part.since < part.until for part in parts)


DATES = st.lists(st.integers(NOW - 100 * DAY, NOW - 2 * DAY), min_size=31, max_size=160).map(sorted)


def moves(kind):
    """What happens before a request; the third is the first that can miss something."""
    step = st.tuples(st.just(kind), st.integers(0, 30), st.integers(NOW - 100 * DAY, NOW - 2 * DAY))
    return st.dictionaries(st.integers(3, 12), st.lists(step, min_size=1, max_size=4), min_size=1, max_size=6)


@pytest.mark.parametrize("honest", [True, False], ids=["filters", "ignores filters"])
@pytest.mark.parametrize("kind", ["insert", "delete"])
@pytest.mark.parametrize("max_concurrency", [1, 8])
@given(data=st.data(), dates=DATES)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_there_throughout_comes_out_once_while_rows_come_or_go(
    small_windows, kind, honest, max_concurrency, data, dates
):
    rows = {f"{number:036}": date for number, date in enumerate(dates)}
    name = "{:036}" if kind == "delete" else "new-{:032}"
    script = {n: [(k, name.format(i), d) for k, i, d in steps] for n, steps in data.draw(moves(kind)).items()}
    with MovingServer(rows, script, NOW, honest=honest) as server:
        output = run_tap(server.api_url, "sms_history", page_size=15, max_concurrency=max_concurrency)
        found = [row["message_id"] for row in output.rows("sms_history")]
        assert len(found) == len(set(found))
        if "replication_key_value" in output.state["bookmarks"]["sms_history"]:
            assert server.always <= set(found)
        later = run_tap(server.api_url, "sms_history", state=output.state).rows("sms_history")
        assert server.always <= set(found) | {row["message_id"] for row in later}


@pytest.mark.parametrize("honest", [True, False], ids=["filters", "ignores filters"])
def test_every_state_is_a_place_to_go_on_from(small_windows, honest):
    rows = {f"{number:036}": NOW - 100 * DAY + number * 40_000 for number in range(200)}
    with MovingServer(rows, {}, NOW, honest=honest) as server:
        output = run_tap(server.api_url, "sms_history", page_size=15)
        states = [(n, m["value"]) for n, m in enumerate(output.messages) if m["type"] == "STATE"]
        assert len(states) >= (5 if honest else 1)
        for position, state in states:
            before = {m["record"]["message_id"] for m in output.messages[:position] if m["type"] == "RECORD"}
            after = {
                row["message_id"]
                for row in run_tap(server.api_url, "sms_history", state=state).rows("sms_history")
            }
            assert before | after == set(rows)
        bookmarks = [s["bookmarks"]["sms_history"].get("replication_key_value") or "" for _, s in states]
        assert bookmarks == sorted(bookmarks)


def test_windows_cost_few_requests(small_windows):
    rows = {f"{number:036}": NOW - 100 * DAY + number * 40_000 for number in range(200)}
    with MovingServer(rows, {}, NOW, honest=True) as server:
        run_tap(server.api_url, "sms_history", page_size=20)
        # 200 rows are 10 pages; one look at the whole span, and windows that end in the middle of a page.
        assert server.requests <= 10 + 2 + 6


def test_a_row_that_moves_to_an_earlier_page_is_found_by_reading_again(caplog):
    rows = {f"{number:036}": NOW - 50 * DAY + number for number in range(60)}
    script = {3: [("delete", f"{0:036}", 0)]}
    caplog.set_level("INFO")
    with MovingServer(rows, script, NOW, honest=True) as server:
        output = run_tap(server.api_url, "sms_history", page_size=20, max_concurrency=1)
        assert {row["message_id"] for row in output.rows("sms_history")} == set(rows)
    assert "1 re-read," in caplog.text


def test_a_server_that_counts_wrong_is_believed_after_two_equal_readings(monkeypatch, caplog):
    rows = {f"{number:036}": NOW - 50 * DAY + number for number in range(30)}
    with MovingServer(rows, {}, NOW, honest=True) as server:
        answer = server._answer
        monkeypatch.setattr(
            server, "_answer", lambda query: (body := answer(query), body["data"].update(total=31))[0]
        )
        server._server.RequestHandlerClass = server._handler()
        output = run_tap(server.api_url, "sms_history", page_size=20)
        assert len(output.rows("sms_history")) == 30
        assert "replication_key_value" in output.state["bookmarks"]["sms_history"]
    assert "counts 31 messages but sends 30, twice alike" in caplog.text


class Restless(MovingServer):
    """Has one more message in its first days each time that these are asked for."""

    def _answer(self, query):
        if int(query.get("date_from", 0)) < NOW - 99 * DAY:
            self.rows[f"new-{self.requests:032}"] = NOW - 100 * DAY + self.requests
        return super()._answer(query)


def test_a_window_that_never_settles_holds_the_bookmark_whatever_comes_after_it(small_windows):
    rows = {f"{number:036}": NOW - 100 * DAY + number * 40_000 for number in range(200)}
    with Restless(rows, {}, NOW, honest=True) as server:
        output = run_tap(server.api_url, "sms_history", page_size=20)
        found = {row["message_id"] for row in output.rows("sms_history")}
        bookmark = output.state["bookmarks"]["sms_history"]
    assert set(rows) <= found
    assert bookmark.get("replication_key_value", "") <= iso(NOW - 99 * DAY)


@pytest.mark.parametrize("honest", [True, False], ids=["filters", "ignores filters"])
def test_a_server_that_does_not_count_is_read_until_nothing_new_comes(monkeypatch, honest):
    rows = {f"{number:036}": NOW - 50 * DAY + number for number in range(45)}
    with MovingServer(rows, {}, NOW, honest=honest) as server:
        answer = server._answer
        monkeypatch.setattr(
            server, "_answer", lambda query: answer(query) | {"data": {"data": answer(query)["data"]["data"]}}
        )
        server._server.RequestHandlerClass = server._handler()
        output = run_tap(server.api_url, "sms_history", page_size=15)
        assert {row["message_id"] for row in output.rows("sms_history")} == set(rows)
        assert len(output.rows("sms_history")) == 45


def test_a_window_that_never_stands_still_holds_the_bookmark(caplog):
    rows = {f"{number:036}": NOW - 50 * DAY + number for number in range(30)}
    script = {n: [("insert", f"new-{n:032}", NOW - 50 * DAY)] for n in range(2, 40)}
    with MovingServer(rows, script, NOW, honest=True) as server:
        output = run_tap(server.api_url, "sms_history", page_size=10, max_concurrency=1)
        assert {row["message_id"] for row in output.rows("sms_history")} >= set(rows)
        assert "replication_key_value" not in output.state["bookmarks"]["sms_history"]
    assert "changes too fast" in caplog.text


def test_a_due_window_that_never_stands_still_stays_due(caplog):
    rows = {f"{number:036}": NOW - 50 * DAY + number for number in range(30)}
    script = {n: [("insert", f"new-{n:032}", NOW - 50 * DAY)] for n in range(2, 40)}
    window = [iso(NOW - 50 * DAY), iso(NOW - 49 * DAY), iso(NOW - DAY)]
    bookmark = {"replication_key": "date", "replication_key_value": iso(NOW - DAY), "open_windows": [window]}
    with MovingServer(rows, script, NOW, honest=True) as server:
        state = {"bookmarks": {"sms_history": bookmark}}
        output = run_tap(server.api_url, "sms_history", state=state, page_size=10, max_concurrency=1)
        assert output.state["bookmarks"]["sms_history"]["open_windows"] == [window]
    assert "changes too fast" in caplog.text


@pytest.mark.parametrize("drift", [60, 7200])
def test_the_sandbox_drifting_under_the_tap(drift, small_windows):
    from clicksend.sandbox import Sandbox

    with Sandbox(seed=5, messages=600, contacts=20) as box:
        before = {row["message_id"] for row in run_tap(box.api_url, "sms_history").rows("sms_history")}
        box.control("POST", "switches", {"drift": drift})
        output = run_tap(box.api_url, "sms_history", page_size=15)
        box.control("POST", "switches", {"drift": 0})
        found = [row["message_id"] for row in output.rows("sms_history")]
        after = {row["message_id"] for row in run_tap(box.api_url, "sms_history").rows("sms_history")}
        assert len(found) == len(set(found))
        assert before & after <= set(found)
        caught_up = run_tap(box.api_url, "sms_history", state=output.state).rows("sms_history")
        assert after <= set(found) | {row["message_id"] for row in caught_up}


def id_of(number):
    return f"{number:036}"


SENT_ROWS = {id_of(number): NOW - 100 * DAY + number * 40_000 for number in range(200)}


@pytest.mark.parametrize(
    ("between", "honest", "batch"),
    [
        pytest.param(0, True, False, id="at once"),
        pytest.param(1, False, False, id="page"),
        pytest.param(400_000, True, False, id="pages"),
        pytest.param(90 * DAY, True, False, id="windows"),
        pytest.param(90 * DAY, False, False, id="windows, ignores filters"),
        pytest.param(90 * DAY, True, True, id="windows, files"),
    ],
)
@pytest.mark.parametrize("earlier", ["in", "out"])
def test_one_id_in_both_directions_ends_the_run(small_windows, tmp_path, between, honest, batch, earlier):
    """Two messages of one key: the loader would keep one of them, and nobody would hear of the other."""
    inbound = {id_of(1000 + number): date + 7 for number, date in enumerate(SENT_ROWS.values())}
    sign = 1 if earlier == "out" else -1
    twins = [id_of(100 - sign * 95), id_of(100 - sign * 94)] if between > DAY else [id_of(100), id_of(150)]
    inbound |= {twin: SENT_ROWS[twin] + sign * between for twin in twins}
    config = {"encoding": {"format": "jsonl"}, "storage": {"root": tmp_path.as_uri()}}
    output = Output()
    with (
        MovingServer(SENT_ROWS, {}, NOW, honest=honest, inbound=inbound) as server,
        pytest.raises(UnexpectedAnswerError, match=r"GET /sms/history.*\([12] of them\)") as raised,
    ):
        run_tap(
            server.api_url,
            "sms_history",
            output=output,
            page_size=15,
            **({"batch_config": config} if batch else {}),
        )
    assert "under the key message_id" in str(raised.value)
    assert not any(twin in str(raised.value) for twin in twins)
    later_of_each = min(max(SENT_ROWS[twin], inbound[twin]) for twin in twins)
    reached = [m["value"]["bookmarks"]["sms_history"] for m in output.messages if m["type"] == "STATE"]
    assert all(one.get("replication_key_value", "") <= iso(later_of_each) for one in reached)
    assert not honest or batch or between < 90 * DAY or any("replication_key_value" in one for one in reached)


def test_one_id_in_both_directions_ends_a_second_look(small_windows):
    """The twins lie in a window that is due, and in what is new; the state stays as it was."""
    twin = id_of(100)
    window = [iso(SENT_ROWS[twin] - 5), iso(SENT_ROWS[twin] + 5), iso(NOW - DAY)]
    bookmark = {"replication_key": "date", "replication_key_value": iso(NOW - 20 * DAY)}
    state = {"bookmarks": {"sms_history": bookmark | {"open_windows": [window]}}}
    output = Output()
    with (
        MovingServer(SENT_ROWS, {}, NOW, honest=True, inbound={twin: NOW - 10 * DAY}) as server,
        pytest.raises(UnexpectedAnswerError, match="in both directions"),
    ):
        run_tap(server.api_url, "sms_history", state=state, output=output, page_size=15)
    assert output.state["bookmarks"]["sms_history"]["replication_key_value"] <= iso(NOW - 10 * DAY)


def test_ids_of_their_own_in_both_directions_are_no_fault(small_windows):
    inbound = {id_of(1000 + number): date for number, date in enumerate(SENT_ROWS.values())}
    with MovingServer(SENT_ROWS, {}, NOW, honest=True, inbound=inbound) as server:
        rows = run_tap(server.api_url, "sms_history", page_size=15).rows("sms_history")
    assert {(row["message_id"], row["direction"]) for row in rows} == {
        *((one, "out") for one in SENT_ROWS),
        *((one, "in") for one in inbound),
    }
