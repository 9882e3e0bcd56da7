"""Histories in windows: complete while the world moves, resumable after each, right on any server."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clicksend.errors import UnexpectedAnswerError
from tap_clicksend.readers import windows
from tap_clicksend.readers.windows import Directions, Span
from tap_clicksend.rows.columns import iso
from tests.conftest import budget
from tests.tap.moving_history import MovingHistory
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
@given(data=st.data(), dates=DATES, seed=st.integers(0, 99))
@settings(max_examples=budget(10, 200), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_there_throughout_comes_out_once_while_rows_come_or_go(
    small_windows, kind, honest, max_concurrency, data, dates, seed
):
    rows = {f"{number:036}": date for number, date in enumerate(dates)}
    name = "{:036}" if kind == "delete" else "new-{:032}"
    script = {n: [(k, name.format(i), d) for k, i, d in steps] for n, steps in data.draw(moves(kind)).items()}
    history = MovingHistory(rows, script, NOW, honest=honest, seed=seed)
    output = history.run(page_size=15, max_concurrency=max_concurrency)
    found = [row["message_id"] for row in output.rows("sms_history")]
    assert len(found) == len(set(found))
    if "replication_key_value" in output.state["bookmarks"]["sms_history"]:
        assert history.always <= set(found)
    later = history.run(state=output.state).rows("sms_history")
    assert history.always <= set(found) | {row["message_id"] for row in later}


MOVES = [(["insert"], 100 * DAY), (["delete"], 100 * DAY), (["insert", "forget"], 3600)]
"""Of which kinds, and how old what comes may be (seconds)."""


@given(st.data(), st.integers(0, 99), st.integers(1, 8), st.sampled_from([True, True, True, False]))
@settings(max_examples=budget(20, 1000), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_over_many_runs_the_bookmark_never_passes_what_is_not_loaded(
    small_windows, data, seed, threads, honest
):
    """Rows come or go in several windows while threads read them, so that some stay unproven.

    Where rows come and go they come at the new end and go at the old one, as ClickSend's do: where others
    take the places of some, in a window and between two requests, no count shows it.
    """
    history, loaded, state, reached = MovingHistory({}, {}, NOW, honest=honest, seed=seed), set(), None, ""
    for number in range(data.draw(st.integers(2, 4))):
        now = NOW + number * DAY
        since = now - (100 if number == 0 else 1) * DAY
        dates = data.draw(st.lists(st.integers(since, now - 7200), min_size=1, max_size=120))
        rows = {f"{number}-{place:034}": date for place, date in enumerate(dates)}
        kinds, oldest = data.draw(st.sampled_from(MOVES))
        moments = st.integers(now - oldest, now - 7200 if oldest > DAY else now)
        step = st.tuples(st.sampled_from(kinds), st.sampled_from(sorted(rows)), moments)
        script = data.draw(st.dictionaries(st.integers(1, 40), st.lists(step, max_size=3), max_size=12))
        named = {
            n: [(kind, f"new-{number}-{n}-{i}" if kind == "insert" else i, date) for kind, i, date in steps]
            for n, steps in script.items()
        }
        history.goes_on(rows, named, now)
        output = history.run(state=state, page_size=15, max_concurrency=threads)
        found = [row["message_id"] for row in output.rows("sms_history")]
        assert len(found) == len(set(found))
        loaded |= set(found)
        state = output.state
        bookmark = state["bookmarks"]["sms_history"].get("replication_key_value", "")
        assert bookmark >= reached
        reached = bookmark
        assert {one for one in history.always if iso(history.rows[one]) < bookmark} <= loaded
    history.goes_on({}, {}, NOW + 10 * DAY)
    loaded |= {row["message_id"] for row in history.run(state=state, page_size=15).rows("sms_history")}
    assert history.always <= loaded


@pytest.mark.parametrize("honest", [True, False], ids=["filters", "ignores filters"])
def test_every_state_is_a_place_to_go_on_from(small_windows, honest):
    rows = {f"{number:036}": NOW - 100 * DAY + number * 40_000 for number in range(200)}
    history = MovingHistory(rows, {}, NOW, honest=honest)
    output = history.run(page_size=15)
    states = [(n, m["value"]) for n, m in enumerate(output.messages) if m["type"] == "STATE"]
    assert len(states) >= (5 if honest else 1)
    for position, state in states:
        before = {m["record"]["message_id"] for m in output.messages[:position] if m["type"] == "RECORD"}
        after = {row["message_id"] for row in history.run(state=state).rows("sms_history")}
        assert before | after == set(rows)
    bookmarks = [s["bookmarks"]["sms_history"].get("replication_key_value") or "" for _, s in states]
    assert bookmarks == sorted(bookmarks)
    assert bookmarks[-1]


@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize("request_", range(2, 6))
def test_the_oldest_goes_as_another_comes(threads, request_):
    """The count stays as it was, and a message has slipped to a page that was read before."""
    rows = {f"{number:036}": NOW - 50 * DAY + number for number in range(60)}
    script = {request_: [("forget", "", 0), ("insert", "new", NOW - 60)]}
    for seed in range(10):
        history = MovingHistory(rows, script, NOW, seed=seed)
        output = history.run(page_size=15, max_concurrency=threads)
        assert history.always <= {row["message_id"] for row in output.rows("sms_history")}
        assert output.state["bookmarks"]["sms_history"]["replication_key_value"] == iso(NOW - 3600)


def test_windows_cost_few_requests(small_windows):
    rows = {f"{number:036}": NOW - 100 * DAY + number * 40_000 for number in range(200)}
    history = MovingHistory(rows, {}, NOW)
    history.run(page_size=20)
    # 200 rows are 10 pages; one look at the whole span, and windows that end in the middle of a page.
    assert history.requests <= 10 + 2 + 6


def test_a_row_that_moves_to_an_earlier_page_is_found_by_reading_again(caplog):
    rows = {f"{number:036}": NOW - 50 * DAY + number for number in range(60)}
    caplog.set_level("INFO")
    history = MovingHistory(rows, {3: [("delete", f"{0:036}", 0)]}, NOW)
    output = history.run(page_size=20, max_concurrency=1)
    assert {row["message_id"] for row in output.rows("sms_history")} == set(rows)
    assert "1 re-read," in caplog.text


class Miscounting(MovingHistory):
    """Counts one row that is not there."""

    def answer(self, query):
        return super().answer(query) | {"total": len(self.rows) + 1}


def test_a_server_that_counts_wrong_is_believed_after_two_equal_readings(caplog):
    rows = {f"{number:036}": NOW - 50 * DAY + number for number in range(30)}
    output = Miscounting(rows, {}, NOW).run(page_size=20)
    assert len(output.rows("sms_history")) == 30
    assert "replication_key_value" in output.state["bookmarks"]["sms_history"]
    assert "counts 31 messages but sends 30, twice alike" in caplog.text


class Restless(MovingHistory):
    """Has one more message in its first days each time that these are asked for."""

    def answer(self, query):
        if int(query.get("date_from", 0)) < NOW - 99 * DAY:
            self.rows[f"new-{self.requests:032}"] = NOW - 100 * DAY + self.requests
        return super().answer(query)


def test_a_window_that_never_settles_holds_the_bookmark_whatever_comes_after_it(small_windows):
    rows = {f"{number:036}": NOW - 100 * DAY + number * 40_000 for number in range(200)}
    output = Restless(rows, {}, NOW).run(page_size=20)
    found = {row["message_id"] for row in output.rows("sms_history")}
    bookmark = output.state["bookmarks"]["sms_history"]
    assert set(rows) <= found
    assert bookmark.get("replication_key_value", "") <= iso(NOW - 99 * DAY)


def test_a_due_window_stays_due_whatever_comes_after_its_restless_part(small_windows):
    rows = {f"{number:036}": NOW - 100 * DAY + number * 40_000 for number in range(200)}
    window = [iso(NOW - 100 * DAY), iso(NOW - 5 * DAY), iso(NOW - DAY)]
    bookmark = {"replication_key": "date", "replication_key_value": iso(NOW - DAY), "open_windows": [window]}
    history = Restless(rows, {}, NOW)
    output = history.run(state={"bookmarks": {"sms_history": bookmark}}, page_size=20)
    assert set(rows) <= {row["message_id"] for row in output.rows("sms_history")}
    assert output.state["bookmarks"]["sms_history"]["open_windows"] == [window]


@pytest.mark.parametrize(("disturbed", "proven"), [((4, 6, 9), True), ((4, 6, 9, 12), False)])
def test_a_window_is_read_three_times_more_at_most(disturbed, proven):
    """A row goes before the second page: of the first reading, and of the next ones."""
    rows = {f"{number:036}": NOW - 50 * DAY + number for number in range(40)}
    script = {number: [("delete", f"{place:036}", 0)] for place, number in enumerate(disturbed)}
    history = MovingHistory(rows, script, NOW)
    output = history.run(page_size=15, max_concurrency=1)
    assert ("replication_key_value" in output.state["bookmarks"]["sms_history"]) == proven


def test_a_start_date_after_the_bookmark_is_where_reading_begins():
    rows = {f"{number:036}": NOW - 100 * DAY + number * DAY for number in range(95)}
    bookmark = {"replication_key": "date", "replication_key_value": iso(NOW - 90 * DAY)}
    state, start = {"bookmarks": {"sms_history": bookmark}}, iso(NOW - 20 * DAY)
    found = MovingHistory(rows, {}, NOW).run(state=state, start_date=start).rows("sms_history")
    assert {row["message_id"] for row in found} == {i for i, date in rows.items() if date >= NOW - 20 * DAY}


class Countless(MovingHistory):
    """Says nothing of how many rows there are."""

    def answer(self, query):
        return {"data": super().answer(query)["data"]}


@pytest.mark.parametrize("honest", [True, False], ids=["filters", "ignores filters"])
def test_a_server_that_does_not_count_is_read_until_nothing_new_comes(honest):
    rows = {f"{number:036}": NOW - 50 * DAY + number for number in range(45)}
    output = Countless(rows, {}, NOW, honest=honest).run(page_size=15)
    assert {row["message_id"] for row in output.rows("sms_history")} == set(rows)
    assert len(output.rows("sms_history")) == 45


def test_a_window_that_never_stands_still_holds_the_bookmark(caplog):
    rows = {f"{number:036}": NOW - 50 * DAY + number for number in range(30)}
    script = {n: [("insert", f"new-{n:032}", NOW - 50 * DAY)] for n in range(2, 40)}
    output = MovingHistory(rows, script, NOW).run(page_size=10, max_concurrency=1)
    assert {row["message_id"] for row in output.rows("sms_history")} >= set(rows)
    assert "replication_key_value" not in output.state["bookmarks"]["sms_history"]
    assert "changes too fast" in caplog.text


def test_a_due_window_that_never_stands_still_stays_due(caplog):
    rows = {f"{number:036}": NOW - 50 * DAY + number for number in range(30)}
    script = {n: [("insert", f"new-{n:032}", NOW - 50 * DAY)] for n in range(2, 40)}
    window = [iso(NOW - 50 * DAY), iso(NOW - 49 * DAY), iso(NOW - DAY)]
    bookmark = {"replication_key": "date", "replication_key_value": iso(NOW - DAY), "open_windows": [window]}
    state = {"bookmarks": {"sms_history": bookmark}}
    output = MovingHistory(rows, script, NOW).run(state=state, page_size=10, max_concurrency=1)
    assert output.state["bookmarks"]["sms_history"]["open_windows"] == [window]
    assert "changes too fast" in caplog.text


@pytest.mark.parametrize("drift", [60, 7200])
def test_the_sandbox_drifting_under_the_tap(drift, small_windows):
    from clicksend.sandbox import Sandbox

    with Sandbox(seed=5, messages=600, contacts=20, epoch=NOW) as box:
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
def test_one_id_in_both_directions_ends_the_run(
    small_windows, tmp_path, caplog, between, honest, batch, earlier
):
    """Two messages of one key: the loader would keep one of them, and nobody would hear of the other."""
    inbound = {id_of(1000 + number): date + 7 for number, date in enumerate(SENT_ROWS.values())}
    sign = 1 if earlier == "out" else -1
    twins = [id_of(100 - sign * 95), id_of(100 - sign * 94)] if between > DAY else [id_of(100), id_of(150)]
    inbound |= {twin: SENT_ROWS[twin] + sign * between for twin in twins}
    config = {"encoding": {"format": "jsonl"}, "storage": {"root": tmp_path.as_uri()}}
    output = Output()
    history = MovingHistory(SENT_ROWS, {}, NOW, honest=honest, inbound=inbound)
    with pytest.raises(UnexpectedAnswerError, match=r"GET /sms/history.*\([12] of them\)") as raised:
        history.run(output=output, page_size=15, **({"batch_config": config} if batch else {}))
    assert "under the key message_id" in str(raised.value)
    assert "twice alike" not in caplog.text
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
    history = MovingHistory(SENT_ROWS, {}, NOW, inbound={twin: NOW - 10 * DAY})
    with pytest.raises(UnexpectedAnswerError, match="in both directions"):
        history.run(state=state, output=output, page_size=15)
    assert output.state["bookmarks"]["sms_history"]["replication_key_value"] <= iso(NOW - 10 * DAY)


def test_ids_of_their_own_in_both_directions_are_no_fault(small_windows):
    inbound = {id_of(1000 + number): date for number, date in enumerate(SENT_ROWS.values())}
    rows = MovingHistory(SENT_ROWS, {}, NOW, inbound=inbound).run(page_size=15).rows("sms_history")
    assert {(row["message_id"], row["direction"]) for row in rows} == {
        *((one, "out") for one in SENT_ROWS),
        *((one, "in") for one in inbound),
    }


def test_ids_are_told_apart_whole():
    """Their hashes lie end to end: the end of one and the beginning of the next are not a third."""
    directions = Directions()
    directions.add({"out": [1 << 16, 2 << 16], "in": [0x100 << 16, 0x200 << 16]})
    directions.check("/sms/history", Span(None, NOW))
    directions.add({"in": [2 << 16]})
    with pytest.raises(UnexpectedAnswerError, match="1 of them"):
        directions.check("/sms/history", Span(None, NOW))


def test_rows_without_an_id_are_not_one_message():
    directions = Directions()
    directions.add({"out": [None, "a"], "in": [None, "b", ""]})
    directions.add({"in": [None], None: [None, ""]})
    directions.check("/sms/history", Span(None, NOW))


class Undated(MovingHistory):
    """Has one message without a date."""

    def answer(self, query):
        page = super().answer(query)
        odd = {"message_id": id_of(9999), "date": None, "direction": "out", "status_code": "201"}
        is_first = int(query["page"]) == 1
        return page | {"total": page["total"] + 1, "data": page["data"] + [odd] * is_first}


def test_a_message_without_a_date_comes_out_once_whatever_is_cut_off_beside_it():
    rows = {id_of(number): NOW - 10 * DAY + number for number in range(25)}
    for start in (0, 7):
        output = Undated(rows, {}, NOW).run(page_size=10, start_date=iso(NOW - 10 * DAY + start))
        found = [row["message_id"] for row in output.rows("sms_history")]
        assert sorted(found) == [*(id_of(number) for number in range(start, 25)), id_of(9999)]


class Exclusive(MovingHistory):
    """Leaves out what lies on the ends of what was asked for."""

    def answer(self, query):
        inner = {"date_from": 1, "date_to": -1}
        return super().answer(
            {name: int(query[name]) + inner.get(name, 0) for name in query if name != "order_by"}
        )


@pytest.mark.parametrize("server", [MovingHistory, Exclusive])
def test_a_message_a_second_comes_out_once_on_the_ends_of_windows_too(small_windows, server):
    since = NOW - 10 * DAY
    rows = {id_of(number): since + number for number in range(130)}
    history = server(rows, {}, NOW)
    output = history.run(page_size=20, start_date=iso(since + 7), end_date=iso(since + 127))
    found = [row["message_id"] for row in output.rows("sms_history")]
    assert sorted(found) == [id_of(number) for number in range(7, 127)]
    assert history.requests < 15
