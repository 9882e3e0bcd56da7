"""``acknowledge``: as read is marked what the state of an earlier run proves loaded, and nothing else."""

import json
import random
import signal
import subprocess
import sys
from contextlib import suppress
from email.utils import formatdate
from itertools import product

import pytest

from clicksend.client import Client
from clicksend.errors import ClickSendError
from clicksend.sandbox import Sandbox
from tap_clicksend.readers.acknowledge import Receipts, Unread
from tap_clicksend.readers.collection import Collection
from tap_clicksend.rows.columns import iso
from tap_clicksend.state import seconds_of
from tap_clicksend.streams import messages
from tap_clicksend.tap import TapClickSend
from tests.conftest import FULL, budget
from tests.library.hostile_server import ok, serving
from tests.sandbox.runner import EPOCH
from tests.tap.runner import CREDENTIALS, Output, catalog_of, run_tap

DAY = 86_400

RECEIPTS = ("sms_receipts", "mms_receipts", "voice_receipts")
STREAMS = ("sms_inbound", *RECEIPTS)


@pytest.fixture(scope="module")
def _world():
    with Sandbox(seed=5, messages=400, contacts=60, epoch=EPOCH) as box:
        yield box


@pytest.fixture
def twin():
    with Sandbox(seed=5, messages=400, contacts=60, epoch=EPOCH) as box:
        box.control("POST", "switches", {"legacy_paths": "served"})
        yield box


@pytest.fixture
def world(_world):
    _world.control("POST", "reset")
    _world.control("POST", "switches", {"legacy_paths": "served"})
    return _world


def run(world, *streams, state=None, **config):
    return run_tap(world.api_url, *streams, state=state, acknowledge=True, **config)


def marks(world):
    return [seen for seen in world.requests() if seen["method"] != "GET"]


def keys(output, stream):
    name = "message_id" if stream == "sms_inbound" else "receipt_id"
    return {row[name] for row in output.rows(stream)}


RULES = [(1, "body"), (2, "query"), (1, "query_for_voice")]
TIMES = list(product(["sent", "reported"], ["exclusive", "inclusive"]))


def ways():
    """Yield how marking may work; in `make test` each stream with three of the four ways to compare times."""
    for (place, stream), (other, (rules, where)) in product(enumerate(STREAMS), enumerate(RULES)):
        for time, date_before in TIMES if FULL else [TIMES[(place + other) % 4]]:
            yield stream, rules, where, time, date_before


@pytest.mark.parametrize(("stream", "rules", "where", "time", "date_before"), list(ways()))
def test_what_a_first_run_loaded_the_second_marks_and_the_third_no_longer_sees(
    world, stream, rules, where, time, date_before
):
    switches = {"date_before": date_before, "date_before_in": where, "date_before_time": time}
    world.control("POST", "switches", switches | {"poll_rules": rules})
    first = run(world, stream)
    assert keys(first, stream)
    assert marks(world) == []
    second = run(world, stream, state=first.state)
    assert keys(second, stream) == keys(first, stream)
    assert marks(world)
    third = run(world, stream, state=second.state)
    gone = keys(first, stream) - keys(third, stream)
    assert gone
    # Only what was sent or made within the last four days may still be there, and of receipts must be.
    late = iso(world.state()["now"] - 4 * DAY)
    assert all(row["timestamp"] >= late for row in third.rows(stream))
    if stream == "sms_inbound":
        assert "loaded" not in second.state["bookmarks"][stream]
    else:
        sent = {row["receipt_id"]: row["timestamp_send"] for row in first.rows(stream)}
        recent = {one for one, moment in sent.items() if moment >= late}
        assert recent or stream != "sms_receipts"
        assert recent <= keys(third, stream)


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize("stream", STREAMS)
def test_what_cannot_be_marked_is_one_note_and_never_taken_for_marked(world, stream, status, caplog):
    caplog.set_level("INFO")
    fault = {"path": "*-read*", "method": "PUT", "kind": "status", "status": status, "times": -1}
    world.control("POST", "faults", fault)
    state, seen = None, []
    for _ in range(3):
        output = run(world, stream, state=state)
        state = output.state
        seen.append(keys(output, stream))
    assert seen[0] == seen[1] == seen[2]
    assert caplog.text.count("does not offer to mark them as read") == 2
    assert not [one for one in caplog.records if one.levelname in {"WARNING", "ERROR"}]
    assert "are marked as read" not in caplog.text
    world.control("DELETE", "faults")
    run(world, stream, state=state)
    assert keys(run(world, stream), stream) < seen[0]


