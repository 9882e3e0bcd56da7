"""``acknowledge``: as read is marked what the state of an earlier run proves loaded, and nothing else."""

import pytest
from tap_runner import CREDENTIALS, Output, catalog_of, run_tap

from clicksend.sandbox import Sandbox
from tap_clicksend.tap import TapClickSend
from tap_clicksend.times import iso, seconds_of

RECEIPTS = ("sms_receipts", "mms_receipts", "voice_receipts")
STREAMS = ("sms_inbound", *RECEIPTS)


@pytest.fixture(scope="module")
def _world():
    with Sandbox(seed=5, messages=400, contacts=60) as box:
        yield box


@pytest.fixture
def twin():
    with Sandbox(seed=5, messages=400, contacts=60) as box:
        yield box


@pytest.fixture
def world(_world):
    _world.control("POST", "reset")
    return _world


def run(world, *streams, state=None, **config):
    return run_tap(world.api_url, *streams, state=state, acknowledge=True, **config)


def marks(world):
    return [seen for seen in world.requests() if seen["method"] != "GET"]


def keys(output, stream):
    name = "message_id" if stream == "sms_inbound" else "receipt_id"
    return {row[name] for row in output.rows(stream)}


@pytest.mark.parametrize("date_before", ["exclusive", "inclusive"])
@pytest.mark.parametrize("rules", [1, 2])
@pytest.mark.parametrize("stream", STREAMS)
def test_what_a_first_run_loaded_the_second_marks_and_the_third_no_longer_sees(
    world, stream, rules, date_before
):
    world.control("POST", "switches", {"date_before": date_before, "poll_rules": rules})
    first = run(world, stream)
    assert keys(first, stream)
    assert marks(world) == []
    second = run(world, stream, state=first.state)
    assert keys(second, stream) == keys(first, stream)
    assert marks(world)
    third = run(world, stream, state=second.state)
    gone = keys(first, stream) - keys(third, stream)
    assert gone
    # Only what was made within the last hour may still be there.
    late = world.state()["now"] - 3600
    assert all(row["timestamp"] >= iso(late) for row in third.rows(stream))


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
    some = sorted(row["timestamp"] for row in first.rows("sms_receipts"))[3]
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
    with pytest.raises(Exception, match="/sms/inbound"):
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