@pytest.mark.parametrize("time", ["sent", "reported"])
def test_a_receipt_that_comes_late_is_not_marked_unseen(world, twin, time):
    """Sent before what is marked, and made after the run that proves it."""
    world.control("POST", "switches", {"date_before_time": time})
    seen, state = set(), None
    for _ in range(30):
        output = run(world, "sms_receipts", state=state)
        seen |= keys(output, "sms_receipts")
        state = output.state
        world.advance(6 * 3600 + 17)
    seen |= keys(run(world, "sms_receipts"), "sms_receipts")
    assert len(marks(world)) > 10
    twin.control("POST", "clock", {"now": world.state()["now"]})
    assert keys(run_tap(twin.api_url, "sms_receipts"), "sms_receipts") <= seen


@pytest.mark.parametrize("stream", STREAMS)
def test_without_the_setting_the_tap_writes_nothing(world, stream):
    state = run(world, stream).state
    run_tap(world.api_url, stream, state=state)
    assert marks(world) == []


@pytest.mark.parametrize("stream", STREAMS)
def test_without_a_state_nothing_is_proved(world, stream):
    run(world, stream)
    run(world, stream)
    assert marks(world) == []


def test_a_receipt_nobody_has_seen_before_the_cut_stops_the_marking(world):
    state = run(world, "sms_receipts").state
    loaded = state["bookmarks"]["sms_receipts"]["loaded"]
    forged = {**loaded, "count": loaded["count"] - 1}
    second = run(world, "sms_receipts", state={"bookmarks": {"sms_receipts": {"loaded": forged}}})
    assert marks(world) == []
    assert second.state["bookmarks"]["sms_receipts"]["loaded"] == loaded


def test_what_another_consumer_has_marked_meanwhile_is_no_proof_either(world, session):
    first = run(world, "sms_receipts")
    some = sorted(row["timestamp"] for row in first.rows("sms_receipts"))[-60]
    session.put(world.api_url + "/sms/receipts-read", json={"date_before": seconds_of(some, "")}, timeout=5)
    second = run(world, "sms_receipts", state=first.state)
    assert len(marks(world)) == 1
    run(world, "sms_receipts", state=second.state)
    assert len(marks(world)) == 2


@pytest.mark.parametrize("stream", STREAMS)
def test_what_comes_while_pages_are_read_is_never_lost(world, twin, stream):
    seen, state = set(), None
    world.control("POST", "switches", {"drift": 600})
    for _ in range(8):
        output = run(world, stream, state=state)
        seen |= keys(output, stream)
        state = output.state
        world.advance(7200)
    world.control("POST", "switches", {"drift": 0})
    seen |= keys(run(world, stream), stream)
    assert marks(world)
    # The same world, in which nobody ever marked anything.
    twin.control("POST", "clock", {"now": world.state()["now"]})
    assert seen == keys(run_tap(twin.api_url, stream), stream)


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 500}, {"kind": "html"}])
def test_a_page_that_stays_broken_marks_nothing(world, fault):
    state = run(world, "sms_inbound").state
    world.control("POST", "faults", {"path": "/sms/inbound", "method": "GET", "times": -1, **fault})
    output = Output()
    with pytest.raises(ClickSendError, match="/sms/inbound"):
        run(world, "sms_inbound", state=state, output=output)
    assert marks(world) == []


@pytest.mark.parametrize("stream", STREAMS)
def test_marking_that_fails_is_a_warning_and_is_tried_again(world, stream, caplog):
    first = run(world, stream)
    world.control(
        "POST", "faults", {"path": "*", "method": "PUT", "kind": "status", "status": 403, "times": -1}
    )
    second = run(world, stream, state=first.state)
    assert "stays unread" in caplog.text
    assert keys(second, stream) == keys(first, stream)
    world.control("DELETE", "faults")
    run(world, stream, state=second.state)
    third = run(world, stream)
    assert keys(third, stream) < keys(first, stream)


def test_one_reply_that_is_gone_does_not_keep_the_others(world):
    first = run(world, "sms_inbound")
    world.control(
        "POST",
        "faults",
        {"path": "/sms/inbound-read/*", "method": "PUT", "kind": "status", "status": 404, "times": 1},
    )
    run(world, "sms_inbound", state=first.state)
    assert len(keys(run(world, "sms_inbound"), "sms_inbound")) == 1


def test_so_many_replies_are_marked_in_one_run_at_most(world, monkeypatch):
    monkeypatch.setattr(messages, "MOST_ACKNOWLEDGED", 3)
    first = run(world, "sms_inbound")
    came = sorted((row["timestamp"], row["message_id"]) for row in first.rows("sms_inbound"))
    assert len(came) > 6
    second = run(world, "sms_inbound", state=first.state)
    assert {one["path"] for one in marks(world)} == {f"/sms/inbound-read/{one}" for _, one in came[:3]}
    run(world, "sms_inbound", state=second.state)
    assert len(marks(world)) == 6


def test_a_reply_without_its_id_keeps_a_run_from_marking(world, session):
    """Nobody knows what else that answer lacks."""
    state = run(world, "sms_inbound").state
    page = session.get(world.api_url + "/sms/inbound", params={"limit": 100}, timeout=5).json()
    page["data"]["data"][0] |= {"message_id": None}
    fault = {"path": "/sms/inbound", "method": "GET", "kind": "body", "body": page, "times": 1}
    world.control("POST", "faults", fault)
    run(world, "sms_inbound", state=state)
    assert marks(world) == []


def test_what_grows_too_old_meanwhile_does_not_stop_the_marking(world):
    """Four months of receipts have piled up: the oldest of them vanish each day."""
    world.advance(90 * DAY)
    first = run(world, "sms_receipts")
    world.advance(DAY)
    second = run(world, "sms_receipts", state=first.state)
    assert keys(first, "sms_receipts") - keys(second, "sms_receipts")
    assert marks(world)
    left = len(run(world, "sms_receipts", state=second.state).rows("sms_receipts"))
    assert left < len(second.rows("sms_receipts")) / 5


def test_an_old_receipt_that_nobody_has_seen_stops_the_marking(world):
    world.advance(90 * DAY)
    state = run(world, "sms_receipts").state
    state["bookmarks"]["sms_receipts"]["loaded"]["older"] -= 1
    run(world, "sms_receipts", state=state)
    assert marks(world) == []


@pytest.mark.parametrize("late_by", [0, 3600])
def test_a_receipt_on_the_cut_stops_the_marking(world, monkeypatch, late_by):
    """Whether ClickSend would mark it too is unconfirmed."""
    state = run(world, "sms_receipts").state
    loaded = state["bookmarks"]["sms_receipts"]["loaded"]
    typed = Receipts.parse

    def parse(self, raw_rows):
        *known, last = raw_rows
        cut = seconds_of(loaded["cut"], "")
        late = {**last, "message_id": "late", "timestamp": cut + late_by, "timestamp_send": cut}
        return typed(self, [*known, last, late])

    monkeypatch.setattr(Receipts, "parse", parse)
    run(world, "sms_receipts", state=state)
    assert marks(world) == []


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("maps", [{"__filter__": "False"}, None, "__else__"])
def test_what_a_map_leaves_out_was_not_loaded(world, stream, maps, caplog):
    maps = {"__else__": None} if maps == "__else__" else {stream: maps}
    state = run(world, stream).state
    state = run(world, stream, state=state, stream_maps=maps).state
    assert marks(world) == []
    assert "leaves rows out" in caplog.text
    renamed = {stream: {"came": "timestamp", "timestamp": "__NULL__"}}
    run(world, stream, state=state, stream_maps=renamed)
    assert marks(world)


@pytest.mark.parametrize("stream", STREAMS)
def test_pages_that_shrink_while_they_are_read_mark_nothing(world, monkeypatch, stream):
    state = run(world, stream).state
    monkeypatch.setattr(Unread, "raw_pages", lambda self: _without_some(self, Collection.raw_pages(self)))
    run(world, stream, state=state)
    assert marks(world) == []


def _without_some(stream, pages):
    stream._seen = 0
    for rows in pages:
        stream._seen += len(rows) - 1
        yield rows


@pytest.mark.parametrize("stream", STREAMS)
def test_a_column_left_out_or_files_instead_of_records_are_no_obstacle(world, stream, tmp_path):
    config = {"batch_config": {"encoding": {"format": "jsonl"}, "storage": {"root": tmp_path.as_uri()}}}
    state = run(world, stream, pii="drop", **config).state
    run(world, stream, state=state, pii="drop", **config)
    assert marks(world)


def test_a_column_that_is_not_selected_does_not_stop_the_state(world):
    catalog = catalog_of("sms_receipts")
    (entry,) = (one for one in catalog["streams"] if one["stream"] == "sms_receipts")
    for part in entry["metadata"]:
        if part["breadcrumb"][1:] == ["timestamp"]:
            part["metadata"]["selected"] = False
    state = None
    for _ in range(2):
        output = Output()
        tap = TapClickSend(
            config={"api_url": world.api_url, "acknowledge": True, **CREDENTIALS},
            catalog=catalog,
            state=state,
            message_writer=output,
        )
        tap.sync_all()
        tap.client.close()
        state = output.state
    assert "timestamp" not in output.rows("sms_receipts")[0]
    assert marks(world)


class Killed(BaseException):
    """What no handler holds up."""


class Dying(Output):
    """Dies after some messages."""

    def __init__(self, messages):
        super().__init__()
        self.left = messages

    def write(self, lines):
        for line in bytes(lines).splitlines():
            self.left -= 1
            if self.left < 0:
                raise Killed
            super().write(line)

    def loaded(self):
        """Return the keys of what a loader has committed when it hands a state on, and that state."""
        last = max((n for n, m in enumerate(self.messages) if m["type"] == "STATE"), default=-1)
        rows = [m["record"] for m in self.messages[: last + 1] if m["type"] == "RECORD"]
        return {row.get("receipt_id") or row["message_id"] for row in rows}, self.state or None


@pytest.mark.parametrize("seed", range(budget(2, 30)))
def test_killed_anywhere_nothing_is_marked_that_was_not_loaded(world, twin, monkeypatch, seed):
    rng, put = random.Random(seed), Client.put
    loaded, state = set(), None

    def dying_put(self, *given, **more):
        if rng.random() < 0.05:
            raise Killed
        put(self, *given, **more)
        if rng.random() < 0.05:
            raise Killed

    monkeypatch.setattr(Client, "put", dying_put)
    for box in (world, twin):
        box.control("POST", "switches", {"retention": False, "drift": 0, "poll_rules": rng.choice([1, 2])})
    world.control("POST", "switches", {"drift": rng.choice([0, 60, 900])})
    for _ in range(12):
        output = Dying(rng.choice([10**6, 10**6, rng.randrange(700)]))
        with suppress(Killed):
            run(world, *STREAMS, state=state, output=output, page_size=rng.choice([15, 100]))
        committed, newest = output.loaded()
        loaded |= committed
        state = newest or state
        world.advance(rng.choice([0, 1800, 7200, DAY]))
    world.control("POST", "switches", {"drift": 0})
    assert marks(world)
    twin.control("POST", "clock", {"now": world.state()["now"]})
    for stream in STREAMS:
        there_were = keys(run_tap(twin.api_url, stream), stream)
        unread = keys(run_tap(world.api_url, stream), stream)
        assert there_were - unread <= loaded, stream


def test_a_stop_while_files_are_written_leaves_the_state_behind_them(world, tmp_path):
    """Until its file is announced a row is not loaded, so no state may say so."""
    code = f"""
import json, os, signal, sys
from tap_clicksend.rows import batches
from tap_clicksend.tap import TapClickSend
batches.Batches.flush = lambda self: os.kill(os.getpid(), signal.SIGTERM)
TapClickSend(
    config={{"api_url": {world.api_url!r}, "acknowledge": True, **{CREDENTIALS!r},
        "batch_config": {{"encoding": {{"format": "jsonl"}}, "storage": {{"root": {tmp_path.as_uri()!r}}}}}}},
    catalog=json.load(sys.stdin),
).sync_all()
"""
    catalog = json.dumps(catalog_of("sms_receipts"))
    done = subprocess.run(
        [sys.executable, "-c", code], input=catalog, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    assert '"loaded"' not in done.stdout


def test_a_test_run_marks_nothing(world):
    state = run(world, "sms_inbound").state
    tap = TapClickSend(
        config={"api_url": world.api_url, "acknowledge": True, **CREDENTIALS},
        catalog=catalog_of("sms_inbound"),
        state=state,
        message_writer=Output(),
    )
    assert tap.run_connection_test()
    tap.client.close()
    assert marks(world) == []


def test_rubbish_in_the_state_marks_nothing(world):
    for rubbish in ("x", 7, {"cut": "2026-10-01T00:00:00+00:00"}, ["no such id"]):
        state = {"bookmarks": {name: {"loaded": rubbish} for name in STREAMS}}
        run(world, *STREAMS, state=state)
    assert marks(world) == []


NOW = 1_790_000_000


def receipt(name, age, *, sent=0):
    """Return a receipt that was made so many seconds ago, and its message sent so many seconds before it."""
    about = {"message_id": name, "status_code": "201", "timestamp": NOW - age}
    return about | ({} if sent is None else {"timestamp_send": NOW - age - sent})


def read(receipts, state=None):
    """Run the tap over these receipts; return its state, and what it marked as read before which time."""
    marked = []

    def behave(request):
        if request.startswith("PUT /sms/receipts-read"):
            marked.append(json.loads(request.partition("\r\n\r\n")[2])["date_before"])
            return ok({})
        pager = {"total": len(receipts), "per_page": 100, "current_page": 1, "last_page": 1}
        return ok(pager | {"data": receipts}, f"Date: {formatdate(NOW, usegmt=True)}")

    with serving(behave) as url:
        output = run_tap(url, "sms_receipts", state=state, acknowledge=True)
    assert len(output.rows("sms_receipts")) == len(receipts)
    return output.state, marked


def test_a_receipt_one_of_whose_times_is_unknown_keeps_all_from_being_marked():
    """ClickSend may go by the other."""
    known, unclear = receipt("a", 20 * DAY), receipt("b", 20 * DAY, sent=None)
    untimed = {"message_id": "c", "status_code": "201", "timestamp_send": NOW - 20 * DAY}
    state, marked = read([known])
    assert marked == []
    assert read([known], state)[1]
    for odd in (unclear, untimed):
        assert read([known, odd], state)[1] == []
        later, _ = read([known, odd])
        assert read([known, odd], later)[1] == []


@pytest.mark.parametrize("age", [5 * DAY, 20 * DAY, 60 * DAY, 103 * DAY])
def test_as_many_others_are_no_proof(age):
    """Another consumer has marked ours, and another receipt has come late."""
    state, _ = read([receipt("a", age), receipt("b", age)])
    assert read([receipt("a", age), receipt("c", age)], state)[1] == []
    assert read([receipt("a", age), receipt("b", age)], state)[1] == [NOW - 4 * DAY]


def test_no_receipt_lies_on_the_cut():
    receipts = [receipt("a", 20 * DAY), *(receipt(str(late), 4 * DAY + late) for late in range(3))]
    state, _ = read(receipts)
    assert read(receipts, state)[1] == [NOW - 4 * DAY - 3]
    sent_earlier = [receipt("a", 20 * DAY), receipt("b", 4 * DAY - 60, sent=60)]
    state, _ = read(sent_earlier)
    assert read(sent_earlier, state)[1] == [NOW - 4 * DAY - 1]


class Asked:
    """Takes what is marked as read, one reply after the other."""

    def __init__(self):
        self.paths = []

    def put(self, path):
        self.paths.append(path)

    def map(self, function, items):
        return map(function, items)


def test_an_id_is_one_part_of_a_path_whatever_is_in_it():
    tap = TapClickSend(config={"api_url": "http://127.0.0.1:9/v3", "acknowledge": True, **CREDENTIALS})
    tap.client = Asked()
    odd = "../receipts-read?date_before=9#/\u00fc"
    listed = {odd: 1, "b": 2}
    tap.streams["sms_inbound"].acknowledge([odd, "gone", odd.upper()], listed)
    assert tap.client.paths == ["/sms/inbound-read/..%2Freceipts-read%3Fdate_before%3D9%23%2F%C3%BC"]
    assert listed == {"b": 2}
